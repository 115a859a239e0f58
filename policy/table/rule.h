/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_RULE_H
#define NETPOLD_POLICY_TABLE_RULE_H

#include "netpold/arena.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

/**
 * Does one rule allow one flow, and if not, what is missing?
 *
 * Deciding and explaining ask the same function: a rule allows exactly when
 * nothing is missing (L28).
 */

/** The end of a flow that a rule's peers are about. */
struct peer_end {
	struct ip_addr addr;
	const struct pod *pod; /* NULL: no pod has this address */
	/* Labels of the pod's namespace; NULL while the Namespace is not known
	   (NP-42). */
	const struct labels *namespace_labels;
};

/** What one rule is asked. */
struct rule_question {
	const char *policy_namespace;
	const struct flow_key *key;
	struct peer_end other;	    /* egress: destination; ingress: source */
	const struct pod *port_pod; /* the destination's pod, or NULL */
};

/**
 * What a rule misses to allow the flow: its nearest peer, or its ports.
 *
 * @result  may be NULL; policy, rule number and unmet requirements are left to
 *          the caller
 *
 * Returns  enum miss, or-ed; 0 when the rule allows the flow.
 */
unsigned int rule_misses(const struct rule *rule,
			 const struct rule_question *question,
			 struct rule_result *result);

/**
 * List the requirements that the peer of a result leaves unmet.
 *
 * @result  what rule_misses() said to @question
 *
 * Returns  0, or -ENOMEM.
 */
int rule_list_unmet(const struct rule_question *question, struct arena *arena,
		    struct rule_result *result);

#endif
