/* SPDX-License-Identifier: MIT */
/*
 * gofer from C++: lambdas as tasks, destructors that clean up, a mutex for
 * std::lock_guard, and exceptions that reach who joins.
 *
 * Run it:    cxx
 * Expect:    together: 60
 *            it said: no such page
 *            while it waited: Operation canceled
 */
#include <gofer.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

/* For std::lock_guard and std::unique_lock. */
class mutex {
	go_mutex m = GO_MUTEX_INIT;

public:
	void lock()
	{
		int r = go_mutex_lock(&m);

		if (r < 0)
			throw std::system_error(-r, std::generic_category());
	}
	void unlock()
	{
		(void)go_mutex_unlock(&m);
	}
};

/* Runs a function; is over when the object is. */
class task {
	std::function<void()> fn;
	std::exception_ptr failed;
	go_task handle = {};
	bool joined = false;

	/* Nothing may leave it: what is thrown waits for join(). */
	static void *run(void *arg) noexcept
	{
		task *self = static_cast<task *>(arg);

		try {
			self->fn();
		} catch (...) {
			self->failed = std::current_exception();
		}
		return nullptr;
	}

public:
	explicit task(std::function<void()> f) : fn(std::move(f))
	{
		int r = go_task_spawn(&handle, run, this);

		if (r < 0)
			throw std::system_error(-r, std::generic_category());
	}
	task(const task &) = delete;
	task &operator=(const task &) = delete;

	void join()
	{
		int r = go_task_join(handle, nullptr);

		if (r < 0)
			throw std::system_error(-r, std::generic_category());
		joined = true;
		if (failed)
			std::rethrow_exception(std::exchange(failed, nullptr));
	}

	/* Also while an exception passes, and in a task that is cancelled. */
	~task()
	{
		if (joined)
			return;
		GO_SHIELD();
		(void)go_task_cancel(handle);
		(void)go_task_join(handle, nullptr);
	}
};

static void add_up()
{
	mutex lock;
	int sum = 0;
	auto add = [&](int n) {
		go_yield();
		std::lock_guard<mutex> guard(lock);
		sum += n;
	};
	task ten([&] { add(10); });
	task twenty([&] { add(20); });

	add(30);
	ten.join();
	twenty.join();
	std::printf("together: %d\n", sum);
}

static void fail_elsewhere()
{
	task other([] { throw std::runtime_error("no such page"); });

	try {
		other.join();
	} catch (const std::exception &e) {
		(void)go_sleep(GO_MILLISECOND); /* The exception stays ours. */
		std::printf("it said: %s\n", e.what());
	}
}

static void leave_early()
{
	task waits([] {
		int r = go_sleep(GO_NEVER);

		std::printf("while it waited: %s\n", std::strerror(-r));
	});

	throw std::runtime_error("not needed any more");
}

static void *start(void *) noexcept
{
	try {
		add_up();
		fail_elsewhere();
		leave_early();
	} catch (const std::exception &) {
		return GO_INT(0);
	}
	return GO_INT(1);
}

int main()
{
	return go_run(start, nullptr);
}
