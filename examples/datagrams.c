/* SPDX-License-Identifier: MIT */
/*
 * Datagrams over UDP: a server that answers whoever asks, and takes many
 * messages by one system call when many have come.
 *
 * Run it:    datagrams
 * Expect:    a question, an answer: ?hello
 *            connected: ?again
 *            gathered: ?good day
 *            3 sent together, 3 answers
 */
#include <gofer.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	BATCH = 8,
	SIZE = 64
};

/* ---- the server ---- */

/* Echo a message to where it has come from, with a mark before it. */
static int answer(int fd, const struct mmsghdr *m)
{
	char mark = '?';
	struct iovec parts[] = {
		{&mark, 1},
		{m->msg_hdr.msg_iov->iov_base, m->msg_len},
	};
	struct msghdr reply = {
		.msg_name = m->msg_hdr.msg_name,
		.msg_namelen = m->msg_hdr.msg_namelen,
		.msg_iov = parts,
		.msg_iovlen = 2,
	};
	ssize_t n = go_sendmsg(fd, &reply, 0);

	return n < 0 ? (int)n : 0;
}

/* Until it is cancelled. */
static void *serve(void *arg)
{
	struct sockaddr_in from[BATCH];
	struct mmsghdr batch[BATCH];
	struct iovec part[BATCH];
	char text[BATCH][SIZE];
	int fd = GO_TO_INT(arg), n, r = 0;

	while (r == 0) {
		memset(batch, 0, sizeof batch);
		for (int i = 0; i < BATCH; i++) {
			part[i] = (struct iovec){text[i], SIZE};
			batch[i].msg_hdr.msg_iov = &part[i];
			batch[i].msg_hdr.msg_iovlen = 1;
			batch[i].msg_hdr.msg_name = &from[i];
			batch[i].msg_hdr.msg_namelen = sizeof from[i];
		}
		r = n = go_recvmmsg(fd, batch, BATCH, 0);
		for (int i = 0; i < n && r >= 0; i++)
			r = answer(fd, &batch[i]);
	}
	return GO_INT(r);
}

/* ---- a client ---- */

static int ask(int fd, const struct sockaddr_in *server)
{
	const struct sockaddr *to = (const struct sockaddr *)server;
	struct sockaddr_in from;
	socklen_t length = sizeof from;
	char text[SIZE];
	ssize_t n = go_sendto(fd, "hello", 5, 0, to, sizeof *server);

	if (n >= 0)
		n = go_recvfrom(fd, text, sizeof text, 0,
				(struct sockaddr *)&from, &length);
	if (n < 0)
		return (int)n;
	if (from.sin_port != server->sin_port)
		return -EPROTO; /* somebody else has sent that */
	printf("a question, an answer: %.*s\n", (int)n, text);
	return 0;
}

/* A connected socket has one peer, and takes nothing from others. */
static int ask_again(int fd)
{
	char text[SIZE];
	ssize_t n = go_send(fd, "again", 5, 0);

	if (n >= 0)
		n = go_recv(fd, text, sizeof text, 0);
	if (n < 0)
		return (int)n;
	printf("connected: %.*s\n", (int)n, text);
	return 0;
}

/* From several places, and to several. */
static int ask_in_parts(int fd)
{
	char word[] = "good ", other[] = "day", mark, text[SIZE];
	struct iovec out[] = {{word, 5}, {other, 3}};
	struct iovec in[] = {{&mark, 1}, {text, sizeof text}};
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 2};
	ssize_t n = go_sendmsg(fd, &m, 0);

	if (n < 0)
		return (int)n;
	m = (struct msghdr){.msg_iov = in, .msg_iovlen = 2};
	n = go_recvmsg(fd, &m, 0);
	if (n < 1)
		return n < 0 ? (int)n : -EPROTO;
	printf("gathered: %c%.*s\n", mark, (int)n - 1, text);
	return 0;
}

static int ask_many(int fd)
{
	char text[] = "1", reply[SIZE];
	struct iovec part = {text, 1};
	struct mmsghdr batch[3];
	int sent, got, n;

	memset(batch, 0, sizeof batch);
	for (int i = 0; i < 3; i++) {
		batch[i].msg_hdr.msg_iov = &part;
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	for (sent = 0; sent < 3; sent += n) { /* it may send only some */
		n = go_sendmmsg(fd, batch + sent, 3 - (unsigned)sent, 0);
		if (n < 0)
			return n;
	}
	for (got = 0; got < 3; got++)
		if (go_recv(fd, reply, sizeof reply, 0) < 0)
			return -EIO;
	printf("%d sent together, %d answers\n", sent, got);
	return 0;
}

static int use(int fd, int server_fd)
{
	GO_TIMEOUT(60 * GO_SECOND); /* a datagram may get lost */
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	int r;

	if (getsockname(server_fd, (struct sockaddr *)&address, &length) < 0)
		return -go_errno();
	r = ask(fd, &address);
	if (r == 0)
		r = go_connect(fd, (struct sockaddr *)&address, length);
	if (r == 0)
		r = ask_again(fd);
	if (r == 0)
		r = ask_in_parts(fd);
	return r < 0 ? r : ask_many(fd);
}

static int serve_and_use(int server_fd)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd, r;
	go_task server;

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r = go_bind(server_fd, (struct sockaddr *)&any, sizeof any);
	if (r < 0)
		return r;
	fd = go_socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return fd;
	r = go_task_spawn(&server, serve, GO_INT(server_fd));
	if (r == 0) {
		r = use(fd, server_fd);
		go_task_cancel(server);
		go_task_join(server, NULL);
	}
	go_close(fd);
	return r;
}

static void *start(void *unused)
{
	int fd = go_socket(AF_INET, SOCK_DGRAM, 0), r;

	(void)unused;
	if (fd < 0)
		return GO_INT(fd);
	r = serve_and_use(fd);
	go_close(fd);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "datagrams: %s\n", strerror(-r));
	return r < 0;
}
