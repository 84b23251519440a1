/* SPDX-License-Identifier: MIT */
/* A folder of one's own, and how many descriptors are open. */
#ifndef GO_TEST_FILE_H
#define GO_TEST_FILE_H

#include "support_io.h"

#include <gofer/file.h>
#include <limits.h>
#include <netdb.h>
#include <sys/stat.h>

/* A new folder, whose path is stored; the caller empties and removes it. */
static inline void make_folder(char path[64])
{
	strcpy(path, "/tmp/gofer-test-XXXXXX");
	INSIST(mkdtemp(path));
}

/* The same in memory, if there is such a place: to store is cheap there. */
static inline void make_folder_in_memory(char path[64])
{
	strcpy(path, "/dev/shm/gofer-test-XXXXXX");
	if (!mkdtemp(path))
		make_folder(path);
}

/* Open descriptors of the process. */
static inline unsigned open_descriptors(void)
{
	return test_entries("/proc/self/fd");
}

/* A name for the loopback; a bare machine, without /etc/hosts, knows none. */
static inline const char *local_name(void)
{
	static const char *const localhost = "localhost";
	struct addrinfo *list;

	if (getaddrinfo(localhost, NULL, NULL, &list) == 0) {
		freeaddrinfo(list);
		return localhost;
	}
	printf("no %s here: 127.0.0.1 stands for it\n", localhost);
	return "127.0.0.1";
}

/* folder/name, in one of a few buffers that are used in turns. */
static inline const char *in_folder(const void *folder, const char *name)
{
	static THREAD_LOCAL char text[8][128];
	static THREAD_LOCAL unsigned turn;
	char *t = text[turn++ % 8];

	snprintf(t, sizeof(text[0]), "%s/%s", (const char *)folder, name);
	return t;
}

#endif
