/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_RATE_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_RATE_H

#include <stdint.h>

/**
 * How often something happens of late: a count for each of the last seconds. An
 * all-zero struct is of something that has not happened.
 *
 * Threads  one at a time. Times are of a clock that only ever grows.
 */
#define FLOW_RATE_S 5

struct flow_rate {
	int64_t second; /* of the count that was added to last */
	uint64_t counts[FLOW_RATE_S];
};

/** It happened so many times, just now. */
void flow_rate_add(struct flow_rate *rate, uint64_t n, int64_t now_us);

/**
 * How often a second, in the last FLOW_RATE_S seconds.
 *
 * @began_us  when somebody began to count, if that was later
 */
double flow_rate_per_second(const struct flow_rate *rate, int64_t began_us,
			    int64_t now_us);

#endif
