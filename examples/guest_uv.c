/* SPDX-License-Identifier: MIT */
/*
 * Tasks in a libuv loop.  A server of tasks answers in capitals; its client is
 * an ordinary libuv stream.  Both run on the loop's one thread.
 *
 * struct guest and its four functions are all that it takes.
 *
 * Run it:    guest_uv
 * Expect:    libuv: connected
 *            task: asked for green threads in libuv
 *            libuv: GREEN THREADS IN LIBUV
 *            task: the client has gone
 *            tasks left: 0
 */
#include <gofer.h>
#include <uv.h>

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a runtime in a libuv loop ---- */

struct guest {
	go_runtime *rt;
	uv_poll_t poll;
	uv_timer_t timer;
};

static void guest_turn(struct guest *guest);

static void guest_due(uv_timer_t *timer)
{
	guest_turn(timer->data);
}

static void guest_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	guest_turn(poll->data);
}

/* Run what is ready, and see to it that we are called for the next timer. */
static void guest_turn(struct guest *guest)
{
	int ms;

	(void)go_runtime_turn(guest->rt, 0, 0);
	ms = go_runtime_timeout_ms(guest->rt);
	if (ms > 0) {
		uv_update_time(guest->timer.loop); /* tasks took their time */
		uv_timer_start(&guest->timer, guest_due, (uint64_t)ms, 0);
	} else {
		uv_timer_stop(&guest->timer); /* 0: the poll will call */
	}
}

static void guest_stop(struct guest *guest)
{
	uv_close((uv_handle_t *)&guest->poll, NULL);
	uv_close((uv_handle_t *)&guest->timer, NULL);
}

static int guest_start(struct guest *guest, uv_loop_t *loop, go_runtime *rt)
{
	int fd = go_runtime_fd(rt);
	int r = fd < 0 ? fd : uv_poll_init(loop, &guest->poll, fd);

	if (r < 0)
		return r;
	guest->rt = rt;
	guest->poll.data = guest;
	uv_timer_init(loop, &guest->timer);
	guest->timer.data = guest;
	r = uv_poll_start(&guest->poll, UV_READABLE, guest_ready);
	if (r < 0)
		guest_stop(guest);
	return r;
}

/* ---- the server: tasks ---- */

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char text[100];
	ssize_t n;

	while ((n = go_read(fd, text, sizeof text)) > 0) {
		printf("task: asked for %.*s\n", (int)n, text);
		for (ssize_t i = 0; i < n; i++)
			text[i] = (char)toupper((unsigned char)text[i]);
		if (go_write_all(fd, text, (size_t)n, NULL) < 0)
			break;
	}
	printf("task: the client has gone\n");
	go_close(fd);
	return NULL;
}

static void *accept_clients(void *listener)
{
	int fd;

	while ((fd = go_accept(GO_TO_INT(listener), NULL, NULL)) >= 0)
		if (go_spawn(serve, GO_INT(fd)) < 0)
			go_close(fd);
	go_close(GO_TO_INT(listener));
	return NULL;
}

/* ---- the client: libuv ---- */

static struct guest guest;
static uv_tcp_t client;
static uv_timer_t last;
static int failed; /* what has gone wrong in the client */

/* The server has seen our end by now: the loop has nothing left to do. */
static void client_gone(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	guest_stop(&guest);
}

static void client_closed(uv_handle_t *handle)
{
	uv_timer_init(handle->loop, &last);
	uv_timer_start(&last, client_gone, 100, 0);
}

static void client_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
	static char text[100];

	(void)handle;
	(void)wanted;
	*buffer = uv_buf_init(text, sizeof text);
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	if (n > 0)
		printf("libuv: %.*s\n", (int)n, buffer->base);
	else if (n < 0)
		failed = (int)n; /* no answer */
	if (n != 0)
		uv_close((uv_handle_t *)stream, client_closed);
}

static void client_connected(uv_connect_t *connect, int status)
{
	static uv_write_t request;
	uv_buf_t text = uv_buf_init("green threads in libuv", 22);
	int r = status;

	if (r == 0) {
		printf("libuv: connected\n");
		r = uv_read_start(connect->handle, client_buffer, client_read);
	}
	if (r == 0)
		r = uv_write(&request, connect->handle, &text, 1, NULL);
	if (r < 0) {
		failed = r;
		uv_close((uv_handle_t *)connect->handle, client_closed);
	}
}

static int connect_client(uv_loop_t *loop, const struct sockaddr_in *address)
{
	static uv_connect_t connect;
	int r = uv_tcp_init(loop, &client);

	if (r < 0)
		return r;
	r = uv_tcp_connect(&connect, &client, (const struct sockaddr *)address,
			   client_connected);
	if (r < 0)
		uv_close((uv_handle_t *)&client, NULL);
	return r;
}

/* ---- both ---- */

/* A socket on any port of the loopback interface, and its address. */
static int open_listener(struct sockaddr_in *address)
{
	socklen_t bytes = sizeof *address;
	int fd = go_socket(AF_INET, SOCK_STREAM, 0);
	int r = fd;

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (r >= 0)
		r = go_bind(fd, (struct sockaddr *)address, bytes);
	if (r >= 0)
		r = go_listen(fd, 16);
	if (r >= 0 && getsockname(fd, (struct sockaddr *)address, &bytes) < 0)
		r = -errno;
	if (r < 0 && fd >= 0)
		go_close(fd);
	return r < 0 ? r : fd;
}

static int run(go_runtime *rt, uv_loop_t *loop)
{
	struct sockaddr_in address;
	int listener = open_listener(&address);
	int r;

	if (listener < 0)
		return listener;
	r = go_runtime_spawn(rt, accept_clients, GO_INT(listener));
	if (r < 0) {
		go_close(listener);
		return r;
	}
	r = guest_start(&guest, loop, rt);
	if (r == 0) {
		r = connect_client(loop, &address);
		if (r < 0)
			guest_stop(&guest);
	}
	/* Until all handles are closed, after an error, too. */
	(void)uv_run(loop, UV_RUN_DEFAULT);
	return r < 0 ? r : failed;
}

int main(void)
{
	go_runtime_options options = {.flavour = GO_CURRENT_THREAD};
	go_runtime *rt;
	uv_loop_t loop;
	int r = uv_loop_init(&loop);

	if (r == 0) {
		r = go_runtime_create(&rt, &options);
		if (r == 0) {
			r = run(rt, &loop);
			printf("tasks left: %d\n",
			       go_runtime_shutdown(rt, GO_SECOND));
			(void)go_runtime_destroy(rt);
		}
		(void)uv_loop_close(&loop);
	}
	if (r < 0) /* of gofer or libuv: both are -errno, but for UV_EOF */
		fprintf(stderr, "guest_uv: %s\n", uv_strerror(r));
	return r < 0;
}
