/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RULES_H
#define NETPOLD_DAEMON_DATAPATH_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/iptables.h"
#include "datapath/pod_range.h"

/**
 * The iptables rules that bring packets to netpold, and let go of those that
 * are judged.
 *
 * They are made once and stay, also after netpold has stopped: a policy change
 * moves only members of sets, because a chain that is made or deleted can cost
 * every packet that waits in a queue (L1). Nothing that is not netpold's is
 * touched.
 */
struct mark_layout;

struct rules_options {
	enum iptables_flavour flavour; /* not IPTABLES_AUTO */
	const struct mark_layout *marks;
	bool audit; /* packets are copied, and nothing else is done to them;
		       then of what follows only queue_base, which is the log
		       group, and allow_node_egress count */
	uint16_t queue_base;
	uint16_t n_queues;
	bool closed; /* without netpold, what should be judged is dropped */
	bool allow_node_egress; /* pods may talk to their own node (NP-57) */
	/* Where it is known: who is in it, and not in RULES_SET_KNOWN, is
	   judged, too (NP-67). */
	struct pod_range watched;
	bool remember[2]; /* by enum verdict: answers that the kernel gives */
};

/** Sets that the rules name. */
enum rules_set {
	RULES_SET_EGRESS,   /* pods whose egress is judged */
	RULES_SET_INGRESS,  /* pods whose ingress is judged */
	RULES_SET_STAGED,   /* pods that are judged for what is staged, and of
			       whom nothing is dropped for it (NP-8) */
	RULES_SET_PODS,	    /* all of these: who is in none goes on at once */
	RULES_SET_SERVICES, /* addresses that are a Service's (NF-70) */
	RULES_SET_KNOWN,    /* in the watched range, and somebody's (NP-67) */
	N_RULES_SETS,
};

/** A set's name in the kernel: "netpold-egress-4", … */
const char *rules_set_name(enum rules_set set, enum ip_family family);

/** The name of the set of answers with a verdict: "netpold-allowed-4", … */
const char *rules_answers_name(enum verdict verdict, enum ip_family family);

/**
 * Put the rules in place for both families. Rules that stand already are
 * replaced in one transaction, which keeps the packets that wait in a queue.
 * The sets must exist.
 *
 * Returns  0; -EINVAL where the kernel or iptables refuses a rule, with the
 *          feature that is missing.
 */
int rules_install(const struct rules_options *options, struct err *err);

/** The same for one family, in one transaction: why the kernel refuses a rule
 * is not looked into. */
int rules_install_family(const struct rules_options *options,
			 enum ip_family family, struct err *err);

/**
 * Whether as many rules stand as rules_install() puts up, with all chains, and
 * each jump once and first.
 *
 * @saved  a listing of the mangle table
 *
 * Returns  1 or 0; -ENOMEM.
 */
int rules_are_whole(const struct rules_options *options, enum ip_family family,
		    const char *saved);

/** What stands of netpold's rules. */
struct rules_standing {
	bool any;     /* of its chains */
	bool enforce; /* and they do not only copy packets */
};

/** The same, of one flavour. 0 or a negative errno. */
int rules_stand(enum iptables_flavour flavour, struct rules_standing *out,
		struct err *err);

/** Take jumps and chains of one flavour away. The sets are free then. */
int rules_remove(enum iptables_flavour flavour, struct err *err);

#endif
