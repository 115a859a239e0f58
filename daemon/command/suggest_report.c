/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_report.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest_report_parts.h"
#include "command/suggest_staged.h"
#include "json_text.h"
#include "netpold/arena.h"
#include "netpold/selector.h"
#include "records/workload_name.h"

struct known_pod {
	struct workload workload;
	const struct pod *pod;
};

struct suggest_report {
	const struct snapshot *snapshot, *planned; /* planned: NULL: the same */
	struct arena arena;
	struct staged staged;
	struct known_pod *pods; /* by workload */
	size_t n_pods, pods_room;
	struct denials denials;			 /* policy: in staged */
	const struct network_policy **isolating; /* room for those of a pod */
	size_t isolating_room;
	void *seen_tree; /* struct workload */
};

/* ---- begin and end ------------------------------------------------------ */

static int compare_pods(const void *a, const void *b)
{
	const struct known_pod *x = a, *y = b;

	return workload_compare(&x->workload, &y->workload);
}

static int add_pod(void *ctx, const struct object *object)
{
	struct suggest_report *report = ctx;
	const struct pod *pod = &object->pod;

	if (pod->finished || pod->host_network)
		return 0;
	report->pods = arena_room(&report->arena, report->pods, report->n_pods,
				  &report->pods_room, sizeof(*report->pods));
	if (!report->pods)
		return -ENOMEM;
	report->pods[report->n_pods++] = (struct known_pod){
		.workload = workload_name_of_pod(pod),
		.pod = pod,
	};
	return 0;
}

int suggest_report_new(const struct cluster *cluster,
		       const struct snapshot *snapshot,
		       struct suggest_report **out)
{
	struct suggest_report *report = calloc(1, sizeof(*report));

	if (!report)
		return -ENOMEM;
	report->snapshot = snapshot;
	report->planned = snapshot_planned(snapshot);
	if (staged_init(&report->staged, cluster) < 0 ||
	    cluster_each(cluster, OBJECT_POD, add_pod, report) < 0 ||
	    denials_init(&report->denials, report->staged.n) < 0) {
		suggest_report_free(report);
		return -ENOMEM;
	}
	if (report->n_pods > 0)
		qsort(report->pods, report->n_pods, sizeof(*report->pods),
		      compare_pods);
	*out = report;
	return 0;
}

void suggest_report_free(struct suggest_report *report)
{
	if (!report)
		return;
	denials_release(&report->denials);
	tdestroy(report->seen_tree, arena_keep);
	staged_release(&report->staged);
	arena_release(&report->arena);
	free(report);
}

void suggest_report_freep(struct suggest_report **report)
{
	suggest_report_free(*report);
}

/* ---- what was observed -------------------------------------------------- */

static int compare_workloads(const void *a, const void *b)
{
	return workload_compare(a, b);
}

static int see(struct suggest_report *report, const struct pod *pod)
{
	struct workload workload, *kept;

	if (!pod)
		return 0;
	workload = workload_name_of_pod(pod);
	if (tfind(&workload, &report->seen_tree, compare_workloads))
		return 0;
	kept = arena_array(&report->arena, 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	*kept = workload;
	return tsearch(kept, &report->seen_tree, compare_workloads) ? 0
								    : -ENOMEM;
}

static bool is_seen(struct suggest_report *report,
		    const struct workload *workload)
{
	return tfind(workload, &report->seen_tree, compare_workloads) != NULL;
}

/* ---- what would be denied ----------------------------------------------- */

/* The policies behind one side's answer; all of them, however many. */
static int credit(struct suggest_report *report, const struct flow_key *key,
		  enum direction dir, struct side *side, size_t *n)
{
	size_t room = report->isolating_room;

	*n = snapshot_credit(report->planned, key, dir, side, report->isolating,
			     room);
	if (*n <= room)
		return 0;
	room = 2 * *n;
	report->isolating = arena_array(&report->arena, room, sizeof(void *));
	report->isolating_room = report->isolating ? room : 0;
	if (!report->isolating)
		return -ENOMEM;
	*n = snapshot_credit(report->planned, key, dir, side, report->isolating,
			     room);
	return 0;
}

/* Blame each staged policy that isolates the pod in this direction. */
static int blame(struct suggest_report *report, const struct flow_key *key,
		 enum direction dir, const struct suggest_flow *flow)
{
	struct side side;
	size_t n;
	int r = credit(report, key, dir, &side, &n);

	if (r < 0 || side.verdict != VERDICT_DENY)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct staged_policy *found =
			staged_find(&report->staged, report->isolating[i]);

		if (found)
			r = denials_add(&report->denials,
					(size_t)(found - report->staged.items),
					dir, flow);
	}
	return r;
}

static int judge(struct suggest_report *report, const struct suggest_flow *flow)
{
	const struct flow_key key = {
		.src = flow->from.addr,
		.dst = flow->to.addr,
		.dst_port = flow->port,
		.protocol = flow->protocol,
		.has_port = flow->has_port,
	};
	struct decision now, planned;
	int r;

	if (!report->planned)
		return 0;
	now = snapshot_decide(report->snapshot, &key);
	if (now.verdict == VERDICT_DENY)
		return 0;
	planned = snapshot_decide(report->planned, &key);
	r = staged_note_flow(&report->staged, report->planned, &key, &now,
			     &planned);
	if (planned.verdict == VERDICT_ALLOW)
		return r;
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++)
		r = blame(report, &key, (enum direction)dir, flow);
	return r;
}

int suggest_report_add(struct suggest_report *report,
		       const struct suggest_flow *flow)
{
	int r = see(report, flow->from.pod);

	if (r == 0)
		r = see(report, flow->to.pod);
	return r < 0 ? r : judge(report, flow);
}

/* ---- one policy --------------------------------------------------------- */

static bool selects(const struct network_policy *policy, const struct pod *pod)
{
	return strcmp(policy->namespace, pod->namespace) == 0 &&
	       selector_matches(&policy->pod_selector, &pod->labels);
}

/* Pods of a workload are neighbours. */
static int find_unseen(struct suggest_report *report, struct judged_policy *out)
{
	struct suggested_workload *list =
		arena_array(&report->arena, report->n_pods + 1, sizeof(*list));
	size_t end;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < report->n_pods; i = end) {
		const struct workload *w = &report->pods[i].workload;
		size_t n_selected = 0;

		for (end = i;
		     end < report->n_pods &&
		     workload_compare(&report->pods[end].workload, w) == 0;
		     end++)
			n_selected += selects(out->staged->policy,
					      report->pods[end].pod);
		out->n_workloads += n_selected > 0;
		if (n_selected == 0 || is_seen(report, w))
			continue;
		list[out->n_unseen] = (struct suggested_workload){
			.namespace = w->namespace,
			.kind = w->kind,
			.name = arena_strndup(&report->arena, w->name,
					      w->name_len),
			.n_pods = n_selected,
		};
		if (!list[out->n_unseen++].name)
			return -ENOMEM;
	}
	out->unseen = list;
	return 0;
}

/* @first  in denials; moves on behind those of the policy */
static int judge_policy(struct suggest_report *report, size_t policy,
			size_t *first, struct judged_policy *out)
{
	const struct denials *denials = &report->denials;
	const struct staged_policy *staged = &report->staged.items[policy];
	int r;

	*out = (struct judged_policy){ .staged = staged };
	if (denials->items)
		out->denials = denials->items + *first;
	while (*first < denials->n &&
	       denials->items[*first]->policy == policy) {
		(*first)++;
		out->n_denials++;
	}
	out->n_beyond = denials->beyond[policy];
	r = find_unseen(report, out);
	out->is_safe =
		out->n_denials == 0 && out->n_beyond == 0 && out->n_unseen == 0;
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

int suggest_report_write(struct suggest_report *report,
			 const struct suggest_counts *counts, bool as_json,
			 FILE *out, bool *is_safe, struct err *err)
{
	struct json_text json = { 0 };
	size_t first = 0;
	int r = 0;

	*is_safe = true;
	denials_sort(&report->denials);
	staged_sort_partners(&report->staged);
	if (as_json)
		suggest_report_begin_json(&json, counts);
	else
		suggest_report_begin_text(out, counts, report->staged.n);
	for (size_t i = 0; r == 0 && i < report->staged.n; i++) {
		struct judged_policy judged;

		r = judge_policy(report, i, &first, &judged);
		*is_safe = *is_safe && judged.is_safe;
		if (r == 0 && as_json)
			suggest_report_policy_json(&json, &judged);
		else if (r == 0)
			suggest_report_policy_text(out, &judged);
	}
	if (r == 0 && as_json)
		r = suggest_report_end_json(&json, out, *is_safe);
	json_text_release(&json);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}
