/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods and what they belong to.
 *
 * A pod that nobody owns belongs to all such pods of its namespace that are
 * named alike by label: app=web makes web-1 and web-2 one workload, whoever
 * has made them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suggest/label.h"
#include "suggest/parts.h"

struct collecting {
	struct suggest *suggest;
	size_t capacity;
};

static struct workload workload_by_label(const struct pod *pod)
{
	struct workload workload = workload_of(pod);
	const char *name = workload.is_pod ? label_of_name(&pod->labels) : NULL;

	if (name) {
		workload.kind = "Pods";
		workload.name = name;
		workload.name_len = strlen(name);
	}
	return workload;
}

/* What has no address of its own, and will have none, is no end of a flow. */
static int collect(void *ctx, const struct object *object)
{
	struct collecting *collecting = ctx;
	struct suggest *suggest = collecting->suggest;
	const struct pod *pod = &object->pod;

	if (pod->finished || pod->host_network)
		return 0;
	suggest->pods =
		arena_room(&suggest->arena, suggest->pods, suggest->n_pods,
			   &collecting->capacity, sizeof(*suggest->pods));
	if (!suggest->pods)
		return -ENOMEM;
	suggest->pods[suggest->n_pods++] = (struct suggest_pod){
		.pod = pod,
		.workload = workload_by_label(pod),
	};
	return 0;
}

static int compare_workloads(const void *a, const void *b)
{
	const struct suggest_pod *x = a, *y = b;
	int order = workload_compare(&x->workload, &y->workload);

	return order ? order : strcmp(x->pod->name, y->pod->name);
}

static int compare_pods(const struct pod *a, const struct pod *b)
{
	int order = strcmp(a->namespace, b->namespace);

	return order ? order : strcmp(a->name, b->name);
}

static int compare_names(const void *a, const void *b)
{
	const struct suggest_pod *const *x = a, *const *y = b;

	return compare_pods((*x)->pod, (*y)->pod);
}

static void group(struct suggest *suggest)
{
	for (size_t i = 0; i < suggest->n_pods; i++) {
		struct suggest_pod *pod = &suggest->pods[i];
		struct suggest_group *last;

		if (i == 0 ||
		    workload_compare(&pod[-1].workload, &pod->workload) != 0) {
			uint32_t n = (uint32_t)suggest->n_groups++;

			suggest->groups[n] = (struct suggest_group){
				.workload = pod->workload,
				.first = i,
				.unit = n,
			};
		}
		last = &suggest->groups[suggest->n_groups - 1];
		last->n++;
		pod->group = (uint32_t)(suggest->n_groups - 1);
		suggest->by_name[i] = pod;
	}
}

int suggest_pods_collect(struct suggest *suggest)
{
	struct collecting collecting = { .suggest = suggest };
	size_t n;

	if (cluster_each(suggest->cluster, OBJECT_POD, collect, &collecting) <
	    0)
		return -ENOMEM;
	n = suggest->n_pods;
	suggest->groups =
		arena_array(&suggest->arena, n + 1, sizeof(*suggest->groups));
	suggest->units =
		arena_array(&suggest->arena, n + 1, sizeof(*suggest->units));
	suggest->by_name = arena_array(&suggest->arena, n + 1, sizeof(void *));
	if (!suggest->groups || !suggest->units || !suggest->by_name)
		return -ENOMEM;
	if (n == 0)
		return 0;
	qsort(suggest->pods, n, sizeof(*suggest->pods), compare_workloads);
	group(suggest);
	qsort(suggest->by_name, n, sizeof(void *), compare_names);
	return 0;
}

const struct suggest_pod *suggest_pods_find(const struct suggest *suggest,
					    const struct pod *pod)
{
	size_t low = 0, high = suggest->n_pods;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_pods(suggest->by_name[middle]->pod, pod);

		if (order == 0)
			return suggest->by_name[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
