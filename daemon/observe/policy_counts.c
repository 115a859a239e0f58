/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/policy_counts.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE_LEN 64 /* a DNS label, and a DNS subdomain */
#define NAME_LEN 254

struct place {
	char namespace[NAMESPACE_LEN], name[NAME_LEN];
	uint64_t n[N_VERDICT_MODES][N_DIRECTIONS][2]; /* by verdict */
	uint32_t hash;				      /* of both names */
	struct place *next;			      /* in its bucket */
	int64_t last_us; /* when it was counted last */
};

struct policy_counts {
	pthread_mutex_t lock;
	/* under the lock */
	struct place others;
	struct place **buckets;
	size_t n_buckets;      /* a power of two */
	int64_t full_until_us; /* nobody gives up a place before */
	size_t n_places, n_used;
	struct place places[];
};

struct policy_counts *policy_counts_new(size_t n_places)
{
	struct policy_counts *counts = calloc(
		1, sizeof(*counts) + n_places * sizeof(counts->places[0]));

	if (!counts)
		return NULL;
	for (counts->n_buckets = 1; counts->n_buckets < n_places;)
		counts->n_buckets *= 2;
	counts->buckets = calloc(counts->n_buckets, sizeof(struct place *));
	if (!counts->buckets) {
		free(counts);
		return NULL;
	}
	pthread_mutex_init(&counts->lock, NULL);
	counts->n_places = n_places;
	snprintf(counts->others.namespace, NAMESPACE_LEN, "_other");
	snprintf(counts->others.name, NAME_LEN, "_other");
	return counts;
}

void policy_counts_free(struct policy_counts *counts)
{
	if (!counts)
		return;
	pthread_mutex_destroy(&counts->lock);
	free(counts->buckets);
	free(counts);
}

/* FNV-1a; who makes names collide makes a comparison of strings, no more. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	while (*text++);
	return hash;
}

static bool is_of(const struct place *place, uint32_t hash,
		  const struct network_policy *policy)
{
	return place->hash == hash && strcmp(place->name, policy->name) == 0 &&
	       strcmp(place->namespace, policy->namespace) == 0;
}

static struct place **bucket_of(struct policy_counts *counts, uint32_t hash)
{
	return &counts->buckets[hash & (counts->n_buckets - 1)];
}

static void take_out(struct policy_counts *counts, struct place *place)
{
	struct place **at = bucket_of(counts, place->hash);

	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
}

static struct place *oldest_place(struct policy_counts *counts)
{
	struct place *oldest = counts->places;

	for (size_t i = 1; i < counts->n_used; i++) {
		if (counts->places[i].last_us < oldest->last_us)
			oldest = &counts->places[i];
	}
	return oldest;
}

/* NULL: none is free. Who is silent for longest will not be so for longer than
   now before that time is over, so that places are not gone through again for
   each who finds none. */
static struct place *free_place(struct policy_counts *counts, int64_t now_us)
{
	struct place *oldest;

	if (counts->n_used < counts->n_places)
		return &counts->places[counts->n_used++];
	if (now_us < counts->full_until_us || counts->n_places == 0)
		return NULL;
	oldest = oldest_place(counts);
	counts->full_until_us = oldest->last_us + POLICY_COUNTS_SILENCE_US;
	if (now_us < counts->full_until_us)
		return NULL;
	take_out(counts, oldest);
	return oldest;
}

static struct place *find_place(struct policy_counts *counts,
				const struct network_policy *policy,
				int64_t now_us)
{
	uint32_t hash = hash_text(hash_text(2166136261u, policy->namespace),
				  policy->name);
	struct place **bucket = bucket_of(counts, hash);
	struct place *place;

	for (place = *bucket; place; place = place->next) {
		if (is_of(place, hash, policy))
			return place;
	}
	place = free_place(counts, now_us);
	if (!place)
		return &counts->others;
	*place = (struct place){ .hash = hash, .next = *bucket };
	*bucket = place;
	snprintf(place->namespace, NAMESPACE_LEN, "%s", policy->namespace);
	snprintf(place->name, NAME_LEN, "%s", policy->name);
	return place;
}

void policy_counts_add(struct policy_counts *counts,
		       const struct policy_verdict *verdict, int64_t now_us)
{
	struct place *place;

	pthread_mutex_lock(&counts->lock);
	place = verdict->policy ? find_place(counts, verdict->policy, now_us)
				: &counts->others;
	place->last_us = now_us;
	place->n[verdict->mode][verdict->direction][verdict->verdict]++;
	pthread_mutex_unlock(&counts->lock);
}

/* ---- telling ------------------------------------------------------------ */

struct telling {
	const struct metric *metric;
	metrics_fn each;
	void *ctx;
};

static int tell(const struct telling *telling, const struct place *place,
		enum verdict_mode mode, enum direction dir,
		enum verdict verdict)
{
	const struct metric_label labels[] = {
		{ "namespace", place->namespace },
		{ "policy", place->name },
		{ "mode", verdict_mode_name(mode) },
		{ "direction", direction_name(dir) },
		{ "verdict", verdict_name(verdict) },
	};
	const union metric_value value = {
		.counter = place->n[mode][dir][verdict],
	};
	struct metric series = *telling->metric;

	if (value.counter == 0)
		return 0;
	series.more = labels;
	series.n_more = sizeof(labels) / sizeof(labels[0]);
	return telling->each(telling->ctx, &series, &value);
}

static int tell_place(const struct telling *telling, const struct place *place)
{
	int r = 0;

	for (int i = 0; i < N_VERDICT_MODES * N_DIRECTIONS && r == 0; i++) {
		enum verdict_mode mode = (enum verdict_mode)(i / N_DIRECTIONS);
		enum direction dir = (enum direction)(i % N_DIRECTIONS);

		r = tell(telling, place, mode, dir, VERDICT_ALLOW);
		if (r == 0)
			r = tell(telling, place, mode, dir, VERDICT_DENY);
	}
	return r;
}

/* What is walked is not changed, but for its lock. */
static struct policy_counts *to_lock(const void *ctx)
{
	union {
		const void *given;
		struct policy_counts *counts;
	} both = { .given = ctx };

	return both.counts;
}

int policy_counts_walk(const void *ctx, const struct metric *metric,
		       metrics_fn each, void *each_ctx)
{
	const struct telling telling = { metric, each, each_ctx };
	struct policy_counts *counts = to_lock(ctx);
	int r = 0;

	pthread_mutex_lock(&counts->lock);
	for (size_t i = 0; i < counts->n_used && r == 0; i++)
		r = tell_place(&telling, &counts->places[i]);
	if (r == 0)
		r = tell_place(&telling, &counts->others);
	pthread_mutex_unlock(&counts->lock);
	return r;
}
