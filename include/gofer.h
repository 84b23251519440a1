/* SPDX-License-Identifier: MIT */
/*
 * gofer: green threads for C.
 *
 * HOW TO THINK ABOUT IT
 *
 *   A TASK is a thread that costs a page instead of a megabyte.  Start one per
 *   connection, per request, per thing that goes on by itself (task.h), and
 *   write in it what you would write in a thread: go_read(), go_write(),
 *   go_sleep().  Where a thread would block, a task parks, and its worker runs
 *   another one.
 *
 *   A RUNTIME is a handful of worker threads that run all tasks (runtime.h).
 *   go_run() makes one, runs your main function in it, and takes it down.
 *
 *   Calls are named as in POSIX with go_ in front (io.h, net.h), take the same
 *   arguments, and return a negated errno value instead of -1.  They can be
 *   called from plain threads as well, which they block, unless "Context" says
 *   "task".
 *
 *   A task moves between threads, at the calls marked "Parks".  So thread-local
 *   storage, and OS locks held over such a call, are not for tasks; pin a task
 *   (task.h) where you cannot avoid them.  errno after one is go_errno()
 *   (base.h).
 *
 *   A FIBER is the stack switch without a scheduler (fiber.h), for generators
 *   and parsers; it works with and without a runtime.  Include fiber.h for it:
 *   this header does not.
 */
#ifndef GOFER_H
#define GOFER_H

#include <gofer/base.h>
#include <gofer/blocking.h>
#include <gofer/broadcast.h>
#include <gofer/chan.h>
#include <gofer/cxx.h>
#include <gofer/deadline.h>
#include <gofer/debug.h>
#include <gofer/file.h>
#include <gofer/group.h>
#include <gofer/guest.h>
#include <gofer/io.h>
#include <gofer/local.h>
#include <gofer/names.h>
#include <gofer/net.h>
#include <gofer/oneshot.h>
#include <gofer/process.h>
#include <gofer/runtime.h>
#include <gofer/select.h>
#include <gofer/signal.h>
#include <gofer/stream.h>
#include <gofer/sync.h>
#include <gofer/task.h>
#include <gofer/time.h>
#include <gofer/watch.h>

#endif
