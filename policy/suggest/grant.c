/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was seen to what is granted: for each end that is a unit one peer
 * and one port. Addresses of one block become one, and what one of them did
 * counts for all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suggest/parts.h"

#define DNS_PORT 53

/* ---- order -------------------------------------------------------------- */

static int by(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_peers(const struct suggest_grant *a,
			 const struct suggest_grant *b)
{
	int order = by(a->peer_kind, b->peer_kind);

	if (order == 0)
		order = by(a->peer_unit, b->peer_unit);
	if (order == 0)
		order = ip_addr_compare(&a->peer_block.addr,
					&b->peer_block.addr);
	if (order == 0)
		order = by(a->peer_block.prefix_len, b->peer_block.prefix_len);
	return order;
}

/* Lookups come first, what needs every port last of its peer's. */
static int compare(const void *left, const void *right)
{
	const struct suggest_grant *a = left, *b = right;
	int order = by(a->unit, b->unit);

	if (order == 0)
		order = by(a->dir, b->dir);
	if (order == 0)
		order = by(a->apart, b->apart);
	if (order == 0)
		order = by(b->is_dns, a->is_dns);
	if (order == 0)
		order = compare_peers(a, b);
	if (order == 0)
		order = by(a->is_every_port, b->is_every_port);
	if (order == 0)
		order = by(a->protocol, b->protocol);
	return order ? order : by(a->port, b->port);
}

static void sort(struct suggest_grants *grants)
{
	if (grants->n > 0)
		qsort(grants->items, grants->n, sizeof(*grants->items),
		      compare);
}

/* ---- one sight ---------------------------------------------------------- */

static void put(struct suggest *suggest, struct suggest_grants *out,
		const struct suggest_grant *grant)
{
	uint32_t to = grant->dir == DIRECTION_INGRESS ? grant->unit
						      : grant->peer_unit;
	struct suggest_grant *item = &out->items[out->n++];

	*item = *grant;
	if (grant->dir == DIRECTION_EGRESS && grant->peer_kind != SUGGEST_UNIT)
		return; /* a name is a pod's */
	if (!grant->is_every_port)
		item->port_name = suggest_unit_port_name(
			&suggest->units[to], grant->protocol, grant->port);
}

/*
 * Anybody may label a pod as DNS servers are labelled, in a namespace that is
 * theirs. What their own pods ask it is traffic like any other.
 */
static bool is_trusted(const struct suggest *suggest, uint32_t server,
		       uint32_t asks)
{
	const char *there = suggest->groups[server].workload.namespace;
	const char *here = suggest->groups[asks].workload.namespace;

	return strcmp(there, "kube-system") == 0 ||
	       strcmp(there, "openshift-dns") == 0 || strcmp(there, here) != 0;
}

static bool is_lookup(const struct suggest *suggest,
		      const struct suggest_sight_key *key)
{
	return key->from != NO_UNIT && key->to != NO_UNIT &&
	       suggest->units[key->to].is_dns && key->has_port &&
	       key->port == DNS_PORT &&
	       (key->protocol == PROTOCOL_UDP ||
		key->protocol == PROTOCOL_TCP) &&
	       is_trusted(suggest, key->to, key->from);
}

/* Both protocols: an answer that is too long comes by TCP. */
static void put_lookup(struct suggest *suggest, struct suggest_grants *out,
		       struct suggest_grant *grant)
{
	uint8_t seen = grant->protocol;

	grant->is_dns = true;
	if (grant->dir == DIRECTION_INGRESS) {
		grant->peer_kind = SUGGEST_ANY_POD;
		grant->peer_unit = NO_UNIT;
	}
	put(suggest, out, grant);
	grant->protocol = seen == PROTOCOL_UDP ? PROTOCOL_TCP : PROTOCOL_UDP;
	grant->use = (struct suggest_use){ 0 };
	put(suggest, out, grant);
}

static void put_block(const struct suggest *suggest, const struct ip_addr *addr,
		      struct suggest_grant *grant)
{
	grant->peer_block =
		suggest_block_around(&suggest->avoid, &suggest->options, addr);
	grant->is_stray = suggest_is_stray(&suggest->avoid, addr);
}

static void put_sight(struct suggest *suggest, struct suggest_grants *out,
		      const struct suggest_sight *sight, enum direction dir)
{
	const struct suggest_sight_key *key = &sight->key;
	uint32_t peer = dir == DIRECTION_EGRESS ? key->to : key->from;
	struct suggest_grant grant = {
		.unit = dir == DIRECTION_EGRESS ? key->from : key->to,
		.dir = dir,
		.peer_kind = peer == NO_UNIT ? SUGGEST_BLOCK : SUGGEST_UNIT,
		.peer_unit = peer,
		.is_every_port = !key->has_port,
		.protocol = key->has_port ? key->protocol : 0,
		.port = key->port,
		.use = suggest_use_of(&sight->uses),
	};

	if (grant.unit == NO_UNIT || sight->covered[dir])
		return;
	if (peer == NO_UNIT)
		put_block(suggest, &key->outside, &grant);
	if (is_lookup(suggest, key))
		put_lookup(suggest, out, &grant);
	else
		put(suggest, out, &grant);
}

/* ---- all of them -------------------------------------------------------- */

static void join_equal(struct suggest_grants *grants)
{
	size_t n = 0;

	for (size_t i = 0; i < grants->n; i++) {
		const struct suggest_grant *grant = &grants->items[i];
		struct suggest_grant *last = n ? &grants->items[n - 1] : NULL;

		if (!last || compare(last, grant) != 0) {
			grants->items[n++] = *grant;
			continue;
		}
		suggest_use_add(&last->use, &grant->use);
	}
	grants->n = n;
}

static void set_apart(struct suggest_grants *grants, uint64_t min_count)
{
	for (size_t i = 0; i < grants->n; i++) {
		struct suggest_grant *grant = &grants->items[i];

		grant->apart = grant->is_every_port || grant->is_stray ||
			       (!grant->is_dns && grant->use.count < min_count);
	}
}

int suggest_grants_make(struct suggest *suggest, struct suggest_grants *out)
{
	const struct suggest_sights *sights = &suggest->sights;

	/* Two directions, and two protocols of a lookup. */
	out->items = arena_array(&suggest->arena, 4 * sights->n + 1,
				 sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < sights->n; i++) {
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			put_sight(suggest, out, &sights->items[i],
				  (enum direction)dir);
	}
	sort(out);
	join_equal(out);
	set_apart(out, suggest->options.min_count);
	sort(out);
	return 0;
}
