/* SPDX-License-Identifier: MIT */
/*
 * The echo server with a thread per connection: plain POSIX, no gofer.
 *
 * Compare it with echo_server.c: the code has the same shape, and each
 * connection costs a thread of the system, that is, a stack, a kernel stack,
 * and a pass through the kernel's scheduler per message.
 *
 * Run it, talk to it from another terminal:
 *
 *     ./echo_threads 127.0.0.1:8080
 *     nc 127.0.0.1 8080
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg, one = 1;
	char buffer[4096];
	ssize_t n;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		perror("TCP_NODELAY"); /* slower, but it works */
	do {
		n = read(fd, buffer, sizeof buffer);
		if (n > 0 && write_all(fd, buffer, (size_t)n) < 0)
			break;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return NULL;
}

static int listen_at(char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char *colon = strrchr(address, ':');
	int fd, one = 1;

	if (!colon)
		return -1;
	*colon = '\0';
	if (getaddrinfo(address, colon + 1, &hints, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM, 0);
	if (fd >= 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	     bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	     listen(fd, SOMAXCONN) < 0)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

int main(int argc, char **argv)
{
	char standard[] = "127.0.0.1:8080";
	int listener = listen_at(argc > 1 ? argv[1] : standard);
	pthread_attr_t detached;

	if (listener < 0 || pthread_attr_init(&detached) != 0 ||
	    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) !=
		    0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		perror("echo_threads: cannot listen");
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd >= 0 && pthread_create(&thread, &detached, serve,
					      (void *)(intptr_t)fd) != 0) {
			fprintf(stderr, "echo_threads: no more threads\n");
			close(fd);
		} else if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			usleep(10000); /* until some connection ends */
		} else if (fd < 0 && errno != EINTR && errno != ECONNABORTED) {
			perror("echo_threads: accept");
			return 1;
		}
	}
}
