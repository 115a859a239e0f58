/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_CONNTRACK_H
#define NETPOLD_DAEMON_DATAPATH_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/err.h"

/**
 * The kernel's table of connections (ctnetlink): read it, and write the
 * netpold bits of connection marks.
 *
 * Threads  one at a time for each connection.
 */
struct conntrack;

struct conntrack_tuple {
	struct ip_addr src;
	struct ip_addr dst;
	uint16_t src_port; /* host order; 0 where the protocol has none */
	uint16_t dst_port;
	/* ICMP and ICMPv6: what identifies an echo; else 0. Host order. */
	uint16_t icmp_id;
	uint8_t icmp_type;
	uint8_t icmp_code;
};

/** One connection. Which address means what: see NF-4 in daemon/RULES.md. */
struct conntrack_entry {
	struct conntrack_tuple original;
	struct conntrack_tuple reply;
	uint32_t mark;
	uint32_t status; /* IPS_… bits of linux/netfilter/nf_conntrack_common.h
			  */
	uint16_t zone;
	uint8_t protocol;
	uint8_t tcp_state; /* TCP_CONNTRACK_…, 0 for other protocols */
	/* The connection that announced this one (FTP data), as it was opened;
	   protocol 0: none did. */
	uint8_t master_protocol;
	struct conntrack_tuple master;
	bool has_helper; /* it may announce others */
};

/** Returns 0; -EPERM, -EOPNOTSUPP and others with a message for a person. */
int conntrack_open(struct conntrack **out, struct err *err);

/** NULL is fine. */
void conntrack_close(struct conntrack *conntrack);

/**
 * Called for each entry of a dump.
 *
 * Returns  0 to go on; anything else ends the dump and is its result.
 */
typedef int (*conntrack_entry_fn)(void *ctx,
				  const struct conntrack_entry *entry);

/** Which entries a dump is about; filtered by the kernel. Client and server are
 *  for IPv4: asked for those of an IPv6 address, kernels leave out exactly
 * those (ctnetlink_filter_match_tuple()). */
struct conntrack_filter {
	enum ip_family family;	      /* IP_NONE: both */
	uint32_t mark, mark_mask;     /* (its mark & mark_mask) == mark */
	const struct ip_addr *client; /* who opened it; NULL: anybody */
	const struct ip_addr *server; /* who really answers; NULL: anybody */
};

/**
 * Walk the entries that a filter lets through. A kernel before 5.8 does not
 * know client and server, and shows the entries of others too.
 *
 * The walk is not atomic: entries may come and go meanwhile. The kernel says
 * so when it notices (NLM_F_DUMP_INTR); *interrupted is set then.
 *
 * Returns  0, the callback's result, or a negative errno.
 */
int conntrack_dump(struct conntrack *conntrack,
		   const struct conntrack_filter *filter,
		   conntrack_entry_fn each, void *ctx, bool *interrupted,
		   struct err *err);

/**
 * Find the entry that was opened with a tuple. Not from inside a dump's
 * callback.
 *
 * Returns  1 with the entry; 0 where there is none; a negative errno.
 */
int conntrack_find(struct conntrack *conntrack,
		   const struct conntrack_tuple *original, uint8_t protocol,
		   uint16_t zone, struct conntrack_entry *out, struct err *err);

/** How many entries this network namespace has. 0 or a negative errno. */
int conntrack_count(struct conntrack *conntrack, size_t *n);

/** How many connections have been announced by others since the network
 *  namespace was made, come or not. 0 or a negative errno. */
int conntrack_count_expected(struct conntrack *conntrack, size_t *n);

/**
 * Set the bits under @mask in the mark of an entry to @value: new = (old &
 * ~mask) ^ value. Requests are collected and sent many at a time, without
 * acknowledgement (NF-84); conntrack_flush() sends what is left. An entry that
 * is gone is no failure. Must not be called from inside a dump's callback.
 *
 * Returns  0, or a negative errno.
 */
int conntrack_set_mark(struct conntrack *conntrack,
		       const struct conntrack_entry *entry, uint32_t value,
		       uint32_t mask, struct err *err);

/**
 * Send what conntrack_set_mark() has collected. When it returns 0, the kernel
 * has applied every one of them.
 */
int conntrack_flush(struct conntrack *conntrack, struct err *err);

#endif
