/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <string.h>

#include "netpold/snapshot.h"

#include "clock.h"
#include "log.h"
#include "time_text.h"

static void interrupt_warm(void *ctx)
{
	const struct controller *c = ctx;

	warm_interrupt(c->warm);
}

int controller_open_intake(struct controller *c, struct err *err)
{
	struct intake_options options = {
		.paths = c->options->paths,
		.n_paths = c->options->n_paths,
		.cluster = c->options->cluster,
		.node_name = c->options->node_name,
		.before_change = interrupt_warm,
		.ctx = c,
	};

	return c->intake ? 0 : intake_open(&options, &c->intake, err);
}

int controller_open_warm(struct controller *c, struct err *err)
{
	const char *server =
		controller_is_live(c) ? intake_server(c->intake) : NULL;

	return warm_open(c->options->state_dir, c->options->node_name,
			 server ? &server : c->options->paths,
			 server ? 1 : c->options->n_paths, &c->warm, err);
}

/* ---- reading it ---------------------------------------------------------- */

static void report_warm(const struct controller *c)
{
	char then[TIME_TEXT_LEN];

	time_text_format(c->standing.written_us, then);
	if (controller_is_live(c))
		log_warning("WARM START: the API server has not said "
			    "everything yet, and what it said until %s is in "
			    "force until it has",
			    then);
	else
		log_warning("WARM START: the manifests cannot be read, and "
			    "what they said until %s is in force until they "
			    "can",
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
	observer_follow(c->observer, NULL, c->standing.cluster);
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
		log_warning("the node was restarted since the objects were "
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
	log_info("%s: the warm start is over",
		 controller_is_live(c) ? "the API server has said everything"
				       : "the manifests can be read");
}

/* ---- keeping it ---------------------------------------------------------- */

void controller_keep_warm(struct controller *c)
{
	warm_work(c->warm, c->intake ? intake_cluster(c->intake) : NULL);
}
