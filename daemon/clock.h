/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_CLOCK_H
#define NETPOLD_DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/**
 * What time it is. The steady clock never jumps; only the wall clock means
 * anything to people.
 *
 * Threads  any.
 */

static inline int64_t clock_read_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/** Steady, in microseconds. */
static inline int64_t clock_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

/** Steady, in milliseconds; a few of them late, and cheap. Wraps around after
 *  49 days. */
static inline uint32_t clock_coarse_ms(void)
{
	return (uint32_t)(clock_read_us(CLOCK_MONOTONIC_COARSE) / 1000);
}

/** Steady, in microseconds, and goes on while the machine sleeps: for a moment
 *  that is written down. Begins anew with each boot (boot.h). */
static inline int64_t clock_boot_us(void)
{
	return clock_read_us(CLOCK_BOOTTIME);
}

/** Microseconds since 1970. */
static inline int64_t clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

#endif
