/* SPDX-License-Identifier: MIT */
/*
 * For tests that compile as C11 and as C++17: what the two do not write alike.
 *
 *	ATOMIC(int) count;                       with stdatomic.h's functions
 *	MAKE(go_group_options, o, .limit = 2);   defines o, else zero
 *	ASSIGN(struct point, p, {1, 2});         instead of a compound literal
 *
 * C++ also wants a cast where a void pointer becomes another one.
 */
#ifndef GO_TEST_BOTH_H
#define GO_TEST_BOTH_H

#ifdef __cplusplus
#include <atomic>

#define ATOMIC(type) std::atomic<type>
#define THREAD_LOCAL thread_local
#define ALL_ZERO                                                               \
	{                                                                      \
	}

using std::atomic_compare_exchange_weak;
using std::atomic_exchange;
using std::atomic_fetch_add;
using std::atomic_fetch_add_explicit;
using std::atomic_fetch_sub;
using std::atomic_load;
using std::atomic_load_explicit;
using std::atomic_store;
using std::atomic_store_explicit;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
#else
#include <stdatomic.h>

#define ATOMIC(type) _Atomic(type)
#define THREAD_LOCAL _Thread_local
#define ALL_ZERO                                                               \
	{                                                                      \
		0                                                              \
	}
#endif

#define MAKE(type, name, ...)                                                  \
	type name = ALL_ZERO;                                                  \
	SET_ALL(name, __VA_ARGS__)

#define ASSIGN(type, object, ...)                                              \
	do {                                                                   \
		type fresh_ = __VA_ARGS__;                                     \
		object = fresh_;                                               \
	} while (0)

/* Up to eight times "object .member = value;". */
#define SET_ALL(o, ...)                                                        \
	SET_COUNT(__VA_ARGS__, SET_8, SET_7, SET_6, SET_5, SET_4, SET_3,       \
		  SET_2, SET_1, )                                              \
	(o, __VA_ARGS__)
#define SET_COUNT(a, b, c, d, e, f, g, h, set, ...) set
#define SET_1(o, a)                                 o a
#define SET_2(o, a, ...)                                                       \
	o a;                                                                   \
	SET_1(o, __VA_ARGS__)
#define SET_3(o, a, ...)                                                       \
	o a;                                                                   \
	SET_2(o, __VA_ARGS__)
#define SET_4(o, a, ...)                                                       \
	o a;                                                                   \
	SET_3(o, __VA_ARGS__)
#define SET_5(o, a, ...)                                                       \
	o a;                                                                   \
	SET_4(o, __VA_ARGS__)
#define SET_6(o, a, ...)                                                       \
	o a;                                                                   \
	SET_5(o, __VA_ARGS__)
#define SET_7(o, a, ...)                                                       \
	o a;                                                                   \
	SET_6(o, __VA_ARGS__)
#define SET_8(o, a, ...)                                                       \
	o a;                                                                   \
	SET_7(o, __VA_ARGS__)

#endif
