/* SPDX-License-Identifier: MIT */
/*
 * A generator: a recursive function that hands out its results one by one.
 *
 * Shows raw fibers without any runtime.  The walk of a tree is written the
 * natural way, as a recursion, and yet its caller pulls one value at a time.
 * Two such walks run side by side, and the program finds out whether two trees
 * of different shape hold the same values in the same order ("same fringe").
 *
 * Run it:    generator
 * Expect:    1 2 3 4 5 6 7
 *            same fringe: yes
 */
#include <gofer/fiber.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	int value;
	const struct node *left, *right;
};

static void walk(const struct node *n)
{
	if (!n)
		return;
	walk(n->left);
	fiber_yield((void *)&n->value);
	walk(n->right);
}

/* The fiber's function; its end is the end of the sequence. */
static void *walker(void *tree, void *unused)
{
	(void)unused;
	walk(tree);
	return NULL;
}

static fiber *walk_from(const struct node *tree)
{
	fiber *f;
	/* The walk is as deep as the tree. */
	fiber_options options = {.stack_bytes = 1 << 20};
	int error = fiber_create(&f, walker, (void *)tree, &options);

	if (error < 0) {
		fprintf(stderr, "fiber_create: %s\n", strerror(-error));
		exit(EXIT_FAILURE);
	}
	return f;
}

/* The next value of a walk, or NULL at its end. */
static const int *next(fiber *f)
{
	void *value;
	int error = fiber_resume(f, NULL, &value);

	if (error < 0) {
		fprintf(stderr, "fiber_resume: %s\n", strerror(-error));
		exit(EXIT_FAILURE);
	}
	return fiber_done(f) ? NULL : value;
}

static bool same_fringe(const struct node *a, const struct node *b)
{
	fiber *fa = walk_from(a), *fb = walk_from(b);
	const int *x, *y;

	do {
		x = next(fa);
		y = next(fb);
	} while (x && y && *x == *y);
	fiber_destroy(fa);
	fiber_destroy(fb);
	return !x && !y;
}

int main(void)
{
	/* Balanced, and leaning to the left: both hold 1 to 7. */
	static const struct node n1 = {1, NULL, NULL}, n3 = {3, NULL, NULL},
				 n5 = {5, NULL, NULL}, n7 = {7, NULL, NULL},
				 n2 = {2, &n1, &n3}, n6 = {6, &n5, &n7},
				 balanced = {4, &n2, &n6};
	static const struct node l1 = {1, NULL, NULL}, l2 = {2, &l1, NULL},
				 l3 = {3, &l2, NULL}, l4 = {4, &l3, NULL},
				 l5 = {5, &l4, NULL}, l6 = {6, &l5, NULL},
				 leaning = {7, &l6, NULL};
	fiber *f = walk_from(&balanced);
	const int *value;

	for (const char *space = ""; (value = next(f)); space = " ")
		printf("%s%d", space, *value);
	fiber_destroy(f);
	printf("\nsame fringe: %s\n",
	       same_fringe(&balanced, &leaning) ? "yes" : "no");
	return EXIT_SUCCESS;
}
