/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_PODS_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_PODS_H

#include "json_text.h"

/**
 * Who may reach the pods of this node, and whom they may: of each the policies
 * that isolate it and their rules in words, for the live page.
 *
 *	{"generation": 7, "n_pods": 2, "pods": [
 *	 {"namespace": "shop", "name": "web", "addresses": ["10.0.0.7"],
 *	  "egress": {"isolated": false, …},
 *	  "ingress": {"isolated": true, "n_policies": 1, "n_rules": 1,
 *	   "policies": [{"name": "shop/web-in", "staged": false}],
 *	   "rules": [{"policy": "shop/web-in", "rule": 1, "staged": false,
 *	              "words": "from pods with app=client …"}],
 *	   "local": {"n": 3, "of": 12, "is_cut": false,
 *	             "names": ["shop/client", …]}}}]}
 *
 * "local" are the pods of this node that it may reach, or that may reach it, at
 * any port, out of how many (local_reach.h; is_cut: there may be more of them);
 * it is left out where the node has
 * more than LIVE_PODS_LOCAL_MAX, since each has to be asked about each.
 *
 * "generation" is current_number(), as it was before they were asked for.
 *
 * What is staged (NP-8) is told, too, as such, and isolates nobody. Lists are
 * bounded by what follows, and by live_side.h; n_… tells how long they would
 * be.
 */
#define LIVE_PODS_MAX 512
#define LIVE_PODS_LOCAL_MAX 128
#define LIVE_PODS_NAMES_MAX 16

/**
 * Write them, by the snapshot in force: that is asked pod by pod, each in a
 * read-side section of its own, so that nobody waits for all of them.
 *
 * Returns  0; -ENOMEM.
 * Threads  any that has not begun with RCU (rcu.h).
 */
int live_pods_write(struct json_text *out);

#endif
