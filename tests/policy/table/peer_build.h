/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_PEER_BUILD_H
#define NETPOLD_TESTS_POLICY_TABLE_PEER_BUILD_H

#include "netpold/selector.h"

#include "table/peer_set.h"

#include "parts_build.h"
#include "random_objects.h"

/*
 * Sets of peers without a table around them: some namespaces, identities that
 * come and go, and peers. The twin of a set is the list of the peers that it
 * stands for, evaluated by policy/selector.c.
 */
static struct peer_sets sets;

static inline int make_sets(void **state)
{
	sets = (struct peer_sets){ 0 };
	return make_parts(state);
}

static inline int free_sets(void **state)
{
	assert_int_equal(0, sets.n_sets);
	peer_sets_release(&the_parts, &sets);
	return free_parts(state);
}

/* ---- namespaces --------------------------------------------------------- */

/* Those with names that selectors ask for, and one besides. Of the last two no
   object was seen. */
#define N_NAMESPACES 5
static struct namespace_facts facts[N_NAMESPACES];

static inline void make_facts(struct random *random)
{
	for (size_t i = 0; i < N_NAMESPACES; i++) {
		const char *name =
			i < N_NAMESPACE_NAMES ? namespace_names[i] : "other";
		const struct label label = { NAMESPACE_NAME_LABEL, name };
		struct labels labels = { &label, 1 };

		facts[i].known = i < 3;
		if (facts[i].known)
			labels = random_namespace_labels(random, &build_arena,
							 name);
		facts[i].name = intern(the_parts.pool, name);
		facts[i].labels = keep_labels(&labels);
	}
}

static inline void drop_facts(void)
{
	for (size_t i = 0; i < N_NAMESPACES; i++) {
		intern_drop(the_parts.pool, facts[i].name);
		intern_labels_drop(the_parts.pool, &facts[i].labels);
	}
}

/* ---- the twin ----------------------------------------------------------- */

/* A peer of a policy in a namespace, with strings of the pool. */
struct leaf {
	struct peer peer;
	const char *namespace;
};

/* NP-42: of a namespace that was not seen, its name is all there is. */
static inline bool namespace_matches(const struct selector *selector,
				     const struct namespace_facts *f)
{
	if (f->known)
		return selector_matches(selector, &f->labels);
	for (size_t i = 0; i < selector->n; i++) {
		if (strcmp(selector->requirements[i].key,
			   NAMESPACE_NAME_LABEL) != 0)
			return false;
	}
	return selector_matches(selector, &f->labels);
}

static inline bool leaf_matches(const struct leaf *leaf,
				const struct namespace_facts *f,
				const struct labels *labels)
{
	const struct peer *peer = &leaf->peer;

	if (peer->namespace_selector
		    ? !namespace_matches(peer->namespace_selector, f)
		    : strcmp(leaf->namespace, f->name) != 0)
		return false;
	return !peer->pod_selector ||
	       selector_matches(peer->pod_selector, labels);
}

/* ---- leaves ------------------------------------------------------------- */

static inline const struct selector *
keep_optional(const struct selector *selector)
{
	struct selector *copy;

	if (!selector)
		return NULL;
	copy = arena_alloc(&build_arena, sizeof(*copy));
	*copy = keep_selector(selector);
	return copy;
}

static inline struct leaf keep_leaf(const struct peer *peer,
				    const char *namespace)
{
	struct leaf leaf = { *peer, intern(the_parts.pool, namespace) };

	leaf.peer.pod_selector = keep_optional(peer->pod_selector);
	leaf.peer.namespace_selector = keep_optional(peer->namespace_selector);
	return leaf;
}

static inline void drop_optional(const struct selector *selector)
{
	struct selector copy;

	if (!selector)
		return;
	copy = *selector;
	selector_drop(the_parts.pool, &copy);
}

static inline void drop_leaf(const struct leaf *leaf)
{
	intern_drop(the_parts.pool, leaf->namespace);
	drop_optional(leaf->peer.pod_selector);
	drop_optional(leaf->peer.namespace_selector);
}

/* Selectors as text; NULL is one that is not set. */
static inline struct leaf a_leaf(const char *namespaces, const char *pods,
				 const char *namespace)
{
	struct selector selectors[2];
	struct peer peer = { .kind = PEER_PODS };

	if (namespaces) {
		selectors[0] = selector_of(namespaces);
		peer.namespace_selector = &selectors[0];
	}
	if (pods) {
		selectors[1] = selector_of(pods);
		peer.pod_selector = &selectors[1];
	}
	return keep_leaf(&peer, namespace);
}

static inline struct peer_set *get(const struct leaf *leaf, bool *is_new)
{
	struct peer_set *set = peer_sets_get(&the_parts, &sets, &leaf->peer,
					     leaf->namespace, is_new);

	assert_non_null(set);
	return set;
}

static inline struct peer_set *get_new(const struct leaf *leaf)
{
	bool is_new;
	struct peer_set *set = get(leaf, &is_new);

	assert_true(is_new);
	return set;
}

/* What a reader finds in bits that he has come to. */
static inline bool bits_have(const struct peer_bits *bits, uint32_t number)
{
	uint32_t word = number / 64 - bits->first;

	return word < bits->n && (bits->words[word] >> number % 64 & 1);
}

/* ---- identities --------------------------------------------------------- */

#define N_NUMBERS 640 /* ten words */

/* An identity; nobody has the number where facts is NULL. */
struct identity {
	struct part part;
	const struct namespace_facts *facts;
	struct labels labels;
	bool thrown;
};

static struct identity ids[N_NUMBERS];

static inline uint32_t number_of(const struct identity *id)
{
	return (uint32_t)(id - ids);
}

static inline void identity_gone(struct parts *parts, struct part *part)
{
	struct identity *id = (struct identity *)part;

	peer_sets_leave(&sets, id->facts, &id->labels, number_of(id));
	intern_labels_drop(parts->pool, &id->labels);
	*id = (struct identity){ 0 };
}

static inline void come(struct identity *id, const struct namespace_facts *f,
			const struct labels *labels)
{
	id->facts = f;
	id->labels = keep_labels(labels);
	part_begin(&the_parts, &id->part, identity_gone);
	assert_int_equal(0, peer_sets_enter(&the_parts, &sets, f, &id->labels,
					    number_of(id)));
}

static inline void go(struct identity *id)
{
	id->thrown = true;
	parts_throw(&the_parts, &id->part);
}

static inline bool is_here(const struct identity *id)
{
	return id->facts && !id->thrown;
}

static inline void fill(struct peer_set *set, const struct leaf *leaf)
{
	uint64_t words[N_NUMBERS / 64] = { 0 };

	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (is_here(&ids[i]) &&
		    leaf_matches(leaf, ids[i].facts, &ids[i].labels))
			words[i / 64] |= UINT64_C(1) << i % 64;
	}
	assert_int_equal(0,
			 peer_set_fill(&the_parts, set, words, N_NUMBERS / 64));
}

#endif
