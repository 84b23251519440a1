/* SPDX-License-Identifier: MIT */
/*
 * The processor quota of control groups, from files of our own making: both
 * versions, nested groups, containers that see more than they have, and files
 * that are missing, odd or cannot be read.
 *
 * It cannot show that a kernel writes its files so; the forms are those of
 * Linux 3.10 to 6.12 (cgroups(7), proc_pid_mountinfo(5)).
 */
#include "arch/cgroup.h"
#include "arch/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"
#include "test.h"

#define GROUP "/proc/self/cgroup"
#define MOUNT "/proc/self/mountinfo"
#define V1    "/sys/fs/cgroup/cpu,cpuacct"
#define V2    "/sys/fs/cgroup"

static char root[64];

static void make_root(void)
{
	strcpy(root, "/tmp/test_cgroup.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

/* What it holds is ours, and paths in it have no blanks but where meant. */
static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	cr_assert_eq(system(command), 0);
}

static void put(const char *path, const char *text)
{
	char name[PATH_MAX];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		cr_assert(mkdir(name, 0777) == 0 || errno == EEXIST);
		*at = '/';
	}
	f = fopen(name, "w");
	cr_assert_not_null(f, "%s", name);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

static unsigned cpus(void)
{
	return go__cgroup_cpus(root);
}

static const unsigned none = GO__CGROUP_UNLIMITED;

#define CASE(name)                                                             \
	Test(cgroup, name, .timeout = 60, .init = make_root,                   \
	     .fini = remove_root)

CASE(nothing_is_there)
{
	cr_assert_eq(cpus(), none);
	put(GROUP, "");
	cr_assert_eq(cpus(), none);
	put(GROUP, "0::/a\n");
	cr_assert_eq(cpus(), none);
	put(MOUNT, "");
	cr_assert_eq(cpus(), none);
}

/* ---- version 2 ---- */

static void second_version(const char *group)
{
	char line[128];

	snprintf(line, sizeof(line), "0::%s\n", group);
	put(GROUP, line);
	put(MOUNT, "21 1 0:5 / /proc rw - proc proc rw\n"
		   "24 21 0:22 / " V2 " rw shared:4 - cgroup2 cgroup2 rw\n");
}

struct quota {
	const char *text;
	unsigned cpus;
};

CASE(a_quota_is_rounded_up)
{
	static const struct quota quotas[] = {
		{"max 100000\n", none},
		{"max\n", none},
		{"", none},
		{"\n", none},
		{"100000", none},
		{"100000 \n", none},
		{"0 100000\n", none},
		{"100000 0\n", none},
		{"-100000 100000\n", none},
		{"100000 100000x\n", none},
		{"x00000 100000\n", none},
		{"100000 100000 1\n", none},
		{"99999999999999999999999 100000\n", none},
		{"18446744073709551615 1\n", none},
		{"1 100000\n", 1},
		{"1000 100000\n", 1},
		{"100000 100000\n", 1},
		{"100001 100000\n", 2},
		{"150000 100000\n", 2},
		{"200000 100000\n", 2},
		{"250000 50000\n", 5},
		{"6400000 100000", 64},
	};

	second_version("/app");
	for (unsigned i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		put(V2 "/app/cpu.max", quotas[i].text);
		cr_assert_eq(cpus(), quotas[i].cpus, "%s", quotas[i].text);
	}
}

CASE(the_tightest_on_the_way_up_counts)
{
	second_version("/a/b/c");
	put(V2 "/a/b/c/cpu.max", "800000 100000\n");
	cr_assert_eq(cpus(), 8u);
	put(V2 "/a/b/cpu.max", "max 100000\n");
	cr_assert_eq(cpus(), 8u);
	put(V2 "/a/cpu.max", "300000 100000\n");
	cr_assert_eq(cpus(), 3u);
	put(V2 "/a/b/cpu.max", "600000 100000\n");
	cr_assert_eq(cpus(), 3u);
	/* Not ours. */
	put(V2 "/a/x/cpu.max", "100000 100000\n");
	cr_assert_eq(cpus(), 3u);
	/* At the mount itself: that of a container of its own. */
	put(V2 "/cpu.max", "200000 100000\n");
	cr_assert_eq(cpus(), 2u);
	put(GROUP, "0::/\n");
	cr_assert_eq(cpus(), 2u);
}

/* ---- where it is mounted ---- */

CASE(a_container_that_sees_its_host_group)
{
	put(GROUP, "0::/docker/42/job\n");
	put(MOUNT, "9 1 0:22 /docker/42 " V2 " ro - cgroup2 cgroup rw\n");
	put(V2 "/cpu.max", "400000 100000\n");
	put(V2 "/job/cpu.max", "300000 100000\n");
	cr_assert_eq(cpus(), 3u);
	/* Only whole names are a beginning. */
	put(GROUP, "0::/docker/421\n");
	cr_assert_eq(cpus(), 4u);
	put(GROUP, "0::/docker/42\n");
	cr_assert_eq(cpus(), 4u);
	/* Elsewhere, and above what is shown: what is mounted is ours. */
	put(GROUP, "0::/system.slice\n");
	cr_assert_eq(cpus(), 4u);
	put(GROUP, "0::/../other\n");
	cr_assert_eq(cpus(), 4u);
}

CASE(names_with_blanks)
{
	put(GROUP, "0::/my job\n");
	put(MOUNT, "9 1 0:22 / /my\\040mount rw - cgroup2 cgroup rw\n");
	put("/my mount/my job/cpu.max", "700000 100000\n");
	cr_assert_eq(cpus(), 7u);
}

/* One that is longer than any buffer, and more than one read holds. */
CASE(many_mounts)
{
	static char text[64 * 1024];
	size_t n = 0;

	for (int i = 0; i < 300; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%d 1 0:9 / /mnt/%d rw - tmpfs x rw\n", i,
				      i);
	n += (size_t)sprintf(text + n, "7 1 0:9 / /l rw - overlay o lower=");
	memset(text + n, 'l', 20000);
	n += 20000;
	strcpy(text + n, "\n8 1 0:22 / " V2 " rw - cgroup2 cgroup rw\n");
	second_version("/a");
	put(MOUNT, text);
	put(V2 "/a/cpu.max", "500000 100000\n");
	cr_assert_eq(cpus(), 5u);
}

CASE(paths_that_are_too_long)
{
	static char group[PATH_MAX + 100];

	second_version("/a");
	strcpy(group, "0::/");
	memset(group + 4, 'a', sizeof(group) - 6);
	group[sizeof(group) - 2] = '\n';
	put(GROUP, group);
	cr_assert_eq(cpus(), none);
	/* It fits, but not behind the mount. */
	group[PATH_MAX - 10] = '\n';
	group[PATH_MAX - 9] = '\0';
	put(GROUP, group);
	put(V2 "/cpu.max", "100000 100000\n");
	cr_assert_eq(cpus(), none);
}

/* ---- version 1 ---- */

static void first_version(const char *quota, const char *period)
{
	put(GROUP, "12:cpuset:/other\n4:cpu,cpuacct:/a/b\n"
		   "1:name=systemd:/other\n0::/other\n");
	put(MOUNT, "20 1 0:22 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n"
		   "22 1 0:23 / /sys/fs/cgroup/cpuset rw - cgroup cgroup "
		   "rw,cpuset\n"
		   "23 1 0:24 / " V1 " rw,nosuid shared:9 - cgroup cgroup "
		   "rw,cpu,cpuacct\n");
	put(V1 "/a/b/cpu.cfs_quota_us", quota);
	put(V1 "/a/b/cpu.cfs_period_us", period);
}

CASE(the_first_version)
{
	first_version("-1\n", "100000\n");
	cr_assert_eq(cpus(), none);
	first_version("250000\n", "100000\n");
	cr_assert_eq(cpus(), 3u);
	first_version("250000 1\n", "100000\n");
	cr_assert_eq(cpus(), none);
	first_version("250000\n", "0\n");
	cr_assert_eq(cpus(), none);
	first_version("250000\n", "\n");
	cr_assert_eq(cpus(), none);
	/* The group around it, and one of the other version. */
	put(V1 "/a/cpu.cfs_quota_us", "100000\n");
	cr_assert_eq(cpus(), none);
	put(V1 "/a/cpu.cfs_period_us", "100000\n");
	cr_assert_eq(cpus(), 1u);
	put(V1 "/a/cpu.cfs_quota_us", "900000\n");
	put("/sys/fs/cgroup/unified/other/cpu.max", "100000 100000\n");
	cr_assert_eq(cpus(), 9u);
	first_version("200000\n", "100000\n");
	cr_assert_eq(cpus(), 2u);
}

/* ---- together with the affinity mask ---- */

CASE(the_smaller_one_counts)
{
	cpu_set_t set, one;
	int n;

	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	n = CPU_COUNT(&set);
	second_version("/a");
	cr_assert_eq(go__cpu_count_below(root), (unsigned)n);
	put(V2 "/a/cpu.max", "100000 100000\n");
	cr_assert_eq(go__cpu_count_below(root), 1u);
	put(V2 "/a/cpu.max", "99000000 100000\n");
	cr_assert_eq(go__cpu_count_below(root), n < 990 ? (unsigned)n : 990u);
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &set))
			CPU_SET(i, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_assert_eq(go__cpu_count_below(root), 1u);
	cr_assert_eq(go__cpu_count(), 1u);
}

/* ---- what fails ---- */

/*
 * Each call in turn: then there is no quota, or that of a group further up, but
 * no less, and no descriptor is left open.
 */
static void fail_each(enum go__sys_call call)
{
	int before = dup(0);
	unsigned n = 1;

	close(before);
	for (;; n++) {
		unsigned found;

		test_fail_nth_with(call, n, -EIO);
		found = cpus();
		if (!test_fail_stop())
			break;
		cr_assert(found == none || found == 3 || found == 2, "%u",
			  found);
	}
	cr_assert_eq(cpus(), 2u);
	cr_assert_gt(n, 1u);
	cr_assert_eq(dup(0), before);
	close(before);
}

CASE(each_call_may_fail)
{
	second_version("/a/b");
	put(V2 "/a/cpu.max", "300000 100000\n");
	put(V2 "/a/b/cpu.max", "200000 100000\n");
	fail_each(GO__SYS_open);
	fail_each(GO__SYS_read);
	fail_each(GO__SYS_malloc);
}
