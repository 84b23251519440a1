/* SPDX-License-Identifier: MIT */
/*
 * The works of bench/ with libuv, which has callbacks and no tasks: an echo
 * server, a timer, and work for its pool of threads.
 *
 * usage: peer_uv WORK WORKERS [HOST:PORT]
 */
#include "report.h"

#include <uv.h>

static uv_loop_t *loop;

/* ---- echo ---------------------------------------------------------------- */

/* A connection reads into a buffer of its own, and reads on once it is sent. */
struct connection {
	uv_tcp_t tcp;
	uv_write_t write;
	char buffer[4096];
};

static void on_close(uv_handle_t *h)
{
	free(h);
}

static void give_buffer(uv_handle_t *h, size_t wished, uv_buf_t *buf)
{
	struct connection *c = (struct connection *)h;

	(void)wished;
	*buf = uv_buf_init(c->buffer, sizeof c->buffer);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *w, int status)
{
	uv_stream_t *s = w->handle;

	if (status < 0)
		uv_close((uv_handle_t *)s, on_close);
	else
		uv_read_start(s, give_buffer, on_read);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = (struct connection *)s;
	uv_buf_t out = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
	int sent;

	if (n < 0) {
		uv_close((uv_handle_t *)s, on_close);
		return;
	}
	if (n == 0)
		return;
	sent = uv_try_write(s, &out, 1);
	if (sent == n)
		return;
	if (sent < 0)
		sent = 0;
	uv_read_stop(s);
	out = uv_buf_init(buf->base + sent, (unsigned)(n - sent));
	if (uv_write(&c->write, s, &out, 1, on_written) < 0)
		uv_close((uv_handle_t *)s, on_close);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct connection *c = status < 0 ? NULL : malloc(sizeof *c);

	if (!c)
		return;
	uv_tcp_init(loop, &c->tcp);
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0) {
		uv_close((uv_handle_t *)&c->tcp, on_close);
		return;
	}
	uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read);
}

static int echo(const char *address)
{
	struct sockaddr_in a;
	uv_tcp_t listener;

	uv_ip4_addr("127.0.0.1", atoi(strchr(address, ':') + 1), &a);
	uv_tcp_init(loop, &listener);
	if (uv_tcp_bind(&listener, (struct sockaddr *)&a, 0) < 0 ||
	    uv_listen((uv_stream_t *)&listener, 4096, on_connection) < 0)
		return 1;
	uv_tcp_nodelay(&listener, 1); /* Its connections inherit it. */
	return uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- a timer ------------------------------------------------------------- */

static void never(uv_timer_t *t)
{
	(void)t;
}

static int arm(void)
{
	const unsigned turns = 1000000;
	uv_timer_t timer;
	uint64_t began;

	uv_timer_init(loop, &timer);
	began = now_ns();
	for (unsigned i = 0; i < turns; i++) {
		uv_timer_start(&timer, never, 3600 * 1000, 0);
		uv_timer_stop(&timer);
	}
	figure("timer.arm", (double)(now_ns() - began) / turns);
	return 0;
}

/* ---- work ---------------------------------------------------------------- */

static unsigned left;

static void nothing(uv_work_t *w)
{
	(void)w;
}

static void again(uv_work_t *w, int status)
{
	if (status == 0 && left > 0 && left--)
		uv_queue_work(loop, w, nothing, again);
}

static int blocking(void)
{
	const unsigned turns = 20000;
	static uv_work_t work[64];

	for (unsigned callers = 1; callers <= 64; callers += 63) {
		uint64_t began = now_ns();

		left = turns;
		for (unsigned i = 0; i < callers; i++)
			again(&work[i], 0);
		uv_run(loop, UV_RUN_DEFAULT);
		figure(callers == 1 ? "blocking.one" : "blocking.many",
		       (double)(now_ns() - began) / 1e3 / turns);
	}
	return 0;
}

int main(int argc, char **argv)
{
	loop = uv_default_loop();
	if (argc > 3 && strcmp(argv[1], "echo") == 0)
		return echo(argv[3]);
	if (argc > 2 && strcmp(argv[1], "deadline") == 0)
		return arm();
	if (argc > 2 && strcmp(argv[1], "blocking") == 0)
		return blocking();
	return 2;
}
