/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: a little host(1), which asks for several at once.
 *
 * Without arguments it looks up numbers, for which no name server is needed.
 *
 * Run it:    resolve [HOST...]
 * Expect:    127.0.0.1: 127.0.0.1 port 80
 *            ::1: ::1 port 80
 *            no number: no address
 */
#include <gofer.h>

#include <stdio.h>
#include <string.h>

struct query {
	const char *host;
	int flags;
	char text[256];
};

/* All addresses of a list, one behind the other. */
static int write_down(const struct addrinfo *list, char *text, size_t size)
{
	char host[128], service[32];
	size_t used = 0;
	int r = 0;

	for (; list && r == 0 && used < size; list = list->ai_next) {
		r = go_getnameinfo(list->ai_addr, list->ai_addrlen, host,
				   sizeof host, service, sizeof service,
				   NI_NUMERICHOST | NI_NUMERICSERV);
		if (r == 0)
			used += (size_t)snprintf(
				text + used, size - used, "%s%s port %s",
				used ? ", " : "", host, service);
	}
	return r;
}

/* The look-up itself cannot be interrupted, but nobody waits longer for it. */
static void *look_up(void *arg)
{
	struct query *q = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	GO_TIMEOUT(10 * GO_SECOND);
	int r;

	hints.ai_flags = q->flags;
	r = go_getaddrinfo(q->host, "80", &hints, &list);
	if (r == 0) {
		r = write_down(list, q->text, sizeof q->text);
		freeaddrinfo(list);
	}
	if (r < 0)
		snprintf(q->text, sizeof q->text, "%s",
			 q->flags ? "no address" : go_gai_strerror(r));
	return NULL;
}

static int look_up_all(struct query *queries, int n)
{
	GO_GROUP(group);
	int r = 0;

	for (int i = 0; i < n && r == 0; i++)
		r = go_group_spawn(&group, look_up, &queries[i]);
	if (r == 0)
		r = go_group_wait(&group);
	for (int i = 0; i < n && r == 0; i++)
		printf("%s: %s\n", queries[i].host, queries[i].text);
	return r;
}

struct arguments {
	int n;
	char **host;
};

static void *start(void *arg)
{
	struct query shown[] = {
		{"127.0.0.1", AI_NUMERICHOST, ""},
		{"::1", AI_NUMERICHOST, ""},
		{"no number", AI_NUMERICHOST, ""},
	};
	const struct arguments *a = arg;
	int r = 0;

	if (a->n == 0)
		return GO_INT(look_up_all(shown, 3));
	for (int i = 0; i < a->n && r == 0; i++) {
		struct query one = {a->host[i], 0, ""};

		r = look_up_all(&one, 1);
	}
	return GO_INT(r);
}

int main(int argc, char **argv)
{
	struct arguments a = {argc - 1, argv + 1};
	void *result = NULL;
	int r = go_run_with(NULL, start, &a, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "resolve: %s\n", strerror(-r));
	return r < 0;
}
