/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_store.h"

#include <errno.h>
#include <stdint.h>

#include "netpold/api_reader.h"
#include "netpold/cluster.h"
#include "netpold/object.h"

#include "clock.h"
#include "kube/resource.h"

/* Each resource is a bundle of its own: so a list of it replaces it, and
   nothing else. */
static uint32_t bundle_of(enum kube_resource which)
{
	return (uint32_t)which + 1;
}

static enum object_kind kind_of(enum kube_resource which)
{
	return resource_of(which)->kind;
}

static int64_t now_ms(void)
{
	return clock_us() / 1000;
}

/* ---- objects ------------------------------------------------------------- */

static struct cluster *target(const struct kube_store *store,
			      enum kube_resource which, bool listing)
{
	return listing && store->aside[which] ? store->aside[which]
					      : store->cluster;
}

static void before_change(const struct kube_store *store,
			  const struct cluster *cluster)
{
	if (cluster == store->cluster && store->before_change)
		store->before_change(store->ctx);
}

static int note(struct kube_store *store, const struct cluster *cluster, int r)
{
	store->changed |= cluster == store->cluster && r > 0;
	return r < 0 ? r : 0;
}

/* What it was called is enough. */
static struct object named(enum kube_resource which,
			   const struct api_event *event)
{
	struct object object = { .kind = kind_of(which) };

	switch (object.kind) {
	case OBJECT_POD:
		object.pod.namespace = event->namespace;
		object.pod.name = event->name;
		object.pod.uid = event->uid;
		break;
	case OBJECT_NAMESPACE:
		object.namespace.name = event->name;
		object.namespace.uid = event->uid;
		break;
	case OBJECT_NETWORK_POLICY:
		object.policy.namespace = event->namespace;
		object.policy.name = event->name;
		object.policy.uid = event->uid;
		break;
	case OBJECT_NODE:
		object.node.name = event->name;
		break;
	}
	return object;
}

static int drop(struct kube_store *store, enum kube_resource which,
		const struct api_event *event, struct cluster *from)
{
	struct object object = named(which, event);

	before_change(store, from);
	return note(store, from, cluster_delete(from, &object, now_ms()));
}

static int put(struct kube_store *store, enum kube_resource which,
	       const struct object *object, struct cluster *into)
{
	before_change(store, into);
	return note(store, into,
		    cluster_put_in(into, bundle_of(which), object, now_ms()));
}

/* What cannot be read in a list is what it was before; in an event it changes
   nothing. */
static int keep(struct kube_store *store, enum kube_resource which,
		const struct api_event *event, struct cluster *into)
{
	const struct object *known = cluster_find(
		store->cluster, kind_of(which), event->namespace, event->name);

	return known && into != store->cluster ? put(store, which, known, into)
					       : 0;
}

/* Every object is heard of through here, so what is not good now was not good
   when it was heard of last. */
static int look_whether_readable(struct kube_store *store,
				 enum kube_resource which,
				 const struct api_event *event, bool listing)
{
	struct name_set *set = listing ? &store->listed_unreadable[which]
				       : &store->unreadable[which];
	bool is_good = event->object && !event->is_narrowed;

	if (is_good || event->type == API_DELETED) {
		name_set_drop(set, event->namespace, event->name);
		return 0;
	}
	return name_set_put(set, event->namespace, event->name);
}

int kube_store_take(struct kube_store *store, enum kube_resource which,
		    const struct api_event *event, bool listing)
{
	struct cluster *into = target(store, which, listing);
	int r = look_whether_readable(store, which, event, listing);

	if (r < 0)
		return r;
	if (event->type == API_DELETED)
		return drop(store, which, event, into);
	if (!event->object)
		return keep(store, which, event, into);
	return put(store, which, event->object, into);
}

/* ---- lists --------------------------------------------------------------- */

int kube_store_begin(struct kube_store *store, enum kube_resource which,
		     bool is_known)
{
	name_set_clear(&store->listed_unreadable[which]);
	if (!is_known) {
		cluster_replace_begin(store->cluster, kind_of(which));
		return 0;
	}
	store->aside[which] = cluster_new();
	return store->aside[which] ? 0 : -ENOMEM;
}

static int end_aside(struct kube_store *store, enum kube_resource which)
{
	uint32_t bundle = bundle_of(which);
	int r = cluster_assign_bundles(store->cluster, &bundle, 1,
				       store->aside[which], now_ms());

	cluster_free(store->aside[which]);
	store->aside[which] = NULL;
	return r;
}

int kube_store_end(struct kube_store *store, enum kube_resource which)
{
	int r;

	before_change(store, store->cluster);
	r = store->aside[which] ? end_aside(store, which)
				: cluster_replace_end(store->cluster,
						      kind_of(which), now_ms());
	if (r >= 0)
		name_set_move(&store->unreadable[which],
			      &store->listed_unreadable[which]);
	/* What failed halfway has changed something, too. */
	store->changed |= r != 0;
	return r < 0 ? r : 0;
}

void kube_store_abort(struct kube_store *store, enum kube_resource which)
{
	if (store->aside[which])
		cluster_free(store->aside[which]);
	else
		cluster_replace_abort(store->cluster, kind_of(which));
	store->aside[which] = NULL;
}

/* ---- life ---------------------------------------------------------------- */

int kube_store_init(struct kube_store *store)
{
	store->cluster = cluster_new();
	return store->cluster ? 0 : -ENOMEM;
}

void kube_store_release(struct kube_store *store)
{
	cluster_free(store->cluster);
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		cluster_free(store->aside[i]);
		name_set_clear(&store->unreadable[i]);
		name_set_clear(&store->listed_unreadable[i]);
	}
}
