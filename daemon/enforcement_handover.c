/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "datapath/queue_status.h"
#include "datapath/recall.h"
#include "datapath/worker.h"
#include "enforcement.h"
#include "enforcement_parts.h"
#include "fault.h"
#include "flowlog/flow_log.h"
#include "flowlog/hit_watch.h"

int enforcement_queue_fd(const struct enforcement *enforcement,
			 unsigned int worker)
{
	return worker_queue_fd(enforcement->workers[worker]);
}

/* Who judges tells of ends, and of what the kernel answers. */
static void stop_telling(struct enforcement *e)
{
	flow_log_leave_ends(e->log);
	hit_watch_stop(e->hits);
	e->hits = NULL;
}

static void tell_again(struct enforcement *e)
{
	flow_log_hear_ends(e->log);
	enforcement_watch_hits(e);
}

int enforcement_rest(struct enforcement *enforcement, int patience_ms,
		     struct err *err)
{
	unsigned int n = enforcement->n_workers;

	enforcement->resting = true;
	for (unsigned int i = 0; i < n; i++)
		worker_rest(enforcement->workers[i]);
	for (unsigned int i = 0; i < n; i++) {
		if (worker_await_rest(enforcement->workers[i], patience_ms) < 0)
			return err_set(err, -EBUSY,
				       "worker %u of the netpold that runs "
				       "here stands still: stop that one first",
				       i);
	}
	enforcement->rested = true;
	stop_telling(enforcement);
	return 0;
}

void enforcement_go_on(struct enforcement *enforcement)
{
	for (unsigned int i = 0;
	     enforcement->resting && i < enforcement->n_workers; i++)
		worker_go_on(enforcement->workers[i]);
	enforcement->resting = false;
	enforcement->shaken = true;
	enforcement->extent = SWEEP_ALL;
	/* Nobody else has remembered anything before that. */
	if (enforcement->rested) {
		recall_mistrust(enforcement->recall);
		tell_again(enforcement);
	}
	enforcement->rested = false;
	enforcement_reclaim(enforcement);
}

/* Where the kernel does not say which packet was the last, what was taken waits
   until its sender tries again. */
void enforcement_reclaim(struct enforcement *enforcement)
{
	unsigned int n = enforcement->n_workers;
	struct queue_status *queues;

	if (enforcement->options->audit) {
		for (unsigned int i = 0; i < n; i++)
			worker_reclaim(enforcement->workers[i], 0);
		return;
	}
	queues = calloc(n, sizeof(*queues));
	if (queues && fault_stands("reclaim"))
		queue_status_read(QUEUE_STATUS_PATH,
				  enforcement->options->queue_base, queues, n);
	fault_delay("reclaim-read");
	for (unsigned int i = 0; queues && i < n; i++) {
		if (queues[i].known)
			worker_reclaim(enforcement->workers[i],
				       queues[i].last_id);
	}
	free(queues);
}
