/* SPDX-License-Identifier: MIT */
/*
 * Put an echo server under load, and measure it.
 *
 *     echo_load 127.0.0.1:8080 --connections 1000 --duration 5
 *     echo_load 127.0.0.1:8080 --idle 10000 --pid $(pidof echo_server)
 *
 * Every connection sends a message, waits until all of it has come back, checks
 * it, and sends the next.  With --pid the CPU time and the memory of the
 * server are read at the edges of the measured window, so that neither its
 * start nor the opening of the connections counts.
 */
#include "bench.h"
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

struct settings {
	struct load_options load;
	const char *address;
	double duration_s, warmup_s;
	double hold_s; /* negative: until interrupted */
	pid_t server;
	bool idle, line;
};

/* What the measured window cost. */
struct window {
	uint64_t ns, client_ns, server_ns;
};

static const char usage[] =
	"usage: echo_load [options] HOST:PORT\n"
	"  -c, --connections N    connections, one message under way on each "
	"(50)\n"
	"  -b, --bytes N          bytes in a message (64)\n"
	"  -C, --churn            a new connection for every message\n"
	"  -d, --duration S       seconds to measure (2)\n"
	"  -w, --warmup S         seconds before that (0.5)\n"
	"  -i, --idle N           open N connections, use each once, then hold "
	"them\n"
	"  -H, --hold S           how long (until interrupted)\n"
	"  -p, --pid PID          the server's process: report its CPU and "
	"memory\n"
	"  -l, --line             print key=value pairs on one line\n"
	"  -F, --free-port        print a loopback port that is free now, and "
	"end\n";

static int fail_usage(const char *what)
{
	fprintf(stderr, "echo_load: %s\n%s", what, usage);
	return 2;
}

static int print_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		perror("echo_load: no free port");
		return 1;
	}
	printf("%u\n", ntohs(a.sin_port));
	close(fd);
	return 0;
}

/* "HOST:PORT"; an IPv6 address stands in brackets. */
static int parse_address(const char *text, struct load_options *options)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	const char *colon = strrchr(text, ':');
	char host[256];
	size_t len = colon ? (size_t)(colon - text) : sizeof host;

	if (len >= 2 && len < sizeof host && text[0] == '[')
		snprintf(host, sizeof host, "%.*s", (int)len - 2, text + 1);
	else if (len < sizeof host)
		snprintf(host, sizeof host, "%.*s", (int)len, text);
	else
		return -EINVAL;
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -EINVAL;
	memcpy(&options->address, found->ai_addr, found->ai_addrlen);
	options->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static const struct option long_options[] = {
	{"connections", required_argument, NULL, 'c'},
	{"bytes", required_argument, NULL, 'b'},
	{"churn", no_argument, NULL, 'C'},
	{"duration", required_argument, NULL, 'd'},
	{"warmup", required_argument, NULL, 'w'},
	{"idle", required_argument, NULL, 'i'},
	{"hold", required_argument, NULL, 'H'},
	{"pid", required_argument, NULL, 'p'},
	{"line", no_argument, NULL, 'l'},
	{"free-port", no_argument, NULL, 'F'},
	{NULL, 0, NULL, 0},
};

/* Returns 0 to go on, otherwise the exit status plus one. */
static int parse(struct settings *s, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:b:Cd:w:i:H:p:lF",
				     long_options, NULL)) != -1) {
		switch (option) {
		case 'i':
			s->idle = true; /* fallthrough */
		case 'c':
			s->load.connections = (unsigned)atoi(optarg);
			break;
		case 'b':
			s->load.bytes = strtoul(optarg, NULL, 10);
			break;
		case 'C':
			s->load.churn = true;
			break;
		case 'd':
			s->duration_s = atof(optarg);
			break;
		case 'w':
			s->warmup_s = atof(optarg);
			break;
		case 'H':
			s->hold_s = atof(optarg);
			break;
		case 'p':
			s->server = (pid_t)atol(optarg);
			break;
		case 'l':
			s->line = true;
			break;
		case 'F':
			return 1 + print_free_port();
		default:
			return 1 + fail_usage("unknown option");
		}
	}
	if (optind + 1 != argc || parse_address(argv[optind], &s->load) < 0)
		return 1 + fail_usage("say where the server is: HOST:PORT");
	if (s->load.connections - 1 >= 4000000 || s->load.bytes - 1 >= 1 << 24)
		return 1 + fail_usage("1 to 4,000,000 connections, 1 byte to "
				      "16 MiB each");
	s->address = argv[optind];
	return 0;
}

/* A descriptor per connection; ask for fewer where the system has no more. */
static void raise_file_limit(struct settings *s)
{
	rlim_t need = s->load.connections + 16u;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need; /* a privileged process may */
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 32)
		return;
	fprintf(stderr,
		"echo_load: at most %lu files may be open, so %lu connections "
		"instead of %u\n",
		(unsigned long)limit.rlim_cur,
		(unsigned long)limit.rlim_cur - 16, s->load.connections);
	s->load.connections = (unsigned)limit.rlim_cur - 16;
}

/* A server that has just been started refuses connections for a moment. */
static int wait_until_it_listens(const struct load_options *options)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	uint64_t end = bench_now() + 5000000000u;
	int error = 0;

	do {
		int fd = socket(options->address.ss_family,
				SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		error = connect(fd, (const void *)&options->address,
				options->address_len) < 0
				? errno
				: 0;
		close(fd);
		if (error)
			nanosleep(&pause, NULL);
	} while (error == ECONNREFUSED && bench_now() < end);
	return -error;
}

/* CPU time of the server, all its threads, also those that have ended. */
static uint64_t server_cpu(const struct settings *s)
{
	clockid_t clock;

	if (!s->server || clock_getcpuclockid(s->server, &clock) != 0)
		return 0;
	return bench_clock(clock);
}

static long server_kb(const struct settings *s, const char *file,
		      const char *key)
{
	return s->server ? bench_proc_kb(s->server, file, key) : 0;
}

static double us(double ns)
{
	return ns / 1e3;
}

static void print_line(const struct settings *s, const struct load *l,
		       const struct window *w, unsigned reached)
{
	double n = l->latency_ns.count ? (double)l->latency_ns.count : 1;

	printf("connections=%u reached=%u requests=%lu rps=%.0f p50_us=%.1f "
	       "p99_us=%.1f p999_us=%.1f max_us=%.1f errors=%lu wrong=%lu "
	       "starved=%u server_us=%.3f server_cpu=%.3f client_us=%.3f "
	       "client_cpu=%.3f\n",
	       s->load.connections, reached, (unsigned long)l->latency_ns.count,
	       (double)l->latency_ns.count * 1e9 / (double)w->ns,
	       us((double)histogram_quantile(&l->latency_ns, 0.5)),
	       us((double)histogram_quantile(&l->latency_ns, 0.99)),
	       us((double)histogram_quantile(&l->latency_ns, 0.999)),
	       us((double)l->latency_ns.max), (unsigned long)l->lost,
	       (unsigned long)l->wrong, load_starved(l),
	       us((double)w->server_ns) / n,
	       (double)w->server_ns / (double)w->ns,
	       us((double)w->client_ns) / n,
	       (double)w->client_ns / (double)w->ns);
}

static void print_text(const struct settings *s, const struct load *l,
		       const struct window *w)
{
	const struct histogram *h = &l->latency_ns;
	double n = h->count ? (double)h->count : 1, ns = (double)w->ns;

	printf("%.0f requests/s   p50 %.3f ms   p99 %.3f ms   p99.9 %.3f ms   "
	       "max %.3f ms\n",
	       (double)h->count * 1e9 / ns,
	       us((double)histogram_quantile(h, 0.5)) / 1e3,
	       us((double)histogram_quantile(h, 0.99)) / 1e3,
	       us((double)histogram_quantile(h, 0.999)) / 1e3,
	       us((double)h->max) / 1e3);
	if (s->server)
		printf("server: %.2f us of CPU time per request, %.0f %% of a "
		       "CPU\n",
		       us((double)w->server_ns) / n,
		       100 * (double)w->server_ns / ns);
	printf("client: %.2f us of CPU time per request, %.0f %% of a CPU\n",
	       us((double)w->client_ns) / n, 100 * (double)w->client_ns / ns);
	printf("errors: %lu connections broke off, %lu of them with a wrong "
	       "reply; %u connections got no answer\n",
	       (unsigned long)l->lost, (unsigned long)l->wrong,
	       load_starved(l));
}

static int measure(struct settings *s, struct load *l, unsigned reached)
{
	struct window w;

	load_start(l);
	load_run(l, (uint64_t)(s->warmup_s * 1e9));
	load_clear(l);
	w.server_ns = server_cpu(s);
	w.client_ns = bench_cpu();
	w.ns = bench_now();
	load_run(l, (uint64_t)(s->duration_s * 1e9));
	w.ns = bench_now() - w.ns;
	w.client_ns = bench_cpu() - w.client_ns;
	w.server_ns = server_cpu(s) - w.server_ns;
	if (s->line)
		print_line(s, l, &w, reached);
	else
		print_text(s, l, &w);
	return l->lost || !l->latency_ns.count;
}

/* Hold the connections, so that the caller can look at the server. */
static void hold(const struct settings *s, unsigned reached)
{
	struct timespec t = {.tv_sec = (time_t)s->hold_s};
	uint64_t cpu = server_cpu(s);

	t.tv_nsec = (long)((s->hold_s - (double)t.tv_sec) * 1e9);
	if (s->hold_s < 0) {
		printf("holding %u idle connections; Ctrl-C ends\n", reached);
		fflush(stdout);
		for (;;)
			pause();
	}
	nanosleep(&t, NULL);
	if (s->server && s->hold_s > 0 && !s->line)
		printf("server: %.0f us of CPU time in %.1f s with %u idle "
		       "connections\n",
		       us((double)(server_cpu(s) - cpu)), s->hold_s, reached);
}

static int run(struct settings *s)
{
	long rss = server_kb(s, "smaps_rollup", "Rss:");
	long tables = server_kb(s, "status", "VmPTE:");
	struct load l;
	unsigned reached;
	int result = load_create(&l, &s->load);

	if (result < 0) {
		fprintf(stderr, "echo_load: %s\n", strerror(-result));
		load_destroy(&l);
		return 1;
	}
	reached = load_open(&l);
	if (reached < s->load.connections)
		fprintf(stderr, "echo_load: %u of %u connections (%s)\n",
			reached, s->load.connections, strerror(l.last_error));
	if (reached == 0) {
		load_destroy(&l);
		return 1;
	}
	rss = server_kb(s, "smaps_rollup", "Rss:") - rss;
	tables = server_kb(s, "status", "VmPTE:") - tables;
	if (!s->idle) {
		result = measure(s, &l, reached);
	} else if (s->line) {
		printf("connections=%u reached=%u rss_kb=%ld pte_kb=%ld\n",
		       s->load.connections, reached, rss, tables);
	} else if (s->server) {
		printf("server: %ld bytes resident per idle connection, and "
		       "%ld of page tables\n",
		       rss * 1024 / (long)reached,
		       tables * 1024 / (long)reached);
	}
	if (s->idle)
		hold(s, reached);
	load_destroy(&l);
	return result;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.load = {.connections = 50, .bytes = 64},
		.duration_s = 2,
		.warmup_s = 0.5,
		.hold_s = -1,
	};
	int result = parse(&s, argc, argv);

	if (result)
		return result - 1;
	raise_file_limit(&s);
	result = wait_until_it_listens(&s.load);
	if (result < 0) {
		fprintf(stderr, "echo_load: cannot connect to %s: %s\n",
			s.address, strerror(-result));
		return 1;
	}
	return run(&s);
}
