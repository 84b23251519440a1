/* SPDX-License-Identifier: MIT */
/*
 * The processor quota of the process's control groups.
 *
 * A container that may use two processors of sixty-four sees sixty-four, in its
 * affinity mask as everywhere else; but a process with more running threads
 * than its quota pays for uses the quota up early in each period, and then
 * stands still until the next.  So the quota, rounded up, is how many workers
 * are of use.
 *
 * Where it is written, in three steps:
 *
 *     /proc/self/cgroup      the group's path; "0::/a/b" of version 2, or the
 *                            line with `cpu` in it of version 1, which counts
 *                            where there are both, since `cpu` is then there
 *     /proc/self/mountinfo   where that hierarchy is mounted, and which of its
 *                            groups is the root of that mount
 *     cpu.max                of the group and of each above it, up to the
 *                            mount: "200000 100000", or "max 100000"; in
 *                            version 1 cpu.cfs_quota_us, -1 for no quota, and
 *                            cpu.cfs_period_us
 *
 * The tightest counts: a quota holds for all that is below it.  A group outside
 * of what is mounted (a container that shares its host's view of the first
 * file, but not of the second) is read at the mount, which is its own.  What is
 * missing, unreadable or not of this form is no quota: it decides how many
 * threads there are, and nothing else.
 *
 * The lines are of any length, and the caller's stack may be small, so a buffer
 * is allocated.
 *
 * TESTS  test_cgroup.c.
 */
#include "arch/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arch/sys.h"

struct search {
	const char *root;
	bool first_version;
	char group[PATH_MAX]; /* The process's, in its hierarchy. */
	char mount[PATH_MAX]; /* Where that is mounted; later, the group. */
	char name[PATH_MAX];  /* Of the file to read. */
	/* The reader of lines: what has been read and not returned. */
	int fd;
	size_t at, n;
	char line[PATH_MAX + 256];
	char data[4096];
};

/* ---- lines ---- */

/* name = root + path + file; false: too long. */
static bool spell(struct search *s, const char *path, const char *file)
{
	size_t root = strlen(s->root), middle = strlen(path);
	size_t end = strlen(file);

	if (root + middle + end >= sizeof(s->name))
		return false;
	memcpy(s->name, s->root, root);
	memcpy(s->name + root, path, middle);
	memcpy(s->name + root + middle, file, end + 1);
	return true;
}

static bool lines_open(struct search *s, const char *path)
{
	s->at = s->n = 0;
	s->fd = -1;
	if (spell(s, path, ""))
		s->fd = go__sys_open(s->name, O_RDONLY | O_CLOEXEC, 0);
	return s->fd >= 0;
}

/* The next byte, or -1. */
static int next_byte(struct search *s)
{
	ssize_t n;

	if (s->at == s->n) {
		n = go__sys_read(s->fd, s->data, sizeof(s->data));
		if (n <= 0)
			return -1;
		s->at = 0;
		s->n = (size_t)n;
	}
	return (unsigned char)s->data[s->at++];
}

/* The next line, cut where it is too long for us; NULL: there is none. */
static char *next_line(struct search *s)
{
	size_t n = 0;
	int c;

	while ((c = next_byte(s)) >= 0 && c != '\n')
		if (n < sizeof(s->line) - 1)
			s->line[n++] = (char)c;
	s->line[n] = '\0';
	return c < 0 && n == 0 ? NULL : s->line;
}

/* Cut the text at the next `end`; returns what follows, or NULL. */
static char *cut(char *text, char end)
{
	char *found = text ? strchr(text, end) : NULL;

	if (!found)
		return NULL;
	*found = '\0';
	return found + 1;
}

/* Is `word` one of a list that commas separate? */
static bool lists(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ',') &&
		    (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

static bool keep(char *place, const char *path)
{
	size_t n = strlen(path);

	if (n >= PATH_MAX)
		return false;
	memcpy(place, path, n + 1);
	return true;
}

/* ---- which group, and where ---- */

/* A line of /proc/self/cgroup: "4:cpu,cpuacct:/path".  True: it is the one. */
static bool take_group(struct search *s, char *line)
{
	char *controllers = cut(line, ':');
	char *path = cut(controllers, ':');

	if (!path)
		return false;
	if (lists(controllers, "cpu"))
		return s->first_version = keep(s->group, path);
	if (*controllers == '\0')
		(void)keep(s->group, path);
	return false;
}

static bool find_group(struct search *s)
{
	char *line;

	s->group[0] = '\0';
	s->first_version = false;
	if (!lines_open(s, "/proc/self/cgroup"))
		return false;
	while ((line = next_line(s)) && !take_group(s, line))
		;
	(void)go__sys_close(s->fd);
	return s->group[0] == '/';
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks and the like are written as \040, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++, to++) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to = (char)((text[1] - '0') * 64 +
				     (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*to = *text;
		}
	}
	*to = '\0';
}

/* The group as it is called below a mount of `top`: "" for that one itself. */
static const char *below(const char *group, const char *top)
{
	size_t n = strlen(top);

	if (n == 1) /* "/" */
		n = 0;
	if (strncmp(group, top, n) != 0 || group[n] != '/' || !group[n + 1] ||
	    strstr(group, "/..")) /* Above what we are shown. */
		return "";
	return group + n;
}

/*
 * A line of mountinfo:
 *
 *     36 25 0:31 /top /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup rw
 *
 * True: it is the one, and s->mount the group in it.  A line that was cut has
 * lost its end, and is none.
 */
static bool take_mount(struct search *s, char *line)
{
	char *top = cut(cut(cut(line, ' '), ' '), ' ');
	char *at = cut(top, ' ');
	char *rest = cut(at, ' ');
	char *type = rest ? strstr(rest, " - ") : NULL, *source, *options;
	const char *group;

	if (!type)
		return false;
	type += 3;
	source = cut(type, ' ');
	options = cut(source, ' ');
	if (!options)
		return false;
	if (s->first_version
		    ? strcmp(type, "cgroup") != 0 || !lists(options, "cpu")
		    : strcmp(type, "cgroup2") != 0)
		return false;
	unescape(top);
	unescape(at);
	group = below(s->group, top);
	if (strlen(at) + strlen(group) >= PATH_MAX)
		return false;
	memcpy(s->mount, at, strlen(at) + 1);
	memmove(s->group, group, strlen(group) + 1);
	return true;
}

static bool find_mount(struct search *s)
{
	bool found = false;
	char *line;

	if (!lines_open(s, "/proc/self/mountinfo"))
		return false;
	while (!found && (line = next_line(s)))
		found = take_mount(s, line);
	(void)go__sys_close(s->fd);
	return found;
}

/* ---- its quota ---- */

/* A number at the beginning; *end is what follows.  False: none, or huge. */
static bool number(const char *text, const char **end, uint64_t *value)
{
	uint64_t n = 0;

	for (*end = text; **end >= '0' && **end <= '9'; ++*end) {
		if (n > UINT64_MAX / 20)
			return false;
		n = n * 10 + (uint64_t)(**end - '0');
	}
	*value = n;
	return *end != text;
}

static bool ends(const char *text)
{
	return *text == '\0' || (*text == '\n' && text[1] == '\0');
}

static unsigned round_up(uint64_t quota, uint64_t period)
{
	uint64_t n = period ? (quota - 1) / period + 1 : 0;

	if (quota == 0 || n == 0 || n > GO__CGROUP_UNLIMITED)
		return GO__CGROUP_UNLIMITED;
	return (unsigned)n;
}

/* A file with one number and nothing else, below the path in s->mount. */
static bool read_number(struct search *s, const char *file, uint64_t *value)
{
	char text[64];
	const char *end;

	return spell(s, s->mount, file) &&
	       go__sys_read_file(s->name, text, sizeof(text)) > 0 &&
	       number(text, &end, value) && ends(end);
}

static unsigned quota_v1(struct search *s)
{
	uint64_t quota, period;

	if (!read_number(s, "/cpu.cfs_quota_us", &quota) ||
	    !read_number(s, "/cpu.cfs_period_us", &period))
		return GO__CGROUP_UNLIMITED;
	return round_up(quota, period);
}

static unsigned quota_v2(struct search *s)
{
	char text[64];
	const char *end;
	uint64_t quota, period;

	if (!spell(s, s->mount, "/cpu.max") ||
	    go__sys_read_file(s->name, text, sizeof(text)) <= 0 ||
	    !number(text, &end, &quota) || *end != ' ' ||
	    !number(end + 1, &end, &period) || !ends(end))
		return GO__CGROUP_UNLIMITED;
	return round_up(quota, period);
}

/* From the group up to the mount. */
static unsigned tightest(struct search *s)
{
	size_t top = strlen(s->mount);
	unsigned least = GO__CGROUP_UNLIMITED;

	memcpy(s->mount + top, s->group, strlen(s->group) + 1);
	for (;;) {
		unsigned n = s->first_version ? quota_v1(s) : quota_v2(s);
		char *last = strrchr(s->mount + top, '/');

		least = n < least ? n : least;
		if (!last)
			return least;
		*last = '\0';
	}
}

unsigned go__cgroup_cpus(const char *root)
{
	struct search *s = go__sys_malloc(sizeof(*s));
	unsigned n = GO__CGROUP_UNLIMITED;

	if (!s)
		return n;
	s->root = root;
	if (find_group(s) && find_mount(s))
		n = tightest(s);
	go__sys_free(s);
	return n;
}
