/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/staging.h"

#include <errno.h>

#include "store/cluster_parts.h"

static bool is_staged(const struct network_policy *policy,
		      enum policy_mode of_namespace)
{
	enum policy_mode mode =
		policy->mode == POLICY_MODE_NONE ? of_namespace : policy->mode;

	return mode == POLICY_MODE_AUDIT;
}

bool staging_of(const struct cluster *cluster,
		const struct network_policy *policy)
{
	const struct object *namespace =
		cluster_find(cluster, OBJECT_NAMESPACE, "", policy->namespace);

	return is_staged(policy, namespace ? namespace->namespace.mode
					   : POLICY_MODE_NONE);
}

/* ---- a namespace that changes its mode ---------------------------------- */

struct preparing {
	struct intern_pool *pool;
	enum policy_mode mode;
	struct record *list;
};

/* What is not counted is seen to when it is again (departure.c). */
static int prepare_one(void *ctx, struct record *record)
{
	struct preparing *preparing = ctx;
	struct object object = record->object;
	struct record *renewed;

	object.policy.staged = is_staged(&object.policy, preparing->mode);
	if (!record_counts(record) ||
	    object.policy.staged == record->object.policy.staged)
		return 0;
	renewed = record_new(preparing->pool, &object);
	if (!renewed)
		return -ENOMEM;
	renewed->next = preparing->list;
	preparing->list = renewed;
	return 0;
}

void staging_drop(const struct cluster *cluster, struct record *prepared)
{
	while (prepared) {
		struct record *record = prepared;

		prepared = record->next;
		record_drop(cluster->pool, &record->object);
	}
}

int staging_prepare(const struct cluster *cluster, const char *namespace,
		    enum policy_mode mode, struct record **out)
{
	const struct scope *scope = scopes_find(&cluster->scopes, namespace);
	struct preparing preparing = { .pool = cluster->pool, .mode = mode };
	int r = scope ? scope_each(scope, OBJECT_NETWORK_POLICY, prepare_one,
				   &preparing)
		      : 0;

	if (r < 0)
		staging_drop(cluster, preparing.list);
	else
		*out = preparing.list;
	return r;
}

void staging_apply(struct cluster *cluster, const char *namespace,
		   struct record *prepared)
{
	struct scope *scope = scopes_find(&cluster->scopes, namespace);

	while (prepared) {
		struct record *record = prepared;
		struct record *old = scope_find(scope, OBJECT_NETWORK_POLICY,
						object_name(&record->object));

		prepared = record->next;
		record->list = old->list;
		record->state = old->state;
		bundle_pass_on(old, record);
		changes_add(&cluster->changes, &old->object, &record->object);
		scope_replace(scope, cluster->pool, old, record);
	}
}
