/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From policies to the rule tables of identities.
 *
 * Only identities with a local pod have rule tables: the others' nodes decide
 * for them. A policy that comes or goes marks the identities that it selects,
 * and what is marked is compiled when all changes are known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/selector.h"

#include "table/table.h"

/* ---- policies ----------------------------------------------------------- */

/* One whose podSelector cannot be evaluated selects nothing (NP-25). */
static bool can_select(const struct object *policy)
{
	return policy && selector_is_evaluable(&policy->policy.pod_selector);
}

void selection_mark(struct table *table, struct identity *identity)
{
	if (identity->dirty)
		return;
	identity->dirty = true;
	identity->next_dirty = table->dirty_identities;
	table->dirty_identities = identity;
}

static void mark_selected(struct table *table,
			  const struct table_namespace *namespace,
			  const struct object *policy)
{
	struct identity *identity = namespace->identities;

	for (; identity; identity = identity->next_sibling) {
		if (identity->compiled &&
		    match_labels(&policy->policy.pod_selector,
				 &identity->labels))
			selection_mark(table, identity);
	}
}

static int add_policy(struct table *table, const struct object *policy)
{
	const struct network_policy *p = &policy->policy;
	struct table_namespace *namespace =
		namespaces_get(&table->parts, &table->namespaces, p->namespace);
	int r;

	if (!namespace)
		return -ENOMEM;
	r = namespace_add_policy(&table->parts, namespace, policy);
	if (r == 0)
		r = label_index_add(&table->parts, &table->policies,
				    p->namespace, &p->pod_selector,
				    (void *)(uintptr_t)policy);
	if (r < 0)
		return r;
	table->n_policies++;
	mark_selected(table, namespace, policy);
	return 0;
}

static void remove_policy(struct table *table, const struct object *policy)
{
	const struct network_policy *p = &policy->policy;
	struct table_namespace *namespace =
		namespaces_find(&table->namespaces, p->namespace);

	label_index_remove(&table->parts, &table->policies, p->namespace,
			   &p->pod_selector, policy);
	mark_selected(table, namespace, policy);
	table->n_policies--;
	namespace_remove_policy(&table->parts, namespace, policy);
	namespaces_drop_unused(&table->parts, &table->namespaces, namespace);
}

int selection_change_policy(struct table *table, const struct object *old,
			    const struct object *new)
{
	int r = can_select(new) ? add_policy(table, new) : 0;

	if (r == 0 && can_select(old))
		remove_policy(table, old);
	return r;
}

/* ---- the policies of an identity ---------------------------------------- */

struct selection {
	struct parts *parts;
	const struct labels *labels;
	const struct object **items;
	size_t n, capacity;
};

static int select_policy(void *ctx, void *thing)
{
	struct selection *s = ctx;
	const struct object *policy = thing;
	const struct object **items;

	if (!match_labels(&policy->policy.pod_selector, s->labels))
		return 0;
	items = parts_grow(s->parts, PART_INDEX, s->items, s->n, &s->capacity,
			   sizeof(void *));
	if (!items)
		return -ENOMEM;
	s->items = items;
	items[s->n++] = policy;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct object *p = *(const struct object *const *)a;
	const struct object *q = *(const struct object *const *)b;

	return strcmp(p->policy.name, q->policy.name);
}

/* By name, each once: the index may lead to one of them twice. */
static void sort_selection(struct selection *s)
{
	size_t n = 0;

	if (s->n > 1)
		qsort(s->items, s->n, sizeof(void *), compare_names);
	for (size_t i = 0; i < s->n; i++) {
		if (n == 0 || s->items[n - 1] != s->items[i])
			s->items[n++] = s->items[i];
	}
	s->n = n;
}

static void selection_release(struct selection *s)
{
	parts_free(s->parts, PART_INDEX, s->items,
		   s->capacity * sizeof(void *));
}

/* The rule table of a direction; *@out stays NULL where no policy isolates. */
static int get_rules(struct table *table, const struct identity *identity,
		     const struct selection *s, enum direction dir,
		     struct rule_table **out)
{
	const struct object **isolating = calloc(s->n, sizeof(void *));
	size_t n = 0;

	if (!isolating)
		return s->n ? -ENOMEM : 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i]->policy.isolates[dir])
			isolating[n++] = s->items[i];
	}
	if (n > 0)
		*out = rule_tables_get(&table->parts, &table->rule_tables, dir,
				       isolating, n, &identity->ports);
	free(isolating);
	return n > 0 && !*out ? -ENOMEM : 0;
}

/* ---- compiling ---------------------------------------------------------- */

/* Rules only ever allow: whoever was isolated before, and still has all the
   policies that he had, may all that he might. */
static bool may_deny(const struct rule_table *before,
		     const struct rule_table *after)
{
	return after && (!before || !rule_table_includes(after, before));
}

/* Takes the new rules over. */
static int set_rules(struct table *table, struct identity *identity,
		     struct rule_table *const rules[N_DIRECTIONS])
{
	bool changed = false;
	int r = 0;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		struct rule_table *before = identity->rules[dir];

		identity->rules[dir] = rules[dir];
		if (before != rules[dir]) {
			changed = true;
			table->may_deny[dir] |= may_deny(before, rules[dir]);
		}
		rule_tables_drop(&table->parts, &table->rule_tables, before);
	}
	identity->compiled = true;
	for (size_t i = 0; changed && i < identity->n_local && r == 0; i++)
		r = placement_touch(table, &identity->local[i]);
	if (changed && r == 0)
		r = identity_show(&table->parts, &table->identities, identity);
	return r;
}

static int compile_rules(struct table *table, struct identity *identity)
{
	struct selection s = { .parts = &table->parts,
			       .labels = &identity->labels };
	struct rule_table *rules[N_DIRECTIONS] = { 0 };
	int r;

	r = label_index_each(&table->policies, identity->facts->name, s.labels,
			     select_policy, &s);
	sort_selection(&s);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
		r = get_rules(table, identity, &s, dir, &rules[dir]);
	selection_release(&s);
	if (r == 0)
		return set_rules(table, identity, rules);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		rule_tables_drop(&table->parts, &table->rule_tables,
				 rules[dir]);
	return r;
}

void selection_drop(struct table *table, struct identity *identity)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		rule_tables_drop(&table->parts, &table->rule_tables,
				 identity->rules[dir]);
		identity->rules[dir] = NULL;
	}
	identity->compiled = false;
}

/* Without a local pod nobody asks; the next one compiles it anew. */
static int drop_unasked(struct table *table, struct identity *identity)
{
	if (!identity->compiled)
		return 0;
	selection_drop(table, identity);
	return identity_show(&table->parts, &table->identities, identity);
}

int selection_settle(struct table *table)
{
	struct identity *identity;
	int r = 0;

	while (r == 0 && (identity = table->dirty_identities)) {
		table->dirty_identities = identity->next_dirty;
		identity->dirty = false;
		r = identity->n_local > 0 ? compile_rules(table, identity)
					  : drop_unasked(table, identity);
	}
	return r;
}

/* ---- sets of peers ------------------------------------------------------ */

static void fill_from(const struct table *table, const struct peer_set *set,
		      const struct table_namespace *namespace)
{
	const struct identity *identity = namespace->identities;

	for (; identity; identity = identity->next_sibling) {
		uint32_t number = identity->number;

		if (peer_set_matches(set, identity->facts, &identity->labels))
			table->words[number / IDENTITY_BLOCK] |=
				UINT64_C(1) << number % IDENTITY_BLOCK;
	}
}

/* Namespaces that do not match have only identities that do not, but for those
   that are about to get new facts. */
static bool may_match(const struct peer_set *set,
		      const struct table_namespace *namespace)
{
	return namespace->dirty ||
	       match_namespace(&set->namespaces, namespace->facts);
}

static void fill_from_all(const struct table *table, const struct peer_set *set)
{
	const struct namespaces *namespaces = &table->namespaces;

	for (size_t i = 0; i < namespaces->n_buckets; i++) {
		const struct table_namespace *namespace =
			namespaces->buckets[i];

		for (; namespace; namespace = namespace->next) {
			if (may_match(set, namespace))
				fill_from(table, set, namespace);
		}
	}
}

static int grow_words(struct table *table, size_t n)
{
	size_t capacity = table->words_capacity ? table->words_capacity : 64;
	uint64_t *words;

	if (n <= table->words_capacity)
		return 0;
	while (capacity < n)
		capacity *= 2;
	words = calloc(capacity, sizeof(*words));
	if (!words)
		return -ENOMEM;
	free(table->words);
	table->words = words;
	table->words_capacity = capacity;
	return 0;
}

int selection_fill_set(void *ctx, struct peer_set *set)
{
	struct table *table = ctx;
	size_t n = table->identities.n_blocks;
	const struct table_namespace *namespace;
	int r = grow_words(table, n);

	if (r < 0 || set->never || n == 0)
		return r;
	if (!set->own) {
		fill_from_all(table, set);
	} else {
		namespace = namespaces_find(&table->namespaces, set->own);
		if (namespace)
			fill_from(table, set, namespace);
	}
	r = peer_set_fill(&table->parts, set, table->words, (uint32_t)n);
	memset(table->words, 0, n * sizeof(*table->words));
	return r;
}
