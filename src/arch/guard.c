/* SPDX-License-Identifier: MIT */
/*
 * Guards: what makes an overflow fault instead of corrupting a neighbour.
 *
 * THE PROBLEM
 *
 * The classical guard, mprotect(PROT_NONE), splits a mapping in two.  A process
 * may have 65,530 mappings, so the 32,754th stack is the last one, and then
 * malloc and pthread_create fail too, in the whole process.  Runtimes that
 * ignore mprotect's result run the rest of their stacks without guards and
 * tell nobody.
 *
 * THE RULE
 *
 * Four mechanisms, in the order of enum go__guard; each is used until it turns
 * out not to work, and the first use of each is verified: a system call that
 * reads the guard must answer EFAULT.  (The result of madvise is not to be
 * believed: qemu-user answers 0 to every advice.)
 *
 *   BATCH    Linux 6.14: MADV_GUARD_INSTALL marks page-table entries.  No
 *            mapping is split.  One call guards a batch.
 *   ADVISE   Linux 6.13: the same, one call per guard.
 *   PROTECT  everywhere.  Limited to 40 % of vm.max_map_count guards, two
 *            mappings each, so that a fifth of all mappings is left over for
 *            the program.
 *   NONE     -ENOMEM; or, if the user has asked for that, no guard, counted.
 *
 * A mechanism that fails with ENOMEM is not given up: memory may come back.
 * Any other error (EINVAL on locked memory, after mlockall(MCL_FUTURE), say)
 * makes the next one take over for good.
 *
 * WHY NOT ...
 *
 *   ... a canary word, checked at each switch: it notices after the damage.
 *   ... believe the kernel's version: seccomp filters, gVisor and qemu-user
 *       report versions whose calls they do not implement.
 *
 * Guards are never removed: they survive MADV_DONTNEED and fork, and a slot
 * keeps its guard from the first use to the last.
 *
 * TESTS    test_stack_guard.c forces each step down by failing or faking the
 *          calls; test_stack_million.c audits a million guards.
 */
#include "arch/slab.h"

#include "arch/atomic.h"
#include "arch/sanitize.h"
#include "arch/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ADVICE_GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, since Linux 6.13. */

/*
 * All of it: written under the slab's lock only.  Atomic (and relaxed: mere
 * figures) where statistics or go__guard_dontneed read it without.
 */
static _Atomic unsigned mechanism = GO__GUARD_BATCH;
static _Atomic uint64_t made[GO__GUARD_COUNT];
static bool verified[GO__GUARD_COUNT];
static _Atomic bool none_allowed;
static _Atomic uint64_t protect_limit; /* 0: not asked yet. */

/* Whether process_madvise(MADV_DONTNEED) is worth another try. */
static _Atomic bool dontneed_singly;

static uint64_t load(_Atomic uint64_t *counter)
{
	/* relaxed: a figure. */
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void count(unsigned how, unsigned n)
{
	/* relaxed: a figure. */
	atomic_fetch_add_explicit(&made[how], n, memory_order_relaxed);
}

/* Does the kernel fault on p?  1: yes.  0: no.  -errno: cannot tell. */
static int probe(const char *p)
{
	int pair[2];
	ssize_t n;
	int r = go__sys_pipe2(pair, O_CLOEXEC);

	if (r < 0)
		return r;
	n = go__sys_write(pair[1], p, 1);
	go__sys_close(pair[0]);
	go__sys_close(pair[1]);
	return n == -EFAULT;
}

static int install_batch(char *base, size_t stride, unsigned n)
{
	struct iovec v[GO__STACK_BATCH];
	unsigned done = 0;

	/* Valgrind does not know the call, and complains at each one. */
	if (go__sanitize_on_valgrind())
		return -ENOSYS;
	if (n > GO__STACK_BATCH)
		n = GO__STACK_BATCH;
	for (unsigned i = 0; i < n; i++) {
		v[i].iov_base = base + i * stride;
		v[i].iov_len = GO__STACK_GUARD_BYTES;
	}
	/* A short count: the next call tells why, or finishes. */
	while (done < n) {
		ssize_t r = go__sys_process_madvise(v + done, n - done,
						    ADVICE_GUARD_INSTALL);
		size_t slots = (size_t)r / GO__STACK_GUARD_BYTES;

		if (r == -EINTR)
			continue;
		if (r >= 0 && slots == 0)
			r = -EINVAL;
		if (r < 0)
			return done ? (int)done : (int)r;
		done += slots < n - done ? (unsigned)slots : n - done;
	}
	return (int)n;
}

static int install_singly(char *base, size_t stride, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int r = go__sys_madvise(base + i * stride,
					GO__STACK_GUARD_BYTES,
					ADVICE_GUARD_INSTALL);
		if (r < 0)
			return i ? (int)i : r;
	}
	return (int)n;
}

/* 40 % of the mappings that a process may have, two for each guard. */
static uint64_t ask_protect_limit(void)
{
	char text[32];
	long maps = 0;

	if (go__sys_read_file("/proc/sys/vm/max_map_count", text,
			      sizeof(text)) > 0)
		maps = strtol(text, NULL, 10);
	if (maps <= 0)
		maps = 65530;
	return (uint64_t)maps * 4 / 10;
}

static int install_protect(char *base, size_t stride, unsigned n)
{
	uint64_t limit = load(&protect_limit);
	uint64_t used = load(&made[GO__GUARD_PROTECT]);

	if (limit == 0) {
		limit = ask_protect_limit();
		/* relaxed: a figure. */
		atomic_store_explicit(&protect_limit, limit,
				      memory_order_relaxed);
	}
	if (used >= limit)
		return -ENOMEM;
	if (n > limit - used)
		n = (unsigned)(limit - used);
	for (unsigned i = 0; i < n; i++) {
		int r = go__sys_mprotect(base + i * stride,
					 GO__STACK_GUARD_BYTES, PROT_NONE);
		if (r < 0)
			return i ? (int)i : r;
	}
	return (int)n;
}

/* How many slots may be used without a guard. */
static int install_none(unsigned n)
{
	/* relaxed: a switch that needs no order. */
	return atomic_load_explicit(&none_allowed, memory_order_relaxed)
		       ? (int)n
		       : -ENOMEM;
}

static int install_by(unsigned how, char *base, size_t stride, unsigned n)
{
	int r;

	switch (how) {
	case GO__GUARD_BATCH:
		r = install_batch(base, stride, n);
		break;
	case GO__GUARD_ADVISE:
		r = install_singly(base, stride, n);
		break;
	case GO__GUARD_PROTECT:
		r = install_protect(base, stride, n);
		break;
	default:
		return install_none(n);
	}
	if (r <= 0 || verified[how])
		return r;
	switch (probe(base)) {
	case 1:
		verified[how] = true;
		return r;
	case 0:
		return -ENOSYS; /* It has lied. */
	default:
		return -ENOMEM; /* No descriptor to ask with: later. */
	}
}

int go__guard_install(char *base, size_t stride, unsigned n)
{
	/* relaxed: the slab's lock orders all writes and this read. */
	unsigned how = atomic_load_explicit(&mechanism, memory_order_relaxed);
	int r = install_by(how, base, stride, n);

	while (r < 0 && r != -ENOMEM) {
		how++;
		/* relaxed: the same. */
		atomic_store_explicit(&mechanism, how, memory_order_relaxed);
		r = install_by(how, base, stride, n);
	}
	/* Out of mappings: go on without, if that is allowed. */
	if (r < 0 && how == GO__GUARD_PROTECT) {
		how = GO__GUARD_NONE;
		r = install_none(n);
	}
	if (r > 0)
		count(how, (unsigned)r);
	return r;
}

void go__guard_allow_none(bool allow)
{
	/* relaxed: a switch that needs no order. */
	atomic_store_explicit(&none_allowed, allow, memory_order_relaxed);
}

void go__guard_stats(struct go__stack_stats *stats)
{
	/* relaxed: figures. */
	stats->guard = (enum go__guard)atomic_load_explicit(
		&mechanism, memory_order_relaxed);
	for (unsigned i = 0; i < GO__GUARD_COUNT; i++)
		stats->guards[i] = load(&made[i]);
	stats->guard_limit = load(&protect_limit);
}

void go__guard_dontneed(const struct iovec *v, unsigned n)
{
	/* relaxed: a hint that saves a call. */
	bool singly =
		atomic_load_explicit(&dontneed_singly, memory_order_relaxed);

	if (n > 1 && !singly && !go__sanitize_on_valgrind()) {
		ssize_t r = go__sys_process_madvise(v, n, MADV_DONTNEED);
		size_t all = 0;

		for (unsigned i = 0; i < n; i++)
			all += v[i].iov_len;
		if (r >= 0 && (size_t)r == all)
			return;
		/* relaxed: the same hint. */
		atomic_store_explicit(&dontneed_singly, r < 0 && r != -EINTR,
				      memory_order_relaxed);
	}
	/* A failure costs memory for a while, and nothing else. */
	for (unsigned i = 0; i < n; i++)
		go__sys_madvise(v[i].iov_base, v[i].iov_len, MADV_DONTNEED);
}
