/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects live in scopes, one for each namespace (scope.h). An event replaces
 * one record by another; what was, and what is, goes to whoever follows the
 * cluster (changes.h). What a namespace leaves behind when it goes away is
 * departure.c's, and to make one cluster hold what another holds is assign.c's.
 */
#include "netpold/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/cluster_parts.h"
#include "store/object_equal.h"
#include "store/staging.h"

/* ---- life --------------------------------------------------------------- */

struct cluster *cluster_new(void)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	if (!cluster)
		return NULL;
	cluster->pool = intern_pool_new();
	cluster->scopes.pool = cluster->pool;
	if (!cluster->pool) {
		free(cluster);
		return NULL;
	}
	return cluster;
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	changes_release(&cluster->changes, cluster->pool);
	tombstones_release(&cluster->tombstones, cluster->pool);
	scopes_release(&cluster->scopes);
	bundles_release(&cluster->bundles);
	intern_pool_release(cluster->pool);
	free(cluster);
}

void cluster_freep(struct cluster **cluster)
{
	cluster_free(*cluster);
}

/* ---- following ---------------------------------------------------------- */

bool cluster_follow(struct cluster *cluster)
{
	bool is_free = !cluster->changes.followed;

	cluster->changes.followed = true;
	return is_free;
}

void cluster_unfollow(struct cluster *cluster)
{
	changes_release(&cluster->changes, cluster->pool);
}

struct changes *cluster_changes(struct cluster *cluster)
{
	return &cluster->changes;
}

struct intern_pool *cluster_pool(const struct cluster *cluster)
{
	return cluster->pool;
}

/* ---- put ---------------------------------------------------------------- */

static struct record *find_record(const struct cluster *cluster,
				  const struct object *object)
{
	const struct scope *scope =
		scopes_find(&cluster->scopes, object_namespace(object));

	return scope ? scope_find(scope, object->kind, object_name(object))
		     : NULL;
}

/* A policy is put as it counts here; anything else as it is. */
static const struct object *resolve(const struct cluster *cluster,
				    const struct object *object,
				    struct object *policy)
{
	if (object->kind != OBJECT_NETWORK_POLICY)
		return object;
	*policy = *object;
	policy->policy.staged = staging_of(cluster, &object->policy);
	return policy;
}

/* The policies that a namespace changes with its mode. */
static int prepare_staging(const struct cluster *cluster,
			   const struct object *object,
			   const struct record *old, struct record **out)
{
	enum policy_mode before = old && old->object.kind == OBJECT_NAMESPACE
					  ? old->object.namespace.mode
					  : POLICY_MODE_NONE;

	*out = NULL;
	if (object->kind != OBJECT_NAMESPACE ||
	    object->namespace.mode == before)
		return 0;
	return staging_prepare(cluster, object->namespace.name,
			       object->namespace.mode, out);
}

/* What follows from a change, beyond the object itself. */
static void after_put(struct cluster *cluster, const struct object *object,
		      bool was_going, int64_t now_ms)
{
	if (object->kind == OBJECT_NAMESPACE) {
		departure_after_namespace(cluster, &object->namespace,
					  was_going, now_ms);
		departure_after_pod(cluster, object->namespace.name);
	} else if (object->kind == OBJECT_POD && object->pod.finished) {
		departure_after_pod(cluster, object->pod.namespace);
	}
}

static int insert(struct cluster *cluster, struct record *record)
{
	struct scope *scope =
		scopes_get(&cluster->scopes, object_namespace(&record->object));
	int r = scope ? scope_insert(scope, record) : -ENOMEM;

	if (r < 0) {
		scopes_remove_empty(&cluster->scopes,
				    object_namespace(&record->object));
		record_drop(cluster->pool, &record->object);
	}
	return r;
}

static void replace(struct cluster *cluster, struct record *old,
		    struct record *record)
{
	struct scope *scope = scopes_find(&cluster->scopes,
					  object_namespace(&record->object));

	scope_replace(scope, cluster->pool, old, record);
}

int cluster_put(struct cluster *cluster, const struct object *object,
		int64_t now_ms)
{
	return cluster_put_in(cluster, 0, object, now_ms);
}

int cluster_put_in(struct cluster *cluster, uint32_t bundle,
		   const struct object *object, int64_t now_ms)
{
	struct record *old, *record, *policies;
	struct object policy;
	bool was_going;

	departure_age(cluster, now_ms);
	object = resolve(cluster, object, &policy);
	if (bundles_reserve(&cluster->bundles, bundle) < 0)
		return -ENOMEM;
	old = find_record(cluster, object);
	if (old && old->state == RECORD_PRESENT &&
	    object_equal(&old->object, object)) {
		old->list = cluster->lists[object->kind];
		bundles_take(&cluster->bundles, old, bundle);
		return 0;
	}
	record = record_new(cluster->pool, object);
	if (!record)
		return -ENOMEM;
	if (prepare_staging(cluster, object, old, &policies) < 0) {
		record_drop(cluster->pool, &record->object);
		return -ENOMEM;
	}
	record->list = cluster->lists[object->kind];
	was_going = object->kind == OBJECT_NAMESPACE &&
		    departure_is_going(cluster, object->namespace.name);
	if (!old && insert(cluster, record) < 0) {
		staging_drop(cluster, policies);
		return -ENOMEM;
	}
	changes_add(&cluster->changes,
		    old && record_counts(old) ? &old->object : NULL,
		    &record->object);
	if (old)
		replace(cluster, old, record);
	bundles_take(&cluster->bundles, record, bundle);
	staging_apply(cluster, object_name(&record->object), policies);
	after_put(cluster, &record->object, was_going, now_ms);
	return 1;
}

/* ---- delete ------------------------------------------------------------- */

static int delete_pod(struct cluster *cluster, struct scope *scope,
		      struct record *record)
{
	changes_add(&cluster->changes, &record->object, NULL);
	scope_remove(scope, cluster->pool, record);
	departure_after_pod(cluster, scope->namespace);
	return 1;
}

static int delete_record(struct cluster *cluster, struct scope *scope,
			 struct record *record, int64_t now_ms)
{
	switch (record->object.kind) {
	case OBJECT_POD:
		return delete_pod(cluster, scope, record);
	case OBJECT_NAMESPACE:
		return departure_delete_namespace(cluster, record, now_ms);
	case OBJECT_NETWORK_POLICY:
		return departure_delete_policy(cluster, scope, record, now_ms);
	case OBJECT_NODE:
		changes_add(&cluster->changes, &record->object, NULL);
		scope_remove(scope, cluster->pool, record);
		return 1;
	}
	return 0;
}

/* One with another UID is a predecessor (API-25). */
static bool is_the_same(const struct object *known, const struct object *object)
{
	const char *a = object_uid(known), *b = object_uid(object);

	return !*a || !*b || strcmp(a, b) == 0;
}

int cluster_delete(struct cluster *cluster, const struct object *object,
		   int64_t now_ms)
{
	const char *namespace = object_namespace(object);
	struct record *record;
	struct scope *scope;
	int r;

	departure_age(cluster, now_ms);
	scope = scopes_find(&cluster->scopes, namespace);
	record = scope ? scope_find(scope, object->kind, object_name(object))
		       : NULL;
	if (!record || !is_the_same(&record->object, object))
		return 0;
	r = delete_record(cluster, scope, record, now_ms);
	scopes_remove_empty(&cluster->scopes, namespace);
	if (object->kind == OBJECT_NAMESPACE)
		scopes_remove_empty(&cluster->scopes, object->namespace.name);
	return r;
}

/* ---- lists -------------------------------------------------------------- */

void cluster_replace_begin(struct cluster *cluster, enum object_kind kind)
{
	cluster->lists[kind]++;
}

struct listing {
	struct cluster *cluster;
	enum object_kind kind;
	int64_t now_ms;
	struct scope *scope;
};

static int delete_unlisted(void *ctx, struct record *record)
{
	const struct listing *listing = ctx;

	if (record->list == listing->cluster->lists[listing->kind])
		return 0;
	return delete_record(listing->cluster, listing->scope, record,
			     listing->now_ms);
}

static int delete_unlisted_of(void *ctx, struct scope *scope)
{
	struct listing *listing = ctx;

	listing->scope = scope;
	return scope_each(scope, listing->kind, delete_unlisted, listing);
}

int cluster_replace_end(struct cluster *cluster, enum object_kind kind,
			int64_t now_ms)
{
	struct listing listing = { cluster, kind, now_ms, NULL };
	int r;

	departure_age(cluster, now_ms);
	r = scopes_each(&cluster->scopes, delete_unlisted_of, &listing);
	scopes_prune(&cluster->scopes);
	return r > 0 ? 1 : r;
}

static int keep_listed(void *ctx, struct record *record)
{
	const struct listing *listing = ctx;

	record->list = listing->cluster->lists[listing->kind];
	return 0;
}

static int keep_listed_of(void *ctx, struct scope *scope)
{
	const struct listing *listing = ctx;

	return scope_each(scope, listing->kind, keep_listed, ctx);
}

void cluster_replace_abort(struct cluster *cluster, enum object_kind kind)
{
	struct listing listing = { cluster, kind, 0, NULL };

	scopes_each(&cluster->scopes, keep_listed_of, &listing);
}

/* ---- walking ------------------------------------------------------------ */

struct visit {
	enum object_kind kind;
	cluster_object_fn each;
	void *ctx;
	int result; /* what ended it */
};

static int visit_record(void *ctx, struct record *record)
{
	struct visit *visit = ctx;

	if (!record_counts(record))
		return 0;
	visit->result = visit->each(visit->ctx, &record->object);
	return visit->result ? -1 : 0;
}

static int visit_scope(void *ctx, struct scope *scope)
{
	const struct visit *visit = ctx;

	return scope_each(scope, visit->kind, visit_record, ctx);
}

int cluster_each(const struct cluster *cluster, enum object_kind kind,
		 cluster_object_fn each, void *ctx)
{
	struct visit visit = { kind, each, ctx, 0 };

	scopes_each(&cluster->scopes, visit_scope, &visit);
	return visit.result;
}

int cluster_each_of(const struct cluster *cluster, enum object_kind kind,
		    const char *namespace, cluster_object_fn each, void *ctx)
{
	const struct scope *scope = scopes_find(&cluster->scopes, namespace);
	struct visit visit = { kind, each, ctx, 0 };

	if (scope)
		scope_each(scope, kind, visit_record, &visit);
	return visit.result;
}

const struct object *cluster_find(const struct cluster *cluster,
				  enum object_kind kind, const char *namespace,
				  const char *name)
{
	const struct scope *scope = scopes_find(&cluster->scopes, namespace);
	const struct record *record =
		scope ? scope_find(scope, kind, name) : NULL;

	return record && record_counts(record) ? &record->object : NULL;
}

bool cluster_has(const struct cluster *cluster, const struct object *object)
{
	const struct record *record = find_record(cluster, object);

	return record && record->state == RECORD_PRESENT;
}

uint32_t cluster_bundle_of(const struct cluster *cluster,
			   const struct object *object)
{
	const struct record *record = find_record(cluster, object);

	return record && record->state == RECORD_PRESENT ? record->bundle : 0;
}

static int count_present(void *ctx, struct record *record)
{
	size_t *n = ctx;

	*n += record->state == RECORD_PRESENT;
	return 0;
}

struct count {
	enum object_kind kind;
	size_t n;
};

/* What does not stay when it is deleted is there as long as it has a record; of
   pods there are many, and how many is asked again and again. */
static int count_scope(void *ctx, struct scope *scope)
{
	struct count *count = ctx;

	if (departure_keeps(count->kind))
		return scope_each(scope, count->kind, count_present, &count->n);
	count->n += scope->tables[count->kind].n_records;
	return 0;
}

size_t cluster_count(const struct cluster *cluster, enum object_kind kind)
{
	struct count count = { kind, 0 };

	scopes_each(&cluster->scopes, count_scope, &count);
	return count.n;
}

struct cluster_memory cluster_memory(const struct cluster *cluster)
{
	struct intern_counts counts = intern_pool_counts(cluster->pool);

	return (struct cluster_memory){
		.strings = counts.strings,
		.lists = counts.lists,
		.bytes = counts.bytes,
	};
}
