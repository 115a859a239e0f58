/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_denials.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/addr.h"
#include "records/workload_name.h"

int denials_init(struct denials *denials, size_t n_policies)
{
	*denials = (struct denials){ 0 };
	denials->beyond = arena_array(&denials->arena, n_policies + 1,
				      sizeof(*denials->beyond));
	return denials->beyond ? 0 : -ENOMEM;
}

void denials_release(struct denials *denials)
{
	tdestroy(denials->tree, arena_keep);
	arena_release(&denials->arena);
	*denials = (struct denials){ 0 };
}

/* ---- order -------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct denial *x = a, *y = b;
	int order;

	if (x->policy != y->policy)
		return x->policy < y->policy ? -1 : 1;
	if (x->dir != y->dir)
		return x->dir < y->dir ? -1 : 1;
	order = strcmp(x->from, y->from);
	if (order == 0)
		order = strcmp(x->to, y->to);
	if (order == 0)
		order = (int)x->protocol - (int)y->protocol;
	if (order == 0)
		order = (int)x->has_port - (int)y->has_port;
	return order ? order : (int)x->port - (int)y->port;
}

static int by_count(const void *a, const void *b)
{
	const struct denial *x = *(struct denial *const *)a;
	const struct denial *y = *(struct denial *const *)b;
	uint64_t count = suggest_use_of(&x->uses).count;
	uint64_t other = suggest_use_of(&y->uses).count;

	if (x->policy != y->policy)
		return x->policy < y->policy ? -1 : 1;
	if (count != other)
		return count > other ? -1 : 1;
	return compare(x, y);
}

void denials_sort(struct denials *denials)
{
	if (denials->n > 0)
		qsort(denials->items, denials->n, sizeof(struct denial *),
		      by_count);
}

/* ---- adding ------------------------------------------------------------- */

/* Clients outside are many, and one line for each is nothing to read. */
static void name_outside(const struct ip_addr *addr, char out[DENIAL_END_LEN])
{
	struct cidr block =
		cidr_around(addr, addr->family == IP_V4 ? SUGGEST_MERGE_V4
							: SUGGEST_MERGE_V6);
	char text[CIDR_TEXT_LEN];

	snprintf(out, DENIAL_END_LEN, "%s", cidr_format(&block, text));
}

static void name_end(const struct suggest_end *end, char out[DENIAL_END_LEN])
{
	struct workload w;

	if (!end->pod) {
		name_outside(&end->addr, out);
		return;
	}
	w = workload_name_of_pod(end->pod);
	snprintf(out, DENIAL_END_LEN, "%s/%.*s", w.namespace, (int)w.name_len,
		 w.name);
}

static int put(struct denials *denials, const struct denial *denial,
	       struct denial **out)
{
	struct denial *kept = arena_array(&denials->arena, 1, sizeof(*kept));

	denials->items = arena_room(&denials->arena, denials->items, denials->n,
				    &denials->room, sizeof(struct denial *));
	if (!denials->items || !kept)
		return -ENOMEM;
	*kept = *denial;
	if (!tsearch(kept, &denials->tree, compare))
		return -ENOMEM;
	denials->items[denials->n++] = kept;
	*out = kept;
	return 0;
}

int denials_add(struct denials *denials, size_t policy, enum direction dir,
		const struct suggest_flow *flow)
{
	struct denial denial = {
		.policy = policy,
		.dir = dir,
		.protocol = flow->protocol,
		.has_port = flow->has_port,
		.port = flow->port,
	};
	struct denial *kept;
	void *found;
	int r = 0;

	name_end(&flow->from, denial.from);
	name_end(&flow->to, denial.to);
	found = tfind(&denial, &denials->tree, compare);
	if (!found && denials->n == DENIALS_MAX) {
		denials->beyond[policy]++;
		return 0;
	}
	if (found)
		kept = *(struct denial **)found;
	else
		r = put(denials, &denial, &kept);
	if (r == 0)
		suggest_uses_add(&kept->uses, flow);
	return r;
}
