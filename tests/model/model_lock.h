/* SPDX-License-Identifier: MIT */
/*
 * The library's lock under the checker: what arch/lock.h includes when
 * GO_MODEL is defined.  Acquiring one that is held blocks the model's thread;
 * how the real lock sleeps and spins is not this header's business.
 */
#ifndef MODEL_LOCK_H
#define MODEL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "model_atomic.h"

struct go__lock {
	_Atomic uint32_t word;
};

#define GO__LOCK_INIT                                                          \
	{                                                                      \
		0                                                              \
	}

void model_lock_acquire(_Atomic uint32_t *word, MODEL_SITE_ARGS);
bool model_lock_try(_Atomic uint32_t *word, MODEL_SITE_ARGS);
void model_lock_release(_Atomic uint32_t *word, MODEL_SITE_ARGS);

#define go__lock_init(l)    atomic_init(&(l)->word, 0)
#define go__lock_acquire(l) model_lock_acquire(&(l)->word, MODEL_SITE(#l))
#define go__lock_try(l)     model_lock_try(&(l)->word, MODEL_SITE(#l))
/* acquire: as the real one. */
#define go__lock_held(l)                                                       \
	(atomic_load_explicit(&(l)->word, memory_order_acquire) != 0)
#define go__lock_release(l) model_lock_release(&(l)->word, MODEL_SITE(#l))

#endif
