/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When somebody deletes a namespace, the server first marks it as terminating,
 * then deletes what is in it, in any order: the policies may be gone while the
 * pods still run. Pods must not be open in that time (NP-66, L24). So a record
 * can be in one of three states:
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
 * a pod of it may only not have been seen.
 *
 * Tombstones are there because the two watches are not ordered against each
 * other: the deletion of a policy may be seen before the mark on its namespace
 * that explains it. Usually that is a matter of milliseconds, and the policy
 * comes back as it was. Where a watch was broken off it may be most of a
 * minute, in which somebody may as well have deleted the policy to close what
 * it had opened: then it comes back without its rules. It isolates, so that
 * nothing is open that was not, and allows nothing.
 */
#include "store/cluster_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/staging.h"

/* How long after its deletion a policy comes back as it was. */
#define RECENT_MS 5000

/* And without its rules: a watch that was broken off and taken up again. */
#define TOMBSTONE_MS 60000

bool record_counts(const struct record *record)
{
	return record->state == RECORD_PRESENT ||
	       record->state == RECORD_REMEMBERED;
}

bool departure_keeps(enum object_kind kind)
{
	return kind == OBJECT_NAMESPACE || kind == OBJECT_NETWORK_POLICY;
}

static struct record *find_namespace(const struct cluster *cluster,
				     const char *name)
{
	const struct scope *scope = scopes_find(&cluster->scopes, "");

	return scope ? scope_find(scope, OBJECT_NAMESPACE, name) : NULL;
}

bool departure_is_going(const struct cluster *cluster, const char *namespace)
{
	const struct record *record = find_namespace(cluster, namespace);

	return record && (record->state == RECORD_REMEMBERED ||
			  record->object.namespace.terminating);
}

/* ---- tombstones --------------------------------------------------------- */

static int tombstones_add(struct tombstones *t, struct record *record)
{
	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 16;
		struct record **items = calloc(capacity, sizeof(void *));

		if (!items)
			return -ENOMEM;
		for (size_t i = 0; i < t->n; i++)
			items[i] = t->items[(t->first + i) % t->capacity];
		free(t->items);
		*t = (struct tombstones){ items, 0, t->n, capacity };
	}
	record_use(&record->object);
	t->items[(t->first + t->n++) % t->capacity] = record;
	return 0;
}

static struct record *tombstones_first(const struct tombstones *t)
{
	return t->n > 0 ? t->items[t->first] : NULL;
}

static void tombstones_drop_first(struct tombstones *t,
				  struct intern_pool *pool)
{
	record_drop(pool, &t->items[t->first]->object);
	t->first = (t->first + 1) % t->capacity;
	t->n--;
}

void tombstones_release(struct tombstones *tombstones, struct intern_pool *pool)
{
	while (tombstones->n > 0)
		tombstones_drop_first(tombstones, pool);
	free(tombstones->items);
	*tombstones = (struct tombstones){ 0 };
}

/* One of these may have become something else since. */
static void remove_tombstone(struct cluster *cluster, struct record *record)
{
	const char *namespace = record->object.policy.namespace;
	struct scope *scope = scopes_find(&cluster->scopes, namespace);

	scope_remove(scope, cluster->pool, record);
	scopes_remove_empty(&cluster->scopes, namespace);
}

void departure_age(struct cluster *cluster, int64_t now_ms)
{
	struct record *record;

	while ((record = tombstones_first(&cluster->tombstones)) &&
	       now_ms - record->deleted_ms > TOMBSTONE_MS) {
		if (record->state == RECORD_TOMBSTONE)
			remove_tombstone(cluster, record);
		tombstones_drop_first(&cluster->tombstones, cluster->pool);
	}
}

/* ---- policies of a namespace -------------------------------------------- */

struct walk {
	struct cluster *cluster;
	struct scope *scope;
	int64_t now_ms;
};

/* As it comes back: staged or not by what its namespace says now; without
   rules, where nothing is allowed by it any more. NULL: as it is, or there is
   no memory. */
static struct record *renewed(const struct cluster *cluster,
			      const struct record *record, bool is_recent)
{
	struct object object = record->object;

	object.policy.staged = staging_of(cluster, &object.policy);
	if (is_recent && object.policy.staged == record->object.policy.staged)
		return NULL;
	if (!is_recent) {
		memset(object.policy.rules, 0, sizeof(object.policy.rules));
		memset(object.policy.n_rules, 0, sizeof(object.policy.n_rules));
	}
	return record_new(cluster->pool, &object);
}

/* Without memory to do better, a policy comes back as it was. */
static int remember_policy(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;
	struct intern_pool *pool = walk->cluster->pool;
	struct record *other;
	int64_t age_ms;

	if (record->state != RECORD_TOMBSTONE)
		return 0;
	age_ms = walk->now_ms - record->deleted_ms;
	if (age_ms > TOMBSTONE_MS)
		return 0;
	other = renewed(walk->cluster, record, age_ms <= RECENT_MS);
	if (other) {
		other->deleted_ms = record->deleted_ms;
		scope_replace(walk->scope, pool, record, other);
		record = other;
	}
	record->state = RECORD_REMEMBERED;
	changes_add(&walk->cluster->changes, NULL, &record->object);
	return 1;
}

static int forget_policy(void *ctx, struct record *record)
{
	const struct walk *walk = ctx;

	if (record->state == RECORD_PRESENT)
		return 0;
	if (record->state == RECORD_REMEMBERED)
		changes_add(&walk->cluster->changes, &record->object, NULL);
	scope_remove(walk->scope, walk->cluster->pool, record);
	return 0;
}

static int walk_policies(struct cluster *cluster, const char *namespace,
			 record_fn each, int64_t now_ms)
{
	struct scope *scope = scopes_find(&cluster->scopes, namespace);
	struct walk walk = { cluster, scope, now_ms };

	return scope ? scope_each(scope, OBJECT_NETWORK_POLICY, each, &walk)
		     : 0;
}

static void forget_policies(struct cluster *cluster, const char *namespace)
{
	walk_policies(cluster, namespace, forget_policy, 0);
}

/* ---- events ------------------------------------------------------------- */

static bool has_live_pods(const struct cluster *cluster, const char *namespace)
{
	const struct scope *scope = scopes_find(&cluster->scopes, namespace);

	return scope && scope->n_live_pods > 0;
}

/* Policies that the API still has go soon. Without memory they are until then
   what they were, for pods that are not there. */
static void forget_mode(struct cluster *cluster,
			const struct namespace *namespace)
{
	struct record *policies;

	if (namespace->mode != POLICY_MODE_NONE &&
	    staging_prepare(cluster, namespace->name, POLICY_MODE_NONE,
			    &policies) == 0)
		staging_apply(cluster, namespace->name, policies);
}

static void remove_namespace(struct cluster *cluster, struct record *record)
{
	forget_policies(cluster, record->object.namespace.name);
	forget_mode(cluster, &record->object.namespace);
	changes_add(&cluster->changes, &record->object, NULL);
	scope_remove(scopes_find(&cluster->scopes, ""), cluster->pool, record);
}

void departure_after_pod(struct cluster *cluster, const char *namespace)
{
	struct record *record = find_namespace(cluster, namespace);

	if (record && record->state == RECORD_REMEMBERED &&
	    !has_live_pods(cluster, namespace))
		remove_namespace(cluster, record);
}

void departure_after_namespace(struct cluster *cluster,
			       const struct namespace *namespace,
			       bool was_going, int64_t now_ms)
{
	if (namespace->terminating && !was_going)
		walk_policies(cluster, namespace->name, remember_policy,
			      now_ms);
	else if (!namespace->terminating && was_going)
		forget_policies(cluster, namespace->name);
}

int departure_delete_policy(struct cluster *cluster, struct scope *scope,
			    struct record *record, int64_t now_ms)
{
	if (record->state != RECORD_PRESENT)
		return 0;
	if (departure_is_going(cluster, scope->namespace)) {
		bundle_leave(record);
		record->deleted_ms = now_ms;
		record->state = RECORD_REMEMBERED;
		return 0;
	}
	if (tombstones_add(&cluster->tombstones, record) < 0)
		return -ENOMEM;
	bundle_leave(record);
	record->deleted_ms = now_ms;
	record->state = RECORD_TOMBSTONE;
	changes_add(&cluster->changes, &record->object, NULL);
	return 1;
}

bool departure_delete_namespace(struct cluster *cluster, struct record *record,
				int64_t now_ms)
{
	const char *name = record->object.namespace.name;

	if (record->state != RECORD_PRESENT)
		return false;
	if (!has_live_pods(cluster, name)) {
		remove_namespace(cluster, record);
		return true;
	}
	bundle_leave(record);
	record->state = RECORD_REMEMBERED;
	return !record->object.namespace.terminating &&
	       walk_policies(cluster, name, remember_policy, now_ms) > 0;
}
