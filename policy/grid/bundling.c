/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From groups to bundles: groups with the same classes are asked once.
 */
#include "grid/bundling.h"

#include <errno.h>
#include <stdlib.h>

/* A class that pods of a group are of. */
struct part_of_group {
	uint32_t group;
	uint32_t class;
	uint32_t n_pods;
};

/* The classes of a group. */
struct made_of {
	uint32_t group;
	const uint32_t *classes;
	const uint32_t *n_pods;
	uint32_t n;
};

static int compare_parts(const void *a, const void *b)
{
	const struct part_of_group *p = a, *q = b;

	if (p->group != q->group)
		return p->group < q->group ? -1 : 1;
	if (p->class != q->class)
		return p->class < q->class ? -1 : 1;
	return 0;
}

/* Of each group its classes, each once. */
static struct part_of_group *list_parts(const struct grid *grid,
					struct arena *arena, size_t *n)
{
	size_t n_pods, kept = 0;
	const struct reach_pod *pods = reach_pods(grid->reach, &n_pods);
	struct part_of_group *parts =
		arena_array(arena, n_pods, sizeof(*parts));

	if (!parts)
		return NULL;
	for (size_t i = 0; i < n_pods; i++)
		parts[i] = (struct part_of_group){ grid->group_of_pod[i],
						   pods[i].class, 1 };
	if (n_pods > 1)
		qsort(parts, n_pods, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < n_pods; i++) {
		if (kept && compare_parts(&parts[kept - 1], &parts[i]) == 0)
			parts[kept - 1].n_pods++;
		else
			parts[kept++] = parts[i];
	}
	*n = kept;
	return parts;
}

static int list_groups(const struct grid *grid, struct arena *arena,
		       struct made_of *out)
{
	size_t n_parts, at = 0;
	const struct part_of_group *parts = list_parts(grid, arena, &n_parts);
	uint32_t *classes =
		arena_array(arena, parts ? n_parts : 0, sizeof(*classes));
	uint32_t *n_pods =
		arena_array(arena, parts ? n_parts : 0, sizeof(*n_pods));

	if (!parts || !classes || !n_pods)
		return -ENOMEM;
	for (uint32_t i = 0; i < grid->n_groups; i++) {
		out[i] = (struct made_of){ i, classes + at, n_pods + at, 0 };
		for (; at < n_parts && parts[at].group == i; at++) {
			classes[at] = parts[at].class;
			n_pods[at] = parts[at].n_pods;
			out[i].n++;
		}
	}
	return 0;
}

static int compare_classes(const struct made_of *p, const struct made_of *q)
{
	if (p->n != q->n)
		return p->n < q->n ? -1 : 1;
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->classes[i] != q->classes[i])
			return p->classes[i] < q->classes[i] ? -1 : 1;
	}
	return 0;
}

static int compare_groups(const void *a, const void *b)
{
	const struct made_of *p = a, *q = b;
	int order = compare_classes(p, q);

	return order ? order : (p->group < q->group ? -1 : 1);
}

/* Groups with the same classes, from @groups on. */
static int add_bundle(struct arena *arena, const struct made_of *groups,
		      size_t n, struct bundling *out)
{
	struct bundle *bundle = &out->bundles.items[out->bundles.n];
	bool *is_alone = arena_array(arena, groups->n, sizeof(*is_alone));

	if (!is_alone)
		return -ENOMEM;
	for (uint32_t i = 0; i < groups->n; i++)
		is_alone[i] = n == 1 && groups->n_pods[i] == 1;
	bundle->classes = groups->classes;
	bundle->is_alone = is_alone;
	bundle->n = groups->n;
	for (size_t i = 0; i < n; i++)
		out->of_group[groups[i].group] = out->bundles.n;
	out->bundles.n++;
	return 0;
}

static int bundle_groups(const struct grid *grid, struct arena *arena,
			 struct bundling *out)
{
	size_t n = grid->n_groups, first = 0;
	struct made_of *groups = arena_array(arena, n, sizeof(*groups));
	int r;

	if (!groups)
		return -ENOMEM;
	r = list_groups(grid, arena, groups);
	if (n > 1 && r == 0)
		qsort(groups, n, sizeof(*groups), compare_groups);
	for (size_t i = 1; i <= n && r == 0; i++) {
		if (i < n && compare_classes(&groups[i], &groups[first]) == 0)
			continue;
		r = add_bundle(arena, groups + first, i - first, out);
		first = i;
	}
	return r;
}

static int bundle_outside(const struct grid *grid, struct arena *arena,
			  struct bundling *out)
{
	size_t n;
	const struct reach_class *classes = reach_classes(grid->reach, &n);
	uint32_t *numbers = arena_array(arena, n, sizeof(*numbers));
	bool *is_alone = arena_alloc(arena, sizeof(*is_alone));

	if (!numbers || !is_alone)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (!classes[i].is_outside)
			continue;
		numbers[i] = i;
		out->bundles.items[out->bundles.n++] = (struct bundle){
			.classes = &numbers[i],
			.is_alone = is_alone,
			.n = 1,
		};
	}
	return 0;
}

int bundling_make(const struct grid *grid, struct arena *arena,
		  struct bundling *out)
{
	size_t n_classes;
	int r;

	reach_classes(grid->reach, &n_classes);
	*out = (struct bundling){
		.of_group = arena_array(arena, grid->n_groups,
					sizeof(*out->of_group)),
		.bundles.items = arena_array(arena, grid->n_groups + n_classes,
					     sizeof(struct bundle)),
	};
	if (!out->of_group || !out->bundles.items)
		return -ENOMEM;
	r = bundle_groups(grid, arena, out);
	if (r == 0)
		r = bundle_outside(grid, arena, out);
	return r < 0 ? r : bundles_index(&out->bundles, arena, grid->reach);
}
