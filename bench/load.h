/* SPDX-License-Identifier: MIT */
/*
 * The engine of the load client: many connections, one message out on each.
 *
 *     struct load load;
 *     if (load_create(&load, &options) == 0) {
 *             load_open(&load);               every connection echoes once
 *             load_start(&load);              and from now on all the time
 *             load_run(&load, warm-up);
 *             load_clear(&load);              measure from here
 *             load_run(&load, duration);
 *     }
 *     load_destroy(&load);
 *
 * One thread, no locks.  Everything is owned by the caller's thread.
 */
#ifndef GO_BENCH_LOAD_H
#define GO_BENCH_LOAD_H

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct load_options {
	struct sockaddr_storage address;
	socklen_t address_len;
	unsigned connections;
	size_t bytes; /* per message */
	bool churn;   /* a connection for each message */
};

/*
 *     state       the connection waits for            next
 *     ----------  ----------------------------------  --------------------
 *     CLOSED      nothing; failed or never opened     -
 *     CONNECTING  the handshake                       GREETING, CLOSED
 *     GREETING    its first message to come back      READY, CLOSED
 *     READY       load_start()                        RUNNING, CLOSED
 *     RUNNING     the message that it sent last       RUNNING, CLOSED
 *
 * With options.churn a running connection is closed after each message, with
 * a reset, so that no port stays behind, and CONNECTING follows.
 */
enum conn_state {
	CLOSED,
	CONNECTING,
	GREETING,
	READY,
	RUNNING
};

struct conn {
	int fd;
	enum conn_state state;
	bool running;          /* load_start() has seen it */
	size_t sent, received; /* bytes of the message under way */
	uint64_t sequence;     /* number of that message */
	uint64_t began_ns;     /* when it was sent, or its connection begun */
	uint64_t answered;     /* messages that came back since load_clear() */
};

struct load {
	struct load_options options;
	struct conn *conns;
	int epoll;
	char *expected; /* the message that came or went last */
	char *buffer;   /* where replies arrive */

	unsigned opening; /* CONNECTING or GREETING */
	unsigned alive;   /* READY or RUNNING */

	/* Since load_clear(). */
	struct histogram latency_ns;
	uint64_t lost;  /* connections that broke off */
	uint64_t wrong; /* of them, those that got wrong bytes */
	int last_error; /* why the last one failed, an errno value */
};

/* Returns 0 or -errno; afterwards load_destroy() is due either way. */
int load_create(struct load *, const struct load_options *);
void load_destroy(struct load *);

/*
 * Connect, a bounded number at a time, and exchange one message on each
 * connection, so that the server has accepted it and waits in its read.
 * Gives up when nothing has moved for five seconds.  Returns how many of the
 * connections live.
 */
unsigned load_open(struct load *);

void load_start(struct load *);
void load_run(struct load *, uint64_t duration_ns);
void load_clear(struct load *);

/* Connections that got no answer at all since load_clear(). */
unsigned load_starved(const struct load *);

#endif
