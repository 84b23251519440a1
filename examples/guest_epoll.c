/* SPDX-License-Identifier: MIT */
/*
 * Tasks in an epoll loop of the program's own.  The loop reads from a pipe of
 * its own, a task writes to it and sleeps in between; both are one thread.
 *
 * What is different from guest_poll: the loop handles all that epoll_wait() has
 * found before it gives the next turn, and a turn has limits, so that neither
 * of the two keeps the other waiting for long.
 *
 * Run it:    guest_epoll
 * Expect:    task: says a
 *            loop: heard a
 *            task: says b
 *            loop: heard b
 *            task: says c
 *            loop: heard c
 *            loop: nobody speaks any more
 *            tasks left: 0
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void *speak(void *fd)
{
	for (const char *word = "abc"; *word; word++) {
		printf("task: says %c\n", *word);
		if (go_write(GO_TO_INT(fd), word, 1) < 0 ||
		    go_sleep(5 * GO_MILLISECOND) < 0)
			break;
	}
	go_close(GO_TO_INT(fd));
	return NULL;
}

/* Returns whether there is more to come. */
static bool hear(int ears)
{
	char word;

	if (read(ears, &word, 1) == 1) {
		printf("loop: heard %c\n", word);
		return true;
	}
	printf("loop: nobody speaks any more\n");
	return false;
}

static int watch(int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int loop(go_runtime *rt, int set, int ears)
{
	struct epoll_event events[2];

	for (;;) {
		int n;

		(void)go_runtime_turn(rt, 64, 2 * GO_MILLISECOND);
		n = epoll_wait(set, events, 2, go_runtime_timeout_ms(rt));
		if (n < 0 && errno != EINTR)
			return -errno;
		/* For the guest there is nothing to do: it gets its turn. */
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == ears && !hear(ears))
				return 0;
	}
}

static int run(go_runtime *rt, int set)
{
	int guest = go_runtime_fd(rt);
	int fds[2];
	int r = guest < 0 ? guest : watch(set, guest);

	if (r == 0)
		r = go_pipe(fds);
	if (r < 0)
		return r;
	r = watch(set, fds[0]);
	if (r == 0)
		r = go_runtime_spawn(rt, speak, GO_INT(fds[1]));
	if (r == 0)
		r = loop(rt, set, fds[0]);
	else
		go_close(fds[1]);
	printf("tasks left: %d\n", go_runtime_shutdown(rt, GO_SECOND));
	go_close(fds[0]);
	return r;
}

int main(void)
{
	go_runtime_options options = {.flavour = GO_CURRENT_THREAD};
	int set = epoll_create1(EPOLL_CLOEXEC);
	go_runtime *rt;
	int r = set < 0 ? -errno : go_runtime_create(&rt, &options);

	if (r == 0) {
		r = run(rt, set);
		(void)go_runtime_destroy(rt);
	}
	if (set >= 0)
		close(set);
	if (r < 0)
		fprintf(stderr, "guest_epoll: %s\n", strerror(-r));
	return r < 0;
}
