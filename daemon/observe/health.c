/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "time_text.h"

#define US_PER_S INT64_C(1000000)

__attribute__((format(printf, 3, 4))) static void
answer(struct health *out, bool good, const char *fmt, ...)
{
	va_list args;

	out->good = good;
	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
	for (char *p = out->why; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
}

/* ---- alive -------------------------------------------------------------- */

void health_check_loop(int64_t alive_us, int64_t now_us,
		       unsigned int patience_s, struct health *out)
{
	int64_t still_us = now_us > alive_us ? now_us - alive_us : 0;
	bool good = still_us < patience_s * US_PER_S;

	answer(out, good,
	       "%s: the control loop turned %" PRId64 ".%" PRId64 " s ago",
	       good ? "alive" : "stuck", still_us / US_PER_S,
	       still_us % US_PER_S / (US_PER_S / 10));
}

void health_check_alive(const struct status *status, int64_t alive_us,
			int64_t now_us, int64_t wall_us,
			unsigned int patience_s, struct health *out)
{
	const struct status_trouble *stalled = &status->stalled;

	health_check_loop(alive_us, now_us, patience_s, out);
	if (out->good && stalled->since_us &&
	    wall_us - stalled->since_us >= patience_s * US_PER_S)
		answer(out, false, "stuck: %s, for %" PRId64 " s",
		       stalled->reason,
		       (wall_us - stalled->since_us) / US_PER_S);
}

/* ---- ready -------------------------------------------------------------- */

bool health_is_settled(const struct status *status)
{
	bool has_started = status->flavour != IPTABLES_AUTO;

	if (!has_started || status->warm.since_us)
		return false;
	return status->generation > 0 || status->pause.since_us;
}

/* ClusterNetworkPolicies are counted only: nobody waits for them. */
static bool is_waited_for(const struct kube_status *source, int resource)
{
	return resource != KUBE_CLUSTER_POLICIES &&
	       !source->resources[resource].is_synced;
}

/* "pods, nodes"; nothing where all are there. */
static void list_missing(const struct kube_status *source, char *out,
			 size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		if (!is_waited_for(source, i) || len >= size)
			continue;
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", len ? ", " : "",
			kube_resource_name((enum kube_resource)i));
	}
}

/* Of the first that is missing and says so; "" where none does. */
static const char *find_trouble(const struct kube_status *source)
{
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		if (is_waited_for(source, i) && *source->resources[i].trouble)
			return source->resources[i].trouble;
	}
	return "";
}

static void explain_start(const struct status *status, struct health *out)
{
	const struct kube_status *source = &status->source;
	const char *trouble = find_trouble(source);
	char missing[160];

	list_missing(source, missing, sizeof(missing));
	if (source->is_used && *missing)
		answer(out, false, "not ready: waiting for %s from %s%s%s",
		       missing, source->server, *trouble ? ": " : "", trouble);
	else if (status->refused.since_us)
		answer(out, false, "not ready: what objects say is refused: %s",
		       status->refused.reason);
	else
		answer(out, false,
		       "not ready: starting, nothing is in force "
		       "yet");
}

static const struct kube_resource_status *
find_stale(const struct kube_status *source, int64_t now_us, const char **name)
{
	for (int i = 0; source->is_used && i < N_KUBE_RESOURCES; i++) {
		const struct kube_resource_status *resource =
			&source->resources[i];

		if (i == KUBE_CLUSTER_POLICIES || !resource->is_synced ||
		    !*resource->trouble ||
		    now_us - resource->heard_us < HEALTH_STALE_S * US_PER_S)
			continue;
		*name = kube_resource_name((enum kube_resource)i);
		return resource;
	}
	return NULL;
}

void health_check_ready(const struct status *status, int64_t now_us,
			struct health *out)
{
	const char *name = "";
	const struct kube_resource_status *stale =
		find_stale(&status->source, now_us, &name);
	char time[TIME_TEXT_LEN] = "";

	if (status->ready_since_us && stale) {
		answer(out, false,
		       "not ready: %s are of %" PRId64 " s ago, and stay in "
		       "force: %s",
		       name, (now_us - stale->heard_us) / US_PER_S,
		       stale->trouble);
	} else if (status->ready_since_us) {
		time_text_format(status->ready_since_us, time);
		answer(out, true, "ready since %s%s", time,
		       status->pause.since_us ? "; enforcement is paused" : "");
	} else if (status->warm.since_us) {
		time_text_format(status->warm.written_us, time);
		answer(out, false,
		       "not ready: objects cannot be read, those that were "
		       "read until %s are in force%s%s",
		       time, status->refused.since_us ? ": " : "",
		       status->refused.since_us ? status->refused.reason : "");
	} else {
		explain_start(status, out);
	}
}
