/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kind.h"

#include <stdbool.h>
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

/* "NetworkPolicy", and whatever ends in it: ClusterNetworkPolicy,
   AdminNetworkPolicy, those of other products. Misspelt cases too. */
static bool looks_like_policy(const char *kind)
{
	static const char ending[] = "NetworkPolicy";
	size_t len = strlen(kind), n = sizeof(ending) - 1;

	return len >= n && strcasecmp(kind + len - n, ending) == 0;
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

/* A core kind in a version that the core group never had: "V1", "v1beta1".
   Groups of other products may well have a kind called Node. */
static bool is_unknown_core(const char *api_version, const char *kind)
{
	if (strchr(api_version, '/'))
		return false;
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
	if (looks_like_policy(kind) || is_misspelt(api_version, kind) ||
	    is_unknown_core(api_version, kind))
		return KIND_REFUSED;
	return KIND_IGNORED;
}
