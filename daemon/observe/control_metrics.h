/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_CONTROL_METRICS_H
#define NETPOLD_DAEMON_OBSERVE_CONTROL_METRICS_H

#include "observe/histogram.h"
#include "observe/metrics.h"
#include "observe/source_metrics.h"
#include "observe/status_board.h"

/**
 * The metrics of the control path: what is in force, how long changes take, and
 * the memory that all of it needs.
 */

enum control_gauge {
	CONTROL_BUILD,
	CONTROL_START_TIME,
	CONTROL_READY,
	CONTROL_GENERATION,
	CONTROL_IN_FORCE_TIME,
	CONTROL_AUDIT,
	CONTROL_PAUSED,
	CONTROL_PAUSE_END_TIME,
	CONTROL_REFUSED,
	CONTROL_UNSETTLED,
	CONTROL_WARM,
	CONTROL_POLICIES,
	CONTROL_STAGED_POLICIES,
	CONTROL_PODS,
	CONTROL_LOCAL_PODS,
	CONTROL_ISOLATED_EGRESS,
	CONTROL_ISOLATED_INGRESS,
	CONTROL_MEMORY_ADDRESSES,
	CONTROL_MEMORY_IDENTITIES,
	CONTROL_MEMORY_PEERS,
	CONTROL_MEMORY_RULES,
	CONTROL_MEMORY_INDEX,
	CONTROL_RESIDENT,
	N_CONTROL_GAUGES,
};

struct control_metrics {
	/* written by the controller, read by any */
	struct histogram compile; /* objects to snapshot */
	struct histogram program; /* into the kernel's sets */
	struct histogram publish; /* event received to new flows obeying it */
	struct histogram sweep;	  /* from then on to in force */
	struct histogram change;  /* event received to in force */
	/* set before the first collection */
	struct status_board *board;
	struct source_metrics source;
	/* of the last collection */
	struct status status;
	double gauges[N_CONTROL_GAUGES]; /* NAN: not known */
};

/**
 * Register them.
 *
 * @control  zero at first; like @board, it outlives the last reading
 *
 * Returns  0; -ENOMEM, where some may be registered.
 */
int control_metrics_register(struct control_metrics *control,
			     struct status_board *board,
			     struct metrics *metrics);

#endif
