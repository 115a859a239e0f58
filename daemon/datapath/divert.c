/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/divert.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "datapath/dual_set.h"
#include "datapath/local.h"

struct divert {
	struct ipset *ipset;
	struct dual_set sets[N_RULES_SETS];
	struct pod_range watched;
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for set members");
}

/* A set whose members are pods, and who is one. */
struct pod_set {
	enum rules_set set;
	bool (*has)(const struct local_address *address);
};

static bool is_egress(const struct local_address *address)
{
	return address->isolated[DIRECTION_EGRESS];
}

static bool is_ingress(const struct local_address *address)
{
	return address->isolated[DIRECTION_INGRESS];
}

/* Whom nothing but staged policies isolates, in one direction at least. */
static bool is_staged(const struct local_address *address)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		if (address->watched[dir] && !address->isolated[dir])
			return true;
	return false;
}

static bool is_any(const struct local_address *address)
{
	return address->watched[DIRECTION_EGRESS] ||
	       address->watched[DIRECTION_INGRESS];
}

static const struct pod_set pod_sets[] = {
	{ RULES_SET_EGRESS, is_egress },
	{ RULES_SET_INGRESS, is_ingress },
	{ RULES_SET_STAGED, is_staged },
	{ RULES_SET_PODS, is_any },
};
#define N_POD_SETS (sizeof(pod_sets) / sizeof(pod_sets[0]))

static enum rules_set set_of(enum direction dir)
{
	return dir == DIRECTION_EGRESS ? RULES_SET_EGRESS : RULES_SET_INGRESS;
}

/* ---- opening ------------------------------------------------------------ */

static void divert_undop(struct divert **divert)
{
	divert_undo(*divert);
}

int divert_open(struct divert **out, struct err *err)
{
	CLEANUP(divert_undop) struct divert *divert = NULL;
	int r;

	divert = calloc(1, sizeof(*divert));
	if (!divert)
		return no_memory(err);
	r = ipset_open(&divert->ipset, err);
	for (int i = 0; r == 0 && i < N_RULES_SETS; i++)
		r = dual_set_open(&divert->sets[i], divert->ipset, i, err);
	for (size_t i = 0; r == 0 && i < N_POD_SETS; i++)
		r = dual_set_add_missing(&divert->sets[RULES_SET_PODS],
					 &divert->sets[pod_sets[i].set].members,
					 err);
	if (r < 0)
		return r;
	*out = divert;
	divert = NULL;
	return 0;
}

void divert_undo(struct divert *divert)
{
	if (!divert)
		return;
	for (int i = 0; i < N_RULES_SETS; i++)
		dual_set_undo(&divert->sets[i]);
	divert_close(divert);
}

void divert_close(struct divert *divert)
{
	if (!divert)
		return;
	for (int i = 0; i < N_RULES_SETS; i++)
		dual_set_release(&divert->sets[i]);
	ipset_close(divert->ipset);
	free(divert);
}

/* ---- changing ----------------------------------------------------------- */

/* What a snapshot wants diverted, without this host's own addresses. */
struct wanted {
	const struct address_list *local;
	struct address_list members[N_POD_SETS]; /* as in pod_sets */
};

static void wanted_release(struct wanted *wanted)
{
	for (size_t i = 0; i < N_POD_SETS; i++)
		address_list_release(&wanted->members[i]);
}

static int want(void *ctx, const struct local_address *address)
{
	struct wanted *wanted = ctx;
	int r = 0;

	for (size_t i = 0; i < N_POD_SETS && r == 0; i++) {
		if (pod_sets[i].has(address) &&
		    !address_list_contains(wanted->local, &address->addr))
			r = address_list_append(&wanted->members[i],
						&address->addr);
	}
	return r;
}

/* One half of a change, for one set. */
static int change_set(struct dual_set *set, const struct address_list *wanted,
		      bool add, struct err *err)
{
	/* Somebody may have flushed it. */
	int r = dual_set_read(set, err);

	if (r < 0)
		return r;
	return add ? dual_set_add_missing(set, wanted, err)
		   : dual_set_remove_others(set, wanted, err);
}

/* For all of pod_sets: pods are looked through once, and may be many. */
static int change_pods(struct divert *divert, const struct snapshot *snapshot,
		       const struct address_list *local, bool add,
		       struct err *err)
{
	CLEANUP(wanted_release) struct wanted wanted = { .local = local };
	int r = 0;

	if (snapshot_each_local(snapshot, want, &wanted) < 0)
		return no_memory(err);
	for (size_t i = 0; r == 0 && i < N_POD_SETS; i++) {
		address_list_sort(&wanted.members[i]);
		r = change_set(&divert->sets[pod_sets[i].set],
			       &wanted.members[i], add, err);
	}
	return r;
}

static int change_services(struct divert *divert,
			   const struct address_list *services, struct err *err)
{
	struct dual_set *set = &divert->sets[RULES_SET_SERVICES];
	int r;

	r = dual_set_read(set, err);
	if (r == 0)
		r = dual_set_add_missing(set, services, err);
	return r < 0 ? r : dual_set_remove_others(set, services, err);
}

/* ---- who is known ------------------------------------------------------- */

struct known {
	const struct pod_range *range;
	struct address_list *out;
};

static int add_known(const struct known *known, const struct ip_addr *addr)
{
	return pod_range_contains(known->range, addr)
		       ? address_list_append(known->out, addr)
		       : 0;
}

static int know_pod(void *ctx, const struct local_address *address)
{
	return add_known(ctx, &address->addr);
}

/* And nobody has to be: no range is watched. */
static bool knows_nobody(const struct divert *divert)
{
	return divert->watched.n == 0 &&
	       divert->sets[RULES_SET_KNOWN].members.n == 0;
}

/* Pods and this host, as far as they are in the range. */
static int known_members(const struct divert *divert,
			 const struct snapshot *snapshot,
			 const struct address_list *local,
			 struct address_list *out, struct err *err)
{
	struct known known = { &divert->watched, out };

	if (divert->watched.n == 0)
		return 0;
	if (snapshot_each_local(snapshot, know_pod, &known) < 0)
		return no_memory(err);
	for (size_t i = 0; i < local->n; i++) {
		if (add_known(&known, &local->items[i]) < 0)
			return no_memory(err);
	}
	address_list_sort(out);
	return 0;
}

/* One half of a change. */
static int change_known(struct divert *divert, const struct snapshot *snapshot,
			const struct address_list *local, bool add,
			struct err *err)
{
	CLEANUP(address_list_release) struct address_list known = { 0 };
	struct dual_set *set = &divert->sets[RULES_SET_KNOWN];
	int r;

	if (knows_nobody(divert))
		return 0;
	r = known_members(divert, snapshot, local, &known, err);
	return r < 0 ? r : change_set(set, &known, add, err);
}

void divert_watch(struct divert *divert, const struct pod_range *range)
{
	divert->watched = *range;
}

int divert_know(struct divert *divert, const struct snapshot *snapshot,
		struct err *err)
{
	CLEANUP(local_addresses_release) struct local_addresses local = { 0 };
	int r;

	if (knows_nobody(divert))
		return 0;
	r = local_addresses_read(&local, err);
	return r < 0 ? r
		     : change_known(divert, snapshot, &local.all, true, err);
}

/* ---- both halves -------------------------------------------------------- */

static int change_all(struct divert *divert, const struct snapshot *snapshot,
		      bool add, struct err *err)
{
	CLEANUP(local_addresses_release) struct local_addresses local;
	int r;

	r = local_addresses_read(&local, err);
	if (r == 0 && add)
		r = change_services(divert, &local.services, err);
	if (r == 0 && add)
		r = change_known(divert, snapshot, &local.all, false, err);
	return r < 0 ? r : change_pods(divert, snapshot, &local.all, add, err);
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

static size_t count_moved(const struct divert *divert)
{
	size_t n = 0;

	for (int i = 0; i < N_RULES_SETS; i++)
		n += divert->sets[i].n_moved;
	return n;
}

int divert_mend(struct divert *divert, const struct snapshot *snapshot,
		bool remove, size_t *n_moved, bool anew[2], struct err *err)
{
	size_t before = count_moved(divert);
	int r = 0;

	anew[0] = anew[1] = false;
	for (int i = 0; r == 0 && i < N_RULES_SETS; i++) {
		r = dual_set_renew(&divert->sets[i], err);
		anew[0] |= divert->sets[i].anew[0];
		anew[1] |= divert->sets[i].anew[1];
	}
	if (r == 0)
		r = divert_add(divert, snapshot, err);
	if (r == 0)
		r = divert_know(divert, snapshot, err);
	if (r == 0 && remove)
		r = divert_remove(divert, snapshot, err);
	*n_moved = count_moved(divert) - before;
	return r;
}

size_t divert_count(const struct divert *divert, enum direction dir)
{
	return divert->sets[set_of(dir)].members.n;
}

int divert_destroy_sets(struct err *err)
{
	struct ipset *ipset;
	int r;

	r = ipset_open(&ipset, err);
	if (r < 0)
		return r;
	for (int i = 0; r == 0 && i < N_RULES_SETS; i++)
		r = dual_set_destroy(ipset, i, err);
	ipset_close(ipset);
	return r;
}
