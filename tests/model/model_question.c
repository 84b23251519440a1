/* SPDX-License-Identifier: MIT */
/*
 * A question to a hog: the watchdog that asks and gives up, and handlers that
 * come at any time.
 *
 * Runs sched/question.h.  A worker is a thread of the model, which runs one
 * task after another; a handler on it is a call between two of its steps, which
 * is when nothing of it changes.  Signals come whenever they like, asked for or
 * not.  What a walk finds is who has walked.
 *
 * Shows, in all schedules within the bound and under C11's memory: an answer is
 * of the task that was asked for, in the run that was asked for, and whole;
 * nobody writes the frames while another one writes or reads them; after a
 * handler was late, questions are answered again.
 *
 * Cannot show: that the signal goes to a living thread (backtrace.c), nor the
 * walk itself.
 *
 * Bounds: two questions and two signals; with two workers, four preemptions.
 */
#include "model.h"

#include "sched/question.h"

struct go__worker {
	int unused;
};

struct go__task {
	int unused;
};

static struct go__question question;
static struct go__worker worker[2];
static struct go__task task[2];
static void *const mark[2] = {&worker[0], &worker[1]};

static void setup(void)
{
	atomic_init(&question.word, 0);
	atomic_init(&question.worker, NULL);
	atomic_init(&question.task, NULL);
	atomic_init(&question.picks, 0);
	question.count = 0;
	question.frame[0] = NULL;
	question.frame[1] = NULL;
}

/* What the frames tell of a run, besides whose it is. */
static void *number(const struct go__hog *here)
{
	return (void *)(uintptr_t)((uintptr_t)(here->task - task) * 16 +
				   here->picks);
}

/* ---- Threads ------------------------------------------------------------- */

static void handler(const struct go__hog *here)
{
	if (!go__question_take(&question, here))
		return;
	MODEL_WRITE(question.frame[0]) = mark[here->worker - worker];
	MODEL_WRITE(question.frame[1]) = number(here);
	MODEL_WRITE(question.count) = 2;
	go__question_answer(&question);
}

static const struct go__hog runs[] = {
	{&worker[0], &task[0], 1},
	{&worker[0], &task[0], 2}, /* Once more, or another in its block. */
	{&worker[1], &task[0], 1}, /* On another worker. */
	{&worker[0], &task[1], 1}, /* It leaves a section: not run by it. */
};

/* The watchdog: asks one after another, and waits as long as it likes. */
static void watchdog(int first, int second)
{
	const struct go__hog *asked[] = {&runs[first], &runs[second]};

	for (int i = 0; i < 2; i++) {
		uint32_t word;

		/* A late handler comes to its end. */
		while (!(word = go__question_ask(&question, asked[i])))
			model_yield();
		if (!go__question_drop(&question, word))
			continue;
		model_assert(MODEL_READ(question.count) == 2);
		model_assert(MODEL_READ(question.frame[0]) ==
			     mark[asked[i]->worker - worker]);
		model_assert(MODEL_READ(question.frame[1]) == number(asked[i]));
	}
}

static void ask_one_worker(int unused)
{
	(void)unused;
	watchdog(0, 1);
}

static void ask_two_workers(int unused)
{
	(void)unused;
	watchdog(0, 2);
}

/* A signal in this run, and one in the next. */
static void two_signals(int first)
{
	handler(&runs[first]);
	handler(&runs[first + 1]);
}

static void one_signal(int run)
{
	handler(&runs[run]);
}

static const struct model models[] = {
	{
		.name = "one-worker",
		.setup = setup,
		.preemptions = MODEL_UNBOUNDED,
		.thread = {MODEL_THREAD("watchdog", ask_one_worker, 0),
			   MODEL_THREAD("hog", two_signals, 0)},
	},
	{
		.name = "two-workers",
		.setup = setup,
		.preemptions = 4,
		.thread = {MODEL_THREAD("watchdog", ask_two_workers, 0),
			   MODEL_THREAD("first", one_signal, 0),
			   MODEL_THREAD("second", one_signal, 2)},
	},
	{
		.name = "beside-a-section",
		.setup = setup,
		.preemptions = 4,
		.thread = {MODEL_THREAD("watchdog", ask_one_worker, 0),
			   MODEL_THREAD("hog", one_signal, 0),
			   MODEL_THREAD("section", one_signal, 3)},
	},
};

int main(int argc, char **argv)
{
	return model_main(argc, argv, models,
			  sizeof(models) / sizeof(models[0]));
}
