/* SPDX-License-Identifier: MIT */
/*
 * Tasks in a GLib main loop, as a program with GTK has one.  A task works
 * through a list, step by step, and shows how far it is; the loop goes on
 * meanwhile.  Tasks run on the loop's thread and may call GLib themselves.
 *
 * The GSource below is all that it takes.
 *
 * Run it:    guest_glib
 * Expect:    loop: starting
 *            task: step 1 of 3
 *            task: step 2 of 3
 *            task: step 3 of 3
 *            loop: was free all the time
 *            tasks left: 0
 */
#include <gofer.h>

#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

/* ---- a runtime in a GLib main context ---- */

struct guest {
	GSource source; /* First. */
	go_runtime *rt;
};

/* The descriptor is readable, or the time that we have asked for has come. */
static gboolean guest_dispatch(GSource *source, GSourceFunc unused,
			       gpointer none)
{
	struct guest *guest = (struct guest *)(void *)source;
	int64_t next;

	(void)unused;
	(void)none;
	(void)go_runtime_turn(guest->rt, 0, 0);
	/* The same clock as GLib's, which counts in microseconds. */
	next = go_runtime_next_deadline_ns(guest->rt);
	g_source_set_ready_time(
		source,
		next == GO_NEVER ? -1 : next / 1000 + (next % 1000 != 0));
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs guest_functions = {.dispatch = guest_dispatch};

/* NULL: out of descriptors or memory. */
static GSource *guest_source_new(go_runtime *rt)
{
	int fd = go_runtime_fd(rt);
	GSource *source;

	if (fd < 0)
		return NULL;
	source = g_source_new(&guest_functions, sizeof(struct guest));
	((struct guest *)(void *)source)->rt = rt;
	g_source_set_name(source, "gofer");
	g_source_add_unix_fd(source, fd, G_IO_IN);
	return source;
}

/* ---- the program ---- */

static GMainLoop *loop;
static int ticks, failed;

static gboolean tick(gpointer unused)
{
	(void)unused;
	ticks++;
	return G_SOURCE_CONTINUE;
}

static void *work(void *unused)
{
	for (int step = 1; step <= 3; step++) {
		if (go_sleep(20 * GO_MILLISECOND) < 0)
			break; /* the program ends */
		printf("task: step %d of 3\n", step);
	}
	g_main_loop_quit(loop);
	return unused;
}

static gboolean start(gpointer rt)
{
	printf("loop: starting\n");
	/* From outside of a turn: this makes the descriptor readable. */
	failed = go_runtime_spawn((go_runtime *)rt, work, NULL);
	if (failed < 0)
		g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static int run(go_runtime *rt)
{
	GSource *source = guest_source_new(rt);

	if (!source)
		return -ENOMEM;
	loop = g_main_loop_new(NULL, FALSE);
	g_source_attach(source, NULL);
	g_timeout_add(5, tick, NULL);
	g_idle_add(start, rt);
	g_main_loop_run(loop);
	if (ticks > 0)
		printf("loop: was free all the time\n");
	g_source_destroy(source);
	g_source_unref(source);
	g_main_loop_unref(loop);
	return failed;
}

int main(void)
{
	go_runtime_options options = {.flavour = GO_CURRENT_THREAD};
	go_runtime *rt;
	int r = go_runtime_create(&rt, &options);

	if (r == 0) {
		r = run(rt);
		printf("tasks left: %d\n", go_runtime_shutdown(rt, GO_SECOND));
		(void)go_runtime_destroy(rt);
	}
	if (r < 0)
		fprintf(stderr, "guest_glib: %s\n", strerror(-r));
	return r < 0;
}
