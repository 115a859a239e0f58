/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

/* A pod that has finished costs nothing: its end arrives as a deletion (API-24,
   L31). */
static const struct resource resources[N_KUBE_RESOURCES] = {
	[KUBE_NAMESPACES] = { .path = "/api/v1/namespaces",
			      .group = "",
			      .metadata_only = true,
			      .kind = OBJECT_NAMESPACE },
	[KUBE_POLICIES] = { .path = "/apis/networking.k8s.io/v1/"
				    "networkpolicies",
			    .group = "networking.k8s.io",
			    .kind = OBJECT_NETWORK_POLICY },
	[KUBE_PODS] = { .path = "/api/v1/pods",
			.group = "",
			.field_selector = "status.phase!=Succeeded,"
					  "status.phase!=Failed",
			.kind = OBJECT_POD },
	[KUBE_NODE] = { .path = "/api/v1/nodes",
			.group = "",
			.field_selector = "metadata.name=%s",
			.kind = OBJECT_NODE },
	[KUBE_CLUSTER_POLICIES] = { .path = "/apis/policy.networking.k8s.io/"
					    "v1alpha2/clusternetworkpolicies",
				    .group = "policy.networking.k8s.io",
				    .metadata_only = true,
				    .is_extra = true },
};

const struct resource *resource_of(enum kube_resource which)
{
	return &resources[which];
}

/* The full form is for servers that have no other (API-40). */
const char *resource_accept(const struct resource *resource, bool is_list)
{
	if (!resource->metadata_only)
		return "application/json";
	return is_list ? "application/json;as=PartialObjectMetadataList;"
			 "g=meta.k8s.io;v=v1,application/json"
		       : "application/json;as=PartialObjectMetadata;"
			 "g=meta.k8s.io;v=v1,application/json";
}

/* ---- requests ------------------------------------------------------------ */

struct request {
	FILE *out;
	bool failed;
	char separator;
};

static void add(struct request *request, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, (int)strlen(value));

	request->failed |= !escaped;
	fprintf(request->out, "%c%s=%s", request->separator, name,
		escaped ? escaped : "");
	request->separator = '&';
	curl_free(escaped);
}

static void add_number(struct request *request, const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	add(request, name, text);
}

static void add_selector(struct request *request,
			 const struct resource *resource, const char *node_name)
{
	const char *selector = resource->field_selector;
	const char *hole = selector ? strstr(selector, "%s") : NULL;
	char text[512];

	if (!selector || (hole && !node_name))
		return;
	snprintf(text, sizeof(text), "%.*s%s",
		 (int)(hole ? hole - selector : (long)strlen(selector)),
		 selector, hole ? node_name : "");
	add(request, "fieldSelector", text);
}

/* The streaming form says resourceVersion even where it is empty (API-30). */
static void add_watch(struct request *request,
		      const struct resource_query *query)
{
	add(request, "watch", "1");
	add(request, "allowWatchBookmarks", "true");
	if (query->initial_events) {
		add(request, "sendInitialEvents", "true");
		add(request, "resourceVersionMatch", "NotOlderThan");
	}
	add(request, "resourceVersion", query->version);
	add_number(request, "timeoutSeconds", query->timeout_s);
}

/* While a list continues, no version may be said (API-10). */
static void add_list(struct request *request,
		     const struct resource_query *query)
{
	if (query->limit)
		add_number(request, "limit", query->limit);
	if (*query->continue_token) {
		add(request, "continue", query->continue_token);
		return;
	}
	if (*query->version)
		add(request, "resourceVersion", query->version);
	if (query->not_older)
		add(request, "resourceVersionMatch", "NotOlderThan");
}

char *resource_request(const struct resource *resource, const char *node_name,
		       const struct resource_query *query)
{
	struct request request = { .separator = '?' };
	char *text = NULL;
	size_t len;

	request.out = open_memstream(&text, &len);
	if (!request.out)
		return NULL;
	fputs(resource->path, request.out);
	if (query->is_watch)
		add_watch(&request, query);
	else
		add_list(&request, query);
	add_selector(&request, resource, node_name);
	request.failed |= ferror(request.out) != 0;
	if (fclose(request.out) != 0 || request.failed) {
		free(text);
		return NULL;
	}
	return text;
}
