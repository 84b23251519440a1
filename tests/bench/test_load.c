/* SPDX-License-Identifier: MIT */
/*
 * A figure is worth what the load client is worth: its histogram rounds up by
 * less than two percent, and it notices each way in which a server can cheat.
 *
 * The server here is a thread that serves one connection and misbehaves at a
 * chosen message.
 */
#include "load.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

static struct histogram histogram;

Test(histogram, quantiles_are_at_most_two_percent_too_high)
{
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_record(&histogram, v * 1000);
	for (int percent = 1; percent <= 100; percent++) {
		uint64_t exact = (uint64_t)percent * 1000000;
		uint64_t got = histogram_quantile(&histogram, percent / 100.0);

		cr_assert_geq(got, exact - 1000, "%d %%", percent);
		cr_assert_leq(got, exact + exact / 50, "%d %%", percent);
	}
}

Test(histogram, takes_the_smallest_and_the_greatest_value)
{
	histogram_record(&histogram, 0);
	histogram_record(&histogram, 127);
	cr_assert_eq(histogram_quantile(&histogram, 0.5), 0);
	cr_assert_eq(histogram_quantile(&histogram, 1), 127);
	histogram_record(&histogram, UINT64_MAX);
	cr_assert_eq(histogram_quantile(&histogram, 1), UINT64_MAX);
}

/* What the server does once it has greeted. */
enum manner {
	ECHO,
	CORRUPT,
	HANG_UP,
	KEEP_SILENT,
	PIECEMEAL
};

enum {
	BYTES = 100
};

static int listener;
static enum manner manner;
static unsigned starved;

static void server(void *unused)
{
	int fd = accept(listener, NULL, NULL);
	ssize_t piece = manner == PIECEMEAL ? 1 : BYTES;
	char message[BYTES];

	(void)unused;
	for (int i = 1;; i++) {
		ssize_t n = recv(fd, message, sizeof message, MSG_WAITALL);

		if (n <= 0 || (i == 2 && manner == HANG_UP))
			break;
		if (i >= 2 && manner == KEEP_SILENT)
			continue;
		if (i == 2 && manner == CORRUPT)
			message[BYTES - 1] ^= 1;
		for (ssize_t at = 0; at < n; at += piece)
			(void)!send(fd, message + at, (size_t)piece,
				    MSG_NOSIGNAL);
	}
	close(fd);
}

static void run_against(enum manner how, struct load *load)
{
	struct load_options options = {.connections = 1, .bytes = BYTES};

	listener = test_listen((struct sockaddr_in *)&options.address);
	options.address_len = sizeof(struct sockaddr_in);
	manner = how;
	test_start_threads(1, server, NULL);
	cr_assert_eq(load_create(load, &options), 0);
	cr_assert_eq(load_open(load), 1);
	load_clear(load);
	load_start(load);
	load_run(load, 50000000);
	starved = load_starved(load);
	load_destroy(load);
	test_join_threads();
	close(listener);
}

static struct load load;

Test(load, counts_what_comes_back, .timeout = 10)
{
	run_against(ECHO, &load);
	cr_assert_gt(load.latency_ns.count, 0);
	cr_assert_gt(load.latency_ns.max, 0);
	cr_assert_eq(load.lost, 0);
}

Test(load, puts_pieces_together, .timeout = 10)
{
	run_against(PIECEMEAL, &load);
	cr_assert_gt(load.latency_ns.count, 0);
	cr_assert_eq(load.lost, 0);
}

Test(load, notices_a_wrong_byte, .timeout = 10)
{
	run_against(CORRUPT, &load);
	cr_assert_eq(load.wrong, 1);
	cr_assert_eq(load.lost, 1);
	cr_assert_eq(load.last_error, EBADMSG);
}

Test(load, notices_a_connection_that_ends, .timeout = 10)
{
	run_against(HANG_UP, &load);
	cr_assert_eq(load.wrong, 0);
	cr_assert_eq(load.lost, 1);
}

Test(load, reports_who_got_no_answer, .timeout = 10)
{
	run_against(KEEP_SILENT, &load);
	cr_assert_eq(load.lost, 0);
	cr_assert_eq(starved, 1);
	cr_assert_eq(load.latency_ns.count, 0);
}
