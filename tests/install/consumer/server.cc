// SPDX-License-Identifier: MIT
// The echo server of a stranger who writes C++17.
#include <gofer.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

static void *serve(void *arg)
{
	int fd = GO_TO_INT(arg);
	char buffer[1024];
	ssize_t n;

	while ((n = go_read(fd, buffer, sizeof buffer)) > 0)
		if (go_write_all(fd, buffer, static_cast<size_t>(n),
				 nullptr) < 0)
			break;
	go_close(fd);
	return nullptr;
}

static void *accept_all(void *arg)
{
	int fd;

	while ((fd = go_accept(GO_TO_INT(arg), nullptr, nullptr)) >= 0)
		if (go_spawn(serve, GO_INT(fd)) < 0)
			go_close(fd);
	return nullptr;
}

// Until it is told to end.
static void *main_task(void *address)
{
	int listener = go_tcp_listen(static_cast<const char *>(address));
	go_signals *signals;
	sigset_t set;
	int r;

	if (listener < 0)
		return GO_INT(listener);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	r = go_signals_create(&signals, &set);
	if (r == 0) {
		r = go_spawn(accept_all, GO_INT(listener));
		if (r == 0)
			r = go_signals_recv(signals, nullptr);
		go_signals_destroy(signals);
	}
	go_close(listener);
	return GO_INT(r < 0 ? r : 0);
}

int main(int argc, char **argv)
{
	void *result = nullptr;
	int r = argc < 2 ? -EINVAL
			 : go_run_with(nullptr, main_task, argv[1], &result);

	if (r == 0)
		r = GO_TO_INT(result);
	if (r < 0)
		std::fprintf(stderr, "server: %s\n", std::strerror(-r));
	return r < 0;
}
