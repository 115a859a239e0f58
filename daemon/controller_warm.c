/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <string.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "log.h"
#include "time_text.h"

int controller_open_intake(struct controller *c, struct err *err)
{
	if (c->intake)
		return 0;
	return intake_open(c->options->paths, c->options->n_paths,
			   c->options->node_name, &c->intake, err);
}

/* ---- reading it ---------------------------------------------------------- */

static void report_warm(const struct controller *c)
{
	char then[TIME_TEXT_LEN];

	time_text_format(c->standing.written_us, then);
	log_warning("WARM START: the manifests cannot be read, and what they "
		    "said until %s is in force until they can",
		    then);
	if (c->standing.rebooted)
		log_warning("the node was restarted since: its pods have got "
			    "other addresses, and none of them is judged until "
			    "then");
}

int controller_compile_warm(struct controller *c, struct err *err)
{
	int r;

	c->read = (struct intake_result){ .compile_began_us = clock_us() };
	r = warm_compile(c->warm, &c->standing, &c->read.snapshot, err);
	if (r < 0)
		return r;
	c->read.counts = snapshot_counts(c->read.snapshot);
	return 0;
}

int controller_read_warm(struct controller *c, const struct err *why)
{
	struct err err;

	if (!warm_read(c->warm, &c->standing))
		return why->code;
	/* It knows none of this node's pods: in force it would open the node.
	 */
	if (c->standing.rebooted && enforcement_stands_by(c->enforcement)) {
		log_warning("the node was restarted since the manifests were "
			    "read last, and its pods have got other addresses: "
			    "nothing is enforced from what they said");
		warm_state_release(&c->standing);
		return why->code;
	}
	if (controller_compile_warm(c, &err) < 0) {
		log_warning("%s: the warm file is ignored", err.message);
		warm_state_release(&c->standing);
		return why->code;
	}
	report_warm(c);
	observer_warm(c->observer, c->standing.written_us);
	return 1;
}

void controller_leave_warm(struct controller *c)
{
	if (!c->standing.cluster)
		return;
	warm_state_release(&c->standing);
	observer_warm(c->observer, 0);
	log_info("the manifests can be read: the warm start is over");
}

/* ---- keeping it ---------------------------------------------------------- */

void controller_keep_warm(struct controller *c)
{
	warm_work(c->warm, c->intake ? intake_cluster(c->intake) : NULL);
}
