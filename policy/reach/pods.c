/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot leads from addresses to pods; here both addresses of a pod come
 * together again. With two snapshots, pods meet in two steps: those of one
 * name, then, of what is left, those of one owner, the first with the first.
 */
#include "reach/pods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/workload.h"
#include "table/snapshot_parts.h"

/* One pod of one snapshot. */
struct seen {
	const struct object *object;
	struct workload workload;
	struct ip_addr addrs[2]; /* IPv4, IPv6; family 0: none */
	uint32_t identity;
	bool met; /* its counterpart */
};

struct sight {
	struct seen *seen;
	struct seen **order;
	size_t n;
};

/* A pod and its counterpart; of one snapshot, the pod alone. */
struct pair {
	const struct seen *seen[REACH_MAX_VIEWS];
};

struct pairing {
	struct sight sights[REACH_MAX_VIEWS];
	size_t n_views;
	struct pair *pairs;
	size_t n_pairs;
};

/* ---- one snapshot ------------------------------------------------------- */

static int see_address(void *ctx, const struct ip_addr *addr,
		       struct placed placed)
{
	struct sight *sight = ctx;
	struct seen *seen = &sight->seen[sight->n++];

	seen->object = placed.pod;
	seen->identity = placed.identity & ~IDENTITY_LOCAL;
	seen->addrs[map_of(addr)] = *addr;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct seen *p = *(const struct seen *const *)a;
	const struct seen *q = *(const struct seen *const *)b;
	int order = strcmp(p->object->pod.namespace, q->object->pod.namespace);

	return order ? order : strcmp(p->object->pod.name, q->object->pod.name);
}

static int compare_workloads(const void *a, const void *b)
{
	const struct seen *p = *(const struct seen *const *)a;
	const struct seen *q = *(const struct seen *const *)b;
	int order = workload_compare(&p->workload, &q->workload);

	return order ? order : compare_names(a, b);
}

static void sort(struct sight *sight,
		 int (*compare)(const void *a, const void *b))
{
	if (sight->n > 1)
		qsort(sight->order, sight->n, sizeof(void *), compare);
}

/* Addresses of one pod are neighbours. */
static void unite_addresses(struct sight *sight)
{
	size_t n = 0;

	for (size_t i = 0; i < sight->n; i++) {
		struct seen *seen = sight->order[i];
		struct seen *last = n ? sight->order[n - 1] : NULL;

		if (!last || last->object != seen->object) {
			sight->order[n++] = seen;
			continue;
		}
		for (int f = 0; f < 2; f++) {
			if (seen->addrs[f].family)
				last->addrs[f] = seen->addrs[f];
		}
	}
	sight->n = n;
}

static int see(struct arena *arena, const struct snapshot *snapshot,
	       struct sight *sight)
{
	size_t room = snapshot->maps[0].n + snapshot->maps[1].n;

	sight->seen = arena_array(arena, room, sizeof(*sight->seen));
	sight->order = arena_array(arena, room, sizeof(void *));
	if (!sight->seen || !sight->order)
		return -ENOMEM;
	for (int i = 0; i < 2; i++)
		address_map_each(&snapshot->maps[i], see_address, sight);
	for (size_t i = 0; i < sight->n; i++) {
		sight->seen[i].workload =
			workload_of(&sight->seen[i].object->pod);
		sight->order[i] = &sight->seen[i];
	}
	sort(sight, compare_names);
	unite_addresses(sight);
	return 0;
}

/* ---- meeting ------------------------------------------------------------ */

static bool share_a_family(const struct seen *a, const struct seen *b)
{
	return (a->addrs[0].family && b->addrs[0].family) ||
	       (a->addrs[1].family && b->addrs[1].family);
}

static void meet(struct pairing *pairing, struct seen *old, struct seen *new)
{
	if (!share_a_family(old, new))
		return;
	old->met = new->met = true;
	pairing->pairs[pairing->n_pairs++] = (struct pair){ { old, new } };
}

/* Both are in the order of @compare: k-th with k-th of what is equal, as long
   as both have one. */
static void meet_equals(struct pairing *pairing,
			int (*compare)(const struct seen *a,
				       const struct seen *b))
{
	const struct sight *olds = &pairing->sights[REACH_OLD];
	const struct sight *news = &pairing->sights[REACH_NEW];
	size_t i = 0, k = 0;

	while (i < olds->n && k < news->n) {
		int order = compare(olds->order[i], news->order[k]);

		if (order == 0)
			meet(pairing, olds->order[i], news->order[k]);
		i += order <= 0;
		k += order >= 0;
	}
}

static int by_name(const struct seen *a, const struct seen *b)
{
	return compare_names(&a, &b);
}

/* Pods of their own name meet nobody else. */
static int by_owner(const struct seen *a, const struct seen *b)
{
	int order = workload_compare(&a->workload, &b->workload);

	return order == 0 && a->workload.is_pod ? by_name(a, b) : order;
}

static void forget_met(struct sight *sight)
{
	size_t n = 0;

	for (size_t i = 0; i < sight->n; i++) {
		if (!sight->order[i]->met)
			sight->order[n++] = sight->order[i];
	}
	sight->n = n;
}

static void meet_all(struct pairing *pairing)
{
	meet_equals(pairing, by_name);
	for (int v = 0; v < 2; v++) {
		forget_met(&pairing->sights[v]);
		sort(&pairing->sights[v], compare_workloads);
	}
	meet_equals(pairing, by_owner);
	for (int v = 0; v < 2; v++) {
		forget_met(&pairing->sights[v]);
		sort(&pairing->sights[v], compare_names);
	}
}

/* Of one snapshot, each is its own pair. */
static void take_all(struct pairing *pairing)
{
	const struct sight *sight = &pairing->sights[0];

	for (size_t i = 0; i < sight->n; i++)
		pairing->pairs[i] = (struct pair){ { sight->order[i] } };
	pairing->n_pairs = sight->n;
}

/* ---- the list ----------------------------------------------------------- */

/* By the newest. */
static int compare_pairs(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	int last = p->seen[REACH_NEW] ? REACH_NEW : REACH_OLD;

	return compare_workloads(&p->seen[last], &q->seen[last]);
}

static void add(struct pod_list *list, const struct pair *pair, size_t n_views,
		int family)
{
	struct reach_pod *pod = &list->items[list->n];

	for (size_t v = 0; v < n_views; v++) {
		if (!pair->seen[v]->addrs[family].family)
			return;
	}
	for (size_t v = 0; v < n_views; v++) {
		pod->pods[v] = &pair->seen[v]->object->pod;
		pod->addrs[v] = pair->seen[v]->addrs[family];
		list->identities[v][list->n] = pair->seen[v]->identity;
	}
	list->n++;
}

static int list_pods(struct arena *arena, const struct pairing *pairing,
		     struct pod_list *list)
{
	size_t room = 2 * pairing->n_pairs;

	list->items = arena_array(arena, room, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (size_t v = 0; v < pairing->n_views; v++) {
		list->identities[v] =
			arena_array(arena, room, sizeof(uint32_t));
		if (!list->identities[v])
			return -ENOMEM;
	}
	for (size_t i = 0; i < pairing->n_pairs; i++) {
		for (int f = 0; f < 2; f++)
			add(list, &pairing->pairs[i], pairing->n_views, f);
	}
	return 0;
}

static int list_leftovers(struct arena *arena, const struct pairing *pairing,
			  struct pod_list *list)
{
	const struct sight *sights = pairing->sights;

	/* Of each pair at most one address is of no pair. */
	list->leftovers =
		arena_array(arena, sights[0].n + sights[1].n + pairing->n_pairs,
			    sizeof(*list->leftovers));
	if (!list->leftovers)
		return -ENOMEM;
	for (int v = 0; v < 2; v++) {
		for (size_t i = 0; i < sights[v].n; i++)
			list->leftovers[list->n_leftovers++] =
				(struct reach_leftover){
					.pod = &sights[v].order[i]->object->pod,
					.view = v,
				};
	}
	return 0;
}

/* Addresses of a family that the counterpart has none of. */
static void list_lone_addresses(const struct pairing *pairing,
				struct pod_list *list)
{
	for (size_t i = 0; i < 2 * pairing->n_pairs; i++) {
		const struct pair *pair = &pairing->pairs[i / 2];
		const struct seen *old = pair->seen[REACH_OLD];
		const struct seen *new = pair->seen[REACH_NEW];
		uint8_t a = old->addrs[i % 2].family;
		uint8_t b = new->addrs[i % 2].family;

		if (a == b)
			continue;
		list->leftovers[list->n_leftovers++] = (struct reach_leftover){
			.pod = &(a ? old : new)->object->pod,
			.view = a ? REACH_OLD : REACH_NEW,
			.family = a ? a : b,
		};
	}
}

static int make(struct arena *arena, struct pairing *pairing,
		struct pod_list *list)
{
	int r = 0;

	if (pairing->n_views == 1) {
		take_all(pairing);
	} else {
		meet_all(pairing);
		r = list_leftovers(arena, pairing, list);
		if (r == 0)
			list_lone_addresses(pairing, list);
	}
	if (pairing->n_pairs > 1)
		qsort(pairing->pairs, pairing->n_pairs, sizeof(struct pair),
		      compare_pairs);
	return r < 0 ? r : list_pods(arena, pairing, list);
}

int pod_list_make(struct arena *arena, const struct snapshot *const *snapshots,
		  size_t n_snapshots, struct pod_list *out)
{
	struct pairing pairing = { .n_views = n_snapshots };
	struct arena scratch = { 0 };
	int r = 0;

	*out = (struct pod_list){ 0 };
	for (size_t v = 0; v < n_snapshots && r == 0; v++)
		r = see(&scratch, snapshots[v], &pairing.sights[v]);
	pairing.pairs = arena_array(&scratch, pairing.sights[0].n,
				    sizeof(*pairing.pairs));
	if (r == 0)
		r = pairing.pairs ? make(arena, &pairing, out) : -ENOMEM;
	arena_release(&scratch);
	return r;
}
