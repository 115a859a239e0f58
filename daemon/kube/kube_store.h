/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_STORE_H
#define NETPOLD_DAEMON_KUBE_KUBE_STORE_H

#include <stdbool.h>

#include "kube/kube_status.h"
#include "kube/name_set.h"

struct api_event;
struct cluster;

/**
 * The store behind an API server: what lists and events of the resources that
 * decide do to it (API-17, API-25).
 *
 * The first list of a resource goes into the store itself, of which nothing is
 * made before each resource has had one. A later one is put aside until it is
 * whole, so that half of it decides nothing (API-32).
 *
 * A plain value that owns what it points at. Functions return 0 or -ENOMEM.
 *
 * Threads  controller only.
 */
struct kube_store {
	struct cluster *cluster;
	struct cluster *aside[N_KUBE_RESOURCES];
	struct name_set unreadable[N_KUBE_RESOURCES];
	/* in the list that comes in */
	struct name_set listed_unreadable[N_KUBE_RESOURCES];
	bool changed; /* something that decides has; the owner clears it */
	/* The objects of the cluster are about to change, or to go. */
	void (*before_change)(void *ctx);
	void *ctx;
};

/** -ENOMEM where there is no memory for an empty one. */
int kube_store_init(struct kube_store *store);

/** All-zero is fine. */
void kube_store_release(struct kube_store *store);

/** A whole list of a resource begins. @is_known: there was one before */
int kube_store_begin(struct kube_store *store, enum kube_resource which,
		     bool is_known);

/** An item or an event of the list that comes in (@listing), or an event of a
 *  watch. A stream of a list may have deletions in it, too. */
int kube_store_take(struct kube_store *store, enum kube_resource which,
		    const struct api_event *event, bool listing);

/** The list is whole: what was known of the resource and is not in it is no
 *  more. */
int kube_store_end(struct kube_store *store, enum kube_resource which);

/** It broke off. */
void kube_store_abort(struct kube_store *store, enum kube_resource which);

#endif
