/* SPDX-License-Identifier: MIT */
/*
 * A storm over few numbers: descriptors are opened and closed all the time, by
 * tasks and threads, under readers and writers, so that each number stands for
 * thousands of files.
 *
 * Every byte of a connection is the connection's tag, and connections that are
 * open at the same time have different ones.  A reader that finds another tag
 * has read from, or somebody has written to, the wrong file.
 *
 * A cell is an owner, who makes and closes a connection, and a reader and a
 * writer of its two ends, for one call each.  The owner closes an end when that
 * call is over or has begun: when it counts among the users of the descriptor.
 * (A call that begins later, on a number that its caller no longer owns, is the
 * caller's mistake, in POSIX as here.)  What cannot be seen: a byte written to
 * a connection that nobody reads any more.
 */
#include "support_io.h"

#include <sys/un.h>

#include "io/fdtable.h"

enum {
	CELLS = 6,
	TAGS = 40, /* Per cell, before the first comes again. */
	FULL = 150000,
	OPERATIONS = 6, /* Per round: two ends made, used and closed. */
};

struct job {
	go_semaphore begin;
	_Atomic bool done;
	int fd; /* -1: go home. */
	unsigned char tag;
	unsigned how;
	bool wrong;
};

struct cell {
	unsigned number;
	bool threads; /* Its reader and writer are. */
	uint64_t rounds;
	struct job reader, writer;
	int listener;
	struct sockaddr_un address;
	socklen_t length;
};

/* ---- reader and writer ---- */

static bool all_are(const unsigned char *data, size_t n, unsigned char tag)
{
	for (size_t i = 0; i < n; i++)
		if (data[i] != tag)
			return false;
	return true;
}

/* One call.  Its result does not matter, its bytes do. */
static void read_once(struct job *j)
{
	unsigned char data[3000];
	size_t n = 0;
	ssize_t r = 0;
	struct iovec v[2] = {{data, 100}, {data + 100, 900}};

	switch (j->how) {
	case 0:
		r = go_read(j->fd, data, sizeof(data));
		break;
	case 1:
		r = go_readv(j->fd, v, 2);
		break;
	default:
		(void)go_read_full(j->fd, data, sizeof(data), &n);
	}
	if (r > 0)
		n = (size_t)r;
	j->wrong = !all_are(data, n, j->tag);
}

static void write_once(struct job *j)
{
	size_t n = j->how == 0 ? 1 : j->how == 1 ? 5000 : FULL;
	unsigned char *data = malloc(n);

	INSIST(data);
	memset(data, j->tag, n);
	if (j->how == 0)
		(void)go_write(j->fd, data, n);
	else
		(void)go_write_all(j->fd, data, n, NULL);
	free(data);
}

static void *work(void *arg, void (*call)(struct job *))
{
	struct job *j = arg;

	for (;;) {
		INSIST(go_semaphore_acquire(&j->begin) == 0);
		if (j->fd < 0)
			return NULL;
		call(j);
		atomic_store(&j->done, true);
	}
}

static void *read_on(void *job)
{
	return work(job, read_once);
}

static void *write_on(void *job)
{
	return work(job, write_once);
}

/* ---- the owner ---- */

static void let_others(unsigned *patience)
{
	if (++*patience % 32)
		go_yield();
	else
		go_sleep(SOON);
}

static void post(struct job *j, int fd, unsigned char tag)
{
	j->fd = fd;
	j->tag = tag;
	j->how = test_random(3);
	atomic_store(&j->done, false);
	INSIST(go_semaphore_post(&j->begin) == 0);
}

static bool begun(struct job *j)
{
	struct go__fd *e = go__fd_find(j->fd);

	return atomic_load(&j->done) ||
	       (e && (atomic_load(&e->use.word) & ~GO__FDUSE_CLOSING));
}

static void await(struct job *j, bool end)
{
	unsigned patience = 0;

	while (end ? !atomic_load(&j->done) : !begun(j))
		let_others(&patience);
}

/* A connection of some kind; whether it is foreign. */
static bool make_some(struct cell *c, int fds[2])
{
	int copy;

	switch (test_random(7)) {
	case 0:
		INSIST(go_pipe(fds) == 0);
		return false;
	case 1:
		INSIST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		return false;
	case 2:
		INSIST(pipe(fds) == 0);
		INSIST(go_fd_adopt(fds[0], GO_FD_CLOEXEC) == 0);
		INSIST(go_fd_adopt(fds[1], 0) == 0);
		return false;
	case 3: /* The first number for another file. */
		INSIST(go_pipe(fds) == 0);
		copy = go_dup(fds[1]);
		INSIST(copy >= 0 && go_close(fds[1]) == 0);
		fds[1] = copy;
		return false;
	case 4:
		fds[1] = go_socket(AF_UNIX, SOCK_STREAM, 0);
		INSIST(fds[1] >= 0);
		INSIST(go_connect(fds[1], (struct sockaddr *)&c->address,
				  c->length) == 0);
		fds[0] = go_accept(c->listener, NULL, NULL);
		INSIST(fds[0] >= 0);
		return false;
	case 5:
		INSIST(pipe(fds) == 0);
		return true;
	default:
		INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
		return true;
	}
}

/* A foreign descriptor's owner knows nothing of go_close(), if he is quiet. */
static void close_end(struct job *j, bool foreign)
{
	unsigned way = test_random(3);

	await(j, foreign && way == 0);
	if (foreign && way == 0) {
		INSIST(close(j->fd) == 0);
	} else if (way == 1) {
		INSIST(go_fd_release(j->fd) == 0);
		INSIST(close(j->fd) == 0);
	} else {
		INSIST(go_close(j->fd) == 0);
	}
}

static void *run_round(struct cell *c, uint64_t round)
{
	unsigned char tag =
		(unsigned char)(1 + c->number * TAGS + round % TAGS);
	unsigned patience = 0;
	int fds[2];
	bool foreign = make_some(c, fds);

	post(&c->reader, fds[0], tag);
	post(&c->writer, fds[1], tag);
	for (unsigned i = test_random(4); i > 0; i--)
		let_others(&patience);
	/* Whoever closes first must not wait for the end of a call that only
	 * the other one's closing ends. */
	if (test_random(2)) {
		await(&c->reader, false);
		INSIST(go_close(fds[0]) == 0);
		close_end(&c->writer, foreign);
	} else {
		await(&c->writer, false);
		INSIST(go_close(fds[1]) == 0);
		close_end(&c->reader, foreign);
	}
	await(&c->reader, true);
	await(&c->writer, true);
	MUST(!c->reader.wrong);
	return NULL;
}

static void listen_at(struct cell *c)
{
	socklen_t length = sizeof(c->address);

	/* The kernel chooses an abstract name. */
	c->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	c->listener = go_socket(AF_UNIX, SOCK_STREAM, 0);
	INSIST(c->listener >= 0);
	INSIST(go_bind(c->listener, (struct sockaddr *)&c->address,
		       sizeof(sa_family_t)) == 0);
	INSIST(go_listen(c->listener, 16) == 0);
	INSIST(getsockname(c->listener, (struct sockaddr *)&c->address,
			   &length) == 0);
	c->length = length;
}

static void *own(void *arg)
{
	struct cell *c = arg;
	struct peer reader, writer;
	void *wrong = NULL;

	c->reader.begin = (go_semaphore)GO_SEMAPHORE_INIT(0);
	c->writer.begin = (go_semaphore)GO_SEMAPHORE_INIT(0);
	listen_at(c);
	peer_start(&reader, c->threads, read_on, &c->reader);
	peer_start(&writer, c->threads, write_on, &c->writer);
	for (uint64_t i = 0; i < c->rounds && !wrong; i++)
		wrong = run_round(c, i);
	post(&c->reader, -1, 0);
	post(&c->writer, -1, 0);
	peer_finish(&reader);
	peer_finish(&writer);
	INSIST(go_close(c->listener) == 0);
	INSIST(go_semaphore_destroy(&c->reader.begin) == 0);
	INSIST(go_semaphore_destroy(&c->writer.begin) == 0);
	return wrong;
}

static void *all_cells(void *arg)
{
	static struct cell cells[CELLS];
	struct peer owners[CELLS];
	uint64_t operations = test_rounds((uint64_t)(uintptr_t)arg);
	void *wrong = NULL;

	memset(cells, 0, sizeof(cells));
	for (unsigned i = 0; i < CELLS; i++) {
		cells[i].number = i;
		cells[i].threads = i >= 4;
		cells[i].rounds = operations / OPERATIONS / CELLS + 1;
		peer_start(&owners[i], false, own, &cells[i]);
	}
	for (unsigned i = 0; i < CELLS; i++) {
		void *its = peer_finish(&owners[i]);

		wrong = wrong ? wrong : its;
	}
	return wrong;
}

/* Together 10^5 operations, and 10^6 with full counts. */
Test(storm, no_byte_goes_astray, .timeout = 600)
{
	run_in(GO_CURRENT_THREAD, 0, all_cells, (void *)(uintptr_t)20000);
	run_in(GO_MULTI_THREAD, 2, all_cells, (void *)(uintptr_t)50000);
	run_in(GO_MULTI_THREAD, 4, all_cells, (void *)(uintptr_t)30000);
}
