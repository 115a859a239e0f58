/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world_write.h"

/* Policies, in every spelling that the API server accepts. */

const char *const world_pod_keys[N_POD_KEYS] = { "app", "tier", "a", "A",
						 "x.io/app" };
const char *const world_protocols[5] = { "TCP", "TCP", "TCP", "UDP", "SCTP" };
const char *const world_port_names[4] = { "http", "dns", "alt", "web" };
const long world_port_numbers[8] = { 53, 80, 81, 82, 443, 8080, 65535, 1 };

static const char *const pod_values[] = { "web", "web", "db", "db", "1", "" };
static const char *const namespace_keys[] = { "team", "env", "a",
					      "kubernetes.io/metadata.name" };
static const char *const namespace_values[] = { "red", "blue", "1", "" };

/* ---- selectors ---------------------------------------------------------- */

enum about { ABOUT_PODS, ABOUT_NAMESPACES };

static const char *pick_key(struct random *r, enum about about)
{
	if (about == ABOUT_NAMESPACES)
		return random_pick(r, namespace_keys);
	return world_pod_keys[random_percent(r, 60)
				      ? 0
				      : random_below(r, N_POD_KEYS)];
}

static const char *pick_value(struct random *r, enum about about,
			      const char *key)
{
	if (about == ABOUT_PODS)
		return random_pick(r, pod_values);
	if (strcmp(key, "kubernetes.io/metadata.name") == 0)
		return world_namespace_name(
			random_below(r, N_WORLD_NAMESPACES));
	return random_pick(r, namespace_values);
}

static void expression(struct world *world, struct writer *out,
		       enum about about)
{
	static const char *const operators[] = { "In",	   "In",
						 "NotIn",  "NotIn",
						 "Exists", "DoesNotExist" };
	struct random *r = &world->random;
	const char *op = random_pick(r, operators);
	const char *key = pick_key(r, about);

	json_comma(out);
	writer_add(out, "{\"key\":\"%s\",\"operator\":\"%s\"", key, op);
	if (strcmp(op, "Exists") == 0 || strcmp(op, "DoesNotExist") == 0) {
		json_nothing(world, out, "values", "[]");
	} else {
		json_key(out, "values");
		writer_add(out, "[");
		for (size_t n = 1 + random_below(r, 3); n > 0; n--) {
			json_comma(out);
			writer_add(out, "\"%s\"", pick_value(r, about, key));
		}
		writer_add(out, "]");
	}
	writer_add(out, "}");
}

static void match_labels(struct world *world, struct writer *out,
			 enum about about)
{
	struct random *r = &world->random;
	const char *first = pick_key(r, about), *second = pick_key(r, about);

	json_key(out, "matchLabels");
	writer_add(out, "{\"%s\":\"%s\"", first, pick_value(r, about, first));
	if (random_percent(r, 20) && strcmp(first, second) != 0) {
		json_key(out, second);
		if (random_percent(r, 20)) /* as good as "" (NP-22) */
			writer_add(out, "null");
		else
			writer_add(out, "\"%s\"", pick_value(r, about, second));
	}
	writer_add(out, "}");
}

static void selector(struct world *world, struct writer *out, enum about about)
{
	struct random *r = &world->random;
	size_t n_expressions = 0;

	writer_add(out, "{");
	if (random_percent(r, 55))
		match_labels(world, out, about);
	else
		json_nothing(world, out, "matchLabels", "{}");
	if (random_percent(r, 35))
		n_expressions = 1 + random_below(r, 2);
	if (n_expressions == 0) {
		json_nothing(world, out, "matchExpressions", "[]");
	} else {
		json_key(out, "matchExpressions");
		writer_add(out, "[");
		while (n_expressions-- > 0)
			expression(world, out, about);
		writer_add(out, "]");
	}
	writer_add(out, "}");
}

/* ---- blocks ------------------------------------------------------------- */

struct block {
	struct world_address addr; /* with its host bits */
	unsigned int len;
	unsigned int raw_len; /* as written: 96 more where mapped */
};

static unsigned int max_len(const struct world_address *addr)
{
	return addr->family == 4 ? 32 : 128;
}

/* The lowest or the highest address of a block. */
static struct world_address block_end(const struct block *block, bool highest)
{
	struct world_address addr = block->addr;

	for (unsigned int bit = block->len; bit < max_len(&addr); bit++) {
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));

		if (highest)
			addr.bytes[bit / 8] |= mask;
		else
			addr.bytes[bit / 8] &= (uint8_t)~mask;
	}
	return addr;
}

static struct world_address neighbour(struct world_address addr, int step)
{
	int i = addr.family == 4 ? 3 : 15;
	int sum = addr.bytes[i] + step;

	while (i > 0 && (sum < 0 || sum > 255)) {
		addr.bytes[i--] = (uint8_t)sum;
		sum = addr.bytes[i] + step;
	}
	addr.bytes[i] = (uint8_t)sum;
	return addr;
}

static void note_edges(struct world *world, const struct block *block)
{
	struct world_addresses *to = &world->others[block->addr.family == 6];
	struct world_address first = block_end(block, false);
	struct world_address last = block_end(block, true);

	world_note_address(to, first);
	world_note_address(to, last);
	world_note_address(to, neighbour(first, -1));
	world_note_address(to, neighbour(last, 1));
}

static bool covers(const struct block *block, const struct world_address *addr)
{
	struct block other = { *addr, block->len, 0 };
	struct world_address a = block_end(block, false);
	struct world_address b = block_end(&other, false);

	return a.family == b.family && memcmp(a.bytes, b.bytes, 16) == 0;
}

static unsigned int pick_len(struct random *r, unsigned int max)
{
	static const unsigned int few[] = { 0, 1, 7, 8, 9, 15, 16, 20, 24 };

	if (random_percent(r, 20))
		return random_pick(r, few);
	return (unsigned int)random_between(r, (long)max - 8, (long)max);
}

/* "ADDRESS/LENGTH" in any form; says how it was written. */
static void block_text(struct world *world, struct block *block,
		       char text[WORLD_TEXT_LEN + 8])
{
	struct random *r = &world->random;
	char addr[WORLD_TEXT_LEN];
	bool exact = random_percent(r, 70);

	world_address_text(world, exact ? block_end(block, false) : block->addr,
			   addr);
	block->raw_len = block->len;
	if (block->addr.family == 4 && strchr(addr, ':') != NULL)
		block->raw_len += 96;
	snprintf(text, WORLD_TEXT_LEN + 8, "%s/%s%u", addr,
		 random_percent(r, 4) ? "0" : "", block->raw_len);
}

static struct block pick_block(struct world *world)
{
	struct random *r = &world->random;
	bool v4 = !world->has_family[1] ||
		  (world->has_family[0] && random_percent(r, 50));
	struct block block = {
		.addr = world_place(world, v4 ? 4 : 6,
				    random_below(r, world->n_places)),
	};

	if (random_percent(r, 10))
		block.addr = world_node_address(v4 ? 4 : 6, random_below(r, 3));
	block.len = pick_len(r, v4 ? 32 : 128);
	return block;
}

/* AV-58: inside the block by its first address, and longer as written. */
static bool write_except(struct world *world, struct writer *out,
			 const struct block *outer)
{
	struct random *r = &world->random;
	struct block inner = { .addr = outer->addr };
	struct world_address first;
	char text[WORLD_TEXT_LEN + 8];

	inner.len = (unsigned int)random_between(r, outer->len,
						 (long)max_len(&outer->addr));
	if (random_percent(r, 60))
		inner.addr = world_place(world, outer->addr.family,
					 random_below(r, world->n_places));
	if (random_percent(r, 3) && outer->len > 0)
		inner.len = outer->len - 1; /* wider; legal where mapped */
	block_text(world, &inner, text);
	first = block_end(&inner, false);
	if (!covers(outer, &first) || inner.raw_len <= outer->raw_len)
		return false;
	json_comma(out);
	writer_add(out, "\"%s\"", text);
	note_edges(world, &inner);
	return true;
}

/* AV-56: a mapped address with fewer than 96 bits is an IPv6 block. */
static void short_mapped_block(struct world *world, struct writer *out)
{
	writer_add(out, "{\"cidr\":\"::ffff:10.0.0.0/%ld\"}",
		   random_between(&world->random, 0, 95));
}

static void ip_block(struct world *world, struct writer *out)
{
	struct random *r = &world->random;
	struct block block = pick_block(world);
	char text[WORLD_TEXT_LEN + 8];
	size_t start;

	if (random_percent(r, 2)) {
		short_mapped_block(world, out);
		return;
	}
	block_text(world, &block, text);
	note_edges(world, &block);
	writer_add(out, "{\"cidr\":\"%s\"", text);
	start = out->len;
	json_key(out, "except");
	writer_add(out, "[");
	if (random_percent(r, 50)) {
		for (size_t n = 1 + random_below(r, 3); n > 0; n--)
			write_except(world, out, &block);
	}
	writer_add(out, "]");
	if (out->data[out->len - 2] == '[') {
		out->len = start;
		json_nothing(world, out, "except", "[]");
	}
	writer_add(out, "}");
}

/* ---- rules -------------------------------------------------------------- */

static void port_number(struct world *world, struct writer *out,
			const char *protocol)
{
	struct random *r = &world->random;
	long first = random_pick(r, world_port_numbers);
	long last = first;

	if (random_percent(r, 10))
		first = last = random_between(r, 1, 65535);
	json_key(out, "port");
	writer_add(out, "%ld", first);
	if (random_percent(r, 35)) {
		last = random_percent(r, 70) ? first + random_between(r, 0, 3)
					     : random_between(r, first, 65535);
		if (last > 65535)
			last = 65535;
		json_key(out, "endPort");
		writer_add(out, "%ld", last);
	} else if (random_percent(r, 10)) {
		json_key(out, "endPort");
		writer_add(out, "null");
	}
	world_note_port(world, protocol, first - 1);
	world_note_port(world, protocol, first);
	world_note_port(world, protocol, last);
	world_note_port(world, protocol, last + 1);
}

static void port(struct world *world, struct writer *out)
{
	struct random *r = &world->random;
	const char *protocol = random_pick(r, world_protocols);
	size_t kind = random_below(r, 10);

	json_comma(out);
	writer_add(out, "{");
	if (strcmp(protocol, "TCP") != 0 || random_percent(r, 60))
		json_text(out, "protocol", protocol);
	else if (random_percent(r, 20))
		writer_add(out, "\"protocol\":null");
	if (kind == 0) {
		if (random_percent(r, 50)) {
			json_key(out, "port");
			writer_add(out, "null");
		}
	} else if (kind < 4) {
		json_text(out, "port", random_pick(r, world_port_names));
	} else {
		port_number(world, out, protocol);
	}
	writer_add(out, "}");
}

static void peer(struct world *world, struct writer *out)
{
	struct random *r = &world->random;
	size_t kind = random_below(r, 10);
	bool pods = kind >= 3 && kind <= 7, namespaces = kind >= 6;

	json_comma(out);
	writer_add(out, "{");
	if (kind < 3) {
		json_key(out, "ipBlock");
		ip_block(world, out);
	} else if (random_percent(r, 10)) {
		writer_add(out, "\"ipBlock\":null");
	}
	if (pods) {
		json_key(out, "podSelector");
		selector(world, out, ABOUT_PODS);
	} else if (random_percent(r, 10)) {
		json_key(out, "podSelector");
		writer_add(out, "null");
	}
	if (namespaces) {
		json_key(out, "namespaceSelector");
		selector(world, out, ABOUT_NAMESPACES);
	} else if (random_percent(r, 10)) {
		json_key(out, "namespaceSelector");
		writer_add(out, "null");
	}
	writer_add(out, "}");
}

/* A list of so many, or one of the ways to say none. */
static void list(struct world *world, struct writer *out, const char *key,
		 size_t n, void (*item)(struct world *, struct writer *))
{
	if (n == 0) {
		json_nothing(world, out, key, "[]");
		return;
	}
	json_key(out, key);
	writer_add(out, "[");
	while (n-- > 0)
		item(world, out);
	writer_add(out, "]");
}

static size_t pick_length(struct random *r, unsigned int percent_none,
			  size_t most)
{
	return random_percent(r, percent_none) ? 0 : 1 + random_below(r, most);
}

static void rule(struct world *world, struct writer *out, const char *peers)
{
	struct random *r = &world->random;

	json_comma(out);
	writer_add(out, "{");
	list(world, out, peers, pick_length(r, 12, 3), peer);
	list(world, out, "ports", pick_length(r, 25, 3), port);
	writer_add(out, "}");
}

static void ingress_rule(struct world *world, struct writer *out)
{
	rule(world, out, "from");
}

static void egress_rule(struct world *world, struct writer *out)
{
	rule(world, out, "to");
}

/* ---- policies ----------------------------------------------------------- */

static void policy_types(struct world *world, struct writer *out)
{
	static const char *const types[] = {
		"[\"Ingress\"]",
		"[\"Egress\"]",
		"[\"Ingress\",\"Egress\"]",
		"[\"Egress\",\"Ingress\"]",
		"[\"Ingress\",\"Ingress\"]",
		"[\"Egress\",\"Egress\"]",
	};

	if (random_percent(&world->random, 40)) {
		json_nothing(world, out, "policyTypes", "[]");
		return;
	}
	json_key(out, "policyTypes");
	writer_add(out, "%s", random_pick(&world->random, types));
}

char *world_write_policy(struct world *world, const char *ns, const char *name)
{
	struct random *r = &world->random;
	struct writer parts[4] = { 0 };
	struct writer *meta = &parts[1], *spec = &parts[2];

	writer_add(&parts[0], "\"apiVersion\":\"networking.k8s.io/v1\","
			      "\"kind\":\"NetworkPolicy\"");
	writer_add(meta, "\"metadata\":{\"name\":\"%s\"", name);
	if (strcmp(ns, "default") != 0 || random_percent(r, 80))
		json_text(meta, "namespace", ns);
	if (random_percent(r, 50)) {
		json_key(meta, "generation");
		writer_add(meta, "%zu", 1 + random_below(r, 9));
	}
	json_mode(world, meta);
	writer_add(meta, "}");

	writer_add(spec, "\"spec\":{");
	if (random_percent(r, 70)) {
		json_key(spec, "podSelector");
		selector(world, spec, ABOUT_PODS);
	} else {
		json_nothing(world, spec, "podSelector", "{}");
	}
	list(world, spec, "ingress", pick_length(r, 30, 3), ingress_rule);
	list(world, spec, "egress", pick_length(r, 50, 3), egress_rule);
	policy_types(world, spec);
	writer_add(spec, "}");
	return json_object(world, parts);
}
