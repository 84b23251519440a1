/* SPDX-License-Identifier: MIT */
/*
 * Fetch several pages at once over HTTP, each within its own time.
 *
 * All of it takes as long as the slowest page, not as long as their sum; and
 * whatever a server does, no page takes longer than its limit: GO_TIMEOUT()
 * bounds the look-up of the name, the connection and every read together.
 *
 * Without arguments it fetches from a little server of its own, which answers
 * to none before it has got three questions, so that one after another would
 * never end; and to "/silence" not at all.
 *
 * Run it:    fetch [http://HOST[:PORT]/PATH...]
 * Expect:    /one: 4 bytes
 *            /two: 4 bytes
 *            /three: 6 bytes
 *            /silence: Connection timed out
 */
#include <gofer.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (20 * GO_SECOND)

/* ---- the client ---- */

struct page {
	char *host, *service, *path;
	int64_t limit_ns;
	ssize_t result; /* Bytes of the page, or what is wrong. */
};

/* Read to the end, and count what comes behind the head. */
static ssize_t read_page(int fd)
{
	static const char mark[] = "\r\n\r\n";
	size_t matched = 0, bytes = 0;
	char block[4096];
	ssize_t n;

	while ((n = go_read(fd, block, sizeof block)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (matched == 4)
				bytes++;
			else if (block[i] == mark[matched])
				matched++;
			else
				matched = block[i] == '\r';
		}
	if (n == 0 && matched < 4)
		n = -EPROTO;
	return n < 0 ? n : (ssize_t)bytes;
}

static ssize_t fetch(const struct page *page)
{
	GO_TIMEOUT(page->limit_ns);
	int fd = go_dial(page->host, page->service, NULL);
	char *request;
	ssize_t r;

	if (fd < 0)
		return fd;
	r = asprintf(&request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n",
		     page->path, page->host);
	if (r >= 0) {
		r = go_write_all(fd, request, (size_t)r, NULL);
		free(request);
	} else {
		r = -ENOMEM;
	}
	if (r == 0)
		r = read_page(fd);
	go_close(fd);
	return r;
}

static void *fetch_one(void *arg)
{
	struct page *page = arg;

	page->result = fetch(page);
	return NULL;
}

static int fetch_all(struct page *pages, int n)
{
	GO_GROUP(group);
	int r = 0, error;

	for (int i = 0; i < n && r == 0; i++)
		r = go_group_spawn(&group, fetch_one, &pages[i]);
	error = go_group_wait(&group);
	return error ? error : r;
}

/* Returns how many of them have failed. */
static int print_all(const struct page *pages, int n)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		const struct page *p = &pages[i];

		if (p->result < 0)
			printf("%s: %s\n", p->path,
			       go_gai_strerror((int)p->result));
		else
			printf("%s: %zd bytes\n", p->path, p->result);
		failed += p->result < 0;
	}
	return failed;
}

/* Take a URL apart, in place, but for the path, which is a copy. */
static int parse(char *url, struct page *page)
{
	char *slash, *colon, *end;

	if (strncmp(url, "http://", 7) == 0)
		url += 7;
	slash = strchr(url, '/');
	page->path = strdup(slash ? slash : "/");
	if (!page->path)
		return -ENOMEM;
	if (slash)
		*slash = '\0';
	end = url[0] == '[' ? strchr(url, ']') : NULL;
	colon = strchr(end ? end : url, ':');
	if (colon)
		*colon = '\0';
	if (end) {
		*end = '\0';
		url++;
	}
	page->host = url;
	page->service = colon ? colon + 1 : "80";
	page->limit_ns = LIMIT;
	return 0;
}

static int fetch_urls(char **url, int n)
{
	struct page *pages = calloc((size_t)n, sizeof *pages);
	int r = pages ? 0 : -ENOMEM;

	for (int i = 0; i < n && r == 0; i++)
		r = parse(url[i], &pages[i]);
	if (r == 0)
		r = fetch_all(pages, n);
	if (r == 0)
		r = print_all(pages, n) ? -EIO : 0;
	for (int i = 0; pages && i < n; i++)
		free(pages[i].path);
	free(pages);
	return r;
}

/* ---- a server to show it with ---- */

static go_wait_group asked;

static void *answer(void *arg)
{
	int fd = GO_TO_INT(arg);
	char request[512], path[64] = "", text[256];
	ssize_t n = go_read(fd, request, sizeof request - 1);

	request[n > 0 ? n : 0] = '\0';
	sscanf(request, "GET %63s", path);
	if (strcmp(path, "/silence") == 0) {
		go_sleep(GO_NEVER); /* until it is cancelled */
	} else {
		go_wait_group_done(&asked);
		go_wait_group_wait(&asked);
		n = snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\n\r\n%s",
			     path);
		go_write_all(fd, text, (size_t)n, NULL);
	}
	go_close(fd);
	return NULL;
}

static void *serve(void *arg)
{
	int listener = GO_TO_INT(arg), fd;
	GO_GROUP(group);

	while ((fd = go_accept(listener, NULL, NULL)) >= 0)
		if (go_group_spawn(&group, answer, GO_INT(fd)) < 0)
			go_close(fd);
	return NULL;
}

static int show_with(int listener, char *service)
{
	char host[] = "127.0.0.1"; /* bare machines know no names */
	struct page pages[] = {
		{host, service, "/one", LIMIT, 0},
		{host, service, "/two", LIMIT, 0},
		{host, service, "/three", LIMIT, 0},
		{host, service, "/silence", 50 * GO_MILLISECOND, 0},
	};
	go_task server;
	int r = go_task_spawn(&server, serve, GO_INT(listener));

	if (r < 0)
		return r;
	r = fetch_all(pages, 4);
	if (r == 0)
		print_all(pages, 4);
	go_task_cancel(server);
	go_task_join(server, NULL);
	return r;
}

static int show(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	char service[16];
	int listener = go_tcp_listen("127.0.0.1:0"), r;

	if (listener < 0)
		return listener;
	go_wait_group_add(&asked, 3);
	if (getsockname(listener, (struct sockaddr *)&address, &length) == 0) {
		snprintf(service, sizeof service, "%u",
			 ntohs(address.sin_port));
		r = show_with(listener, service);
	} else {
		r = -EINVAL;
	}
	go_close(listener);
	return r;
}

struct arguments {
	int n;
	char **url;
};

static void *start(void *arg)
{
	const struct arguments *a = arg;

	return GO_INT(a->n > 0 ? fetch_urls(a->url, a->n) : show());
}

int main(int argc, char **argv)
{
	struct arguments a = {argc - 1, argv + 1};
	void *result = NULL;
	int r = go_run_with(NULL, start, &a, &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "fetch: %s\n", strerror(-r));
	return r < 0;
}
