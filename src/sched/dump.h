/* SPDX-License-Identifier: MIT */
/* The list of all runtimes, and the dump on a signal. */
#ifndef GO_SCHED_DUMP_H
#define GO_SCHED_DUMP_H

#include <stdbool.h>
#include <stdint.h>

struct go__text;
struct go_runtime;
struct go__task;

/* Into the list of runtimes that go_dump() shows. */
void go__runtimes_add(struct go_runtime *rt);
/* Out of it; waits until no dump reads it any more. */
void go__runtimes_remove(struct go_runtime *rt);

/* Is it the only one in the process?  For what runs in it. */
bool go__runtimes_only(struct go_runtime *rt);

/* May a dump be asked for by this signal? */
bool go__dump_signal_is_good(int sig);
/* Dump to standard error on a signal; 0 or -errno.  Once per signal. */
int go__dump_on_signal(int sig);

/* Around fork: the list of runtimes; in the child all of it are dead. */
void go__runtimes_lock(void);
void go__runtimes_unlock(void);
void go__runtimes_forked(void);

enum {
	GO__NAME_MOST = 64, /* Of a name, so much is shown. */
};

/* Which task it is. */
struct go__brief {
	uint64_t id;
	const char *site;
	bool named;
	char name[GO__NAME_MOST + 1];
};

/* Describe a live task of this runtime; false: it is not, or not any more. */
bool go__dump_brief(struct go__task *t, const struct go_runtime *rt,
		    struct go__brief *out);

enum go__doing {
	GO__NOT_THERE, /* It is not, or not any more, a task of this runtime. */
	GO__DOING,     /* Any other. */
	GO__BLOCKED,   /* In a blocking call or section. */
};

/* The same, with what it does in words. */
enum go__doing go__dump_doing(struct go__task *t, struct go_runtime *rt,
			      struct go__brief *out, struct go__text *state);

#endif
