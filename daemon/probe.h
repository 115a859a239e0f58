/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PROBE_H
#define NETPOLD_DAEMON_PROBE_H

#include <stdint.h>

#include "netpold/err.h"

#include "enforcement.h"

/**
 * What a start needs of this node, and who else uses what is netpold's: looked
 * at without leaving anything behind (L16).
 */

/** One thing that was found, in a sentence. */
struct finding {
	enum finding_kind {
		FINDING_GOOD,
		FINDING_WARNING, /* it can start, as far as is known, and may
				    not do what it should */
		FINDING_MISSING, /* it cannot start */
	} kind;
	char text[512];
};

typedef void (*finding_fn)(void *ctx, const struct finding *finding);

/**
 * Rules of others, of both flavours of iptables, that use bits of netpold's
 * mark mask. What nft has put up by itself, or eBPF does, is not seen.
 *
 * Returns  0, or a negative errno where rules cannot be listed.
 */
int probe_marks(uint32_t mask, finding_fn found, void *ctx, struct err *err);

/**
 * What a run with these options needs, for `netpold run --check`: iptables and
 * what the kernel has for its rules, sets, queues, connections' marks, raw
 * sockets for --deny=reject, and whether another netpold runs.
 *
 * Not looked at: the settings for bridges, which count where pods are on one
 * (NF-7), and whatever does not belong to the datapath. Queues are bound for a
 * moment where no rule leads into them; elsewhere their list is read.
 *
 * Needs CAP_NET_ADMIN and CAP_NET_RAW.
 */
void probe_node(const struct enforcement_options *options, finding_fn found,
		void *ctx);

/** What --flow-log-ends needs, likewise: the ends of connections, and what the
 *  kernel counts of them. Needs CAP_NET_ADMIN. */
void probe_ends(finding_fn found, void *ctx);

/** What --seccomp needs, likewise. */
void probe_filters(finding_fn found, void *ctx);

#endif
