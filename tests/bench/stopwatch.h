/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_STOPWATCH_H
#define NETPOLD_TESTS_BENCH_STOPWATCH_H

#include <time.h>

/**
 * Two clocks, for two kinds of work. What takes less than a microsecond is
 * timed by the wall, which can be read in a few nanoseconds. What takes longer
 * is timed by what it used of the CPU, so that other programs of a busy machine
 * are not in it; reading that is a system call.
 */
static inline double stopwatch_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline double stopwatch_wall_ns(void)
{
	return stopwatch_ns(CLOCK_MONOTONIC);
}

static inline double stopwatch_cpu_ns(void)
{
	return stopwatch_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
