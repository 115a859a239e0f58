/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world_write.h"

/* Joined with a dash or a slash, some of these collide with the names of pods
   in others (L25). */
static const char *const namespace_names[N_WORLD_NAMESPACES] = {
	"a", "a-b", "b", "prod", "default", "kube-system",
};
static const char *const pod_names[] = { "c", "b-c", "web", "db", "b" };

const char *world_kind_name(enum world_kind kind)
{
	static const char *const names[N_WORLD_KINDS] = { "Namespace", "Node",
							  "Pod",
							  "NetworkPolicy" };

	return names[kind];
}

const char *world_namespace_name(size_t i)
{
	return namespace_names[i];
}

/* ---- making ------------------------------------------------------------- */

void world_init_empty(struct world *world, uint64_t seed)
{
	struct random *r = &world->random;
	size_t families;

	memset(world, 0, sizeof(*world));
	world->random.state = seed;
	families = random_below(r, 4);
	world->has_family[0] = families != 1;
	world->has_family[1] = families != 0;
	world->node = random_percent(r, 35) ? "n1" : NULL;
	world->unique = random_percent(r, 60);
	world->has_modes = random_percent(r, 40);
	world->stride = 1 + random_below(r, 3);
	world->n_namespaces = 1 + random_below(r, N_WORLD_NAMESPACES);
}

static void add(struct world *world, enum world_kind kind, const char *ns,
		const char *name, char *json)
{
	struct world_object *o = &world->objects[world->n_objects++];

	o->kind = kind;
	snprintf(o->ns, sizeof(o->ns), "%s", ns);
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->json = json;
}

static const char *pick_namespace(struct world *world)
{
	return namespace_names[random_below(&world->random,
					    world->n_namespaces)];
}

static void add_pods(struct world *world, size_t n)
{
	char name[24], uid[24];

	for (size_t i = 0; i < n; i++) {
		const char *ns = pick_namespace(world);

		if (i < 5)
			snprintf(name, sizeof(name), "%s", pod_names[i]);
		else
			snprintf(name, sizeof(name), "p%zu", i);
		snprintf(uid, sizeof(uid), "%016llx",
			 (unsigned long long)random_next(&world->random));
		add(world, WORLD_POD, ns, name,
		    world_write_pod(world, ns, name, uid));
	}
}

static void add_policies(struct world *world, size_t n)
{
	static const char *const forms[] = { "p", "0", "allow.web-" };
	char name[24];

	for (size_t i = 0; i < n; i++) {
		const char *ns = pick_namespace(world);

		snprintf(name, sizeof(name), "%s%zu", forms[i % 3], i);
		add(world, WORLD_POLICY, ns, name,
		    world_write_policy(world, ns, name));
	}
}

void world_init(struct world *world, uint64_t seed)
{
	static const struct {
		unsigned int percent;
		size_t most_pods, most_policies;
	} sizes[] = { { 60, 12, 6 },
		      { 88, 30, 20 },
		      { 98, 60, 100 },
		      { 100, 100, 400 } };
	struct random *r = &world->random;
	unsigned int percent;
	size_t n_pods, n_policies, size = 0;

	world_init_empty(world, seed);
	percent = (unsigned int)random_below(r, 100);
	while (sizes[size].percent <= percent)
		size++;
	n_pods = 1 + random_below(r, sizes[size].most_pods);
	n_policies = random_below(r, sizes[size].most_policies + 1);
	world->n_places = world->unique ? n_pods : n_pods / 2 + 1;
	world->objects = calloc(n_pods + n_policies + N_WORLD_NAMESPACES + 3,
				sizeof(*world->objects));
	if (world->objects == NULL)
		abort();
	for (size_t i = 0; i < world->n_namespaces; i++) {
		const char *name = namespace_names[i];

		if (random_percent(r, 94)) /* else unknown (NP-42) */
			add(world, WORLD_NAMESPACE, "", name,
			    world_write_namespace(world, name,
						  random_percent(r, 8)));
	}
	add(world, WORLD_NODE, "", "n1", world_write_node(world, "n1"));
	add(world, WORLD_NODE, "", "n2", world_write_node(world, "n2"));
	add(world, WORLD_NODE, "", "n3", world_write_node(world, "n3"));
	add_pods(world, n_pods);
	add_policies(world, n_policies);
}

void world_release(struct world *world)
{
	for (size_t i = 0; i < world->n_objects; i++)
		free(world->objects[i].json);
	free(world->objects);
}

const struct world_object *world_find(const struct world *world,
				      enum world_kind kind, const char *ns,
				      const char *name)
{
	for (size_t i = 0; i < world->n_objects; i++) {
		const struct world_object *o = &world->objects[i];

		if (o->kind == kind && strcmp(o->ns, ns) == 0 &&
		    strcmp(o->name, name) == 0)
			return o;
	}
	fprintf(stderr, "no %s %s/%s\n", world_kind_name(kind), ns, name);
	abort();
}

char *world_list(const struct world *world, const size_t *order, size_t n)
{
	struct writer text = { 0 };

	writer_add(&text, "{\"apiVersion\":\"v1\",\"kind\":\"List\","
			  "\"items\":[");
	for (size_t i = 0; i < n; i++)
		writer_add(&text, "%s%s", i > 0 ? "," : "",
			   world->objects[order[i]].json);
	writer_add(&text, "]}");
	return writer_take(&text);
}

/* ---- asking ------------------------------------------------------------- */

static struct world_address pick_address(struct world *world, int f)
{
	struct random *r = &world->random;
	struct world_address addr = { .family = f ? 6 : 4 };
	const struct world_addresses *from = &world->others[f];

	if (random_percent(r, 82) && world->pods[f].n > 0)
		from = &world->pods[f];
	if (from->n > 0 && random_percent(r, 97))
		return from->items[random_below(r, from->n)];
	for (size_t i = 0; i < (f ? 16 : 4); i++)
		addr.bytes[i] = (uint8_t)random_next(r);
	return addr;
}

static void pick_port(struct world *world, struct probe *probe)
{
	static const uint8_t with_ports[] = { 6, 6, 6, 17, 132 };
	static const uint8_t others[] = { 1, 1, 58, 58, 2, 33, 47, 50, 136, 0 };
	struct random *r = &world->random;
	bool known = world->n_ports > 0 && random_percent(r, 90);
	size_t i = known ? random_below(r, world->n_ports) : 0;

	probe->has_port = true;
	probe->protocol = random_pick(r, with_ports);
	probe->port = (uint16_t)random_next(r);
	if (known) {
		probe->port = world->ports[i].number;
		if (random_percent(r, 80))
			probe->protocol = world->ports[i].protocol;
	}
	if (random_percent(r, 10)) {
		probe->protocol = random_pick(r, others);
		probe->has_port = random_percent(r, 10); /* NP-77 */
	} else if (random_percent(r, 4)) {
		probe->has_port = false; /* a fragment (NP-74) */
	}
}

struct probe world_probe(struct world *world)
{
	struct random *r = &world->random;
	int f = world->has_family[0] && random_percent(r, 50) ? 0 : 1;
	struct world_address src, dst;
	struct probe probe = { 0 };

	if (!world->has_family[1])
		f = 0;
	src = pick_address(world, f);
	dst = random_percent(r, 3) ? src : pick_address(world, f);
	probe.family = src.family;
	memcpy(probe.src, src.bytes, 16);
	memcpy(probe.dst, dst.bytes, 16);
	pick_port(world, &probe);
	probe.from_own_node = random_percent(r, 6);
	return probe;
}
