/* SPDX-License-Identifier: MIT */
/*
 * The end of a child process: who hears of it, and who reaps it.
 *
 * A child that has ended is a zombie, and keeps its number, until somebody
 * waits for it.  Here that is done as soon as anybody looks, under the
 * process's lock, by a call that does not block; what it says is kept for all
 * who ask.  To know when to look there are two ways:
 *
 *     pidfd     a descriptor that becomes readable at the end: waiting for the
 *               child is waiting for that, like for any other (fdwait.c)
 *     SIGCHLD   where there is no pidfd (a kernel before 5.3, an emulator, no
 *               descriptor left when the child was made): a subscription of
 *               the waiter's own (signals.c), made before the first look
 *
 * NO END IS MISSED  A pidfd's readiness is an edge that follows the end, and a
 * task that has registered it tries again first.  A subscription gets every
 * SIGCHLD that comes after it was made, and the look comes after that.  Of
 * several waiters one reaps, and the others find what it has kept: the readable
 * pidfd, and each one's own subscription, wake all of them.
 *
 * NO SIGNAL GOES ASTRAY  A signal is sent under the lock, and only while the
 * child has not been reaped: until then nobody else has its number.  (If some
 * other code of the program reaps it, only the pidfd tells; that is why a
 * signal goes by it where there is one.)
 *
 * ORPHANS are processes that were released before they ended.  The helper waits
 * for them: in its epoll set for those with a pidfd, by SIGCHLD for the others;
 * then the handler stays, since nobody knows for how long.  They are all on one
 * list, so the child of a fork(), whose children they are not, can drop them.
 *
 * TESTS  test_process.c, with and without pidfds.
 */
#include "io/process.h"

#include <errno.h>
#include <gofer/deadline.h>
#include <gofer/io.h>
#include <gofer/signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sys.h"
#include "io/fdtable.h"
#include "io/fdwait.h"
#include "io/helper.h"
#include "io/signals.h"

enum {
	BY_PIDFD = 3, /* P_PIDFD, which older C libraries do not know. */
};

static struct go__lock orphans_lock;
static struct go__link orphans; /* Under orphans_lock; made at first use. */

/* ---- looking ---- */

/* What WCOREDUMP() looks at; the C libraries' names for it differ. */
#define CORE_FLAG 0x80

static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | CORE_FLAG;
	default:
		return info->si_status;
	}
}

/* Reap it if it has ended: 0, -EAGAIN or -ECHILD.  Under the lock. */
static int reap(go_process *p)
{
	siginfo_t info = {.si_pid = 0};
	int r = -EINVAL;

	if (p->pidfd >= 0)
		r = go__sys_waitid(BY_PIDFD, (id_t)p->pidfd, &info,
				   WEXITED | WNOHANG);
	/* A kernel that has pidfds, and does not wait by them. */
	if (r == -EINVAL)
		r = go__sys_waitid(P_PID, (id_t)p->pid, &info,
				   WEXITED | WNOHANG);
	if (r < 0)
		return -ECHILD;
	if (info.si_pid == 0)
		return -EAGAIN;
	p->status = status_of(&info);
	return 0;
}

/* Has it ended?  0, -EAGAIN or -ECHILD. */
static int look(go_process *p, int *status)
{
	int r = 0;

	go__lock_acquire(&p->lock);
	if (!p->ended) {
		r = reap(p);
		p->ended = r != -EAGAIN;
		p->error = r;
	}
	if (p->ended) {
		r = p->error;
		if (r == 0 && status)
			*status = p->status;
	}
	go__lock_release(&p->lock);
	return r;
}

/* ---- waiting ---- */

/* Something to look at again and again; begins with what io knows of it. */
struct awaited {
	struct go__fd_op op;
	go_process *process; /* NULL: what waitpid(2) says. */
	pid_t pid;
	int options;
	int *status;
};

/* Returns 0 or more, -EAGAIN or -errno. */
static pid_t look_at(struct awaited *a)
{
	pid_t r;

	if (a->process)
		return look(a->process, a->status);
	r = go__sys_waitpid(a->pid, a->status, a->options | WNOHANG);
	return r == 0 ? -EAGAIN : r;
}

static ssize_t attempt_look(struct go__fd *e, struct go__fd_op *op)
{
	(void)e;
	return look_at((struct awaited *)op);
}

static pid_t wait_by_pidfd(int pidfd, struct awaited *a)
{
	a->op.attempt = attempt_look;
	a->op.way = GO__WAY_IN;
	a->op.eager = true;
	return (pid_t)go__fd_run(pidfd, &a->op);
}

static pid_t wait_by_signal(struct awaited *a)
{
	go_signals *s;
	sigset_t set;
	pid_t r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	r = go_signals_create(&s, &set);
	if (r < 0)
		return r;
	while ((r = look_at(a)) == -EAGAIN) {
		r = go_signals_recv(s, NULL);
		if (r < 0)
			break;
	}
	/* Nobody else knows it, so nobody waits for it. */
	(void)go_signals_destroy(s);
	return r;
}

int go_process_wait(go_process *p, int *status)
{
	struct awaited a = {.process = p, .status = status};

	if (!p)
		return -EINVAL;
	return p->pidfd >= 0 ? wait_by_pidfd(p->pidfd, &a) : wait_by_signal(&a);
}

int go_process_try_wait(go_process *p, int *status)
{
	return p ? look(p, status) : -EINVAL;
}

pid_t go_waitpid(pid_t pid, int *status, int options)
{
	struct awaited a = {.pid = pid, .options = options, .status = status};
	bool by_signal = pid <= 0 || (options & (WUNTRACED | WCONTINUED));
	int pidfd = -1;
	pid_t r = go__sys_waitpid(pid, status, options | WNOHANG);

	if (r != 0 || (options & WNOHANG))
		return r;
	if (!by_signal)
		pidfd = go__sys_pidfd_open(pid, 0);
	if (pidfd < 0)
		return wait_by_signal(&a);
	r = go__fd_adopt(pidfd, GO__FD_OWN);
	if (r < 0) {
		go__sys_close(pidfd);
		return r;
	}
	r = wait_by_pidfd(pidfd, &a);
	(void)go__fd_close(pidfd);
	return r;
}

/* ---- asking, and signals ---- */

pid_t go_process_pid(const go_process *p)
{
	return p->pid;
}

int go_process_fd(const go_process *p)
{
	if (!p)
		return -EINVAL;
	return p->pidfd >= 0 ? p->pidfd : -ENOSYS;
}

/* Under the lock; it has not been reaped. */
static int send_signal(const go_process *p, int sig)
{
	int r = -ENOSYS;

	if (p->group)
		return go__sys_kill(-p->pid, sig);
	if (p->pidfd >= 0)
		r = go__sys_pidfd_send_signal(p->pidfd, sig);
	return go__sys_is_missing(r) ? go__sys_kill(p->pid, sig) : r;
}

int go_process_kill(go_process *p, int sig)
{
	int r = -ESRCH;

	if (!p)
		return -EINVAL;
	go__lock_acquire(&p->lock);
	if (!p->ended)
		r = send_signal(p, sig);
	go__lock_release(&p->lock);
	return r;
}

/* In a shield.  Whether the first signal suffices. */
static int wait_a_while(go_process *p, int64_t ns, int *status)
{
	go_deadline scope;
	int r = go_timeout_begin(&scope, ns);

	if (r == 0) {
		r = go_process_wait(p, status);
		go_deadline_end(&scope);
	}
	return r;
}

int go_process_terminate(go_process *p, int64_t grace_ns, int *status)
{
	go_shield shield;
	int r;

	if (!p || grace_ns < 0)
		return -EINVAL;
	r = go_shield_begin(&shield);
	if (r < 0)
		return r;
	r = go_process_kill(p, SIGTERM);
	/* One that is stopped would keep it for later. */
	if (r == 0)
		(void)go_process_kill(p, SIGCONT);
	if (r == 0 || r == -ESRCH)
		r = wait_a_while(p, grace_ns, status);
	/* Its time is over, or there was no way to wait for it. */
	if (r < 0 && r != -ECHILD) {
		(void)go_process_kill(p, SIGKILL);
		r = go_process_wait(p, status);
	}
	go_shield_end(&shield);
	return r;
}

/* ---- releasing ---- */

static void free_process(go_process *p)
{
	if (p->pidfd >= 0)
		(void)go__fd_close(p->pidfd);
	go__sys_free(p);
}

static void enter_orphan(go_process *p, bool watched)
{
	go__lock_acquire(&orphans_lock);
	if (!orphans.next)
		go__list_init(&orphans);
	p->watched = watched;
	go__list_push_back(&orphans, &p->orphan);
	go__lock_release(&orphans_lock);
}

static void leave_orphan(go_process *p)
{
	go__lock_acquire(&orphans_lock);
	go__list_remove(&p->orphan);
	go__lock_release(&orphans_lock);
}

/* Under go__helper_lock.  After success it may be gone. */
static int orphan(go_process *p)
{
	int r = go__helper_start();

	if (r < 0)
		return r;
	/* Before the helper is told: it takes it out of the list again. */
	enter_orphan(p, true);
	if (p->pidfd >= 0 && go__helper_watch(p->pidfd, p) == 0)
		return 0;
	r = go__signals_catch(SIGCHLD);
	if (r < 0) {
		leave_orphan(p);
		return r;
	}
	leave_orphan(p);
	enter_orphan(p, false);
	go__helper_poke();
	return 0;
}

int go_process_release(go_process *p)
{
	int pipes[3];
	int r;

	if (!p)
		return 0;
	for (int i = 0; i < 3; i++)
		pipes[i] = p->pipe[i];
	if (look(p, NULL) != -EAGAIN) {
		free_process(p);
	} else {
		go__lock_acquire(&go__helper_lock);
		r = orphan(p);
		go__lock_release(&go__helper_lock);
		if (r < 0)
			return r;
	}
	for (int i = 0; i < 3; i++)
		if (pipes[i] >= 0)
			(void)go__fd_close(pipes[i]);
	return 0;
}

void go__process_orphan(go_process *p)
{
	if (look(p, NULL) == -EAGAIN)
		return;
	go__helper_forget(p->pidfd);
	leave_orphan(p);
	free_process(p);
}

void go__process_orphans(void)
{
	struct go__link gone, *l, *next;

	go__list_init(&gone);
	go__lock_acquire(&orphans_lock);
	for (l = orphans.next; l && l != &orphans; l = next) {
		go_process *p = go__container_of(l, go_process, orphan);

		next = l->next;
		if (p->watched || look(p, NULL) == -EAGAIN)
			continue;
		go__list_remove(l);
		go__list_push_back(&gone, l);
	}
	go__lock_release(&orphans_lock);
	while ((l = go__list_pop_front(&gone)))
		free_process(go__container_of(l, go_process, orphan));
}

/* ---- fork: under go__helper_lock ---- */

void go__process_lock_for_fork(void)
{
	go__lock_acquire(&orphans_lock);
}

/* They are the parent's children; here they would be in nobody's hands. */
static void drop_orphans(void)
{
	while (orphans.next && !go__list_empty(&orphans)) {
		struct go__link *l = go__list_pop_front(&orphans);
		go_process *p = go__container_of(l, go_process, orphan);

		if (p->pidfd >= 0) {
			go__fd_drop(p->pidfd);
			go__sys_close(p->pidfd);
		}
		go__sys_free(p);
	}
}

void go__process_unlock_after_fork(bool child)
{
	if (child)
		drop_orphans();
	go__lock_release(&orphans_lock);
}
