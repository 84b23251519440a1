/* SPDX-License-Identifier: MIT */
/*
 * gofer inside a program of threads: orders come from two threads, are worked
 * on by a thousand tasks, and are booked by a third thread.
 *
 * Shows what a program that has been multi-threaded for years does to hand the
 * part with all the waiting over to tasks: its threads stay as they are, and
 * talk to the tasks through channels, which block a thread and park a task.
 * Each order waits twenty milliseconds for a slow service; a thousand of them
 * wait side by side on two workers.
 *
 * The end is orderly: producers end, the channel of orders is closed, the tasks
 * take what is left in it and end, the channel of invoices is closed, the
 * accountant takes what is left in it and ends.  Whoever fails closes his
 * channel, so that the others end as well.
 *
 * Run it:    embed_threads
 * Expect:    2000 orders are booked, 2001000 in all
 */
#include <gofer.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
	PRODUCERS = 2,
	EACH = 1000, /* orders of one producer */
	TASKS = 1000
};

struct order {
	int number;
};

struct invoice {
	int number, amount;
};

struct office {
	go_chan *orders, *invoices;
	int booked;
	long total;
};

struct producer {
	pthread_t thread;
	struct office *office;
	int first;
};

/* ---- The threads ----------------------------------------------------------*/

static void *produce(void *arg)
{
	const struct producer *p = arg;

	for (int i = 0; i < EACH; i++) {
		struct order order = {p->first + i};

		if (go_chan_send(p->office->orders, &order) < 0)
			break; /* nobody takes orders any more */
	}
	return NULL;
}

static void *book(void *arg)
{
	struct office *office = arg;
	struct invoice invoice;

	while (go_chan_recv(office->invoices, &invoice) == 0) {
		office->booked++;
		office->total += invoice.amount;
	}
	return NULL;
}

/* ---- The tasks ------------------------------------------------------------*/

static void *handle(void *arg)
{
	struct office *office = arg;
	struct order order;
	int r;

	while ((r = go_chan_recv(office->orders, &order)) == 0) {
		struct invoice invoice = {order.number, order.number};

		r = go_sleep(20 * GO_MILLISECOND); /* the slow service */
		if (r == 0)
			r = go_chan_send(office->invoices, &invoice);
		if (r < 0)
			break;
	}
	return GO_INT(r == -EPIPE ? 0 : r); /* there are no more orders */
}

static void *handle_all(void *arg)
{
	struct office *office = arg;
	go_group_options options = {.cancel_on_error = true};
	GO_GROUP_WITH(handlers, &options);
	int error, r = 0;

	for (int i = 0; i < TASKS && r == 0; i++)
		r = go_group_spawn(&handlers, handle, office);
	error = go_group_wait(&handlers);
	/* Those who are still sending or receiving now are to end. */
	go_chan_close(office->orders);
	go_chan_close(office->invoices);
	return GO_INT(error ? error : r);
}

/* ---- The program ----------------------------------------------------------*/

/* Joined by a thread of its own: the main thread waits for the tasks. */
static void *run_producers(void *arg)
{
	struct producer producers[PRODUCERS];
	struct office *office = arg;
	int started = 0, r = 0;

	for (; started < PRODUCERS && r == 0; started++) {
		struct producer *p = &producers[started];

		p->office = office;
		p->first = 1 + started * EACH;
		r = -pthread_create(&p->thread, NULL, produce, p);
		if (r < 0)
			break;
	}
	for (int i = 0; i < started; i++)
		pthread_join(producers[i].thread, NULL);
	go_chan_close(office->orders); /* what is in it is still handled */
	return GO_INT(r);
}

static int run_office(go_runtime *rt, struct office *office)
{
	pthread_t accountant, production;
	void *produced = NULL, *handled = NULL;
	int r = -pthread_create(&accountant, NULL, book, office);

	if (r < 0)
		return r;
	r = -pthread_create(&production, NULL, run_producers, office);
	if (r == 0) {
		r = go_runtime_block_on(rt, handle_all, office, &handled);
		if (r < 0)
			go_chan_close(office->orders);
		pthread_join(production, &produced);
	}
	go_chan_close(office->invoices);
	pthread_join(accountant, NULL);
	if (r == 0)
		r = GO_TO_INT(handled);
	return r ? r : GO_TO_INT(produced);
}

static int with_runtime(struct office *office)
{
	go_runtime_options options = {.workers = 2, .thread_name = "office"};
	go_runtime *rt;
	int r = go_runtime_create(&rt, &options);

	if (r < 0)
		return r;
	r = run_office(rt, office);
	if (go_runtime_shutdown(rt, 60 * GO_SECOND) == 0)
		go_runtime_destroy(rt);
	return r;
}

int main(void)
{
	struct office office = {0};
	int r = go_chan_create(&office.orders, sizeof(struct order), 16);

	if (r == 0)
		r = go_chan_create(&office.invoices, sizeof(struct invoice),
				   16);
	if (r == 0)
		r = with_runtime(&office);
	go_chan_destroy(office.invoices);
	go_chan_destroy(office.orders);
	if (r == 0)
		printf("%d orders are booked, %ld in all\n", office.booked,
		       office.total);
	else
		fprintf(stderr, "embed_threads: %s\n", strerror(-r));
	return r < 0;
}
