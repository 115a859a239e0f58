/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FNV-1a over the fields, each list after its length and each text with its
 * end, so that nothing can be mistaken for its neighbour: a policy with the
 * ports 1 and 23 is not one with 12 and 3.
 */
#include "netpold/fingerprint.h"

#include <stddef.h>
#include <string.h>

/* Fowler, Noll and Vo, for 64 bits. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void take_bytes(uint64_t *hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ at[i]) * FNV_PRIME;
}

static void take_number(uint64_t *hash, uint64_t number)
{
	take_bytes(hash, &number, sizeof(number));
}

static void take_text(uint64_t *hash, const char *text)
{
	take_bytes(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void take_selector(uint64_t *hash, const struct selector *selector)
{
	take_number(hash, selector != NULL);
	if (!selector)
		return;
	take_number(hash, selector->n);
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		take_text(hash, r->key);
		take_number(hash, r->op);
		take_number(hash, r->n_values);
		for (size_t k = 0; k < r->n_values; k++)
			take_text(hash, r->values[k]);
	}
}

static void take_block(uint64_t *hash, const struct cidr *block)
{
	take_number(hash, block->addr.family);
	take_bytes(hash, block->addr.bytes, sizeof(block->addr.bytes));
	take_number(hash, block->prefix_len);
}

static void take_peer(uint64_t *hash, const struct peer *peer)
{
	take_number(hash, peer->kind);
	take_selector(hash, peer->pod_selector);
	take_selector(hash, peer->namespace_selector);
	take_block(hash, &peer->block);
	take_number(hash, peer->n_except);
	for (size_t i = 0; i < peer->n_except; i++)
		take_block(hash, &peer->except[i]);
}

static void take_port(uint64_t *hash, const struct policy_port *port)
{
	take_number(hash, port->kind);
	take_number(hash, port->protocol);
	take_number(hash, port->first);
	take_number(hash, port->last);
	take_text(hash, port->name);
}

static void take_rule(uint64_t *hash, const struct rule *rule)
{
	take_number(hash, rule->n_peers);
	for (size_t i = 0; i < rule->n_peers; i++)
		take_peer(hash, &rule->peers[i]);
	take_number(hash, rule->n_ports);
	for (size_t i = 0; i < rule->n_ports; i++)
		take_port(hash, &rule->ports[i]);
}

uint64_t fingerprint_policy(const struct network_policy *policy)
{
	uint64_t hash = FNV_BASIS;

	take_text(&hash, policy->namespace);
	take_text(&hash, policy->name);
	take_selector(&hash, &policy->pod_selector);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		take_number(&hash, policy->isolates[dir]);
		take_number(&hash, policy->n_rules[dir]);
		for (size_t i = 0; i < policy->n_rules[dir]; i++)
			take_rule(&hash, &policy->rules[dir][i]);
	}
	return hash;
}
