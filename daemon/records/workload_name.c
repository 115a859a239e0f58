/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/workload_name.h"

#include <string.h>

struct workload workload_name_of_pod(const struct pod *pod)
{
	struct workload workload = workload_of(pod);

	if (strcmp(workload.kind, "ReplicaSet") == 0 &&
	    workload.name[workload.name_len])
		workload.kind = "Deployment";
	return workload;
}

struct workload workload_name_of_record(const struct record_end *end)
{
	const struct pod pod = {
		.namespace = end->namespace,
		.name = end->pod,
		.uid = "",
		.node_name = "",
		.owner_kind = end->owner_kind,
		.owner_name = end->owner_name,
	};

	return workload_name_of_pod(&pod);
}
