/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_BACKOFF_H
#define NETPOLD_DAEMON_KUBE_BACKOFF_H

#include <stdint.h>

/**
 * How long to leave a server alone that has failed (API-50): 0.8 s, doubled
 * with each failure up to 30 s, and each of these times a random factor between
 * one and two, so that nodes that failed together do not come back together
 * (API-51). Two minutes without a failure, and it begins anew.
 *
 * A plain value, all-zero at first. Times are steady, in microseconds.
 */
struct backoff {
	unsigned int n_failures; /* in a row */
	int64_t last_us;	 /* the last of them */
};

/**
 * A failure.
 *
 * @random         any number, another one each time
 * @retry_after_s  what the server asked for; it counts where it is longer.
 *                 Negative: nothing
 *
 * Returns  how long to wait, in microseconds.
 */
int64_t backoff_fail(struct backoff *backoff, int64_t now_us, uint32_t random,
		     int retry_after_s);

/** A failure that nothing but somebody's change mends: the longest wait, for
 *  this time. */
int64_t backoff_fail_slowly(struct backoff *backoff, int64_t now_us,
			    uint32_t random);

/** @us, or up to twice as long. */
int64_t backoff_jitter(int64_t us, uint32_t random);

#endif
