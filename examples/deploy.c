/* SPDX-License-Identifier: MIT */
/*
 * Paths: releases of something side by side, and a link that says which one is
 * in use; it is switched in one step, so that nobody ever finds none.
 *
 * Run it:    deploy
 * Expect:    release-1 says: hello
 *            release-2 says: good day
 *            current is release-2, and is to be found there
 *            it cannot be changed by accident
 *            the log has 12 bytes, and 6 when it is cut
 */
#include <gofer.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In a folder of its own, which is the current one. */
static const char *const made[] = {
	"current",   "next",           "log",      "log-link", "release-1/text",
	"release-1", "release-2/text", "release-2"};

/* Neither who reads it nor a crash finds half of the text. */
static int install(const char *release, const char *text)
{
	char path[64];
	int r = go_mkdir(release, 0755);

	if (r < 0)
		return r;
	snprintf(path, sizeof path, "%s/text", release);
	r = go_write_file(path, text, strlen(text), 0644);
	return r < 0 ? r : go_chmod(path, 0444); /* for reading only */
}

/* A link is not changed, but replaced by another one. */
static int switch_to(const char *release)
{
	int r = go_symlink(release, "next");

	return r < 0 ? r : go_rename("next", "current");
}

static int say(void)
{
	char release[64];
	void *text;
	ssize_t n = go_readlink("current", release, sizeof release);
	int r;

	if (n < 0)
		return (int)n;
	r = go_read_file("current/text", 4096, &text, NULL);
	if (r < 0)
		return r;
	printf("%.*s says: %s\n", (int)n, release, (char *)text);
	free(text);
	return 0;
}

static int check(void)
{
	char path[PATH_MAX], *last;
	struct stat st;
	int r = go_realpath("current", path);

	if (r < 0)
		return r;
	last = strrchr(path, '/');
	r = go_access("current/text", R_OK);
	if (r == 0)
		printf("current is %s, and is to be found there\n", last + 1);
	if (r == 0)
		r = go_stat("current/text", &st);
	if (r == 0 && (st.st_mode & 0222) == 0)
		printf("it cannot be changed by accident\n");
	return r;
}

/* A second name keeps the file when the first one is taken away. */
static int rotate(const char *lines)
{
	struct stat st;
	off_t before;
	int r = go_write_file("log", lines, strlen(lines), 0644);

	if (r == 0)
		r = go_link("log", "log-link");
	if (r == 0)
		r = go_unlink("log");
	if (r == 0)
		r = go_stat("log-link", &st);
	if (r < 0)
		return r;
	before = st.st_size;
	r = go_truncate("log-link", before / 2);
	if (r == 0)
		r = go_stat("log-link", &st);
	if (r == 0)
		printf("the log has %d bytes, and %d when it is cut\n",
		       (int)before, (int)st.st_size);
	return r;
}

static void *deploy(void *unused)
{
	int r = install("release-1", "hello");

	(void)unused;
	if (r == 0)
		r = switch_to("release-1");
	if (r == 0)
		r = say();
	if (r == 0)
		r = install("release-2", "good day");
	if (r == 0)
		r = switch_to("release-2");
	if (r == 0)
		r = say();
	if (r == 0)
		r = check();
	return GO_INT(r < 0 ? r : rotate("first\nother\n"));
}

int main(void)
{
	char folder[] = "/tmp/deploy-XXXXXX";
	void *result = NULL;
	int r = mkdtemp(folder) && chdir(folder) == 0 ? 0 : -errno;

	if (r == 0) {
		r = go_run_with(NULL, deploy, NULL, &result);
		for (size_t i = 0; i < sizeof made / sizeof *made; i++)
			(void)remove(made[i]); /* some may not be there */
		(void)rmdir(folder);
	}
	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		fprintf(stderr, "deploy: %s\n", strerror(-r));
	return r < 0;
}
