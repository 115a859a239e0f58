/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units: which labels find the pods of a workload, and no others of their
 * namespace.
 *
 *	pods of shop		labels				selector
 *	Deployment web		app=web tier=front		app=web
 *	Deployment cache	app=redis role=cache		role=cache,
 *								app=redis
 *	Deployment queue	app=redis role=queue		…
 *	tool			(none)				!app
 *
 * The best name comes first, whether it is needed or not, so that a workload of
 * tomorrow is not taken in; then whichever label leaves the fewest strangers,
 * of those that say what a pod is if any helps, or else of those that nobody
 * knows, or else of those that go with a release; then labels that the
 * strangers have and these pods lack. Where strangers are left, no selector can
 * tell them apart that holds for all of these pods, and both are one unit. Each
 * time there is a unit less, so this ends.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/snapshot.h"

#include "suggest/label.h"
#include "suggest/parts.h"

/* A label with a value, or without one: that the key is not there. */
struct trait {
	const char *key, *value;
	bool taken;
};

struct choice {
	struct arena *arena;
	const struct suggest_pod **mine;
	size_t n_mine;
	const struct suggest_pod **strangers; /* that are still found */
	size_t n_strangers;
	struct trait *traits; /* of all of mine */
	size_t n_traits;
	struct requirement *requirements;
	size_t n_requirements, capacity;
};

/* ---- traits ------------------------------------------------------------- */

static bool fits(const struct trait *trait, const struct suggest_pod *pod)
{
	const char *value = labels_get(&pod->pod->labels, trait->key);

	if (!trait->value)
		return !value;
	return value && strcmp(value, trait->value) == 0;
}

static size_t count_fits(const struct trait *trait,
			 const struct suggest_pod *const *pods, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += fits(trait, pods[i]);
	return count;
}

static int compare_traits(const void *a, const void *b)
{
	const struct trait *x = a, *y = b;
	int rank = label_rank(x->key) - label_rank(y->key);

	return rank ? rank : strcmp(x->key, y->key);
}

static int find_traits(struct choice *choice)
{
	const struct labels *labels = &choice->mine[0]->pod->labels;

	choice->traits = arena_array(choice->arena, labels->n + 1,
				     sizeof(*choice->traits));
	if (!choice->traits)
		return -ENOMEM;
	for (size_t i = 0; i < labels->n; i++) {
		struct trait trait = { .key = labels->items[i].key,
				       .value = labels->items[i].value };

		if (label_is_stable(trait.key) &&
		    label_can_match(trait.value) &&
		    count_fits(&trait, choice->mine, choice->n_mine) ==
			    choice->n_mine)
			choice->traits[choice->n_traits++] = trait;
	}
	qsort(choice->traits, choice->n_traits, sizeof(*choice->traits),
	      compare_traits);
	return 0;
}

/* ---- taking them -------------------------------------------------------- */

static int take(struct choice *choice, struct trait *trait)
{
	size_t n = choice->n_requirements, left = 0;
	const char **value = arena_array(choice->arena, 1, sizeof(*value));

	choice->requirements =
		arena_room(choice->arena, choice->requirements, n,
			   &choice->capacity, sizeof(*choice->requirements));
	if (!value || !choice->requirements)
		return -ENOMEM;
	*value = trait->value;
	choice->requirements[n] = (struct requirement){
		.key = trait->key,
		.op = trait->value ? SELECTOR_IN : SELECTOR_DOES_NOT_EXIST,
		.values = trait->value ? value : NULL,
		.n_values = trait->value ? 1 : 0,
	};
	choice->n_requirements++;
	trait->taken = true;
	for (size_t i = 0; i < choice->n_strangers; i++) {
		if (fits(trait, choice->strangers[i]))
			choice->strangers[left++] = choice->strangers[i];
	}
	choice->n_strangers = left;
	return 0;
}

/* Of the labels with ranks from @first to below @end. */
static struct trait *best_of(const struct choice *choice, int first, int end)
{
	size_t fewest = choice->n_strangers;
	struct trait *best = NULL;

	for (size_t i = 0; i < choice->n_traits; i++) {
		struct trait *trait = &choice->traits[i];
		int rank = label_rank(trait->key);
		size_t left;

		if (trait->taken || rank < first || rank >= end)
			continue;
		left = count_fits(trait, choice->strangers,
				  choice->n_strangers);
		if (left < fewest) {
			fewest = left;
			best = trait;
		}
	}
	return best;
}

static struct trait *best_trait(const struct choice *choice)
{
	static const int ends[] = { 0, LABEL_RANK_UNKNOWN, LABEL_RANK_PASSING,
				    INT_MAX };
	struct trait *best = NULL;

	for (size_t i = 0; !best && i < sizeof(ends) / sizeof(ends[0]) - 1; i++)
		best = best_of(choice, ends[i], ends[i + 1]);
	return best;
}

static int take_common(struct choice *choice)
{
	struct trait *trait = choice->traits;
	int r = 0;

	if (choice->n_traits > 0 && label_rank(trait->key) < LABEL_RANK_UNKNOWN)
		r = take(choice, trait);
	while (r == 0 && choice->n_strangers > 0) {
		trait = best_trait(choice);
		if (!trait)
			break;
		r = take(choice, trait);
	}
	return r;
}

/* A key that the first stranger has and none of mine; the best name first. */
static bool find_absent(const struct choice *choice, struct trait *out)
{
	const struct labels *labels = &choice->strangers[0]->pod->labels;
	bool found = false;

	for (size_t i = 0; i < labels->n; i++) {
		struct trait trait = { .key = labels->items[i].key };

		if (!label_is_stable(trait.key) ||
		    count_fits(&trait, choice->mine, choice->n_mine) <
			    choice->n_mine)
			continue;
		if (!found || compare_traits(&trait, out) < 0)
			*out = trait;
		found = true;
	}
	return found;
}

static int take_absent(struct choice *choice)
{
	struct trait trait;
	int r = 0;

	while (r == 0 && choice->n_strangers > 0 && find_absent(choice, &trait))
		r = take(choice, &trait);
	return r;
}

/* ---- units of a namespace ----------------------------------------------- */

struct scope {
	struct suggest *suggest;
	size_t first, end; /* groups of the namespace */
	const struct suggest_pod **mine, **strangers; /* room for all pods */
};

static void divide(const struct scope *scope, uint32_t unit,
		   struct choice *choice)
{
	const struct suggest *suggest = scope->suggest;

	for (size_t g = scope->first; g < scope->end; g++) {
		const struct suggest_group *group = &suggest->groups[g];

		for (size_t i = group->first; i < group->first + group->n;
		     i++) {
			if (group->unit == unit)
				choice->mine[choice->n_mine++] =
					&suggest->pods[i];
			else
				choice->strangers[choice->n_strangers++] =
					&suggest->pods[i];
		}
	}
}

/* @stranger  a pod that cannot be told apart; NULL: there is none */
static int choose(const struct scope *scope, uint32_t unit,
		  const struct suggest_pod **stranger)
{
	struct suggest *suggest = scope->suggest;
	struct choice choice = {
		.arena = &suggest->arena,
		.mine = scope->mine,
		.strangers = scope->strangers,
	};
	int r;

	divide(scope, unit, &choice);
	r = find_traits(&choice);
	if (r == 0)
		r = take_common(&choice);
	if (r == 0)
		r = take_absent(&choice);
	if (r < 0)
		return r;
	*stranger = choice.n_strangers > 0 ? choice.strangers[0] : NULL;
	suggest->units[unit].selector = (struct selector){
		.requirements = choice.requirements,
		.n = choice.n_requirements,
	};
	return 0;
}

static void unite(const struct scope *scope, uint32_t a, uint32_t b)
{
	uint32_t stays = a < b ? a : b, goes = a < b ? b : a;

	for (size_t g = scope->first; g < scope->end; g++) {
		struct suggest_group *group = &scope->suggest->groups[g];

		if (group->unit == goes)
			group->unit = stays;
	}
}

static int settle(const struct scope *scope)
{
	struct suggest_group *groups = scope->suggest->groups;
	bool united;

	do {
		united = false;
		for (size_t g = scope->first; g < scope->end; g++) {
			const struct suggest_pod *stranger = NULL;
			int r;

			if (groups[g].unit != g)
				continue;
			r = choose(scope, (uint32_t)g, &stranger);
			if (r < 0)
				return r;
			if (!stranger)
				continue;
			unite(scope, (uint32_t)g, groups[stranger->group].unit);
			united = true;
		}
	} while (united);
	return 0;
}

/* ---- what is known of them ---------------------------------------------- */

static bool is_isolated(const struct snapshot *existing, const struct pod *pod,
			enum direction dir)
{
	struct local_address local;

	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (snapshot_find_local(existing, &pod->addresses[i], &local) &&
		    !local.isolated[dir])
			return false;
	}
	return true;
}

static bool is_dns_label(const struct labels *labels)
{
	const char *app = labels_get(labels, "k8s-app");
	const char *name = labels_get(labels, "app.kubernetes.io/name");

	return (app && strcmp(app, "kube-dns") == 0) ||
	       (name && strcmp(name, "coredns") == 0);
}

static int fill(const struct scope *scope, uint32_t unit)
{
	struct suggest *suggest = scope->suggest;
	struct suggest_unit *out = &suggest->units[unit];
	struct choice choice = { .mine = scope->mine,
				 .strangers = scope->strangers };

	divide(scope, unit, &choice);
	out->pods = arena_array(&suggest->arena, choice.n_mine, sizeof(void *));
	if (!out->pods)
		return -ENOMEM;
	out->n_pods = choice.n_mine;
	out->is_dns = true;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		out->isolated[dir] = suggest->options.existing != NULL;
	for (size_t i = 0; i < out->n_pods; i++) {
		const struct pod *pod = choice.mine[i]->pod;

		out->pods[i] = choice.mine[i];
		out->is_dns &= is_dns_label(&pod->labels);
		for (int dir = 0; dir < N_DIRECTIONS; dir++)
			out->isolated[dir] =
				out->isolated[dir] &&
				is_isolated(suggest->options.existing, pod,
					    dir);
	}
	return 0;
}

static int choose_in_namespace(struct scope *scope)
{
	const struct suggest_group *groups = scope->suggest->groups;
	const char *namespace = groups[scope->first].workload.namespace;
	int r;

	for (scope->end = scope->first;
	     scope->end < scope->suggest->n_groups &&
	     strcmp(groups[scope->end].workload.namespace, namespace) == 0;
	     scope->end++)
		;
	r = settle(scope);
	for (size_t g = scope->first; r == 0 && g < scope->end; g++) {
		if (groups[g].unit == g)
			r = fill(scope, (uint32_t)g);
	}
	scope->first = scope->end;
	return r;
}

int suggest_units_choose(struct suggest *suggest)
{
	size_t n = suggest->n_pods + 1;
	struct scope scope = {
		.suggest = suggest,
		.mine = arena_array(&suggest->arena, n, sizeof(void *)),
		.strangers = arena_array(&suggest->arena, n, sizeof(void *)),
	};
	int r = 0;

	if (!scope.mine || !scope.strangers)
		return -ENOMEM;
	while (r == 0 && scope.first < suggest->n_groups)
		r = choose_in_namespace(&scope);
	return r;
}
