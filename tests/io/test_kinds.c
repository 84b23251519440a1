/* SPDX-License-Identifier: MIT */
/*
 * Every kind of file that can be waited for, foreign and adopted, from tasks
 * and from plain threads: it is read, polled and selected when there is
 * something, and closing it ends the waits.
 */
#include "support_io.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "support_file.h"
#include "terminal.h"

struct source {
	int fd;    /* What is read and polled. */
	int other; /* Where that comes from, or -1. */
	char folder[64];
};

/* What can be read, and how to make it come. */
struct kind {
	const char *name;
	void (*make)(struct source *s);
	void (*feed)(const struct source *s); /* For one read. */
	bool (*is_right)(const char *data, ssize_t n);
	bool no_read; /* It can only be polled; feed, and what is fed, stay. */
};

/* ---- the kinds ---- */

static void make_eventfd(struct source *s)
{
	s->fd = eventfd(0, 0);
}

static void feed_eventfd(const struct source *s)
{
	uint64_t number = 7;

	INSIST(go_write(s->fd, &number, 8) == 8);
}

static bool is_seven(const char *data, ssize_t n)
{
	uint64_t number;

	memcpy(&number, data, 8);
	return n == 8 && number == 7;
}

static void make_timerfd(struct source *s)
{
	s->fd = timerfd_create(CLOCK_MONOTONIC, 0);
}

static void feed_timerfd(const struct source *s)
{
	MAKE(struct itimerspec, soon, .it_value.tv_nsec = 1000);

	INSIST(timerfd_settime(s->fd, 0, &soon, NULL) == 0);
}

static bool is_once(const char *data, ssize_t n)
{
	uint64_t number;

	memcpy(&number, data, 8);
	return n == 8 && number == 1;
}

static void make_inotify(struct source *s)
{
	make_folder(s->folder);
	s->fd = inotify_init1(0);
	INSIST(inotify_add_watch(s->fd, s->folder, IN_CREATE) >= 0);
}

static void feed_inotify(const struct source *s)
{
	static ATOMIC(unsigned) count;
	char path[100];

	snprintf(path, sizeof(path), "%s/%u", s->folder,
		 atomic_fetch_add(&count, 1));
	INSIST(mkdir(path, 0700) == 0);
	INSIST(rmdir(path) == 0);
}

static bool is_creation(const char *data, ssize_t n)
{
	struct inotify_event e;

	memcpy(&e, data, sizeof(e));
	return n == (ssize_t)(sizeof(e) + e.len) &&
	       e.mask == (IN_CREATE | IN_ISDIR);
}

/* The signal is blocked in every thread: see main_of(). */
static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR2);
}

static void make_signalfd(struct source *s)
{
	sigset_t set;

	signal_set(&set);
	s->fd = signalfd(-1, &set, 0);
}

static void feed_signalfd(const struct source *s)
{
	(void)s;
	INSIST(kill(getpid(), SIGUSR2) == 0);
}

static bool is_signal(const char *data, ssize_t n)
{
	struct signalfd_siginfo i;

	memcpy(&i, data, sizeof(i));
	return n == sizeof(i) && i.ssi_signo == SIGUSR2;
}

static void make_terminal(struct source *s)
{
	open_terminal(&s->other, &s->fd);
}

/* Raw: what it prints else may come in pieces, since it puts a carriage return
 * before the end of a line. */
static void make_its_other_side(struct source *s)
{
	open_raw_terminal(&s->fd, &s->other);
}

/* As the first descriptor, where a program has its input. */
static void move_to_stdin(struct source *s)
{
	INSIST(dup2(s->fd, STDIN_FILENO) == STDIN_FILENO);
	INSIST(close(s->fd) == 0);
	s->fd = STDIN_FILENO;
}

static void make_stdin_terminal(struct source *s)
{
	make_terminal(s);
	move_to_stdin(s);
}

static void make_pipe(struct source *s)
{
	int fds[2];

	INSIST(pipe(fds) == 0);
	s->fd = fds[0];
	s->other = fds[1];
}

static void make_stdin_pipe(struct source *s)
{
	make_pipe(s);
	move_to_stdin(s);
}

static void feed_line(const struct source *s)
{
	INSIST(go_write(s->other, "a line\n", 7) == 7);
}

static bool is_line(const char *data, ssize_t n)
{
	return n == 7 && memcmp(data, "a line\n", 7) == 0;
}

/* A foreign loop's. */
static void make_epoll(struct source *s)
{
	MAKE(struct epoll_event, e, .events = EPOLLIN);
	int fds[2];

	s->fd = epoll_create1(0);
	INSIST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	INSIST(epoll_ctl(s->fd, EPOLL_CTL_ADD, fds[0], &e) == 0);
	s->other = fds[1];
}

static const struct kind kinds[] = {
	{"eventfd", make_eventfd, feed_eventfd, is_seven, false},
	{"timerfd", make_timerfd, feed_timerfd, is_once, false},
	{"inotify", make_inotify, feed_inotify, is_creation, false},
	{"signalfd", make_signalfd, feed_signalfd, is_signal, false},
	{"terminal", make_terminal, feed_line, is_line, false},
	{"terminal's master", make_its_other_side, feed_line, is_line, false},
	{"stdin, a terminal", make_stdin_terminal, feed_line, is_line, false},
	{"stdin, a pipe", make_stdin_pipe, feed_line, is_line, false},
	{"epoll", make_epoll, feed_line, NULL, true},
};

/* ---- what is done with each ---- */

struct reading {
	const struct kind *kind;
	int fd;
};

/* Returns NULL, -errno, or -EIO: that is not what was fed. */
static void *read_it(void *arg)
{
	const struct reading *r = (const struct reading *)arg;
	char data[sizeof(struct inotify_event) + 256] = "";
	ssize_t n = go_read(r->fd, data, sizeof(data));

	if (n < 0)
		return GO_INT(n);
	return GO_INT(r->kind->is_right(data, n) ? 0 : -EIO);
}

static void *poll_it(void *arg)
{
	const struct reading *r = (const struct reading *)arg;
	MAKE(struct pollfd, p, .fd = r->fd, .events = POLLIN);

	if (go_poll(&p, 1, -1) != 1)
		return GO_INT(-EIO);
	return GO_INT(p.revents == POLLNVAL ? -EBADF
					    : (p.revents != POLLIN) * -EIO);
}

static void *select_it(void *arg)
{
	const struct reading *r = (const struct reading *)arg;
	go_case k[] = {GO_AT(GO_NEVER), GO_READABLE(r->fd)};

	return GO_INT(go_select(k, 2) == 1 ? k[1].result : -EIO);
}

static const struct kind *kind; /* The one at hand. */
static bool in_thread, adopted;

static void *made(struct source *s, struct reading *r)
{
	ASSIGN(struct source, *s, ALL_ZERO);
	s->fd = s->other = -1;
	kind->make(s);
	MUST(s->fd >= 0);
	if (adopted)
		MUST(go_fd_adopt(s->fd, 0) == 0);
	ASSIGN(struct reading, *r, {kind, s->fd});
	return NULL;
}

/* Somebody who waits is woken by what comes, and gets it whole. */
static void *is_read(struct source *s, struct reading *r)
{
	struct peer reader;

	for (int i = 0; i < 3; i++) {
		peer_start(&reader, in_thread, read_it, r);
		await_waiting(s->fd, 1);
		kind->feed(s);
		MUST(peer_finish(&reader) == NULL);
	}
	/* And one who does not have to wait. */
	kind->feed(s);
	MUST(poll_it(r) == NULL);
	MUST(read_it(r) == NULL);
	return NULL;
}

/* Those who only look are all told. */
static void *is_looked_at(struct source *s, struct reading *r)
{
	MAKE(struct pollfd, p, .fd = s->fd, .events = POLLIN);
	struct peer poller, selector;

	MUST(go_poll(&p, 1, 1) == 0);
	peer_start(&poller, in_thread, poll_it, r);
	peer_start(&selector, in_thread, select_it, r);
	await_waiting(s->fd, 2);
	kind->feed(s);
	MUST(peer_finish(&poller) == NULL);
	MUST(peer_finish(&selector) == NULL);
	if (kind->no_read)
		return NULL;
	MUST(read_it(r) == NULL);
	MUST(go_poll(&p, 1, 0) == 0);
	return NULL;
}

/* One of two gets it; the other waits on, like those who look, to the end. */
static void *is_closed(struct source *s, struct reading *r)
{
	go_fn *const ways[] = {read_it, read_it, poll_it, select_it};
	struct peer peers[4];
	int first = kind->no_read ? 2 : 0, ended = 0;

	for (int i = first; i < 2; i++)
		peer_start(&peers[i], in_thread, ways[i], r);
	if (!kind->no_read) {
		await_waiting(s->fd, 2);
		kind->feed(s);
		while (!atomic_load(&peers[0].done) &&
		       !atomic_load(&peers[1].done))
			go_sleep(SOON);
	}
	for (int i = 2; i < 4; i++)
		peer_start(&peers[i], in_thread, ways[i], r);
	await_waiting(s->fd, kind->no_read ? 2 : 3);
	MUST(go_close(s->fd) == 0);
	for (int i = first; i < 4; i++) {
		int result = GO_TO_INT(peer_finish(&peers[i]));

		MUST(result == -EBADF || (i < 2 && result == 0));
		ended += result == 0;
	}
	MUST(ended == !kind->no_read);
	MUST(fcntl(s->fd, F_GETFD) == -1);
	return NULL;
}

static void unmake(struct source *s)
{
	if (s->fd == STDIN_FILENO)
		INSIST(open("/dev/null", O_RDONLY) == STDIN_FILENO);
	if (s->other >= 0)
		INSIST(go_close(s->other) == 0);
	if (s->folder[0])
		INSIST(rmdir(s->folder) == 0);
}

static void *use_it(void *unused)
{
	struct source s;
	struct reading r;
	void *wrong = made(&s, &r);
	int flags = fcntl(s.fd, F_GETFL);

	(void)unused;
	if (!wrong && !kind->no_read)
		wrong = is_read(&s, &r);
	if (!wrong && !kind->no_read)
		wrong = is_looked_at(&s, &r);
	if (wrong)
		return wrong;
	MUST(fcntl(s.fd, F_GETFL) == flags);
	MUST(!!(flags & O_NONBLOCK) == adopted);
	wrong = is_closed(&s, &r);
	if (wrong)
		return wrong;
	unmake(&s);
	if (!kind->no_read)
		return NULL;
	/* What it tells stays, so it is looked at last. */
	wrong = made(&s, &r);
	if (!wrong)
		wrong = is_looked_at(&s, &r);
	MUST(go_close(s.fd) == 0);
	unmake(&s);
	return wrong;
}

static void use_all(void)
{
	sigset_t set;

	/* The threads of runtimes have it blocked, and others inherit that. */
	signal_set(&set);
	cr_assert_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kind = &kinds[i];
		printf("[----] %s%s%s\n", kind->name,
		       adopted ? ", adopted" : "",
		       in_thread ? ", in threads" : "");
		fflush(stdout);
		run_everywhere(use_it, NULL);
		if (in_thread)
			cr_assert_null(use_it(NULL));
	}
}

Test(kinds, foreign, .timeout = 60)
{
	use_all();
	in_thread = true;
	use_all();
}

Test(kinds, adopted, .timeout = 60)
{
	adopted = true;
	use_all();
	in_thread = true;
	use_all();
}

/* ---- writing ---- */

static void *write_number(void *arg)
{
	uint64_t number = 2;

	return GO_INT(go_write(*(int *)arg, &number, 8));
}

/* There is no room for two in an eventfd, until somebody reads. */
static void *full_eventfd(void *unused)
{
	uint64_t most = UINT64_MAX - 1, number = 0;
	int fd = eventfd(0, 0);
	struct peer writer;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		MUST(fd >= 0 && go_write(fd, &most, 8) == 8);
		peer_start(&writer, in_thread, write_number, &fd);
		await_waiting(fd, 1);
		MUST(go_read(fd, &number, 8) == 8 && number == most);
		MUST(GO_TO_INT(peer_finish(&writer)) == 8);
		MUST(go_read(fd, &number, 8) == 8 && number == 2);
		MUST(go_fd_adopt(fd, 0) == 0);
	}
	MUST(go_write(fd, &most, 8) == 8);
	peer_start(&writer, in_thread, write_number, &fd);
	await_waiting(fd, 1);
	MUST(go_close(fd) == 0);
	MUST(GO_TO_INT(peer_finish(&writer)) == -EBADF);
	return NULL;
}

Test(kinds, eventfd_without_room, .timeout = 20)
{
	run_everywhere(full_eventfd, NULL);
	in_thread = true;
	run_both(full_eventfd, NULL);
}
