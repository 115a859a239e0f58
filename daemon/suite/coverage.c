/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/coverage.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "plain_text.h"

/* A policy, and how many flows were due to each of its parts. */
struct covered {
	const char *real; /* the file's one name, by which it is known */
	const char *file; /* as it was named first */
	unsigned int line;
	const char *namespace, *name;
	bool isolates[N_DIRECTIONS];
	uint64_t n_denied[N_DIRECTIONS];
	size_t n_rules[N_DIRECTIONS];
	uint64_t *n_allowed[N_DIRECTIONS]; /* by rule */
};

static int compare_entries(const void *a, const void *b)
{
	const struct covered *p = a, *q = b;
	int order = strcmp(p->real, q->real);

	if (order != 0)
		return order;
	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	order = strcmp(p->namespace, q->namespace);
	return order != 0 ? order : strcmp(p->name, q->name);
}

static struct covered key_of(const struct coverage *coverage,
			     const struct network_policy *policy)
{
	const struct origin *origin = origins_find(
		coverage->origins, policy->namespace, policy->name);

	return (struct covered){
		.real = origin ? origin->real : "",
		.file = origin ? origin->file : "",
		.line = origin ? origin->line : 0,
		.namespace = policy->namespace,
		.name = policy->name,
	};
}

static struct covered *find(const struct coverage *coverage,
			    const struct network_policy *policy)
{
	const struct covered key = key_of(coverage, policy);
	struct covered *const *found =
		tfind(&key, &coverage->entries, compare_entries);

	return found ? *found : NULL;
}

/* ---- filling ------------------------------------------------------------- */

static int add(struct coverage *coverage, const struct network_policy *policy)
{
	struct arena *arena = &coverage->arena;
	struct covered *entry = arena_alloc(arena, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	*entry = key_of(coverage, policy);
	entry->real = arena_strdup(arena, entry->real);
	entry->file = arena_strdup(arena, entry->file);
	entry->namespace = arena_strdup(arena, policy->namespace);
	entry->name = arena_strdup(arena, policy->name);
	if (!entry->real || !entry->file || !entry->namespace || !entry->name)
		return -ENOMEM;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		entry->isolates[dir] = policy->isolates[dir];
		/* Rules of a direction that is not isolated say nothing. */
		entry->n_rules[dir] =
			policy->isolates[dir] ? policy->n_rules[dir] : 0;
		entry->n_allowed[dir] = arena_array(arena, entry->n_rules[dir],
						    sizeof(uint64_t));
		if (!entry->n_allowed[dir])
			return -ENOMEM;
	}
	return tsearch(entry, &coverage->entries, compare_entries) ? 0
								   : -ENOMEM;
}

static int take_policy(void *ctx, const struct object *object)
{
	struct coverage *coverage = ctx;

	/* Those that only stand behind the suite are not what it is about. */
	if (!origins_find(coverage->origins, object->policy.namespace,
			  object->policy.name))
		return 0;
	if (find(coverage, &object->policy))
		return 0;
	return add(coverage, &object->policy);
}

int coverage_begin(struct coverage *coverage, const struct cluster *cluster,
		   const struct origins *origins)
{
	coverage->origins = origins;
	return cluster_each(cluster, OBJECT_NETWORK_POLICY, take_policy,
			    coverage);
}

/* Rules of the side that has them. A flow that the other side denies is not
   allowed by them. */
static void take_rules(struct coverage *coverage,
		       const struct side_explanation *side, enum direction dir)
{
	for (size_t i = 0; i < side->n_rules; i++) {
		const struct rule_result *rule = &side->rules[i];
		struct covered *entry;

		if (rule->misses != 0)
			continue;
		entry = find(coverage, rule->policy);
		if (entry && rule->rule < entry->n_rules[dir])
			entry->n_allowed[dir][rule->rule]++;
	}
}

static void take_denial(struct coverage *coverage,
			const struct side_explanation *side, enum direction dir)
{
	if (side->side.reason != REASON_NO_RULE_MATCHES)
		return;
	for (size_t i = 0; i < side->n_isolating; i++) {
		struct covered *entry = find(coverage, side->isolating[i]);

		if (entry)
			entry->n_denied[dir]++;
	}
}

void coverage_take(struct coverage *coverage,
		   const struct explanation *explanation)
{
	bool is_allowed = explanation->decision.verdict == VERDICT_ALLOW;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct side_explanation *side = &explanation->sides[dir];

		if (is_allowed)
			take_rules(coverage, side, (enum direction)dir);
		else
			take_denial(coverage, side, (enum direction)dir);
	}
}

/* ---- writing ------------------------------------------------------------- */

struct writing {
	FILE *out;
	size_t n_policies, n_used_policies;
	size_t n_rules, n_used_rules;
};

static void write_where(FILE *out, const struct covered *entry)
{
	if (*entry->file) {
		plain_text_write(out, entry->file);
		fprintf(out, ":%u: ", entry->line);
	}
	fprintf(out, "%s/%s: ", entry->namespace, entry->name);
}

static bool is_used(const struct covered *entry)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (entry->n_denied[dir] > 0)
			return true;
		for (size_t i = 0; i < entry->n_rules[dir]; i++) {
			if (entry->n_allowed[dir][i] > 0)
				return true;
		}
	}
	return false;
}

static void write_rules(struct writing *writing, const struct covered *entry,
			enum direction dir)
{
	for (size_t i = 0; i < entry->n_rules[dir]; i++) {
		writing->n_rules++;
		if (entry->n_allowed[dir][i] > 0) {
			writing->n_used_rules++;
			continue;
		}
		if (!is_used(entry))
			continue;
		write_where(writing->out, entry);
		fprintf(writing->out, "no case is allowed by %s rule %zu\n",
			direction_name(dir), i + 1);
	}
}

static void write_entry(struct writing *writing, const struct covered *entry)
{
	writing->n_policies++;
	if (is_used(entry)) {
		writing->n_used_policies++;
	} else {
		write_where(writing->out, entry);
		fputs("no case exercises it\n", writing->out);
	}
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		write_rules(writing, entry, (enum direction)dir);
		if (!is_used(entry) || !entry->isolates[dir] ||
		    entry->n_denied[dir] > 0)
			continue;
		write_where(writing->out, entry);
		fprintf(writing->out, "no case is denied by its %s side\n",
			direction_name(dir));
	}
}

static void visit_entry(const void *node, VISIT which, void *ctx)
{
	const struct covered *const *entry = node;

	if (which == postorder || which == leaf)
		write_entry(ctx, *entry);
}

void coverage_write(FILE *out, const struct coverage *coverage)
{
	struct writing writing = { .out = out };

	twalk_r(coverage->entries, visit_entry, &writing);
	fprintf(out,
		"coverage: %zu of %zu policies, %zu of %zu rules exercised\n",
		writing.n_used_policies, writing.n_policies,
		writing.n_used_rules, writing.n_rules);
}

/* Entries are the arena's. */
static void keep(void *entry)
{
	(void)entry;
}

void coverage_release(struct coverage *coverage)
{
	tdestroy(coverage->entries, keep);
	arena_release(&coverage->arena);
	*coverage = (struct coverage){ 0 };
}
