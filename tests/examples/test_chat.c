/* SPDX-License-Identifier: MIT */
/*
 * examples/chat.c, as a process with a few scripted clients: what each of them
 * reads, line by line; that who does not read is told what he missed, or is
 * dropped, and delays nobody.
 */
#include "server.h"
#include "support.h"

static struct server server;

static void begin(void)
{
	start_server(&server, "chat", "127.0.0.1:0");
}

static void end(void)
{
	stop_server(&server);
}

static int join_as(const char *name)
{
	int fd = connect_to(server.port);

	hear(fd, "name?\n");
	say(fd, name);
	say(fd, "\n");
	return fd;
}

static void leave(int fd)
{
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	hear_end(fd);
	close(fd);
}

Test(chat, everybody_reads_what_anybody_writes, .init = begin, .fini = end)
{
	int alice = join_as("alice"), bob;

	hear(alice, "* alice is here\n");
	bob = join_as("bob");
	hear(bob, "* bob is here\n");
	hear(alice, "* bob is here\n");
	say(alice, "hello\r\nhow are you?\n");
	hear(bob, "alice: hello\nalice: how are you?\n");
	hear(alice, "alice: hello\nalice: how are you?\n");
	say(bob, "f");
	say(bob, "ine\n");
	hear(alice, "bob: fine\n");
	close(bob);
	hear(alice, "* bob has left\n");
	leave(alice);
}

/* Nothing that a client sends reaches another one's terminal as a control. */
Test(chat, lines_are_tamed, .init = begin, .fini = end)
{
	static const char long_name[] =
		"a234567890123456789012345678901234567890";
	int fd = join_as("m\x1b[2Jallory");
	int other, nobody = connect_to(server.port);
	char line[2000];

	hear(fd, "* m?[2Jallory is here\n");
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	send_all(fd, line, sizeof line);
	hear(fd, "m?[2Jallory: ");
	line[255] = '\n';
	line[256] = '\0';
	hear(fd, line);
	other = join_as(long_name);
	hear(fd, "* a2345678901234567890123 is here\n");
	hear(nobody, "name?\n");
	say(nobody, "\n");
	hear_end(nobody);
	close(nobody);
	close(other);
	hear(fd, "* a2345678901234567890123 has left\n");
	leave(fd);
}

/* Read to the line that ends everything; how many messages, those that were
 * missed among them, and how many of those; -1 if it broke off before. */
static long count_messages(int fd, long *missed)
{
	FILE *in = fdopen(dup(fd), "r");
	char line[512];
	long n = 0, more;

	*missed = 0;
	cr_assert_not_null(in);
	while (fgets(line, sizeof line, in)) {
		if (sscanf(line, "* you missed %ld", &more) == 1)
			*missed += more;
		else
			n++;
		if (strcmp(line, "bob: the end\n") == 0) {
			fclose(in);
			return n + *missed;
		}
	}
	fclose(in);
	return -1;
}

Test(chat, who_does_not_read_delays_nobody, .init = begin, .fini = end)
{
	enum {
		FLOOD = 40000
	};
	int slow = join_as("slow"), alice, bob;
	char line[202];
	long n, missed;

	hear(slow, "* slow is here\n"); /* or alice might be the first */
	alice = join_as("alice");
	hear(slow, "* alice is here\n");
	hear(alice, "* alice is here\n");
	bob = join_as("bob");
	hear(alice, "* bob is here\n");
	memset(line, 'x', sizeof line);
	line[200] = '\n';
	line[201] = '\0';
	for (int i = 0; i < FLOOD; i++)
		say(bob, line);
	/* The server has read all of it, though nobody has read anything. */
	say(bob, "the end\n");
	n = count_messages(alice, &missed);
	cr_assert(n == FLOOD + 1 || n == -1, "alice: %ld", n);
	n = count_messages(slow, &missed);
	/* bob's coming is the one that was not read above. */
	cr_assert(n == FLOOD + 2 || n == -1, "slow: %ld", n);
	cr_assert(n == -1 || missed > 0, "neither told nor dropped");
	close(slow);
	close(alice);
	close(bob);
}
