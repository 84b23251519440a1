/* SPDX-License-Identifier: MIT */
/*
 * Names: what the resolver says, in the library's words, and leaving it alone
 * before, while and after it answers.  Only names of this machine are asked
 * for, so no network is needed; what a name server that is silent does to a
 * caller is played by a resolver that does not come back until it is told to.
 */
#include "support_file.h"

#include <gofer/names.h>
#include <netinet/in.h>

/* ---- what it says ---- */

static void *ask(void *unused)
{
	MAKE(struct addrinfo, numbers,
	     .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	     .ai_socktype = SOCK_STREAM);
	MAKE(struct addrinfo, wrong, .ai_family = 4711);
	struct addrinfo *list = NULL;
	struct sockaddr_in a;

	(void)unused;
	MUST(go_getaddrinfo("127.0.0.1", "80", &numbers, &list) == 0);
	MUST(list && list->ai_family == AF_INET && !list->ai_next);
	memcpy(&a, list->ai_addr, sizeof(a));
	MUST(ntohs(a.sin_port) == 80);
	freeaddrinfo(list);
	MUST(go_getaddrinfo(local_name(), NULL, NULL, &list) == 0);
	MUST(list);
	freeaddrinfo(list);
	MUST(go_getaddrinfo(NULL, "7", &numbers, &list) == 0);
	freeaddrinfo(list);
	list = NULL;
	MUST(go_getaddrinfo("localhost", "80", &numbers, &list) == -ENXIO);
	MUST(go_getaddrinfo(NULL, NULL, NULL, &list) == -ENXIO);
	MUST(go_getaddrinfo("127.0.0.1", "80", &wrong, &list) == -EAFNOSUPPORT);
	numbers.ai_flags = 0x40000000;
	MUST(go_getaddrinfo("127.0.0.1", "80", &numbers, &list) == -EINVAL);
	MUST(!list);
	MUST(go_getaddrinfo("127.0.0.1", "80", NULL, NULL) == -EFAULT);
	return NULL;
}

static void *name(void *unused)
{
	MAKE(struct sockaddr_in, a, .sin_family = AF_INET,
	     .sin_port = htons(80));
	struct sockaddr *any = (struct sockaddr *)&a;
	char host[64] = "x", service[8] = "y";
	int numbers = NI_NUMERICHOST | NI_NUMERICSERV;

	(void)unused;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(go_getnameinfo(any, sizeof(a), host, sizeof(host), service,
			    sizeof(service), numbers) == 0);
	MUST(strcmp(host, "127.0.0.1") == 0 && strcmp(service, "80") == 0);
	MUST(go_getnameinfo(any, sizeof(a), host, 3, NULL, 0, numbers) ==
	     -EOVERFLOW);
	MUST(strcmp(host, "127.0.0.1") == 0);
	MUST(go_getnameinfo(any, sizeof(a), NULL, 0, service, sizeof(service),
			    numbers) == 0);
	MUST(go_getnameinfo(any, sizeof(a), host, sizeof(host), NULL, 0,
			    NI_NAMEREQD) <= 0);
	MUST(go_getnameinfo(any, 1, host, sizeof(host), NULL, 0, numbers) ==
	     -EAFNOSUPPORT);
	MUST(go_getnameinfo(any, 4096, host, sizeof(host), NULL, 0, numbers) ==
	     -EINVAL);
	MUST(go_getnameinfo(NULL, 0, host, sizeof(host), NULL, 0, numbers) ==
	     -EFAULT);
	return NULL;
}

Test(names, resolver, .timeout = 20)
{
	run_both(ask, NULL);
	run_both(name, NULL);
}

Test(names, words)
{
	cr_assert_str_eq(go_gai_strerror(-ENXIO), gai_strerror(EAI_NONAME));
	cr_assert_str_eq(go_gai_strerror(-EAGAIN), gai_strerror(EAI_AGAIN));
	cr_assert_str_eq(go_gai_strerror(-ECONNREFUSED),
			 strerror(ECONNREFUSED));
	cr_assert_str_eq(go_gai_strerror(0), strerror(0));
}

#ifdef GO_TEST_HOOKS

/* ---- a resolver that hangs ---- */

static ATOMIC(int) asking, asked;
static ATOMIC(bool) hang;

static int hanging_resolver(enum go__sys_call call)
{
	struct timespec moment = {.tv_nsec = 200000};

	if (call != GO__SYS_getaddrinfo && call != GO__SYS_getnameinfo)
		return 0;
	atomic_fetch_add(&asking, 1);
	while (atomic_load(&hang))
		nanosleep(&moment, NULL);
	atomic_fetch_add(&asked, 1);
	return 0;
}

static void start_hanging(void)
{
	atomic_store(&asking, 0);
	atomic_store(&asked, 0);
	atomic_store(&hang, true);
	atomic_store(&go__sys_hook, hanging_resolver);
}

static void *search(void *list)
{
	struct addrinfo *found = NULL;
	int r = go_getaddrinfo("127.0.0.1", "80", NULL, &found);

	INSIST((r == 0) == (found != NULL));
	if (found)
		freeaddrinfo(found);
	if (list)
		atomic_fetch_add((_Atomic int *)list, 1);
	return GO_INT(r);
}

static void *search_briefly(void *unused)
{
	GO_TIMEOUT(GO_MILLISECOND);

	return search(unused);
}

static void await(_Atomic int *count, int n)
{
	while (atomic_load(count) != n)
		go_sleep(SOON);
}

/* Cancelled, or out of time, while the resolver is asked. */
static void *leave_early(void *unused)
{
	struct peer peer;

	(void)unused;
	start_hanging();
	peer_start(&peer, false, search, NULL);
	await(&asking, 1);
	MUST(go_task_cancel(peer.task) == 0);
	MUST(GO_TO_INT(peer_finish(&peer)) == -ECANCELED);
	peer_start(&peer, false, search_briefly, NULL);
	MUST(GO_TO_INT(peer_finish(&peer)) == -ETIMEDOUT);
	atomic_store(&hang, false);
	/* The answers come, and are dropped. */
	await(&asked, atomic_load(&asking));
	MUST(GO_TO_INT(search(NULL)) == 0);
	(void)test_fail_stop();
	return NULL;
}

Test(names, leave_early, .timeout = 20)
{
	run_everywhere(leave_early, NULL);
}

/* Cancelled while others keep the pool's only thread: it is never asked. */
static void *leave_queue(void *unused)
{
	struct peer first, second;

	(void)unused;
	start_hanging();
	peer_start(&first, false, search, NULL);
	await(&asking, 1);
	peer_start(&second, false, search, NULL);
	go_yield();
	go_sleep(SOON);
	MUST(go_task_cancel(second.task) == 0);
	MUST(GO_TO_INT(peer_finish(&second)) == -ECANCELED);
	atomic_store(&hang, false);
	MUST(GO_TO_INT(peer_finish(&first)) == 0);
	MUST(atomic_load(&asking) == 1);
	(void)test_fail_stop();
	return NULL;
}

Test(names, leave_queue, .timeout = 20)
{
	for (int i = 0; i < 3; i++) {
		go_runtime_options options = {
			.flavour = i ? GO_MULTI_THREAD : GO_CURRENT_THREAD,
			.workers = (unsigned)i,
			.max_blocking_threads = 1,
		};
		void *wrong = NULL;

		cr_assert_eq(go_run_with(&options, leave_queue, NULL, &wrong),
			     0);
		cr_assert_null(wrong, "%s", (const char *)wrong);
	}
}

/* A cancellation and the answer at the same time: one of them wins. */
static void *cancel_at_random(void *unused)
{
	uint64_t rounds = test_rounds(400);

	(void)unused;
	for (uint64_t i = 0; i < rounds; i++) {
		go_task tasks[4];
		void *result;

		for (int j = 0; j < 4; j++)
			MUST(go_task_spawn(&tasks[j], search, NULL) == 0);
		if (test_random(2))
			go_sleep(test_random(60) * GO_MICROSECOND);
		for (int j = 0; j < 4; j++)
			if (test_random(4))
				(void)go_task_cancel(tasks[j]);
		for (int j = 0; j < 4; j++) {
			MUST(go_task_join(tasks[j], &result) == 0);
			MUST(!result || GO_TO_INT(result) == -ECANCELED);
		}
	}
	return NULL;
}

Test(names, cancel_at_random, .timeout = 60)
{
	run_everywhere(cancel_at_random, NULL);
}

/* ---- failures ---- */

static void *fail_each(void *unused)
{
	static const enum go__sys_call calls[] = {
		GO__SYS_malloc,
		GO__SYS_calloc,
		GO__SYS_getaddrinfo,
		GO__SYS_getnameinfo,
	};
	struct sockaddr_in a = {.sin_family = AF_INET};

	(void)unused;
	MUST(GO_TO_INT(search(NULL)) == 0);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		bool failed;
		unsigned n = 0;

		do {
			char host[64];
			int r;

			test_fail_nth(calls[i], ++n);
			r = GO_TO_INT(search(NULL));
			if (r == 0)
				r = go_getnameinfo(
					(struct sockaddr *)&a, sizeof(a), host,
					sizeof(host), NULL, 0, NI_NUMERICHOST);
			failed = test_fail_stop();
			/* Not all memory is needed for the answer. */
			MUST(r == 0 || (failed && r == -ENOMEM));
		} while (failed);
		MUST(n > 1);
	}
	return NULL;
}

Test(names, each_call_fails_once, .timeout = 20)
{
	run_everywhere(fail_each, NULL);
}

#endif
