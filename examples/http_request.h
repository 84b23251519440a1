/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1 request: as much of it as http_hello.c has to know.
 *
 * Strict where lenience lets a client and a server disagree about where a
 * request ends: lines end with CR LF, header names are followed by the colon
 * at once, no header is continued on the next line, Content-Length is one
 * number.  Bodies of unknown length (Transfer-Encoding) are refused.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct http_request {
	size_t head_bytes;   /* the head with the empty line at its end */
	uint64_t body_bytes; /* that follow it */
	bool head_only;      /* HEAD: the answer has no body */
	bool keep_alive;     /* the connection goes on after the answer */
	bool old;            /* HTTP/1.0, where keeping alive is said aloud */
	bool wait_for_100;   /* sends the body only after "100 Continue" */

	/* While parsing. */
	bool has_host, has_length;
};

/* The end of the name that begins at p: of a method or of a header. */
static inline const char *http_name_end(const char *p, const char *end)
{
	while (p < end && (isalnum((unsigned char)*p) ||
			   (*p && strchr("!#$%&'*+-.^_`|~", *p))))
		p++;
	return p;
}

static inline bool http_is(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) == n && strncasecmp(p, word, n) == 0;
}

/* Is the word in a list like "close, TE"? */
static inline bool http_lists(const char *p, const char *end, const char *word)
{
	const char *stop;

	for (; p < end; p = stop + 1) {
		stop = memchr(p, ',', (size_t)(end - p));
		if (!stop)
			stop = end;
		while (p < stop && (*p == ' ' || *p == '\t'))
			p++;
		if (http_is(p, p + strcspn(p, ", \t\r"), word))
			return true;
	}
	return false;
}

/* "GET /path HTTP/1.1".  Returns 200 or the status to refuse it with. */
static inline int http_request_line(struct http_request *r, const char *p,
				    const char *end)
{
	const char *method_end = http_name_end(p, end);
	const char *target = method_end + 1, *version;

	if (method_end == p || method_end == end || *method_end != ' ')
		return 400;
	version = memchr(target, ' ', (size_t)(end - target));
	if (!version || version == target)
		return 400;
	version++;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0 ||
	    !isdigit((unsigned char)version[5]) || version[6] != '.' ||
	    !isdigit((unsigned char)version[7]))
		return 400;
	if (version[5] != '1')
		return 505;
	r->old = version[7] == '0';
	r->keep_alive = !r->old;
	r->head_only = method_end - p == 4 && memcmp(p, "HEAD", 4) == 0;
	return 200;
}

static inline int http_length(struct http_request *r, const char *p,
			      const char *end)
{
	uint64_t n = 0;

	if (p == end)
		return 400;
	for (; p < end; p++) {
		if (!isdigit((unsigned char)*p))
			return 400;
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT64_MAX / 20)
			return 413;
	}
	if (r->has_length && r->body_bytes != n)
		return 400;
	r->has_length = true;
	r->body_bytes = n;
	return 200;
}

/* "Name: value".  Returns 200 or the status to refuse the request with. */
static inline int http_header(struct http_request *r, const char *p,
			      const char *end)
{
	const char *name_end = http_name_end(p, end), *value = name_end + 1;

	if (name_end == p || name_end == end || *name_end != ':')
		return 400;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (http_is(p, name_end, "Content-Length"))
		return http_length(r, value, end);
	if (http_is(p, name_end, "Transfer-Encoding"))
		return 501;
	if (http_is(p, name_end, "Host")) {
		if (r->has_host)
			return 400;
		r->has_host = true;
	} else if (http_is(p, name_end, "Connection")) {
		if (http_lists(value, end, "close"))
			r->keep_alive = false;
		else if (r->old && http_lists(value, end, "keep-alive"))
			r->keep_alive = true;
	} else if (http_is(p, name_end, "Expect")) {
		if (!http_is(value, end, "100-continue"))
			return 417;
		r->wait_for_100 = !r->old;
	}
	return 200;
}

/* The end of a line: its CR; NULL if a control character stands in it. */
static inline const char *http_line_end(const char *p)
{
	while ((unsigned char)*p >= ' ' || *p == '\t')
		if (*p++ == 127)
			return NULL;
	return p[0] == '\r' && p[1] == '\n' ? p : NULL;
}

/*
 * Read the head at the beginning of n bytes of text.
 *
 * Returns  200 (*r is valid); 100 (its end has not arrived yet); else the
 *          status to refuse it with, after which the connection is of no more
 *          use, since nobody knows where the next request begins.
 */
static inline int http_parse(struct http_request *r, const char *text, size_t n)
{
	const char *end = memmem(text, n, "\r\n\r\n", 4);
	const char *line_end, *p = text;
	int status;

	*r = (struct http_request){0};
	if (!end)
		return 100;
	r->head_bytes = (size_t)(end - text) + 4;
	line_end = http_line_end(p);
	if (!line_end)
		return 400;
	status = http_request_line(r, p, line_end);
	while (status == 200 && line_end < end) {
		p = line_end + 2;
		line_end = http_line_end(p);
		status = line_end ? http_header(r, p, line_end) : 400;
	}
	if (status == 200 && !r->has_host && !r->old)
		status = 400;
	return status;
}

static inline const char *http_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 417:
		return "Expectation Failed";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}

#endif
