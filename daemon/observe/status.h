/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_STATUS_H
#define NETPOLD_DAEMON_OBSERVE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "datapath/iptables.h"
#include "datapath/recall.h"
#include "enforcement.h"
#include "kube/kube_status.h"
#include "pause.h"

struct flow_counts;
struct flow_target;

/**
 * How the control path stands: a plain value, copied whole.
 *
 * Times are of the wall clock, in microseconds since 1970, but those of the
 * source, which are steady; 0 is never.
 */

#define STATUS_NODE_NAME_LEN 256

/** Something that is not as it should be. */
struct status_trouble {
	int64_t since_us; /* 0: there is none */
	char reason[sizeof(((struct err *)0)->message)];
};

/** What an operator has ordered (pause.h). */
struct status_pause {
	int64_t since_us; /* 0: there is none */
	int64_t until_us;
	char reason[sizeof(((struct pause *)0)->reason)];
};

/** The last run's state stands in for what cannot be read (source/warm_file.h).
 */
struct status_warm {
	int64_t since_us;   /* 0: it does not */
	int64_t written_us; /* when it was read last */
};

/** The way of one change. */
struct status_change {
	int64_t received_us;  /* we were told that something has changed */
	int64_t published_us; /* new flows obey it */
	int64_t in_force_us;  /* open connections, too; 0: not yet */
};

struct status {
	/* from the start on */
	int64_t started_us;
	char node_name[STATUS_NODE_NAME_LEN];
	uint64_t pid_namespace;	      /* pid_namespace.h */
	const char *const *manifests; /* where objects come from; they outlive
					 whoever reads this */
	size_t n_manifests;	      /* 0: from an API server */
	bool audit; /* nothing is enforced; queue_base is the log group */
	const struct flow_target *flow_target; /* likewise; NULL: there is no */
	const struct flow_counts *flow_counts; /* flow log */
	uint32_t mark_mask;
	uint16_t queue_base;
	unsigned int n_queues;
	/* once the first generation is in force */
	enum iptables_flavour flavour; /* IPTABLES_AUTO until then */
	uint64_t generation;	       /* in force; 0: none yet */
	int64_t in_force_since_us;     /* 0: nothing is */
	struct snapshot_counts counts;
	size_t n_isolated[N_DIRECTIONS]; /* addresses */
	/* the last change that was published */
	struct status_change change;
	/* since the start */
	uint64_t n_sweeps[N_SWEEP_EXTENTS];
	uint64_t n_revoked;	   /* connections that lost their mark */
	uint64_t n_picked_up;	   /* older than netpold, let through */
	uint64_t n_mended_rules;   /* put up again after somebody's change */
	uint64_t n_mended_members; /* of sets, likewise */
	/* now */
	int64_t ready_since_us;	   /* 0: not yet (health.h) */
	struct status_pause pause; /* nothing is in force meanwhile */
	struct status_warm warm;
	struct status_trouble refused;	 /* what the objects say */
	struct status_trouble unsettled; /* connections that are open */
	struct status_trouble stalled;	 /* workers (watchdog.h) */
	int64_t alive_us; /* steady: the last turn of the loop; 0: not asked */
	struct kube_status source;
	struct compiler_memory memory;
	struct recall_counts recall; /* of a second ago */
};

/**
 * As status in include/netpold/schema/status.schema.json.
 *
 * Returns  a new reference, or NULL without memory.
 */
json_t *status_to_json(const struct status *status);

#endif
