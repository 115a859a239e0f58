/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_UNJUDGED_H
#define NETPOLD_DAEMON_OBSERVE_UNJUDGED_H

#include <stdbool.h>
#include <stdint.h>

/**
 * How many packets of isolated pods nobody has judged: the kernel dropped them
 * because a queue was full, or let them through because none was there.
 *
 * The latter raise no counter of the kernel, but the rule that sends packets to
 * the queues has counted them. So what it has counted, less what the workers
 * have received, less what waits, is what was not judged.
 *
 * Of copies (copies.h) no list says how many wait: with none of them waiting,
 * what is missing is how many do.
 */
struct unjudged {
	bool based;	 /* there was a first reading */
	int64_t base;	 /* hits less received, when counting began */
	uint64_t hits;	 /* of the rules, when last read */
	uint64_t before; /* the count up to the base line */
	uint64_t count;
	/* of the last reading, since the base line: neither waited nor were
	   received then */
	uint64_t missing;
};

/** One reading, of counters that run meanwhile: in this order. */
struct unjudged_reading {
	uint64_t received_first; /* by the workers, less what they hold */
	uint64_t hits;		 /* of the rules */
	uint64_t waiting;	 /* in the queues */
	uint64_t received;	 /* by the workers, once more */
};

/**
 * Take a reading. The first one is the base line: what was before does not
 * count. Rules that are put in place anew count from zero, which makes a new
 * base line.
 *
 * Returns  the count, which never shrinks. It may lack what was on its way
 *          while counters were read, or came between the last reading and a new
 *          base line; it is never too high.
 */
uint64_t unjudged_take(struct unjudged *unjudged,
		       const struct unjudged_reading *reading);

#endif
