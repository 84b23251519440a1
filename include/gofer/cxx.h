/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of C++ in tasks.
 *
 * In a program that has a C++ library when it starts, tasks and raw fibers keep
 * their exceptions over every call that parks, and nothing of this header is
 * needed: `throw;`, std::current_exception() and std::uncaught_exceptions()
 * answer for the task that asks, on whatever thread it is.
 *
 * It is for C programs which load C++ later, by dlopen(): what they load calls
 * go_cxx_attach(), without an argument, before the first of its functions runs
 * in a task or as a fiber.  (In examples/plugin.c the program does it for its
 * plug-ins.)
 *
 * An exception must not leave a function that the library calls: of a task, a
 * fiber, a clean-up handler.  One that leaves a task's ends the program
 * (docs/cxx.md).
 */
#ifndef GOFER_CXX_H
#define GOFER_CXX_H

#include <gofer/base.h>

GO_BEGIN_DECLS

/*
 * Keep the exceptions of a C++ library that was loaded after the program had
 * started, of which `globals` is __cxa_get_globals().  For the process, and for
 * good: the library must stay loaded.  Fibers that exist already are not helped
 * any more.
 *
 * C++ calls it without an argument, for the library that it is linked with.
 *
 * Returns  0, also if that library was known; -EINVAL (globals is null);
 *          -EBUSY (another C++ library is known: one is all there can be, and
 *          code that uses this one must not park while it handles exceptions).
 * Context  any.
 * Parks    never.
 */
GO_API int go_cxx_attach(void *(*globals)(void));
#ifdef __cplusplus
extern "C++" inline int go_cxx_attach()
{
	/* Not declared by every <cxxabi.h>, nor alike by those that do. */
#ifdef __APPLE__
	void *globals(void) __asm__("___cxa_get_globals");
#else
	void *globals(void) __asm__("__cxa_get_globals");
#endif

	return go_cxx_attach(globals);
}
#endif

GO_END_DECLS

#endif
