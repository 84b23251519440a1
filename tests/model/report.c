/* SPDX-License-Identifier: MIT */
/*
 * What the checker prints, and the main() of a model program.
 */
#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define E model_engine

static const char *const op_name[] = {
	[OP_LOAD] = "load",     [OP_STORE] = "store",   [OP_RMW] = "update",
	[OP_CAS] = "cas",       [OP_INIT] = "init",     [OP_FENCE] = "fence",
	[OP_LOCK] = "lock",     [OP_TRY] = "trylock",   [OP_UNLOCK] = "unlock",
	[OP_PARK] = "park",     [OP_AWAKE] = "awake",   [OP_WAKE] = "wake",
	[OP_YIELD] = "yield",   [OP_CHOOSE] = "choose", [OP_READ] = "(read)",
	[OP_WRITE] = "(write)", [OP_NOTE] = "--",       [OP_END] = "ends",
	[OP_START] = "start",
};

static const char *const order_name[] = {
	"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst",
};

static const char *const failure_name[] = {
	[MODEL_PASSED] = "passed",     [MODEL_ASSERTION] = "assertion failed",
	[MODEL_RACE] = "data race",    [MODEL_DEADLOCK] = "deadlock, lost wake",
	[MODEL_LIVELOCK] = "livelock", [MODEL_MISUSE] = "not a valid model",
};

static const char *thread_name(unsigned i)
{
	return i == 0 ? "main" : E.model->thread[i - 1].name;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The effect of a step: values read and written, or what came of it. */
static void print_effect(const struct step *s)
{
	if (s->reads)
		printf(" = 0x%" PRIx64, s->before);
	if (s->writes)
		printf(" %s 0x%" PRIx64, s->reads ? "->" : ":=", s->after);
	if (s->op == OP_CAS && !s->ok)
		printf(" (fails)");
	if (s->op == OP_TRY && !s->ok)
		printf(" (held)");
	if (s->op == OP_PARK)
		printf(s->ok ? ", sleeps" : ", does not sleep");
	if (s->op == OP_AWAKE && !s->ok)
		printf(" by its deadline");
	if (s->op == OP_WAKE || s->op == OP_CHOOSE)
		printf(": %" PRIu64, s->before);
	if (s->op <= OP_FENCE && s->op != OP_INIT)
		printf(" %s", order_name[s->order]);
	if (s->stale)
		printf("   [%u newer]", s->stale);
}

static void print_step(unsigned number, const struct step *s)
{
	const char *name = s->location ? s->location->name : NULL;

	printf("  %3u  %-10s %-8s %s", number, thread_name(s->thread),
	       op_name[s->op], name ? name : s->text);
	print_effect(s);
	if (s->line)
		printf("   %s:%d", base_name(s->file), s->line);
	putchar('\n');
}

/* What a thread waits for: its name, or how the last step reached it. */
static const char *wait_name(const struct location *l)
{
	if (l->name)
		return l->name;
	for (unsigned i = E.steps; i-- > 0;)
		if (E.step[i].location == l)
			return E.step[i].text;
	return "a lock"; /* That nobody has come to take yet. */
}

static void print_waiting(void)
{
	static const char *const how[] = {
		[READY] = "can move",   [LOCKING] = "waits for the lock",
		[PARKED] = "sleeps on", [YIELDED] = "has yielded",
		[STUCK] = "spins",      [HELD] = "was never started",
	};

	for (unsigned i = 1; i < E.threads; i++) {
		const struct thread *t = &E.thread[i];
		bool what = t->state == LOCKING || t->state == PARKED;

		if (t->state == ENDED)
			continue;
		printf("       %-10s %s %s\n", thread_name(i), how[t->state],
		       what ? wait_name(t->waits_for) : "");
	}
}

void model_print(const struct model *m, const struct model_result *r)
{
	printf("%s: %s: %s", m->name, failure_name[r->failure], E.failed_text);
	if (E.failed_line)
		printf(" (%s:%d)", base_name(E.failed_file), E.failed_line);
	puts("\n  The run, step by step:");
	for (unsigned i = 0; i < E.steps; i++)
		if (E.step[i].thread != 0 || E.step[i].op == OP_NOTE)
			print_step(i + 1, &E.step[i]);
	print_waiting();
	printf("  To repeat it: --only %s --preemptions %d --replay ", m->name,
	       E.bound);
	model_path_print();
	putchar('\n');
}

static void print_passed(const struct model *m, const struct model_result *r)
{
	printf("%-28s passed  preemptions ", m->name);
	if (E.bound >= MODEL_UNBOUNDED)
		printf("any");
	else
		printf("%3d", E.bound);
	printf("  runs %8" PRIu64 "  states %8" PRIu64 "  steps %10" PRIu64
	       "  %6.2f s\n",
	       r->runs, r->states, r->steps, r->seconds);
}

/* Look for the failure again with fewer preemptions: it reads better. */
static void simplify(const struct model *m, struct model_result *r)
{
	int found = E.bound;

	for (int i = 0; i < found && i < 6; i++) {
		model_check(m, i, r);
		if (r->failure)
			return;
	}
	model_check(m, found, r);
}

static bool run_model(const struct model *m, int preemptions)
{
	struct model_result r;

	model_check(m, preemptions, &r);
	if (!r.failure) {
		print_passed(m, &r);
		return true;
	}
	if (!E.replay)
		simplify(m, &r);
	model_print(m, &r);
	return false;
}

static int usage(const char *program)
{
	printf("usage: %s [--list] [--only MODEL] [--preemptions N]\n"
	       "          [--replay PATH]\n"
	       "Check the models of this program; N above %d is no bound.\n",
	       program, MODEL_UNBOUNDED - 1);
	return 2;
}

struct options {
	bool list;
	const char *only;
	int preemptions;
};

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = argv[i + 1];

		o->list = o->list || strcmp(argv[i], "--list") == 0;
		if (o->list)
			return true;
		if (!value)
			return false;
		if (strcmp(argv[i], "--only") == 0)
			o->only = value;
		else if (strcmp(argv[i], "--preemptions") == 0)
			o->preemptions = (int)strtol(value, NULL, 10);
		else if (strcmp(argv[i], "--replay") == 0)
			E.replay = value;
		else
			return false;
	}
	return true;
}

int model_main(int argc, char **argv, const struct model *models, int count)
{
	struct options o = {false, NULL, -1};
	int failed = 0, tried = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(argc, argv, &o))
		return usage(argv[0]);
	for (int i = 0; i < count; i++) {
		if (o.list)
			puts(models[i].name);
		if (o.list || (o.only && strcmp(o.only, models[i].name) != 0))
			continue;
		tried++;
		failed += !run_model(&models[i], o.preemptions);
	}
	if (!tried && !o.list)
		return usage(argv[0]);
	return failed ? 1 : 0;
}
