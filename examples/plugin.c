/* SPDX-License-Identifier: MIT */
/*
 * A C program that loads C++ while it runs: the library is told of that once,
 * and then the plug-in's exceptions stay with the tasks in which they were
 * thrown.  (A program that has C++ when it starts need not do it: cxx.cc.)
 *
 * Run it:    plugin MODULE
 * Expect:    no page 1
 *            no page 2
 */
#include <gofer.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct module {
	void *handle;
	void (*look_up)(int number, void (*wait)(void), char *text,
			size_t size);
};

/* A symbol is a function, which ISO C has no cast for. */
static int find(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	if (!symbol)
		return -ENOENT;
	memcpy(function, &symbol, sizeof symbol);
	return 0;
}

/* Before any of its functions runs in a task. */
static int load(struct module *m, const char *path)
{
	void *(*globals)(void);
	int r;

	m->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!m->handle) {
		fprintf(stderr, "plugin: %s\n", dlerror());
		return -ENOENT;
	}
	/* Of the module, or of the C++ library that it needs; a module that is
	 * all C has none.  It is never unloaded from now on. */
	if (find(m->handle, "__cxa_get_globals", &globals) == 0) {
		r = go_cxx_attach(globals);
		if (r < 0)
			return r;
	}
	return find(m->handle, "look_up", &m->look_up);
}

static void let_others_run(void)
{
	(void)go_sleep(5 * GO_MILLISECOND);
}

struct call {
	const struct module *module;
	int number;
	char text[32];
};

static void *call(void *arg)
{
	struct call *c = arg;

	c->module->look_up(c->number, let_others_run, c->text, sizeof c->text);
	return NULL;
}

static void *start(void *path)
{
	struct module m;
	struct call calls[] = {{&m, 1, ""}, {&m, 2, ""}};
	GO_GROUP(group);
	int r = load(&m, path);

	for (int i = 0; i < 2 && r == 0; i++)
		r = go_group_spawn(&group, call, &calls[i]);
	if (r == 0)
		r = go_group_wait(&group);
	for (int i = 0; i < 2 && r == 0; i++)
		printf("%s\n", calls[i].text);
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	void *result = NULL;
	int r = argc == 2 ? go_run_with(NULL, start, argv[1], &result)
			  : -EINVAL;

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "plugin: %s\n", strerror(-r));
	return r < 0;
}
