/* SPDX-License-Identifier: MIT */
/*
 * A port scanner: which ports of a machine take connections?
 *
 * Shows bounded parallelism, by a group that has so many children at a time,
 * and a deadline for each attempt: a firewall that swallows packets costs half
 * a second instead of two minutes.  Scan only machines of your own.
 *
 * Run it:
 *
 *     ./portscan 127.0.0.1 1-65535
 *
 * It prints each open port on a line of its own, in order.  An address of IPv6
 * is written in brackets: [::1].
 */
#include <gofer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 256
#define PATIENCE  (GO_SECOND / 2)

struct scan {
	const char *host;
	int first, last;
};

struct port {
	const char *host;
	int number;
	bool open;
};

/*
 * A port that nobody listens at may connect to itself, if the system happens to
 * give it to the caller's own end.
 */
static bool is_itself(int fd)
{
	struct sockaddr_storage here = {0}, there = {0};
	socklen_t n = sizeof here, m = sizeof there;

	return getsockname(fd, (struct sockaddr *)&here, &n) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &m) == 0 && n == m &&
	       memcmp(&here, &there, n) == 0;
}

/* An error here is an answer, and not a reason to stop: unless it is ours. */
static void *try_port(void *arg)
{
	struct port *p = arg;
	char address[80];
	int fd;
	GO_TIMEOUT(PATIENCE);

	snprintf(address, sizeof address, "%s:%d", p->host, p->number);
	fd = go_tcp_dial(address);
	p->open = fd >= 0 && !is_itself(fd);
	if (fd >= 0)
		go_close(fd);
	return GO_INT(fd == -EINVAL || fd == -EMFILE || fd == -ENFILE ||
				      fd == -ENOMEM
			      ? fd
			      : 0);
}

static int try_all(struct port *ports, int n)
{
	go_group_options options = {.limit = AT_A_TIME,
				    .cancel_on_error = true};
	GO_GROUP_WITH(attempts, &options);
	int error, r = 0;

	for (int i = 0; i < n && r == 0; i++)
		r = go_group_spawn(&attempts, try_port, &ports[i]);
	error = go_group_wait(&attempts);
	return error ? error : r;
}

static void *scan(void *arg)
{
	const struct scan *s = arg;
	int r, n = s->last - s->first + 1;
	struct port *ports = calloc((size_t)n, sizeof *ports);

	if (!ports)
		return GO_INT(-ENOMEM);
	for (int i = 0; i < n; i++) {
		ports[i].host = s->host;
		ports[i].number = s->first + i;
	}
	r = try_all(ports, n);
	for (int i = 0; i < n && r == 0; i++)
		if (ports[i].open)
			printf("%d\n", ports[i].number);
	free(ports);
	return GO_INT(r);
}

/* "80" or "1-1024". */
static bool parse_range(const char *text, struct scan *s)
{
	char *end;
	long first = strtol(text, &end, 10), last = first;

	if (*end == '-')
		last = strtol(end + 1, &end, 10);
	if (*end != '\0' || first < 1 || last > 65535 || first > last)
		return false;
	s->first = (int)first;
	s->last = (int)last;
	return true;
}

int main(int argc, char **argv)
{
	struct scan s = {.host = argc == 3 ? argv[1] : ""};
	void *result = NULL;
	int r;

	if (argc != 3 || !parse_range(argv[2], &s)) {
		fprintf(stderr, "usage: portscan ADDRESS FIRST-LAST\n");
		return 2;
	}
	r = go_run_with(NULL, scan, &s, &result);
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "portscan: %s\n", strerror(-r));
	return r < 0;
}
