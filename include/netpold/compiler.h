/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_COMPILER_H
#define NETPOLD_COMPILER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * A compiler follows a cluster and makes a snapshot of it whenever it is asked,
 * at a cost in proportion to what has changed since the last one.
 *
 * Snapshots of one compiler share their unchanged parts. Each is freed by
 * snapshot_free() once nobody asks it any more, in any order, before or after
 * the compiler; that frees what no other one needs.
 *
 * Threads  compiler, cluster and snapshot_free(): one at a time. Asking
 *          snapshots: any, at any time.
 */
struct compiler;

/**
 * Follow a cluster, which must outlive the compiler. A cluster has one compiler
 * at most.
 *
 * Returns  0; -EBUSY where another one follows; -ENOMEM.
 */
int compiler_new(struct cluster *cluster,
		 const struct snapshot_options *options, struct compiler **out,
		 struct err *err);

/** NULL is fine. Snapshots stay. */
void compiler_free(struct compiler *compiler);
void compiler_freep(struct compiler **compiler);

/** Two pods that name one address (NP-64). */
struct contest {
	struct ip_addr addr;
	const struct pod *winner; /* NULL: neither; a node has it */
	const struct pod *loser;
};

/** A policy that came, changed or went. */
struct policy_change {
	const struct network_policy *policy; /* as it is, or was last */
	bool gone;
};

/** What one compilation did, and what its snapshot changes. */
struct update {
	/* Work: what makes a change small is that these are. */
	size_t n_objects;     /* that came, changed or went */
	size_t n_identities;  /* new ones */
	size_t n_peer_sets;   /* peers that no rule in use had before */
	size_t n_rule_tables; /* compiled; equal ones once */
	bool from_nothing;    /* all was compiled: the first time, and when
				 memory has run out before */

	/* The addresses whose answers may be others than before, in either
	   direction and at either end. Not sorted, some perhaps twice. Until
	   the next compilation. Where all was compiled, they are those of all
	   pods, and answers for any other address may be others, too: who had
	   it before is not known any more. */
	const struct ip_addr *addresses;
	size_t n_addresses;
	/* An answer may have become deny, or an address be another pod's, one
	   that policies can tell from the one before: to flows that these
	   addresses open (DIRECTION_EGRESS), or to those that they answer.
	   Otherwise all that was allowed still is (but for flows of the own
	   node, which nobody asks about). */
	bool may_deny[N_DIRECTIONS];

	/* The same of answers by what is planned (snapshot_planned()). Where
	   nothing is staged there are none; what was planned until then is
	   what is enforced from now on. */
	const struct ip_addr *planned_addresses;
	size_t n_planned_addresses;
	bool planned_from_nothing; /* any of them may be others than those by
				      what is enforced */

	/* New ones that stand; until the next compilation. */
	const struct contest *contests;
	size_t n_contests;

	/* Policies that came, changed or went, in the order in which that
	   happened: of one that is here twice the last word counts. Until the
	   next compilation. Where all was compiled there are none, and any may
	   have changed. */
	const struct policy_change *policies;
	size_t n_policies;
};

/**
 * Make a snapshot of the cluster as it is.
 *
 * @update  may be NULL
 *
 * Returns  0 with a snapshot; -ENOMEM: what has changed is taken in next time,
 *          when all is compiled.
 */
int compiler_compile(struct compiler *compiler, struct snapshot **out,
		     struct update *update, struct err *err);

/** Bytes of memory by part; what older snapshots hold is counted too. */
struct compiler_memory {
	size_t addresses;  /* which pod has an address */
	size_t identities; /* what pods can be told by */
	size_t peers;	   /* which identities a peer matches */
	size_t rules;	   /* what policies allow */
	size_t index;	   /* to find what a change concerns */
};
struct compiler_memory compiler_memory(const struct compiler *compiler);

#endif
