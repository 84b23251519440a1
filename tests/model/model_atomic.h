/* SPDX-License-Identifier: MIT */
/*
 * What arch/atomic.h includes instead of <stdatomic.h> when GO_MODEL is
 * defined: the same names, but every access is a call into the checker, which
 * knows it by its address, decides which thread moves next, and which of the
 * values that C11 allows a load returns.
 *
 * Only the explicit forms exist: the library names its memory orders.  The
 * macros evaluate each argument once and declare nothing, so they nest.
 */
#ifndef MODEL_ATOMIC_H
#define MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
	memory_order_relaxed,
	memory_order_consume,
	memory_order_acquire,
	memory_order_release,
	memory_order_acq_rel,
	memory_order_seq_cst,
} memory_order;

enum model_rmw {
	MODEL_RMW_ADD,
	MODEL_RMW_SUB,
	MODEL_RMW_OR,
	MODEL_RMW_AND,
	MODEL_RMW_XOR,
	MODEL_RMW_SWAP,
};

/* Where in the source an operation stands, and on what, for the report. */
#define MODEL_SITE(text) __FILE__, __LINE__, text
#define MODEL_SITE_ARGS  const char *file, int line, const char *text

void model_init(volatile void *p, size_t size, uint64_t value, MODEL_SITE_ARGS);
uint64_t model_load(const volatile void *p, size_t size, memory_order order,
		    MODEL_SITE_ARGS);
void model_store(volatile void *p, size_t size, uint64_t value,
		 memory_order order, MODEL_SITE_ARGS);
uint64_t model_rmw(volatile void *p, size_t size, enum model_rmw op,
		   uint64_t operand, memory_order order, MODEL_SITE_ARGS);
bool model_cas(volatile void *p, size_t size, void *expected, uint64_t desired,
	       bool weak, memory_order success, memory_order failure,
	       MODEL_SITE_ARGS);
void model_fence(memory_order order, MODEL_SITE_ARGS);

/* The unqualified type of *p: the comma drops _Atomic and const. */
#define MODEL_TYPE(p)     __typeof__((void)0, *(p))
/* A value on its way into the checker, converted as an assignment would. */
#define MODEL_WORD(p, v)  ((uint64_t)(uintptr_t)(MODEL_TYPE(p))(v))
/* A value on its way out; it need not be used. */
#define MODEL_VALUE(p, v) __extension__({ (MODEL_TYPE(p))(uintptr_t)(v); })

#define atomic_init(p, v)                                                      \
	model_init(p, sizeof(*(p)), MODEL_WORD(p, v), MODEL_SITE(#p))

#define atomic_load_explicit(p, order)                                         \
	MODEL_VALUE(p, model_load(p, sizeof(*(p)), order, MODEL_SITE(#p)))

#define atomic_store_explicit(p, v, order)                                     \
	model_store(p, sizeof(*(p)), MODEL_WORD(p, v), order, MODEL_SITE(#p))

#define MODEL_RMW(p, op, v, order)                                             \
	MODEL_VALUE(p, model_rmw(p, sizeof(*(p)), op, MODEL_WORD(p, v), order, \
				 MODEL_SITE(#p)))

#define atomic_exchange_explicit(p, v, order)                                  \
	MODEL_RMW(p, MODEL_RMW_SWAP, v, order)
#define atomic_fetch_add_explicit(p, v, order)                                 \
	MODEL_RMW(p, MODEL_RMW_ADD, v, order)
#define atomic_fetch_sub_explicit(p, v, order)                                 \
	MODEL_RMW(p, MODEL_RMW_SUB, v, order)
#define atomic_fetch_or_explicit(p, v, order)                                  \
	MODEL_RMW(p, MODEL_RMW_OR, v, order)
#define atomic_fetch_and_explicit(p, v, order)                                 \
	MODEL_RMW(p, MODEL_RMW_AND, v, order)
#define atomic_fetch_xor_explicit(p, v, order)                                 \
	MODEL_RMW(p, MODEL_RMW_XOR, v, order)

#define atomic_compare_exchange_strong_explicit(p, expected, v, yes, no)       \
	model_cas(p, sizeof(*(p)), expected, MODEL_WORD(p, v), false, yes, no, \
		  MODEL_SITE(#p))
#define atomic_compare_exchange_weak_explicit(p, expected, v, yes, no)         \
	model_cas(p, sizeof(*(p)), expected, MODEL_WORD(p, v), true, yes, no,  \
		  MODEL_SITE(#p))

#define atomic_thread_fence(order) model_fence(order, MODEL_SITE(""))

#endif
