/* SPDX-License-Identifier: MIT */
/*
 * Atomics, from one place, so that a protocol can be compiled twice: with the
 * compiler's atomics into the library, and with simulated ones, whose every
 * interleaving is tried, into the models under tests/model/.
 */
#ifndef GO_ARCH_ATOMIC_H
#define GO_ARCH_ATOMIC_H

#ifdef GO_MODEL
#include "model_atomic.h"
#else
#include <stdatomic.h>
#endif

/*
 * A sequentially consistent store, for the "write mine, then look at theirs"
 * of two threads.  It is an exchange: on x86 the compiler makes one of such a
 * store in any case; on aarch64 it costs a little, and keeps the order under
 * qemu-user too, which lets a later load-acquire pass a store-release
 * (release 7.2; the architecture forbids it) and so loses wake-ups.
 */
#define go__store_seq_cst(object, value)                                       \
	((void)atomic_exchange_explicit(object, value, memory_order_seq_cst))

/*
 * The cheap half of a pair of barriers, for a side that may not pay for a real
 * one: a barrier to the compiler.  The other half is go__sys_membarrier(), a
 * full barrier in all of the process's threads.  As a pair they order what two
 * full barriers would.  Under the models there is no compiler to stop, and
 * model_membarrier() is the other half.
 */
#ifdef GO_MODEL
#define go__light_barrier() ((void)0)
#else
#define go__light_barrier() atomic_signal_fence(memory_order_seq_cst)
#endif

/*
 * A place where a thread may lose its processor at the worst moment, between
 * a look and the exchange that relies on it: in test builds it does, now and
 * then.
 */
#ifdef GO_TEST_HOOKS
void go__perturb(void);
#else
#define go__perturb() ((void)0)
#endif

/*
 * The same, for so long that another thread can free what only a count or an
 * identity protects from here on.
 */
#ifdef GO_TEST_HOOKS
void go__perturb_long(void);
#else
#define go__perturb_long() ((void)0)
#endif

#endif
