/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/label_index.h"

#include <errno.h>
#include <stdint.h>

#define FIRST_BUCKETS 64

struct index_key {
	const void *space;
	const char *key;   /* NULL: under nothing */
	const char *value; /* NULL: under the key alone */
};

struct index_entry {
	struct index_entry *next;
	struct index_key key;
	void **things;
	size_t n, capacity;
};

static size_t hash_key(struct index_key key)
{
	uint64_t hash = (uintptr_t)key.space * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 32 ^ (uintptr_t)key.key) * 0xc2b2ae3d27d4eb4f;
	hash = (hash ^ hash >> 32 ^ (uintptr_t)key.value) * 0x9e3779b97f4a7c15;
	return (size_t)(hash ^ hash >> 32);
}

static struct index_entry **bucket(const struct label_index *index,
				   struct index_key key)
{
	return &index->buckets[hash_key(key) & (index->n_buckets - 1)];
}

static struct index_entry **find(const struct label_index *index,
				 struct index_key key)
{
	struct index_entry **link = bucket(index, key);

	while (*link &&
	       ((*link)->key.space != key.space ||
		(*link)->key.key != key.key || (*link)->key.value != key.value))
		link = &(*link)->next;
	return link;
}

/* ---- the requirement to enter a selector under -------------------------- */

/* The `In` with the fewest values, else an `Exists`. */
static const struct requirement *lead_of(const struct selector *selector)
{
	const struct requirement *in = NULL, *exists = NULL;

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (r->op == SELECTOR_IN && (!in || r->n_values < in->n_values))
			in = r;
		else if (r->op == SELECTOR_EXISTS)
			exists = r;
	}
	return in ? in : exists;
}

bool label_index_can_lead_to(const struct selector *selector)
{
	return lead_of(selector) != NULL;
}

/* How often it is entered. */
static size_t n_keys(const struct requirement *lead)
{
	return lead && lead->op == SELECTOR_IN ? lead->n_values : 1;
}

static struct index_key key_at(const void *space,
			       const struct requirement *lead, size_t i)
{
	struct index_key key = { .space = space };

	if (lead)
		key.key = lead->key;
	if (lead && lead->op == SELECTOR_IN)
		key.value = lead->values[i];
	return key;
}

/* ---- entries ------------------------------------------------------------ */

static int grow(struct parts *parts, struct label_index *index)
{
	struct label_index grown = *index;

	grown.n_buckets =
		index->n_buckets ? index->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_INDEX,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < index->n_buckets; i++) {
		struct index_entry *entry = index->buckets[i];

		while (entry) {
			struct index_entry *next = entry->next;
			struct index_entry **head = bucket(&grown, entry->key);

			entry->next = *head;
			*head = entry;
			entry = next;
		}
	}
	parts_free(parts, PART_INDEX, index->buckets,
		   index->n_buckets * sizeof(void *));
	*index = grown;
	return 0;
}

static struct index_entry *get(struct parts *parts, struct label_index *index,
			       struct index_key key)
{
	struct index_entry **link, *entry;

	if (index->n_entries >= index->n_buckets && grow(parts, index) < 0)
		return NULL;
	link = find(index, key);
	entry = *link;
	if (entry)
		return entry;
	entry = parts_alloc(parts, PART_INDEX, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	*link = entry;
	index->n_entries++;
	return entry;
}

static void entry_free(struct parts *parts, struct index_entry *entry)
{
	parts_free(parts, PART_INDEX, entry->things,
		   entry->capacity * sizeof(void *));
	parts_free(parts, PART_INDEX, entry, sizeof(*entry));
}

static void remove_if_empty(struct parts *parts, struct label_index *index,
			    struct index_key key)
{
	struct index_entry **link = find(index, key), *entry = *link;

	if (!entry || entry->n > 0)
		return;
	*link = entry->next;
	index->n_entries--;
	entry_free(parts, entry);
}

static int add_under(struct parts *parts, struct label_index *index,
		     struct index_key key, void *thing)
{
	struct index_entry *entry = get(parts, index, key);
	void **things;

	if (!entry)
		return -ENOMEM;
	things = parts_grow(parts, PART_INDEX, entry->things, entry->n,
			    &entry->capacity, sizeof(*things));
	if (!things) {
		remove_if_empty(parts, index, key);
		return -ENOMEM;
	}
	entry->things = things;
	things[entry->n++] = thing;
	return 0;
}

/* A value may be named twice: then it is entered twice, and so taken out. The
   last ones are the likeliest to go. */
static void remove_under(struct parts *parts, struct label_index *index,
			 struct index_key key, const void *thing)
{
	struct index_entry *entry = *find(index, key);
	size_t i = entry->n - 1;

	while (entry->things[i] != thing)
		i--;
	entry->things[i] = entry->things[--entry->n];
	remove_if_empty(parts, index, key);
}

int label_index_add(struct parts *parts, struct label_index *index,
		    const void *space, const struct selector *selector,
		    void *thing)
{
	const struct requirement *lead = lead_of(selector);

	for (size_t i = 0; i < n_keys(lead); i++) {
		if (add_under(parts, index, key_at(space, lead, i), thing) == 0)
			continue;
		while (i-- > 0)
			remove_under(parts, index, key_at(space, lead, i),
				     thing);
		return -ENOMEM;
	}
	return 0;
}

void label_index_remove(struct parts *parts, struct label_index *index,
			const void *space, const struct selector *selector,
			const void *thing)
{
	const struct requirement *lead = lead_of(selector);

	for (size_t i = 0; i < n_keys(lead); i++)
		remove_under(parts, index, key_at(space, lead, i), thing);
}

/* ---- looking up --------------------------------------------------------- */

static int each_under(const struct label_index *index, struct index_key key,
		      label_index_fn each, void *ctx)
{
	const struct index_entry *entry = *find(index, key);

	for (size_t i = 0; entry && i < entry->n; i++) {
		int r = each(ctx, entry->things[i]);

		if (r)
			return r;
	}
	return 0;
}

int label_index_each(const struct label_index *index, const void *space,
		     const struct labels *labels, label_index_fn each,
		     void *ctx)
{
	int r;

	if (!index->buckets)
		return 0;
	r = each_under(index, (struct index_key){ space, NULL, NULL }, each,
		       ctx);
	for (size_t i = 0; i < labels->n && r == 0; i++) {
		const struct label *label = &labels->items[i];
		struct index_key key = { space, label->key, label->value };

		r = each_under(index, key, each, ctx);
		key.value = NULL;
		if (r == 0)
			r = each_under(index, key, each, ctx);
	}
	return r;
}

void label_index_release(struct parts *parts, struct label_index *index)
{
	for (size_t i = 0; i < index->n_buckets; i++) {
		while (index->buckets[i]) {
			struct index_entry *entry = index->buckets[i];

			index->buckets[i] = entry->next;
			entry_free(parts, entry);
		}
	}
	parts_free(parts, PART_INDEX, index->buckets,
		   index->n_buckets * sizeof(void *));
	*index = (struct label_index){ 0 };
}
