/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers made of the objects of random clusters, with all kinds of things in
 * them that decide nothing. What is told of them, in whatever pieces they come,
 * is what a twin says that has the whole text, and hands each object alone to
 * the reader of manifests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "answer.h"
#include "manifest/reading.h"
#include "twin/random.h"
#include "twin/world.h"

#define WORLDS 60

static const struct {
	enum world_kind world;
	enum object_kind kind;
	const char *name, *api_version;
} kinds[] = {
	{ WORLD_NAMESPACE, OBJECT_NAMESPACE, "Namespace", "v1" },
	{ WORLD_NODE, OBJECT_NODE, "Node", "v1" },
	{ WORLD_POD, OBJECT_POD, "Pod", "v1" },
	{ WORLD_POLICY, OBJECT_NETWORK_POLICY, "NetworkPolicy",
	  "networking.k8s.io/v1" },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- the twin ------------------------------------------------------------ */

static void write_down(void *ctx, const struct object *object)
{
	manifest_write(object, answer_put, ctx);
}

/* What is to be told of an object, whatever surrounds it. */
static void expect(const char *what, json_t *object, struct answer *out)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *ns = json_object_get(metadata, "namespace");
	json_t *uid = json_object_get(metadata, "uid");
	char *text = json_dumps(object, 0);
	struct pieces pieces = pieces_of(text, SIZE_MAX);
	struct reading reading = { 0 };

	text_put(&out->told, "%s %s/%s", what, ns ? json_string_value(ns) : "",
		 json_string_value(json_object_get(metadata, "name")));
	if (uid)
		text_put(&out->told, " uid=%s", json_string_value(uid));
	text_put(&out->told, " rv=%s object\n",
		 json_string_value(
			 json_object_get(metadata, "resourceVersion")));
	read_pieces(&pieces, false, write_down, out, &reading);
	assert_int_equal(1, reading.n_objects);
	assert_int_equal(0, reading.n_errors);
	reading_release(&reading);
	free(text);
}

/* ---- what decides nothing -------------------------------------------------
 */

static json_t *random_junk(struct random *random, int depth)
{
	static const char *const strings[] = {
		"",
		"}]",
		"\"",
		"\\",
		"\\\"",
		"{[",
		"a\nb",
		"\u00fc\U0001f600",
		"k:{\"name\":\"main\"}",
		"name",
		"\x7f",
		"items",
	};
	json_t *junk;

	switch (random_below(random, depth < 4 ? 8 : 6)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(random_percent(random, 50));
	case 2:
		return json_integer(random_between(random, -5, 1L << 40));
	case 3:
		return json_real(1.5e30);
	case 4:
	case 5:
		return json_string(random_pick(random, strings));
	case 6:
		junk = json_array();
		for (size_t n = random_below(random, 5); n > 0; n--)
			json_array_append_new(junk,
					      random_junk(random, depth + 1));
		return junk;
	default:
		junk = json_pack("{}");
		for (size_t n = random_below(random, 5); n > 0; n--)
			json_object_set_new(junk, random_pick(random, strings),
					    random_junk(random, depth + 1));
		return junk;
	}
}

static void add_junk(struct random *random, json_t *map, const char *key)
{
	if (json_is_object(map) && random_percent(random, 50))
		json_object_set_new(map, key, random_junk(random, 0));
}

static void add_junk_to_each(struct random *random, json_t *list,
			     const char *key)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		add_junk(random, item, key);
		add_junk_to_each(random, json_object_get(item, "ports"),
				 "hostPort");
	}
}

/* Beside the one that counts, if it is there (NP-8). */
static void hide_annotations(struct random *random, json_t *metadata)
{
	json_t *annotations = json_object_get(metadata, "annotations");

	if (!json_is_object(annotations)) {
		annotations = json_pack("{}");
		json_object_set_new(metadata, "annotations", annotations);
	}
	add_junk(random, annotations, "example.org/junk");
}

static void hide(struct random *random, json_t *object, bool is_policy)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *spec = json_object_get(object, "spec");
	json_t *status = json_object_get(object, "status");

	add_junk(random, object, "new");
	add_junk(random, metadata, "managedFields");
	hide_annotations(random, metadata);
	add_junk(random, metadata, "selfLink");
	add_junk_to_each(random, json_object_get(metadata, "ownerReferences"),
			 "new");
	if (is_policy)
		return;
	add_junk(random, spec, "volumes");
	add_junk(random, spec, "tolerations");
	add_junk(random, status, "conditions");
	add_junk_to_each(random, json_object_get(spec, "containers"), "env");
	add_junk_to_each(random, json_object_get(spec, "initContainers"),
			 "name");
	add_junk_to_each(random, json_object_get(status, "podIPs"), "new");
}

/* In random order. Empty maps are packed: json_object() is the name of a
   function that makes worlds. */
static json_t *shuffled(struct random *random, json_t *map)
{
	size_t n = json_object_size(map), i = 0;
	size_t *order = calloc(n, sizeof(*order));
	const char **keys = calloc(n, sizeof(*keys));
	json_t *out = json_pack("{}"), *value;
	const char *key;

	random_order(random, order, n);
	json_object_foreach(map, key, value) keys[i++] = key;
	for (i = 0; i < n; i++)
		json_object_set(out, keys[order[i]],
				json_object_get(map, keys[order[i]]));
	free(order);
	free(keys);
	json_decref(map);
	return out;
}

static char *dump(struct random *random, json_t *json)
{
	static const size_t how[] = {
		JSON_COMPACT,
		JSON_INDENT(2),
		JSON_ENSURE_ASCII,
		JSON_ESCAPE_SLASH | JSON_COMPACT,
	};
	char *text = json_dumps(json, random_pick(random, how));

	assert_non_null(text);
	json_decref(json);
	return text;
}

/* ---- answers --------------------------------------------------------------
 */

static json_t *make_object(struct world *world, size_t i, size_t kind)
{
	json_t *object = json_loads(world->objects[i].json, 0, NULL);
	json_t *metadata = json_object_get(object, "metadata");

	assert_non_null(object);
	json_object_set_new(object, "kind", json_string(kinds[kind].name));
	json_object_set_new(object, "apiVersion",
			    json_string(kinds[kind].api_version));
	json_object_set_new(metadata, "resourceVersion",
			    json_sprintf("%zu", i + 1));
	return object;
}

static char *make_list(struct world *world, size_t kind, struct answer *out)
{
	struct random *random = &world->random;
	json_t *items = json_array(), *list;
	char *text;

	for (size_t i = 0; i < world->n_objects; i++) {
		json_t *object;

		if (world->objects[i].kind != kinds[kind].world)
			continue;
		object = make_object(world, i, kind);
		expect("item", object, out);
		hide(random, object, kinds[kind].kind == OBJECT_NETWORK_POLICY);
		if (random_percent(random, 50)) {
			json_object_del(object, "kind");
			json_object_del(object, "apiVersion");
		}
		json_array_append_new(items, shuffled(random, object));
	}
	text_put(&out->told, "end rv=77 continue=on\n");
	list = json_pack("{s:o, s:s, s:{s:s, s:s}}", "items", items,
			 "apiVersion", kinds[kind].api_version, "metadata",
			 "resourceVersion", "77", "continue", "on");
	json_object_set_new(list, "kind",
			    json_sprintf("%sList", kinds[kind].name));
	add_junk(random, list, "new");
	text = dump(random, shuffled(random, list));
	return text;
}

static char *make_watch(struct world *world, size_t kind, struct answer *out)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED" };
	static const char *const told[] = { "added", "modified", "deleted" };
	struct random *random = &world->random;
	struct text text = { 0 };

	text_put(&text, "%s", "");
	for (size_t i = 0; i < world->n_objects; i++) {
		size_t type = random_below(random, 3);
		json_t *object;
		char *event;

		if (world->objects[i].kind != kinds[kind].world)
			continue;
		object = make_object(world, i, kind);
		expect(told[type], object, out);
		hide(random, object, kinds[kind].kind == OBJECT_NETWORK_POLICY);
		object = json_pack("{s:s, s:o}", "type", types[type], "object",
				   object);
		add_junk(random, object, "new");
		event = dump(random, shuffled(random, object));
		text_put(&text, "%s\n", event);
		free(event);
	}
	return text.data;
}

/* Random pieces, of which some are empty. */
static void read_in_pieces(struct random *random,
			   const struct api_reader_options *how,
			   const char *text, struct answer *got)
{
	size_t len = strlen(text), most = random_between(random, 1, 3000);
	size_t *marks = calloc(len + 3, sizeof(*marks)), n = 1;

	assert_non_null(marks);
	while (marks[n - 1] < len && n < len + 2) {
		size_t at = marks[n - 1] + random_below(random, most + 1);

		marks[n++] = at < len ? at : len;
	}
	marks[n++] = len;
	answer_read(how, text, marks, n, got);
	free(marks);
}

/* The first lines that differ: all of them would be too many. */
static void compare(const char *expected, const char *got)
{
	size_t begin = 0;

	for (size_t i = 0; expected[i] == got[i]; i++) {
		if (!expected[i])
			return;
		if (expected[i] == '\n')
			begin = i + 1;
	}
	fail_msg("expected %.400s\ngot      %.400s", expected + begin,
		 got + begin);
}

static size_t check(struct world *world, size_t kind, enum api_form form)
{
	const struct api_reader_options how = { .form = form,
						.kind = kinds[kind].kind };
	struct answer expected = { 0 }, got = { .has_texts = true };
	char *text = form == API_LIST ? make_list(world, kind, &expected)
				      : make_watch(world, kind, &expected);
	size_t n;

	read_in_pieces(&world->random, &how, text, &got);
	if (got.result != 0)
		fail_msg("%s\n%s", got.err.message, text);
	compare(text_string(&expected.told), text_string(&got.told));
	n = got.n_objects;
	answer_release(&expected);
	answer_release(&got);
	free(text);
	return n;
}

static void answers_are_told_as_the_twin_tells_them(void **state)
{
	uint64_t first = random_setting("SEED", 1);
	size_t n[N_KINDS] = { 0 };

	(void)state;
	for (uint64_t seed = first; seed < first + WORLDS; seed++) {
		struct world world;

		print_message("seed %llu\n", (unsigned long long)seed);
		world_init(&world, seed);
		for (size_t kind = 0; kind < N_KINDS; kind++) {
			n[kind] += check(&world, kind, API_LIST);
			n[kind] += check(&world, kind, API_WATCH);
		}
		world_release(&world);
	}
	for (size_t kind = 0; kind < N_KINDS; kind++)
		assert_true(n[kind] > WORLDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_told_as_the_twin_tells_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
