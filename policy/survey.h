/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_SURVEY_H
#define NETPOLD_POLICY_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"

#include "budget.h"

/**
 * The objects of a cluster in order, to be asked what selectors find among
 * them.
 *
 * Unlike a snapshot it counts pods that are finished or have no address: it is
 * about what a policy is meant for, not about packets.
 *
 * Whoever asks is going to complain of what is not there. So where it cannot be
 * known, and where the budget is spent, the answer is the one that gives no
 * reason to.
 */

/** How a namespace is known, best first. */
enum known_by {
	KNOWN_BY_OBJECT = 0, /* it is listed */
	KNOWN_AS_STANDARD,   /* every cluster has it: its name is a label */
	KNOWN_BY_NAME,	     /* something is in it: it may have any labels */
};

#define SYSTEM_NAMESPACE "kube-system"

struct known_namespace {
	const char *name;
	enum known_by by;
	bool going; /* terminating, or deleted and remembered (NP-66) */
	struct labels labels; /* none where it is known by name */
	const struct pod *const *pods;
	size_t n_pods;
};

struct survey {
	const struct cluster *cluster;
	const struct pod **pods; /* by namespace */
	size_t n_pods;
	/* By namespace and name. Those of namespaces that are going away are
	   left out: what they were for may be gone already. */
	const struct network_policy **policies;
	size_t n_policies;
	struct known_namespace *namespaces; /* by name */
	size_t n_namespaces;
	size_t n_listed; /* namespaces that are known by object */
	struct budget budget;
};

/**
 * The cluster has to outlive the survey unchanged; lists go to @arena.
 *
 * Returns  0 or -ENOMEM.
 */
int survey_init(struct survey *survey, const struct cluster *cluster,
		struct budget budget, struct arena *arena);

/** What is known of a namespace; never NULL for one that a pod or policy is
 *  in. */
const struct known_namespace *survey_find_namespace(const struct survey *survey,
						    const char *name);

enum selection {
	SELECTION_SOME = 0, /* or nobody knows */
	SELECTION_ON_HOST,  /* only pods on the host network (NP-52) */
	SELECTION_NONE,
};

/** What a policy selects. */
enum selection survey_selection(struct survey *survey,
				const struct network_policy *policy);

/** Whether a namespaceSelector matches no namespace. */
bool survey_matches_none(struct survey *survey,
			 const struct selector *selector);

/**
 * Whether none of the pods has a named port on which it is looked up (NP-45):
 * for ingress those that the policy selects, for egress those that the rule's
 * peers select. Some of them have to be known: each of the peers has to find
 * one.
 */
bool survey_misses_port(struct survey *survey,
			const struct network_policy *policy,
			const struct rule *rule, enum direction dir,
			const struct policy_port *port);

#endif
