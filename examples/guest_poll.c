/* SPDX-License-Identifier: MIT */
/*
 * Tasks in a poll() loop of the program's own.  The loop watches a button (here
 * a pipe that a thread writes to) and has a runtime for its guest: when the
 * button is pressed it tells a task, which does the rest.
 *
 * Run it:    guest_poll
 * Expect:    loop: pressed 1
 *            task: worked on 1
 *            loop: pressed 2
 *            task: worked on 2
 *            loop: the button is gone
 *            task: nothing more to do
 *            tasks left: 0
 */
#include <gofer.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static go_chan *presses;
static go_event worked = GO_EVENT_AUTO_INIT;
static bool done; /* Tasks and loop are one thread: no lock. */

static void *work(void *unused)
{
	char press;

	while (go_chan_recv(presses, &press) == 0) {
		go_sleep(5 * GO_MILLISECOND);
		printf("task: worked on %c\n", press);
		go_event_set(&worked);
	}
	printf("task: nothing more to do\n");
	done = true;
	return unused;
}

/* Stands for whoever is outside: presses, and sees what comes of it. */
static void *press_button(void *fd)
{
	for (const char *press = "12"; *press; press++) {
		if (write(GO_TO_INT(fd), press, 1) != 1 ||
		    go_event_wait(&worked) < 0)
			break;
	}
	close(GO_TO_INT(fd));
	return NULL;
}

/* Returns whether there is more to come. */
static bool on_button(int button)
{
	char press;

	if (read(button, &press, 1) == 1) {
		printf("loop: pressed %c\n", press);
		return go_chan_send(presses, &press) == 0; /* never waits */
	}
	printf("loop: the button is gone\n");
	go_chan_close(presses);
	return false;
}

static void loop(go_runtime *rt, int guest, int button)
{
	struct pollfd fds[] = {
		{.fd = guest, .events = POLLIN},
		{.fd = button, .events = POLLIN},
	};

	for (;;) {
		(void)go_runtime_turn(rt, 0, 0);
		if (done)
			break;
		poll(fds, 2, go_runtime_timeout_ms(rt));
		if (fds[1].revents && !on_button(button))
			fds[1].fd = -1;
	}
}

static int run(go_runtime *rt)
{
	pthread_t finger;
	int fds[2];
	int guest = go_runtime_fd(rt);
	int r = guest < 0 ? guest : 0;

	if (r == 0)
		r = go_chan_create(&presses, 1, GO_CHAN_UNBOUNDED);
	if (r < 0)
		return r;
	r = go_runtime_spawn(rt, work, NULL);
	if (r == 0 && pipe(fds) < 0)
		r = -errno;
	if (r == 0) {
		r = -pthread_create(&finger, NULL, press_button,
				    GO_INT(fds[1]));
		if (r == 0) {
			loop(rt, guest, fds[0]);
			pthread_join(finger, NULL);
		} else {
			close(fds[1]);
		}
		close(fds[0]);
	}
	printf("tasks left: %d\n", go_runtime_shutdown(rt, GO_SECOND));
	go_chan_destroy(presses);
	return r;
}

int main(void)
{
	go_runtime_options options = {.flavour = GO_CURRENT_THREAD};
	go_runtime *rt;
	int r = go_runtime_create(&rt, &options);

	if (r == 0) {
		r = run(rt);
		(void)go_runtime_destroy(rt);
	}
	if (r < 0)
		fprintf(stderr, "guest_poll: %s\n", strerror(-r));
	return r < 0;
}
