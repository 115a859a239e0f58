/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_TERMS_H
#define NETPOLD_DAEMON_HANDOVER_TERMS_H

#include <jansson.h>

#include "netpold/err.h"

#include "enforcement.h"

/**
 * What two netpolds have to have in common for the one to go on with the queues
 * of the other (DESIGN, "no gap on upgrade").
 *
 * Equal has to be what names things in the kernel, or what they mean: the
 * network namespace, the node, the numbers of the queues, the bits of marks,
 * the flavour of iptables, and whether it is queues at all. Where one of these
 * differs, the two would leave each other's rules, marks or packets behind. All
 * else may differ: rules are replaced in one transaction, sets and marks are
 * gone through as at every start, and queues can be set up anew while packets
 * wait in them.
 */
enum term {
	TERM_NETWORK,
	TERM_MODE,
	TERM_NODE_NAME,
	TERM_QUEUE_BASE,
	TERM_WORKERS,
	TERM_MARK_MASK,
	TERM_IPTABLES,
	N_TERMS,
};

struct terms {
	char values[N_TERMS][256];
};

/**
 * The terms of this process.
 *
 * @flavour  the one in use, not IPTABLES_AUTO
 *
 * Returns  0; a negative errno where it cannot be told which network namespace
 *          this is.
 */
int terms_init(struct terms *terms,
	       const struct enforcement_options *enforcement,
	       enum iptables_flavour flavour, const char *node_name,
	       struct err *err);

/** As an object: {"queue-base": "17000", …}. NULL without memory. */
json_t *terms_to_json(const struct terms *terms);

/**
 * Compare with those of another process, whatever it has sent.
 *
 * Returns  0; -EINVAL with a message for who runs the other.
 */
int terms_agree(const struct terms *terms, const json_t *theirs,
		struct err *err);

#endif
