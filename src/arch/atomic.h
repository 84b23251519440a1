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

#endif
