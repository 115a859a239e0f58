/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "netpold/snapshot.h"

#include "snapshot_parts.h"

const char *miss_name(enum miss miss)
{
	switch (miss) {
	case MISS_PORT:
		return "port";
	case MISS_NAMESPACE:
		return "namespace";
	case MISS_NAMESPACE_LABELS:
		return "namespace-labels";
	case MISS_NAMESPACE_UNKNOWN:
		return "namespace-unknown";
	case MISS_POD_LABELS:
		return "pod-labels";
	case MISS_NOT_A_POD:
		return "not-a-pod";
	case MISS_BLOCK:
		return "block";
	case MISS_EXCEPT:
		return "except";
	}
	return "unknown";
}

static size_t count_rules(const struct snapshot_pod *pod, enum direction dir)
{
	size_t n = 0;

	for (size_t i = 0; i < pod->n_isolating[dir]; i++)
		n += pod->isolating[dir][i]->n_rules[dir];
	return n;
}

static int ask_every_rule(const struct snapshot_pod *pod, enum direction dir,
			  struct rule_question *question, struct arena *arena,
			  struct rule_result *results)
{
	for (size_t i = 0; i < pod->n_isolating[dir]; i++) {
		const struct network_policy *policy = pod->isolating[dir][i];

		question->policy_namespace = policy->namespace;
		for (size_t k = 0; k < policy->n_rules[dir]; k++, results++) {
			rule_misses(&policy->rules[dir][k], question, results);
			results->policy = policy;
			results->rule = k;
			if (rule_list_unmet(question, arena, results) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static const struct rule_result *nearest_of(const struct rule_result *rules,
					    size_t n)
{
	const struct rule_result *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!nearest || rules[i].distance < nearest->distance)
			nearest = &rules[i];
	}
	return nearest;
}

/* Which rule is why: of those that allow, the first. */
static void name_allowing(struct side_explanation *side)
{
	for (size_t i = 0; i < side->n_rules; i++) {
		if (side->rules[i].misses == 0) {
			side->policy = side->rules[i].policy;
			side->rule = side->rules[i].rule;
			return;
		}
	}
}

static int explain_side(const struct flow_key *key,
			const struct flow_ends *ends, enum direction dir,
			struct arena *arena, struct side_explanation *out)
{
	const struct snapshot_pod *pod;
	struct rule_question question;
	struct rule_result *results;
	int r;

	pod = dir == DIRECTION_EGRESS ? ends->src : ends->dst;
	*out = (struct side_explanation){
		.side = snapshot_side(key, ends, dir),
		.pod = pod ? &pod->pod : NULL,
	};
	if (!pod || !pod->local)
		return 0;
	out->isolating = pod->isolating[dir];
	out->n_isolating = pod->n_isolating[dir];
	out->n_rules = count_rules(pod, dir);
	results = arena_array(arena, out->n_rules, sizeof(*results));
	if (!results)
		return -ENOMEM;
	question = snapshot_question(key, ends, dir);
	r = ask_every_rule(pod, dir, &question, arena, results);
	if (r < 0)
		return r;
	out->rules = results;
	out->nearest = nearest_of(results, out->n_rules);
	if (out->side.reason == REASON_RULE)
		name_allowing(out);
	return 0;
}

int snapshot_explain(const struct snapshot *snapshot,
		     const struct flow_key *key, struct arena *arena,
		     struct explanation *out)
{
	struct flow_ends ends = snapshot_ends(snapshot, key);

	out->decision = snapshot_decide(snapshot, key);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		int r = explain_side(key, &ends, dir, arena, &out->sides[dir]);

		if (r < 0)
			return r;
	}
	return 0;
}
