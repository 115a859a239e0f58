/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/claim.h"

#include <errno.h>
#include <string.h>

#include "store/record.h"

#define FIRST_BUCKETS 16

static struct claim **bucket(const struct claims *claims,
			     const struct ip_addr *addr)
{
	uint64_t words[2], hash;

	memcpy(words, addr->bytes, sizeof(words));
	hash = (words[0] ^ addr->family) * 0x9e3779b97f4a7c15;
	hash = (hash ^ hash >> 32 ^ words[1]) * 0xc2b2ae3d27d4eb4f;
	return &claims->buckets[(hash >> 32) & (claims->n_buckets - 1)];
}

/* ---- all of them -------------------------------------------------------- */

struct claim *claims_find(const struct claims *claims,
			  const struct ip_addr *addr)
{
	struct claim *claim = claims->buckets ? *bucket(claims, addr) : NULL;

	while (claim && !ip_addr_equal(&claim->addr, addr))
		claim = claim->next;
	return claim;
}

static int grow(struct parts *parts, struct claims *claims)
{
	struct claims grown = *claims;

	grown.n_buckets =
		claims->n_buckets ? claims->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = parts_alloc(parts, PART_ADDRESSES,
				    grown.n_buckets * sizeof(void *));
	if (!grown.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < claims->n_buckets; i++) {
		struct claim *claim = claims->buckets[i];

		while (claim) {
			struct claim *next = claim->next;
			struct claim **head = bucket(&grown, &claim->addr);

			claim->next = *head;
			*head = claim;
			claim = next;
		}
	}
	parts_free(parts, PART_ADDRESSES, claims->buckets,
		   claims->n_buckets * sizeof(void *));
	*claims = grown;
	return 0;
}

struct claim *claims_get(struct parts *parts, struct claims *claims,
			 const struct ip_addr *addr)
{
	struct claim *claim = claims_find(claims, addr);
	struct claim **head;

	if (claim)
		return claim;
	if (claims->n >= claims->n_buckets && grow(parts, claims) < 0)
		return NULL;
	claim = parts_alloc(parts, PART_ADDRESSES, sizeof(*claim));
	if (!claim)
		return NULL;
	claim->addr = *addr;
	head = bucket(claims, addr);
	claim->next = *head;
	*head = claim;
	claims->n++;
	return claim;
}

static void claim_free(struct parts *parts, struct claim *claim)
{
	for (size_t i = 0; i < claim->n_pods; i++)
		record_drop(parts->pool, claim->pods[i]);
	for (size_t i = 0; i < claim->n_hosts; i++)
		intern_drop(parts->pool, claim->hosts[i]);
	parts_free(parts, PART_ADDRESSES, claim->pods,
		   claim->pods_capacity * sizeof(void *));
	parts_free(parts, PART_ADDRESSES, claim->hosts,
		   claim->hosts_capacity * sizeof(void *));
	parts_free(parts, PART_ADDRESSES, claim, sizeof(*claim));
}

void claims_drop_settled(struct parts *parts, struct claims *claims,
			 struct claim *claim)
{
	struct claim **link;

	if (claim->n_hosts > 0 || claim->n_pods > 1)
		return;
	link = bucket(claims, &claim->addr);
	while (*link != claim)
		link = &(*link)->next;
	*link = claim->next;
	claims->n--;
	claim_free(parts, claim);
}

void claims_release(struct parts *parts, struct claims *claims)
{
	for (size_t i = 0; i < claims->n_buckets; i++) {
		while (claims->buckets[i]) {
			struct claim *claim = claims->buckets[i];

			claims->buckets[i] = claim->next;
			claim_free(parts, claim);
		}
	}
	parts_free(parts, PART_ADDRESSES, claims->buckets,
		   claims->n_buckets * sizeof(void *));
	*claims = (struct claims){ 0 };
}

/* ---- one claim ---------------------------------------------------------- */

int claim_add_pod(struct parts *parts, struct claim *claim,
		  const struct object *pod)
{
	const struct object **pods =
		parts_grow(parts, PART_ADDRESSES, claim->pods, claim->n_pods,
			   &claim->pods_capacity, sizeof(void *));

	if (!pods)
		return -ENOMEM;
	claim->pods = pods;
	pods[claim->n_pods++] = record_use(pod);
	return 0;
}

void claim_remove_pod(struct parts *parts, struct claim *claim,
		      const struct object *pod)
{
	for (size_t i = 0; i < claim->n_pods; i++) {
		if (claim->pods[i] != pod)
			continue;
		claim->pods[i] = claim->pods[--claim->n_pods];
		record_drop(parts->pool, pod);
		return;
	}
}

int claim_add_host(struct parts *parts, struct claim *claim,
		   const char *node_name)
{
	const char **hosts =
		parts_grow(parts, PART_ADDRESSES, claim->hosts, claim->n_hosts,
			   &claim->hosts_capacity, sizeof(void *));

	if (!hosts)
		return -ENOMEM;
	claim->hosts = hosts;
	hosts[claim->n_hosts++] = intern_again(node_name);
	return 0;
}

void claim_remove_host(struct parts *parts, struct claim *claim,
		       const char *node_name)
{
	for (size_t i = 0; i < claim->n_hosts; i++) {
		if (claim->hosts[i] != node_name)
			continue;
		claim->hosts[i] = claim->hosts[--claim->n_hosts];
		intern_drop(parts->pool, node_name);
		return;
	}
}

bool claim_is_of_host(const struct claim *claim, const char *node_name)
{
	for (size_t i = 0; i < claim->n_hosts; i++) {
		if (claim->hosts[i] == node_name)
			return true;
	}
	return false;
}

static bool is_better(const struct pod *a, const struct pod *b)
{
	int order;

	if (a->deleting != b->deleting)
		return !a->deleting;
	if (a->created_s != b->created_s)
		return a->created_s > b->created_s;
	order = strcmp(a->uid, b->uid);
	if (order == 0)
		order = strcmp(a->namespace, b->namespace);
	if (order == 0)
		order = strcmp(a->name, b->name);
	return order > 0;
}

const struct object *claim_winner(const struct claims *claims,
				  const struct claim *claim)
{
	const struct object *winner = NULL;

	if (claims->node_name && claim_is_of_host(claim, claims->node_name))
		return NULL;
	for (size_t i = 0; i < claim->n_pods; i++) {
		const struct object *pod = claim->pods[i];

		if (*pod->pod.node_name &&
		    claim_is_of_host(claim, pod->pod.node_name))
			continue;
		if (!winner || is_better(&pod->pod, &winner->pod))
			winner = pod;
	}
	return winner;
}
