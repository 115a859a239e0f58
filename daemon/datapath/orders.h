/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ORDERS_H
#define NETPOLD_DAEMON_DATAPATH_ORDERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * What the controller wants of a worker, besides judging: to rest, to look
 * after what another process has left behind, to end.
 *
 * An order is written down, then the worker is woken. It looks whether there
 * are any between two rounds, when it has answered all that it has received, at
 * the cost of reading one flag.
 */
struct orders {
	int wake_fd; /* readable: there are orders */
	/* written by the controller, read by the worker when pending is set,
	   which is set last */
	atomic_bool pending;
	atomic_bool stopping;
	atomic_uint rest;	  /* counts changes of mind; odd: rest */
	_Atomic uint64_t reclaim; /* a packet's number and a bit; 0: no */
	/* written by the worker: the order to rest that it obeys, or did */
	atomic_uint rested;
};

int orders_init(struct orders *orders, struct err *err);
void orders_release(struct orders *orders);

/* ---- controller only ---------------------------------------------------- */

/** There is something to look at that is no order. */
void orders_wake(struct orders *orders);

/** End. */
void orders_stop(struct orders *orders);

/** Receive nothing more. */
void orders_rest(struct orders *orders);

/** Wait until the worker does not. 0, or -ETIMEDOUT. */
int orders_await_rest(const struct orders *orders, int patience_ms);

/** The end of orders_rest(), whether or not the worker has begun. */
void orders_go_on(struct orders *orders);

/** See to what waits, of which this is one of the last (queue_reclaim()). */
void orders_reclaim(struct orders *orders, uint32_t last_id);

/* ---- owning worker only ------------------------------------------------- */

/** Whether there is anything to obey. */
static inline bool orders_pending(const struct orders *orders)
{
	return atomic_load_explicit(&orders->pending, memory_order_relaxed);
}

static inline bool orders_resting(const struct orders *orders)
{
	return atomic_load_explicit(&orders->rest, memory_order_relaxed) & 1;
}

/**
 * Take what is pending, and rest for as long as is wanted.
 *
 * Returns  false: the thread is to end.
 */
bool orders_obey(struct orders *orders);

/** Whether there are packets to be seen to, once. */
bool orders_take_reclaim(struct orders *orders, uint32_t *last_id);

/** What has woken the thread wakes it no more. */
void orders_woken(struct orders *orders);

#endif
