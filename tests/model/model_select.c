/* SPDX-License-Identifier: MIT */
/*
 * Select: over two channels and an event, against itself and everybody else.
 *
 * Runs select/select.c, sync/chan.c and sync/event.c on the waits of
 * model_wait.h.
 *
 * Shows, in all schedules within the bound and under C11's memory: selects that
 * lock the same channels in opposite order of their cases do not stop each
 * other; one case is done, and its value moves once, also if the same channel
 * stands in two cases; an automatic event is used up by being chosen and by
 * nothing else; a channel that has given its value may be destroyed; closing
 * and cancellation get a select out, with nothing taken or given; no wait stays
 * linked.
 *
 * Cannot show: descriptors (model_select_fd.c), tasks' ends (model_taskword.c:
 * watch()), time, growing channels, chance: every second thread begins with its
 * last case.
 *
 * Bounds: two or three threads with a select each, of two or three cases.
 */
#define MODEL_OWN_FREE
#include "model_heap.h"
#include "model_wait.h"

#include "sched/ending.c"
#include "sync/chan.c"
#include "sync/event.c"
#include "sync/line.c"

#include "select/select.c"

enum {
	A,
	B,
	CHANNELS,
	VALUES = 4
};

static struct go_chan chan[CHANNELS];
static go_event once;

static int payload[VALUES]; /* Plain, so that races show. */
static unsigned sent[VALUES], received[VALUES], passed;

/* ---- The rest of the library --------------------------------------------- */

struct go__lock go__signals_lock;

int go__signals_take(go_signals *s, uint32_t *count)
{
	(void)s;
	(void)count;
	model_not_called();
}

uint64_t go__random(void)
{
	return model_self() % 2 ? UINT64_MAX : 0;
}

int64_t go_now(void)
{
	return 0;
}

/* A channel is gone: whoever still locks it waits for ever. */
void go__sys_free(void *p)
{
	for (int i = 0; i < CHANNELS; i++)
		if (p == &chan[i])
			go__lock_acquire(&chan[i].lock);
}

int go__wait_abandon(struct go__waiter *w)
{
	(void)w;
	model_not_called();
}

int go__waiter_eventfd(struct go__waiter *w)
{
	(void)w;
	model_not_called();
}

int go__fd_poll_thread(struct go__waiter *w, struct pollfd *v, nfds_t n)
{
	(void)w;
	(void)v;
	(void)n;
	model_not_called();
}

int go__fd_look_enter(struct go__fd_look *k, int fd)
{
	(void)k;
	(void)fd;
	model_not_called();
}

void go__fd_look_leave(struct go__fd_look *k)
{
	(void)k;
	model_not_called();
}

void go__fd_look_load(struct go__fd_look *k)
{
	(void)k;
	model_not_called();
}

int go__fd_look_now(struct pollfd *fds, nfds_t count)
{
	(void)fds;
	(void)count;
	model_not_called();
}

int go__fd_look_link(struct go__fd_look *k, struct go__waiter *w, short events)
{
	(void)k;
	(void)w;
	(void)events;
	model_not_called();
}

void go__fd_look_unlink(struct go__fd_look *k)
{
	(void)k;
	model_not_called();
}

bool go__fd_look_closing(struct go__fd_look *k)
{
	(void)k;
	model_not_called();
}

bool go__fd_doubt(struct go__fd_doubt *d, const struct go__fd *e,
		  const struct go__waiter *w)
{
	(void)d;
	(void)e;
	(void)w;
	model_not_called();
}

bool go__fd_doubt_due(const struct go__fd_doubt *d, const struct go__waiter *w)
{
	(void)w;
	return d->at != GO__NO_DEADLINE;
}

int go__fd_look_recheck(struct go__fd_look *k, struct go__waiter *w)
{
	(void)k;
	(void)w;
	model_not_called();
}

/* ---- Before and after ---------------------------------------------------- */

static void setup(void)
{
	model_setup_tasks();
	memset(chan, 0, sizeof(chan));
	for (int i = 0; i < CHANNELS; i++) {
		go__lock_init(&chan[i].lock);
		go__list_init(&chan[i].senders);
		go__list_init(&chan[i].receivers);
		chan[i].element_bytes = sizeof(uint64_t);
	}
	memset(&once, 0, sizeof(once));
	go__lock_init(&go__line(&once.line)->lock);
	once.line.state = GO__EVENT_AUTO;
	memset(payload, 0, sizeof(payload));
	memset(sent, 0, sizeof(sent));
	memset(received, 0, sizeof(received));
	passed = 0;
}

static void setup_cancelled(void)
{
	setup();
	model_cancels = true;
}

static void nobody_linked(void)
{
	for (int i = 0; i < CHANNELS; i++) {
		model_assert(go__list_empty(&chan[i].senders));
		model_assert(go__list_empty(&chan[i].receivers));
	}
	model_assert(go_event_destroy(&once) == 0);
}

static void conserved(void)
{
	for (int i = 0; i < VALUES; i++)
		model_assert(sent[i] == received[i]);
	nobody_linked();
}

static void conserved_one(void)
{
	unsigned n = 0;

	for (int i = 0; i < VALUES; i++)
		n += received[i];
	model_assert(n == 1);
	conserved();
}

/* The event was set once: it has let one pass, or is still set. */
static void conserved_event(void)
{
	passed += go_event_try(&once) == 0;
	model_assert(passed == 1);
	conserved();
}

/* ---- Threads ------------------------------------------------------------- */

static void note_sent(uint64_t n, int result)
{
	model_assert(result == 0 || result == -EPIPE);
	sent[n] += result == 0;
}

static void note_received(uint64_t n, int result)
{
	model_assert(result == 0 || result == -EPIPE);
	if (result != 0)
		return;
	model_assert(n < VALUES);
	model_assert(MODEL_READ(payload[n]) == (int)n + 10);
	received[n]++;
}

/* Sends a value to either; the first channel stands in two cases. */
static void sender(int value)
{
	uint64_t n = (uint64_t)value;
	go_case k[] = {GO_SEND(&chan[A], &n), GO_SEND(&chan[B], &n),
		       GO_SEND(&chan[A], &n)};
	int r;

	MODEL_WRITE(payload[n]) = value + 10;
	r = go_select(k, 3);
	model_assert(r >= 0 || r == -ECANCELED);
	if (r >= 0)
		note_sent(n, k[r].result);
}

/* Receives from either, `times` times. */
static void receiver(int times)
{
	while (times--) {
		uint64_t a = VALUES, b = VALUES;
		go_case k[] = {GO_RECV(&chan[B], &b), GO_RECV(&chan[A], &a)};
		int r = go_select(k, 2);

		model_assert(r >= 0 || r == -ECANCELED);
		if (r >= 0)
			note_received(r == 0 ? b : a, k[r].result);
	}
}

/* Sends to one channel or receives from the other: two of them meet. */
static void crosser(int to)
{
	uint64_t n = (uint64_t)to, got = VALUES;
	go_case k[] = {GO_SEND(&chan[to], &n), GO_RECV(&chan[!to], &got)};
	int r;

	MODEL_WRITE(payload[n]) = to + 10;
	r = go_select(k, 2);
	model_assert(r >= 0 || r == -ECANCELED);
	if (r == 0)
		note_sent(n, k[0].result);
	if (r == 1)
		note_received(got, k[1].result);
}

/* Takes the value of a channel that nobody uses any more then. */
static void destroyer(int channel)
{
	uint64_t n = VALUES;

	model_assert(go_chan_recv(&chan[channel], &n) == 0 && n == 0);
	model_assert(go_chan_destroy(&chan[channel]) == 0);
}

static void send_once_each(int value)
{
	uint64_t n = (uint64_t)value;
	go_case k[] = {GO_SEND(&chan[A], &n), GO_SEND(&chan[B], &n)};

	model_assert(go_select(k, 2) == 0 && k[0].result == 0);
}

static void closer(int unused)
{
	(void)unused;
	model_assert(go_chan_close(&chan[A]) == 0);
	model_assert(go_chan_close(&chan[B]) == 0);
}

static void wait_for_event(int unused)
{
	uint64_t a = VALUES;
	go_case k[] = {GO_RECV(&chan[A], &a), GO_EVENT(&once)};
	int r = go_select(k, 2);

	(void)unused;
	model_assert(r >= 0 || r == -ECANCELED);
	if (r == 0)
		note_received(a, k[0].result);
	passed += r == 1;
}

static void setter(int unused)
{
	(void)unused;
	model_assert(go_event_set(&once) == 0);
}

static void try_sender(int value)
{
	uint64_t n = (uint64_t)value;

	MODEL_WRITE(payload[n]) = value + 10;
	sent[n] += go_chan_try_send(&chan[A], &n) == 0;
}

static const struct model models[] = {
	{
		.name = "same-channel-twice",
		.setup = setup,
		.finish = conserved_one,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 1)},
	},
	{
		.name = "two-senders",
		.setup = setup,
		.finish = conserved,
		.preemptions = 4,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("other", sender, 1),
			   MODEL_THREAD("receiver", receiver, 2)},
	},
	{
		.name = "crossing",
		.setup = setup,
		.finish = conserved_one,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("to-a", crosser, A),
			   MODEL_THREAD("to-b", crosser, B)},
	},
	{
		.name = "cancel-sender",
		.setup = setup_cancelled,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 1),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("canceller", model_cancel, 0)},
	},
	{
		.name = "cancel-receiver",
		.setup = setup_cancelled,
		.finish = conserved,
		.preemptions = 2,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 2),
			   MODEL_THREAD("closer", closer, 0),
			   MODEL_THREAD("canceller", model_cancel, 1)},
	},
	{
		.name = "close",
		.setup = setup,
		.finish = conserved,
		.preemptions = 4,
		.thread = {MODEL_THREAD("sender", sender, 0),
			   MODEL_THREAD("receiver", receiver, 2),
			   MODEL_THREAD("closer", closer, 0)},
	},
	{
		.name = "destroyed",
		.setup = setup,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("sender", send_once_each, 0),
			   MODEL_THREAD("destroyer", destroyer, A)},
	},
	{
		.name = "event",
		.setup = setup_cancelled,
		.finish = conserved_event,
		.preemptions = 2,
		.thread = {MODEL_THREAD("waiter", wait_for_event, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("sender", try_sender, 1),
			   MODEL_THREAD("canceller", model_cancel, 0)},
	},
	{
		.name = "event-awaited",
		.setup = setup,
		.finish = conserved_event,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("waiter", wait_for_event, 0),
			   MODEL_THREAD("setter", setter, 0)},
	},
	{
		.name = "one-event-for-two",
		.setup = setup_cancelled,
		.finish = conserved_event,
		.preemptions = 2,
		.thread = {MODEL_THREAD("waiter", wait_for_event, 0),
			   MODEL_THREAD("other", wait_for_event, 0),
			   MODEL_THREAD("setter", setter, 0),
			   MODEL_THREAD("closer", closer, 0)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
