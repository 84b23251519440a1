/* SPDX-License-Identifier: MIT */
/* The timer wheel; its essay is in timer.h. */
#include "sched/timer.h"

#include "sched/task.h"
#include "sched/wait.h"

/* A timer is part of a task; here is its way to the task's wait. */
static struct go__waiter *waiter_of(struct go__timer *timer)
{
	return &go__container_of(timer, struct go__task, timer)->waiter;
}

void go__wheel_init(struct go__wheel *wheel, uint64_t now)
{
	go__lock_init(&wheel->lock);
	atomic_init(&wheel->next, GO__NO_DEADLINE);
	wheel->base = now;
	for (unsigned l = 0; l < GO__WHEEL_LEVELS; l++) {
		wheel->used[l] = 0;
		for (unsigned s = 0; s < GO__WHEEL_SLOTS; s++)
			go__list_init(&wheel->slot[l][s].timers);
	}
}

/* The value of a level's six bits in t. */
static unsigned digit(uint64_t t, unsigned level)
{
	return (unsigned)(t >> (GO__WHEEL_BITS * level)) &
	       (GO__WHEEL_SLOTS - 1);
}

/* The level of a deadline that is not before the base. */
static unsigned level_of(uint64_t base, uint64_t deadline)
{
	uint64_t differ = (base ^ deadline) | (GO__WHEEL_SLOTS - 1);

	return (63u - (unsigned)__builtin_clzll(differ)) / GO__WHEEL_BITS;
}

/* When a slot begins: t with the level's digit set, and zeroes below. */
static uint64_t slot_start(uint64_t base, unsigned level, unsigned s)
{
	unsigned shift = GO__WHEEL_BITS * level;
	uint64_t above = 0;

	if (shift + GO__WHEEL_BITS < 64)
		above = base >> (shift + GO__WHEEL_BITS)
					<< (shift + GO__WHEEL_BITS);
	return above | (uint64_t)s << shift;
}

/* The first slot with timers: lower levels come before higher ones. */
static struct go__wheel_slot *first_slot(struct go__wheel *wheel)
{
	for (unsigned l = 0; l < GO__WHEEL_LEVELS; l++)
		if (wheel->used[l])
			return &wheel->slot[l][__builtin_ctzll(wheel->used[l])];
	return NULL;
}

/* Publish the first deadline.  Under lock. */
static void publish(struct go__wheel *wheel)
{
	struct go__wheel_slot *slot = first_slot(wheel);
	uint64_t next = slot ? slot->earliest : GO__NO_DEADLINE;

	/* relaxed: written under the lock that we hold. */
	if (atomic_load_explicit(&wheel->next, memory_order_relaxed) != next)
		/* seq_cst: pairs as [next] in timer.h says. */
		go__store_seq_cst(&wheel->next, next);
}

/* Put a timer into its slot.  Under lock. */
static void insert(struct go__wheel *wheel, struct go__timer *timer)
{
	uint64_t at = timer->deadline;
	unsigned level, s;
	struct go__wheel_slot *slot;

	if (at < wheel->base)
		at = wheel->base; /* Due: the first slot there is. */
	level = level_of(wheel->base, at);
	s = digit(at, level);
	slot = &wheel->slot[level][s];
	if (go__list_empty(&slot->timers) || timer->deadline < slot->earliest)
		slot->earliest = timer->deadline;
	wheel->used[level] |= UINT64_C(1) << s;
	go__list_push_back(&slot->timers, &timer->link);
}

/* Take a timer out of its slot.  Under lock. */
static void take_out(struct go__wheel *wheel, struct go__timer *timer)
{
	struct go__link *rest = timer->link.next;

	go__list_remove(&timer->link);
	if (go__list_empty(rest)) {
		/* The only link left is the slot's own. */
		struct go__wheel_slot *slot =
			go__container_of(rest, struct go__wheel_slot, timers);
		size_t i = (size_t)(slot - &wheel->slot[0][0]);

		wheel->used[i / GO__WHEEL_SLOTS] &=
			~(UINT64_C(1) << (i % GO__WHEEL_SLOTS));
	}
}

/* If the timer is armed no later than the deadline, true; else disarm it. */
static bool armed_by(struct go__timer *timer, uint64_t deadline)
{
	struct go__wheel *wheel = timer->wheel;
	bool good = false;

	go__lock_acquire(&wheel->lock);
	if (go__link_is_linked(&timer->link)) {
		good = timer->deadline <= deadline;
		if (!good) {
			take_out(wheel, timer);
			publish(wheel);
		}
	}
	go__lock_release(&wheel->lock);
	return good;
}

void go__timer_arm(struct go__timer *timer, struct go__wheel *own,
		   uint64_t deadline)
{
	if (timer->wheel && timer->wheel != own && armed_by(timer, deadline))
		return;
	go__lock_acquire(&own->lock);
	if (timer->wheel == own && go__link_is_linked(&timer->link)) {
		if (timer->deadline <= deadline) {
			go__lock_release(&own->lock);
			return;
		}
		take_out(own, timer);
	}
	timer->wheel = own;
	timer->deadline = deadline;
	insert(own, timer);
	publish(own);
	go__lock_release(&own->lock);
}

void go__timer_close(struct go__timer *timer)
{
	struct go__wheel *wheel = timer->wheel;

	if (!wheel)
		return;
	go__lock_acquire(&wheel->lock);
	if (go__link_is_linked(&timer->link)) {
		take_out(wheel, timer);
		publish(wheel);
	}
	go__lock_release(&wheel->lock);
	timer->wheel = NULL;
}

/*
 * A timer is due.  Ends the wait that is open, if its deadline has come; true:
 * the timer must be armed again, for the deadline that it now holds.
 */
static bool fire(struct go__timer *timer, uint64_t now,
		 struct go__wake_list *ready)
{
	struct go__waiter *w = waiter_of(timer);
	uint64_t epoch = go__wait_word_peek(&w->word, true);
	uint64_t deadline;

	if (epoch == 0)
		return false;
	/* relaxed: peek has acquired the opening of this wait; if a later one
	 * has been opened since, the claim below fails. */
	deadline = atomic_load_explicit(&w->deadline, memory_order_relaxed);
	if (deadline == GO__NO_DEADLINE)
		return false;
	if (deadline > now) {
		timer->deadline = deadline;
		return true;
	}
	if (go__wait_claim_epoch(w, epoch))
		go__wake_list_add(ready, w, -ETIMEDOUT);
	return false;
}

/* Empty a slot that has begun: fire what is due, keep the rest in `later`. */
static void empty_slot(struct go__wheel_slot *slot, uint64_t now,
		       struct go__link *later, struct go__wake_list *ready)
{
	struct go__link *link;

	while ((link = go__list_pop_front(&slot->timers))) {
		struct go__timer *timer =
			go__container_of(link, struct go__timer, link);

		if (timer->deadline > now || fire(timer, now, ready))
			go__list_push_back(later, link);
	}
}

void go__wheel_run(struct go__wheel *wheel, uint64_t now,
		   struct go__wake_list *ready)
{
	struct go__link later, *link;

	if (go__wheel_next(wheel) > now)
		return;
	go__list_init(&later);
	go__lock_acquire(&wheel->lock);
	for (unsigned l = 0; l < GO__WHEEL_LEVELS && now >= wheel->base; l++) {
		while (wheel->used[l]) {
			unsigned s = (unsigned)__builtin_ctzll(wheel->used[l]);

			if (slot_start(wheel->base, l, s) > now)
				break;
			wheel->used[l] &= ~(UINT64_C(1) << s);
			empty_slot(&wheel->slot[l][s], now, &later, ready);
		}
	}
	/* Slots that begin after now are right for the new base as well: it
	 * agrees with the old one above their level, and is less at it. */
	if (now > wheel->base)
		wheel->base = now;
	while ((link = go__list_pop_front(&later)))
		insert(wheel, go__container_of(link, struct go__timer, link));
	publish(wheel);
	go__lock_release(&wheel->lock);
}
