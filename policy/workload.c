/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/workload.h"

#include <string.h>

/* The label that a Deployment puts on its pods, with the end of the
   ReplicaSet's name as value. */
#define HASH_LABEL "pod-template-hash"

/* What Kubernetes makes such ends of (apimachinery, util/rand). */
#define HASH_ALPHABET "bcdfghjklmnpqrstvwxz2456789"
#define MIN_HASH_LEN 5

/* A CronJob names its Jobs by the time in minutes since 1970. */
#define MINUTES_ALPHABET "0123456789"
#define MIN_MINUTES_LEN 8

static size_t without_label(const struct pod *pod, const char *name)
{
	const char *hash = labels_get(&pod->labels, HASH_LABEL);
	size_t len = strlen(name), hash_len = hash ? strlen(hash) : 0;

	if (hash_len == 0 || len < hash_len + 2 ||
	    name[len - hash_len - 1] != '-' ||
	    strcmp(name + len - hash_len, hash) != 0)
		return len;
	return len - hash_len - 1;
}

/* Without "-END", where END is so long at least and of these characters. */
static size_t without_end(const char *name, const char *alphabet, size_t min)
{
	const char *dash = strrchr(name, '-');
	size_t len = strlen(name);

	if (!dash || dash == name || strlen(dash + 1) < min ||
	    strspn(dash + 1, alphabet) != strlen(dash + 1))
		return len;
	return (size_t)(dash - name);
}

static void name_replica_set(const struct pod *pod, struct workload *workload)
{
	size_t len = strlen(workload->name);

	workload->name_len = without_label(pod, workload->name);
	if (workload->name_len < len) {
		workload->kind = "Deployment";
		return;
	}
	/* Somebody else's, who names them alike. */
	workload->name_len =
		without_end(workload->name, HASH_ALPHABET, MIN_HASH_LEN);
}

static void name_job(struct workload *workload)
{
	workload->name_len =
		without_end(workload->name, MINUTES_ALPHABET, MIN_MINUTES_LEN);
	if (workload->name[workload->name_len])
		workload->kind = "CronJob";
}

/* A static pod has the name of its node behind its own. */
static struct workload own_name(const struct pod *pod)
{
	struct workload workload = {
		.namespace = pod->namespace,
		.kind = "Pod",
		.name = pod->name,
		.name_len = strlen(pod->name),
		.is_pod = true,
	};
	size_t node_len = strlen(pod->owner_name);

	if (node_len > 0 && workload.name_len > node_len + 1 &&
	    workload.name[workload.name_len - node_len - 1] == '-' &&
	    strcmp(workload.name + workload.name_len - node_len,
		   pod->owner_name) == 0) {
		workload.name_len -= node_len + 1;
		workload.is_pod = false;
	}
	return workload;
}

struct workload workload_of(const struct pod *pod)
{
	struct workload workload = {
		.namespace = pod->namespace,
		.kind = pod->owner_kind,
		.name = pod->owner_name,
		.name_len = strlen(pod->owner_name),
	};

	if (!*pod->owner_name || strcmp(pod->owner_kind, "Node") == 0)
		return own_name(pod);
	if (strcmp(pod->owner_kind, "ReplicaSet") == 0)
		name_replica_set(pod, &workload);
	else if (strcmp(pod->owner_kind, "Job") == 0)
		name_job(&workload);
	return workload;
}

int workload_compare(const struct workload *a, const struct workload *b)
{
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = strcmp(a->namespace, b->namespace);

	if (order == 0)
		order = memcmp(a->name, b->name, len);
	if (order == 0 && a->name_len != b->name_len)
		order = a->name_len < b->name_len ? -1 : 1;
	return order ? order : strcmp(a->kind, b->kind);
}
