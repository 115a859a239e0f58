/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/dual_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

static const enum ip_family families[] = { IP_V4, IP_V6 };

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for set members");
}

/* Add what a set of the kernel holds to what is known of it. */
static int read_family(struct dual_set *set, enum ip_family family,
		       struct err *err)
{
	struct ip_addr *found = NULL;
	size_t n = 0;
	int r;

	r = ipset_list(set->ipset, rules_set_name(set->set, family), &found, &n,
		       err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (address_list_append(&set->members, &found[i]) < 0)
			r = no_memory(err);
	}
	free(found);
	return r;
}

int dual_set_read(struct dual_set *set, struct err *err)
{
	int r = 0;

	set->members.n = 0;
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = read_family(set, families[i], err);
	address_list_sort(&set->members);
	return r;
}

/* Also where it cannot be listed: it is somebody's. */
static bool stands(const struct dual_set *set, enum ip_family family)
{
	struct ip_addr *found = NULL;
	size_t n;
	int r = ipset_list(set->ipset, rules_set_name(set->set, family), &found,
			   &n, NULL);

	free(found);
	return r != -ENOENT;
}

static int create(const struct dual_set *set, enum ip_family family,
		  struct err *err)
{
	return ipset_create(set->ipset, rules_set_name(set->set, family),
			    family, err);
}

int dual_set_open(struct dual_set *set, struct ipset *ipset,
		  enum rules_set which, struct err *err)
{
	*set = (struct dual_set){ .ipset = ipset, .set = which };
	for (size_t i = 0; i < 2; i++) {
		bool stood = stands(set, families[i]);
		int r = create(set, families[i], err);

		if (r < 0)
			return r;
		set->made[i] = !stood;
	}
	return dual_set_read(set, err);
}

int dual_set_renew(struct dual_set *set, struct err *err)
{
	memset(set->anew, 0, sizeof(set->anew));
	for (size_t i = 0; i < 2; i++) {
		bool stood = stands(set, families[i]);
		int r = create(set, families[i], err);

		if (r < 0)
			return r;
		set->anew[i] = !stood;
	}
	return dual_set_read(set, err);
}

void dual_set_undo(struct dual_set *set)
{
	for (size_t i = 0; i < 2; i++) {
		if (set->made[i])
			ipset_destroy(set->ipset,
				      rules_set_name(set->set, families[i]),
				      NULL);
		set->made[i] = false;
	}
}

void dual_set_release(struct dual_set *set)
{
	address_list_release(&set->members);
}

typedef int (*change_fn)(struct ipset *ipset, const char *name,
			 const struct ip_addr *members, size_t n,
			 struct err *err);

/* A sorted list has each family in one stretch. */
static int change_families(struct dual_set *set,
			   const struct address_list *list, change_fn change,
			   struct err *err)
{
	size_t n_v4 = 0;
	int r = 0;

	while (n_v4 < list->n && list->items[n_v4].family == IP_V4)
		n_v4++;
	if (n_v4)
		r = change(set->ipset, rules_set_name(set->set, IP_V4),
			   list->items, n_v4, err);
	if (r == 0 && n_v4 < list->n)
		r = change(set->ipset, rules_set_name(set->set, IP_V6),
			   list->items + n_v4, list->n - n_v4, err);
	return r;
}

/* Make a change of what is in @a and not in @b. */
static int change_by(struct dual_set *set, change_fn change,
		     const struct address_list *a, const struct address_list *b,
		     struct err *err)
{
	CLEANUP(address_list_release) struct address_list list = { 0 };
	int r;

	if (address_list_subtract(a, b, &list) < 0)
		return no_memory(err);
	if (list.n == 0)
		return 0;
	r = change_families(set, &list, change, err);
	if (r < 0) {
		/* The first failure is the one to tell. */
		dual_set_read(set, NULL);
		return r;
	}
	set->n_moved += list.n;
	return dual_set_read(set, err);
}

int dual_set_add_missing(struct dual_set *set,
			 const struct address_list *wanted, struct err *err)
{
	return change_by(set, ipset_add, wanted, &set->members, err);
}

int dual_set_remove_others(struct dual_set *set,
			   const struct address_list *wanted, struct err *err)
{
	return change_by(set, ipset_remove, &set->members, wanted, err);
}

int dual_set_destroy(struct ipset *ipset, enum rules_set which, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++)
		r = ipset_destroy(ipset, rules_set_name(which, families[i]),
				  err);
	return r;
}
