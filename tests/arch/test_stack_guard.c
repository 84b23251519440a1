/* SPDX-License-Identifier: MIT */
/*
 * Every guard is real, whatever the kernel offers: each mechanism is taken away
 * in turn, by failing its calls or by letting them lie, and the next one must
 * take over.  A guard counts as real if the kernel itself faults on it.
 */
#include "test.h"

#include "arch/stack.h"
#include "arch/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the hook answers for a call, by number; 0: let it through. */
static int answer[GO__SYS_CALL_COUNT];

static int hook(enum go__sys_call call)
{
	return answer[call];
}

static void install_hook(void)
{
	go__sys_hook = hook;
}

static bool faults(const char *p)
{
	int pair[2];
	ssize_t n;

	cr_assert_eq(pipe(pair), 0);
	n = write(pair[1], p, 1);
	cr_assert(n == 1 || errno == EFAULT);
	close(pair[0]);
	close(pair[1]);
	return n != 1;
}

/* Take stacks, check their guards, return the mechanism. */
static enum go__guard take(unsigned n, bool guarded)
{
	struct go__stack_stats stats;
	struct go__stack_cache cache = {0};

	for (unsigned i = 0; i < n; i++) {
		char *slot;

		if (cache.n == 0)
			cr_assert_eq(go__stack_refill(&cache), 0);
		slot = go__stack_pop(&cache);
		cr_assert_eq(faults(slot), guarded);
		cr_assert_eq(faults(slot + GO__STACK_GUARD_BYTES - 1), guarded);
		cr_assert_not(faults(go__stack_low(slot, 18)));
	}
	go__stack_stats(&stats);
	return stats.guard;
}

/* Does the kernel we run on have MADV_GUARD_INSTALL, and tell the truth? */
static bool kernel_has_guards(bool batch)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v = {p, page};
	bool has;

	if (batch)
		has = go__sys_process_madvise(&v, 1, 102) == (ssize_t)page;
	else
		has = madvise(p, page, 102) == 0;
	has = has && faults(p);
	munmap(p, page);
	return has;
}

static enum go__guard best(void)
{
	if (kernel_has_guards(true))
		return GO__GUARD_BATCH;
	return kernel_has_guards(false) ? GO__GUARD_ADVISE : GO__GUARD_PROTECT;
}

Test(guard, the_best_mechanism_is_used, .timeout = 20)
{
	cr_assert_eq(take(50, true), best());
}

Test(guard, without_process_madvise, .timeout = 20, .init = install_hook)
{
	answer[GO__SYS_process_madvise] = -ENOSYS;
	cr_assert_eq(take(50, true), kernel_has_guards(false)
					     ? GO__GUARD_ADVISE
					     : GO__GUARD_PROTECT);
}

Test(guard, with_a_process_madvise_that_lies, .timeout = 20,
     .init = install_hook)
{
	answer[GO__SYS_process_madvise] = INT_MAX;
	cr_assert_eq(take(50, true), kernel_has_guards(false)
					     ? GO__GUARD_ADVISE
					     : GO__GUARD_PROTECT);
}

Test(guard, without_guard_install, .timeout = 20, .init = install_hook)
{
	answer[GO__SYS_process_madvise] = -EINVAL;
	answer[GO__SYS_madvise] = -EINVAL;
	cr_assert_eq(take(50, true), GO__GUARD_PROTECT);
}

Test(guard, with_a_madvise_that_lies, .timeout = 20, .init = install_hook)
{
	answer[GO__SYS_process_madvise] = -ENOSYS;
	answer[GO__SYS_madvise] = 1;
	cr_assert_eq(take(50, true), GO__GUARD_PROTECT);
}

Test(guard, taken_away_later, .timeout = 20, .init = install_hook)
{
	cr_assert_eq(take(10, true), best());
	answer[GO__SYS_process_madvise] = -EINVAL;
	answer[GO__SYS_madvise] = -EINVAL;
	cr_assert_eq(take(50, true), GO__GUARD_PROTECT);
}

Test(guard, out_of_memory_is_no_reason_to_give_up, .timeout = 20,
     .init = install_hook)
{
	struct go__stack_cache cache = {0};

	answer[GO__SYS_process_madvise] = -ENOMEM;
	answer[GO__SYS_madvise] = -ENOMEM;
	if (best() != GO__GUARD_PROTECT)
		cr_assert_eq(go__stack_refill(&cache), -ENOMEM);
	answer[GO__SYS_process_madvise] = 0;
	answer[GO__SYS_madvise] = 0;
	cr_assert_eq(take(10, true), best());
}

Test(guard, no_descriptor_to_verify_with, .timeout = 20, .init = install_hook)
{
	struct go__stack_cache cache = {0};

	answer[GO__SYS_pipe2] = -EMFILE;
	cr_assert_eq(go__stack_refill(&cache), -ENOMEM);
	answer[GO__SYS_pipe2] = 0;
	cr_assert_eq(take(10, true), best());
}

/* ---- what it verifies with ---- */

enum {
	NUMBERS = 64
};

static bool inherited[NUMBERS];
static unsigned writes, left_open;

/* Would exec leave it open? */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

static int look_at_write(enum go__sys_call call)
{
	if (call != GO__SYS_write)
		return 0;
	writes++;
	for (int fd = 0; fd < NUMBERS; fd++)
		left_open += is_inherited(fd) && !inherited[fd];
	return 0;
}

/* It lasts for a moment only: whoever starts a program then must not pass it
 * on. */
Test(guard, verifies_with_a_pipe_that_exec_closes, .timeout = 20)
{
	for (int fd = 0; fd < NUMBERS; fd++)
		inherited[fd] = is_inherited(fd);
	go__sys_hook = look_at_write;
	take(10, true);
	if (best() != GO__GUARD_PROTECT)
		cr_assert_gt(writes, 0);
	cr_assert_eq(left_open, 0);
}

/* ---- where nothing works ---- */

static void nothing_works(void)
{
	install_hook();
	answer[GO__SYS_process_madvise] = -ENOSYS;
	answer[GO__SYS_madvise] = -EINVAL;
}

/* mprotect is what commits the slab as well, so the budget is exhausted. */
static unsigned exhaust(void)
{
	struct go__stack_cache cache = {0};
	unsigned n = 0;
	int r;

	while ((r = go__stack_refill(&cache)) == 0) {
		n += cache.n;
		cache.n = 0;
	}
	cr_assert_eq(r, -ENOMEM);
	return n;
}

Test(guard, refused_at_the_budget, .timeout = 60, .init = nothing_works)
{
	struct go__stack_stats stats;
	struct go__stack_cache cache = {0};
	unsigned n = exhaust();
	void *p[100];

	go__stack_stats(&stats);
	cr_assert_eq(n, stats.guards[GO__GUARD_PROTECT]);
	cr_assert_eq(stats.guards[GO__GUARD_NONE], 0);
	cr_assert_eq(n, stats.guard_limit);
	/* The rest of the process goes on. */
	for (int i = 0; i < 100; i++)
		cr_assert_not_null(p[i] = malloc(1 << 20));
	for (int i = 0; i < 100; i++)
		free(p[i]);

	go__stack_allow_unguarded(true);
	cr_assert_eq(go__stack_refill(&cache), 0);
	cr_assert_not(faults(go__stack_pop(&cache)));
	go__stack_stats(&stats);
	cr_assert_gt(stats.guards[GO__GUARD_NONE], 0);
}

Test(guard, recycled_beyond_the_budget, .timeout = 60, .init = nothing_works)
{
	struct go__stack s;

	cr_assert_eq(go__stack_alloc(0, &s), 0);
	exhaust();
	go__stack_free(s);
	cr_assert_eq(go__stack_alloc(0, &s), 0);
	cr_assert(faults(s.slot), "its guard is still there");
}
