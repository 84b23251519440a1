/* SPDX-License-Identifier: MIT */
/* How much of the processors the control groups of the process let it use. */
#ifndef GO_ARCH_CGROUP_H
#define GO_ARCH_CGROUP_H

enum {
	GO__CGROUP_UNLIMITED = 1 << 20,
};

/*
 * The smallest quota of the process's control group and those around it, in
 * processors, rounded up: from 1 to GO__CGROUP_UNLIMITED, which is also the
 * answer where nothing can be found out.  `root` is put before each path: "",
 * or a directory with files of a test's making.
 */
unsigned go__cgroup_cpus(const char *root);

#endif
