/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_credit.h"

#include <string.h>

#include "netpold/hash.h"

static uint64_t add_bytes(uint64_t sum, const void *data, size_t len)
{
	const uint64_t key[2] = { sum, len };

	return hash_keyed(key, data, len);
}

/* With its end, so that what follows is none of it. */
static uint64_t add_text(uint64_t sum, const char *text)
{
	return add_bytes(sum, text, strlen(text) + 1);
}

static uint64_t add_object(uint64_t sum, const char *namespace,
			   const char *name, const char *uid)
{
	return add_text(add_text(add_text(sum, namespace), name), uid);
}

static uint64_t add_policy(uint64_t sum, const struct network_policy *policy)
{
	return add_object(sum, policy->namespace, policy->name, policy->uid);
}

/* 0 says that there is none. */
static uint64_t not_zero(uint64_t sum)
{
	return sum ? sum : 1;
}

void flow_credit_pods(struct flow_credit *credit,
		      const struct explanation *explanation)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		const struct pod *pod = explanation->sides[dir].pod;

		credit->pods[dir] =
			pod ? not_zero(add_object(0, pod->namespace, pod->name,
						  pod->uid))
			    : 0;
	}
}

static uint64_t add_side(uint64_t sum, const struct side_explanation *side)
{
	sum = add_bytes(sum, &side->side.reason, sizeof(side->side.reason));
	if (side->side.reason == REASON_RULE && side->policy)
		return add_bytes(add_policy(sum, side->policy), &side->rule,
				 sizeof(side->rule));
	if (side->side.reason != REASON_NO_RULE_MATCHES)
		return sum;
	for (size_t i = 0; i < side->n_isolating; i++)
		sum = add_policy(sum, side->isolating[i]);
	return add_bytes(sum, &side->n_unlisted, sizeof(side->n_unlisted));
}

void flow_credit_policies(struct flow_credit *credit,
			  const struct explanation *explanation)
{
	uint64_t sum = credit->policies;

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		sum = add_side(sum, &explanation->sides[dir]);
	credit->policies = not_zero(sum);
}
