/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FAULT_H
#define NETPOLD_DAEMON_FAULT_H

#include <stdbool.h>

/**
 * Where tests make races happen.
 *
 * A race is lost in a window of microseconds. In a build for tests (make
 * FAULTS=1) a window can be held open, and the guard that closes it be taken
 * away, to see that it is needed:
 *
 *	FAULT_POINTS=verdict=300,without=section
 *
 * waits for 300 ms at every fault_delay("verdict"), and fault_stands("section")
 * is false. A constant can be another one: fault_number("timeout", 30) is 3600
 * with timeout=3600. A process can also be made to end or to stop at a step:
 * FAULT_POINTS=asked=kill, asked=stop at fault_strike("asked"). And a thread
 * can do what it would do if somebody had taken it over (confine.h): with
 * breach=all each fault_breach("worker") tries, and says on standard error what
 * came of it. In any other build none of it is there.
 *
 * Threads  any.
 */
#ifdef NETPOLD_FAULTS
void fault_delay(const char *point);
bool fault_stands(const char *guard);
void fault_strike(const char *step);
unsigned int fault_number(const char *name, unsigned int otherwise);
void fault_breach(const char *role);
#else
static inline void fault_delay(const char *point)
{
	(void)point;
}

static inline bool fault_stands(const char *guard)
{
	(void)guard;
	return true;
}

static inline void fault_strike(const char *step)
{
	(void)step;
}

static inline unsigned int fault_number(const char *name,
					unsigned int otherwise)
{
	(void)name;
	return otherwise;
}

static inline void fault_breach(const char *role)
{
	(void)role;
}
#endif

#endif
