/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBE_SOURCE_PARTS_H
#define NETPOLD_DAEMON_KUBE_KUBE_SOURCE_PARTS_H

#include <stdbool.h>

#include "kube/access.h"
#include "kube/kube_source.h"
#include "kube/kube_status.h"
#include "kube/kube_store.h"
#include "kube/name_set.h"
#include "kube/reflector.h"
#include "kube/resource.h"

/**
 * What a source is made of, for the files that make it up: kube_source.c does
 * its work, kube_source_state.c tells how it stands.
 */
struct http;

struct kube_source {
	struct kube_source_options options;
	struct kube_access access;
	struct reflector_server server;
	struct reflector_sink sink;
	struct http *http;
	struct reflector *reflectors[N_KUBE_RESOURCES];
	struct kube_store store;
	/* The names of objects that are not enforced, and of those in the list
	   that comes in. */
	struct name_set extra, listed_extra;
	bool told_of_extra;
	bool synced; /* and it stays so */
	int fd;	     /* epoll, of these two */
	int timer;
};

/** Its objects are only counted: they are not enforced. */
static inline bool kube_source_is_extra(enum kube_resource which)
{
	return resource_of(which)->is_extra;
}

static inline bool kube_source_decides(enum kube_resource which)
{
	return !kube_source_is_extra(which);
}

#endif
