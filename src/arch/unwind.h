/* SPDX-License-Identifier: MIT */
/*
 * Who has called whom, down to the end of a stack.
 *
 * It is the compiler's unwinder that walks, the one that exceptions have, by
 * the tables that every function comes with.  Where there is none, or it does
 * not link (GO_NO_UNWIND; CMakeLists.txt finds out), nothing walks.
 *
 * IN A SIGNAL HANDLER  An unwinder has to find out which table is about an
 * address.  That of gcc 12 and later asks glibc 2.35 and later, by
 * _dl_find_object(), which takes no lock.  Other C libraries are asked by
 * dl_iterate_phdr(), and so is any by older unwinders and LLVM's, under a lock
 * of the dynamic linker's: a handler then waits while another thread loads a
 * library, and for ever if it has interrupted its own thread in that.  Tables
 * that a program registers at run time (__register_frame(), for code that it
 * makes itself) are looked up under a lock of the unwinder's.  The first walk
 * of a process may set things up, for which the unwinder has a lock, and has
 * the dynamic linker look its functions up: so it is not made in a handler, but
 * by go__unwind_begin().
 *
 * WHAT IT RELIES ON  is that tables are right at every instruction, as those
 * are that compilers write (-fasynchronous-unwind-tables, the default on
 * x86-64 and aarch64), and ours are in the .S files.  Code without any is where
 * the walk ends.  Assembly whose tables are wrong may lead it astray, as it
 * would a debugger; but it is the program that crashes then.
 *
 * Such is glibc's, at the place where a function is looked up at its first call
 * (_dl_runtime_resolve, 2.36): for aarch64, where 16 bytes that the caller's
 * PLT has pushed are not counted, and for riscv64, whose table says of no
 * instruction there that the stack pointer has moved, so that a walk goes in
 * circles.  So there a walk ends in the dynamic linker.
 */
#ifndef GO_ARCH_UNWIND_H
#define GO_ARCH_UNWIND_H

#include <stdbool.h>

/* Can stacks be walked here?  Then the first walk has been made. */
bool go__unwind_begin(void);

/*
 * In a handler: addresses in the functions that the signal has interrupted, the
 * innermost first.  Returns how many, at most `most`.  The first is where it
 * was, the others are where calls return to.  If nothing tells where the
 * handler ends, as with ThreadSanitizer, which calls handlers itself, its own
 * frames are the first.
 */
unsigned go__unwind(void **frame, unsigned most);

/*
 * Write a line for each: which module it is in, and where, as far as the C
 * library says.  Takes no lock, but for one of the dynamic linker's with glibc
 * before 2.35 and on macOS.  Allocates nothing.  A module that is being
 * unloaded meanwhile may be read when it is gone.
 */
void go__unwind_print(int fd, void *const *frame, unsigned n);

#endif
