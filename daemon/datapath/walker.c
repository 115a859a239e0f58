/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/walker.h"

#include <errno.h>
#include <stdlib.h>

#include "fault.h"

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

int walker_init(struct walker *walker, struct err *err)
{
	*walker = (struct walker){ 0 };
	return conntrack_open(&walker->conntrack, err);
}

void walker_release(struct walker *walker)
{
	conntrack_close(walker->conntrack);
	free(walker->pending.items);
	free(walker->children.items);
}

void walker_begin(struct walker *walker, const struct walk *walk, bool answered)
{
	walker->pending.n = walker->children.n = 0;
	walker->walk = walk;
	walker->answered = answered;
	walker->again = false;
	walker->result = 0;
}

/* ---- walking ------------------------------------------------------------ */

/* Remember the entry, if the mark it should have is another one. */
static int propose(struct walker *walker, const struct conntrack_entry *entry,
		   uint32_t value)
{
	struct conntrack_entry wanted = *entry;

	if ((entry->mark & walker->walk->marks->mask) == value)
		return 0;
	wanted.mark = value;
	walker->again |= entry->has_helper && fault_stands("again");
	return entry_list_append(&walker->pending, &wanted);
}

/* Between two of the addresses a flow is opened by one and answered by the
   other: it is for the walker of those that they open. */
static bool is_for_other(const struct walker *walker,
			 const struct conntrack_entry *entry)
{
	const struct walk *walk = walker->walk;

	for (size_t i = 0; walker->answered && i < walk->n_addresses; i++)
		if (ip_addr_equal(&walk->addresses[i], &entry->original.src))
			return true;
	return false;
}

static int look_at(void *ctx, const struct conntrack_entry *entry)
{
	struct walker *walker = ctx;

	if (is_for_other(walker, entry))
		return 0;
	if (entry->master_protocol)
		return entry_list_append(&walker->children, entry);
	return propose(walker, entry,
		       walker->walk->value(walker->walk->rejudge, entry));
}

static int dump(struct walker *walker, enum ip_family family,
		const struct ip_addr *addr)
{
	const struct conntrack_filter filter = {
		.family = family,
		.mark = walker->walk->mark,
		.mark_mask = walker->walk->mark_mask,
		.client = walker->answered ? NULL : addr,
		.server = walker->answered ? addr : NULL,
	};
	bool interrupted = false;
	int r;

	r = conntrack_dump(walker->conntrack, &filter, look_at, walker,
			   &interrupted, &walker->err);
	walker->again |= interrupted;
	return r == -ENOMEM ? no_memory(&walker->err) : r;
}

/* The kernel's filter for IPv6 addresses is the wrong way round: it leaves out
   the flows that it was asked for, and none else. So one of the walkers looks
   at all flows of IPv6, once. */
static int dump_address(struct walker *walker, const struct ip_addr *addr,
			bool *seen_v6)
{
	if (addr->family == IP_V4)
		return dump(walker, IP_V4, addr);
	if (walker->answered || *seen_v6)
		return 0;
	*seen_v6 = true;
	return dump(walker, IP_V6, NULL);
}

void *walker_run(void *ctx)
{
	struct walker *walker = ctx;
	const struct walk *walk = walker->walk;
	bool seen_v6 = false;

	if (!walk->addresses)
		walker->result = dump(walker, IP_NONE, NULL);
	for (size_t i = 0; walker->result == 0 && i < walk->n_addresses; i++)
		walker->result =
			dump_address(walker, &walk->addresses[i], &seen_v6);
	return NULL;
}

/* ---- connections that others announced ---------------------------------- */

/* The master, with the mark that the child has inherited. Where it is over,
   nobody knows any more who answered if not the one who was called. */
static int find_master(struct walker *walker,
		       const struct conntrack_entry *child,
		       struct conntrack_entry *master, struct err *err)
{
	int r = conntrack_find(walker->conntrack, &child->master,
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

static int look_at_children(struct walker *walker, struct err *err)
{
	const struct walk *walk = walker->walk;

	for (size_t i = 0; i < walker->children.n; i++) {
		const struct conntrack_entry *child =
			&walker->children.items[i];
		struct conntrack_entry master;
		int r = find_master(walker, child, &master, err);

		if (r < 0)
			return r;
		if (propose(walker, child,
			    walk->value(walk->rejudge, &master)) < 0)
			return no_memory(err);
	}
	return 0;
}

/* ---- the end ------------------------------------------------------------ */

static int write_pending(struct walker *walker, struct err *err)
{
	for (size_t i = 0; i < walker->pending.n; i++) {
		const struct conntrack_entry *entry = &walker->pending.items[i];
		int r = conntrack_set_mark(walker->conntrack, entry,
					   entry->mark,
					   walker->walk->marks->mask, err);

		if (r < 0)
			return r;
	}
	return conntrack_flush(walker->conntrack, err);
}

int walker_finish(struct walker *walker, struct err *err)
{
	int r = walker->result;

	if (r < 0) {
		*err = walker->err;
		return r;
	}
	fault_delay("sweep");
	r = look_at_children(walker, err);
	return r < 0 ? r : write_pending(walker, err);
}
