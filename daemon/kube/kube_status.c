/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_status.h"

const char *kube_resource_name(enum kube_resource resource)
{
	static const char *const names[N_KUBE_RESOURCES] = {
		[KUBE_NAMESPACES] = "namespaces",
		[KUBE_POLICIES] = "networkpolicies",
		[KUBE_PODS] = "pods",
		[KUBE_NODE] = "nodes",
		[KUBE_CLUSTER_POLICIES] = "clusternetworkpolicies",
	};

	return names[resource];
}
