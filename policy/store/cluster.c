/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects live in one table per kind (record_table.h). What is more than a
 * table is the memory for what goes away with a namespace (NP-66):
 *
 * When somebody deletes a namespace, the server first marks it as terminating,
 * then deletes what is in it, in any order: the policies may be gone while the
 * pods still run. Pods must not be open in that time. So a record can be in one
 * of three states:
 *
 *	PRESENT     the API has it
 *	REMEMBERED  the API has deleted it, decisions still count it
 *	TOMBSTONE   deleted, counts no more; kept for a short while
 *
 *   a policy is deleted     in a terminating namespace    -> REMEMBERED
 *                           elsewhere                     -> TOMBSTONE
 *   a namespace terminates  its recent policy TOMBSTONEs  -> REMEMBERED
 *   a namespace is deleted  while it has pods             -> REMEMBERED
 *			     else it and what it left	   -> removed
 *   its last pod goes	     after it was deleted	   -> the same
 *
 * A terminating namespace that has no pods yet keeps its policies all the same:
 * a pod of it may only not have been seen. Tombstones are there because the two
 * watches are not ordered against each other: the deletion of a policy may be
 * seen before the mark on its namespace that explains it.
 */
#include "netpold/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "intern.h"
#include "object_equal.h"
#include "record_table.h"

/* How long after a policy's deletion its namespace's termination may be seen
   and still explain it. Watches lag by milliseconds; this is a bad minute. */
#define TOMBSTONE_MS 60000

struct cluster {
	struct intern_pool pool; /* of the strings of all tables */
	struct record_table tables[N_OBJECT_KINDS];
};

/* What the callbacks of walks over the tables need to know. */
struct walk {
	struct cluster *cluster;
	const char *namespace;
	int64_t now_ms;
};

/* ---- life --------------------------------------------------------------- */

struct cluster *cluster_new(void)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	for (int kind = 0; cluster && kind < N_OBJECT_KINDS; kind++)
		cluster->tables[kind].pool = &cluster->pool;
	return cluster;
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
		record_table_release(&cluster->tables[kind]);
	intern_release(&cluster->pool);
	free(cluster);
}

void cluster_freep(struct cluster **cluster)
{
	cluster_free(*cluster);
}

/* ---- namespaces that go away -------------------------------------------- */

static int walk_kind(const struct walk *walk, enum object_kind kind,
		     record_fn each)
{
	return record_table_each(&walk->cluster->tables[kind], each,
				 (void *)(uintptr_t)walk);
}

/* Finished pods hold no address and wait for nothing (NP-62). */
static int count_live_pod(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	return !record->object.pod.finished &&
	       strcmp(record->object.pod.namespace, walk->namespace) == 0;
}

static bool namespace_has_pods(struct cluster *cluster, const char *name)
{
	const struct walk walk = { cluster, name, 0 };

	return walk_kind(&walk, OBJECT_POD, count_live_pod) > 0;
}

static bool namespace_is_going(const struct cluster *cluster, const char *name)
{
	const struct record *record;

	record = record_table_find(&cluster->tables[OBJECT_NAMESPACE],
				   (struct record_key){ "", name });
	return record && (record->state == RECORD_REMEMBERED ||
			  record->object.namespace.terminating);
}

static int remember_policy(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	if (record->state != RECORD_TOMBSTONE ||
	    walk->now_ms - record->deleted_ms > TOMBSTONE_MS ||
	    strcmp(record->object.policy.namespace, walk->namespace))
		return 0;
	record->state = RECORD_REMEMBERED;
	return 1;
}

/* A namespace starts to go away: policies that went with it come back. */
static bool remember_policies(struct cluster *cluster, const char *name,
			      int64_t now_ms)
{
	const struct walk walk = { cluster, name, now_ms };

	return walk_kind(&walk, OBJECT_NETWORK_POLICY, remember_policy) > 0;
}

static int forget_policy(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	if (record->state != RECORD_PRESENT &&
	    strcmp(record->object.policy.namespace, walk->namespace) == 0)
		record_table_remove(
			&walk->cluster->tables[OBJECT_NETWORK_POLICY], record);
	return 0;
}

static void forget_policies(struct cluster *cluster, const char *name)
{
	const struct walk walk = { cluster, name, 0 };

	walk_kind(&walk, OBJECT_NETWORK_POLICY, forget_policy);
}

/* A pod is gone or finished: was it the last of a namespace that goes away? */
static void settle_namespace(struct cluster *cluster, const char *name)
{
	struct record_table *table = &cluster->tables[OBJECT_NAMESPACE];
	struct record *record;

	record = record_table_find(table, (struct record_key){ "", name });
	if (!record || record->state != RECORD_REMEMBERED ||
	    namespace_has_pods(cluster, name))
		return;
	forget_policies(cluster, name);
	record_table_remove(table, record);
}

/* ---- put ---------------------------------------------------------------- */

/* What follows from a change, beyond the object itself. */
static void after_put(struct cluster *cluster, const struct object *object,
		      bool was_going, int64_t now_ms)
{
	if (object->kind == OBJECT_NAMESPACE) {
		const char *name = object->namespace.name;

		if (object->namespace.terminating && !was_going)
			remember_policies(cluster, name, now_ms);
		else if (!object->namespace.terminating && was_going)
			forget_policies(cluster, name);
		settle_namespace(cluster, name);
	} else if (object->kind == OBJECT_POD && object->pod.finished) {
		settle_namespace(cluster, object->pod.namespace);
	}
}

int cluster_put(struct cluster *cluster, const struct object *object,
		int64_t now_ms)
{
	struct record_table *table = &cluster->tables[object->kind];
	struct record *old = record_table_find(table, object_key(object));
	struct record *record;
	bool was_going;

	if (old && old->state == RECORD_PRESENT &&
	    object_equal(&old->object, object)) {
		old->list = table->list;
		return 0;
	}
	record = record_new(&cluster->pool, object);
	if (!record)
		return -ENOMEM;
	record->list = table->list;
	was_going = object->kind == OBJECT_NAMESPACE &&
		    namespace_is_going(cluster, object->namespace.name);
	if (record_table_insert(table, record) < 0) {
		record_free(&cluster->pool, record);
		return -ENOMEM;
	}
	if (old)
		record_table_remove(table, old);
	after_put(cluster, &record->object, was_going, now_ms);
	return 1;
}

/* ---- delete ------------------------------------------------------------- */

static int delete_pod(struct cluster *cluster, struct record *record,
		      const char *uid)
{
	char *namespace;

	if (*uid && *record->object.pod.uid &&
	    strcmp(uid, record->object.pod.uid))
		return 0;
	namespace = strdup(record->object.pod.namespace);
	if (!namespace)
		return -ENOMEM;
	record_table_remove(&cluster->tables[OBJECT_POD], record);
	settle_namespace(cluster, namespace);
	free(namespace);
	return 1;
}

static int delete_policy(struct cluster *cluster, struct record *record,
			 int64_t now_ms)
{
	const char *namespace = record->object.policy.namespace;

	if (record->state != RECORD_PRESENT)
		return 0;
	record->deleted_ms = now_ms;
	if (namespace_is_going(cluster, namespace)) {
		record->state = RECORD_REMEMBERED;
		return 0;
	}
	record->state = RECORD_TOMBSTONE;
	return 1;
}

static int delete_namespace(struct cluster *cluster, struct record *record,
			    int64_t now_ms)
{
	const char *name = record->object.namespace.name;
	int changed;

	if (record->state != RECORD_PRESENT)
		return 0;
	if (!namespace_has_pods(cluster, name)) {
		forget_policies(cluster, name);
		record_table_remove(&cluster->tables[OBJECT_NAMESPACE], record);
		return 1;
	}
	changed = !record->object.namespace.terminating &&
		  remember_policies(cluster, name, now_ms);
	record->state = RECORD_REMEMBERED;
	return changed;
}

static int delete_record(struct cluster *cluster, struct record *record,
			 const char *uid, int64_t now_ms)
{
	switch (record->object.kind) {
	case OBJECT_POD:
		return delete_pod(cluster, record, uid);
	case OBJECT_NAMESPACE:
		return delete_namespace(cluster, record, now_ms);
	case OBJECT_NETWORK_POLICY:
		return delete_policy(cluster, record, now_ms);
	case OBJECT_NODE:
		record_table_remove(&cluster->tables[OBJECT_NODE], record);
		return 1;
	}
	return 0;
}

static int drop_old_tombstone(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	if (record->state == RECORD_TOMBSTONE &&
	    walk->now_ms - record->deleted_ms > TOMBSTONE_MS)
		record_table_remove(
			&walk->cluster->tables[OBJECT_NETWORK_POLICY], record);
	return 0;
}

/* Before a deletion, not within one: it removes records, which no walk over
   the same table may be in the middle of. */
static void drop_old_tombstones(struct cluster *cluster, int64_t now_ms)
{
	const struct walk walk = { cluster, NULL, now_ms };

	walk_kind(&walk, OBJECT_NETWORK_POLICY, drop_old_tombstone);
}

int cluster_delete(struct cluster *cluster, const struct object *object,
		   int64_t now_ms)
{
	const char *uid = object->kind == OBJECT_POD ? object->pod.uid : "";
	struct record *record;

	drop_old_tombstones(cluster, now_ms);
	record = record_table_find(&cluster->tables[object->kind],
				   object_key(object));
	return record ? delete_record(cluster, record, uid, now_ms) : 0;
}

/* ---- lists -------------------------------------------------------------- */

void cluster_replace_begin(struct cluster *cluster, enum object_kind kind)
{
	cluster->tables[kind].list++;
}

static int delete_unlisted(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;
	enum object_kind kind = record->object.kind;

	if (record->list == walk->cluster->tables[kind].list)
		return 0;
	return delete_record(walk->cluster, record, "", walk->now_ms);
}

int cluster_replace_end(struct cluster *cluster, enum object_kind kind,
			int64_t now_ms)
{
	const struct walk walk = { cluster, NULL, now_ms };
	int r;

	drop_old_tombstones(cluster, now_ms);
	r = walk_kind(&walk, kind, delete_unlisted);
	return r > 0 ? 1 : r;
}

static int keep_listed(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	record->list = walk->cluster->tables[record->object.kind].list;
	return 0;
}

void cluster_replace_abort(struct cluster *cluster, enum object_kind kind)
{
	const struct walk walk = { cluster, NULL, 0 };

	walk_kind(&walk, kind, keep_listed);
}

/* ---- walking ------------------------------------------------------------ */

int cluster_each(const struct cluster *cluster, enum object_kind kind,
		 cluster_object_fn each, void *ctx)
{
	const struct record_table *table = &cluster->tables[kind];

	for (size_t i = 0; i < table->n_buckets; i++) {
		const struct record *record = table->buckets[i];

		for (; record; record = record->next) {
			int r;

			if (record->state == RECORD_TOMBSTONE)
				continue;
			r = each(ctx, &record->object);
			if (r)
				return r;
		}
	}
	return 0;
}

struct assignment {
	struct cluster *to;
	int64_t now_ms;
	bool changed;
};

static int assign_object(void *ctx, const struct object *object)
{
	struct assignment *assignment = ctx;
	int r = cluster_put(assignment->to, object, assignment->now_ms);

	if (r > 0)
		assignment->changed = true;
	return r < 0 ? r : 0;
}

int cluster_assign(struct cluster *cluster, const struct cluster *from,
		   int64_t now_ms)
{
	struct assignment assignment = { cluster, now_ms, false };
	int r;

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		cluster_replace_begin(cluster, kind);
		r = cluster_each(from, kind, assign_object, &assignment);
		if (r < 0) {
			cluster_replace_abort(cluster, kind);
			return r;
		}
		r = cluster_replace_end(cluster, kind, now_ms);
		if (r < 0)
			return r;
		if (r > 0)
			assignment.changed = true;
	}
	return assignment.changed;
}

bool cluster_has(const struct cluster *cluster, const struct object *object)
{
	const struct record *record;

	record = record_table_find(&cluster->tables[object->kind],
				   object_key(object));
	return record && record->state == RECORD_PRESENT;
}

size_t cluster_count(const struct cluster *cluster, enum object_kind kind)
{
	const struct record_table *table = &cluster->tables[kind];
	size_t n = 0;

	for (size_t i = 0; i < table->n_buckets; i++) {
		const struct record *record = table->buckets[i];

		for (; record; record = record->next)
			n += record->state == RECORD_PRESENT;
	}
	return n;
}
