/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set begins with what is looked at first (of each place a part of the hash,
 * the snapshot, the time and the answer); then come the keys. A key is packed
 * into five words that are hashed and compared as such.
 */
#include "netpold/flow_cache.h"

#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#define WAYS 4

struct packed_key {
	uint64_t words[5];
};

/* enum verdict and reason of both sides */
struct packed_answer {
	uint8_t verdicts[N_DIRECTIONS];
	uint8_t reasons[N_DIRECTIONS];
};

struct cached {
	uint64_t snapshot; /* its number; 0: empty */
	uint32_t tag;	   /* of the hash, what the set does not say */
	uint32_t used_ms;
	struct packed_answer enforced;
	struct packed_answer planned; /* the same where nothing is staged */
};

struct cache_set {
	struct cached ways[WAYS];
	struct packed_key keys[WAYS];
};

struct flow_cache {
	uint64_t hash_key[2];
	size_t n_sets; /* a power of two */
	struct flow_cache_counts counts;
	struct cache_set sets[];
};

struct flow_cache *flow_cache_new(const struct flow_cache_options *options)
{
	size_t wanted =
		options->n_places ? options->n_places : FLOW_CACHE_PLACES;
	size_t n_sets = 1;
	struct flow_cache *cache;

	while (n_sets * WAYS < wanted)
		n_sets *= 2;
	cache = calloc(1, sizeof(*cache) + n_sets * sizeof(struct cache_set));
	if (!cache)
		return NULL;
	cache->n_sets = n_sets;
	memcpy(cache->hash_key, options->hash_key, sizeof(cache->hash_key));
	return cache;
}

void flow_cache_free(struct flow_cache *cache)
{
	free(cache);
}

void flow_cache_forget(struct flow_cache *cache)
{
	memset(cache->sets, 0, cache->n_sets * sizeof(cache->sets[0]));
}

struct flow_cache_counts flow_cache_counts(const struct flow_cache *cache)
{
	return cache->counts;
}

/* ---- finding ------------------------------------------------------------ */

/* All that a decision depends on (DEC-1); ports where there are any. */
static struct packed_key pack(const struct flow_key *key)
{
	struct packed_key packed;
	uint16_t port = key->has_port ? key->dst_port : 0;

	memcpy(&packed.words[0], key->src.bytes, 16);
	memcpy(&packed.words[2], key->dst.bytes, 16);
	packed.words[4] = (uint64_t)port | (uint64_t)key->protocol << 16 |
			  (uint64_t)key->src.family << 24 |
			  (uint64_t)key->dst.family << 32 |
			  (uint64_t)key->has_port << 40 |
			  (uint64_t)key->from_own_node << 41;
	return packed;
}

/* Where a question belongs. */
struct place {
	struct packed_key key;
	uint64_t snapshot;
	struct cache_set *set;
	uint32_t tag;
};

static struct place place_of(struct flow_cache *cache,
			     const struct snapshot *snapshot,
			     const struct flow_key *key)
{
	struct place place = { .key = pack(key),
			       .snapshot = snapshot_number(snapshot) };
	uint64_t hash =
		hash_keyed(cache->hash_key, &place.key, sizeof(place.key));

	place.set = &cache->sets[hash & (cache->n_sets - 1)];
	place.tag = (uint32_t)(hash >> 32);
	return place;
}

static bool is_at(const struct place *place, int way)
{
	const struct cached *c = &place->set->ways[way];

	return c->tag == place->tag && c->snapshot == place->snapshot &&
	       memcmp(&place->set->keys[way], &place->key,
		      sizeof(place->key)) == 0;
}

static struct packed_answer pack_answer(const struct decision *decision)
{
	struct packed_answer packed;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		packed.verdicts[dir] = (uint8_t)decision->sides[dir].verdict;
		packed.reasons[dir] = (uint8_t)decision->sides[dir].reason;
	}
	return packed;
}

static struct decision unpack(const struct packed_answer *packed)
{
	struct decision decision = { .verdict = VERDICT_ALLOW };

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		decision.sides[dir].verdict =
			(enum verdict)packed->verdicts[dir];
		decision.sides[dir].reason = (enum reason)packed->reasons[dir];
		if (decision.sides[dir].verdict == VERDICT_DENY)
			decision.verdict = VERDICT_DENY;
	}
	return decision;
}

/* @planned  NULL: nobody asks */
static bool find(struct flow_cache *cache, const struct place *place,
		 uint32_t now_ms, struct decision *out,
		 struct decision *planned)
{
	for (int way = 0; way < WAYS; way++) {
		struct cached *c = &place->set->ways[way];

		if (!is_at(place, way))
			continue;
		c->used_ms = now_ms;
		*out = unpack(&c->enforced);
		if (planned)
			*planned = unpack(&c->planned);
		cache->counts.hits++;
		return true;
	}
	cache->counts.misses++;
	return false;
}

/* ---- remembering -------------------------------------------------------- */

/* What is of another snapshot counts as not asked for ever. */
static int way_to_evict(const struct place *place, uint32_t now_ms)
{
	uint64_t oldest_age = 0;
	int oldest = 0;

	for (int way = 0; way < WAYS; way++) {
		const struct cached *c = &place->set->ways[way];
		uint64_t age = c->snapshot == place->snapshot
				       ? (uint32_t)(now_ms - c->used_ms)
				       : UINT64_MAX;

		if (way == 0 || age > oldest_age) {
			oldest = way;
			oldest_age = age;
		}
	}
	return oldest;
}

static void remember(struct flow_cache *cache, const struct place *place,
		     const struct decision *decision,
		     const struct decision *planned, uint32_t now_ms)
{
	int way = way_to_evict(place, now_ms);
	struct cached *c = &place->set->ways[way];

	cache->counts.evictions += c->snapshot == place->snapshot;
	*c = (struct cached){ .snapshot = place->snapshot,
			      .tag = place->tag,
			      .used_ms = now_ms,
			      .enforced = pack_answer(decision),
			      .planned = pack_answer(planned) };
	place->set->keys[way] = place->key;
}

/* ---- deciding ----------------------------------------------------------- */

struct decision flow_cache_decide(struct flow_cache *cache,
				  const struct snapshot *snapshot,
				  const struct flow_key *key, uint32_t now_ms)
{
	struct decision decision;

	flow_cache_decide_batch(cache, snapshot, key, 1, now_ms, &decision);
	return decision;
}

/* So many questions are looked up side by side. */
#define LANES 32

/* Returns what is planned: in @room, or as it is enforced. */
static const struct decision *ask(const struct snapshot *snapshot,
				  const struct flow_key *keys, size_t n,
				  struct decision *enforced,
				  struct decision *room)
{
	const struct snapshot *planned = snapshot_planned(snapshot);

	snapshot_decide_batch(snapshot, keys, n, enforced);
	if (!planned)
		return enforced;
	snapshot_decide_batch(planned, keys, n, room);
	return room;
}

static void decide_lanes(struct flow_cache *cache,
			 const struct snapshot *snapshot,
			 const struct flow_key *keys, size_t n, uint32_t now_ms,
			 struct decision *out, struct decision *planned)
{
	struct place places[LANES];
	struct flow_key asked[LANES];
	struct decision answers[LANES], room[LANES];
	const struct decision *plans;
	uint8_t lanes[LANES];
	size_t n_asked = 0;

	for (size_t i = 0; i < n; i++) {
		places[i] = place_of(cache, snapshot, &keys[i]);
		__builtin_prefetch(places[i].set);
		__builtin_prefetch(&places[i].set->ways[WAYS - 1]);
	}
	for (size_t i = 0; i < n; i++) {
		if (find(cache, &places[i], now_ms, &out[i],
			 planned ? &planned[i] : NULL))
			continue;
		asked[n_asked] = keys[i];
		lanes[n_asked++] = (uint8_t)i;
	}
	if (n_asked == 0)
		return;
	plans = ask(snapshot, asked, n_asked, answers, room);
	for (size_t i = 0; i < n_asked; i++) {
		out[lanes[i]] = answers[i];
		if (planned)
			planned[lanes[i]] = plans[i];
		remember(cache, &places[lanes[i]], &answers[i], &plans[i],
			 now_ms);
	}
}

void flow_cache_decide_both(struct flow_cache *cache,
			    const struct snapshot *snapshot,
			    const struct flow_key *keys, size_t n,
			    uint32_t now_ms, struct decision *out,
			    struct decision *planned)
{
	while (n > 0) {
		size_t some = n < LANES ? n : LANES;

		decide_lanes(cache, snapshot, keys, some, now_ms, out, planned);
		keys += some;
		out += some;
		if (planned)
			planned += some;
		n -= some;
	}
}

void flow_cache_decide_batch(struct flow_cache *cache,
			     const struct snapshot *snapshot,
			     const struct flow_key *keys, size_t n,
			     uint32_t now_ms, struct decision *out)
{
	flow_cache_decide_both(cache, snapshot, keys, n, now_ms, out, NULL);
}
