/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pods put into groups: each gets a name, and those of one name are together.
 * With two snapshots the newer one says what a pod is called.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grid/label_keys.h"
#include "grid/parts.h"
#include "netpold/workload.h"

struct named {
	const char *namespace;
	const char *name; /* ends at len */
	size_t len;
	const char *kind;
	uint32_t pod; /* by its number in reach */
};

struct naming {
	struct grid *grid;
	enum grid_by by;
	const struct reach_pod *pods;
	size_t n;
	struct label_keys keys;
	struct arena scratch;
	struct named *named;
};

#define BY_LABELS "Labels"

/* ---- names -------------------------------------------------------------- */

static const struct pod *pod_of(const struct naming *naming, uint32_t i)
{
	return naming->pods[i].pods[naming->grid->n_views - 1];
}

/* "app=web,tier=db", of the labels that matter. */
static char *write_labels(const struct naming *naming, struct arena *arena,
			  const struct labels *labels)
{
	size_t room = 1;
	char *text, *at;

	for (size_t i = 0; i < labels->n; i++)
		room += strlen(labels->items[i].key) +
			strlen(labels->items[i].value) + 2;
	text = at = arena_alloc(arena, room);
	for (size_t i = 0; text && i < labels->n; i++) {
		const struct label *label = &labels->items[i];

		if (!label_keys_has(&naming->keys, label->key))
			continue;
		if (at > text)
			*at++ = ',';
		at = stpcpy(at, label->key);
		*at++ = '=';
		at = stpcpy(at, label->value);
	}
	return text;
}

static int name_by_labels(struct naming *naming, const struct pod *pod,
			  struct named *out)
{
	char *text = write_labels(naming, &naming->scratch, &pod->labels);

	out->name = text;
	out->len = text ? strlen(text) : 0;
	out->kind = BY_LABELS;
	return text ? 0 : -ENOMEM;
}

static int name_pod(struct naming *naming, uint32_t i)
{
	const struct pod *pod = pod_of(naming, i);
	struct workload workload = workload_of(pod);
	struct named *named = &naming->named[i];

	*named = (struct named){ .namespace = pod->namespace, .pod = i };
	switch (naming->by) {
	case GRID_BY_NAMESPACE:
		named->name = "";
		named->kind = "Namespace";
		return 0;
	case GRID_BY_POD:
		named->name = pod->name;
		named->len = strlen(pod->name);
		named->kind = "Pod";
		return 0;
	case GRID_BY_WORKLOAD:
		break;
	}
	if (workload.is_pod)
		return name_by_labels(naming, pod, named);
	named->name = workload.name;
	named->len = workload.name_len;
	named->kind = workload.kind;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct named *p = a, *q = b;
	size_t len = p->len < q->len ? p->len : q->len;
	int order = strcmp(p->namespace, q->namespace);

	if (order == 0)
		order = memcmp(p->name, q->name, len);
	if (order == 0 && p->len != q->len)
		order = p->len < q->len ? -1 : 1;
	return order ? order : strcmp(p->kind, q->kind);
}

static int compare(const void *a, const void *b)
{
	const struct named *p = a, *q = b;
	int order = compare_names(a, b);

	if (order)
		return order;
	return p->pod < q->pod ? -1 : p->pod > q->pod;
}

/* ---- groups ------------------------------------------------------------- */

/* Both addresses of a pod are neighbours. */
static uint32_t count_pods(const struct naming *naming,
			   const struct named *named, size_t n)
{
	uint32_t n_pods = 0;

	for (size_t i = 0; i < n; i++)
		n_pods += i == 0 || pod_of(naming, named[i].pod) !=
					    pod_of(naming, named[i - 1].pod);
	return n_pods;
}

static int add_group(struct naming *naming, const struct named *named, size_t n)
{
	struct grid *grid = naming->grid;
	struct grid_group *group = &grid->groups[grid->n_groups];

	*group = (struct grid_group){
		.namespace = named->namespace,
		.kind = named->kind,
		.n_pods = count_pods(naming, named, n),
	};
	/* Labels are a poor name for one pod, and none for any. */
	if (strcmp(named->kind, BY_LABELS) == 0 && group->n_pods == 1) {
		group->kind = "Pod";
		group->name = pod_of(naming, named->pod)->name;
	} else if (strcmp(named->kind, BY_LABELS) == 0 && named->len == 0) {
		group->name = "(other pods)";
	} else {
		group->name =
			arena_strndup(&grid->arena, named->name, named->len);
		if (!group->name)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		grid->group_of_pod[named[i].pod] = (uint32_t)grid->n_groups;
	grid->n_groups++;
	return 0;
}

static int add_groups(struct naming *naming)
{
	const struct named *named = naming->named;
	size_t first = 0;
	int r = 0;

	for (size_t i = 1; i <= naming->n && r == 0; i++) {
		if (i < naming->n &&
		    compare_names(&named[i], &named[first]) == 0)
			continue;
		r = add_group(naming, named + first, i - first);
		first = i;
	}
	return r;
}

static int make(struct naming *naming)
{
	struct grid *grid = naming->grid;
	int r = label_keys_list(&naming->scratch, grid->reach, grid->n_views,
				&naming->keys);

	naming->named = arena_array(&naming->scratch, naming->n,
				    sizeof(*naming->named));
	grid->groups =
		arena_array(&grid->arena, naming->n, sizeof(*grid->groups));
	grid->group_of_pod =
		arena_array(&grid->arena, naming->n, sizeof(uint32_t));
	if (r < 0 || !naming->named || !grid->groups || !grid->group_of_pod)
		return -ENOMEM;
	for (uint32_t i = 0; i < naming->n && r == 0; i++)
		r = name_pod(naming, i);
	if (r < 0)
		return r;
	if (naming->n > 1)
		qsort(naming->named, naming->n, sizeof(*naming->named),
		      compare);
	return add_groups(naming);
}

int grid_make_groups(struct grid *grid, enum grid_by by)
{
	struct naming naming = { .grid = grid, .by = by };
	int r;

	naming.pods = reach_pods(grid->reach, &naming.n);
	r = make(&naming);
	arena_release(&naming.scratch);
	return r;
}
