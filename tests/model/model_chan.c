/* SPDX-License-Identifier: MIT */
/*
 * Channels: sends and receives against closing and deadlines.
 *
 * Runs sync/chan.c on the waits of model_wait.h.
 *
 * Shows, in all schedules within the bound and under C11's memory: a send that
 * returns 0 has its value received once or left in the ring, and any other one
 * has not; what was written before a send is seen after its receive; closing
 * gets everybody out; no wait stays linked.
 *
 * Cannot show: the growing of an unbounded ring, cancellation (it ends a wait
 * in the way that a deadline does), select.
 *
 * Bounds: one or two senders and receivers, one closer, one deadline.
 */
#include "model_heap.h"
#include "model_wait.h"

#include "sync/chan.c"

enum {
	VALUES = 4
};

static struct go_chan c;
static uint64_t ring[1];

static int payload[VALUES]; /* Plain, so that races show. */
static unsigned sent[VALUES], received[VALUES];

/* ---- Before and after ---------------------------------------------------- */

static void setup(size_t capacity)
{
	memset(&c, 0, sizeof(c));
	go__lock_init(&c.lock);
	go__list_init(&c.senders);
	go__list_init(&c.receivers);
	c.element_bytes = sizeof(uint64_t);
	c.capacity = capacity;
	c.slots = capacity;
	c.ring = (char *)ring;
	model_setup_tasks();
	memset(payload, 0, sizeof(payload));
	memset(sent, 0, sizeof(sent));
	memset(received, 0, sizeof(received));
}

static void setup_rendezvous(void)
{
	setup(0);
}

static void setup_ring(void)
{
	setup(1);
}

static void conserved(void)
{
	uint64_t value;

	while (go_chan_try_recv(&c, &value) == 0)
		received[value]++;
	for (int i = 0; i < VALUES; i++)
		model_assert(sent[i] == received[i]);
	model_assert(go__list_empty(&c.senders));
	model_assert(go__list_empty(&c.receivers));
}

/* ---- Threads ------------------------------------------------------------- */

static void sender(int value)
{
	uint64_t n = (uint64_t)value;
	int r;

	MODEL_WRITE(payload[n]) = value + 10;
	r = go_chan_send(&c, &n);
	model_assert(r == 0 || r == -EPIPE || r == -ETIMEDOUT);
	sent[n] += r == 0;
}

static void receiver(int times)
{
	while (times--) {
		uint64_t n = VALUES;
		int r = go_chan_recv(&c, &n);

		model_assert(r == 0 || r == -EPIPE || r == -ETIMEDOUT);
		model_assert((r == 0) == (n < VALUES));
		if (r != 0)
			continue;
		model_assert(MODEL_READ(payload[n]) == (int)n + 10);
		received[n]++;
	}
}

static void closer(int unused)
{
	(void)unused;
	model_assert(go_chan_close(&c) == 0);
}

static const struct model models[] = {
	{
		.name = "rendezvous-expire-sender",
		.setup = setup_rendezvous,
		.finish = conserved,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 1),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("timer", model_expire, 0)},
	},
	{
		.name = "rendezvous-expire-receiver",
		.setup = setup_rendezvous,
		.finish = conserved,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 1),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("timer", model_expire, 1)},
	},
	{
		.name = "ring-close",
		.setup = setup_ring,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("other", sender, 1),
			   MODEL_THREAD("receiver", receiver, 2),
			   MODEL_THREAD("closer", closer, 0)},
	},
	{
		.name = "ring-expire-sender",
		.setup = setup_ring,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("other", sender, 1),
			   MODEL_THREAD("receiver", receiver, 1),
			   MODEL_THREAD("timer", model_expire, 1),
			   MODEL_THREAD("closer", closer, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
