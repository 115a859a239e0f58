/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "netpold/snapshot.h"

#include "snapshot_parts.h"

/* Fewer misses are nearer; where the numbers are equal, a rule that lets the
   peer through is more likely the one that was meant. */
static bool is_nearer(const struct rule_result *a, const struct rule_result *b)
{
	int n_a = __builtin_popcount(a->misses);
	int n_b = __builtin_popcount(b->misses);

	if (n_a != n_b)
		return n_a < n_b;
	return a->misses == MISS_PORT && b->misses != MISS_PORT;
}

static size_t count_rules(const struct snapshot_pod *pod, enum direction dir)
{
	size_t n = 0;

	for (size_t i = 0; i < pod->n_isolating[dir]; i++)
		n += pod->isolating[dir][i]->n_rules[dir];
	return n;
}

static void ask_every_rule(const struct snapshot_pod *pod, enum direction dir,
			   struct rule_question *question,
			   struct rule_result *results)
{
	for (size_t i = 0; i < pod->n_isolating[dir]; i++) {
		const struct network_policy *policy = pod->isolating[dir][i];

		question->policy_namespace = policy->namespace;
		for (size_t k = 0; k < policy->n_rules[dir]; k++) {
			rule_misses(&policy->rules[dir][k], question, results);
			results->policy = policy;
			results->rule = k;
			results++;
		}
	}
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
	ask_every_rule(pod, dir, &question, results);
	out->rules = results;
	if (out->side.reason == REASON_RULE)
		name_allowing(out);
	for (size_t i = 0; i < out->n_rules; i++) {
		if (!out->nearest || is_nearer(&results[i], out->nearest))
			out->nearest = &results[i];
	}
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
