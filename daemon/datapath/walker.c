/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/walker.h"

#include <errno.h>
#include <stdlib.h>

#include "fault.h"

/* Of connections, some microseconds each. */
#define BEAT_EVERY 1024

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

/* ---- walking ------------------------------------------------------------ */

/* Remember the entry, if the mark it should have is another one. */
static int propose(struct walker *walker, const struct conntrack_entry *entry,
		   uint32_t value)
{
	const struct mark_layout *marks = walker->walk->marks;
	uint32_t before = entry->mark & marks->mask;
	struct conntrack_entry wanted = *entry;

	if (before || value)
		walker->met_ipv6 |= entry->original.src.family == IP_V6;
	walker->met_picked_up |=
		before == marks->picked_up || value == marks->picked_up;
	if (before == value)
		return 0;
	wanted.mark = value;
	walker->again |= entry->has_helper && fault_stands("again");
	return entry_list_append(&walker->pending, &wanted);
}

static bool is_one_of(const struct walk *walk, const struct ip_addr *addr)
{
	for (size_t i = 0; i < walk->n_addresses; i++)
		if (ip_addr_equal(&walk->addresses[i], addr))
			return true;
	return false;
}

/* Whether an earlier part has met it. */
static bool is_met(const struct walker *walker,
		   const struct conntrack_entry *entry)
{
	const struct walk *walk = walker->walk;

	if (entry->original.src.family == IP_V6)
		return walker->part > WALK_IPV6 && walk->all_ipv6;
	return (walker->part > WALK_OPENED && walk->opened &&
		is_one_of(walk, &entry->original.src)) ||
	       (walker->part > WALK_ANSWERED && walk->answered &&
		is_one_of(walk, &entry->reply.src));
}

static void beat_now_and_then(struct walker *walker)
{
	if (walker->n_done++ % BEAT_EVERY == 0)
		pulse_beat(&walker->pulse);
}

static int look_at(void *ctx, const struct conntrack_entry *entry)
{
	struct walker *walker = ctx;

	beat_now_and_then(walker);
	if (walker->walk->addresses && is_met(walker, entry))
		return 0;
	if (entry->master_protocol) {
		walker->met_child = true;
		return entry_list_append(&walker->children, entry);
	}
	return propose(walker, entry,
		       walker->walk->value(walker->walk->rejudge, entry));
}

static int dump(struct walker *walker, const struct conntrack_filter *filter,
		struct err *err)
{
	bool interrupted = false;
	int r;

	/* The kernel may find nothing for as long as its table is. */
	pulse_beat(&walker->pulse);
	r = conntrack_dump(walker->conntrack, filter, look_at, walker,
			   &interrupted, err);

	walker->again |= interrupted;
	return r == -ENOMEM ? no_memory(err) : r;
}

static int dump_of_addresses(struct walker *walker, bool answered,
			     struct err *err)
{
	const struct walk *walk = walker->walk;
	int r = 0;

	walker->part = answered ? WALK_ANSWERED : WALK_OPENED;
	for (size_t i = 0; r == 0 && i < walk->n_addresses; i++) {
		const struct ip_addr *addr = &walk->addresses[i];
		const struct conntrack_filter filter = {
			.family = IP_V4,
			.mark = walk->mark,
			.mark_mask = walk->mark_mask,
			.client = answered ? NULL : addr,
			.server = answered ? addr : NULL,
		};

		if (addr->family == IP_V4)
			r = dump(walker, &filter, err);
	}
	return r;
}

static int dump_everything(struct walker *walker, enum walk_part part,
			   enum ip_family family, struct err *err)
{
	const struct walk *walk = walker->walk;
	bool picked_up = part == WALK_PICKED_UP;
	const struct conntrack_filter filter = {
		.family = family,
		.mark = picked_up ? walk->marks->picked_up : walk->mark,
		.mark_mask = picked_up ? walk->marks->mask : walk->mark_mask,
	};

	walker->part = part;
	return dump(walker, &filter, err);
}

/* The kernel's filter for IPv6 addresses is the wrong way round: it leaves out
   the flows that it was asked for, and none else. So all of IPv6 is looked at.
 */
static int walk_all(struct walker *walker, struct err *err)
{
	const struct walk *walk = walker->walk;
	int r = 0;

	if (!walk->addresses)
		return dump_everything(walker, WALK_EVERYTHING, IP_NONE, err);
	if (walk->opened)
		r = dump_of_addresses(walker, false, err);
	if (r == 0 && walk->answered)
		r = dump_of_addresses(walker, true, err);
	if (r == 0 && walk->all_ipv6)
		r = dump_everything(walker, WALK_IPV6, IP_V6, err);
	if (r == 0 && walk->all_picked_up)
		r = dump_everything(walker, WALK_PICKED_UP, IP_NONE, err);
	return r;
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
		int r;

		beat_now_and_then(walker);
		r = find_master(walker, child, &master, err);
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
		int r;

		beat_now_and_then(walker);
		r = conntrack_set_mark(walker->conntrack, entry, entry->mark,
				       walker->walk->marks->mask, err);
		if (r < 0)
			return r;
	}
	return conntrack_flush(walker->conntrack, err);
}

int walker_run(struct walker *walker, const struct walk *walk, struct err *err)
{
	int r;

	walker->pending.n = walker->children.n = 0;
	walker->walk = walk;
	walker->again = false;
	walker->met_ipv6 = walker->met_picked_up = walker->met_child = false;
	r = walk_all(walker, err);
	if (r < 0)
		return r;
	fault_delay("sweep");
	pulse_beat(&walker->pulse);
	r = look_at_children(walker, err);
	return r < 0 ? r : write_pending(walker, err);
}
