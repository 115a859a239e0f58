/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <errno.h>
#include <stdint.h>

#include "netpold/cluster.h"
#include "netpold/object.h"

#include "clock.h"
#include "log.h"

/* ---- the range ----------------------------------------------------------- */

static const struct cluster *objects(const struct controller *c)
{
	if (c->standing.cluster)
		return c->standing.cluster;
	return c->intake ? intake_store(c->intake) : NULL;
}

static struct pod_range range_of_node(const struct controller *c)
{
	const struct cluster *cluster = objects(c);
	const struct object *node = NULL;

	if (cluster)
		node = cluster_find(cluster, OBJECT_NODE, "",
				    c->options->node_name);
	return node ? pod_range_of_node(&node->node)
		    : (struct pod_range){ .n = 0 };
}

struct pod_range controller_pod_range(struct controller *c)
{
	const struct pod_range *told = &c->options->enforcement.pod_range;
	struct pod_range range;

	if (told->n > 0)
		return *told;
	range = range_of_node(c);
	if (range.n > 0)
		c->node_range = range;
	return c->node_range;
}

int controller_check_range(const struct controller *c,
			   const struct pod_range *range, struct err *err)
{
	if (c->options->enforcement.hold_ms == 0 || range->n > 0)
		return 0;
	return err_set(err, -EINVAL,
		       "--hold-unknown has to know where this node's pods have "
		       "their addresses: no Node '%s' with spec.podCIDRs is "
		       "among the objects; name the range with --pod-cidr",
		       c->options->node_name);
}

void controller_follow_range(struct controller *c)
{
	struct pod_range before = c->node_range,
			 range = controller_pod_range(c);
	char text[POD_RANGE_TEXT_LEN];
	struct err err;
	int r;

	if (pod_range_equal(&before, &c->node_range) && !c->stale_range)
		return;
	r = enforcement_follow_range(c->enforcement, &range, &err);
	c->stale_range = r < 0;
	if (r < 0)
		log_error("%s; trying again", err.message);
	else
		log_info("this node's pods have their addresses in %s now",
			 pod_range_format(&range, text));
}

/* ---- until the first sync ----------------------------------------------- */

/* An operator who wants nothing to be open should hear where it is. */
static void warn_of_open_start(const struct enforcement_options *options)
{
	if (options->fail_closed && options->on_start == ON_START_ACCEPT &&
	    options->pod_range.n == 0)
		log_warning("until the first sync after a boot pods are open, "
			    "also with --on-failure=closed: name the range of "
			    "this node's pods with --pod-cidr");
}

/*
 * What stands at a start:
 *
 *	what runs here, or the last run has left in the kernel, as it is
 *	else what --on-start says
 *
 * until the manifests are read, or what they said to the last run stands in for
 * them (controller_warm.c). In a pause nothing does.
 */
int controller_stand_by(struct controller *c, struct err *err)
{
	const struct enforcement_options *options = &c->options->enforcement;
	char text[POD_RANGE_TEXT_LEN];
	int r;

	warn_of_open_start(options);
	if (c->place.taken || pause_switch_pause(c->pauses) ||
	    !enforcement_has_to_stand_by(c->enforcement))
		return 0;
	r = enforcement_stand_by(c->enforcement, err);
	if (r < 0)
		return r;
	log_info("until the first sync packets from and to %s are %s",
		 pod_range_format(&options->pod_range, text),
		 options->on_start == ON_START_HOLD ? "held" : "dropped");
	return 0;
}

/* ---- while it runs ------------------------------------------------------ */

void controller_tell_of_unknown(struct controller *c)
{
	struct worker_counters n = enforcement_counters(c->enforcement);
	uint64_t dropped = n.timed_out + n.overflowed;

	if (burst_look(&c->unknown, dropped, clock_us()))
		log_warning("packets of an address that no pod has are "
			    "dropped: it did not get a pod within %u ms, or "
			    "too many were held already; `netpold status` "
			    "says how many",
			    c->options->enforcement.hold_ms);
}
