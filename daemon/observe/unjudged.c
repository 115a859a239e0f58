/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the count is never too high. A packet that is judged is counted by the
 * rule, then waits; it is received while it waits, and waits no more once it is
 * answered. Who reads the rule, then the queues, then the workers, finds each
 * packet that the rule's count has among those that wait or were received,
 * perhaps among both:
 *
 *	hits - waiting - received  <=  unjudged
 *
 * The base line, which is subtracted from then on, must not be too low in turn.
 * So there the workers are read before the rule, and nothing counts as waiting.
 *
 * An example: 1,000 hits and 990 received at the base line, where ten packets
 * wait: base 10. Later 1,600 hits, 0 wait, 1,400 received: 1,600 - 1,400 - 10 =
 * 190 were not judged. In truth it was 200.
 */
#include "observe/unjudged.h"

/* Counters of one machine do not come near the end of 63 bits. */
static int64_t difference(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b);
}

uint64_t unjudged_take(struct unjudged *unjudged,
		       const struct unjudged_reading *reading)
{
	int64_t since;

	if (!unjudged->based || reading->hits < unjudged->hits) {
		unjudged->based = true;
		unjudged->base =
			difference(reading->hits, reading->received_first);
		unjudged->before = unjudged->count;
	}
	unjudged->hits = reading->hits;
	since = difference(reading->hits,
			   reading->waiting + reading->received) -
		unjudged->base;
	unjudged->missing = since > 0 ? (uint64_t)since : 0;
	if (since > difference(unjudged->count, unjudged->before))
		unjudged->count = unjudged->before + (uint64_t)since;
	return unjudged->count;
}
