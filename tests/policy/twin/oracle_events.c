/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oracle_types.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the oracle has been told, one event after the other.
 */

bool o_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

struct oracle *oracle_new(void)
{
	return calloc(1, sizeof(struct oracle));
}

void oracle_free(struct oracle *oracle)
{
	if (oracle == NULL)
		return;
	while (oracle->objects != NULL) {
		struct o_object *next = oracle->objects->next;

		o_object_free(oracle->objects);
		oracle->objects = next;
	}
	for (int dir = 0; dir < 2; dir++) {
		free(oracle->isolating[dir]);
		free(oracle->rules[dir]);
	}
	free(oracle);
}

void oracle_enforce_staged(struct oracle *oracle, bool enforce)
{
	oracle->enforce_staged = enforce;
}

/* Names are compared one by one, never joined (L25). */
struct o_object *o_find(const struct oracle *oracle, enum o_kind kind,
			const char *ns, const char *name)
{
	struct o_object *o = oracle->objects;

	while (o != NULL &&
	       !(o->kind == kind && o_same(o->ns, ns) && o_same(o->name, name)))
		o = o->next;
	return o;
}

static void drop(struct oracle *oracle, struct o_object *object)
{
	struct o_object **at = &oracle->objects;

	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	o_object_free(object);
}

/* Finished pods are not there (NP-62). */
static bool has_pods(const struct oracle *oracle, const char *ns)
{
	for (const struct o_object *o = oracle->objects; o != NULL; o = o->next)
		if (o->kind == O_POD && !o->finished && o_same(o->ns, ns))
			return true;
	return false;
}

/*
 * NP-66. A namespace goes away from when it is seen to be terminating, or, if
 * that was never seen, deleted, until it is deleted and its pods are gone. A
 * policy that was deleted in that time goes on; also one whose deletion was
 * seen shortly before, because the two streams are not ordered (API-18), and
 * one whose deletion was seen somewhat before, but without its rules.
 */
#define SKEW_MS 5000
#define LONG_SKEW_MS 60000

static bool is_going(const struct o_object *namespace)
{
	return namespace != NULL && (namespace->terminating || namespace->gone);
}

bool o_is_kept(const struct oracle *oracle, const struct o_object *policy)
{
	const struct o_object *namespace =
		o_find(oracle, O_NAMESPACE, "", policy->ns);

	return policy->gone && is_going(namespace) &&
	       namespace->going_ms - policy->gone_ms <= LONG_SKEW_MS;
}

bool o_is_bare(const struct oracle *oracle, const struct o_object *policy)
{
	const struct o_object *namespace =
		o_find(oracle, O_NAMESPACE, "", policy->ns);

	return o_is_kept(oracle, policy) &&
	       namespace->going_ms - policy->gone_ms > SKEW_MS;
}

static void drop_kept_policies(struct oracle *oracle, const char *ns)
{
	struct o_object *o, *next;

	for (o = oracle->objects; o != NULL; o = next) {
		next = o->next;
		if (o->kind == O_POLICY && o_same(o->ns, ns) &&
		    o_is_kept(oracle, o))
			drop(oracle, o);
	}
}

/* The namespaces that are deleted and have no pods are history. */
static void forget(struct oracle *oracle)
{
	struct o_object *o = oracle->objects;

	while (o != NULL) {
		if (o->kind == O_NAMESPACE && o->gone &&
		    !has_pods(oracle, o->name)) {
			drop_kept_policies(oracle, o->name);
			drop(oracle, o);
			o = oracle->objects;
		} else {
			o = o->next;
		}
	}
}

static void delete_object(struct oracle *oracle, struct o_object *o,
			  int64_t now_ms)
{
	if (o->kind == O_POD || o->kind == O_NODE) {
		drop(oracle, o);
		return;
	}
	if (o->gone)
		return;
	if (!is_going(o))
		o->going_ms = now_ms;
	o->gone = true;
	o->gone_ms = now_ms;
}

static void put_object(struct oracle *oracle, json_t *json, int64_t now_ms)
{
	struct o_object *o = o_object_decode(json);
	struct o_object *old = o_find(oracle, o->kind, o->ns, o->name);

	if (o->kind == O_NAMESPACE) {
		o->going_ms = is_going(old) ? old->going_ms : now_ms;
		if (!o->terminating)
			drop_kept_policies(oracle, o->name);
	}
	if (old != NULL)
		drop(oracle, old);
	o->next = oracle->objects;
	oracle->objects = o;
	forget(oracle);
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL)
		o_die(error.text, text);
	return json;
}

void oracle_put(struct oracle *oracle, const char *text, int64_t now_ms)
{
	json_t *json = parse(text), *items = json_object_get(json, "items");

	if (items == NULL)
		put_object(oracle, json_incref(json), now_ms);
	for (size_t i = 0; i < json_array_size(items); i++)
		put_object(oracle, json_incref(json_array_get(items, i)),
			   now_ms);
	json_decref(json);
}

void oracle_delete(struct oracle *oracle, const char *text, int64_t now_ms)
{
	struct o_object *known, *o = o_object_decode(parse(text));

	known = o_find(oracle, o->kind, o->ns, o->name);
	if (known != NULL &&
	    (o->kind == O_NODE || o_same(o->uid, "") ||
	     o_same(known->uid, "") || o_same(o->uid, known->uid)))
		delete_object(oracle, known, now_ms);
	o_object_free(o);
	forget(oracle);
}

static bool is_item(const json_t *items, const json_t *json)
{
	for (size_t i = 0; i < json_array_size(items); i++)
		if (json_array_get(items, i) == json)
			return true;
	return false;
}

void oracle_replace(struct oracle *oracle, const char *kind, const char *text,
		    int64_t now_ms)
{
	json_t *json = parse(text), *items = json_object_get(json, "items");
	struct o_object *o, *next;

	for (size_t i = 0; i < json_array_size(items); i++)
		put_object(oracle, json_incref(json_array_get(items, i)),
			   now_ms);
	for (o = oracle->objects; o != NULL; o = next) {
		next = o->next;
		if (o_same(o->kind_name, kind) && !is_item(items, o->json))
			delete_object(oracle, o, now_ms);
	}
	json_decref(json);
	forget(oracle);
}
