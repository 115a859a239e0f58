/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/identity.h"

#include <errno.h>

#include "table/rule_table.h"

#define FIRST_BUCKETS 64

/* Idle ones that are kept: a rollout of a few hundred workloads. More where
   there are more in use, since then more come and go. */
#define MIN_KEPT_IDLE 256

/* ---- numbers ------------------------------------------------------------ */

/* The lowest block of which nothing is taken, so that sets of bits stay
   short. */
static int find_free_block(struct parts *parts, struct identities *ids,
			   size_t *out)
{
	uint64_t *taken;

	while (ids->first_free < ids->n_blocks && ids->taken[ids->first_free])
		ids->first_free++;
	*out = ids->first_free;
	if (ids->first_free < ids->n_blocks)
		return 0;
	taken = parts_grow(parts, PART_IDENTITIES, ids->taken, ids->n_blocks,
			   &ids->taken_capacity, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	ids->taken = taken;
	taken[ids->n_blocks++] = 0;
	return 0;
}

/* A block of the namespace's that has room. Those of its siblings are where to
   look; a namespace with many full blocks looks at the newest few. */
#define BLOCKS_TRIED 8

static bool find_room(const struct identities *ids,
		      const struct table_namespace *namespace, size_t *out)
{
	const struct identity *sibling = namespace->identities;

	for (int i = 0; sibling && i < BLOCKS_TRIED; i++) {
		size_t block = sibling->number / IDENTITY_BLOCK;

		if (ids->taken[block] != UINT64_MAX) {
			*out = block;
			return true;
		}
		sibling = sibling->next_sibling;
	}
	return false;
}

static int take_number(struct parts *parts, struct identities *ids,
		       struct table_namespace *namespace, uint32_t *out)
{
	size_t block;
	unsigned int bit;

	if (!find_room(ids, namespace, &block)) {
		int r = find_free_block(parts, ids, &block);

		if (r < 0)
			return r;
	}
	bit = (unsigned int)__builtin_ctzll(~ids->taken[block]);
	ids->taken[block] |= UINT64_C(1) << bit;
	*out = (uint32_t)(block * IDENTITY_BLOCK + bit);
	return 0;
}

static void free_number(struct identities *ids, uint32_t number)
{
	size_t block = number / IDENTITY_BLOCK;

	ids->taken[block] &= ~(UINT64_C(1) << number % IDENTITY_BLOCK);
	if (block < ids->first_free && ids->taken[block] == 0)
		ids->first_free = block;
}

/* ---- finding ------------------------------------------------------------ */

static struct identity **bucket(const struct identities *ids,
				const struct namespace_facts *facts,
				const struct labels *labels,
				const struct container_port *ports)
{
	uint64_t hash = (uintptr_t)facts * 0x9e3779b97f4a7c15;

	hash = (hash ^ hash >> 32 ^ (uintptr_t)labels->items) *
	       0xc2b2ae3d27d4eb4f;
	hash = (hash ^ hash >> 32 ^ (uintptr_t)ports) * 0x9e3779b97f4a7c15;
	return &ids->buckets[(hash >> 32) & (ids->n_buckets - 1)];
}

static struct identity **bucket_of(const struct identities *ids,
				   const struct identity *identity)
{
	return bucket(ids, identity->facts, &identity->labels,
		      identity->ports.items);
}

static int grow(struct parts *parts, struct identities *ids)
{
	struct identities grown = *ids;

	grown.n_buckets = ids->n_buckets ? ids->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_IDENTITIES,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < ids->n_buckets; i++) {
		struct identity *identity = ids->buckets[i];

		while (identity) {
			struct identity *next = identity->next;
			struct identity **head = bucket_of(&grown, identity);

			identity->next = *head;
			*head = identity;
			identity = next;
		}
	}
	parts_free(parts, PART_IDENTITIES, ids->buckets,
		   ids->n_buckets * sizeof(void *));
	*ids = grown;
	return 0;
}

static struct identity *find(const struct identities *ids,
			     const struct table_namespace *namespace,
			     const struct pod *pod)
{
	struct identity *identity;

	if (!ids->buckets)
		return NULL;
	identity = *bucket(ids, namespace->facts, &pod->labels, pod->ports);
	while (identity && (identity->facts != namespace->facts ||
			    identity->labels.items != pod->labels.items ||
			    identity->ports.items != pod->ports))
		identity = identity->next;
	return identity;
}

/* ---- idle ones ---------------------------------------------------------- */

static void put_idle(struct identities *ids, struct identity *identity)
{
	identity->next_idle = NULL;
	identity->previous_idle = ids->last_idle;
	if (ids->last_idle)
		ids->last_idle->next_idle = identity;
	else
		ids->first_idle = identity;
	ids->last_idle = identity;
	ids->n_idle++;
}

static void take_idle(struct identities *ids, struct identity *identity)
{
	struct identity *previous = identity->previous_idle;
	struct identity *next = identity->next_idle;

	*(previous ? &previous->next_idle : &ids->first_idle) = next;
	*(next ? &next->previous_idle : &ids->last_idle) = previous;
	ids->n_idle--;
}

void identity_use(struct identities *identities, struct identity *identity)
{
	if (identity->n_users++ == 0)
		take_idle(identities, identity);
}

void identity_unuse(struct identities *identities, struct identity *identity)
{
	if (--identity->n_users == 0)
		put_idle(identities, identity);
}

struct identity *identities_to_evict(const struct identities *identities)
{
	size_t n_used = identities->n - identities->n_idle;

	return identities->n_idle > MIN_KEPT_IDLE + n_used / 4
		       ? identities->first_idle
		       : NULL;
}

/* ---- coming and going --------------------------------------------------- */

static void link_sibling(struct identity *identity)
{
	struct table_namespace *namespace = identity->namespace;

	identity->next_sibling = namespace->identities;
	if (namespace->identities)
	namespace->identities->previous_sibling = identity;
	namespace->identities = identity;
	namespace->n_identities++;
}

static void unlink_sibling(struct identity *identity)
{
	struct identity *previous = identity->previous_sibling;
	struct identity *next = identity->next_sibling;

	*(previous ? &previous->next_sibling
		   : &identity->namespace->identities) = next;
	if (next)
		next->previous_sibling = previous;
	identity->namespace->n_identities--;
}

static void release(struct parts *parts, struct identity *identity)
{
	facts_drop(parts, identity->facts);
	intern_labels_drop(parts->pool, &identity->labels);
	intern_ports_drop(parts->pool, &identity->ports);
	parts_free(parts, PART_IDENTITIES, identity->local,
		   identity->local_capacity * sizeof(*identity->local));
	parts_free(parts, PART_IDENTITIES, identity, sizeof(*identity));
}

static struct identity *make(struct parts *parts, struct identities *ids,
			     struct table_namespace *namespace,
			     const struct pod *pod)
{
	struct identity *identity =
		parts_new(parts, PART_IDENTITIES, sizeof(*identity), NULL);
	struct identity **head;

	if (!identity)
		return NULL;
	identity->namespace = namespace;
	identity->facts = facts_use(namespace->facts);
	identity->labels = pod->labels;
	identity->ports = (struct named_ports){ pod->ports, pod->n_ports };
	intern_labels_again(&identity->labels);
	intern_ports_again(&identity->ports);
	if (take_number(parts, ids, namespace, &identity->number) < 0) {
		release(parts, identity);
		return NULL;
	}
	if (identity_show(parts, ids, identity) < 0) {
		free_number(ids, identity->number);
		release(parts, identity);
		return NULL;
	}
	head = bucket_of(ids, identity);
	identity->next = *head;
	*head = identity;
	ids->n++;
	link_sibling(identity);
	put_idle(ids, identity);
	return identity;
}

struct identity *identities_get(struct parts *parts,
				struct identities *identities,
				struct table_namespace *namespace,
				const struct pod *pod, bool *is_new)
{
	struct identity *identity = find(identities, namespace, pod);

	*is_new = !identity;
	if (identity)
		return identity;
	if (identities->n >= identities->n_buckets &&
	    grow(parts, identities) < 0)
		return NULL;
	return make(parts, identities, namespace, pod);
}

int identity_show(struct parts *parts, struct identities *identities,
		  const struct identity *identity)
{
	struct identity_view view = { .identity = identity };

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (identity->rules[dir])
			view.rules[dir] =
				rule_table_lookup(identity->rules[dir]);
	}
	return identity_views_set(parts, &identities->views, identity->number,
				  &view);
}

static void forget(struct identities *ids, struct identity *identity)
{
	struct identity **link = bucket_of(ids, identity);

	while (*link != identity)
		link = &(*link)->next;
	*link = identity->next;
	ids->n--;
	take_idle(ids, identity);
	unlink_sibling(identity);
	identity->evicted = true;
}

int identities_evict(struct parts *parts, struct identities *identities,
		     struct identity *identity)
{
	static const struct identity_view nobody;
	int r = identity_views_set(parts, &identities->views, identity->number,
				   &nobody);

	if (r == 0)
		forget(identities, identity);
	return r;
}

void identity_free(struct parts *parts, struct identities *identities,
		   struct identity *identity)
{
	free_number(identities, identity->number);
	release(parts, identity);
}

void identities_release(struct parts *parts, struct identities *identities)
{
	for (size_t i = 0; i < identities->n_buckets; i++) {
		while (identities->buckets[i]) {
			struct identity *identity = identities->buckets[i];

			identities->buckets[i] = identity->next;
			unlink_sibling(identity);
			release(parts, identity);
		}
	}
	identity_views_release(parts, identities->views);
	parts_free(parts, PART_IDENTITIES, identities->buckets,
		   identities->n_buckets * sizeof(void *));
	parts_free(parts, PART_IDENTITIES, identities->taken,
		   identities->taken_capacity * sizeof(*identities->taken));
	*identities = (struct identities){ 0 };
}

/* ---- local addresses ---------------------------------------------------- */

int identity_add_local(struct parts *parts, struct identity *identity,
		       const struct ip_addr *addr)
{
	struct ip_addr *local = parts_grow(
		parts, PART_IDENTITIES, identity->local, identity->n_local,
		&identity->local_capacity, sizeof(*local));

	if (!local)
		return -ENOMEM;
	identity->local = local;
	local[identity->n_local++] = *addr;
	return 0;
}

void identity_remove_local(struct identity *identity,
			   const struct ip_addr *addr)
{
	size_t i = identity->n_local - 1;

	while (!ip_addr_equal(&identity->local[i], addr))
		i--;
	identity->local[i] = identity->local[--identity->n_local];
}
