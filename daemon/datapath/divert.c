/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/divert.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "datapath/address_list.h"
#include "datapath/ipset.h"
#include "datapath/local.h"
#include "datapath/rules.h"

static const enum ip_family families[] = { IP_V4, IP_V6 };

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

static void release(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){ 0 };
}

/* What is in @a and not in @b; @out is empty before. */
static int subtract(const struct address_list *a, const struct address_list *b,
		    struct address_list *out)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!contains(b, &a->items[i]) &&
		    address_list_append(out, &a->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for set members");
}

/* ---- opening ------------------------------------------------------------ */

/* Add what a set of the kernel holds to what is known of it. */
static int read_set(struct divert *divert, enum direction dir,
		    enum ip_family family, struct err *err)
{
	CLEANUP(release) struct address_list found = { 0 };
	struct address_list *members = &divert->members[dir];
	int r;

	r = ipset_list(divert->ipset, rules_set_name(dir, family), &found.items,
		       &found.n, err);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		if (address_list_append(members, &found.items[i]) < 0)
			r = no_memory(err);
	}
	address_list_sort(members);
	return r;
}

/* What is in the kernel is what counts; after a change that failed half-way,
   too. */
static int read_sets(struct divert *divert, enum direction dir, struct err *err)
{
	int r = 0;

	divert->members[dir].n = 0;
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = read_set(divert, dir, families[i], err);
	return r;
}

static int open_sets(struct divert *divert, enum direction dir, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		int r = ipset_create(divert->ipset,
				     rules_set_name(dir, families[i]),
				     families[i], err);

		if (r < 0)
			return r;
	}
	return read_sets(divert, dir, err);
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
		return no_memory(err);
	r = ipset_open(&divert->ipset, err);
	if (r < 0)
		return r;
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		r = open_sets(divert, dir, err);
		if (r < 0)
			return r;
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
		release(&divert->members[dir]);
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

struct wanted {
	enum direction dir;
	const struct address_list *local;
	struct address_list *out;
};

static int want(void *ctx, const struct local_address *address)
{
	const struct wanted *wanted = ctx;

	if (!address->isolated[wanted->dir] ||
	    contains(wanted->local, &address->addr))
		return 0;
	return address_list_append(wanted->out, &address->addr);
}

/* What a snapshot wants diverted, without this host's own addresses. */
static int wanted_members(const struct snapshot *snapshot, enum direction dir,
			  const struct address_list *local,
			  struct address_list *out, struct err *err)
{
	struct wanted wanted = { dir, local, out };

	if (snapshot_each_local(snapshot, want, &wanted) < 0)
		return no_memory(err);
	address_list_sort(out);
	return 0;
}

/* One half of a change: add what is wanted and not there, or remove what is
   there and not wanted. */
static int change_direction(struct divert *divert, enum direction dir,
			    const struct snapshot *snapshot,
			    const struct address_list *local, bool add,
			    struct err *err)
{
	CLEANUP(release) struct address_list wanted = { 0 };
	CLEANUP(release) struct address_list change = { 0 };
	const struct address_list *have = &divert->members[dir];
	int r;

	/* Somebody may have flushed it. */
	r = read_sets(divert, dir, err);
	if (r < 0)
		return r;
	r = wanted_members(snapshot, dir, local, &wanted, err);
	if (r < 0)
		return r;
	r = add ? subtract(&wanted, have, &change)
		: subtract(have, &wanted, &change);
	if (r < 0)
		return no_memory(err);
	if (change.n == 0)
		return 0;
	r = change_sets(divert, dir, &change, add ? ipset_add : ipset_remove,
			err);
	if (r < 0) {
		/* The first failure is the one to tell. */
		read_sets(divert, dir, NULL);
		return r;
	}
	return read_sets(divert, dir, err);
}

static int change_all(struct divert *divert, const struct snapshot *snapshot,
		      bool add, struct err *err)
{
	CLEANUP(release) struct address_list local = { 0 };
	int r;

	r = local_addresses(&local.items, &local.n, err);
	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++)
		r = change_direction(divert, dir, snapshot, &local, add, err);
	return r;
}

int divert_add(struct divert *divert, const struct snapshot *snapshot,
	       struct err *err)
{
	return change_all(divert, snapshot, true, err);
}

int divert_remove(struct divert *divert, const struct snapshot *snapshot,
		  struct err *err)
{
	return change_all(divert, snapshot, false, err);
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
