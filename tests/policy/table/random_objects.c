/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "random_objects.h"

#include <stdlib.h>
#include <string.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *const namespace_names[N_NAMESPACE_NAMES] = { "shop", "far", "lost",
							 "tmp" };
const char *const port_names[N_PORT_NAMES] = { "http", "dns", "admin" };

/* Sorted, as labels are. */
static const char *const keys[] = { "app", "env", "tier", "zone" };
static const char *const values[] = { "a", "b", "c", "" };

static void *array(struct arena *arena, size_t n, size_t size)
{
	void *items = arena_array(arena, n, size);

	if (!items)
		abort();
	return items;
}

/* ---- labels ------------------------------------------------------------- */

static struct labels add_labels(struct random *random, struct label *items,
				size_t n)
{
	for (size_t i = 0; i < N_OF(keys); i++) {
		if (random_percent(random, 50))
			items[n++] =
				(struct label){ keys[i],
						random_pick(random, values) };
	}
	return (struct labels){ items, n };
}

struct labels random_labels(struct random *random, struct arena *arena)
{
	struct label *items = array(arena, N_OF(keys), sizeof(*items));

	return add_labels(random, items, 0);
}

static int compare_keys(const void *a, const void *b)
{
	const struct label *p = a, *q = b;

	return strcmp(p->key, q->key);
}

struct labels random_namespace_labels(struct random *random,
				      struct arena *arena, const char *name)
{
	struct label *items = array(arena, N_OF(keys) + 1, sizeof(*items));
	struct labels labels;

	items[0] = (struct label){ NAMESPACE_NAME_LABEL, name };
	labels = add_labels(random, items, 1);
	qsort(items, labels.n, sizeof(*items), compare_keys);
	return labels;
}

/* ---- selectors ---------------------------------------------------------- */

static const char **some_values(struct random *random, struct arena *arena,
				const char *const *from, size_t n_from,
				size_t n)
{
	const char **out = array(arena, n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = from[random_below(random, n_from)];
	return out;
}

static struct requirement random_requirement(struct random *random,
					     struct arena *arena, bool by_name)
{
	static const enum selector_operator operators[] = {
		SELECTOR_IN,	 SELECTOR_IN,	  SELECTOR_IN,
		SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_DOES_NOT_EXIST,
	};
	struct requirement r = { .op = random_pick(random, operators) };
	size_t n = 1 + random_below(random, 3);

	r.key = by_name ? NAMESPACE_NAME_LABEL : random_pick(random, keys);
	if (r.op == SELECTOR_EXISTS || r.op == SELECTOR_DOES_NOT_EXIST)
		return r;
	r.values =
		by_name ? some_values(random, arena, namespace_names,
				      N_NAMESPACE_NAMES, n)
			: some_values(random, arena, values, N_OF(values), n);
	r.n_values = n;
	return r;
}

static void spoil(struct random *random, struct requirement *r)
{
	static const char *const one[] = { "a" };

	if (r->n_values > 0) {
		r->n_values = 0;
	} else if (random_percent(random, 50)) {
		r->op = SELECTOR_UNKNOWN;
	} else {
		r->values = one;
		r->n_values = 1;
	}
}

static struct selector make_selector(struct random *random, struct arena *arena,
				     unsigned int by_name)
{
	size_t n = random_below(random, 4);
	struct requirement *items = array(arena, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = random_requirement(random, arena,
					      random_percent(random, by_name));
	if (n > 0 && random_percent(random, 8))
		spoil(random, &items[random_below(random, n)]);
	return (struct selector){ items, n };
}

struct selector random_selector(struct random *random, struct arena *arena)
{
	return make_selector(random, arena, 0);
}

struct selector random_namespace_selector(struct random *random,
					  struct arena *arena)
{
	return make_selector(random, arena, 40);
}

/* ---- addresses ---------------------------------------------------------- */

static const struct ip_addr corners_v4[] = {
	{ { 0, 0, 0, 0 }, IP_V4 },
	{ { 10, 0, 255, 224 }, IP_V4 },
	{ { 10, 1, 0, 0 }, IP_V4 },
	{ { 255, 255, 255, 224 }, IP_V4 },
};

static const struct ip_addr corners_v6[] = {
	{ { 0 }, IP_V6 },
	{ { 0xfd, [14] = 0xff, 0xe0 }, IP_V6 },
	{ { 0xfd, [13] = 1 }, IP_V6 },
	{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xe0 },
	  IP_V6 },
};

/* One of 32 at each corner. */
struct ip_addr random_address(struct random *random, enum ip_family family)
{
	struct ip_addr addr = family == IP_V4 ? random_pick(random, corners_v4)
					      : random_pick(random, corners_v6);

	addr.bytes[ip_addr_len(&addr) - 1] |= (uint8_t)random_below(random, 32);
	return addr;
}

struct cidr random_block(struct random *random, enum ip_family family)
{
	struct cidr block = { .addr = random_address(random, family) };
	size_t bits = ip_addr_len(&block.addr) * 8;

	if (random_percent(random, 85))
		block.prefix_len = (uint8_t)(bits - random_below(random, 6));
	else
		block.prefix_len = (uint8_t)random_below(random, bits + 1);
	for (size_t i = block.prefix_len; i < bits; i++)
		block.addr.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return block;
}

/* ---- peers -------------------------------------------------------------- */

static const struct selector *kept(struct arena *arena,
				   struct selector selector)
{
	struct selector *copy = array(arena, 1, sizeof(*copy));

	*copy = selector;
	return copy;
}

struct peer random_pod_peer(struct random *random, struct arena *arena)
{
	struct peer peer = { .kind = PEER_PODS };
	bool by_namespace = random_percent(random, 60);

	if (by_namespace)
		peer.namespace_selector =
			kept(arena, random_namespace_selector(random, arena));
	if (!by_namespace || random_percent(random, 50))
		peer.pod_selector = kept(arena, random_selector(random, arena));
	return peer;
}

struct peer random_block_peer(struct random *random, struct arena *arena)
{
	enum ip_family family = random_percent(random, 50) ? IP_V4 : IP_V6;
	size_t n = random_below(random, 4);
	struct cidr *except = array(arena, n, sizeof(*except));

	/* Not always inside, and not always of the family. */
	for (size_t i = 0; i < n; i++)
		except[i] = random_block(
			random, random_percent(random, 90) ? family : IP_V6);
	return (struct peer){
		.kind = PEER_IP_BLOCK,
		.block = random_block(random, family),
		.except = except,
		.n_except = (uint32_t)n,
	};
}

/* ---- rules -------------------------------------------------------------- */

static struct policy_port random_port(struct random *random, uint16_t last_port)
{
	static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_TCP,
					     PROTOCOL_UDP, PROTOCOL_SCTP };
	struct policy_port port = { .protocol =
					    random_pick(random, protocols) };
	size_t what = random_below(random, 100);

	if (what < 20) {
		port.kind = PORT_NAMED;
		port.name = random_pick(random, port_names);
	} else if (what < 85) {
		port.kind = PORT_RANGE;
		port.first = (uint16_t)random_between(random, 0, last_port);
		port.last = random_percent(random, 40)
				    ? port.first
				    : (uint16_t)random_between(
					      random, port.first, last_port);
	}
	return port;
}

struct rule random_rule(struct random *random, struct arena *arena,
			uint16_t last_port)
{
	size_t n_peers = random_below(random, 4);
	size_t n_ports = random_below(random, 4);
	struct peer *peers = array(arena, n_peers, sizeof(*peers));
	struct policy_port *ports = array(arena, n_ports, sizeof(*ports));

	for (size_t i = 0; i < n_peers; i++)
		peers[i] = random_percent(random, 60)
				   ? random_pod_peer(random, arena)
				   : random_block_peer(random, arena);
	for (size_t i = 0; i < n_ports; i++)
		ports[i] = random_port(random, last_port);
	return (struct rule){ peers, n_peers, ports, n_ports };
}

struct object random_policy(struct random *random, struct arena *arena,
			    const char *namespace, const char *name,
			    size_t max_rules, uint16_t last_port)
{
	struct object object = { .kind = OBJECT_NETWORK_POLICY };
	struct network_policy *policy = &object.policy;

	policy->namespace = namespace;
	policy->name = name;
	policy->uid = "";
	policy->pod_selector = random_selector(random, arena);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		size_t n = random_below(random, max_rules + 1);
		struct rule *rules = array(arena, n, sizeof(*rules));

		for (size_t i = 0; i < n; i++)
			rules[i] = random_rule(random, arena, last_port);
		policy->isolates[dir] = true;
		policy->rules[dir] = rules;
		policy->n_rules[dir] = n;
	}
	return object;
}
