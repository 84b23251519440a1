/* SPDX-License-Identifier: MIT */
/*
 * Finds functions whose compiled code may use one thread's data on another.
 *
 *     tlslint [-s name,...] [-x name,...] [-c file] [-o objdump] [-S] file...
 *
 * A task that parks may continue on another thread.  Compilers do not know:
 * within one function they compute the address of a thread-local variable, of
 * errno, or of what pthread_self() returns, once, and use it for as long as
 * they like.  Source code does not show it, and neither `volatile` nor a
 * noinline accessor prevents it, so this program looks at machine code.
 *
 * THE RULE.  No function may do both:
 *  1. touch a thread's data: an access through %fs (but for the canary at
 *     %fs:0x28) or tpidr_el0, a call of __tls_get_addr or through a TLS
 *     descriptor, of __errno_location, pthread_self, __cxa_get_globals, or of a
 *     small function in the given files that does nothing but return such an
 *     address (a compiler may find that it always returns the same and call it
 *     once);
 *  2. reach one of the suspending functions, directly or through any chain of
 *     calls in the given files.
 * The cure is to move one of the two into a function of its own; for the first,
 * one that does the whole access, not one that returns an address.
 *
 * INPUT.  Object files, archives or linked programs, x86-64 or aarch64, as
 * disassembled by objdump -dr.  Calls through pointers cannot be followed:
 * a file given with -c has lines "caller callee..." for those, "caller -" where
 * none of them suspends, and with -S a caller without a line counts as one that
 * suspends.
 *
 *     -s   the suspending functions; by default gofer's switch, which every
 *          call that parks reaches in a program linked with libgofer.a
 *     -x   accessors that are written in assembly to be safe
 *
 * Exits 0 if the rule holds, 1 if not, 2 if the input cannot be read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char default_suspending[] =
	"go__context_switch_asm,go__context_enter_asm,"
	"fiber__switch,fiber__resume,fiber__yield";
static const char default_safe[] = "go__self,go__self_or_null";
static const char default_accessors[] =
	"__tls_get_addr,__errno_location,pthread_self,__cxa_get_globals";

enum {
	BUCKETS = 1 << 16,
	SMALL = 16, /* Instructions of what may be a mere accessor. */
};

struct call {
	struct call *next;
	const char *target;
	struct function *callee; /* Once resolved; NULL: not in the files. */
};

/*
 * A function of one object file.  Where it stands is needed because calls of
 * static functions name a section and an offset.
 */
struct function {
	struct function *next_in_bucket, *next;
	const char *name, *section;
	unsigned object;
	unsigned long address;

	struct call *calls;
	unsigned instructions;
	unsigned accesses; /* Of memory, other than its own stack. */
	bool calls_pointer;
	char *touch;         /* The first access to a thread's data. */
	bool suspends, safe; /* Named by an option. */
	bool accessor, annotated;
	const struct call *reason; /* The call by which it suspends. */
};

static struct function *bucket[BUCKETS], *first, **last = &first;
static unsigned object;
static const char *object_name[1 << 14];

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		perror("tlslint");
		exit(2);
	}
	return p;
}

static char *copy(const char *text, size_t length)
{
	char *p = allocate(length + 1);

	return memcpy(p, text, length);
}

static unsigned hash(const char *name)
{
	unsigned h = 5381;

	while (*name)
		h = h * 33 + (unsigned char)*name++;
	return h % BUCKETS;
}

/* The function of that name in this object, else in any other one. */
static struct function *find(const char *name, unsigned in_object)
{
	struct function *found = NULL;

	for (struct function *f = bucket[hash(name)]; f; f = f->next_in_bucket)
		if (strcmp(f->name, name) == 0) {
			if (f->object == in_object)
				return f;
			found = f;
		}
	return found;
}

static struct function *find_at(const char *section, unsigned long address,
				unsigned in_object)
{
	struct function *found = NULL;

	for (struct function *f = first; f; f = f->next)
		if (f->object == in_object &&
		    strcmp(f->section, section) == 0 && f->address <= address &&
		    (!found || f->address > found->address))
			found = f;
	return found;
}

/* A cold part that the compiler has split off belongs to its function. */
static size_t name_length(const char *name, size_t length)
{
	static const char cold[] = ".cold";
	size_t n = sizeof cold - 1;

	for (size_t i = 0; i + n <= length; i++)
		if (strncmp(name + i, cold, n) == 0)
			return i;
	return length;
}

static struct function *add_function(const char *name, size_t length,
				     const char *section, unsigned long address)
{
	char *own = copy(name, name_length(name, length));
	struct function *f = find(own, object);

	if (f && f->object == object && name_length(name, length) < length) {
		free(own);
		return f;
	}
	f = allocate(sizeof *f);
	f->name = own;
	f->section = section;
	f->object = object;
	f->address = address;
	f->next_in_bucket = bucket[hash(own)];
	bucket[hash(own)] = f;
	*last = f;
	last = &f->next;
	return f;
}

/* Is the name one of the list's, which commas separate? */
static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, length) == 0 &&
		    (p[length] == ',' || p[length] == '\0'))
			return true;
	}
	return false;
}

static void add_call(struct function *f, const char *target, size_t length)
{
	struct call *call = allocate(sizeof *call);

	call->target = copy(target, name_length(target, length));
	call->next = f->calls;
	f->calls = call;
}

static void touch(struct function *f, const char *text)
{
	if (!f->touch)
		f->touch = copy(text, strcspn(text, "\n"));
}

/* ---- Reading objdump's output -------------------------------------------- */

/* The state between lines: an instruction may be followed by relocations. */
struct reader {
	struct function *f;
	const char *section;
	bool fs;      /* The last instruction was relative to %fs; */
	bool access;  /* The last instruction was of memory; */
	bool branch;  /* The last instruction was a jump or a call, */
	bool pointer; /* through a register or memory, */
	char inline_target[512]; /* to this, unless a relocation says it. */
};

static bool is_branch(const char *text)
{
	static const char *const words[] = {"call", "jmp", "bl",    "b",
					    "blr",  "br",  "blraa", "braa"};
	char word[16];
	int n = 0;

	/* Prefixes of x86. */
	while (strncmp(text, "data16 ", 7) == 0 ||
	       strncmp(text, "rex.W ", 6) == 0 ||
	       strncmp(text, "notrack ", 8) == 0 ||
	       strncmp(text, "bnd ", 4) == 0 || strncmp(text, "cs ", 3) == 0)
		text = strchr(text, ' ') + 1;
	if (sscanf(text, "%15s%n", word, &n) != 1)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	/* Conditional ones: jne, b.ne, cbz, tbnz. */
	return word[0] == 'j' || strncmp(word, "b.", 2) == 0 ||
	       strncmp(word, "cb", 2) == 0 || strncmp(word, "tb", 2) == 0;
}

static bool is_pointer(const char *text)
{
	return strchr(text, '*') || strncmp(text, "blr", 3) == 0 ||
	       strncmp(text, "br", 2) == 0;
}

/* Remember what follows '<' up to '>', '+', '-' or '@'. */
static void set_inline_target(struct reader *r, const char *text)
{
	const char *open = strrchr(text, '<');
	size_t length;

	r->inline_target[0] = '\0';
	if (!open)
		return;
	length = strcspn(open + 1, ">+@");
	if (length < sizeof r->inline_target) {
		memcpy(r->inline_target, open + 1, length);
		r->inline_target[length] = '\0';
	}
}

/* The branch read before is complete: no relocation has named its target. */
static void end_branch(struct reader *r)
{
	if (!r->branch)
		return;
	r->branch = false;
	if (r->inline_target[0])
		add_call(r->f, r->inline_target, strlen(r->inline_target));
	else if (r->pointer)
		r->f->calls_pointer = true;
}

/* Does it read or write memory, other than the stack and constants? */
static bool is_access(const char *text)
{
	if (strstr(text, "[x"))
		return true;
	return strchr(text, '(') && !strstr(text, "(%rip)") &&
	       !strstr(text, "(%rsp") && !strstr(text, "(%rbp") &&
	       strncmp(text, "lea", 3) != 0 && !strstr(text, "nop");
}

static void read_instruction(struct reader *r, const char *text)
{
	struct function *f = r->f;
	const char *fs = strstr(text, "%fs:");

	/* Linkers fill what is between functions with it. */
	f->instructions += strncmp(text, "int3", 4) != 0;
	r->fs = fs != NULL;
	if ((fs && strncmp(fs, "%fs:0x28", 8) != 0) ||
	    strstr(text, "tpidr_el0"))
		touch(f, text);
	r->access = is_access(text);
	f->accesses += r->access;
	r->branch = is_branch(text);
	if (r->branch) {
		r->pointer = is_pointer(text);
		set_inline_target(r, text);
	}
}

/*
 * A relocation, "TYPE symbol+addend".  A branch's names its target; any other
 * only matters if it belongs to a TLS descriptor.  x86's count from the end of
 * the instruction, which is four bytes on.
 */
static void read_relocation(struct reader *r, const char *text)
{
	const char *symbol = text + strcspn(text, " \t");
	bool x86 = strncmp(text, "R_X86", 5) == 0;
	unsigned long offset;
	char target[512], type[64];
	size_t length;

	symbol += strspn(symbol, " \t");
	length = (size_t)(symbol - text);
	snprintf(type, sizeof type, "%.*s", (int)length, text);
	if (strstr(type, "TLSDESC"))
		touch(r->f, text);
	/* Without a relocation, %fs:0 is where the thread pointer is kept. */
	if (r->fs && strstr(type, "TPOFF"))
		r->f->accesses++;
	/* Where a variable is, not what is in it, is read from there. */
	if (r->access && (strstr(type, "TLS") || strstr(type, "GOT"))) {
		r->access = false;
		r->f->accesses--;
	}
	if (strstr(type, "TLS"))
		r->branch = false;
	if (!r->branch)
		return;
	r->branch = false;
	length = strcspn(symbol, "+@\n");
	if (symbol[length] != '+' && x86 && strstr(symbol, "-0x"))
		length = (size_t)(strstr(symbol, "-0x") - symbol);
	if (symbol[0] == '.' && symbol[length] == '+') {
		offset = strtoul(symbol + length + 1, NULL, 16);
		snprintf(target, sizeof target, "%.*s %lx", (int)length, symbol,
			 offset + (x86 ? 4 : 0));
		add_call(r->f, target, strlen(target));
	} else {
		add_call(r->f, symbol, length);
	}
}

/* "0000000000000040 <name>:" */
static bool read_head(struct reader *r, const char *line)
{
	char *end;
	unsigned long address = strtoul(line, &end, 16);
	size_t length = strlen(end);

	if (end == line || strncmp(end, " <", 2) != 0 ||
	    strncmp(end + length - 3, ">:\n", 3) != 0)
		return false;
	/* A stub of the linker's: calls of it name what it stands for. */
	if (length > 9 && strncmp(end + length - 7, "@plt>:\n", 7) == 0) {
		r->f = NULL;
		return true;
	}
	r->f = add_function(end + 2, length - 5, r->section, address);
	return true;
}

static void read_line(struct reader *r, const char *line)
{
	static const char section[] = "Disassembly of section ";
	const char *format = strstr(line, ":     file format ");
	const char *text = line + strspn(line, " \t");
	char *end;

	if (format) {
		if (++object >= sizeof object_name / sizeof *object_name) {
			fprintf(stderr, "tlslint: too many objects\n");
			exit(2);
		}
		object_name[object] = copy(line, (size_t)(format - line));
		r->f = NULL;
	} else if (strncmp(line, section, sizeof section - 1) == 0) {
		line += sizeof section - 1;
		r->section = copy(line, strcspn(line, ":\n"));
		r->f = NULL;
	} else if (read_head(r, line) || !r->f) {
		return;
	}
	strtoul(text, &end, 16);
	if (end == text || *end != ':' || !r->f)
		return;
	end += 1 + strspn(end + 1, " \t");
	if (strncmp(end, "R_", 2) == 0) {
		read_relocation(r, end);
	} else {
		end_branch(r);
		read_instruction(r, end);
	}
}

static void read_all(FILE *in)
{
	struct reader r = {.section = ""};
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		if (r.f && !isspace((unsigned char)line[0]))
			end_branch(&r);
		read_line(&r, line);
	}
	if (r.f)
		end_branch(&r);
	free(line);
}

/* Run objdump over the files and read what it prints. */
static void disassemble(const char *objdump, char **files, int n)
{
	const char **args = allocate(((size_t)n + 4) * sizeof *args);
	int pipe_end[2], status;
	pid_t child;
	FILE *in;

	args[0] = objdump;
	args[1] = "-dr";
	args[2] = "--no-show-raw-insn";
	memcpy(args + 3, files, (size_t)n * sizeof *args);
	if (pipe(pipe_end) != 0 || (child = fork()) < 0) {
		perror("tlslint");
		exit(2);
	}
	if (child == 0) {
		dup2(pipe_end[1], STDOUT_FILENO);
		close(pipe_end[0]);
		close(pipe_end[1]);
		execvp(objdump, (char **)(void *)args);
		perror(objdump);
		_exit(127);
	}
	close(pipe_end[1]);
	in = fdopen(pipe_end[0], "r");
	if (!in)
		exit(2);
	read_all(in);
	fclose(in);
	waitpid(child, &status, 0);
	free(args);
	if (status != 0)
		exit(2);
}

/* ---- Judging ------------------------------------------------------------- */

/* "caller callee..." lines for calls through pointers; '#' begins a comment. */
static void read_annotations(const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!in) {
		perror(path);
		exit(2);
	}
	while (getline(&line, &size, in) > 0) {
		char *caller = strtok(line, " \t\n"), *callee;

		if (!caller || caller[0] == '#')
			continue;
		callee = strtok(NULL, "\n");
		for (struct function *f = first; f; f = f->next) {
			size_t own = strcspn(f->name, ".");

			/* Compilers make NAME.constprop.0 of it. */
			if (own != strlen(caller) ||
			    strncmp(f->name, caller, own) != 0)
				continue;
			f->annotated = true;
			for (const char *p = callee; p && *p;) {
				size_t length = strcspn(p, " \t");

				if (length && *p != '-')
					add_call(f, p, length);
				p += length + strspn(p + length, " \t");
			}
		}
	}
	free(line);
	fclose(in);
}

static void resolve(struct function *f, struct call *call)
{
	const char *space = strchr(call->target, ' ');
	char *section;

	if (!space) {
		call->callee = find(call->target, f->object);
		return;
	}
	section = copy(call->target, (size_t)(space - call->target));
	call->callee =
		find_at(section, strtoul(space + 1, NULL, 16), f->object);
	free(section);
}

/* A small function that only computes an address from the thread pointer. */
static bool is_accessor(const struct function *f)
{
	if (!f->touch || f->safe || f->accesses || f->instructions > SMALL)
		return false;
	for (const struct call *c = f->calls; c; c = c->next)
		if (!listed(default_accessors, c->target) && c->callee != f)
			return false;
	return strstr(f->touch, "%fs:0x0") || !strstr(f->touch, "%fs:");
}

static void mark_touches(void)
{
	for (struct function *f = first; f; f = f->next)
		for (struct call *c = f->calls; c; c = c->next) {
			resolve(f, c);
			if (listed(default_accessors, c->target))
				touch(f, c->target);
		}
	for (struct function *f = first; f; f = f->next)
		f->accessor = is_accessor(f);
	for (struct function *f = first; f; f = f->next)
		for (struct call *c = f->calls; c; c = c->next)
			if (c->callee && c->callee->accessor && !f->accessor)
				touch(f, c->target);
}

/* Spread "may suspend" from callees to callers until nothing changes. */
static void mark_suspending(const char *suspending, bool strict)
{
	bool changed = true;

	for (struct function *f = first; f; f = f->next)
		f->suspends = listed(suspending, f->name) ||
			      (strict && f->calls_pointer && !f->annotated);
	while (changed) {
		changed = false;
		for (struct function *f = first; f; f = f->next)
			for (struct call *c = f->calls; c; c = c->next) {
				if (f->suspends)
					break;
				if (!listed(suspending, c->target) &&
				    !(c->callee && c->callee->suspends))
					continue;
				f->suspends = changed = true;
				f->reason = c;
			}
	}
}

static void report(const struct function *f)
{
	const struct call *c = f->reason;

	printf("%s: %s: touches a thread's data (%s) and may suspend: %s",
	       object_name[f->object], f->name, f->touch, f->name);
	while (c) {
		const struct function *callee = c->callee;

		printf(" -> %s", callee ? callee->name : c->target);
		c = callee ? callee->reason : NULL;
		f = callee;
	}
	if (f && f->calls_pointer && !f->annotated && !f->reason)
		printf(" -> a function pointer");
	printf("\n");
}

static int judge(const char *suspending)
{
	unsigned functions = 0, touching = 0, parking = 0, bad = 0;

	for (struct function *f = first; f; f = f->next) {
		functions++;
		touching += f->touch != NULL;
		parking += f->suspends;
		if (!f->touch || !f->suspends || f->safe ||
		    listed(suspending, f->name))
			continue;
		report(f);
		bad++;
	}
	printf("%u functions: %u touch a thread's data, %u may suspend, "
	       "%u do both\n",
	       functions, touching, parking, bad);
	if (parking == 0)
		printf("tlslint: no function suspends; is this the right "
		       "set?\n");
	return bad > 0;
}

int main(int argc, char **argv)
{
	const char *suspending = default_suspending, *safe = default_safe;
	const char *annotations = NULL, *objdump = getenv("OBJDUMP");
	bool strict = false;
	int option;

	while ((option = getopt(argc, argv, "s:x:c:o:S")) != -1) {
		switch (option) {
		case 's':
			suspending = optarg;
			break;
		case 'x':
			safe = optarg;
			break;
		case 'c':
			annotations = optarg;
			break;
		case 'o':
			objdump = optarg;
			break;
		case 'S':
			strict = true;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "usage: tlslint [-s name,...] [-x name,...] "
				"[-c file] [-o objdump] [-S] file...\n");
		return 2;
	}
	disassemble(objdump ? objdump : "objdump", argv + optind,
		    argc - optind);
	if (annotations)
		read_annotations(annotations);
	for (struct function *f = first; f; f = f->next)
		f->safe = listed(safe, f->name);
	mark_touches();
	mark_suspending(suspending, strict);
	return judge(suspending);
}
