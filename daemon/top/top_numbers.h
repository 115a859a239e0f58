/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_NUMBERS_H
#define NETPOLD_DAEMON_TOP_TOP_NUMBERS_H

#include "top/top_sample.h"

/**
 * How much a daemon does, from its metrics at two moments. What it does not
 * tell is NAN, and so are rates where there is one moment only.
 */
struct top_numbers {
	/* packets a second, */
	double judged, allowed, denied;
	double kernel_allowed, kernel_denied; /* by remembered answers: flows,
						 packets */
	/* now */
	double waiting, capacity; /* packets in queues, and their room */
	/* seconds from when a packet came until its verdict was sent; upper
	   bounds */
	double median_s, slow_s; /* of 99 in 100 */
	/* since the daemon's start */
	double dropped;	 /* by the kernel: a queue was full */
	double overruns; /* the kernel lost packets for netpold */
	double copies_lost;
	/* since somebody has begun to look */
	double lost, unnamed; /* judged, and in no row */
};

/** @before may be NULL. */
void top_numbers_read(struct top_numbers *out, const struct top_sample *before,
		      const struct top_sample *now);

#endif
