/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMO_GROWTH_H
#define NETPOLD_DAEMON_DATAPATH_MEMO_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#include "datapath/memo.h"
#include "datapath/memo_set.h"

/**
 * What a set of answers has answered from one walk through it to the next, by
 * what the kernel counts of each member.
 *
 * What there was at the first walk was before our time. What a member answers
 * between the last walk that meets it and its end, when it runs out or is taken
 * out, is not seen. Nor is what it answers before it is put in again: packets
 * of one flow that are queued at once each put it in (--exist), and each time
 * the kernel counts from nothing, so that less is told of the beginning of a
 * flood. Nothing is ever told twice, however long a walk takes.
 *
 * Threads  one at a time.
 */
struct memo_growth;

struct memo_grown {
	uint64_t packets;
	uint64_t bytes;
};

/** NULL without memory. @hash_key is random. */
struct memo_growth *memo_growth_new(const uint64_t hash_key[2]);

/** NULL is fine. */
void memo_growth_free(struct memo_growth *growth);

/** Forget all, as before the first walk, and give back what that takes. */
void memo_growth_forget(struct memo_growth *growth);

/** Begin a walk. @now_us is of a clock that only ever grows, and that is read
 *  before the kernel is asked. */
void memo_growth_begin(struct memo_growth *growth, int64_t now_us);

/**
 * A walk meets a member.
 *
 * @now_us  of the same clock, read since the kernel has answered
 *
 * Returns  what it has answered since the walk before. Of the packet that it
 *          was put in for, which was judged by somebody, the size is taken to
 *          be that of the average. Without memory it is nothing, and is told
 *          by a walk to come.
 */
struct memo_grown memo_growth_see(struct memo_growth *growth,
				  const struct memo *member,
				  const struct memo_counters *counters,
				  int64_t now_us);

/** The walk has met all there are: those that it has not are gone. A walk that
 *  fails does not end, and another one may begin. */
void memo_growth_end(struct memo_growth *growth);

/** How many members are known: those that have answered. */
size_t memo_growth_count(const struct memo_growth *growth);

#endif
