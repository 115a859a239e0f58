/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_HELD_H
#define NETPOLD_DAEMON_DATAPATH_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"

#include "datapath/queue.h"

/**
 * Packets that are held until a pod object claims an address of theirs (NP-67),
 * in the order in which they came.
 *
 * Each holds a place in the kernel's queue all that time, so that places are
 * few: HELD_MAX for all, a quarter of the queue, so that what is not held
 * always finds room; HELD_MAX_PER_ADDRESS for one address, so that nobody who
 * floods takes the places of all others. What finds no place is the caller's to
 * drop, and so is what has waited for as long as it may.
 *
 * All places are there from the start. Times are of any steady clock in
 * milliseconds, which may wrap around.
 *
 * Threads  one at a time.
 */
#define HELD_MAX (QUEUE_MAX_LEN / 4)
#define HELD_MAX_PER_ADDRESS 32

struct held;

/** NULL without memory. */
struct held *held_new(void);

/** NULL is fine. */
void held_free(struct held *held);

/** All of them, whoever answers them. */
void held_forget(struct held *held);

/** How many there are. */
size_t held_count(const struct held *held);

/**
 * Hold a packet, the last of all.
 *
 * @packet  is copied, with at most QUEUE_COPY_RANGE of its bytes
 * @waits_for  the address that nobody claims
 * @due_ms  until when
 *
 * Returns  false where there is no place for it.
 */
bool held_add(struct held *held, const struct queue_packet *packet,
	      const struct ip_addr *waits_for, uint32_t due_ms);

/**
 * See what is held, in order, from the @from-th on.
 *
 * @packets  at most @max; their bytes are good until held_sort_out()
 *
 * Returns  how many.
 */
size_t held_look(const struct held *held, size_t from,
		 struct queue_packet *packets, size_t max);

/** Whether a later one waits for the same address as the @i-th does. */
bool held_is_followed(const struct held *held, size_t i);

/**
 * After held_look(): which of the @n packets from the @from-th on are held on.
 * The others have their verdict and are forgotten; the order stays.
 *
 * Returns  how many of them stay.
 */
size_t held_sort_out(struct held *held, size_t from, const bool *stays,
		     size_t n);

/**
 * Forget those whose time is up.
 *
 * @packets  these, at most @max; the rest is for the next call. Their bytes
 * stay until something is added.
 *
 * Returns  how many.
 */
size_t held_expire(struct held *held, uint32_t now_ms,
		   struct queue_packet *packets, size_t max);

/** Milliseconds until the time of the next is up; 0 where it is; -1 where
 *  nothing is held. As poll(2) takes it. */
int held_wait_ms(const struct held *held, uint32_t now_ms);

#endif
