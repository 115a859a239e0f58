/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_report.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest_report_parts.h"
#include "json_text.h"
#include "netpold/arena.h"
#include "netpold/selector.h"
#include "records/workload_name.h"

struct known_pod {
	struct workload workload;
	const struct pod *pod;
};

/* Policies without which another would deny what was seen. */
struct partners {
	const struct network_policy **items;
	size_t n, room;
};

struct suggest_report {
	const struct snapshot *snapshot, *planned; /* planned: NULL: the same */
	struct arena arena;
	const struct network_policy **staged; /* by namespace and name */
	size_t n_staged, staged_room;
	struct known_pod *pods; /* by workload */
	size_t n_pods, pods_room;
	struct denials denials;			 /* policy: in staged */
	struct partners *partners;		 /* of each staged one */
	struct arena asking;			 /* of one flow */
	const struct network_policy **isolating; /* room for those of a pod */
	size_t isolating_room;
	void *seen_tree; /* struct workload */
};

/* ---- begin and end ------------------------------------------------------ */

static int compare_policies(const void *a, const void *b)
{
	const struct network_policy *const *x = a, *const *y = b;
	int order = strcmp((*x)->namespace, (*y)->namespace);

	return order ? order : strcmp((*x)->name, (*y)->name);
}

static int compare_pods(const void *a, const void *b)
{
	const struct known_pod *x = a, *y = b;

	return workload_compare(&x->workload, &y->workload);
}

static int add_policy(void *ctx, const struct object *object)
{
	struct suggest_report *report = ctx;

	if (!object->policy.staged)
		return 0;
	report->staged =
		arena_room(&report->arena, report->staged, report->n_staged,
			   &report->staged_room, sizeof(void *));
	if (!report->staged)
		return -ENOMEM;
	report->staged[report->n_staged++] = &object->policy;
	return 0;
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
	if (cluster_each(cluster, OBJECT_NETWORK_POLICY, add_policy, report) <
		    0 ||
	    cluster_each(cluster, OBJECT_POD, add_pod, report) < 0 ||
	    denials_init(&report->denials, report->n_staged) < 0) {
		suggest_report_free(report);
		return -ENOMEM;
	}
	if (report->n_staged > 0)
		qsort(report->staged, report->n_staged, sizeof(void *),
		      compare_policies);
	if (report->n_pods > 0)
		qsort(report->pods, report->n_pods, sizeof(*report->pods),
		      compare_pods);
	report->partners = arena_array(&report->arena, report->n_staged + 1,
				       sizeof(*report->partners));
	if (!report->partners) {
		suggest_report_free(report);
		return -ENOMEM;
	}
	*out = report;
	return 0;
}

/* What trees point to is the arena's. */
static void keep(void *item)
{
	(void)item;
}

void suggest_report_free(struct suggest_report *report)
{
	if (!report)
		return;
	denials_release(&report->denials);
	tdestroy(report->seen_tree, keep);
	arena_release(&report->asking);
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

/* @out  its place in staged; false where it is enforced */
static bool find_staged(const struct suggest_report *report,
			const struct network_policy *policy, size_t *out)
{
	const struct network_policy **found =
		bsearch(&policy, report->staged, report->n_staged,
			sizeof(void *), compare_policies);

	if (found)
		*out = (size_t)(found - report->staged);
	return found != NULL;
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
		size_t staged;

		if (find_staged(report, report->isolating[i], &staged))
			r = denials_add(&report->denials, staged, dir, flow);
	}
	return r;
}

/* ---- what is allowed by another policy that is staged ------------------- */

/* By a rule of what is staged, and till now by none. */
static bool is_newly_allowed(const struct decision *now,
			     const struct decision *planned, enum direction dir)
{
	return now->sides[dir].reason != REASON_RULE &&
	       planned->sides[dir].reason == REASON_RULE;
}

static bool allows(const struct side_explanation *side,
		   const struct network_policy *policy)
{
	for (size_t i = 0; i < side->n_rules; i++) {
		if (side->rules[i].policy == policy &&
		    side->rules[i].misses == 0)
			return true;
	}
	return false;
}

static int add_partner(struct suggest_report *report, size_t staged,
		       const struct network_policy *partner)
{
	struct partners *partners = &report->partners[staged];

	for (size_t i = 0; i < partners->n; i++) {
		if (compare_policies(&partners->items[i], &partner) == 0)
			return 0;
	}
	partners->items =
		arena_room(&report->arena, partners->items, partners->n,
			   &partners->room, sizeof(void *));
	if (!partners->items)
		return -ENOMEM;
	partners->items[partners->n++] = partner;
	return 0;
}

/* Where what is enforced does not isolate a pod, and what is staged would, each
   staged policy by itself denies what only the others allow. */
static int find_partners(struct suggest_report *report,
			 const struct flow_key *key, const struct decision *now,
			 const struct decision *planned)
{
	struct explanation why;
	int r = 0;

	if (!is_newly_allowed(now, planned, DIRECTION_EGRESS) &&
	    !is_newly_allowed(now, planned, DIRECTION_INGRESS))
		return 0;
	arena_clear(&report->asking);
	if (snapshot_explain_nearest(report->planned, key, &report->asking,
				     &why) < 0)
		return -ENOMEM;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side_explanation *side = &why.sides[dir];

		if (!is_newly_allowed(now, planned, (enum direction)dir))
			continue;
		for (size_t i = 0; r == 0 && i < side->n_isolating; i++) {
			size_t staged;

			if (!allows(side, side->isolating[i]) &&
			    find_staged(report, side->isolating[i], &staged))
				r = add_partner(report, staged, side->policy);
		}
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
	r = find_partners(report, &key, &now, &planned);
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
			n_selected +=
				selects(out->policy, report->pods[end].pod);
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
	const struct partners *partners = &report->partners[policy];
	int r;

	*out = (struct judged_policy){
		.policy = report->staged[policy],
		.partners = partners->items,
		.n_partners = partners->n,
	};
	if (partners->n > 0)
		qsort(partners->items, partners->n, sizeof(void *),
		      compare_policies);
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
	if (as_json)
		suggest_report_begin_json(&json, counts);
	else
		suggest_report_begin_text(out, counts, report->n_staged);
	for (size_t i = 0; r == 0 && i < report->n_staged; i++) {
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
