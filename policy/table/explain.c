/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/snapshot.h"

#include <errno.h>
#include <stdbool.h>

#include "table/rule.h"
#include "table/rule_table.h"
#include "table/snapshot_parts.h"

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

/* What goes through the whole of one explanation. */
struct explaining {
	const struct snapshot *snapshot;
	const struct flow_key *key;
	struct flow_ends ends;
	struct arena *arena;
	bool only_nearest;
	struct explain_bound bound;
};

static const struct explain_bound unbound = { SIZE_MAX, SIZE_MAX };

/* As many as are within the bound. */
static size_t count_rules(const struct side_explanation *side,
			  enum direction dir, size_t entries)
{
	size_t n = 0;

	for (size_t i = 0; i < side->n_isolating; i++) {
		const struct network_policy *policy = side->isolating[i];

		for (size_t k = 0; k < policy->n_rules[dir]; k++, n++) {
			const struct rule *rule = &policy->rules[dir][k];
			size_t more = 1 + rule->n_peers + rule->n_ports;

			if (more > entries)
				return n;
			entries -= more;
		}
	}
	return n;
}

/* The first @n. */
static void ask_rules(const struct side_explanation *side, enum direction dir,
		      struct rule_question *question,
		      struct rule_result *results, size_t n)
{
	const struct rule_result *end = results + n;

	for (size_t i = 0; results < end; i++) {
		const struct network_policy *policy = side->isolating[i];

		question->policy_namespace = policy->namespace;
		for (size_t k = 0; k < policy->n_rules[dir] && results < end;
		     k++, results++) {
			rule_misses(&policy->rules[dir][k], question, results);
			results->policy = policy;
			results->rule = k;
		}
	}
}

static struct rule_result *nearest_of(struct rule_result *rules, size_t n)
{
	struct rule_result *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!nearest || rules[i].distance < nearest->distance)
			nearest = &rules[i];
	}
	return nearest;
}

static int list_policies(const struct explaining *e,
			 const struct rule_table *table,
			 struct side_explanation *out)
{
	const struct object *const *objects;
	size_t all = rule_table_policies(table, &objects);
	size_t n = all < e->bound.policies ? all : e->bound.policies;
	const struct network_policy **policies =
		arena_array(e->arena, n, sizeof(void *));

	if (!policies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		policies[i] = &objects[i]->policy;
	out->isolating = policies;
	out->n_isolating = n;
	out->n_unlisted = all - n;
	return 0;
}

/* The question that every rule of one side is asked, but for the policy. */
static struct rule_question question_of(const struct explaining *e,
					enum direction dir)
{
	struct far_end far = snapshot_far_end(e->key, &e->ends, dir);
	struct rule_question question = {
		.key = e->key,
		.other.addr = *far.addr,
		.port_pod = e->ends.dst.pod ? &e->ends.dst.pod->pod : NULL,
	};
	const struct namespace_facts *facts;

	if (!far.placed->pod)
		return question;
	facts = snapshot_view(e->snapshot, *far.placed)->identity->facts;
	question.other.pod = &far.placed->pod->pod;
	question.other.namespace_labels = facts->known ? &facts->labels : NULL;
	return question;
}

static int list_unmet(const struct explaining *e,
		      const struct rule_question *question,
		      struct rule_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rule_list_unmet(question, e->arena, &results[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int explain_rules(const struct explaining *e, enum direction dir,
			 struct side_explanation *out)
{
	struct rule_question question = question_of(e, dir);
	struct rule_result *results, *nearest;

	out->n_rules = count_rules(out, dir, e->bound.entries);
	results = arena_array(e->arena, out->n_rules, sizeof(*results));
	if (!results)
		return -ENOMEM;
	ask_rules(out, dir, &question, results, out->n_rules);
	nearest = nearest_of(results, out->n_rules);
	out->rules = results;
	out->nearest = nearest;
	if (!e->only_nearest)
		return list_unmet(e, &question, results, out->n_rules);
	return list_unmet(e, &question, nearest, nearest ? 1 : 0);
}

static int explain_side(const struct explaining *e, enum direction dir,
			struct side_explanation *out)
{
	const struct object *pod =
		dir == DIRECTION_EGRESS ? e->ends.src.pod : e->ends.dst.pod;
	const struct rule_lookup *rules;
	struct rule_query query;
	int r;

	*out = (struct side_explanation){ .pod = pod ? &pod->pod : NULL };
	out->side = snapshot_side(e->snapshot, e->key, &e->ends, dir, &rules);
	if (!rules)
		return 0;
	r = list_policies(e, rules->table, out);
	if (r < 0)
		return r;
	query = snapshot_query(e->snapshot, rules, e->key,
			       snapshot_far_end(e->key, &e->ends, dir));
	if (out->side.reason == REASON_RULE)
		rule_table_find(rules->table, &query, &out->policy, &out->rule);
	if (out->side.reason == REASON_RULE &&
	    e->bound.entries < unbound.entries)
		return 0;
	return explain_rules(e, dir, out);
}

static int explain(const struct explaining *e, struct explanation *out)
{
	out->decision = snapshot_decide(e->snapshot, e->key);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		int r = explain_side(e, dir, &out->sides[dir]);

		if (r < 0)
			return r;
	}
	return 0;
}

int snapshot_explain(const struct snapshot *snapshot,
		     const struct flow_key *key, struct arena *arena,
		     struct explanation *out)
{
	const struct explaining e = {
		.snapshot = snapshot,
		.key = key,
		.ends = snapshot_ends(snapshot, key),
		.arena = arena,
		.bound = unbound,
	};

	return explain(&e, out);
}

int snapshot_explain_nearest(const struct snapshot *snapshot,
			     const struct flow_key *key, struct arena *arena,
			     struct explanation *out)
{
	const struct explaining e = {
		.snapshot = snapshot,
		.key = key,
		.ends = snapshot_ends(snapshot, key),
		.arena = arena,
		.only_nearest = true,
		.bound = unbound,
	};

	return explain(&e, out);
}

int snapshot_explain_some(const struct snapshot *snapshot,
			  const struct flow_key *key,
			  const struct explain_bound *bound,
			  struct arena *arena, struct explanation *out)
{
	const struct explaining e = {
		.snapshot = snapshot,
		.key = key,
		.ends = snapshot_ends(snapshot, key),
		.arena = arena,
		.only_nearest = true,
		.bound = *bound,
	};

	return explain(&e, out);
}
