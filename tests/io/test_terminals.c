/* SPDX-License-Identifier: MIT */
/*
 * Terminals that take a part of what is written to them, or nothing, foreign
 * and adopted, from tasks and from plain threads: nobody waits for them but
 * who writes.  What test_kinds.c shows of terminals is not repeated here.
 */
#include "terminal.h"

#include <poll.h>
#include <sys/mman.h>

static bool in_thread, adopted;

enum {
	FLOOD = 150000, /* More than a terminal holds. */
};

static void *flood(void *arg)
{
	char *data = (char *)malloc(FLOOD);
	int r;

	INSIST(data);
	memset(data, 'f', FLOOD);
	r = go_write_all(*(int *)arg, data, FLOOD, NULL);
	free(data);
	return GO_INT(r);
}

/* Read it little by little, so that there is room for a little more. */
static void *drain(int fd, size_t n)
{
	char data[771];

	for (size_t have = 0; have < n;) {
		ssize_t r = go_read(fd, data, sizeof(data));

		MUST(r > 0);
		for (ssize_t i = 0; i < r; i++)
			MUST(data[i] == 'f');
		have += (size_t)r;
		if (have % 5 == 0)
			go_sleep(SOON);
	}
	return NULL;
}

/*
 * A terminal that poll calls writable may have room for a part of what is to be
 * written, and would keep the writer until the rest is read, by us.
 */
static void *flooded(void *from_master)
{
	struct peer writer;
	int master, slave, from, to;
	void *wrong;

	open_raw_terminal(&master, &slave);
	from = from_master ? master : slave;
	to = from_master ? slave : master;
	if (adopted)
		MUST(go_fd_adopt(from, 0) == 0);
	peer_start(&writer, in_thread, flood, &from);
	wrong = drain(to, FLOOD);
	if (wrong)
		return wrong;
	MUST(peer_finish(&writer) == NULL);
	/* Nobody drains it any more: who waits for room is evicted. */
	if (adopted) {
		peer_start(&writer, in_thread, flood, &from);
		await_waiting(from, 1);
		MUST(go_close(from) == 0);
		MUST(GO_TO_INT(peer_finish(&writer)) == -EBADF);
	} else {
		MUST(go_close(from) == 0);
	}
	MUST(go_close(to) == 0);
	return NULL;
}

enum {
	PIPEFUL = 60000,
};

static void *copy_it(void *arg)
{
	int *fds = (int *)arg;

	return GO_INT(go_copy(fds[0], fds[1], PIPEFUL, NULL));
}

/* The ways through the kernel would wait for room, too. */
static void *flooded_by_copy(void *from_file)
{
	static char data[PIPEFUL];
	struct peer copier;
	int source[2], fds[2], master;
	void *wrong;

	memset(data, 'f', PIPEFUL);
	MUST(pipe(source) == 0);
	MUST(write(source[1], data, PIPEFUL) == PIPEFUL);
	MUST(close(source[1]) == 0);
	fds[0] = source[0];
	if (from_file) {
		fds[0] = memfd_create("flood", MFD_CLOEXEC);
		MUST(fds[0] >= 0);
		MUST(write(fds[0], data, PIPEFUL) == PIPEFUL);
		MUST(lseek(fds[0], 0, SEEK_SET) == 0);
		MUST(close(source[0]) == 0);
	}
	open_raw_terminal(&master, &fds[1]);
	peer_start(&copier, in_thread, copy_it, fds);
	wrong = drain(master, PIPEFUL);
	if (wrong)
		return wrong;
	MUST(peer_finish(&copier) == NULL);
	close_both(fds);
	MUST(go_close(master) == 0);
	return NULL;
}

static void flood_terminals(void)
{
	run_everywhere(flooded, NULL);
	run_everywhere(flooded, (char *)"from the master");
	in_thread = true;
	run_both(flooded, NULL);
	run_both(flooded, (char *)"from the master");
}

Test(terminals, without_room, .timeout = 120)
{
	flood_terminals();
}

Test(terminals, copied_to, .timeout = 120)
{
	run_everywhere(flooded_by_copy, NULL);
	run_everywhere(flooded_by_copy, (char *)"from a file");
	in_thread = true;
	run_both(flooded_by_copy, NULL);
	run_both(flooded_by_copy, (char *)"from a file");
}

Test(terminals, adopted_without_room, .timeout = 120)
{
	adopted = true;
	flood_terminals();
}

/* A plain thread makes its eventfd when it first waits for a descriptor. */
static void have_eventfd(void)
{
	MAKE(struct pollfd, none, .fd = -1);

	INSIST(go_poll(&none, 1, 1) == 0);
}

/*
 * Closing does not wait for a piece that the terminal has taken a part of, and
 * that is written to its end before the number is free.  Nobody else may make
 * descriptors meanwhile: the number is to be seen free.
 */
static void *closed_meanwhile(void *unused)
{
	static char data[4096];
	int master, slave, other;
	struct peer writer;

	(void)unused;
	have_eventfd();
	open_raw_terminal(&master, &slave);
	other = open(ptsname(master), O_WRONLY | O_NOCTTY | O_NONBLOCK);
	MUST(other >= 0);
	while (write(other, data, sizeof(data)) > 0)
		;
	MUST(close(other) == 0);
	MUST(go_read(master, data, 1000) > 0);
	peer_start(&writer, in_thread, flood, &slave);
	/* It writes, or waits; one of both. */
	go_sleep(5 * GO_MILLISECOND);
	MUST(!atomic_load(&writer.done));
	MUST(go_close(slave) == 0);
	while (!atomic_load(&writer.done)) {
		MAKE(struct pollfd, p, .fd = master, .events = POLLIN);

		if (go_poll(&p, 1, 1) > 0 && p.revents & POLLIN)
			MUST(go_read(master, data, sizeof(data)) > 0);
	}
	MUST(GO_TO_INT(peer_finish(&writer)) == -EBADF);
	MUST(fcntl(slave, F_GETFD) == -1);
	MUST(go_close(master) == 0);
	return NULL;
}

Test(terminals, closed_meanwhile, .timeout = 60)
{
	run_everywhere(closed_meanwhile, NULL);
	in_thread = true;
	run_both(closed_meanwhile, NULL);
}

#ifdef GO_TEST_HOOKS
static int no_threads(enum go__sys_call call)
{
	return call == GO__SYS_thread_create ? -EAGAIN : 0;
}

/* Without a pool the worker writes, and says nothing of it. */
static void *written_here(void *unused)
{
	char data[4] = "";
	int master, slave;

	(void)unused;
	open_raw_terminal(&master, &slave);
	atomic_store(&go__sys_hook, no_threads);
	MUST(go_write(slave, "abc", 3) == 3);
	(void)test_fail_stop();
	MUST(go_read(master, data, 4) == 3 && strcmp(data, "abc") == 0);
	MUST(go_close(slave) == 0 && go_close(master) == 0);
	return NULL;
}

Test(terminals, without_threads, .timeout = 20)
{
	run_in(GO_CURRENT_THREAD, 0, written_here, NULL);
}
#endif

/* ---- hung up ---- */

static void *read_byte(void *arg)
{
	char c;

	return GO_INT(go_read(*(int *)arg, &c, 1));
}

static void *hung_up(void *unused)
{
	struct peer reader;
	int master, slave, r;

	(void)unused;
	open_terminal(&master, &slave);
	peer_start(&reader, in_thread, read_byte, &slave);
	await_waiting(slave, 1);
	MUST(go_close(master) == 0);
	/* The end of the file.  (Linux itself says EIO to a reader that comes
	 * between the close of the master and the hang-up, which is over when
	 * close returns: read() does so once in 13,000 times.) */
	r = GO_TO_INT(peer_finish(&reader));
	MUST(r == 0 || r == -EIO);
	MUST(GO_TO_INT(read_byte(&slave)) == 0);
	MUST(go_write(slave, "x", 1) == -EIO);
	MUST(go_close(slave) == 0);
	return NULL;
}

Test(terminals, hung_up, .timeout = 20)
{
	run_everywhere(hung_up, NULL);
	in_thread = true;
	run_both(hung_up, NULL);
}
