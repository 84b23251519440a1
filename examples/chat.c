/* SPDX-License-Identifier: MIT */
/*
 * A chat server: everybody reads what anybody writes.
 *
 * Shows a broadcast between tasks, and two tasks per client: one reads his
 * lines, the other one writes what is said.  So whoever reads slowly delays
 * nobody: he misses messages, and is told how many; and if his connection takes
 * nothing for ten seconds, he is dropped.
 *
 * Run it, and join from several other terminals:
 *
 *     ./chat 127.0.0.1:8080
 *     nc 127.0.0.1 8080
 *
 * It ends on SIGINT (Ctrl-C) or SIGTERM.  The first line that a client sends is
 * his name:
 *
 *     > name?
 *     alice
 *     > * alice is here
 *     hello
 *     > alice: hello
 */
#include <gofer.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define SLOW_NS (10 * GO_SECOND)
#define NAME    24  /* bytes at most, with the 0 */
#define SAID    256 /* bytes of a line at most; the rest is cut off */
#define KEPT    256 /* messages, before those who are slow miss some */

struct message {
	char text[NAME + SAID + 16];
};

struct client {
	int fd;
	go_subscriber messages;
	char name[NAME];
	char buffer[SAID]; /* [begin..end) has arrived and is not used yet */
	size_t begin, end;
};

static go_broadcast *room; /* made before the first task starts */

static int write_text(int fd, const char *text)
{
	GO_TIMEOUT(SLOW_NS);

	return go_write_all(fd, text, strlen(text), NULL);
}

/*
 * The next line without its end, or as much of it as fits into a buffer; what
 * could confuse a terminal is replaced.  Returns -errno at the end.
 */
static int read_line(struct client *c, char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		while (c->begin < c->end) {
			char letter = c->buffer[c->begin++];

			if (letter == '\n') {
				line[n] = '\0';
				return 0;
			}
			if (n < size - 1 && letter != '\r')
				line[n++] = (unsigned char)letter < ' ' ||
							    letter == 127
						    ? '?'
						    : letter;
		}
		ssize_t r = go_read(c->fd, c->buffer, sizeof c->buffer);

		if (r <= 0)
			return r < 0 ? (int)r : -ENODATA;
		c->begin = 0;
		c->end = (size_t)r;
	}
}

/* Runs beside read_all(), until it is cancelled. */
static void *write_all(void *arg)
{
	struct client *c = arg;
	struct message m;
	int64_t missed;
	int r = 0;

	while (r == 0 && (missed = go_broadcast_recv(&c->messages, &m)) >= 0) {
		if (missed > 0) {
			char text[64];

			snprintf(text, sizeof text, "* you missed %lld\n",
				 (long long)missed);
			r = write_text(c->fd, text);
		}
		if (r == 0)
			r = write_text(c->fd, m.text);
	}
	/* Too slow, or gone: the reading task notices now. */
	go_shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void read_all(struct client *c)
{
	char said[SAID];
	struct message m;

	while (read_line(c, said, sizeof said) == 0) {
		snprintf(m.text, sizeof m.text, "%s: %s\n", c->name, said);
		go_broadcast_send(room, &m);
	}
}

static void tell_all(const struct client *c, const char *what)
{
	struct message m;

	snprintf(m.text, sizeof m.text, "* %s %s\n", c->name, what);
	go_broadcast_send(room, &m);
}

/* Until the client leaves or the server ends; with it ends its writing task. */
static bool talk(struct client *c)
{
	GO_GROUP(writer);

	go_broadcast_subscribe(room, &c->messages);
	if (go_group_spawn(&writer, write_all, c) < 0)
		return false;
	tell_all(c, "is here");
	read_all(c);
	return true;
}

static void *serve(void *arg)
{
	struct client c = {.fd = GO_TO_INT(arg)};

	if (write_text(c.fd, "name?\n") == 0 &&
	    read_line(&c, c.name, sizeof c.name) == 0 && c.name[0] && talk(&c))
		tell_all(&c, "has left");
	go_close(c.fd);
	return NULL;
}

/* Tells which port it is, if it was asked to listen at port 0. */
static void announce(int listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char host[64], port[8];

	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
	    getnameinfo((struct sockaddr *)&address, length, host, sizeof host,
			port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		printf("listening on %s port %s\n", host, port);
	fflush(stdout);
}

static void *accept_all(void *arg)
{
	int listener = GO_TO_INT(arg);
	int fd;
	GO_GROUP(clients);

	while ((fd = go_accept(listener, NULL, NULL)) >= 0)
		if (go_group_spawn(&clients, serve, GO_INT(fd)) < 0)
			go_close(fd); /* no memory for one more */
	return GO_INT(fd); /* cancels the clients, and waits for them */
}

/*
 * A child of the server's group beside accept_all(): when a signal asks the
 * program to end, it returns an error, which cancels the others.
 */
static void *await_signal(void *signals)
{
	int sig = go_signals_recv(signals, NULL);

	return GO_INT(sig > 0 ? -ECANCELED : sig);
}

/* Returns 0 after a signal, when all connections have been closed. */
static int serve_until_signal(int listener, go_signals *signals)
{
	go_group_options options = {.cancel_on_error = true};
	GO_GROUP_WITH(server, &options);
	int error, r = go_group_spawn(&server, await_signal, signals);

	if (r == 0)
		r = go_group_spawn(&server, accept_all, GO_INT(listener));
	if (r < 0)
		go_group_cancel(&server);
	error = go_group_wait(&server);
	if (r < 0)
		return r;
	return error == -ECANCELED ? 0 : error;
}

static void *listen_and_serve(void *address)
{
	int listener = go_tcp_listen(address);
	int r = listener;
	go_signals *signals = NULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (r >= 0)
		r = go_signals_create(&signals, &set);
	if (r == 0)
		r = go_broadcast_create(&room, sizeof(struct message), KEPT);
	if (r == 0) {
		announce(listener);
		r = serve_until_signal(listener, signals);
	}
	go_broadcast_destroy(room);
	go_signals_destroy(signals);
	if (listener >= 0)
		go_close(listener);
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	char standard[] = "127.0.0.1:8080";
	void *result = NULL;
	int r = go_run_with(NULL, listen_and_serve,
			    argc > 1 ? argv[1] : standard, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "chat: %s\n", strerror(-r));
	return r < 0;
}
