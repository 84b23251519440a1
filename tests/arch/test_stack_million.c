/* SPDX-License-Identifier: MIT */
/*
 * One million stacks at once, each with a real guard, in a few mappings, and
 * the rest of the process does not notice.
 *
 * The guards are audited through /proc/self/pagemap, whose bit 58 marks guard
 * pages: nothing is touched, so the test needs page tables (half a gigabyte)
 * and no stack memory.  Where the kernel has no such guards there is no million
 * of stacks to be had, and the case is skipped.
 *
 * What this cannot show: a million running tasks, which is a benchmark.
 */
#include "test.h"

#include "support.h"

#include "arch/stack.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_BIT (UINT64_C(1) << 58)

enum {
	GUARD_PAGES = GO__STACK_GUARD_BYTES / 4096,
	SLOT_PAGES = (1 << GO__STACK_DEFAULT_CLASS) / 4096,
};

static char **slots;
static size_t count;

static void take(size_t n)
{
	struct go__stack_cache cache = {0};

	slots = realloc(slots, n * sizeof(*slots));
	cr_assert_not_null(slots);
	while (count < n) {
		if (cache.n == 0)
			cr_assert_eq(go__stack_refill(&cache), 0, "at %zu",
				     count);
		slots[count++] = go__stack_pop(&cache);
	}
}

/* The 16 lowest pages of a slot are guards, and the one above is not. */
static void audit(int pagemap, const char *slot)
{
	uint64_t entry[SLOT_PAGES];
	off_t at = (off_t)((uintptr_t)slot / 4096 * sizeof(entry[0]));

	cr_assert_eq(pread(pagemap, entry, sizeof(entry), at), sizeof(entry));
	for (unsigned i = 0; i < SLOT_PAGES; i++)
		if (!(entry[i] & GUARD_BIT) != (i >= GUARD_PAGES))
			cr_assert_fail("page %u of slot %p: %#llx", i,
				       (const void *)slot,
				       (unsigned long long)entry[i]);
}

static unsigned count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned lines = 0;
	int c;

	cr_assert_not_null(maps);
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

static void *run(void *arg)
{
	return arg;
}

static void use_the_rest_of_the_process(void)
{
	void *p[200];

	for (int i = 0; i < 200; i++) {
		cr_assert_not_null(p[i] = malloc(1 << 20));
		memset(p[i], i, 4096);
	}
	for (int i = 0; i < 200; i++)
		free(p[i]);
	for (int i = 0; i < 200; i++) {
		p[i] = mmap(NULL, 1 << 16, i % 2 ? PROT_READ : PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		cr_assert_neq(p[i], MAP_FAILED);
	}
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
}

static bool marks_guards(int pagemap)
{
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)slots[0] / 4096 * sizeof(entry));

	return pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry) &&
	       entry & GUARD_BIT;
}

Test(stack_million, all_are_guarded, .timeout = 280)
{
	size_t n = test_rounds(1000000);
	unsigned before = count_mappings();
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct go__stack_stats stats;

	take(1);
	go__stack_stats(&stats);
	if (stats.guard == GO__GUARD_PROTECT || pagemap < 0 ||
	    !marks_guards(pagemap))
		cr_skip_test("no MADV_GUARD_INSTALL, or pagemap hides it");
	take(n);
	for (size_t i = 0; i < count; i++)
		audit(pagemap, slots[i]);
	go__stack_stats(&stats);
	cr_assert_eq(stats.guards[GO__GUARD_NONE], 0);
	cr_assert_eq(stats.guards[GO__GUARD_PROTECT], 0);
	cr_assert_geq(stats.guards[GO__GUARD_BATCH] +
			      stats.guards[GO__GUARD_ADVISE],
		      n);
	/* Two mappings a region, two for its words, some of libc's arenas. */
	cr_assert_leq(count_mappings(),
		      before + 4 * (unsigned)stats.regions + 30);
	use_the_rest_of_the_process();
	close(pagemap);
}
