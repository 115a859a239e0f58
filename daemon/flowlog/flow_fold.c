/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places are found by a hash of what makes events alike, and stand in one list
 * by the time at which they were told of last. The interval is the same for
 * all, so the first of the list is the next one that is due, and the one that
 * makes room. A place that is told of goes to the end.
 */
#include "flowlog/flow_fold.h"

#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#include "flowlog/flow_likeness.h"

#define NONE UINT32_MAX

struct place {
	struct flow_likeness likeness;
	struct flow_told told; /* of none: nothing has come since */
	int64_t due_us;
	uint32_t next_alike;	/* of the same bucket */
	uint32_t before, after; /* in the list; after, of free ones */
};

struct flow_fold {
	uint32_t max;
	int64_t interval_us;
	uint64_t hash_key[2];
	struct place *places;
	uint32_t *buckets; /* as many as places */
	uint32_t first, last;
	uint32_t free;	   /* the first of them that were used before */
	uint32_t n_unused; /* places that never were */
};

struct flow_fold *flow_fold_new(uint32_t max, int64_t interval_us,
				const uint64_t hash_key[2])
{
	struct flow_fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		return NULL;
	fold->places = calloc(max, sizeof(*fold->places));
	fold->buckets = malloc(max * sizeof(*fold->buckets));
	if (!fold->places || !fold->buckets) {
		flow_fold_free(fold);
		return NULL;
	}
	memset(fold->buckets, 0xff, max * sizeof(*fold->buckets));
	memcpy(fold->hash_key, hash_key, sizeof(fold->hash_key));
	fold->max = max;
	fold->n_unused = max;
	fold->interval_us = interval_us;
	fold->first = fold->last = fold->free = NONE;
	return fold;
}

void flow_fold_free(struct flow_fold *fold)
{
	if (!fold)
		return;
	free(fold->places);
	free(fold->buckets);
	free(fold);
}

/* ---- what is alike ------------------------------------------------------- */

static uint32_t *bucket_of(const struct flow_fold *fold,
			   const struct flow_likeness *likeness)
{
	uint64_t hash = hash_keyed(fold->hash_key, likeness, sizeof(*likeness));

	return &fold->buckets[hash % fold->max];
}

static uint32_t find(const struct flow_fold *fold,
		     const struct flow_likeness *likeness)
{
	uint32_t i = *bucket_of(fold, likeness);

	while (i != NONE && memcmp(&fold->places[i].likeness, likeness,
				   sizeof(*likeness)) != 0)
		i = fold->places[i].next_alike;
	return i;
}

/* ---- the list ------------------------------------------------------------ */

static void append(struct flow_fold *fold, uint32_t i)
{
	struct place *place = &fold->places[i];

	place->before = fold->last;
	place->after = NONE;
	if (fold->last == NONE)
		fold->first = i;
	else
		fold->places[fold->last].after = i;
	fold->last = i;
}

static void take_first(struct flow_fold *fold)
{
	fold->first = fold->places[fold->first].after;
	if (fold->first == NONE)
		fold->last = NONE;
	else
		fold->places[fold->first].before = NONE;
}

static void forget_first(struct flow_fold *fold)
{
	uint32_t i = fold->first;
	struct place *place = &fold->places[i];
	uint32_t *link = bucket_of(fold, &place->likeness);

	while (*link != i)
		link = &fold->places[*link].next_alike;
	*link = place->next_alike;
	take_first(fold);
	place->after = fold->free;
	fold->free = i;
}

static uint32_t take_free(struct flow_fold *fold)
{
	uint32_t i = fold->free;

	if (i == NONE)
		return fold->max - fold->n_unused--;
	fold->free = fold->places[i].after;
	return i;
}

/* ---- counting ------------------------------------------------------------ */

static bool is_about_an_error(const struct flow_event *event)
{
	return (event->class == CLASS_RELATED ||
		event->class == CLASS_RELATED_REPLY) &&
	       event->icmp_type != 0;
}

/* Those of several workers do not come in order. */
static void count(struct flow_told *told, const struct flow_event *event)
{
	if (told->count++ == 0) {
		told->event = *event;
		told->first_us = told->last_us = event->at_us;
	}
	if (told->first_us > event->at_us)
		told->first_us = event->at_us;
	if (told->last_us < event->at_us)
		told->last_us = event->at_us;
	if (is_about_an_error(event))
		told->icmp_errors++;
	else if (event->reversed)
		told->back++;
	else
		told->there++;
	told->bytes += event->len;
}

struct flow_told flow_told_once(const struct flow_event *event)
{
	struct flow_told told = { .count = 0 };

	count(&told, event);
	return told;
}

bool flow_fold_repeat(struct flow_fold *fold, const struct flow_event *event)
{
	const struct flow_likeness likeness = flow_likeness_of(event);
	uint32_t i = find(fold, &likeness);

	if (i == NONE)
		return false;
	count(&fold->places[i].told, event);
	return true;
}

static void count_all(struct flow_told *told, const struct flow_told *more)
{
	struct flow_told sum = told->count > 0 ? *told : *more;

	sum.before = told->before;
	if (told->count > 0) {
		sum.count += more->count;
		sum.there += more->there;
		sum.back += more->back;
		sum.icmp_errors += more->icmp_errors;
		sum.by_kernel += more->by_kernel;
		sum.bytes += more->bytes;
	}
	if (sum.first_us > more->first_us)
		sum.first_us = more->first_us;
	if (sum.last_us < more->last_us)
		sum.last_us = more->last_us;
	*told = sum;
}

bool flow_fold_repeat_all(struct flow_fold *fold, const struct flow_told *told)
{
	const struct flow_likeness likeness = flow_likeness_of(&told->event);
	uint32_t i = find(fold, &likeness);

	if (i == NONE)
		return false;
	count_all(&fold->places[i].told, told);
	return true;
}

bool flow_fold_add(struct flow_fold *fold, const struct flow_event *event,
		   int64_t now_us, struct flow_told *evicted)
{
	uint32_t i, *bucket;
	struct place *place;

	evicted->count = 0;
	if (fold->free == NONE && fold->n_unused == 0) {
		*evicted = fold->places[fold->first].told;
		forget_first(fold);
	}
	i = take_free(fold);
	place = &fold->places[i];
	place->likeness = flow_likeness_of(event);
	place->told = (struct flow_told){ .count = 0 };
	place->due_us = now_us + fold->interval_us;
	bucket = bucket_of(fold, &place->likeness);
	place->next_alike = *bucket;
	*bucket = i;
	append(fold, i);
	return evicted->count > 0;
}

void flow_fold_credit(struct flow_fold *fold, const struct flow_event *event,
		      const struct flow_credit *credit)
{
	const struct flow_likeness likeness = flow_likeness_of(event);
	uint32_t i = find(fold, &likeness);

	if (i != NONE)
		fold->places[i].told.before = *credit;
}

bool flow_fold_due(struct flow_fold *fold, int64_t now_us,
		   struct flow_told *out)
{
	while (fold->first != NONE) {
		uint32_t i = fold->first;
		struct place *place = &fold->places[i];

		if (place->due_us > now_us)
			return false;
		if (place->told.count == 0) {
			forget_first(fold);
			continue;
		}
		*out = place->told;
		place->told = (struct flow_told){ .before = out->before };
		place->due_us = now_us + fold->interval_us;
		take_first(fold);
		append(fold, i);
		return true;
	}
	return false;
}
