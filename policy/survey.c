/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In every cluster, with no label but their name (NP-41). */
static const struct label standard_labels[] = {
	{ NAMESPACE_NAME_LABEL, "default" },
	{ NAMESPACE_NAME_LABEL, "kube-node-lease" },
	{ NAMESPACE_NAME_LABEL, "kube-public" },
	{ NAMESPACE_NAME_LABEL, SYSTEM_NAMESPACE },
};
#define N_STANDARD (sizeof(standard_labels) / sizeof(standard_labels[0]))

/* ---- pods and policies -------------------------------------------------- */

static int compare_pods(const void *a, const void *b)
{
	const struct pod *const *p = a, *const *q = b;

	return strcmp((*p)->namespace, (*q)->namespace);
}

static int compare_policies(const void *a, const void *b)
{
	const struct network_policy *const *p = a, *const *q = b;
	int order = strcmp((*p)->namespace, (*q)->namespace);

	return order ? order : strcmp((*p)->name, (*q)->name);
}

static int count_object(void *ctx, const struct object *object)
{
	(void)object;
	++*(size_t *)ctx;
	return 0;
}

static size_t count_objects(const struct survey *survey, enum object_kind kind)
{
	size_t n = 0;

	/* Not cluster_count(): remembered ones are walked, too. */
	cluster_each(survey->cluster, kind, count_object, &n);
	return n;
}

static int add_pod(void *ctx, const struct object *object)
{
	struct survey *survey = ctx;

	survey->pods[survey->n_pods++] = &object->pod;
	return 0;
}

static int add_policy(void *ctx, const struct object *object)
{
	struct survey *survey = ctx;

	survey->policies[survey->n_policies++] = &object->policy;
	return 0;
}

static int list_pods_and_policies(struct survey *survey, struct arena *arena)
{
	size_t n_pods = count_objects(survey, OBJECT_POD);
	size_t n_policies = count_objects(survey, OBJECT_NETWORK_POLICY);

	/* Pointers are what is stored. */
	survey->pods = arena_array(arena, n_pods, sizeof(void *));
	survey->policies = arena_array(arena, n_policies, sizeof(void *));
	if (!survey->pods || !survey->policies)
		return -ENOMEM;
	cluster_each(survey->cluster, OBJECT_POD, add_pod, survey);
	cluster_each(survey->cluster, OBJECT_NETWORK_POLICY, add_policy,
		     survey);
	qsort(survey->pods, n_pods, sizeof(void *), compare_pods);
	qsort(survey->policies, n_policies, sizeof(void *), compare_policies);
	return 0;
}

/* ---- namespaces --------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	const struct known_namespace *p = a, *q = b;

	return strcmp(p->name, q->name);
}

/* Of one name, what is known best comes first. */
static int compare_namespaces(const void *a, const void *b)
{
	const struct known_namespace *p = a, *q = b;
	int order = compare_names(p, q);

	return order ? order : (int)p->by - (int)q->by;
}

static int add_namespace(void *ctx, const struct object *object)
{
	struct survey *survey = ctx;

	survey->namespaces[survey->n_namespaces++] = (struct known_namespace){
		.name = object->namespace.name,
		.by = KNOWN_BY_OBJECT,
		.going = object->namespace.terminating ||
			 !cluster_has(survey->cluster, object),
		.labels = object->namespace.labels,
	};
	return 0;
}

/* Names come in order: one after another, each of them several times. */
static void add_name(struct survey *survey, const char *name)
{
	struct known_namespace *next =
		&survey->namespaces[survey->n_namespaces];

	if (survey->n_namespaces > 0 && strcmp(next[-1].name, name) == 0)
		return;
	*next = (struct known_namespace){ .name = name, .by = KNOWN_BY_NAME };
	survey->n_namespaces++;
}

static void keep_best_known(struct survey *survey)
{
	struct known_namespace *items = survey->namespaces;
	size_t n = 0;

	qsort(items, survey->n_namespaces, sizeof(*items), compare_namespaces);
	for (size_t i = 0; i < survey->n_namespaces; i++) {
		if (n == 0 || compare_names(&items[n - 1], &items[i]))
			items[n++] = items[i];
	}
	survey->n_namespaces = n;
}

/* Both lists are in the order of the names, and each pod's is among them. */
static void give_pods(struct survey *survey)
{
	size_t at = 0;

	for (size_t i = 0; i < survey->n_namespaces; i++) {
		struct known_namespace *namespace = &survey->namespaces[i];
		size_t first = at;

		while (at < survey->n_pods &&
		       strcmp(survey->pods[at]->namespace, namespace->name) ==
			       0)
			at++;
		namespace->pods = survey->pods + first;
		namespace->n_pods = at - first;
	}
}

static int list_namespaces(struct survey *survey, struct arena *arena)
{
	size_t most = count_objects(survey, OBJECT_NAMESPACE) + N_STANDARD +
		      survey->n_pods + survey->n_policies;

	survey->namespaces =
		arena_array(arena, most, sizeof(*survey->namespaces));
	if (!survey->namespaces)
		return -ENOMEM;
	cluster_each(survey->cluster, OBJECT_NAMESPACE, add_namespace, survey);
	survey->n_listed = survey->n_namespaces;
	for (size_t i = 0; i < N_STANDARD; i++)
		survey->namespaces[survey->n_namespaces++] =
			(struct known_namespace){
				.name = standard_labels[i].value,
				.by = KNOWN_AS_STANDARD,
				.labels = { &standard_labels[i], 1 },
			};
	for (size_t i = 0; i < survey->n_pods; i++)
		add_name(survey, survey->pods[i]->namespace);
	for (size_t i = 0; i < survey->n_policies; i++)
		add_name(survey, survey->policies[i]->namespace);
	keep_best_known(survey);
	give_pods(survey);
	return 0;
}

const struct known_namespace *survey_find_namespace(const struct survey *survey,
						    const char *name)
{
	const struct known_namespace wanted = { .name = name };

	return bsearch(&wanted, survey->namespaces, survey->n_namespaces,
		       sizeof(wanted), compare_names);
}

/* What they were for may be gone already. */
static void drop_going_policies(struct survey *survey)
{
	size_t n = 0;

	for (size_t i = 0; i < survey->n_policies; i++) {
		const struct network_policy *policy = survey->policies[i];

		if (!survey_find_namespace(survey, policy->namespace)->going)
			survey->policies[n++] = policy;
	}
	survey->n_policies = n;
}

int survey_init(struct survey *survey, const struct cluster *cluster,
		struct budget budget, struct arena *arena)
{
	int r;

	*survey = (struct survey){ .cluster = cluster, .budget = budget };
	r = list_pods_and_policies(survey, arena);
	if (r == 0)
		r = list_namespaces(survey, arena);
	if (r == 0)
		drop_going_policies(survey);
	return r;
}
