/* SPDX-License-Identifier: MIT */
/*
 * The system's resolver, asked in the pool: see errand.h.
 *
 * It needs 6 KiB of stack and more, depending on the modules of the name
 * service switch, which are other people's libraries; another reason not to
 * call it on a task's.
 */
#include <gofer/names.h>

#include <errno.h>
#include <string.h>

#include "arch/sys.h"
#include "io/errand.h"

/* ---- errors ---- */

/* The second half is in the words of strerror() already. */
static const struct {
	int eai, error;
} errors[] = {
	{EAI_NONAME, -ENXIO},
	{EAI_NODATA, -ENODATA},
	{EAI_AGAIN, -EAGAIN},
	{EAI_FAIL, -EREMOTEIO},
	{EAI_SERVICE, -EPROTONOSUPPORT},
#define TOLD_BY_RESOLVER 5
	{EAI_ADDRFAMILY, -ENODATA},
	{EAI_SOCKTYPE, -ESOCKTNOSUPPORT},
	{EAI_FAMILY, -EAFNOSUPPORT},
	{EAI_BADFLAGS, -EINVAL},
	{EAI_OVERFLOW, -EOVERFLOW},
	{EAI_MEMORY, -ENOMEM},
};

/* The library's error for one of the resolver's. */
static int error_of(int eai, int system)
{
	if (eai == 0)
		return 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].eai == eai)
			return errors[i].error;
	return eai == EAI_SYSTEM && system < 0 ? system : -EREMOTEIO;
}

const char *go_gai_strerror(int result)
{
	if (result >= 0)
		return strerror(0);
	for (size_t i = 0; i < TOLD_BY_RESOLVER; i++)
		if (errors[i].error == result)
			return gai_strerror(errors[i].eai);
	return strerror(-result);
}

/* ---- addresses of a name ---- */

struct search {
	struct go__errand errand;
	struct addrinfo hints, *list;
	const struct addrinfo *use_hints; /* &hints, or NULL. */
	const char *node, *service;       /* In text, or NULL. */
	int error;
	char text[];
};

static void run_search(struct go__errand *self)
{
	struct search *s = (struct search *)self;
	int system;
	int eai = go__sys_getaddrinfo(s->node, s->service, s->use_hints,
				      &s->list, &system);

	s->error = error_of(eai, system);
	if (s->error < 0)
		s->list = NULL;
}

static void destroy_search(struct go__errand *self)
{
	struct search *s = (struct search *)self;

	if (s->list)
		go__sys_freeaddrinfo(s->list);
	go__sys_free(s);
}

/* How much room a string takes, which may be null. */
static size_t room(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static struct search *new_search(const char *node, const char *service,
				 const struct addrinfo *hints)
{
	size_t n = room(node), m = room(service);
	struct search *s = go__sys_malloc(sizeof(*s) + n + m);

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->errand.run = run_search;
	s->errand.destroy = destroy_search;
	if (node)
		s->node = memcpy(s->text, node, n);
	if (service)
		s->service = memcpy(s->text + n, service, m);
	if (hints) {
		s->hints = *hints;
		s->use_hints = &s->hints;
	}
	return s;
}

int go_getaddrinfo(const char *node, const char *service,
		   const struct addrinfo *hints, struct addrinfo **list)
{
	struct search *s;
	int r;

	if (!list)
		return -EFAULT;
	s = new_search(node, service, hints);
	if (!s)
		return -ENOMEM;
	r = go__errand_run(&s->errand);
	if (r < 0)
		return r;
	r = s->error;
	if (r == 0)
		*list = s->list;
	go__sys_free(s);
	return r;
}

/* ---- the name of an address ---- */

struct naming {
	struct go__errand errand;
	struct sockaddr_storage address;
	socklen_t length, host_bytes, service_bytes;
	int flags, error;
	char host[NI_MAXHOST], service[NI_MAXSERV];
};

static void run_naming(struct go__errand *self)
{
	struct naming *n = (struct naming *)self;
	int system;
	int eai = go__sys_getnameinfo((struct sockaddr *)&n->address, n->length,
				      n->host_bytes ? n->host : NULL,
				      n->host_bytes,
				      n->service_bytes ? n->service : NULL,
				      n->service_bytes, n->flags, &system);

	n->error = error_of(eai, system);
}

static void destroy_naming(struct go__errand *self)
{
	go__sys_free(self);
}

/* As much as the caller has room for, and we. */
static socklen_t at_most(const char *buffer, socklen_t bytes, socklen_t most)
{
	if (!buffer)
		return 0;
	return bytes < most ? bytes : most;
}

int go_getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
		   socklen_t host_bytes, char *service, socklen_t service_bytes,
		   int flags)
{
	struct naming *n;
	int r;

	if (!address)
		return -EFAULT;
	if (length > sizeof(n->address))
		return -EINVAL;
	n = go__sys_calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->errand.run = run_naming;
	n->errand.destroy = destroy_naming;
	memcpy(&n->address, address, length);
	n->length = length;
	n->host_bytes = at_most(host, host_bytes, NI_MAXHOST);
	n->service_bytes = at_most(service, service_bytes, NI_MAXSERV);
	n->flags = flags;
	r = go__errand_run(&n->errand);
	if (r < 0)
		return r;
	r = n->error;
	if (r == 0 && n->host_bytes)
		memcpy(host, n->host, strlen(n->host) + 1);
	if (r == 0 && n->service_bytes)
		memcpy(service, n->service, strlen(n->service) + 1);
	go__sys_free(n);
	return r;
}
