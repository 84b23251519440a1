/* SPDX-License-Identifier: MIT */
/*
 * What the peers' programs in C and C++ share: a clock, and the line that
 * bench/run reads.  They include nothing of gofer.
 */
#ifndef GO_BENCH_PEERS_REPORT_H
#define GO_BENCH_PEERS_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline uint64_t now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return now_of(CLOCK_MONOTONIC);
}

static inline double cpu_s(void)
{
	return (double)now_of(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static inline void figure(const char *key, double value)
{
	printf("figure %s %.6g\n", key, value);
	fflush(stdout);
}

static inline double peak_mb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

/* A value in bytes from /proc/self/FILE. */
static inline double proc_bytes(const char *file, const char *key)
{
	char path[64], line[256];
	double bytes = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/%s", file);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			bytes = strtod(line + strlen(key), NULL) * 1024;
	fclose(f);
	return bytes;
}

/* The sleeps of bench/timers.c, in milliseconds. */
static inline unsigned random_sleep_ms(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return 1 + (unsigned)((*seed >> 33) % 1000);
}

#endif
