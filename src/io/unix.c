/* SPDX-License-Identifier: MIT */
/*
 * Unix stream sockets by path, or by abstract name.
 */
#include <gofer/io.h>
#include <gofer/net.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

/* Understand PATH, or on Linux @NAME.  Returns the length, or -errno. */
static int parse(const char *path, struct sockaddr_un *a)
{
	size_t n = path ? strlen(path) : 0;
	bool abstract = false;

#ifdef __linux__
	abstract = n > 0 && path[0] == '@';
#endif
	if (n <= abstract)
		return -EINVAL;
	if (n >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, n);
	if (!abstract)
		return (int)sizeof(*a);
	/* All of its bytes count, so none may follow. */
	a->sun_path[0] = '\0';
	return (int)(offsetof(struct sockaddr_un, sun_path) + n);
}

static int listen_at(int fd, const struct sockaddr *a, socklen_t length)
{
	int r = go_bind(fd, a, length);

	return r < 0 ? r : go_listen(fd, SOMAXCONN);
}

static int open_with(int (*what)(int fd, const struct sockaddr *a, socklen_t n),
		     const char *path)
{
	struct sockaddr_un a;
	int fd, length = parse(path, &a), r;

	if (length < 0)
		return length;
	fd = go_socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	r = what(fd, (const struct sockaddr *)&a, (socklen_t)length);
	if (r == 0)
		return fd;
	go_close(fd);
	return r;
}

int go_unix_listen(const char *path)
{
	return open_with(listen_at, path);
}

int go_unix_dial(const char *path)
{
	return open_with(go_connect, path);
}
