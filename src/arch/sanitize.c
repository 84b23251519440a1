/* SPDX-License-Identifier: MIT */
/* The sanitizers' slow paths; sanitize.h has the essay. */
#include "arch/sanitize.h"

#if GO__SANITIZE
#include <pthread.h>

void go__sanitize_attach(struct go__sanitize *s)
{
#if GO__ASAN
	pthread_attr_t attr;
	void *low = NULL;

	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &low, &s->bytes);
		pthread_attr_destroy(&attr);
	}
	s->low = low;
#endif
#if GO__TSAN
	s->tsan_fiber = __tsan_get_current_fiber();
#endif
	s->ran = true;
}

void go__sanitize_prepare(struct go__sanitize *s, char *low, char *high)
{
	s->fake_stack = NULL;
	s->ran = false;
	s->low = low;
	s->bytes = (size_t)(high - low);
#if GO__ASAN
	__asan_unpoison_memory_region(low, s->bytes);
#endif
#if GO__TSAN
	s->tsan_fiber = __tsan_create_fiber(0);
#endif
}

void go__sanitize_release(struct go__sanitize *s)
{
#if GO__TSAN
	if (!s->tsan_fiber)
		return;
	if (!s->ran) {
		void *self = __tsan_get_current_fiber();

		__tsan_switch_to_fiber(s->tsan_fiber, 1);
		__tsan_switch_to_fiber(self, 1);
	}
	__tsan_destroy_fiber(s->tsan_fiber);
	s->tsan_fiber = NULL;
#else
	(void)s;
#endif
}
#else
typedef int go__no_sanitizer; /* ISO C wants something in every file. */
#endif
