/* SPDX-License-Identifier: MIT */
/*
 * What goes with a task: a value under a key, and a handler at its end.
 *
 * Run it:    locals
 * Expect:    server: begins
 *            server: ends
 */
#include <gofer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static go_key name_key;

static void say(void *what)
{
	const char *name = go_local_get(name_key);

	printf("%s: %s\n", name ? name : "nobody", (const char *)what);
}

static void *serve(void *unused)
{
	static char begins[] = "begins", ends[] = "ends";
	char *name = strdup("server");
	int r = go_local_set(name_key, name);

	(void)unused;
	if (r < 0)
		free(name);
	else
		r = go_at_exit(say, ends);
	say(begins);
	return GO_INT(r);
}

int main(void)
{
	void *result = NULL;
	int r = go_key_create(&name_key, free);

	if (r == 0)
		r = go_run_with(NULL, serve, NULL, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "locals: %s\n", strerror(-r));
	return r < 0;
}
