/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_ENFORCEMENT_PARTS_H
#define NETPOLD_DAEMON_ENFORCEMENT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/mark.h"
#include "datapath/pod_range.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "enforcement.h"
#include "pulse.h"

/**
 * What an enforcement is made of, for the files that do its work: enforcement.c
 * makes the changes, enforcement_start.c starts and ends it,
 * enforcement_handover.c leaves it to another netpold, enforcement_watch.c
 * knows of the pods that nobody knows yet.
 */
struct divert;
struct flow_log;
struct hit_watch;
struct onset;
struct recall;
struct unclaimed;
struct worker;

struct enforcement {
	const struct enforcement_options *options;
	struct mark_layout marks;
	enum iptables_flavour flavour;
	struct rules_options rules;
	struct divert *divert;
	struct recall *recall;
	bool remember[2]; /* by enum verdict */
	struct sweep *sweep;
	struct pulse pulse;
	struct guard *guard;	/* NULL: nobody keeps the rules yet */
	struct flow_log *log;	/* of the workers; NULL: there is none */
	struct hit_watch *hits; /* writes to that; NULL: there is none */
	bool rules_stand;	/* as they are in rules */
	struct pod_range range; /* of this node's pods, as far as it is known */
	struct pod_range watched; /* what sets and workers go by of it */
	bool watching; /* sets, workers and rules say what they should of it */
	struct unclaimed *unclaimed; /* the workers read it; NULL: nobody */
	struct worker **workers;
	unsigned int n_workers;
	struct onset *onset;  /* of all workers */
	int64_t published_us; /* the first snapshot */
	bool judging;	      /* workers run, by a snapshot that is ours */
	bool stood_by;	      /* what did so has put up rules */
	bool standing_by;     /* until the first sync */
	bool unpublished; /* the last change; what it owes may be paid early */
	bool started;	  /* flows older than netpold have been picked up */
	bool paused;	  /* the snapshot is one that isolates nobody */
	/* What has to be swept before the snapshot is in force: what failed
	   before, too. */
	enum sweep_extent extent;
	struct ip_addr targets[SWEEP_MAX_TARGETS];
	size_t n_targets;
	bool of[N_DIRECTIONS]; /* what they open, what they answer */
	bool adopted;	       /* rules of an earlier run stood at the start, */
	bool enforced;	       /* and they did not only audit */
	bool resting;	       /* another netpold judges, */
	bool rested;	       /* and nobody else did */
	bool shaken;	       /* it may have changed rules and sets */
	bool bare[2];	       /* IPv4, IPv6: somebody has destroyed rules */
	bool unseen;	       /* a bridge hides pods, and that was logged */
	bool touched;	       /* sets or rules may have been made */
};

/** From when a snapshot is published until everything obeys it. 0 or a negative
 *  errno. */
int enforcement_settle_all(struct enforcement *e,
			   struct enforcement_change *change, struct err *err);

/** One that isolates nobody. 0 or -ENOMEM. */
int enforcement_compile_open(struct snapshot **out, struct err *err);

/** Have the workers judge what is held by what is current now, and wait until
 *  they have. */
void enforcement_judge_held(struct enforcement *e);

/** Tell the workers who is not known, in line with what is watched and with
 * this host's addresses. 0 or a negative errno. */
int enforcement_renew_unclaimed(struct enforcement *e, struct err *err);

/** Have rules for a range that is watched; one of no blocks: none. 0 or a
 *  negative errno. */
int enforcement_put_rules(struct enforcement *e, const struct pod_range *range,
			  struct err *err);

/** The range where it is to be watched: not in a pause, and only where unknown
 *  pods are waited for. */
struct pod_range enforcement_range_to_watch(const struct enforcement *e);

/** Take out what the kernel remembers and should not, now that it is known who
 *  is unknown. 0 or a negative errno. */
int enforcement_settle_answers(struct enforcement *e, struct err *err);

/** Watch what the kernel answers by itself, for the flow log, from now on. The
 *  log can do without knowing. */
void enforcement_watch_hits(struct enforcement *e);

/** Watch it from now on. 0 or a negative errno. */
int enforcement_watch(struct enforcement *e, struct err *err);

#endif
