/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/peer_set.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "netpold/selector.h"

#include "store/policy_copy.h"

#define FIRST_BUCKETS 64

/* Spaces of the index: sets that a namespace's labels lead to, and those that
   only a pod's can. Those with a namespace of their own are in a space named by
   that. */
static const char by_namespace, by_pod;

static const struct selector everything;

/* ---- bits --------------------------------------------------------------- */

/* Bits that are not beside their set. */
struct peer_words {
	struct part part;
	struct peer_bits bits;
};

static size_t words_size(uint32_t n)
{
	return sizeof(struct peer_words) + n * sizeof(uint64_t);
}

static void words_free(struct parts *parts, struct part *part)
{
	const struct peer_words *words = (struct peer_words *)part;

	parts_free(parts, PART_PEERS, part, words_size(words->bits.n));
}

/* Who compiles may write. */
static struct peer_bits *bits_of(const struct peer_set *set)
{
	return (struct peer_bits *)(uintptr_t)atomic_load_explicit(
		&set->bits, memory_order_relaxed);
}

static uint64_t word_at(const struct peer_bits *bits, uint32_t i)
{
	return atomic_load_explicit(&bits->words[i], memory_order_relaxed);
}

static struct peer_bits *few_of(struct peer_set *set)
{
	return (struct peer_bits *)&set->few;
}

/* Bits of a new set that are few stay beside it. */
static bool fits_beside(const struct parts *parts, struct peer_set *set,
			uint32_t first, uint32_t end)
{
	struct peer_bits *few = few_of(set);

	if (!part_is_ours(parts, &set->part) || bits_of(set) != few ||
	    few->n > 0 || end - first > PEER_SET_FEW_WORDS)
		return false;
	few->first = first;
	few->n = end - first;
	return true;
}

/* Room for words. Readers of a published set come to it at once, in the middle
   of the round: it counts as made when the set was. */
static struct peer_words *words_new(struct parts *parts,
				    const struct peer_set *set, uint32_t first,
				    uint32_t end)
{
	struct peer_words *words = parts_new(
		parts, PART_PEERS, words_size(end - first), words_free);

	if (!words)
		return NULL;
	words->part.round = set->part.round;
	words->bits.first = first;
	words->bits.n = end - first;
	return words;
}

/* Give a set room for some words. Bits that readers may be using stay. */
static int widen(struct parts *parts, struct peer_set *set, uint32_t first,
		 uint32_t end)
{
	struct peer_bits *old = bits_of(set);
	struct peer_words *many;

	if (old->n > 0 && first >= old->first && end <= old->first + old->n)
		return 0;
	if (fits_beside(parts, set, first, end))
		return 0;
	if (old->n > 0 && old->first < first)
		first = old->first;
	if (old->n > 0 && old->first + old->n > end)
		end = old->first + old->n;
	many = words_new(parts, set, first, end);
	if (!many)
		return -ENOMEM;
	for (uint32_t i = 0; i < old->n; i++)
		atomic_store_explicit(&many->bits.words[old->first - first + i],
				      word_at(old, i), memory_order_relaxed);
	/* Pairs with the acquire of peer_set_has(). */
	atomic_store_explicit(&set->bits, &many->bits, memory_order_release);
	parts_throw(parts, set->many ? &set->many->part : NULL);
	set->many = many;
	return 0;
}

static void set_in_word(struct peer_set *set, uint32_t word, uint64_t mask)
{
	struct peer_bits *bits = bits_of(set);

	atomic_fetch_or_explicit(&bits->words[word - bits->first], mask,
				 memory_order_relaxed);
}

static void clear_bit(struct peer_set *set, uint32_t identity)
{
	struct peer_bits *bits = bits_of(set);
	uint32_t word = identity / 64 - bits->first;

	if (word < bits->n)
		atomic_fetch_and_explicit(&bits->words[word],
					  ~(UINT64_C(1) << identity % 64),
					  memory_order_relaxed);
}

/* A union may be a member of another: a rule's peers of a node's. */
static int add(struct parts *parts, struct peer_set *set, uint32_t identity)
{
	uint32_t word = identity / 64;
	int r = widen(parts, set, word, word + 1);

	if (r < 0)
		return r;
	set_in_word(set, word, UINT64_C(1) << identity % 64);
	for (size_t i = 0; i < set->n_unions && r == 0; i++)
		r = add(parts, set->unions[i], identity);
	return r;
}

static void take_out(struct peer_set *set, uint32_t identity)
{
	clear_bit(set, identity);
	for (size_t i = 0; i < set->n_unions; i++)
		take_out(set->unions[i], identity);
}

int peer_set_fill(struct parts *parts, struct peer_set *set,
		  const uint64_t *words, uint32_t n)
{
	uint32_t first = 0;
	int r;

	while (n > 0 && words[n - 1] == 0)
		n--;
	while (first < n && words[first] == 0)
		first++;
	if (first == n)
		return 0;
	r = widen(parts, set, first, n);
	for (uint32_t i = first; i < n && r == 0; i++)
		set_in_word(set, i, words[i]);
	return r;
}

/* ---- matching ----------------------------------------------------------- */

bool peer_set_matches(const struct peer_set *set,
		      const struct namespace_facts *facts,
		      const struct labels *labels)
{
	if (set->never)
		return false;
	if (set->own ? set->own != facts->name
		     : !match_namespace(&set->namespaces, facts))
		return false;
	return match_labels(&set->pods, labels);
}

struct visit {
	struct parts *parts; /* NULL: take out */
	const struct namespace_facts *facts;
	const struct labels *labels;
	uint32_t identity;
};

static int visit_set(void *ctx, void *thing)
{
	const struct visit *visit = ctx;
	struct peer_set *set = thing;

	if (!peer_set_matches(set, visit->facts, visit->labels))
		return 0;
	if (visit->parts)
		return add(visit->parts, set, visit->identity);
	take_out(set, visit->identity);
	return 0;
}

static int visit_sets(const struct peer_sets *sets, struct visit *visit)
{
	const struct namespace_facts *facts = visit->facts;
	int r;

	r = label_index_each(&sets->index, facts->name, visit->labels,
			     visit_set, visit);
	if (r == 0)
		r = label_index_each(&sets->index, &by_pod, visit->labels,
				     visit_set, visit);
	if (r == 0)
		r = label_index_each(&sets->index, &by_namespace,
				     &facts->labels, visit_set, visit);
	return r;
}

int peer_sets_enter(struct parts *parts, const struct peer_sets *sets,
		    const struct namespace_facts *facts,
		    const struct labels *labels, uint32_t identity)
{
	struct visit visit = { parts, facts, labels, identity };

	return visit_sets(sets, &visit);
}

void peer_sets_leave(const struct peer_sets *sets,
		     const struct namespace_facts *facts,
		     const struct labels *labels, uint32_t identity)
{
	struct visit visit = { NULL, facts, labels, identity };

	visit_sets(sets, &visit);
}

/* ---- finding equal ones ------------------------------------------------- */

static size_t mix(size_t hash, uintptr_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static size_t hash_selector(size_t hash, const struct selector *selector)
{
	hash = mix(hash, selector->n);
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		hash = mix(mix(mix(hash, (uintptr_t)r->key), r->op),
			   r->n_values);
		for (size_t k = 0; k < r->n_values; k++)
			hash = mix(hash, (uintptr_t)r->values[k]);
	}
	return hash;
}

/* Of one pool: pointers tell. Selectors that say the same in another order are
   different ones, which costs nothing but a set more. */
static bool selectors_equal(const struct selector *a, const struct selector *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct requirement *p = &a->requirements[i];
		const struct requirement *q = &b->requirements[i];

		if (p->key != q->key || p->op != q->op ||
		    p->n_values != q->n_values ||
		    (p->n_values && memcmp(p->values, q->values,
					   p->n_values * sizeof(void *)) != 0))
			return false;
	}
	return true;
}

/* A peer, spelled out. */
struct question {
	const char *own;
	const struct selector *namespaces;
	const struct selector *pods;
	size_t hash;
};

static struct question question_of(const struct peer *peer,
				   const char *namespace)
{
	struct question q = {
		.own = peer->namespace_selector ? NULL : namespace,
		.namespaces = peer->namespace_selector
				      ? peer->namespace_selector
				      : &everything,
		.pods = peer->pod_selector ? peer->pod_selector : &everything,
	};

	q.hash = hash_selector(
		hash_selector(mix(0, (uintptr_t)q.own), q.namespaces), q.pods);
	return q;
}

static bool answers(const struct peer_set *set, const struct question *q)
{
	return set->hash == q->hash && set->own == q->own &&
	       selectors_equal(&set->namespaces, q->namespaces) &&
	       selectors_equal(&set->pods, q->pods);
}

static struct peer_set **bucket(const struct peer_sets *sets, size_t hash)
{
	return &sets->buckets[hash & (sets->n_buckets - 1)];
}

static int grow(struct parts *parts, struct peer_sets *sets)
{
	struct peer_sets grown = *sets;

	grown.n_buckets = sets->n_buckets ? sets->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_PEERS,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < sets->n_buckets; i++) {
		struct peer_set *set = sets->buckets[i];

		while (set) {
			struct peer_set *next = set->next;
			struct peer_set **head = bucket(&grown, set->hash);

			set->next = *head;
			*head = set;
			set = next;
		}
	}
	parts_free(parts, PART_PEERS, sets->buckets,
		   sets->n_buckets * sizeof(void *));
	*sets = grown;
	return 0;
}

/* ---- making ------------------------------------------------------------- */

static struct peer_set *set_of(struct part *part)
{
	return (struct peer_set *)((uintptr_t)part -
				   offsetof(struct peer_set, part));
}

static void set_free(struct parts *parts, struct part *part)
{
	struct peer_set *set = set_of(part);

	if (set->many)
		words_free(parts, &set->many->part);
	selector_drop(parts->pool, &set->namespaces);
	selector_drop(parts->pool, &set->pods);
	intern_drop(parts->pool, set->own);
	parts_free(parts, PART_PEERS, set->unions,
		   set->unions_capacity * sizeof(void *));
	parts_free(parts, PART_PEERS, set->members,
		   set->n_members * sizeof(void *));
	parts_free(parts, PART_PEERS, set, set->size);
}

/* An empty set, used once. */
static struct peer_set *set_begin(struct parts *parts, size_t size)
{
	struct peer_set *set = parts_alloc_line(parts, PART_PEERS, size);

	if (!set)
		return NULL;
	part_begin(parts, &set->part, set_free);
	set->size = size;
	set->n_users = 1;
	atomic_init(&set->bits, few_of(set));
	return set;
}

static struct peer_set *set_new(struct parts *parts, const struct question *q)
{
	size_t namespaces = selector_copy_size(q->namespaces);
	struct peer_set *set = set_begin(
		parts, sizeof(*set) + namespaces + selector_copy_size(q->pods));
	unsigned char *tail;

	if (!set)
		return NULL;
	tail = (unsigned char *)(set + 1);
	if (selector_copy(parts->pool, q->namespaces, tail, &set->namespaces) <
	    0) {
		set->namespaces = everything;
		set_free(parts, &set->part);
		return NULL;
	}
	if (selector_copy(parts->pool, q->pods, tail + namespaces, &set->pods) <
	    0) {
		set->pods = everything;
		set_free(parts, &set->part);
		return NULL;
	}
	set->own = q->own ? intern_again(q->own) : NULL;
	set->hash = q->hash;
	set->never = !selector_is_evaluable(&set->namespaces) ||
		     !selector_is_evaluable(&set->pods);
	return set;
}

/* Where the index has it: the space, and the selector that leads to it. */
static const void *space_of(const struct peer_set *set,
			    const struct selector **lead)
{
	*lead = &set->pods;
	if (set->own)
		return set->own;
	if (!label_index_can_lead_to(&set->namespaces))
		return &by_pod;
	*lead = &set->namespaces;
	return &by_namespace;
}

static int enter(struct parts *parts, struct peer_sets *sets,
		 struct peer_set *set)
{
	const struct selector *lead;
	const void *space = space_of(set, &lead);
	struct peer_set **head;

	if (sets->n_sets >= sets->n_buckets && grow(parts, sets) < 0)
		return -ENOMEM;
	if (!set->never &&
	    label_index_add(parts, &sets->index, space, lead, set) < 0)
		return -ENOMEM;
	head = bucket(sets, set->hash);
	set->next = *head;
	*head = set;
	sets->n_sets++;
	sets->n_built++;
	return 0;
}

static void leave(struct parts *parts, struct peer_sets *sets,
		  struct peer_set *set)
{
	const struct selector *lead;
	const void *space = space_of(set, &lead);
	struct peer_set **link = bucket(sets, set->hash);

	while (*link != set)
		link = &(*link)->next;
	*link = set->next;
	sets->n_sets--;
	if (!set->never)
		label_index_remove(parts, &sets->index, space, lead, set);
}

struct peer_set *peer_sets_get(struct parts *parts, struct peer_sets *sets,
			       const struct peer *peer, const char *namespace,
			       bool *is_new)
{
	struct question q = question_of(peer, namespace);
	struct peer_set *set = sets->buckets ? *bucket(sets, q.hash) : NULL;

	while (set && !answers(set, &q))
		set = set->next;
	*is_new = !set;
	if (set) {
		set->n_users++;
		return set;
	}
	set = set_new(parts, &q);
	if (set && enter(parts, sets, set) < 0) {
		set_free(parts, &set->part);
		return NULL;
	}
	return set;
}

/* ---- unions ------------------------------------------------------------- */

static void forget_union(struct peer_set *member, const struct peer_set *whole)
{
	size_t i = member->n_unions;

	while (i-- > 0) {
		if (member->unions[i] == whole) {
			member->unions[i] = member->unions[--member->n_unions];
			return;
		}
	}
}

static int join(struct parts *parts, struct peer_set *whole,
		struct peer_set *member)
{
	struct peer_set **unions =
		parts_grow(parts, PART_PEERS, member->unions, member->n_unions,
			   &member->unions_capacity, sizeof(void *));
	const struct peer_bits *bits = bits_of(member);

	if (!unions)
		return -ENOMEM;
	member->unions = unions;
	unions[member->n_unions++] = whole;
	for (uint32_t i = 0; i < bits->n; i++)
		set_in_word(whole, bits->first + i, word_at(bits, i));
	return 0;
}

/* Room for all that the members have. */
static int widen_for(struct parts *parts, struct peer_set *whole,
		     struct peer_set **members, size_t n)
{
	uint32_t first = UINT32_MAX, end = 0;

	for (size_t i = 0; i < n; i++) {
		const struct peer_bits *bits = bits_of(members[i]);

		if (bits->n == 0)
			continue;
		first = bits->first < first ? bits->first : first;
		end = bits->first + bits->n > end ? bits->first + bits->n : end;
	}
	return end > 0 ? widen(parts, whole, first, end) : 0;
}

struct peer_set *peer_set_unite(struct parts *parts, struct peer_set **members,
				size_t n)
{
	struct peer_set *whole = set_begin(parts, sizeof(*whole));
	int r;

	if (!whole)
		return NULL;
	whole->members = parts_alloc(parts, PART_PEERS, n * sizeof(void *));
	if (!whole->members) {
		set_free(parts, &whole->part);
		return NULL;
	}
	whole->n_members = n;
	memcpy(whole->members, members, n * sizeof(void *));
	r = widen_for(parts, whole, members, n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = join(parts, whole, members[i]);
	if (r == 0) {
		for (size_t i = 0; i < n; i++)
			members[i]->n_users++;
		return whole;
	}
	for (size_t i = 0; i < n; i++)
		forget_union(members[i], whole);
	set_free(parts, &whole->part);
	return NULL;
}

/* ---- users -------------------------------------------------------------- */

void peer_set_drop(struct parts *parts, struct peer_sets *sets,
		   struct peer_set *set)
{
	if (--set->n_users > 0)
		return;
	if (!set->members)
		leave(parts, sets, set);
	for (size_t i = 0; i < set->n_members; i++) {
		forget_union(set->members[i], set);
		peer_set_drop(parts, sets, set->members[i]);
	}
	parts_throw(parts, &set->part);
}

void peer_sets_release(struct parts *parts, struct peer_sets *sets)
{
	label_index_release(parts, &sets->index);
	parts_free(parts, PART_PEERS, sets->buckets,
		   sets->n_buckets * sizeof(void *));
	*sets = (struct peer_sets){ 0 };
}
