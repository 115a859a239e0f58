/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SUGGEST_DENIALS_H
#define NETPOLD_DAEMON_COMMAND_SUGGEST_DENIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/object.h"
#include "netpold/suggest.h"

/**
 * What staged policies would deny, each flow once: by policy, by the workloads
 * at its ends, and by port.
 */

/** "NAMESPACE/WORKLOAD", or the block around an address outside. */
#define DENIAL_END_LEN (64 + 1 + 254)

/** Flows from outside bring as many as they like: of more only the number is
 *  known. */
#define DENIALS_MAX 65536

struct denial {
	size_t policy; /* a number of the caller's */
	enum direction dir;
	char from[DENIAL_END_LEN], to[DENIAL_END_LEN];
	uint8_t protocol;
	bool has_port;
	uint16_t port;
	struct suggest_uses uses;
};

struct denials {
	struct denial **items;
	size_t n, room;
	uint64_t *beyond; /* flows, of each policy */
	void *tree;
	struct arena arena;
};

/** To be released in either case. Returns 0; -ENOMEM. */
int denials_init(struct denials *denials, size_t n_policies);
void denials_release(struct denials *denials);

/** A policy would deny a flow. Returns 0; -ENOMEM. */
int denials_add(struct denials *denials, size_t policy, enum direction dir,
		const struct suggest_flow *flow);

/** Sort them: by policy, and of one the most frequent first. */
void denials_sort(struct denials *denials);

#endif
