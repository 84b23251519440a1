// SPDX-License-Identifier: MIT
//
// The works of bench/ with Boost.Fiber and, for the bare switch, Boost.Context.
// Stacks are 16 KiB and unguarded, which is the fastest that it offers: pooled
// for one worker, from malloc() for two, who share their work, because the pool
// is for one thread.
//
// usage: peer_boost WORK WORKERS
#include "report.h"

#include <atomic>
#include <boost/context/fiber.hpp>
#include <boost/fiber/all.hpp>
#include <string>
#include <thread>
#include <vector>

namespace fibers = boost::fibers;
namespace context = boost::context;

static const unsigned million = 1000000;
static unsigned workers;
static fibers::pooled_fixedsize_stack stacks(16 * 1024);

static void per_workers(const char *key, double value)
{
	figure((key + ("." + std::to_string(workers))).c_str(), value);
}

template <class Fn> static fibers::fiber spawn(Fn fn)
{
	if (workers > 1)
		return fibers::fiber(fibers::launch::post, std::allocator_arg,
				     fibers::fixedsize_stack(16 * 1024), fn);
	return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks,
			     fn);
}

// ---- The bare switch: each side one frame or three frames deep -------------

static context::fiber there, here;
static const unsigned rounds = million;

#define FRAME __attribute__((noinline)) static void
#define KEEP  __asm__ volatile("")

FRAME go_1() { there = std::move(there).resume(); KEEP; }
FRAME go_2() { go_1(); KEEP; }
FRAME go_3() { go_2(); KEEP; }
FRAME back_1() { here = std::move(here).resume(); KEEP; }
FRAME back_2() { back_1(); KEEP; }
FRAME back_3() { back_2(); KEEP; }

// The same code on both sides: which one it is lies in memory.
static context::fiber other[2];
static unsigned side;

FRAME same_1()
{
	unsigned mine = side;

	side ^= 1;
	context::fiber from = std::move(other[mine]).resume();
	other[mine] = std::move(from);
	KEEP;
}
FRAME same_2() { same_1(); KEEP; }
FRAME same_3() { same_2(); KEEP; }

static double other_code(void (*go)(), void (*back)())
{
	there = context::fiber([back](context::fiber &&from) {
		here = std::move(from);
		for (;;)
			back();
		return std::move(here);
	});
	there = std::move(there).resume();
	uint64_t began = now_ns();
	for (unsigned i = 0; i < rounds; i++)
		go();
	return double(now_ns() - began) / rounds / 2;
}

static double same_code(void (*go)())
{
	side = 0;
	other[0] = context::fiber([go](context::fiber &&from) {
		other[1] = std::move(from);
		for (;;)
			go();
		return std::move(other[1]);
	});
	uint64_t began = now_ns();
	for (unsigned i = 0; i < rounds; i++)
		go();
	return double(now_ns() - began) / rounds / 2;
}

static void switches()
{
	figure("switch.other.1", other_code(go_1, back_1));
	figure("switch.other.3", other_code(go_3, back_3));
	figure("switch.same.1", same_code(same_1));
	figure("switch.same.3", same_code(same_3));
}

// ---- Fibers -----------------------------------------------------------------

static void yields()
{
	const unsigned turns = 4 * million;

	for (unsigned tasks : {2u, 1000u}) {
		std::vector<fibers::fiber> all;
		uint64_t began = now_ns();

		for (unsigned i = 0; i < tasks; i++)
			all.push_back(spawn([=] {
				for (unsigned n = turns / tasks; n > 0; n--)
					boost::this_fiber::yield();
			}));
		for (auto &f : all)
			f.join();
		figure(("yield." + std::to_string(tasks)).c_str(),
		       double(now_ns() - began) / turns);
	}
}

static void spawns()
{
	const unsigned batch = 1000;
	std::vector<fibers::fiber> all(batch);
	uint64_t began = now_ns();

	for (unsigned b = 0; b < million / batch; b++) {
		for (auto &f : all)
			f = spawn([] {});
		for (auto &f : all)
			f.join();
	}
	per_workers("spawn.batch", double(now_ns() - began) / million);
	if (workers != 1)
		return;
	began = now_ns();
	for (unsigned i = 0; i < million; i++)
		spawn([] {}).join();
	figure("spawn.one", double(now_ns() - began) / million);
}

static double through(unsigned pairs, unsigned each)
{
	fibers::buffered_channel<uint64_t> channel(128);
	std::vector<fibers::fiber> all;
	uint64_t began = now_ns();

	for (unsigned p = 0; p < pairs; p++) {
		all.push_back(spawn([&, each] {
			for (uint64_t i = 0; i < each; i++)
				channel.push(i);
		}));
		all.push_back(spawn([&, each] {
			for (unsigned i = 0; i < each; i++)
				channel.value_pop();
		}));
	}
	for (auto &f : all)
		f.join();
	return double(now_ns() - began) / pairs / each;
}

static void channels()
{
	per_workers("chan.1to1", through(1, million));
	if (workers == 2)
		per_workers("chan.4to4", through(4, million / 4));

	const unsigned turns = million / 2;
	fibers::unbuffered_channel<uint64_t> out, home;
	fibers::fiber echo = spawn([&] {
		uint64_t v;

		while (out.pop(v) == fibers::channel_op_status::success)
			home.push(v);
	});
	uint64_t began = now_ns();

	for (uint64_t i = 0; i < turns; i++) {
		out.push(i);
		home.value_pop();
	}
	per_workers("chan.pingpong", double(now_ns() - began) / turns);
	out.close();
	echo.join();
}

static void mutexes()
{
	const unsigned turns = 2 * million, tasks = 8;
	fibers::mutex lock;
	volatile uint64_t shared = 0;
	std::vector<fibers::fiber> all;
	auto use = [&](unsigned n) {
		for (; n > 0; n--) {
			lock.lock();
			shared = shared + 1;
			lock.unlock();
		}
	};
	uint64_t began = now_ns();

	for (unsigned i = 0; i < tasks; i++)
		all.push_back(spawn([&] { use(turns / tasks); }));
	for (auto &f : all)
		f.join();
	per_workers("mutex", double(now_ns() - began) / turns);
	if (workers == 1) {
		began = now_ns();
		use(turns);
		figure("mutex.free", double(now_ns() - began) / turns);
	}
}

// Run work with as many workers as asked for.
static void with_workers(void (*work)())
{
	std::atomic<bool> up(false);
	fibers::mutex lock;
	fibers::condition_variable_any over;
	bool done = false;

	if (workers < 2) {
		work();
		return;
	}
	std::thread second([&] {
		fibers::use_scheduling_algorithm<fibers::algo::shared_work>();
		up = true;
		lock.lock();
		over.wait(lock, [&] { return done; });
		lock.unlock();
	});
	while (!up)
		std::this_thread::yield();
	fibers::use_scheduling_algorithm<fibers::algo::shared_work>();
	work();
	lock.lock();
	done = true;
	lock.unlock();
	over.notify_all();
	second.join();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)();
	} works[] = {{"switch", switches}, {"yield", yields},
		     {"spawn", spawns},	   {"chan", channels},
		     {"mutex", mutexes}};

	if (argc < 3)
		return 2;
	workers = unsigned(atoi(argv[2]));
	for (auto &w : works)
		if (strcmp(argv[1], w.name) == 0) {
			with_workers(w.fn);
			return 0;
		}
	return 2;
}
