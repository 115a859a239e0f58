/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bucket for each address, which fills at the rate and holds a second's
 * worth. One that nobody has used for a second is full, as a new one is: so it
 * can be given to another pod, and nothing has to be tidied up. Buckets stand
 * in groups of WAYS; an address has its place in one group.
 */
#include "flowlog/flow_limit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/hash.h"

#define WAYS 4
#define N_GROUPS (FLOW_LIMIT_PODS / WAYS)
#define SECOND_US 1000000

struct bucket {
	struct ip_addr pod;
	int64_t seen_us; /* when it was filled last */
	int64_t left;	 /* millionths of a record */
};

struct flow_limit {
	uint32_t rate;
	uint64_t hash_key[2];
	struct bucket buckets[N_GROUPS][WAYS];
};

struct flow_limit *flow_limit_new(uint32_t rate, const uint64_t hash_key[2])
{
	struct flow_limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	limit->rate = rate;
	memcpy(limit->hash_key, hash_key, sizeof(limit->hash_key));
	return limit;
}

void flow_limit_free(struct flow_limit *limit)
{
	free(limit);
}

static int64_t full(const struct flow_limit *limit)
{
	return (int64_t)limit->rate * SECOND_US;
}

/* Its own, or else the one that was not used for the longest time. */
static struct bucket *find(struct flow_limit *limit, const struct ip_addr *pod,
			   int64_t now_us)
{
	uint64_t hash =
		hash_keyed(limit->hash_key, pod->bytes, sizeof(pod->bytes));
	struct bucket *group = limit->buckets[hash % N_GROUPS];
	struct bucket *oldest = &group[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (group[i].seen_us > 0 && ip_addr_equal(&group[i].pod, pod))
			return &group[i];
		if (group[i].seen_us < oldest->seen_us)
			oldest = &group[i];
	}
	*oldest = (struct bucket){ .pod = *pod,
				   .seen_us = now_us,
				   .left = full(limit) };
	return oldest;
}

bool flow_limit_take(struct flow_limit *limit, const struct ip_addr *pod,
		     int64_t now_us)
{
	struct bucket *bucket;
	int64_t passed_us;

	if (limit->rate == 0)
		return true;
	bucket = find(limit, pod, now_us);
	passed_us = now_us - bucket->seen_us;
	if (passed_us > SECOND_US)
		passed_us = SECOND_US;
	bucket->seen_us = now_us;
	bucket->left += passed_us * limit->rate;
	if (bucket->left > full(limit))
		bucket->left = full(limit);
	if (bucket->left < SECOND_US)
		return false;
	bucket->left -= SECOND_US;
	return true;
}
