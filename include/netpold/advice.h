/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_ADVICE_H
#define NETPOLD_ADVICE_H

#include "netpold/cluster.h"
#include "netpold/finding.h"

/**
 * What is legal in network policies but surely not meant.
 *
 *	selects-no-pod	      a podSelector without a pod, or with none but
 *			      pods on the host network (NP-52). An empty one is
 *			      for pods to come: then it is the namespace that
 *			      is not there.
 *	missing-port	      an entry of ports whose name none of the pods has
 *			      that it is looked up on (NP-45): those selected
 *			      for ingress, those that the peers select for
 *			      egress.
 *	matches-no-namespace  a namespaceSelector.
 *	redundant-rule	      all that a rule allows, another rule allows, of
 *			      the same policy or of one that selects at least
 *			      the same pods.
 *	excepts-all	      `except` leaves nothing of its block.
 *
 * The last two follow from what is written and are true of every cluster. For
 * the others the objects are taken for all there is, as far as there is
 * something to judge by. So there has to be a pod, or a Namespace; what is said
 * of egress takes pods that each peer finds. Pods count that are finished or
 * have no address yet: a policy is for those that follow them, too. Namespaces
 * that every cluster has, and those that pods and policies are in, exist
 * without being listed, and of the latter the labels are unknown (NP-42).
 *
 * Passed over are rules of a direction that their policy does not govern
 * (NP-5), and policies of a namespace that is going away (NP-66).
 */

/** What to judge by. */
enum advice_scope {
	ADVICE_RULES = 0, /* policies alone; other objects may be missing */
	ADVICE_CLUSTER,	  /* all objects */
};

/**
 * Report it as warnings, policy by policy in the order of their names.
 *
 * A cluster does not know where its objects were written: `file` is "" and
 * `line` 0 in every finding.
 *
 * Time is bounded: where comparing all with all would take more than seconds,
 * a finding says that others may be missing.
 *
 * Returns  0, or -ENOMEM after which findings may be missing.
 */
int advice_report(const struct cluster *cluster, enum advice_scope scope,
		  finding_fn report, void *ctx);

#endif
