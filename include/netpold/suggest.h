/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SUGGEST_H
#define NETPOLD_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/object.h"

/**
 * From flows that were seen to the few policies that allow them (L37).
 *
 * Flows are told of by workload, not by pod: what one pod of a Deployment was
 * seen to do, all of them may. Each workload that was seen gets one policy,
 * for both directions, which selects it by as few labels as tell it from all
 * others of its namespace. So every flow that was told of is allowed, and
 * between workloads that were seen every other one is denied, but for:
 * - lookups: whoever was seen to ask a DNS server of the cluster may ask it by
 *   UDP and by TCP, and every pod may as far as the server is concerned;
 * - addresses outside, which are told of by the block around them.
 *
 * Workloads that no labels tell apart share a policy.
 *
 * Threads  one at a time.
 */
struct suggest;

/** How long the blocks around addresses outside are where nobody says it. */
#define SUGGEST_MERGE_V4 24
#define SUGGEST_MERGE_V6 64

struct suggest_options {
	uint8_t merge_v4, merge_v6; /* prefix lengths; a block gets longer where
				       it would hold a pod */
	uint64_t min_count;	    /* what was seen less often is set apart */
	uint64_t hash_key[2]; /* drawn at random: addresses are anybody's */
	/* Policies that there are: what they allow is left out, and so is a
	   direction in which they isolate all of a workload and nothing is
	   missing. Of the same pods, all of them local. NULL: as if there were
	   none. */
	const struct snapshot *existing;
};

struct suggest_end {
	const struct pod *pod; /* by its namespace and name; NULL: outside */
	struct ip_addr addr;   /* of a pod, too */
};

/** One sighting, or many alike. Who opens a flow is @from. */
struct suggest_flow {
	struct suggest_end from, to;
	uint8_t protocol;
	bool has_port;
	uint16_t port; /* of @to; host order */
	/* Where it was told of: at the sender's node, at the receiver's. A flow
	   between two nodes is told of at either, and is one. Neither: at a
	   place that sees both ends. */
	bool told_at[N_DIRECTIONS];
	/* Of captures, which one, from 1; 0: of a log. A flow of one capture
	   may be in another, and in a log. Those of one capture come one after
	   the other. */
	uint32_t capture;
	uint64_t count;	 /* of sightings */
	int64_t last_us; /* Unix time; 0 where it is not known */
};

/** How often, and when last. */
struct suggest_use {
	uint64_t count;
	int64_t last_us;
};

/** A sum that is too large stays as large as it can be. */
void suggest_use_add(struct suggest_use *sum, const struct suggest_use *use);

/** A flow as each place tells of it: whoever adds them up counts it twice. */
struct suggest_uses {
	struct suggest_use told_at[N_DIRECTIONS]; /* by nodes' logs */
	struct suggest_use captured; /* by the capture with the most */
	struct suggest_use last;     /* by @capture */
	uint32_t capture;
};

/** Count a flow where it is told of. */
void suggest_uses_add(struct suggest_uses *uses,
		      const struct suggest_flow *flow);

/** Add what was told of later. */
void suggest_uses_join(struct suggest_uses *sum,
		       const struct suggest_uses *later);

/** How often it was: as those say who tell of more. */
struct suggest_use suggest_use_of(const struct suggest_uses *uses);

struct suggested_workload {
	const char *namespace, *kind, *name;
	size_t n_pods;
};

/** What there is to say of a rule besides. */
struct suggested_rule {
	struct suggest_use use;
	const struct suggest_use *peer_uses; /* of each peer */
	/* NAMESPACE/WORKLOAD, " and others" where they share their labels; ""
	   for blocks. */
	const char *const *peer_names;
	bool is_dns;
	bool is_every_port; /* for ping and its like, which no rule with ports
			       allows */
};

struct suggested_policy {
	struct network_policy policy;
	const struct suggested_rule *rules[N_DIRECTIONS]; /* of policy.rules */
	const struct suggested_workload *workloads;	  /* that it selects */
	size_t n_workloads;
	/* More was seen of them, and is to decide. */
	bool has_apart[N_DIRECTIONS];
};

struct suggestion {
	/* Sorted by namespace and workload. */
	const struct suggested_policy *policies;
	size_t n_policies;
	/* For a person to decide: they allow, besides, what was seen too
	   seldom, what cannot be allowed without every port, and what is of
	   addresses in nodes' pod ranges that no pod and no node has. */
	const struct suggested_policy *apart;
	size_t n_apart;
	/* Of which nothing was seen, nor of others that share their policy: so
	   nothing is suggested. */
	const struct suggested_workload *unseen;
	size_t n_unseen;
	uint64_t n_without_port; /* later fragments: nobody knows what of */
};

/**
 * Begin with the pods there are, none of which was seen.
 *
 * @cluster  outlives it, and stays as it is; so does options->existing
 *
 * Returns  0; -ENOMEM with a message.
 */
int suggest_new(const struct cluster *cluster,
		const struct suggest_options *options, struct suggest **out,
		struct err *err);

/** NULL is fine. What was suggested goes with it. */
void suggest_free(struct suggest *suggest);
void suggest_freep(struct suggest **suggest);

/**
 * A flow was seen.
 *
 * A pod that the cluster does not have, or that is on the host network, counts
 * as outside. What a pod sends to itself needs no rule (NP-50).
 *
 * Returns  0; -ENOMEM.
 */
int suggest_add(struct suggest *suggest, const struct suggest_flow *flow);

/**
 * Draw the conclusion; once, when all flows were told of.
 *
 * Returns  0; -ENOMEM with a message. @out lives as long as @suggest.
 */
int suggest_finish(struct suggest *suggest, struct suggestion *out,
		   struct err *err);

#endif
