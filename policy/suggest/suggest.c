/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods become units (pods.c, unit.c), flows become sights between units
 * (sight.c), sights become grants (grant.c), and grants rules (rule.c).
 */
#include "netpold/suggest.h"

#include <errno.h>
#include <stdlib.h>

#include "netpold/snapshot.h"

#include "suggest/parts.h"

/* ---- begin and end ------------------------------------------------------ */

void suggest_free(struct suggest *suggest)
{
	if (!suggest)
		return;
	suggest_names_release(suggest);
	suggest_sights_release(&suggest->sights);
	arena_release(&suggest->arena);
	free(suggest);
}

void suggest_freep(struct suggest **suggest)
{
	suggest_free(*suggest);
}

static int prepare(struct suggest *suggest)
{
	int r = suggest_pods_collect(suggest);

	if (r == 0)
		r = suggest_units_choose(suggest);
	if (r == 0)
		r = suggest_avoid_collect(suggest->cluster, &suggest->arena,
					  &suggest->avoid);
	return r;
}

int suggest_new(const struct cluster *cluster,
		const struct suggest_options *options, struct suggest **out,
		struct err *err)
{
	struct suggest *suggest = calloc(1, sizeof(*suggest));

	if (!suggest)
		return err_set(err, -ENOMEM, "out of memory");
	suggest->cluster = cluster;
	suggest->options = *options;
	if (prepare(suggest) < 0) {
		suggest_free(suggest);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*out = suggest;
	return 0;
}

/* ---- flows -------------------------------------------------------------- */

static uint32_t see(struct suggest *suggest, const struct suggest_pod *pod)
{
	struct suggest_group *group;

	if (!pod)
		return NO_UNIT;
	group = &suggest->groups[pod->group];
	group->seen = true;
	suggest->units[group->unit].seen = true;
	return group->unit;
}

static void ask_existing(const struct suggest *suggest,
			 const struct suggest_flow *flow,
			 struct suggest_sight *sight)
{
	const struct flow_key key = {
		.src = flow->from.addr,
		.dst = flow->to.addr,
		.dst_port = flow->port,
		.protocol = flow->protocol,
		.has_port = flow->has_port,
	};
	struct decision decision;

	if (!suggest->options.existing)
		return;
	decision = snapshot_decide(suggest->options.existing, &key);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		sight->covered[dir] = decision.sides[dir].reason == REASON_RULE;
}

int suggest_add(struct suggest *suggest, const struct suggest_flow *flow)
{
	const struct suggest_pod *from, *to;
	struct suggest_sight sight = { 0 };

	from = flow->from.pod ? suggest_pods_find(suggest, flow->from.pod)
			      : NULL;
	to = flow->to.pod ? suggest_pods_find(suggest, flow->to.pod) : NULL;
	if (protocol_has_ports(flow->protocol) && !flow->has_port) {
		suggest->n_without_port++;
		return 0;
	}
	sight.key.from = see(suggest, from);
	sight.key.to = see(suggest, to);
	if (from == to)
		return 0; /* itself, or nobody's business */
	if (!from || !to)
		sight.key.outside = from ? flow->to.addr : flow->from.addr;
	sight.key.protocol = flow->protocol;
	sight.key.has_port = protocol_has_ports(flow->protocol);
	sight.key.port = sight.key.has_port ? flow->port : 0;
	suggest_uses_add(&sight.uses, flow);
	ask_existing(suggest, flow, &sight);
	return suggest_sights_add(&suggest->sights, suggest->options.hash_key,
				  &sight);
}

/* ---- policies ----------------------------------------------------------- */

/* The grants of one unit. */
struct share {
	const struct suggest_grant *grants[N_DIRECTIONS][2]; /* [1]: apart */
	size_t n[N_DIRECTIONS][2];
};

/* Grants are sorted by unit, direction and being apart. Returns how many are
   taken. */
static size_t take_share(const struct suggest_grant *grants, size_t n,
			 uint32_t unit, struct share *out)
{
	size_t i = 0;

	*out = (struct share){ 0 };
	for (; i < n && grants[i].unit == unit; i++) {
		enum direction dir = grants[i].dir;
		bool apart = grants[i].apart;

		if (out->n[dir][apart]++ == 0)
			out->grants[dir][apart] = &grants[i];
	}
	return i;
}

static struct suggested_workload tell(struct suggest *suggest,
				      const struct suggest_group *group)
{
	return (struct suggested_workload){
		.namespace = group->workload.namespace,
		.kind = group->workload.kind,
		.name = arena_strndup(&suggest->arena, group->workload.name,
				      group->workload.name_len),
		.n_pods = group->n,
	};
}

static int tell_workloads(struct suggest *suggest, uint32_t unit,
			  struct suggested_policy *out)
{
	struct suggested_workload *list;
	size_t n = 0;

	for (size_t g = unit; g < suggest->n_groups; g++)
		n += suggest->groups[g].unit == unit;
	list = arena_array(&suggest->arena, n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (size_t g = unit; g < suggest->n_groups; g++) {
		if (suggest->groups[g].unit != unit)
			continue;
		list[n] = tell(suggest, &suggest->groups[g]);
		if (!list[n++].name)
			return -ENOMEM;
	}
	out->workloads = list;
	out->n_workloads = n;
	return 0;
}

static int make_policy(struct suggest *suggest, uint32_t unit,
		       const struct share *share, bool apart,
		       struct suggested_policy *out)
{
	int r = tell_workloads(suggest, unit, out);

	out->policy.namespace = suggest->groups[unit].workload.namespace;
	out->policy.uid = "";
	out->policy.pod_selector = suggest->units[unit].selector;
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++) {
		if (out->policy.isolates[dir])
			r = suggest_rules_make(
				suggest, share->grants[dir][apart],
				share->n[dir][apart], out, (enum direction)dir);
	}
	return r;
}

/* A list of policies that grows by one for each unit, at most. */
struct list {
	struct suggested_policy *items;
	size_t n;
};

static int add_policy(struct suggest *suggest, uint32_t unit,
		      const struct share *share, bool apart, struct list *list)
{
	struct suggested_policy *out = &list->items[list->n];
	bool any = false;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		bool open = !apart && !suggest->units[unit].isolated[dir];

		out->policy.isolates[dir] = open || share->n[dir][apart] > 0;
		out->has_apart[dir] = !apart && share->n[dir][1] > 0;
		any |= out->policy.isolates[dir];
	}
	if (!any)
		return 0;
	out->policy.name =
		suggest_policy_name(suggest, unit, apart ? "-to-decide" : "");
	if (!out->policy.name)
		return -ENOMEM;
	list->n++;
	return make_policy(suggest, unit, share, apart, out);
}

static int add_policies(struct suggest *suggest,
			const struct suggest_grants *grants, struct list *lists)
{
	size_t taken = 0;

	for (uint32_t unit = 0; unit < suggest->n_groups; unit++) {
		struct share share;
		int r = 0;

		if (suggest->groups[unit].unit != unit ||
		    !suggest->units[unit].seen)
			continue;
		taken += take_share(grants->items + taken, grants->n - taken,
				    unit, &share);
		for (int apart = 0; r == 0 && apart < 2; apart++)
			r = add_policy(suggest, unit, &share, apart,
				       &lists[apart]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int tell_unseen(struct suggest *suggest, struct suggestion *out)
{
	struct suggested_workload *list = arena_array(
		&suggest->arena, suggest->n_groups + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t g = 0; g < suggest->n_groups; g++) {
		/* Who shares a policy has one. */
		if (suggest->units[suggest->groups[g].unit].seen)
			continue;
		list[out->n_unseen] = tell(suggest, &suggest->groups[g]);
		if (!list[out->n_unseen++].name)
			return -ENOMEM;
	}
	out->unseen = list;
	return 0;
}

static int conclude(struct suggest *suggest, struct suggestion *out)
{
	struct suggest_grants grants = { 0 };
	struct list lists[2] = { 0 };
	int r;

	for (int apart = 0; apart < 2; apart++) {
		lists[apart].items =
			arena_array(&suggest->arena, suggest->n_groups + 1,
				    sizeof(*lists[apart].items));
		if (!lists[apart].items)
			return -ENOMEM;
	}
	r = suggest_grants_make(suggest, &grants);
	if (r == 0)
		r = add_policies(suggest, &grants, lists);
	if (r == 0)
		r = tell_unseen(suggest, out);
	out->policies = lists[0].items;
	out->n_policies = lists[0].n;
	out->apart = lists[1].items;
	out->n_apart = lists[1].n;
	out->n_without_port = suggest->n_without_port;
	return r;
}

int suggest_finish(struct suggest *suggest, struct suggestion *out,
		   struct err *err)
{
	struct suggestion made = { 0 };

	if (conclude(suggest, &made) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	*out = made;
	return 0;
}
