/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark shares: clocks, pinning, series of runs, and the table.
 *
 * A benchmark measures two things by turns, gofer and the hand-written limit,
 * RUNS times each in one process, because absolute times drift on shared
 * machines and the ratio of neighbours does not.  It prints the median with
 * the smallest and the greatest run, and the ratio of the medians.
 */
#ifndef GO_BENCH_BENCH_H
#define GO_BENCH_BENCH_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BENCH_MAX_RUNS = 64
};

/* The results of one variant, one value a run. */
struct bench_series {
	const char *name;
	const char *unit;
	int runs;
	double value[BENCH_MAX_RUNS];
};

#define BENCH_SERIES(what, in)                                                 \
	{                                                                      \
		.name = what, .unit = in                                       \
	}

static inline uint64_t bench_clock(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

/* CPU time of the whole process, all threads, user and system. */
static inline uint64_t bench_cpu(void)
{
	return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/*
 * Keep this thread, and those that it starts, on one of the CPUs that it may
 * use now: the nth, counted from 0, or the last where there are fewer.
 */
static inline void bench_pin(int nth)
{
	cpu_set_t may, one;
	int chosen = -1;

	if (sched_getaffinity(0, sizeof may, &may) < 0)
		return;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && nth >= 0; cpu++)
		if (CPU_ISSET(cpu, &may)) {
			chosen = (int)cpu;
			nth--;
		}
	if (chosen < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET((unsigned)chosen, &one);
	if (sched_setaffinity(0, sizeof one, &one) < 0)
		perror("bench: cannot pin to a CPU, results will be noisier");
}

static inline void bench_add(struct bench_series *s, double value)
{
	if (s->runs < BENCH_MAX_RUNS)
		s->value[s->runs++] = value;
}

static inline int bench_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the series; its order of arrival is lost. */
static inline double bench_median(struct bench_series *s)
{
	if (s->runs == 0)
		return 0;
	qsort(s->value, (size_t)s->runs, sizeof s->value[0], bench_order);
	if (s->runs % 2)
		return s->value[s->runs / 2];
	return (s->value[s->runs / 2 - 1] + s->value[s->runs / 2]) / 2;
}

static inline void bench_head(const char *title)
{
	printf("%-44s %10s %10s %10s\n", title, "median", "min", "max");
}

/* One row of the table; with a limit, its ratio to the limit's median. */
static inline void bench_row(struct bench_series *s, struct bench_series *limit)
{
	double median = bench_median(s);
	char name[64];

	snprintf(name, sizeof name, "  %s, %s", s->name, s->unit);
	printf("%-44s %10.2f %10.2f %10.2f", name, median, s->value[0],
	       s->value[s->runs - 1]);
	if (limit && bench_median(limit) > 0)
		printf("   x %.2f", median / bench_median(limit));
	printf("\n");
	fflush(stdout);
}

/*
 * For bench/run, which asks for it with BENCH_FIGURES: what a row says, in the
 * unit that bench/figures has for the key, so many times the row's.
 */
static inline void bench_figure(const char *key, double scale,
				struct bench_series *ours,
				struct bench_series *limit)
{
	if (!getenv("BENCH_FIGURES"))
		return;
	printf("figure %s gofer %.6g\n", key, scale * bench_median(ours));
	if (limit)
		printf("figure %s limit %.6g\n", key,
		       scale * bench_median(limit));
	fflush(stdout);
}

/* End the program if a call of the library failed. */
static inline void bench_must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-result));
	exit(1);
}

/*
 * The number of runs: the program's first argument, else `standard`.  Fewer
 * than five say little; a smoke test may ask for one.
 */
static inline int bench_runs(int argc, char **argv, int standard)
{
	int runs = argc > 1 ? atoi(argv[1]) : standard;

	if (runs < 1)
		runs = 1;
	return runs < BENCH_MAX_RUNS ? runs : BENCH_MAX_RUNS;
}

/* A value in kB from /proc/PID/FILE, such as "VmRSS:"; -1 without it. */
static inline long bench_proc_kb(long pid, const char *file, const char *key)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/%s", pid, file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (kb < 0 && fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			kb = strtol(line + strlen(key), NULL, 10);
	fclose(f);
	return kb;
}

/* The most memory that this process has had resident so far, in MB. */
static inline double bench_peak_mb(void)
{
	return (double)bench_proc_kb(getpid(), "status", "VmHWM:") / 1024;
}

/*
 * Have fn fill *result, of so many bytes, in a process of its own, which finds
 * nobody's memory and whose peak is its own.  Ends us if that process fails.
 */
static inline void bench_in_process(void (*fn)(void *result), void *result,
				    size_t bytes)
{
	int ends[2], status = 1;
	pid_t child;

	if (pipe(ends) < 0)
		bench_must(-errno, "pipe");
	fflush(stdout);
	child = fork();
	if (child < 0)
		bench_must(-errno, "process");
	if (child == 0) {
		fn(result);
		_exit(write(ends[1], result, bytes) != (ssize_t)bytes);
	}
	close(ends[1]);
	if (read(ends[0], result, bytes) != (ssize_t)bytes)
		status = -1;
	close(ends[0]);
	if (status < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		bench_must(-ECHILD, "a run failed");
}

#endif
