/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "datapath/conntrack_setting.h"
#include "fault.h"
#include "flowlog/flow_counts.h"
#include "flowlog/flow_target.h"
#include "observe/health.h"
#include "time_text.h"
#include "version.h"

static json_t *time_to_json(int64_t time_us)
{
	char text[TIME_TEXT_LEN];

	return time_text_format(time_us, text) ? json_string(text) : NULL;
}

/* Names of files are any bytes, and a long message may be cut in the middle of
   a character; JSON is UTF-8. */
static json_t *text_to_json(const char *text)
{
	char ascii[sizeof(((struct health *)0)->why)];
	json_t *string = json_string(text);

	if (string)
		return string;
	snprintf(ascii, sizeof(ascii), "%s", text);
	for (char *p = ascii; *p; p++) {
		if ((unsigned char)*p > 0x7f)
			*p = '?';
	}
	return json_string(ascii);
}

static json_t *count_to_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

/* As in decision_json.c: what cannot be kept is taken over all the same, and
   NULL fails, so that one check at the end is enough. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *finish(json_t *object, bool complete)
{
	if (complete)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *trouble_to_json(const struct status_trouble *trouble)
{
	json_t *out = json_object();
	bool ok = set(out, "since", time_to_json(trouble->since_us));

	ok &= set(out, "reason", text_to_json(trouble->reason));
	return finish(out, ok);
}

static json_t *pause_to_json(const struct status_pause *pause)
{
	json_t *out = json_object();
	bool ok = set(out, "since", time_to_json(pause->since_us));

	ok &= set(out, "until", time_to_json(pause->until_us));
	if (*pause->reason)
		ok &= set(out, "reason", text_to_json(pause->reason));
	return finish(out, ok);
}

static json_t *warm_to_json(const struct status_warm *warm)
{
	json_t *out = json_object();
	bool ok = set(out, "since", time_to_json(warm->since_us));

	ok &= set(out, "written_at", time_to_json(warm->written_us));
	return finish(out, ok);
}

static json_t *change_to_json(const struct status_change *change)
{
	json_t *out = json_object();
	bool ok = set(out, "received_at", time_to_json(change->received_us));

	ok &= set(out, "published_at", time_to_json(change->published_us));
	if (change->in_force_us)
		ok &= set(out, "in_force_at",
			  time_to_json(change->in_force_us));
	return finish(out, ok);
}

static json_t *isolated_to_json(const size_t n_isolated[N_DIRECTIONS])
{
	json_t *out = json_object();
	bool ok;

	ok = set(out, "egress", count_to_json(n_isolated[DIRECTION_EGRESS]));
	ok &= set(out, "ingress", count_to_json(n_isolated[DIRECTION_INGRESS]));
	return finish(out, ok);
}

static json_t *queues_to_json(const struct status *status)
{
	json_t *out = json_object();
	bool ok = set(out, "first", json_integer(status->queue_base));

	ok &= set(out, "count", json_integer(status->n_queues));
	return finish(out, ok);
}

/* Of a steady time. */
static json_t *moment_to_json(int64_t steady_us)
{
	return time_to_json(clock_wall_us() - (clock_us() - steady_us));
}

static json_t *resource_to_json(enum kube_resource resource,
				const struct kube_resource_status *status)
{
	json_t *out = json_object();
	bool ok = set(out, "name", json_string(kube_resource_name(resource)));

	ok &= set(out, "synced", json_boolean(status->is_synced));
	ok &= set(out, "served", json_boolean(status->is_served));
	if (status->heard_us)
		ok &= set(out, "heard_at", moment_to_json(status->heard_us));
	ok &= set(out, "objects", count_to_json(status->n_objects));
	ok &= set(out, "unreadable", count_to_json(status->n_unreadable));
	if (status->n_unreadable)
		ok &= set(out, "first_unreadable",
			  text_to_json(status->unreadable));
	ok &= set(out, "lists", count_to_json(status->n_lists));
	ok &= set(out, "watches", count_to_json(status->n_watches));
	ok &= set(out, "events", count_to_json(status->n_events));
	ok &= set(out, "failures", count_to_json(status->n_failures));
	ok &= set(out, "requests", count_to_json(status->n_requests));
	if (*status->trouble)
		ok &= set(out, "trouble", text_to_json(status->trouble));
	return finish(out, ok);
}

static json_t *server_to_json(const struct kube_status *source)
{
	const struct kube_resource_status *ignored =
		&source->resources[KUBE_CLUSTER_POLICIES];
	json_t *out = json_object(), *resources = json_array();
	bool ok = set(out, "kind", json_string("api-server"));

	ok &= set(out, "server", text_to_json(source->server));
	for (int i = 0; i < N_KUBE_RESOURCES; i++)
		ok &= json_array_append_new(
			      resources,
			      resource_to_json((enum kube_resource)i,
					       &source->resources[i])) == 0;
	ok &= set(out, "resources", resources);
	ok &= set(out, "ignored_cluster_network_policies",
		  count_to_json(ignored->n_objects));
	return finish(out, ok);
}

static json_t *manifests_to_json(const struct status *status)
{
	json_t *out = json_object(), *paths = json_array();
	bool ok = set(out, "kind", json_string("manifests"));

	for (size_t i = 0; i < status->n_manifests; i++)
		ok &= json_array_append_new(
			      paths, text_to_json(status->manifests[i])) == 0;
	ok &= set(out, "paths", paths);
	return finish(out, ok);
}

static bool put_readiness(json_t *out, const struct status *status)
{
	struct health health;

	health_check_ready(status, clock_us(), &health);
	if (health.good)
		return set(out, "ready_since",
			   time_to_json(status->ready_since_us));
	return set(out, "unready", text_to_json(health.why));
}

static bool put_liveness(json_t *out, const struct status *status)
{
	struct health health;

	health_check_alive(
		status, status->alive_us, clock_us(), clock_wall_us(),
		fault_number("health-patience", HEALTH_PATIENCE_S), &health);
	return health.good || set(out, "stuck", text_to_json(health.why));
}

static bool put_enforcement(json_t *out, const struct status *status)
{
	const struct snapshot_counts *counts = &status->counts;
	bool ok = set(out, "generation", count_to_json(status->generation));

	if (status->pause.since_us)
		ok &= set(out, "paused", pause_to_json(&status->pause));
	if (status->warm.since_us)
		ok &= set(out, "warm", warm_to_json(&status->warm));
	if (status->generation > 0 && status->in_force_since_us)
		ok &= set(out, "in_force_since",
			  time_to_json(status->in_force_since_us));
	if (status->change.received_us)
		ok &= set(out, "last_change", change_to_json(&status->change));
	if (status->refused.since_us)
		ok &= set(out, "refused", trouble_to_json(&status->refused));
	if (status->unsettled.since_us)
		ok &= set(out, "unsettled",
			  trouble_to_json(&status->unsettled));
	if (status->stalled.since_us)
		ok &= set(out, "stalled", trouble_to_json(&status->stalled));
	ok &= set(out, "policies", count_to_json(counts->policies));
	ok &= set(out, "staged_policies",
		  count_to_json(counts->staged_policies));
	ok &= set(out, "pods", count_to_json(counts->pods));
	ok &= set(out, "local_pods", count_to_json(counts->local_pods));
	ok &= set(out, "isolated", isolated_to_json(status->n_isolated));
	ok &= set(out, "revoked", count_to_json(status->n_revoked));
	ok &= set(out, "picked_up", count_to_json(status->n_picked_up));
	return ok;
}

/* As the kernel's switches stand now, and whether it is listened to. */
static json_t *ends_to_json(const struct flow_counts *counts, uint64_t n)
{
	static const struct {
		const char *key;
		enum conntrack_setting setting;
	} rows[] = {
		{ "counted", CONNTRACK_ACCT },
		{ "timed", CONNTRACK_TIMESTAMP },
	};
	json_t *out = json_object();
	bool told =
		conntrack_setting_is_on(CONNTRACK_EVENTS) &&
		!atomic_load_explicit(&counts->ends_fail, memory_order_relaxed);
	bool ok = set(out, "events", count_to_json(n));

	ok &= set(out, "told", json_boolean(told));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok &= set(
			out, rows[i].key,
			json_boolean(conntrack_setting_is_on(rows[i].setting)));
	return finish(out, ok);
}

static json_t *flow_log_to_json(const struct status *status)
{
	static const char *const kinds[] = {
		[FLOW_TARGET_STDOUT] = "stdout",
		[FLOW_TARGET_FILE] = "file",
		[FLOW_TARGET_UNIX] = "unix",
	};
	const struct flow_target *target = status->flow_target;
	struct flow_totals n = flow_counts_total(status->flow_counts);
	json_t *out = json_object();
	bool ok = set(out, "kind", json_string(kinds[target->kind]));

	if (target->path)
		ok &= set(out, "path", text_to_json(target->path));
	ok &= set(out, "events", count_to_json(n.taken));
	ok &= set(out, "by_kernel", count_to_json(n.by_kernel));
	if (status->flow_counts->tells_ends)
		ok &= set(out, "ends",
			  ends_to_json(status->flow_counts, n.ends));
	ok &= set(out, "logged", count_to_json(n.logged));
	ok &= set(out, "folded", count_to_json(n.folded));
	ok &= set(out, "suppressed", count_to_json(n.suppressed));
	ok &= set(out, "lost", count_to_json(n.lost));
	ok &= set(out, "waiting", count_to_json(n.on_the_way));
	return finish(out, ok);
}

json_t *status_to_json(const struct status *status)
{
	const char *flavour = iptables_flavour_name(status->flavour);
	json_t *out = json_object();
	bool ok = set(out, "netpold", json_string(VERSION_TEXT));

	ok &= set(out, "node", text_to_json(status->node_name));
	ok &= set(out, "pid", json_integer(getpid()));
	ok &= set(out, "pid_namespace", count_to_json(status->pid_namespace));
	ok &= set(out, "started_at", time_to_json(status->started_us));
	ok &= set(out, "mode",
		  json_string(status->audit ? "audit" : "enforce"));
	ok &= put_readiness(out, status);
	if (status->alive_us)
		ok &= put_liveness(out, status);
	ok &= set(out, "source",
		  status->source.is_used ? server_to_json(&status->source)
					 : manifests_to_json(status));
	ok &= put_enforcement(out, status);
	if (status->flavour != IPTABLES_AUTO)
		ok &= set(out, "iptables", json_string(flavour));
	ok &= set(out, "mark_mask", json_sprintf("%#x", status->mark_mask));
	ok &= set(out, "queues", queues_to_json(status));
	if (status->flow_target)
		ok &= set(out, "flow_log", flow_log_to_json(status));
	return finish(out, ok);
}
