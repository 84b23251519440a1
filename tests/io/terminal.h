/* SPDX-License-Identifier: MIT */
/* Both sides of a terminal, for tests. */
#ifndef GO_TEST_TERMINAL_H
#define GO_TEST_TERMINAL_H

#include "support_io.h"

#include <termios.h>

static inline void open_terminal(int *master, int *slave)
{
	*master = posix_openpt(O_RDWR | O_NOCTTY);
	INSIST(*master >= 0);
	INSIST(grantpt(*master) == 0 && unlockpt(*master) == 0);
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
	INSIST(*slave >= 0);
}

/* One that does nothing of its own to what goes through it. */
static inline void open_raw_terminal(int *master, int *slave)
{
	struct termios raw;

	open_terminal(master, slave);
	INSIST(tcgetattr(*slave, &raw) == 0);
	cfmakeraw(&raw);
	INSIST(tcsetattr(*slave, TCSANOW, &raw) == 0);
}

#endif
