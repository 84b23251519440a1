/* SPDX-License-Identifier: MIT */
/*
 * A million parked tasks, each on a guarded stack of its own: what one costs in
 * resident memory, in page tables, and in time to start and park, and to wake
 * and end.
 *
 * The tasks sleep for ever and are woken by being cancelled.  Every run has a
 * process of its own, so that no run finds the memory of another.  The limit
 * is a process that guards as many stack slots and touches one page in each: no
 * stackful task can take less, and most of the time to start one is the
 * kernel's for that.  Where the kernel has no guards that take no mapping
 * (Linux before 6.13) it only touches.
 *
 * usage: parked [RUNS [TASKS]]
 */
#include "bench.h"

#include <errno.h>
#include <gofer/runtime.h>
#include <gofer/time.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SLOT = 256 * 1024,
	GUARD = 64 * 1024,
	GUARD_INSTALL = 102, /* madvise(2) has it since Linux 6.13. */
	BATCH = 64,          /* Slots that are guarded by one call. */
	OURSELVES = -10000,  /* PIDFD_SELF, since Linux 6.14. */
};

/* Per task. */
struct cost {
	double resident, tables; /* bytes */
	double start_ns, wake_ns;
};

static unsigned tasks;
static unsigned parked;

static double grown(long before_kb, const char *file, const char *key)
{
	long kb = bench_proc_kb(getpid(), file, key) - before_kb;

	return (double)kb * 1024 / tasks;
}

/* ---- gofer ------------------------------------------------------------- */

static void *sleeper(void *unused)
{
	(void)unused;
	parked++; /* one worker: no two at a time */
	go_sleep_until(GO_NEVER);
	return NULL;
}

static void *park_all(void *arg)
{
	struct cost *cost = arg;
	go_task *task = calloc(tasks, sizeof *task);
	uint64_t begin;
	long rss, tables;

	if (!task)
		bench_must(-ENOMEM, "handles");
	memset(task, 1, tasks * sizeof *task); /* resident before it counts */
	rss = bench_proc_kb(getpid(), "smaps_rollup", "Rss:");
	tables = bench_proc_kb(getpid(), "status", "VmPTE:");
	begin = bench_now();
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_spawn(&task[i], sleeper, NULL), "spawn");
	while (parked < tasks)
		go_yield();
	cost->start_ns = (double)(bench_now() - begin) / tasks;
	cost->resident = grown(rss, "smaps_rollup", "Rss:");
	cost->tables = grown(tables, "status", "VmPTE:");
	begin = bench_now();
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_cancel(task[i]), "cancel");
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	cost->wake_ns = (double)(bench_now() - begin) / tasks;
	free(task);
	return NULL;
}

static void measure_tasks(void *cost)
{
	go_runtime_options options = {.workers = 1};

	bench_must(go_run_with(&options, park_all, cost, NULL), "run");
}

/* ---- The limit --------------------------------------------------------- */

#ifndef SYS_process_madvise
#define SYS_process_madvise 440 /* The same on every architecture. */
#endif

/* Guard some slots, as well as this kernel can. */
static void guard(char *slot, size_t n)
{
	struct iovec v[BATCH];

	for (size_t i = 0; i < n; i++)
		v[i] = (struct iovec){slot + i * SLOT, GUARD};
	if (syscall(SYS_process_madvise, OURSELVES, v, n, GUARD_INSTALL, 0u) ==
	    (long)(n * GUARD))
		return;
	for (size_t i = 0; i < n; i++)
		(void)madvise(v[i].iov_base, GUARD, GUARD_INSTALL);
}

static void measure_pages(void *arg)
{
	struct cost *cost = arg;
	long rss = bench_proc_kb(getpid(), "smaps_rollup", "Rss:");
	long tables = bench_proc_kb(getpid(), "status", "VmPTE:");
	char *slots = mmap(NULL, (size_t)tasks * SLOT, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t begin = bench_now();

	if (slots == MAP_FAILED)
		bench_must(-errno, "slots");
	madvise(slots, (size_t)tasks * SLOT, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < tasks; i++) {
		if (i % BATCH == 0)
			guard(slots + i * SLOT,
			      tasks - i < BATCH ? tasks - i : BATCH);
		slots[(i + 1) * SLOT - 1] = 1;
	}
	cost->start_ns = (double)(bench_now() - begin) / tasks;
	cost->wake_ns = 0;
	cost->resident = grown(rss, "smaps_rollup", "Rss:");
	cost->tables = grown(tables, "status", "VmPTE:");
}

/* ------------------------------------------------------------------------ */

struct table {
	struct bench_series resident, tables, start, wake, whole;
};

/* A run of fn, into the table. */
static void add(struct table *table, void (*fn)(void *cost))
{
	struct cost cost = {0};

	bench_in_process(fn, &cost, sizeof cost);
	bench_add(&table->resident, cost.resident);
	bench_add(&table->tables, cost.tables);
	bench_add(&table->start, cost.start_ns);
	bench_add(&table->wake, cost.wake_ns);
	bench_add(&table->whole, cost.start_ns + cost.wake_ns);
}

int main(int argc, char **argv)
{
	struct table limit = {
		BENCH_SERIES("a guard and a page", "bytes resident"),
		BENCH_SERIES("a guard and a page", "bytes of page tables"),
		BENCH_SERIES("a guard and a page", "ns to touch"),
		BENCH_SERIES("", ""), BENCH_SERIES("", "")};
	struct table task = {
		BENCH_SERIES("parked task", "bytes resident"),
		BENCH_SERIES("parked task", "bytes of page tables"),
		BENCH_SERIES("parked task", "ns to spawn and park"),
		BENCH_SERIES("parked task", "ns to wake, end and join"),
		BENCH_SERIES("", "")};
	int runs = bench_runs(argc, argv, 5);

	tasks = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
	bench_pin(0);
	for (int i = 0; i < runs && tasks > 0; i++) {
		add(&limit, measure_pages);
		add(&task, measure_tasks);
	}
	printf("%u tasks at once, per task\n", tasks);
	bench_head("");
	bench_row(&limit.resident, NULL);
	bench_row(&task.resident, &limit.resident);
	bench_row(&limit.tables, NULL);
	bench_row(&task.tables, &limit.tables);
	bench_row(&limit.start, NULL);
	bench_row(&task.start, &limit.start);
	bench_row(&task.wake, NULL);
	bench_figure("parked.bytes", 1, &task.resident, &limit.resident);
	bench_figure("parked.tables", 1, &task.tables, &limit.tables);
	bench_figure("parked.time", 1, &task.whole, &limit.whole);
	return 0;
}
