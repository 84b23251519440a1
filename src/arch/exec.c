/* SPDX-License-Identifier: MIT */
/* Starting a program: see exec.h. */
#include "arch/exec.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <crt_externs.h>
#endif

#include "arch/sys.h"

#if defined(__GLIBC__)
#define HAVE_CLOSEFROM __GLIBC_PREREQ(2, 34)
#else
#define HAVE_CLOSEFROM 0
#endif

static bool is_target(const struct go__exec *s, int fd)
{
	for (size_t i = 0; i < s->dup_count; i++)
		if (s->dups[i].to == fd)
			return true;
	return false;
}

#ifdef __APPLE__
/* A shared library cannot refer to the variable. */
#define environ (*_NSGetEnviron())
#define BY_FLAG true
/* The flag closes all that no action mentions. */
static int add_closefrom(posix_spawn_file_actions_t *a, int from)
{
	int r = 0;

	(void)from;
	for (int fd = 0; fd < 3 && r == 0; fd++)
		if (go__sys_fcntl(fd, F_GETFD, 0) >= 0)
			r = posix_spawn_file_actions_addinherit_np(a, fd);
	return r;
}
#elif HAVE_CLOSEFROM
#define BY_FLAG false
static int add_closefrom(posix_spawn_file_actions_t *a, int from)
{
	return posix_spawn_file_actions_addclosefrom_np(a, from);
}
#else
#define BY_FLAG false
/* The highest number among some entries of a folder, or `highest`. */
static int highest_of(const char *entries, size_t bytes, int highest)
{
	for (size_t at = 0; at < bytes;) {
		const struct dirent *e = (const void *)(entries + at);
		int fd = atoi(e->d_name);

		if (fd > highest)
			highest = fd;
		at += e->d_reclen;
	}
	return highest;
}

/* The highest number that is open. */
static int highest_open(void)
{
	int fd = go__sys_open("/proc/self/fd",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	_Alignas(struct dirent) char entries[2048];
	int highest = 1023;
	void *stream;
	ssize_t n;

	if (fd < 0)
		return highest;
	if (go__sys_dir_open(fd, &stream) == 0) {
		while ((n = go__sys_dir_read(fd, stream, entries,
					     sizeof(entries))) > 0)
			highest = highest_of(entries, (size_t)n, highest);
		go__sys_dir_close(stream);
	}
	go__sys_close(fd);
	return highest;
}

/*
 * This C library's posix_spawn() closes single numbers only.  So that none is
 * left out that another thread opens after we have looked, all of them are
 * closed, open or not: a new one takes the lowest that is free.
 */
static int add_closefrom(posix_spawn_file_actions_t *a, int from)
{
	int highest = highest_open() + 64;
	int r = 0;

	for (int fd = from; fd <= highest && r == 0; fd++)
		r = posix_spawn_file_actions_addclose(a, fd);
	return r;
}
#endif

/* Descriptors that the program has left open across exec. */
static int add_closes(const struct go__exec *s, posix_spawn_file_actions_t *a)
{
	int r = 0;

	/* That one is not open is no error for these. */
	for (int fd = 3; fd < s->close_from && !BY_FLAG && r == 0; fd++)
		if (!is_target(s, fd))
			r = posix_spawn_file_actions_addclose(a, fd);
	if (r == 0 && s->close_from)
		r = add_closefrom(a, s->close_from);
	return r;
}

static int add_all(const struct go__exec *s, posix_spawn_file_actions_t *a)
{
	int r = 0;

	for (size_t i = 0; i < s->dup_count && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(a, s->dups[i].from,
						     s->dups[i].to);
	for (int fd = 0; fd < 3 && r == 0; fd++)
		if (s->null[fd])
			r = posix_spawn_file_actions_addopen(a, fd, "/dev/null",
							     O_RDWR, 0);
	if (r == 0 && s->err_is_out)
		r = posix_spawn_file_actions_adddup2(a, 1, 2);
	if (r == 0)
		r = add_closes(s, a);
	if (r == 0 && s->cwd)
		r = posix_spawn_file_actions_addchdir_np(a, s->cwd);
	return r;
}

static void set_all(const struct go__exec *s, posix_spawnattr_t *attr)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;

	posix_spawnattr_setsigmask(attr, s->blocked);
	posix_spawnattr_setsigdefault(attr, s->defaults);
#ifdef __APPLE__
	if (s->close_from)
		flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
	if (s->session) {
		flags |= POSIX_SPAWN_SETSID;
	} else if (s->group) {
		flags |= POSIX_SPAWN_SETPGROUP;
		posix_spawnattr_setpgroup(attr, 0);
	}
	posix_spawnattr_setflags(attr, flags);
}

int go__exec_spawn(const struct go__exec *s, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = add_all(s, &actions);
		set_all(s, &attr);
		r = r ? -r
		      : go__sys_spawn(pid, s->file, &actions, &attr, s->argv,
				      s->envp ? s->envp : environ);
		posix_spawnattr_destroy(&attr);
	} else {
		r = -r;
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}
