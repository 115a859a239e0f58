/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/scope.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/bundle.h"

#define FIRST_BUCKETS 8

/* FNV-1a, folded. */
static uint32_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return (uint32_t)(hash ^ hash >> 32);
}

/* ---- scopes ------------------------------------------------------------- */

struct scope *scopes_find(const struct scopes *scopes, const char *namespace)
{
	struct scope *scope;

	if (!scopes->buckets)
		return NULL;
	scope = scopes->buckets[hash_name(namespace) & (scopes->n_buckets - 1)];
	while (scope && strcmp(scope->namespace, namespace) != 0)
		scope = scope->next;
	return scope;
}

static bool grow_scopes(struct scopes *scopes)
{
	struct scopes grown = *scopes;

	grown.n_buckets =
		scopes->n_buckets ? scopes->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = calloc(grown.n_buckets, sizeof(struct scope *));
	if (!grown.buckets)
		return false;
	for (size_t i = 0; i < scopes->n_buckets; i++) {
		struct scope *scope = scopes->buckets[i];

		while (scope) {
			struct scope *next = scope->next;
			size_t k = hash_name(scope->namespace) &
				   (grown.n_buckets - 1);

			scope->next = grown.buckets[k];
			grown.buckets[k] = scope;
			scope = next;
		}
	}
	free(scopes->buckets);
	*scopes = grown;
	return true;
}

struct scope *scopes_get(struct scopes *scopes, const char *namespace)
{
	struct scope *scope = scopes_find(scopes, namespace);
	struct scope **head;

	if (scope)
		return scope;
	if (scopes->n_scopes >= scopes->n_buckets && !grow_scopes(scopes))
		return NULL;
	scope = calloc(1, sizeof(*scope));
	if (!scope)
		return NULL;
	scope->namespace = intern(scopes->pool, namespace);
	if (!scope->namespace) {
		free(scope);
		return NULL;
	}
	head = &scopes->buckets[hash_name(namespace) & (scopes->n_buckets - 1)];
	scope->next = *head;
	*head = scope;
	scopes->n_scopes++;
	return scope;
}

static bool is_empty(const struct scope *scope)
{
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		if (scope->tables[kind].n_records > 0)
			return false;
	}
	return true;
}

/* Take out the empty ones of a bucket. */
static void prune_bucket(struct scopes *scopes, struct scope **link)
{
	while (*link) {
		struct scope *scope = *link;

		if (!is_empty(scope)) {
			link = &scope->next;
			continue;
		}
		*link = scope->next;
		scopes->n_scopes--;
		for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
			free(scope->tables[kind].buckets);
		intern_drop(scopes->pool, scope->namespace);
		free(scope);
	}
}

void scopes_remove_empty(struct scopes *scopes, const char *namespace)
{
	if (scopes->n_buckets)
		prune_bucket(scopes, &scopes->buckets[hash_name(namespace) &
						      (scopes->n_buckets - 1)]);
}

void scopes_prune(struct scopes *scopes)
{
	for (size_t i = 0; i < scopes->n_buckets; i++)
		prune_bucket(scopes, &scopes->buckets[i]);
}

static void table_release(struct record_table *table, struct intern_pool *pool)
{
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct record *record = table->buckets[i];

			table->buckets[i] = record->next;
			record->state = RECORD_GONE;
			record_drop(pool, &record->object);
		}
	}
	free(table->buckets);
}

void scopes_release(struct scopes *scopes)
{
	for (size_t i = 0; i < scopes->n_buckets; i++) {
		while (scopes->buckets[i]) {
			struct scope *scope = scopes->buckets[i];

			scopes->buckets[i] = scope->next;
			for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
				table_release(&scope->tables[kind],
					      scopes->pool);
			intern_drop(scopes->pool, scope->namespace);
			free(scope);
		}
	}
	free(scopes->buckets);
	*scopes = (struct scopes){ .pool = scopes->pool };
}

int scopes_each(const struct scopes *scopes, scope_fn each, void *ctx)
{
	int sum = 0;

	for (size_t i = 0; i < scopes->n_buckets; i++) {
		struct scope *scope = scopes->buckets[i];

		for (; scope; scope = scope->next) {
			int r = each(ctx, scope);

			if (r < 0)
				return r;
			sum += r;
		}
	}
	return sum;
}

/* ---- one scope ---------------------------------------------------------- */

struct record *scope_find(const struct scope *scope, enum object_kind kind,
			  const char *name)
{
	const struct record_table *table = &scope->tables[kind];
	uint32_t hash = hash_name(name);
	struct record *record;

	if (!table->buckets)
		return NULL;
	record = table->buckets[hash & (table->n_buckets - 1)];
	while (record && (record->hash != hash ||
			  strcmp(object_name(&record->object), name) != 0))
		record = record->next;
	return record;
}

static bool grow_table(struct record_table *table)
{
	struct record_table grown = *table;

	grown.n_buckets =
		table->n_buckets ? table->n_buckets * 2 : FIRST_BUCKETS;
	grown.buckets = calloc(grown.n_buckets, sizeof(struct record *));
	if (!grown.buckets)
		return false;
	for (size_t i = 0; i < table->n_buckets; i++) {
		struct record *record = table->buckets[i];

		while (record) {
			struct record *next = record->next;
			size_t k = record->hash & (grown.n_buckets - 1);

			record->next = grown.buckets[k];
			grown.buckets[k] = record;
			record = next;
		}
	}
	free(table->buckets);
	*table = grown;
	return true;
}

static bool is_live_pod(const struct object *object)
{
	return object->kind == OBJECT_POD && !object->pod.finished;
}

int scope_insert(struct scope *scope, struct record *record)
{
	struct record_table *table = &scope->tables[record->object.kind];
	struct record **head;

	if (table->n_records >= table->n_buckets && !grow_table(table))
		return -ENOMEM;
	record->hash = hash_name(object_name(&record->object));
	head = &table->buckets[record->hash & (table->n_buckets - 1)];
	record->next = *head;
	*head = record;
	table->n_records++;
	scope->n_live_pods += is_live_pod(&record->object);
	return 0;
}

static struct record **link_to(struct record_table *table,
			       const struct record *record)
{
	struct record **link =
		&table->buckets[record->hash & (table->n_buckets - 1)];

	while (*link != record)
		link = &(*link)->next;
	return link;
}

static void let_go(struct scope *scope, struct intern_pool *pool,
		   struct record *record)
{
	scope->n_live_pods -= is_live_pod(&record->object);
	bundle_leave(record);
	record->state = RECORD_GONE;
	record_drop(pool, &record->object);
}

void scope_replace(struct scope *scope, struct intern_pool *pool,
		   struct record *old, struct record *record)
{
	record->hash = old->hash;
	record->next = old->next;
	*link_to(&scope->tables[old->object.kind], old) = record;
	scope->n_live_pods += is_live_pod(&record->object);
	let_go(scope, pool, old);
}

void scope_remove(struct scope *scope, struct intern_pool *pool,
		  struct record *record)
{
	struct record_table *table = &scope->tables[record->object.kind];

	*link_to(table, record) = record->next;
	table->n_records--;
	let_go(scope, pool, record);
}

int scope_each(const struct scope *scope, enum object_kind kind, record_fn each,
	       void *ctx)
{
	const struct record_table *table = &scope->tables[kind];
	int sum = 0;

	for (size_t i = 0; i < table->n_buckets; i++) {
		struct record *record = table->buckets[i];

		while (record) {
			struct record *next = record->next;
			int r = each(ctx, record);

			if (r < 0)
				return r;
			sum += r;
			record = next;
		}
	}
	return sum;
}
