// SPDX-License-Identifier: MIT
//
// What plugin.c loads: C++ that knows nothing of gofer, and waits by a function
// that it is given, even while it handles an exception.
#include <cstdio>
#include <stdexcept>
#include <string>

extern "C" void look_up(int number, void (*wait)(), char *text, size_t size);

static std::string find(int number)
{
	throw std::runtime_error("no page " + std::to_string(number));
}

void look_up(int number, void (*wait)(), char *text, size_t size)
{
	try {
		try {
			std::snprintf(text, size, "%s", find(number).c_str());
		} catch (const std::exception &) {
			wait(); // Others throw meanwhile,
			throw;  // and this is ours all the same.
		}
	} catch (const std::exception &e) {
		std::snprintf(text, size, "%s", e.what());
	}
}
