/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/workload_name.h"

#include <stdio.h>
#include <string.h>

#include "netpold/addr.h"

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

void workload_name_write(const struct record_end *end,
			 char out[WORKLOAD_NAME_LEN])
{
	struct workload workload = workload_name_of_record(end);
	char address[IP_ADDR_TEXT_LEN];

	if (*end->pod)
		snprintf(out, WORKLOAD_NAME_LEN, "%s/%.*s", workload.namespace,
			 (int)workload.name_len, workload.name);
	else
		snprintf(out, WORKLOAD_NAME_LEN, "%s",
			 ip_addr_format(&end->addr, address));
}
