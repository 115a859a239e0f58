/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_RESOURCE_H
#define NETPOLD_DAEMON_KUBE_RESOURCE_H

#include <stdbool.h>

#include "netpold/object.h"

#include "kube/kube_status.h"

/**
 * What is asked of an API server, resource by resource: where it is, in which
 * form, and which of its objects (API-1, API-40, API-42).
 */
struct resource {
	const char *path;	    /* "/api/v1/pods" */
	const char *group;	    /* "" is the core group; for messages */
	const char *field_selector; /* not encoded; NULL: all. "%s": the node */
	bool metadata_only;
	/* Objects are counted, and decide nothing; and the server need not know
	   the resource (API-2). */
	bool is_extra;
	enum object_kind kind;
};

const struct resource *resource_of(enum kube_resource which);

/** The media types to accept. */
const char *resource_accept(const struct resource *resource, bool is_list);

/** What a request asks for besides the resource. */
struct resource_query {
	bool is_watch;
	bool initial_events;	    /* a watch: a streaming list (API-30) */
	const char *version;	    /* "": absent */
	bool not_older;		    /* a list: resourceVersionMatch */
	int limit;		    /* a list; 0: none */
	const char *continue_token; /* "": none */
	int timeout_s;		    /* a watch */
};

/**
 * The path of a request and its query.
 *
 * @node_name  NULL: all nodes
 *
 * Returns  malloc()ed, or NULL without memory.
 */
char *resource_request(const struct resource *resource, const char *node_name,
		       const struct resource_query *query);

#endif
