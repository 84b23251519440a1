/* SPDX-License-Identifier: MIT */
/* How many processors the process may use. */
#include "arch/cpu.h"

#include "arch/cgroup.h"
#include "arch/sys.h"

#include <errno.h>
#include <unistd.h>

#ifdef __linux__
/*
 * The affinity mask, not the number of processors: taskset, cgroup cpusets and
 * container managers narrow it.  The kernel refuses a mask smaller than its
 * own, so the size doubles until it fits.
 */
static long affinity(void)
{
	for (unsigned cpus = 1024; cpus <= 1u << 20; cpus *= 2) {
		size_t bytes = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *set = go__sys_calloc(1, bytes);
		int r, count;

		if (!set)
			return 0;
		r = go__sys_sched_getaffinity(0, bytes, set);
		count = r < 0 ? 0 : CPU_COUNT_S(bytes, set);
		go__sys_free(set);
		if (r != -EINVAL)
			return count;
	}
	return 0;
}
#else
static long affinity(void)
{
	return 0;
}
#endif

unsigned go__cpu_count_below(const char *root)
{
	long n = affinity();
	unsigned quota = go__cgroup_cpus(root);

	if (n < 1)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return (unsigned)n < quota ? (unsigned)n : quota;
}

unsigned go__cpu_count(void)
{
	return go__cpu_count_below("");
}
