/* SPDX-License-Identifier: MIT */
/*
 * A million tasks, each of which sleeps once for 1 to 1000 ms: CPU seconds of
 * the process, megabytes at its peak, and how late the slowest of a hundred
 * woke.  Then the same once more in the same process, on stacks that are there.
 *
 * The limit is a floor: a touched page for each of as many stacks, and as many
 * times put into a binary heap and taken out when they have come, in a process
 * of its own.  On one CPU.
 *
 * usage: timers [RUNS [TASKS]]
 */
#include "bench.h"
#include "histogram.h"

#include <gofer/runtime.h>
#include <gofer/time.h>
#include <sys/mman.h>

enum {
	SLOT = 256 * 1024,
	LONGEST_MS = 1000
};

static unsigned tasks;

struct cost {
	double cold_s, warm_s, peak_mb, late_ms;
};

/* The same sleeps in every run, in nanoseconds. */
static uint64_t random_sleep(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (1 + (*seed >> 33) % LONGEST_MS) * 1000000;
}

/* ---- gofer --------------------------------------------------------------- */

static struct histogram late;

static void *sleeper(void *arg)
{
	uint64_t ns = (uintptr_t)arg, due = bench_now() + ns, now;

	bench_must(go_sleep((int64_t)ns), "sleep");
	now = bench_now();
	histogram_record(&late, now > due ? now - due : 0);
	return NULL;
}

static double round_of_sleeps(go_task *task)
{
	uint64_t seed = 1, cpu = bench_cpu();

	histogram_clear(&late);
	for (unsigned i = 0; i < tasks; i++)
		bench_must(
			go_task_spawn(&task[i], sleeper,
				      (void *)(uintptr_t)random_sleep(&seed)),
			"spawn");
	for (unsigned i = 0; i < tasks; i++)
		bench_must(go_task_join(task[i], NULL), "join");
	return (double)(bench_cpu() - cpu) / 1e9;
}

static void *sleep_twice(void *arg)
{
	struct cost *cost = arg;
	go_task *task = malloc(tasks * sizeof *task);

	if (!task)
		bench_must(-ENOMEM, "handles");
	cost->cold_s = round_of_sleeps(task);
	cost->late_ms = (double)histogram_quantile(&late, 0.99) / 1e6;
	cost->warm_s = round_of_sleeps(task);
	free(task);
	return NULL;
}

static void measure_tasks(void *cost)
{
	go_runtime_options options = {.workers = 1};

	bench_must(go_run_with(&options, sleep_twice, cost, NULL), "run");
	((struct cost *)cost)->peak_mb = bench_peak_mb();
}

/* ---- The floor ----------------------------------------------------------- */

struct heap {
	uint64_t *due;
	unsigned n;
};

static void heap_push(struct heap *h, uint64_t due)
{
	unsigned i = h->n++;

	for (; i > 0 && h->due[(i - 1) / 2] > due; i = (i - 1) / 2)
		h->due[i] = h->due[(i - 1) / 2];
	h->due[i] = due;
}

static void heap_pop(struct heap *h)
{
	uint64_t last = h->due[--h->n];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->due[child + 1] < h->due[child])
			child++;
		if (last <= h->due[child])
			break;
		h->due[i] = h->due[child];
		i = child;
	}
	h->due[i] = last;
}

static double round_of_times(struct heap *h, char *slots)
{
	uint64_t seed = 1, cpu = bench_cpu(), now;

	for (size_t i = 1; i <= tasks; i++) {
		slots[i * SLOT - 1] = 1;
		heap_push(h, bench_now() + random_sleep(&seed));
	}
	while (h->n > 0) {
		now = bench_now();
		if (h->due[0] <= now) {
			heap_pop(h);
		} else {
			struct timespec t = {.tv_nsec =
						     (long)(h->due[0] - now)};

			nanosleep(&t, NULL);
		}
	}
	return (double)(bench_cpu() - cpu) / 1e9;
}

static void measure_floor(void *arg)
{
	struct cost *cost = arg;
	struct heap heap = {.due = malloc(tasks * sizeof(uint64_t))};
	char *slots = mmap(NULL, (size_t)tasks * SLOT, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (slots == MAP_FAILED || !heap.due)
		bench_must(-ENOMEM, "slots");
	madvise(slots, (size_t)tasks * SLOT, MADV_NOHUGEPAGE);
	cost->cold_s = round_of_times(&heap, slots);
	cost->warm_s = round_of_times(&heap, slots);
	cost->peak_mb = bench_peak_mb();
	free(heap.due);
}

/* -------------------------------------------------------------------------- */

struct table {
	struct bench_series cold, warm, peak, late;
};

static void add(struct table *table, void (*fn)(void *cost))
{
	struct cost cost = {0};

	bench_in_process(fn, &cost, sizeof cost);
	bench_add(&table->cold, cost.cold_s);
	bench_add(&table->warm, cost.warm_s);
	bench_add(&table->peak, cost.peak_mb);
	bench_add(&table->late, cost.late_ms);
}

int main(int argc, char **argv)
{
	struct table floor = {
		BENCH_SERIES("the floor, first round", "s of CPU"),
		BENCH_SERIES("the floor, second round", "s of CPU"),
		BENCH_SERIES("the floor", "MB at the peak"),
		BENCH_SERIES("", "")};
	struct table task = {BENCH_SERIES("tasks, first round", "s of CPU"),
			     BENCH_SERIES("tasks, second round", "s of CPU"),
			     BENCH_SERIES("tasks", "MB at the peak"),
			     BENCH_SERIES("lateness, 99th percentile", "ms")};
	int runs = bench_runs(argc, argv, 5);

	tasks = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
	bench_pin(0);
	for (int i = 0; i < runs && tasks > 0; i++) {
		add(&floor, measure_floor);
		add(&task, measure_tasks);
	}
	printf("%u tasks sleep for 1 to %d ms\n", tasks, LONGEST_MS);
	bench_head("");
	bench_row(&floor.cold, NULL);
	bench_row(&task.cold, &floor.cold);
	bench_row(&floor.warm, NULL);
	bench_row(&task.warm, &floor.warm);
	bench_row(&floor.peak, NULL);
	bench_row(&task.peak, &floor.peak);
	bench_row(&task.late, NULL);
	bench_figure("timers.cold", 1, &task.cold, &floor.cold);
	bench_figure("timers.warm", 1, &task.warm, &floor.warm);
	bench_figure("timers.peak", 1, &task.peak, &floor.peak);
	bench_figure("timers.late", 1, &task.late, NULL);
	return 0;
}
