/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule lets in the product of its peers and its ports, so that it covers
 * another when its peers cover the other's peers and its ports the other's
 * ports. Both lists are unions: each entry on the narrow side has to be
 * covered, by one entry on the wide side (ranges of ports: by several). A
 * selector is a conjunction: each requirement on the wide side has to follow
 * from one on the narrow side.
 *
 *	wide	from: app In [web, api], 10.0.0.0/8	ports: 80-85, 86-90
 *	narrow	from: app=web, tier=a			ports: 84-87
 *
 * app=web implies app In [web, api]; tier=a only narrows further; 84-87 lies
 * in 80-85 and 86-90 together: covered.
 */
#include "cover.h"

#include <stdlib.h>
#include <string.h>

#include "netpold/selector.h"

/* ---- selectors ---------------------------------------------------------- */

static bool has_value(const struct requirement *requirement, const char *value,
		      struct budget *budget)
{
	for (size_t i = 0; i < requirement->n_values && budget_spend(budget, 1);
	     i++) {
		if (strcmp(requirement->values[i], value) == 0)
			return true;
	}
	return false;
}

/* How many of the values of @a are values of @b. */
static size_t count_shared(const struct requirement *a,
			   const struct requirement *b, struct budget *budget)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_values && budget_spend(budget, 1); i++)
		n += has_value(b, a->values[i], budget);
	return n;
}

static bool requirement_covers(const struct requirement *wide,
			       const struct requirement *narrow,
			       struct budget *budget)
{
	enum selector_operator op = narrow->op;

	if (!requirement_is_evaluable(wide) || strcmp(wide->key, narrow->key))
		return false;
	switch (wide->op) {
	case SELECTOR_IN:
		return op == SELECTOR_IN &&
		       count_shared(narrow, wide, budget) == narrow->n_values;
	case SELECTOR_NOT_IN:
		/* NP-23: an absent key is in no list. */
		if (op == SELECTOR_DOES_NOT_EXIST)
			return true;
		if (op == SELECTOR_IN)
			return count_shared(narrow, wide, budget) == 0;
		return op == SELECTOR_NOT_IN &&
		       count_shared(wide, narrow, budget) == wide->n_values;
	case SELECTOR_EXISTS:
		return op == SELECTOR_IN || op == SELECTOR_EXISTS;
	case SELECTOR_DOES_NOT_EXIST:
		return op == SELECTOR_DOES_NOT_EXIST;
	case SELECTOR_UNKNOWN:
		break;
	}
	return false;
}

static bool requirement_follows(const struct requirement *wide,
				const struct selector *narrow,
				struct budget *budget)
{
	for (size_t i = 0; i < narrow->n && budget_spend(budget, 1); i++) {
		if (requirement_covers(wide, &narrow->requirements[i], budget))
			return true;
	}
	return false;
}

bool selector_covers(const struct selector *wide, const struct selector *narrow,
		     struct budget *budget)
{
	for (size_t i = 0; i < wide->n; i++) {
		if (!requirement_follows(&wide->requirements[i], narrow,
					 budget))
			return false;
	}
	return !budget_is_spent(budget);
}

/* ---- pods --------------------------------------------------------------- */

/* No namespaceSelector is the one that selects the policy's own namespace by
   its name, which is known even where the labels are not (NP-30, NP-42). */
static bool namespaces_cover(const struct peer *wide, const struct peer *narrow,
			     const char *namespace, struct budget *budget)
{
	const struct requirement name = { NAMESPACE_NAME_LABEL, SELECTOR_IN,
					  &namespace, 1 };
	const struct selector own = { &name, 1 };
	const struct selector *w = wide->namespace_selector;
	const struct selector *n = narrow->namespace_selector;

	return selector_covers(w ? w : &own, n ? n : &own, budget);
}

static bool pods_cover(const struct peer *wide, const struct peer *narrow,
		       struct budget *budget)
{
	static const struct selector all = { 0 };
	const struct selector *w = wide->pod_selector;
	const struct selector *n = narrow->pod_selector;

	return selector_covers(w ? w : &all, n ? n : &all, budget);
}

/* ---- blocks ------------------------------------------------------------- */

/* Two blocks are one inside the other, or apart. */
static bool cidr_covers(const struct cidr *wide, const struct cidr *narrow)
{
	return wide->prefix_len <= narrow->prefix_len &&
	       cidr_contains(wide, &narrow->addr);
}

static bool cidrs_touch(const struct cidr *a, const struct cidr *b)
{
	return cidr_covers(a, b) || cidr_covers(b, a);
}

static bool is_excepted(const struct peer *block, const struct cidr *cidr,
			struct budget *budget)
{
	for (size_t i = 0; i < block->n_except && budget_spend(budget, 1);
	     i++) {
		if (cidr_covers(&block->except[i], cidr))
			return true;
	}
	return false;
}

/* What @wide excepts must be none of @narrow's. */
static bool blocks_cover(const struct peer *wide, const struct peer *narrow,
			 struct budget *budget)
{
	if (!cidr_covers(&wide->block, &narrow->block))
		return false;
	for (size_t i = 0; i < wide->n_except && budget_spend(budget, 1); i++) {
		const struct cidr *hole = &wide->except[i];

		if (cidrs_touch(hole, &narrow->block) &&
		    !is_excepted(narrow, hole, budget))
			return false;
	}
	return true;
}

static int compare_cidrs(const void *a, const void *b)
{
	const struct cidr *p = a, *q = b;

	return ip_addr_compare(&p->addr, &q->addr);
}

/* The first address after a block; false where there is none. */
static bool next_address(const struct cidr *cidr, struct ip_addr *out)
{
	*out = cidr->addr;
	for (size_t bit = cidr->prefix_len; bit-- > 0;) {
		uint8_t mask = (uint8_t)(0x80 >> (bit % 8));

		out->bytes[bit / 8] ^= mask;
		if (out->bytes[bit / 8] & mask)
			return true;
	}
	return false;
}

/* @at goes from one end of the block to the other, as far as it is covered. */
bool cidrs_cover(struct cidr *set, size_t n, const struct cidr *block)
{
	struct ip_addr at = block->addr;

	if (n > 1)
		qsort(set, n, sizeof(*set), compare_cidrs);
	for (size_t i = 0; i < n; i++) {
		if (cidr_contains(&set[i], &at) &&
		    (!next_address(&set[i], &at) || !cidr_contains(block, &at)))
			return true;
	}
	return false;
}

/* ---- peers -------------------------------------------------------------- */

static bool peer_covers(const struct peer *wide, const struct peer *narrow,
			const char *namespace, struct budget *budget)
{
	if (wide->kind != narrow->kind)
		return false;
	if (wide->kind == PEER_IP_BLOCK)
		return blocks_cover(wide, narrow, budget);
	return namespaces_cover(wide, narrow, namespace, budget) &&
	       pods_cover(wide, narrow, budget);
}

static bool peers_cover_one(const struct rule *wide, const struct peer *narrow,
			    const char *namespace, struct budget *budget)
{
	for (size_t i = 0; i < wide->n_peers && budget_spend(budget, 1); i++) {
		if (peer_covers(&wide->peers[i], narrow, namespace, budget))
			return true;
	}
	return false;
}

static bool peers_cover(const struct rule *wide, const struct rule *narrow,
			const char *namespace, struct budget *budget)
{
	if (wide->n_peers == 0 || narrow->n_peers == 0)
		return wide->n_peers == 0;
	for (size_t i = 0; i < narrow->n_peers; i++) {
		if (!peers_cover_one(wide, &narrow->peers[i], namespace,
				     budget))
			return false;
	}
	return true;
}

/* ---- ports -------------------------------------------------------------- */

/* Of the ranges that begin at or before @at, the last port of the one that
   reaches farthest; below @at where there is none. */
static long farthest_port(const struct rule *wide, uint8_t protocol, long at,
			  struct budget *budget)
{
	long last = at - 1;

	for (size_t i = 0; i < wide->n_ports && budget_spend(budget, 1); i++) {
		const struct policy_port *p = &wide->ports[i];

		if (p->kind == PORT_RANGE && p->protocol == protocol &&
		    p->first <= at && p->last > last)
			last = p->last;
	}
	return last;
}

static bool ranges_cover(const struct rule *wide,
			 const struct policy_port *narrow,
			 struct budget *budget)
{
	long at = narrow->first;

	while (at <= narrow->last) {
		long last = farthest_port(wide, narrow->protocol, at, budget);

		if (last < at)
			return false;
		at = last + 1;
	}
	return true;
}

/* A name covers itself, whatever number each pod gives it (NP-45). Packets
   without a port are in no range, however wide (NP-43). */
static bool ports_cover_one(const struct rule *wide,
			    const struct policy_port *narrow,
			    struct budget *budget)
{
	for (size_t i = 0; i < wide->n_ports && budget_spend(budget, 1); i++) {
		const struct policy_port *p = &wide->ports[i];

		if (p->protocol != narrow->protocol)
			continue;
		if (p->kind == PORT_ANY)
			return true;
		if (p->kind == PORT_NAMED && narrow->kind == PORT_NAMED &&
		    strcmp(p->name, narrow->name) == 0)
			return true;
	}
	return narrow->kind == PORT_RANGE && ranges_cover(wide, narrow, budget);
}

static bool ports_cover(const struct rule *wide, const struct rule *narrow,
			struct budget *budget)
{
	if (wide->n_ports == 0 || narrow->n_ports == 0)
		return wide->n_ports == 0;
	for (size_t i = 0; i < narrow->n_ports; i++) {
		if (!ports_cover_one(wide, &narrow->ports[i], budget))
			return false;
	}
	return true;
}

/* ---- rules -------------------------------------------------------------- */

bool rule_covers(const struct rule *wide, const struct rule *narrow,
		 const char *namespace, struct budget *budget)
{
	return ports_cover(wide, narrow, budget) &&
	       peers_cover(wide, narrow, namespace, budget) &&
	       !budget_is_spent(budget);
}
