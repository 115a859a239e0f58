/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mutation.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const directions[] = { "ingress", "egress" };

const char *mutation_name(enum mutation mutation)
{
	static const char *const names[N_MUTATIONS] = {
		"none", "writing", "rule", "policy", "label", "address",
	};

	return names[mutation];
}

/* Text becomes a tree, is changed, and is text again. */
static void change(struct world *world, char **text,
		   void (*fn)(struct world *world, json_t *object))
{
	json_t *object = json_loads(*text, 0, NULL);

	if (object == NULL)
		abort();
	fn(world, object);
	free(*text);
	*text = json_dumps(object, 0);
	json_decref(object);
}

/* ---- policies ----------------------------------------------------------- */

/* Which directions are governed must not depend on the rules that there are
   (NP-3). */
static void say_types(json_t *spec)
{
	json_t *types = json_object_get(spec, "policyTypes");

	if (json_array_size(types) > 0)
		return;
	types = json_pack("[s]", "Ingress");
	if (json_array_size(json_object_get(spec, "egress")) > 0)
		json_array_append_new(types, json_string("Egress"));
	json_object_set_new(spec, "policyTypes", types);
}

/* Rules in reverse, the first of them twice. */
static void write_otherwise(struct world *world, json_t *policy)
{
	json_t *spec = json_object_get(policy, "spec");

	(void)world;
	say_types(spec);
	for (size_t i = 0; i < 2; i++) {
		json_t *rules = json_object_get(spec, directions[i]);
		json_t *other = json_array();
		size_t n = json_array_size(rules);

		if (n == 0) {
			json_decref(other);
			continue;
		}
		for (size_t k = n; k-- > 0;)
			json_array_append(other, json_array_get(rules, k));
		json_array_append(other, json_array_get(rules, 0));
		json_object_set_new(spec, directions[i], other);
	}
}

static void change_rule(struct world *world, json_t *policy)
{
	json_t *spec = json_object_get(policy, "spec");
	json_t *rules = json_object_get(
		spec, directions[random_below(&world->random, 2)]);
	size_t n = json_array_size(rules), at;

	say_types(spec);
	if (n == 0)
		return;
	at = random_below(&world->random, n);
	if (random_percent(&world->random, 50))
		json_array_remove(rules, at);
	else /* also for whoever could not come before */
		json_object_del(json_array_get(rules, at),
				random_percent(&world->random, 50) ? "ports"
								   : "from");
}

static void change_policy(struct world *world, const struct world_object *from,
			  char **text)
{
	free(*text);
	*text = NULL;
	if (random_percent(&world->random, 60))
		*text = world_write_policy(world, from->ns, from->name);
}

/* ---- pods and namespaces ------------------------------------------------ */

static void change_label(struct world *world, json_t *object)
{
	static const char *const keys[] = { "app", "tier", "team", "env", "a" };
	static const char *const values[] = { "web", "db", "red", "1" };
	json_t *metadata = json_object_get(object, "metadata");
	json_t *labels = json_object_get(metadata, "labels");

	if (!json_is_object(labels)) {
		labels = json_object();
		json_object_set_new(metadata, "labels", labels);
	}
	json_object_set_new(labels, random_pick(&world->random, keys),
			    json_string(random_pick(&world->random, values)));
}

static void change_address(struct world *world, json_t *pod)
{
	json_t *metadata = json_object_get(pod, "metadata");
	char address[32];

	if (random_percent(&world->random, 30)) {
		json_object_set_new(
			metadata, "name",
			json_sprintf("new%d", (int)random_below(&world->random,
								1 << 30)));
		return;
	}
	snprintf(address, sizeof(address), "10.%ld.0.%ld",
		 random_between(&world->random, 0, 3),
		 random_between(&world->random, 1, 250));
	json_object_set_new(
		pod, "status",
		json_pack("{s:s, s:s}", "phase", "Running", "podIP", address));
}

/* ---- a few of them, or all ---------------------------------------------- */

/* An object of a kind, or of either, that is still there; false: none is. */
static bool pick(struct world *world, enum world_kind a, enum world_kind b,
		 char *const *texts, size_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_objects; i++) {
		enum world_kind kind = world->objects[i].kind;

		if ((kind == a || kind == b) && texts[i] != NULL &&
		    random_below(&world->random, ++n) == 0)
			*out = i;
	}
	return n > 0;
}

static void mutate_one(struct world *world, enum mutation mutation, char **out)
{
	size_t at;

	switch (mutation) {
	case MUTATION_NONE:
	case MUTATION_WRITING:
		return;
	case MUTATION_RULE:
		if (pick(world, WORLD_POLICY, WORLD_POLICY, out, &at))
			change(world, &out[at], change_rule);
		return;
	case MUTATION_POLICY:
		if (pick(world, WORLD_POLICY, WORLD_POLICY, out, &at))
			change_policy(world, &world->objects[at], &out[at]);
		return;
	case MUTATION_LABEL:
		if (pick(world, WORLD_POD, WORLD_NAMESPACE, out, &at))
			change(world, &out[at], change_label);
		return;
	case MUTATION_ADDRESS:
		if (pick(world, WORLD_POD, WORLD_POD, out, &at))
			change(world, &out[at], change_address);
		return;
	}
}

void mutate(struct world *world, enum mutation mutation, char **out)
{
	for (size_t i = 0; i < world->n_objects; i++) {
		out[i] = strdup(world->objects[i].json);
		if (out[i] == NULL)
			abort();
		if (mutation == MUTATION_WRITING &&
		    world->objects[i].kind == WORLD_POLICY)
			change(world, &out[i], write_otherwise);
	}
	for (size_t n = 1 + random_below(&world->random, 4); n > 0; n--)
		mutate_one(world, mutation, out);
}
