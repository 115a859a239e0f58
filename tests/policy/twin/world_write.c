/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world_write.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const node_names[] = { "n1", "n2", "n3" };
static const char *const pod_values[] = { "web", "db", "1", "" };
static const char *const namespace_keys[] = { "team", "env", "a" };
static const char *const namespace_values[] = { "red", "blue", "1", "" };
static const char *const times[] = {
	"2024-12-31T23:59:59Z",
	"2025-01-01T00:00:00Z",
	"2025-01-01T00:00:01Z",
	"2025-10-01T00:00:00Z",
};

/* ---- JSON --------------------------------------------------------------- */

void json_comma(struct writer *text)
{
	char last = text->len > 0 ? text->data[text->len - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		writer_add(text, ",");
}

void json_key(struct writer *text, const char *key)
{
	json_comma(text);
	writer_add(text, "\"%s\":", key);
}

void json_text(struct writer *text, const char *key, const char *value)
{
	json_key(text, key);
	writer_add(text, "\"%s\"", value);
}

void json_nothing(struct world *world, struct writer *text, const char *key,
		  const char *empty)
{
	size_t how = random_below(&world->random, 3);

	if (how == 0)
		return;
	json_key(text, key);
	writer_add(text, "%s", how == 1 ? "null" : empty);
}

char *json_object(struct world *world, struct writer parts[4])
{
	struct writer text = { 0 };
	size_t order[4];

	random_order(&world->random, order, 4);
	writer_add(&text, "{");
	for (size_t i = 0; i < 4; i++) {
		struct writer *part = &parts[order[i]];

		if (part->len > 0) {
			json_comma(&text);
			writer_add(&text, "%s", part->data);
		}
		writer_release(part);
	}
	writer_add(&text, "}");
	return writer_take(&text);
}

void json_mode(struct world *world, struct writer *text)
{
	if (!world->has_modes || random_percent(&world->random, 50))
		return;
	json_key(text, "annotations");
	writer_add(text, "{\"a/b\":\"c\"");
	if (random_percent(&world->random, 90))
		json_text(text, "netpold.io/mode",
			  random_percent(&world->random, 60) ? "audit"
							     : "enforce");
	writer_add(text, "}");
}

/* ---- addresses and ports ------------------------------------------------ */

struct world_address world_place(const struct world *world, int family,
				 size_t i)
{
	struct world_address addr = { .family = family };
	size_t n = i * world->stride;

	addr.bytes[0] = family == 4 ? 10 : 0xfd;
	addr.bytes[family == 4 ? 2 : 14] = (uint8_t)(n >> 8);
	addr.bytes[family == 4 ? 3 : 15] = (uint8_t)n;
	return addr;
}

struct world_address world_node_address(int family, size_t i)
{
	struct world_address addr = { .family = family };

	addr.bytes[0] = family == 4 ? 172 : 0xfd;
	addr.bytes[1] = family == 4 ? 16 : 1;
	addr.bytes[family == 4 ? 3 : 15] = (uint8_t)(i + 1);
	return addr;
}

void world_note_address(struct world_addresses *to, struct world_address addr)
{
	if (to->n < WORLD_ADDRESSES)
		to->items[to->n++] = addr;
}

void world_note_port(struct world *world, const char *protocol, long number)
{
	uint8_t value = 6;

	if (world->n_ports == WORLD_PORTS || number < 0 || number > 65535)
		return;
	if (strcmp(protocol, "UDP") == 0)
		value = 17;
	else if (strcmp(protocol, "SCTP") == 0)
		value = 132;
	world->ports[world->n_ports].protocol = value;
	world->ports[world->n_ports++].number = (uint16_t)number;
}

/* Every one of these is the same address (AV-55, AV-56, NP-60). */
static void v4_text(const uint8_t *b, size_t form, char *text, size_t size)
{
	switch (form) {
	case 0:
		snprintf(text, size, "%03d.%d.%02d.%04d", b[0], b[1], b[2],
			 b[3]);
		break;
	case 1:
		snprintf(text, size, "::ffff:%d.%d.%d.%d", b[0], b[1], b[2],
			 b[3]);
		break;
	case 2:
		snprintf(text, size, "0:0::0:0:FFFF:%d.%d.%d.%03d", b[0], b[1],
			 b[2], b[3]);
		break;
	default:
		snprintf(text, size, "::FfFf:%02x%02x:%x%02x", b[0], b[1], b[2],
			 b[3]);
		break;
	}
}

static void v6_text(const uint8_t *b, size_t form, char *text, size_t size)
{
	size_t len = 0;

	if (form == 0) {
		snprintf(text, size, "%x%02X:0::%02x%02X:%d.%d.%d.%d", b[0],
			 b[1], b[10], b[11], b[12], b[13], b[14], b[15]);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		len += (size_t)snprintf(text + len, size - len, "%s%0*X",
					i > 0 ? ":" : "", (int)form + 1,
					b[i] << 8 | b[i + 1]);
}

void world_address_text(struct world *world, struct world_address addr,
			char text[WORLD_TEXT_LEN])
{
	size_t form = random_below(&world->random, 16);

	if (form > 3)
		inet_ntop(addr.family == 4 ? AF_INET : AF_INET6, addr.bytes,
			  text, WORLD_TEXT_LEN);
	else if (addr.family == 4)
		v4_text(addr.bytes, form, text, WORLD_TEXT_LEN);
	else
		v6_text(addr.bytes, form, text, WORLD_TEXT_LEN);
}

/* ---- namespaces and nodes ----------------------------------------------- */

char *world_write_namespace(struct world *world, const char *name,
			    bool terminating)
{
	struct writer parts[4] = { 0 };
	struct writer *meta = &parts[1];
	bool by_phase = random_percent(&world->random, 70);

	writer_add(&parts[0], "\"apiVersion\":\"v1\",\"kind\":\"Namespace\"");
	writer_add(meta, "\"metadata\":{\"name\":\"%s\"", name);
	if (terminating && !by_phase)
		json_text(meta, "deletionTimestamp", times[1]);
	json_key(meta, "labels");
	writer_add(meta, "{");
	for (size_t i = 0; i < 3; i++)
		if (random_percent(&world->random, 60))
			json_text(
				meta, namespace_keys[i],
				random_pick(&world->random, namespace_values));
	/* Whatever stands there, the server's value counts (NP-41). */
	if (random_percent(&world->random, 50))
		json_text(meta, "kubernetes.io/metadata.name",
			  random_percent(&world->random, 90) ? name : "prod");
	writer_add(meta, "}");
	json_mode(world, meta);
	writer_add(meta, "}");
	writer_add(&parts[2], "\"status\":{\"phase\":\"%s\"}",
		   terminating && by_phase ? "Terminating" : "Active");
	return json_object(world, parts);
}

char *world_write_node(struct world *world, const char *name)
{
	size_t i = (size_t)(name[1] - '1');
	struct writer parts[4] = { 0 };
	struct writer *status = &parts[1];

	writer_add(&parts[0],
		   "\"apiVersion\":\"v1\",\"kind\":\"Node\","
		   "\"metadata\":{\"name\":\"%s\"}",
		   name);
	writer_add(status,
		   "\"status\":{\"addresses\":[{\"type\":\"Hostname\","
		   "\"address\":\"%s\"}",
		   name);
	for (int f = 0; f < 2; f++) {
		struct world_address addr = world_node_address(f ? 6 : 4, i);
		char text[WORLD_TEXT_LEN];

		world_note_address(&world->others[f], addr);
		world_address_text(world, addr, text);
		writer_add(status,
			   ",{\"type\":\"InternalIP\",\"address\":\"%s\"}",
			   text);
	}
	writer_add(status, "]}");
	return json_object(world, parts);
}

/* ---- pods --------------------------------------------------------------- */

static void pod_metadata(struct world *world, struct writer *out,
			 const char *ns, const char *name, const char *uid)
{
	struct random *r = &world->random;

	writer_add(out, "\"metadata\":{\"name\":\"%s\"", name);
	if (strcmp(ns, "default") != 0 || random_percent(r, 80))
		json_text(out, "namespace", ns);
	if (!world->unique || random_percent(r, 90))
		json_text(out, "uid", uid);
	if (random_percent(r, 90))
		json_text(out, "creationTimestamp", random_pick(r, times));
	if (random_percent(r, 15))
		json_text(out, "deletionTimestamp", times[3]);
	json_key(out, "labels");
	writer_add(out, "{");
	for (size_t i = 0; i < N_POD_KEYS; i++) {
		if (!random_percent(r, i == 0 ? 85 : 45))
			continue;
		json_key(out, world_pod_keys[i]);
		if (random_percent(r, 4)) /* as good as "" (NP-22) */
			writer_add(out, "null");
		else
			writer_add(out, "\"%s\"", random_pick(r, pod_values));
	}
	writer_add(out, "}}");
}

static void container_ports(struct world *world, struct writer *out)
{
	struct random *r = &world->random;

	json_key(out, "ports");
	writer_add(out, "[");
	for (size_t n = random_below(r, 4); n > 0; n--) {
		const char *protocol = random_pick(r, world_protocols);
		long number = random_pick(r, world_port_numbers);
		bool say =
			strcmp(protocol, "TCP") != 0 || random_percent(r, 50);

		json_comma(out);
		writer_add(out, "{\"containerPort\":%ld", number);
		if (random_percent(r, 85))
			json_text(out, "name",
				  random_pick(r, world_port_names));
		if (say)
			json_text(out, "protocol", protocol);
		writer_add(out, "}");
		world_note_port(world, protocol, number);
	}
	writer_add(out, "]");
}

static void containers(struct world *world, struct writer *out, const char *key,
		       size_t n, unsigned int percent_always)
{
	json_key(out, key);
	writer_add(out, "[");
	for (size_t i = 0; i < n; i++) {
		json_comma(out);
		writer_add(out, "{\"name\":\"c%zu\"", i);
		if (random_percent(&world->random, percent_always))
			json_text(out, "restartPolicy", "Always");
		container_ports(world, out);
		writer_add(out, "}");
	}
	writer_add(out, "]");
}

static void pod_spec(struct world *world, struct writer *out, const char *node,
		     bool host_network)
{
	struct random *r = &world->random;

	writer_add(out, "\"spec\":{");
	if (node != NULL)
		json_text(out, "nodeName", node);
	if (host_network || random_percent(r, 20)) {
		json_key(out, "hostNetwork");
		writer_add(out, "%s", host_network ? "true" : "false");
	}
	containers(world, out, "containers", 1 + random_below(r, 2), 0);
	if (random_percent(r, 30))
		containers(world, out, "initContainers", 1 + random_below(r, 2),
			   50);
	if (random_percent(r, 10)) /* these have no ports that count */
		containers(world, out, "ephemeralContainers", 1, 0);
	writer_add(out, "}");
}

static struct world_address pod_address(struct world *world, int family,
					size_t place, size_t node,
					bool host_network)
{
	bool lies = !world->unique && random_percent(&world->random, 3);

	return host_network || lies ? world_node_address(family, node)
				    : world_place(world, family, place);
}

static void pod_ips(struct world *world, struct writer *out,
		    const struct world_address *addrs, size_t n)
{
	char text[WORLD_TEXT_LEN];

	if (n > 0 && random_percent(&world->random, 80)) {
		world_address_text(world, addrs[0], text);
		json_text(out, "podIP", text);
	}
	json_key(out, "podIPs");
	writer_add(out, "[");
	for (size_t i = 0; i < n; i++) {
		world_address_text(world, addrs[i], text);
		json_comma(out);
		writer_add(out, "{\"ip\":\"%s\"}", text);
	}
	writer_add(out, "]");
}

static void pod_status(struct world *world, struct writer *out, size_t node,
		       bool host_network)
{
	static const char *const others[] = { "Pending", "Unknown", "Failed",
					      "Succeeded" };
	struct random *r = &world->random;
	struct world_address addrs[2];
	char text[WORLD_TEXT_LEN];
	size_t n = 0;
	size_t place = world->unique ? world->next_place++
				     : random_below(r, world->n_places);
	const char *phase = "Running";
	bool first = random_percent(r, 50), both = random_percent(r, 75);

	for (int i = 0; i < 2; i++) {
		int f = first ? i : 1 - i;

		if (!world->has_family[f] || (n > 0 && !both))
			continue;
		addrs[n] = pod_address(world, f ? 6 : 4, place, node,
				       host_network);
		world_note_address(&world->pods[f], addrs[n++]);
	}
	if (random_percent(r, 25))
		phase = random_pick(r, others);
	writer_add(out, "\"status\":{\"phase\":\"%s\"", phase);
	if (random_percent(r, 4))
		n = 0;
	/* podIP alone is as good while podIPs is empty (NP-60). */
	if (n == 1 && random_percent(r, 20)) {
		world_address_text(world, addrs[0], text);
		json_text(out, "podIP", text);
		json_nothing(world, out, "podIPs", "[]");
	} else {
		pod_ips(world, out, addrs, n);
	}
	writer_add(out, "}");
}

char *world_write_pod(struct world *world, const char *ns, const char *name,
		      const char *uid)
{
	size_t node = random_below(&world->random, 3);
	bool scheduled = random_percent(&world->random, 95);
	bool host_network = random_percent(&world->random, 6);
	struct writer parts[4] = { 0 };

	writer_add(&parts[0], "\"apiVersion\":\"v1\",\"kind\":\"Pod\"");
	pod_metadata(world, &parts[1], ns, name, uid);
	pod_spec(world, &parts[2], scheduled ? node_names[node] : NULL,
		 host_network);
	pod_status(world, &parts[3], node, host_network);
	return json_object(world, parts);
}
