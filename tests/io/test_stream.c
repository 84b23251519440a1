/* SPDX-License-Identifier: MIT */
/*
 * Buffered streams: lines however they are cut, and no byte lost by deadlines,
 * cancellations, long lines and full sockets.
 */
#include "support_io.h"

#include <gofer/stream.h>

/* A stream with small buffers on one end of a pair. */
static go_stream *small_stream(int fds[2], size_t in, size_t out)
{
	MAKE(go_stream_options, o, .read_bytes = in, .write_bytes = out);
	go_stream *s = NULL;

	INSIST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	INSIST(go_stream_open(&s, fds[0], &o) == 0);
	INSIST(go_stream_fd(s) == fds[0]);
	return s;
}

static void say(int fd, const char *text)
{
	INSIST(go_write_all(fd, text, strlen(text), NULL) == 0);
}

#define MUST_READ(s, text)                                                     \
	do {                                                                   \
		MUST(go_stream_read_line(s, &line, &n) == 1);                  \
		MUST(n == strlen(text) && strcmp(line, text) == 0);            \
	} while (0)

static void *lines(void *unused)
{
	int fds[2];
	go_stream *s = small_stream(fds, 16, 16);
	char *line, rest[16] = "";
	size_t n;

	(void)unused;
	say(fds[1], "one\r\n\ntwo\n\r\n123456789012345\n3");
	MUST_READ(s, "one");
	MUST_READ(s, "");
	MUST_READ(s, "two");
	MUST_READ(s, "");
	MUST_READ(s, "123456789012345");
	say(fds[1], "4\nfive");
	MUST(go_write(fds[1], "\0x\n6", 4) == 4);
	MUST_READ(s, "34");
	MUST(go_stream_read_line(s, &line, &n) == 1);
	MUST(n == 6 && memcmp(line, "five\0x", 7) == 0);
	MUST(go_shutdown(fds[1], SHUT_WR) == 0);
	/* Half a line is not a line, and not lost. */
	MUST(go_stream_read_line(s, &line, NULL) == -ENODATA);
	MUST(go_stream_read_line(s, &line, NULL) == -ENODATA);
	MUST(go_stream_read(s, rest, sizeof(rest)) == 1 && rest[0] == '6');
	MUST(go_stream_read_line(s, &line, NULL) == 0);
	MUST(go_stream_read(s, rest, sizeof(rest)) == 0);
	MUST(go_stream_close(s) == 0);
	MUST(fcntl(fds[0], F_GETFD) < 0);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, lines, .timeout = 20)
{
	run_both(lines, NULL);
}

static void *long_lines(void *unused)
{
	int fds[2];
	go_stream *s = small_stream(fds, 8, 8);
	char *line, *data;
	size_t n;

	(void)unused;
	say(fds[1], "1234567\n12345678\nab\n");
	MUST_READ(s, "1234567");
	MUST(go_stream_read_line(s, &line, &n) == -EMSGSIZE);
	MUST(go_stream_read_line(s, &line, &n) == -EMSGSIZE);
	MUST(go_stream_peek(s, 9, &data, &n) == -EMSGSIZE);
	MUST(n == 8 && memcmp(data, "12345678", 8) == 0);
	MUST(go_stream_skip(s, 9) == -EINVAL);
	MUST(go_stream_skip(s, 8) == 0);
	MUST_READ(s, "");
	MUST_READ(s, "ab");
	MUST(go_stream_close(s) == 0 && go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, long_lines, .timeout = 20)
{
	run_both(long_lines, NULL);
}

/* A delimiter of four bytes, cut anywhere. */
static void *delimiters(void *unused)
{
	static const char text[] = "head\r\r\n\r\r\n\r\nbody";
	int fds[2];
	char *data, body[4];
	size_t n;

	(void)unused;
	for (int cut = 1; cut < 16; cut++) {
		go_stream *s = small_stream(fds, 12, 8);

		INSIST(go_write(fds[1], text, (size_t)cut) == cut);
		for (int i = 1; i <= 16; i++) {
			GO_TIMEOUT(0);

			MUST(go_stream_peek(s, (size_t)cut + 1, &data, &n) ==
			     (cut < 12 ? -ETIMEDOUT : -EMSGSIZE));
		}
		say(fds[1], text + cut);
		MUST(go_stream_read_until(s, "\r\n\r\n", 4, &data, &n) == 1);
		MUST(n == 12 && memcmp(data, text, 12) == 0);
		MUST(go_stream_read_until(s, "x", 0, &data, &n) == -EINVAL);
		MUST(go_stream_peek(s, 4, &data, &n) == 1 && n == 4);
		MUST(go_stream_read_full(s, body, 4, &n) == 0 && n == 4);
		MUST(memcmp(body, "body", 4) == 0);
		MUST(go_stream_peek(s, 0, &data, &n) == 1 && n == 0);
		MUST(go_close(fds[1]) == 0);
		MUST(go_stream_peek(s, 1, &data, &n) == 0 && n == 0);
		MUST(go_stream_read_full(s, body, 4, &n) == -ENODATA);
		MUST(n == 0);
		MUST(go_stream_close(s) == 0);
	}
	return NULL;
}

Test(stream, delimiters, .timeout = 20)
{
	run_both(delimiters, NULL);
}

/* ---- writing ---- */

__attribute__((format(printf, 2, 3))) static int print(go_stream *s,
						       const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = go_stream_vprintf(s, format, ap);
	va_end(ap);
	return r;
}

static void *writing(void *unused)
{
	int fds[2];
	go_stream *s = small_stream(fds, 16, 8);
	char *line, got[64];
	size_t n;

	(void)unused;
	MUST(print(s, "%d-%s", 12, "ab") == 0);
	MUST(go_recv(fds[1], got, 1, MSG_DONTWAIT) == -EAGAIN);
	MUST(go_stream_flush(s) == 0 && go_stream_flush(s) == 0);
	MUST(go_read(fds[1], got, sizeof(got)) == 5);
	MUST(memcmp(got, "12-ab", 5) == 0);
	/* As long as the buffer, and longer. */
	MUST(go_stream_printf(s, "%08d", 7) == 0);
	MUST(go_stream_printf(s, "%09d", 7) == -EMSGSIZE);
	MUST(go_recv(fds[1], got, 1, MSG_DONTWAIT) == -EAGAIN);
	/* Together they do not fit: the first goes, the second stays. */
	MUST(go_stream_printf(s, "%s", "xyz") == 0);
	MUST(go_read(fds[1], got, sizeof(got)) == 8);
	MUST(memcmp(got, "00000007", 8) == 0);
	MUST(go_stream_write(s, "12345", 5, &n) == 0 && n == 5);
	MUST(go_stream_write(s, "", 0, &n) == 0 && n == 0);
	MUST(go_recv(fds[1], got, 1, MSG_DONTWAIT) == -EAGAIN);
	/* More than the buffer holds goes by, in its turn. */
	MUST(go_stream_write(s, "a longer text", 13, &n) == 0 && n == 13);
	MUST(go_read(fds[1], got, sizeof(got)) == 21);
	MUST(memcmp(got, "xyz12345a longer text", 21) == 0);
	/* A question is on its way before its answer is waited for. */
	MUST(go_stream_printf(s, "why?\n") == 0);
	say(fds[1], "because\n");
	MUST(go_stream_read_line(s, &line, NULL) == 1);
	MUST(go_read(fds[1], got, sizeof(got)) == 5);
	/* Closing flushes. */
	MUST(go_stream_printf(s, "bye") == 0);
	MUST(go_stream_close(s) == 0);
	MUST(go_read_full(fds[1], got, 4, &n) == -ENODATA && n == 3);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, writing, .timeout = 20)
{
	run_both(writing, NULL);
}

static void *errors_stay(void *unused)
{
	int fds[2];
	go_stream *s = small_stream(fds, 16, 8);
	char *line, c;

	(void)unused;
	say(fds[1], "last words\n");
	MUST(go_stream_printf(s, "x") == 0);
	MUST(go_close(fds[1]) == 0);
	MUST(go_stream_flush(s) == -EPIPE);
	MUST(go_stream_flush(s) == -EPIPE);
	MUST(go_stream_printf(s, "y") == -EPIPE);
	MUST(go_stream_write(s, "y", 1, NULL) == -EPIPE);
	/* They are the writer's; the reader goes on. */
	MUST(go_stream_read_line(s, &line, NULL) == 1);
	MUST(strcmp(line, "last words") == 0);
	MUST(go_stream_read(s, &c, 1) <= 0);
	MUST(go_stream_close(s) == -EPIPE);
	MUST(fcntl(fds[0], F_GETFD) < 0);
	return NULL;
}

Test(stream, errors_stay, .timeout = 20)
{
	run_both(errors_stay, NULL);
}

/* ---- deadlines and cancellation ---- */

enum {
	NUMBERS = 60000, /* More than a socket holds. */
};

static void *read_numbers(void *arg)
{
	int fd = GO_TO_INT(arg);
	char *line, want[16];
	go_stream *s;

	INSIST(go_stream_open(&s, fd, NULL) == 0);
	for (int i = 0; i < NUMBERS; i++) {
		INSIST(go_stream_read_line(s, &line, NULL) == 1);
		snprintf(want, sizeof(want), "%d", i);
		INSIST(strcmp(line, want) == 0);
	}
	INSIST(go_stream_read_line(s, &line, NULL) == 0);
	return GO_INT(go_stream_close(s));
}

/* Whatever fails is tried again, and what arrives is whole and in order. */
static void *retried_writes(void *in_thread)
{
	int fds[2], late = 0;
	go_stream *s = small_stream(fds, 16, 100);
	struct peer peer;
	bool started = false;

	for (int i = 0; i < NUMBERS;) {
		GO_TIMEOUT(50 * GO_MICROSECOND);
		int r = go_stream_printf(s, "%d\n", i);

		i += r == 0;
		late += r == -ETIMEDOUT;
		MUST(r == 0 || r == -ETIMEDOUT);
		if (r < 0 && !started) {
			peer_start(&peer, in_thread != NULL, read_numbers,
				   GO_INT(fds[1]));
			started = true;
		}
	}
	MUST(late > 0 && started);
	MUST(go_stream_close(s) == 0);
	MUST(peer_finish(&peer) == NULL);
	return NULL;
}

Test(stream, retried_writes, .timeout = 60)
{
	run_in(GO_CURRENT_THREAD, 0, retried_writes, NULL);
	run_in(GO_MULTI_THREAD, 2, retried_writes, NULL);
	run_both(retried_writes, (void *)"in a thread");
}

static void *read_a_line(void *arg)
{
	char *line;

	return GO_INT(go_stream_read_line((go_stream *)arg, &line, NULL));
}

/* Half a line stays for the next one who reads. */
static void *cancelled_reads(void *unused)
{
	int fds[2];
	go_stream *s = small_stream(fds, 64, 64);
	struct peer peer;
	char *line;
	size_t n;

	(void)unused;
	for (int i = 0; i < 3; i++) {
		say(fds[1], "part ");
		peer_start(&peer, false, read_a_line, s);
		await_waiting(fds[0], 1);
		/* Two cannot read at once, but one may write. */
		MUST(go_stream_read_line(s, &line, &n) == -EBUSY);
		MUST(go_stream_read(s, &n, 1) == -EBUSY);
		MUST(go_stream_read_full(s, &n, 1, NULL) == -EBUSY);
		MUST(go_stream_read_until(s, "x", 1, &line, &n) == -EBUSY);
		MUST(go_stream_peek(s, 1, &line, &n) == -EBUSY);
		MUST(go_stream_skip(s, 0) == -EBUSY);
		MUST(go_stream_close(s) == -EBUSY);
		MUST(go_stream_printf(s, "x") == 0);
		MUST(go_stream_flush(s) == 0);
		MUST(go_task_cancel(peer.task) == 0);
		MUST(GO_TO_INT(peer_finish(&peer)) == -ECANCELED);
	}
	say(fds[1], "whole\n");
	MUST_READ(s, "part part part whole");
	MUST(go_stream_close(s) == 0 && go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, cancelled_reads, .timeout = 20)
{
	run_everywhere(cancelled_reads, NULL);
}

/* ---- random cuts ---- */

static void *write_cut(void *arg)
{
	int fd = GO_TO_INT(arg);
	char text[4096];
	int n = 0, at = 0;

	for (int i = 0; i < 200; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%.*s%d%s",
			      i % 11, "----------", i, i % 3 ? "\n" : "\r\n");
	while (at < n) {
		int some = 1 + (int)test_random(40);

		some = some < n - at ? some : n - at;
		INSIST(go_write_all(fd, text + at, (size_t)some, NULL) == 0);
		at += some;
		if (test_random(4) == 0)
			go_yield();
	}
	return GO_INT(go_close(fd));
}

static void *random_cuts(void *unused)
{
	int fds[2], i = 0, r;
	go_stream *s = small_stream(fds, 16, 16);
	struct peer peer;
	char *line, want[32];

	(void)unused;
	peer_start(&peer, false, write_cut, GO_INT(fds[1]));
	do {
		GO_TIMEOUT(test_random(2) ? GO_SECOND : 0);

		r = go_stream_read_line(s, &line, NULL);
		if (r <= 0)
			continue;
		snprintf(want, sizeof(want), "%.*s%d", i % 11, "----------", i);
		MUST(strcmp(line, want) == 0);
		i++;
	} while (r == 1 || r == -ETIMEDOUT);
	MUST(r == 0 && i == 200);
	MUST(peer_finish(&peer) == NULL);
	MUST(go_stream_close(s) == 0);
	return NULL;
}

Test(stream, random_cuts, .timeout = 30)
{
	run_everywhere(random_cuts, NULL);
}

/* ---- making ---- */

static void *making(void *unused)
{
	MAKE(go_stream_options, o, .read_bytes = 10, .write_bytes = 10);
	max_align_t storage[512 / sizeof(max_align_t)];
	go_stream *s = NULL;
	int fds[2];
	char c;

	(void)unused;
	MUST(go_stream_open(NULL, 0, NULL) == -EINVAL);
	MUST(go_stream_open(&s, -1, NULL) == -EBADF);
	MUST(go_stream_close(NULL) == -EINVAL);
	MUST(go_stream_bytes(NULL) > 8192);
	MUST(go_stream_bytes(&o) <= sizeof(storage));
	o.storage = storage;
	o.storage_bytes = go_stream_bytes(&o) - 1;
	MUST(go_pipe(fds) == 0);
	MUST(go_stream_open(&s, fds[1], &o) == -EINVAL);
	o.storage_bytes++;
	o.reserved[7] = 1;
	MUST(go_stream_open(&s, fds[1], &o) == -EINVAL);
	o.reserved[7] = 0;
	o.borrowed = true;
	MUST(go_stream_open(&s, fds[1], &o) == 0);
	MUST((void *)s == storage);
	MUST(go_stream_printf(s, "x") == 0);
	MUST(go_stream_close(s) == 0);
	MUST(go_read(fds[0], &c, 1) == 1 && c == 'x');
	close_both(fds);
	o.read_bytes = SIZE_MAX;
	MUST(go_stream_open(&s, 0, &o) == -EINVAL);
	return NULL;
}

Test(stream, making, .timeout = 20)
{
	run_both(making, NULL);
}

static void *manual(void *unused)
{
	MAKE(go_stream_options, o, .manual_flush = true);
	go_stream *s;
	int fds[2];
	char *line, c;

	(void)unused;
	MUST(go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MUST(go_stream_open(&s, fds[0], &o) == 0);
	MUST(go_stream_printf(s, "x") == 0);
	say(fds[1], "line\n");
	MUST(go_stream_read_line(s, &line, NULL) == 1);
	MUST(go_recv(fds[1], &c, 1, MSG_DONTWAIT) == -EAGAIN);
	MUST(go_stream_close(s) == 0);
	MUST(go_read(fds[1], &c, 1) == 1);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, manual_flush, .timeout = 20)
{
	run_both(manual, NULL);
}

#ifdef GO_TEST_HOOKS
/* Errors that pass leave everything as it was; others stay. */
static void *faults(void *unused)
{
	static const int passing[] = {-ENOMEM, -EMFILE, -ENFILE, -ENOSPC};
	go_stream *s = NULL;
	int fds[2];
	char *line;
	size_t n;

	(void)unused;
	test_fail_nth(GO__SYS_malloc, 1);
	MUST(go_stream_open(&s, 0, NULL) == -ENOMEM);
	MUST(test_fail_stop());
	s = small_stream(fds, 16, 8);
	say(fds[1], "a line\n");
	for (int i = 0; i < 4; i++) {
		test_fail_nth_with(GO__SYS_recv, 1, passing[i]);
		MUST(go_stream_read_line(s, &line, &n) == passing[i]);
		MUST(test_fail_stop());
		MUST(go_stream_printf(s, "%d", i) == 0);
		test_fail_nth_with(GO__SYS_send, 1, passing[i]);
		MUST(go_stream_flush(s) == passing[i]);
		MUST(test_fail_stop());
	}
	test_fail_nth_with(GO__SYS_recv, 1, -EINTR);
	MUST_READ(s, "a line");
	MUST(test_fail_stop());
	MUST(go_stream_flush(s) == 0);
	say(fds[1], "more\n");
	test_fail_nth_with(GO__SYS_recv, 1, -ECONNRESET);
	MUST(go_stream_read_line(s, &line, &n) == -ECONNRESET);
	MUST(test_fail_stop());
	MUST(go_stream_read_line(s, &line, &n) == -ECONNRESET);
	/* The network's time-out is not a deadline. */
	test_fail_nth_with(GO__SYS_send, 1, -ETIMEDOUT);
	MUST(go_stream_printf(s, "x") == 0);
	MUST(go_stream_flush(s) == -ETIMEDOUT);
	MUST(test_fail_stop());
	MUST(go_stream_flush(s) == -ETIMEDOUT);
	MUST(go_stream_close(s) == -ETIMEDOUT);
	MUST(go_close(fds[1]) == 0);
	return NULL;
}

Test(stream, faults, .timeout = 20)
{
	run_both(faults, NULL);
}
#endif
