/* SPDX-License-Identifier: MIT */
/*
 * The path of choices of the current run, and the states already explored.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PATH = 8192
};

static struct {
	struct {
		uint16_t n, taken;
	} choice[PATH];
	unsigned length; /* Choices made, or to be repeated. */
	unsigned depth;  /* Of them, those that this run has come to. */
	unsigned fixed;  /* The first ones are given and never advance. */
} path;

void model_path_reset(void)
{
	path.length = 0;
	path.depth = 0;
	path.fixed = 0;
}

void model_path_rewind(void)
{
	path.depth = 0;
}

/* Take the next alternative of the deepest choice that has one. */
bool model_path_advance(void)
{
	while (path.length > path.fixed) {
		unsigned last = path.length - 1;

		if (path.choice[last].taken + 1 < path.choice[last].n) {
			path.choice[last].taken++;
			return true;
		}
		path.length--;
	}
	return false;
}

/* Has the run left the part that it only repeats? */
bool model_path_is_new(void)
{
	return path.depth >= path.length;
}

unsigned model_path_choose(unsigned n)
{
	unsigned at = path.depth++;

	if (n < 2) {
		path.depth--;
		return 0;
	}
	if (at == path.length) {
		if (at == PATH)
			model_fail(MODEL_LIVELOCK, "too many choices", "", 0);
		path.choice[at].n = (uint16_t)n;
		path.choice[at].taken = 0;
		path.length++;
	}
	if (path.choice[at].n == 0) /* Given by --replay. */
		path.choice[at].n = (uint16_t)n;
	if (path.choice[at].n != n || path.choice[at].taken >= n)
		model_fail(MODEL_MISUSE,
			   "the model is not deterministic: repeating the same "
			   "choices led elsewhere",
			   "", 0);
	return path.choice[at].taken;
}

/* Read a path as printed below: numbers, with NxM for N times M. */
bool model_path_parse(const char *text)
{
	model_path_reset();
	while (*text) {
		char *end;
		unsigned long times = 1, taken = strtoul(text, &end, 10);

		if (*end == 'x') {
			times = taken;
			taken = strtoul(end + 1, &end, 10);
		}
		if (end == text || (*end && *end != '.') ||
		    path.length + times > PATH)
			return false;
		while (times--)
			path.choice[path.length++].taken = (uint16_t)taken;
		text = *end ? end + 1 : end;
	}
	for (unsigned i = 0; i < path.length; i++)
		path.choice[i].n = 0;
	path.fixed = path.length;
	return true;
}

void model_path_print(void)
{
	const char *dot = "";

	for (unsigned i = 0, j; i < path.depth; i = j) {
		for (j = i; j < path.depth; j++)
			if (path.choice[j].taken != path.choice[i].taken)
				break;
		if (j - i > 1)
			printf("%s%ux%u", dot, j - i, path.choice[i].taken);
		else
			printf("%s%u", dot, path.choice[i].taken);
		dot = ".";
	}
}

/*
 * An open hash table: sums of states, the best budget each was seen with, and
 * the run that saw it first.  A run never comes back to a state.
 */
static struct {
	uint64_t *sum;
	int16_t *budget;
	uint32_t *run;
	uint64_t size, count;
} known;

void model_states_reset(void)
{
	free(known.sum);
	free(known.budget);
	free(known.run);
	memset(&known, 0, sizeof(known));
}

uint64_t model_states_count(void)
{
	return known.count;
}

/* The slot of a sum: its own, or the free one where it goes. */
static uint64_t find(uint64_t sum)
{
	uint64_t i = sum & (known.size - 1);

	while (known.sum[i] && known.sum[i] != sum)
		i = (i + 1) & (known.size - 1);
	return i;
}

static void grow(void)
{
	uint64_t old_size = known.size, *old_sum = known.sum;
	int16_t *old_budget = known.budget;
	uint32_t *old_run = known.run;

	known.size = old_size ? old_size * 2 : 1 << 14;
	known.sum = calloc(known.size, sizeof(*known.sum));
	known.budget = calloc(known.size, sizeof(*known.budget));
	known.run = calloc(known.size, sizeof(*known.run));
	if (!known.sum || !known.budget || !known.run) {
		fputs("model: out of memory for states\n", stderr);
		exit(2);
	}
	for (uint64_t i = 0; i < old_size; i++) {
		uint64_t j;

		if (!old_sum[i])
			continue;
		j = find(old_sum[i]);
		known.sum[j] = old_sum[i];
		known.budget[j] = old_budget[i];
		known.run[j] = old_run[i];
	}
	free(old_sum);
	free(old_budget);
	free(old_run);
}

/* Note a state.  True if it was explored with at least this budget before. */
bool model_state_known(uint64_t sum, int budget)
{
	uint32_t run = (uint32_t)model_engine.result.runs + 1;
	uint64_t i;

	if (known.count * 2 >= known.size)
		grow();
	sum += sum == 0;
	i = find(sum);
	if (known.sum[i] && known.run[i] == run)
		model_fail(MODEL_MISUSE, "a step was not entered in a history",
			   "", 0);
	if (known.sum[i] && known.budget[i] >= budget)
		return true;
	known.count += known.sum[i] == 0;
	known.sum[i] = sum;
	known.budget[i] = (int16_t)budget;
	known.run[i] = run;
	return false;
}
