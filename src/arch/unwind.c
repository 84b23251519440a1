/* SPDX-License-Identifier: MIT */
/* Walks over stacks; see unwind.h. */
#include "arch/unwind.h"

#include <stdint.h> /* And so, with glibc, its macro. */

#include "arch/text.h"

#ifndef GO_NO_UNWIND
#include <unwind.h>
#if defined(__GLIBC__) && (defined(__aarch64__) || defined(__riscv))
#define LINKER_MISLEADS 1
#include <link.h>
#include <sys/auxv.h>
#endif
#endif

#ifdef __GLIBC__
#include <dlfcn.h> /* And so its macro, where there is _dl_find_object(). */
#endif
#ifdef DLFO_STRUCT_HAS_EH_DBASE
#include <errno.h>
#include <link.h>
#elif defined(__GLIBC__) || defined(__APPLE__)
#include <execinfo.h>
#define HAVE_NAMES 1
#endif

#ifdef GO_NO_UNWIND
bool go__unwind_begin(void)
{
	return false;
}

unsigned go__unwind(void **frame, unsigned most)
{
	(void)frame;
	(void)most;
	return 0;
}
#else
/* ---- the dynamic linker, where it misleads: see unwind.h ---- */

#ifdef LINKER_MISLEADS
/* Set by go__unwind_begin(), always to the same. */
static uintptr_t linker, linker_end;

static void find_linker(void)
{
	uintptr_t base = getauxval(AT_BASE), end = 0;
	const ElfW(Ehdr) *file = (const void *)base;
	const ElfW(Phdr) * part;

	if (!base || linker)
		return;
	part = (const void *)(base + file->e_phoff);
	for (unsigned i = 0; i < file->e_phnum; i++)
		if (part[i].p_type == PT_LOAD &&
		    part[i].p_vaddr + part[i].p_memsz > end)
			end = part[i].p_vaddr + part[i].p_memsz;
	linker_end = base + end;
	linker = base;
}

static bool misleads(const void *at)
{
	return (uintptr_t)at - linker < linker_end - linker;
}
#else
static void find_linker(void)
{
}

static bool misleads(const void *at)
{
	(void)at;
	return false;
}
#endif

/* ---- the walk ---- */

struct walk {
	void **frame;
	unsigned most, n;
	bool interrupted; /* The handler's own frames are behind us. */
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	int is_exact = 0;
	void *at = (void *)_Unwind_GetIPInfo(context, &is_exact);

	/* Only what a signal has interrupted is not in a call. */
	if (is_exact && !walk->interrupted) {
		walk->interrupted = true;
		walk->n = 0;
	}
	if (!at || walk->n == walk->most)
		return _URC_END_OF_STACK;
	walk->frame[walk->n++] = at;
	return misleads(at) ? _URC_END_OF_STACK : _URC_NO_REASON;
}

unsigned go__unwind(void **frame, unsigned most)
{
	struct walk walk = {.frame = frame, .most = most};

	(void)_Unwind_Backtrace(visit, &walk);
	return walk.n;
}

bool go__unwind_begin(void)
{
	void *frame[4];

	find_linker();
	return go__unwind(frame, sizeof(frame) / sizeof(frame[0])) != 0;
}
#endif

#ifdef HAVE_NAMES
void go__unwind_print(int fd, void *const *frame, unsigned n)
{
	backtrace_symbols_fd(frame, (int)n, fd);
}
#else
#ifdef DLFO_STRUCT_HAS_EH_DBASE
/* As backtrace_symbols_fd() does it, which has a lock for that: a hog that it
 * tells of may be in dlopen(). */
static void put_frame(struct go__text *x, void *at)
{
	struct dl_find_object object;

	if (_dl_find_object(at, &object) == 0) {
		const struct link_map *map = object.dlfo_link_map;

		/* The program itself has no name there. */
		go__text_put(x, map->l_name && *map->l_name
					? map->l_name
					: program_invocation_name);
		go__text_put(x, "(+");
		go__text_number(x, (uintptr_t)at - map->l_addr, 16);
		go__text_put(x, ")");
	}
	go__text_put(x, "[");
	go__text_number(x, (uintptr_t)at, 16);
	go__text_put(x, "]\n");
}
#else
static void put_frame(struct go__text *x, void *at)
{
	go__text_number(x, (uintptr_t)at, 16);
	go__text_char(x, '\n');
}
#endif

void go__unwind_print(int fd, void *const *frame, unsigned n)
{
	struct go__text x;

	go__text_init(&x, fd);
	for (unsigned i = 0; i < n; i++)
		put_frame(&x, frame[i]);
	(void)go__text_flush(&x);
}
#endif
