/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/divert.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

#include "datapath/ipset.h"
#include "datapath/local.h"
#include "datapath/rules.h"

static const enum ip_family families[] = { IP_V4, IP_V6 };

/* A sorted list of addresses. */
struct address_list {
	struct ip_addr *items;
	size_t n;
};

struct divert {
	struct ipset *ipset;
	/* What is in the kernel's sets, both families together. */
	struct address_list members[N_DIRECTIONS];
};

static int compare(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

static bool contains(const struct address_list *list,
		     const struct ip_addr *addr)
{
	return list->n && bsearch(addr, list->items, list->n,
				  sizeof(*list->items), compare);
}

static void address_list_release(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){ 0 };
}

/* What is in @a and not in @b. */
static int subtract(const struct address_list *a, const struct address_list *b,
		    struct address_list *out)
{
	out->n = 0;
	out->items = calloc(a->n + 1, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++) {
		if (!contains(b, &a->items[i]))
			out->items[out->n++] = a->items[i];
	}
	return 0;
}

/* ---- opening ------------------------------------------------------------ */

static int open_set(struct divert *divert, enum direction dir,
		    enum ip_family family, struct err *err)
{
	struct address_list *all = &divert->members[dir];
	const char *name = rules_set_name(dir, family);
	CLEANUP(address_list_release) struct address_list found = { 0 };
	struct ip_addr *grown;
	int r;

	r = ipset_create(divert->ipset, name, family, err);
	if (r < 0)
		return r;
	r = ipset_list(divert->ipset, name, &found.items, &found.n, err);
	if (r < 0 || found.n == 0)
		return r;
	grown = reallocarray(all->items, all->n + found.n, sizeof(*grown));
	if (!grown)
		return err_set(err, -ENOMEM, "no memory for set members");
	memcpy(grown + all->n, found.items, found.n * sizeof(*grown));
	all->items = grown;
	all->n += found.n;
	qsort(all->items, all->n, sizeof(*all->items), compare);
	return 0;
}

static void divert_closep(struct divert **divert)
{
	divert_close(*divert);
}

int divert_open(struct divert **out, struct err *err)
{
	CLEANUP(divert_closep) struct divert *divert = NULL;
	int r;

	divert = calloc(1, sizeof(*divert));
	if (!divert)
		return err_set(err, -ENOMEM, "no memory for set members");
	r = ipset_open(&divert->ipset, err);
	if (r < 0)
		return r;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < 2; i++) {
			r = open_set(divert, dir, families[i], err);
			if (r < 0)
				return r;
		}
	}
	*out = divert;
	divert = NULL;
	return 0;
}

void divert_close(struct divert *divert)
{
	if (!divert)
		return;
	ipset_close(divert->ipset);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		address_list_release(&divert->members[dir]);
	free(divert);
}

/* ---- changing ----------------------------------------------------------- */

typedef int (*change_fn)(struct ipset *ipset, const char *name,
			 const struct ip_addr *members, size_t n,
			 struct err *err);

/* The list is sorted by family, so each family is one stretch of it. */
static int change_sets(struct divert *divert, enum direction dir,
		       const struct address_list *list, change_fn change,
		       struct err *err)
{
	size_t n_v4 = 0;
	int r = 0;

	while (n_v4 < list->n && list->items[n_v4].family == IP_V4)
		n_v4++;
	if (n_v4)
		r = change(divert->ipset, rules_set_name(dir, IP_V4),
			   list->items, n_v4, err);
	if (r == 0 && n_v4 < list->n)
		r = change(divert->ipset, rules_set_name(dir, IP_V6),
			   list->items + n_v4, list->n - n_v4, err);
	return r;
}

/* What a snapshot wants diverted, without this host's own addresses. */
static int wanted_members(const struct snapshot *snapshot, enum direction dir,
			  struct address_list *out, struct err *err)
{
	CLEANUP(address_list_release) struct address_list local = { 0 };
	const struct ip_addr *isolated;
	size_t n = snapshot_isolated(snapshot, dir, &isolated);
	/* subtract() reads only. */
	struct address_list all = { (struct ip_addr *)(uintptr_t)isolated, n };
	int r;

	r = local_addresses(&local.items, &local.n, err);
	if (r < 0)
		return r;
	if (local.n)
		qsort(local.items, local.n, sizeof(*local.items), compare);
	if (subtract(&all, &local, out) < 0)
		return err_set(err, -ENOMEM, "no memory for set members");
	return 0;
}

static int add_direction(struct divert *divert, enum direction dir,
			 const struct snapshot *snapshot, struct err *err)
{
	CLEANUP(address_list_release) struct address_list wanted = { 0 };
	CLEANUP(address_list_release) struct address_list missing = { 0 };
	struct address_list *have = &divert->members[dir];
	struct ip_addr *grown;
	int r;

	r = wanted_members(snapshot, dir, &wanted, err);
	if (r < 0)
		return r;
	if (subtract(&wanted, have, &missing) < 0)
		return err_set(err, -ENOMEM, "no memory for set members");
	if (missing.n == 0)
		return 0;
	grown = reallocarray(have->items, have->n + missing.n, sizeof(*grown));
	if (!grown)
		return err_set(err, -ENOMEM, "no memory for set members");
	have->items = grown;
	r = change_sets(divert, dir, &missing, ipset_add, err);
	if (r < 0)
		return r;
	memcpy(have->items + have->n, missing.items,
	       missing.n * sizeof(*missing.items));
	have->n += missing.n;
	qsort(have->items, have->n, sizeof(*have->items), compare);
	return 0;
}

static int remove_direction(struct divert *divert, enum direction dir,
			    const struct snapshot *snapshot, struct err *err)
{
	CLEANUP(address_list_release) struct address_list wanted = { 0 };
	CLEANUP(address_list_release) struct address_list surplus = { 0 };
	struct address_list *have = &divert->members[dir];
	int r;

	r = wanted_members(snapshot, dir, &wanted, err);
	if (r < 0)
		return r;
	if (subtract(have, &wanted, &surplus) < 0)
		return err_set(err, -ENOMEM, "no memory for set members");
	if (surplus.n == 0)
		return 0;
	r = change_sets(divert, dir, &surplus, ipset_remove, err);
	if (r < 0)
		return r;
	address_list_release(have);
	*have = wanted;
	wanted = (struct address_list){ 0 };
	return 0;
}

int divert_add(struct divert *divert, const struct snapshot *snapshot,
	       struct err *err)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		int r = add_direction(divert, dir, snapshot, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int divert_remove(struct divert *divert, const struct snapshot *snapshot,
		  struct err *err)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		int r = remove_direction(divert, dir, snapshot, err);

		if (r < 0)
			return r;
	}
	return 0;
}

size_t divert_count(const struct divert *divert, enum direction dir)
{
	return divert->members[dir].n;
}

int divert_destroy_sets(struct err *err)
{
	struct ipset *ipset;
	int r;

	r = ipset_open(&ipset, err);
	if (r < 0)
		return r;
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; r == 0 && i < 2; i++)
			r = ipset_destroy(
				ipset, rules_set_name(dir, families[i]), err);
	}
	ipset_close(ipset);
	return r;
}
