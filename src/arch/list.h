/* SPDX-License-Identifier: MIT */
/*
 * The library's one linked list: intrusive, doubly linked, circular.
 *
 * A list is a link that stands for itself; its elements embed links.  A link
 * that is on no list points to NULL, so "am I linked?" has an answer, and
 * removing a link twice is caught.  No function allocates or locks: whoever
 * owns the list guards it.
 */
#ifndef GO_ARCH_LIST_H
#define GO_ARCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct go__link {
	struct go__link *next, *prev;
};

/* The structure of the given type whose given member is at address p. */
#define go__container_of(p, type, member)                                      \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

static inline void go__list_init(struct go__link *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool go__list_empty(const struct go__link *list)
{
	return list->next == list;
}

static inline bool go__link_is_linked(const struct go__link *link)
{
	return link->next != NULL;
}

static inline void go__list_push_back(struct go__link *list,
				      struct go__link *link)
{
	link->next = list;
	link->prev = list->prev;
	list->prev->next = link;
	list->prev = link;
}

static inline void go__list_push_front(struct go__link *list,
				       struct go__link *link)
{
	go__list_push_back(list->next, link);
}

static inline void go__list_remove(struct go__link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = NULL;
	link->prev = NULL;
}

/* Remove and return the first link, or NULL if there is none. */
static inline struct go__link *go__list_pop_front(struct go__link *list)
{
	struct go__link *link = list->next;

	if (link == list)
		return NULL;
	go__list_remove(link);
	return link;
}

#endif
