/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass dumps entries that carry a mark of netpold's, asks the snapshot about
 * each, and then clears the marks that have to go. Most of a dump's cost is the
 * kernel's: it builds a message for every entry that its filter lets through.
 * So where a change is local, it is asked only for the flows of the addresses
 * whose answers may be others: first for those they opened, then for those they
 * answer.
 *
 * A connection that another one announced (FTP data) has its master's mark, and
 * keeps it for as long as its master does. It names its master by the tuple
 * that it was opened with; who really answers there is known to the master's
 * own entry, which is looked up when the dump is over.
 */
#include "datapath/sweep.h"

#include <errno.h>
#include <stdlib.h>

#include "netpold/cleanup.h"

#include "datapath/rejudge.h"

/* New flows are judged by the snapshot in force, so one pass finds nearly
   everything, and the second nothing. */
#define MAX_PASSES 8

/* Entries that wait for the end of a dump. */
struct entry_list {
	struct conntrack_entry *items;
	size_t n, capacity;
};

struct sweep {
	const struct mark_layout *marks;
	struct conntrack *conntrack;
	struct entry_list pending;  /* each mark is what it is to be */
	struct entry_list children; /* of a master not yet looked up */
};

static int entry_list_append(struct entry_list *list,
			     const struct conntrack_entry *entry)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 256;
		struct conntrack_entry *grown =
			reallocarray(list->items, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->n++] = *entry;
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to sweep the connections");
}

int sweep_open(struct sweep **out, const struct mark_layout *marks,
	       struct err *err)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	int r;

	if (!sweep)
		return no_memory(err);
	sweep->marks = marks;
	r = conntrack_open(&sweep->conntrack, err);
	if (r < 0) {
		free(sweep);
		return r;
	}
	*out = sweep;
	return 0;
}

void sweep_close(struct sweep *sweep)
{
	if (!sweep)
		return;
	conntrack_close(sweep->conntrack);
	free(sweep->pending.items);
	free(sweep->children.items);
	free(sweep);
}

/* ---- one pass ----------------------------------------------------------- */

/* The bits under the mask that a connection should have. */
typedef uint32_t (*value_fn)(const struct rejudge *rejudge,
			     const struct conntrack_entry *entry);

struct pass {
	struct sweep *sweep;
	const struct rejudge *rejudge;
	value_fn value;
	struct conntrack_filter filter;
	const struct ip_addr *addresses; /* whose flows; NULL: all */
	size_t n_addresses;
	bool answered; /* those that they answer are being walked through */
	bool interrupted;
};

/* Remember the entry, if the mark it should have is another one. */
static int propose(struct pass *pass, const struct conntrack_entry *entry,
		   uint32_t value)
{
	const struct mark_layout *marks = pass->sweep->marks;
	struct conntrack_entry wanted = *entry;

	if ((entry->mark & marks->mask) == value)
		return 0;
	wanted.mark = value;
	return entry_list_append(&pass->sweep->pending, &wanted);
}

/* Between two of the addresses a flow is opened by one and answered by the
   other. */
static bool was_seen(const struct pass *pass,
		     const struct conntrack_entry *entry)
{
	for (size_t i = 0; pass->answered && i < pass->n_addresses; i++)
		if (ip_addr_equal(&pass->addresses[i], &entry->original.src))
			return true;
	return false;
}

static int look_at(void *ctx, const struct conntrack_entry *entry)
{
	struct pass *pass = ctx;

	if (was_seen(pass, entry))
		return 0;
	if (entry->master_protocol)
		return entry_list_append(&pass->sweep->children, entry);
	return propose(pass, entry, pass->value(pass->rejudge, entry));
}

static int dump(struct pass *pass, struct err *err)
{
	int r = conntrack_dump(pass->sweep->conntrack, &pass->filter, look_at,
			       pass, &pass->interrupted, err);

	return r == -ENOMEM ? no_memory(err) : r;
}

static int dump_of_addresses(struct pass *pass, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pass->n_addresses; i++) {
		const struct ip_addr *addr = &pass->addresses[i];

		pass->filter.family = addr->family;
		pass->filter.client = pass->answered ? NULL : addr;
		pass->filter.server = pass->answered ? addr : NULL;
		r = dump(pass, err);
	}
	return r;
}

/* ---- connections that others announced ---------------------------------- */

/* The master, with the mark that the child has inherited. Where it is over,
   nobody knows any more who answered if not the one who was called. */
static int find_master(struct sweep *sweep, const struct conntrack_entry *child,
		       struct conntrack_entry *master, struct err *err)
{
	int r = conntrack_find(sweep->conntrack, &child->master,
			       child->master_protocol, child->zone, master,
			       err);

	if (r < 0)
		return r;
	if (r == 0) {
		*master = (struct conntrack_entry){
			.original = child->master,
			.reply.src = child->master.dst,
			.reply.src_port = child->master.dst_port,
			.protocol = child->master_protocol,
			.tcp_state = child->tcp_state,
		};
	}
	master->mark = child->mark;
	return 0;
}

static int look_at_children(struct pass *pass, struct err *err)
{
	struct entry_list *children = &pass->sweep->children;

	for (size_t i = 0; i < children->n; i++) {
		const struct conntrack_entry *child = &children->items[i];
		struct conntrack_entry master;
		int r = find_master(pass->sweep, child, &master, err);

		if (r < 0)
			return r;
		if (propose(pass, child, pass->value(pass->rejudge, &master)) <
		    0)
			return no_memory(err);
	}
	return 0;
}

/* ---- passes ------------------------------------------------------------- */

static int write_pending(struct sweep *sweep, struct err *err)
{
	for (size_t i = 0; i < sweep->pending.n; i++) {
		const struct conntrack_entry *entry = &sweep->pending.items[i];
		int r = conntrack_set_mark(sweep->conntrack, entry, entry->mark,
					   sweep->marks->mask, err);

		if (r < 0)
			return r;
	}
	return conntrack_flush(sweep->conntrack, err);
}

/* How many marks were changed is pending.n afterwards. */
static int run_pass(struct pass *pass, struct err *err)
{
	struct sweep *sweep = pass->sweep;
	int r;

	sweep->pending.n = sweep->children.n = 0;
	pass->answered = pass->interrupted = false;
	r = pass->addresses ? dump_of_addresses(pass, err) : dump(pass, err);
	if (r == 0 && pass->addresses) {
		pass->answered = true;
		r = dump_of_addresses(pass, err);
	}
	if (r == 0)
		r = look_at_children(pass, err);
	return r < 0 ? r : write_pending(sweep, err);
}

static int run_passes(struct pass *pass, struct sweep_result *result,
		      struct err *err)
{
	while (result->passes < MAX_PASSES) {
		int r = run_pass(pass, err);

		if (r < 0)
			return r;
		result->passes++;
		result->revoked += pass->sweep->pending.n;
		if (pass->sweep->pending.n == 0 && !pass->interrupted)
			return 0;
	}
	return err_set(err, -EAGAIN,
		       "connections that are no longer allowed keep coming "
		       "back after %u sweeps",
		       MAX_PASSES);
}

/* ---- sweeps ------------------------------------------------------------- */

static uint32_t value_now(const struct rejudge *rejudge,
			  const struct conntrack_entry *entry)
{
	return rejudge_allows(rejudge, entry)
		       ? entry->mark & rejudge->marks->mask
		       : 0;
}

int sweep_run(struct sweep *sweep, const struct snapshot *snapshot,
	      const struct ip_addr *addresses, size_t n,
	      struct sweep_result *result, struct err *err)
{
	CLEANUP(rejudge_release) struct rejudge rejudge;
	struct pass pass = {
		.sweep = sweep,
		.rejudge = &rejudge,
		.value = value_now,
		.filter.mark = sweep->marks->allowed,
		.filter.mark_mask = sweep->marks->judged_mask,
		.addresses = addresses,
		.n_addresses = n,
	};
	int r = rejudge_init(&rejudge, snapshot, sweep->marks, err);

	*result = (struct sweep_result){ 0 };
	return r < 0 ? r : run_passes(&pass, result, err);
}

int sweep_pick_up(struct sweep *sweep, const struct snapshot *snapshot,
		  struct sweep_result *result, struct err *err)
{
	CLEANUP(rejudge_release) struct rejudge rejudge;
	struct pass pass = {
		.sweep = sweep,
		.rejudge = &rejudge,
		.value = rejudge_older,
		.filter.mark_mask = sweep->marks->mask,
	};
	int r = rejudge_init(&rejudge, snapshot, sweep->marks, err);

	*result = (struct sweep_result){ 0 };
	/* Once: what is missed is judged when it speaks. */
	if (r == 0)
		r = run_pass(&pass, err);
	if (r == 0)
		result->picked_up = sweep->pending.n;
	return r;
}

static uint32_t no_value(const struct rejudge *rejudge,
			 const struct conntrack_entry *entry)
{
	(void)rejudge;
	(void)entry;
	return 0;
}

int sweep_clear(struct sweep *sweep, struct err *err)
{
	struct pass pass = { .sweep = sweep, .value = no_value };

	return run_pass(&pass, err);
}
