/* SPDX-License-Identifier: MIT */
/*
 * Buffered streams beyond lines: a head up to an empty line and a body of so
 * many bytes behind it, as in HTTP; and a look at the first bytes, to tell
 * which of two protocols it is.
 *
 * The server's streams lie in memory that is there already.
 *
 * Run it:    frames
 * Expect:    text: 2 lines of head, body "hello"
 *            binary: 3 bytes, 010203
 *            the server says: ok, 5 bytes
 *            the server says: ok, 3 bytes
 */
#include <gofer.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST = 64,     /* Bytes of a body. */
	BINARY = 0x80, /* A frame that begins with it is a binary one. */
};

/* Every answer begins the same way. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
reply(go_stream *s, const char *format, ...)
{
	va_list ap;
	int r = go_stream_write(s, "ok, ", 4, NULL);

	va_start(ap, format);
	if (r == 0)
		r = go_stream_vprintf(s, format, ap);
	va_end(ap);
	return r;
}

/* "Length: 5\r\n\r\nhello": the head ends with an empty line. */
static int take_text(go_stream *s)
{
	char *head, body[MOST];
	size_t bytes, length = 0;
	int lines = 0;
	int r = go_stream_read_until(s, "\r\n\r\n", 4, &head, &bytes);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < bytes; i++)
		lines += head[i] == '\n';
	lines--; /* the empty one */
	head[bytes - 1] = '\0';
	if (sscanf(head, "Length: %zu", &length) != 1 || length > MOST)
		return -EPROTO;
	r = go_stream_read_full(s, body, length, NULL);
	if (r < 0)
		return r;
	printf("text: %d lines of head, body \"%.*s\"\n", lines, (int)length,
	       body);
	return reply(s, "%zu bytes\n", length);
}

/* The mark, a length, and that many bytes: looked at where they lie. */
static int take_binary(go_stream *s)
{
	char *data;
	size_t have, length;
	int r = go_stream_peek(s, 2, &data, &have);

	if (r <= 0)
		return r;
	length = (unsigned char)data[1];
	r = go_stream_peek(s, 2 + length, &data, &have);
	if (r <= 0)
		return r;
	printf("binary: %zu bytes, ", length);
	for (size_t i = 0; i < length; i++)
		printf("%02x", (unsigned char)data[2 + i]);
	printf("\n");
	r = go_stream_skip(s, 2 + length);
	return r < 0 ? r : reply(s, "%zu bytes\n", length);
}

static int take_all(go_stream *s)
{
	char *data;
	size_t have;
	int r;

	while ((r = go_stream_peek(s, 1, &data, &have)) > 0) {
		r = (unsigned char)*data == BINARY ? take_binary(s)
						   : take_text(s);
		if (r < 0)
			break;
	}
	return r;
}

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg), r, error;
	go_stream_options options = {.read_bytes = 512, .write_bytes = 128};
	go_stream *s;

	options.storage_bytes = go_stream_bytes(&options);
	options.storage = malloc(options.storage_bytes);
	r = options.storage ? go_stream_open(&s, fd, &options) : -ENOMEM;
	if (r < 0) {
		go_close(fd);
		free(options.storage);
		return GO_INT(r);
	}
	r = take_all(s);
	error = go_stream_close(s);
	free(options.storage);
	return GO_INT(r < 0 ? r : error);
}

/* ---- the client ---- */

static int send_both(go_stream *s)
{
	static const char text[] = "Length: 5\r\nKind: text\r\n\r\nhello";
	static const unsigned char binary[] = {BINARY, 3, 1, 2, 3};
	int r = go_stream_write(s, text, sizeof text - 1, NULL);

	if (r == 0)
		r = go_stream_write(s, binary, sizeof binary, NULL);
	if (r == 0)
		r = go_stream_flush(s); /* the next calls do not go by it */
	return r < 0 ? r : go_shutdown(go_stream_fd(s), SHUT_WR);
}

static int print_answers(go_stream *s)
{
	char text[16];
	ssize_t n;
	bool begins = true;

	while ((n = go_stream_read(s, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (begins)
				printf("the server says: ");
			putchar(text[i]);
			begins = text[i] == '\n';
		}
	return (int)n;
}

static int converse(int fd)
{
	go_stream *s;
	int r = go_stream_open(&s, fd, NULL), error;

	if (r < 0) {
		go_close(fd);
		return r;
	}
	r = send_both(s);
	if (r == 0)
		r = print_answers(s);
	error = go_stream_close(s);
	return r < 0 ? r : error;
}

static void *start(void *unused)
{
	void *result = NULL;
	go_task server;
	int fds[2];
	int r = go_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), error;

	(void)unused;
	if (r < 0)
		return GO_INT(r);
	r = go_task_spawn(&server, serve, GO_INT(fds[0]));
	if (r < 0) {
		go_close(fds[0]);
		go_close(fds[1]);
		return GO_INT(r);
	}
	r = converse(fds[1]);
	error = go_task_join(server, &result);
	if (error == 0)
		error = GO_TO_INT(result);
	return GO_INT(r < 0 ? r : error);
}

int main(void)
{
	void *result = NULL;
	int r = go_run_with(NULL, start, NULL, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "frames: %s\n", strerror(-r));
	return r < 0;
}
