/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A member that has run out is put in anew by the next packet that is judged,
 * and counts from one again. Where it has answered more by the next walk than
 * its forerunner had, the numbers alone do not tell; that it runs out later
 * does.
 *
 *	walk	packets	runs out at	answered since
 *	1	1	30 s		-
 *	2	41	30 s		40
 *	3	50	61 s		49: it is another one, and one of the
 *					packets was judged
 *
 * Most members never answer anybody. Only those that do take room here: the
 * bound is that of the set.
 */
#include "datapath/memo_growth.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#define FIRST_CAPACITY 64

#define US_PER_S 1000000

/* Beyond what is known of a member's end, for the grain of the kernel's clock.
   Another member of that name runs out much later. */
#define SLACK_US US_PER_S

struct place {
	struct memo memo;
	uint32_t hash;
	uint32_t walk; /* that has met it last */
	uint64_t packets, bytes;
	int64_t end_max_us; /* it runs out by then */
};

struct memo_growth {
	uint64_t hash_key[2];
	struct place *places;
	size_t n, capacity;
	/* Twice as many as there is room for places, a power of two; a place's
	   number and one, 0 where there is none. */
	uint32_t *index;
	uint32_t walk;
	int64_t begun_us; /* the walk */
	bool has_ended;	  /* a walk */
};

/* ---- the table ----------------------------------------------------------- */

static void index_all(struct memo_growth *growth)
{
	size_t mask = growth->capacity * 2 - 1;

	memset(growth->index, 0, (mask + 1) * sizeof(*growth->index));
	for (size_t i = 0; i < growth->n; i++) {
		size_t at = growth->places[i].hash & mask;

		while (growth->index[at])
			at = (at + 1) & mask;
		growth->index[at] = (uint32_t)i + 1;
	}
}

static int grow(struct memo_growth *growth)
{
	size_t capacity =
		growth->capacity ? growth->capacity * 2 : FIRST_CAPACITY;
	struct place *places =
		reallocarray(growth->places, capacity, sizeof(*places));
	uint32_t *index;

	if (!places)
		return -ENOMEM;
	growth->places = places;
	index = calloc(capacity * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(growth->index);
	growth->index = index;
	growth->capacity = capacity;
	index_all(growth);
	return 0;
}

struct memo_growth *memo_growth_new(const uint64_t hash_key[2])
{
	struct memo_growth *growth = calloc(1, sizeof(*growth));

	if (!growth)
		return NULL;
	memcpy(growth->hash_key, hash_key, sizeof(growth->hash_key));
	if (grow(growth) < 0) {
		memo_growth_free(growth);
		return NULL;
	}
	return growth;
}

void memo_growth_free(struct memo_growth *growth)
{
	if (!growth)
		return;
	free(growth->places);
	free(growth->index);
	free(growth);
}

static struct place *find(const struct memo_growth *growth,
			  const struct memo *memo, uint32_t hash)
{
	size_t mask = growth->capacity * 2 - 1;

	if (growth->n == 0)
		return NULL;
	for (size_t at = hash & mask; growth->index[at]; at = (at + 1) & mask) {
		struct place *place = &growth->places[growth->index[at] - 1];

		if (place->hash == hash && memo_equal(&place->memo, memo))
			return place;
	}
	return NULL;
}

static struct place *add(struct memo_growth *growth, const struct memo *memo,
			 uint32_t hash)
{
	size_t mask, at;

	if (growth->n == growth->capacity && grow(growth) < 0)
		return NULL;
	mask = growth->capacity * 2 - 1;
	at = hash & mask;
	while (growth->index[at])
		at = (at + 1) & mask;
	growth->places[growth->n] =
		(struct place){ .memo = *memo, .hash = hash };
	growth->index[at] = (uint32_t)growth->n + 1;
	return &growth->places[growth->n++];
}

void memo_growth_forget(struct memo_growth *growth)
{
	free(growth->places);
	free(growth->index);
	growth->places = NULL;
	growth->index = NULL;
	growth->n = growth->capacity = 0;
	growth->has_ended = false;
}

/* ---- walks --------------------------------------------------------------- */

void memo_growth_begin(struct memo_growth *growth, int64_t now_us)
{
	growth->walk++;
	growth->begun_us = now_us;
}

/* All that a member has answered, since it was put in. */
static struct memo_grown all_of(const struct memo_counters *counters)
{
	struct memo_grown grown = { 0 };

	if (counters->packets <= 1)
		return grown;
	grown.packets = counters->packets - 1;
	grown.bytes = counters->bytes - counters->bytes / counters->packets;
	return grown;
}

/* The kernel has looked at the member at some time since the walk began: who is
   walking may have been kept from it for long. It tells whole seconds, rounded
   down, and one where there is none left. */

static int64_t end_min_us(const struct memo_growth *growth,
			  const struct memo_counters *counters)
{
	return growth->begun_us +
	       (counters->left_s > 1 ? (int64_t)counters->left_s * US_PER_S
				     : 0);
}

static int64_t end_max_us(int64_t now_us, const struct memo_counters *counters)
{
	return now_us + ((int64_t)counters->left_s + 1) * US_PER_S;
}

static struct memo_grown since(const struct memo_growth *growth,
			       const struct place *place,
			       const struct memo_counters *counters)
{
	struct memo_grown grown = { 0 };

	if (end_min_us(growth, counters) > place->end_max_us + SLACK_US ||
	    counters->packets < place->packets ||
	    counters->bytes < place->bytes)
		return all_of(counters);
	grown.packets = counters->packets - place->packets;
	grown.bytes = counters->bytes - place->bytes;
	return grown;
}

struct memo_grown memo_growth_see(struct memo_growth *growth,
				  const struct memo *member,
				  const struct memo_counters *counters,
				  int64_t now_us)
{
	uint32_t hash =
		(uint32_t)hash_keyed(growth->hash_key, member, MEMO_KEY_LEN);
	struct place *place = find(growth, member, hash);
	struct memo_grown grown = { 0 };

	if (place) {
		grown = since(growth, place, counters);
	} else {
		if (counters->packets <= 1)
			return grown;
		place = add(growth, member, hash);
		if (!place)
			return grown;
		grown = all_of(counters);
	}
	place->walk = growth->walk;
	place->packets = counters->packets;
	place->bytes = counters->bytes;
	place->end_max_us = end_max_us(now_us, counters);
	return growth->has_ended ? grown : (struct memo_grown){ 0 };
}

void memo_growth_end(struct memo_growth *growth)
{
	size_t kept = 0;

	for (size_t i = 0; i < growth->n; i++)
		if (growth->places[i].walk == growth->walk)
			growth->places[kept++] = growth->places[i];
	if (kept < growth->n) {
		growth->n = kept;
		index_all(growth);
	}
	growth->has_ended = true;
}

size_t memo_growth_count(const struct memo_growth *growth)
{
	return growth->n;
}
