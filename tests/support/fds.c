/* SPDX-License-Identifier: MIT */
#include "fds.h"

#include "io/fdtable.h"

unsigned test_fd_waiting(int fd)
{
	struct go__fd *e = go__fd_find(fd);
	unsigned n = 0;

	if (!e)
		return 0;
	go__lock_acquire(&e->lock);
	for (struct go__link *l = e->waiters.next; l != &e->waiters;
	     l = l->next)
		n++;
	go__lock_release(&e->lock);
	return n;
}

bool test_fd_is_own(int fd)
{
	return go__fd_kind(go__fd_find(fd)) & GO__FD_OWN;
}

bool test_fd_is_tcp(int fd)
{
	return go__fd_kind(go__fd_find(fd)) & GO__FD_TCP;
}

int test_fd_enter(int fd)
{
	struct go__fd *e;

	return go__fd_enter(fd, &e);
}

int test_fd_leave(int fd)
{
	return go__fd_leave(go__fd_find(fd));
}
