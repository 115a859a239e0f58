/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kind.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *api_version;
	const char *kind;
	enum object_kind object_kind;
} known[] = {
	{ "v1", "Pod", OBJECT_POD },
	{ "v1", "Namespace", OBJECT_NAMESPACE },
	{ "v1", "Node", OBJECT_NODE },
	{ "networking.k8s.io/v1", "NetworkPolicy", OBJECT_NETWORK_POLICY },
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

/* NetworkPolicy, ClusterNetworkPolicy, AdminNetworkPolicy, those of other
   products, and misspelt ones: also where kind and apiVersion are swapped. */
static bool looks_like_policy(const char *text)
{
	return strcasestr(text, "networkpolic") != NULL;
}

/* The other kinds of the group that network policies belong to. A kind that is
   not among them is a misspelt one. */
static bool is_misspelt(const char *api_version, const char *kind)
{
	static const char group[] = "networking.k8s.io/";
	static const char *const others[] = {
		"Ingress",
		"IngressClass",
		"IPAddress",
		"ServiceCIDR",
	};

	if (strncmp(api_version, group, sizeof(group) - 1) != 0)
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(kind, others[i]) == 0)
			return false;
	}
	return true;
}

/* What v1 has besides. Another kind of it is a misspelt one. */
static bool is_core(const char *kind)
{
	static const char *const others[] = {
		"Binding",
		"ComponentStatus",
		"ConfigMap",
		"Endpoints",
		"Event",
		"LimitRange",
		"List",
		"PersistentVolume",
		"PodTemplate",
		"PersistentVolumeClaim",
		"ReplicationController",
		"ResourceQuota",
		"Secret",
		"Service",
		"ServiceAccount",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(kind, others[i]) == 0)
			return true;
	}
	return false;
}

/* A misspelt kind of v1, or a kind that decides in a version that the core
   group never had: "V1", "v1beta1". Groups of other products may well have a
   kind called Node. */
static bool is_unknown_core(const char *api_version, const char *kind)
{
	if (strchr(api_version, '/'))
		return false;
	if (strcmp(api_version, "v1") == 0)
		return !is_core(kind);
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcasecmp(kind, known[i].kind) == 0)
			return true;
	}
	return false;
}

enum kind_fate kind_lookup(const char *api_version, const char *kind,
			   enum object_kind *out)
{
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcmp(kind, known[i].kind) == 0 &&
		    strcmp(api_version, known[i].api_version) == 0) {
			*out = known[i].object_kind;
			return KIND_READ;
		}
	}
	if (looks_like_policy(kind) || looks_like_policy(api_version) ||
	    is_misspelt(api_version, kind) ||
	    is_unknown_core(api_version, kind))
		return KIND_REFUSED;
	return KIND_IGNORED;
}

static bool ends_with(const char *text, size_t len, const char *ending)
{
	size_t n = strlen(ending);

	return len >= n && memcmp(text + len - n, ending, n) == 0;
}

/* Groups that come with Kubernetes and make none are known; what the kinds of
   other products do is not. */
bool kind_may_make_pods(const char *api_version, const char *kind)
{
	size_t len = strcspn(api_version, "/");

	if (!api_version[len])
		return strcmp(kind, "ReplicationController") == 0;
	return !ends_with(api_version, len, ".k8s.io") &&
	       strncmp(api_version, "autoscaling/", 12) != 0 &&
	       strncmp(api_version, "policy/", 7) != 0;
}
