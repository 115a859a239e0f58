/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/sweep.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <stdlib.h>

#include "datapath/local.h"

/* New flows are judged by the snapshot in force, so one pass finds nearly
   everything, and the second nothing. */
#define MAX_PASSES 8

/* Entries to write to, kept until the dump is over. */
struct pending {
	struct conntrack_entry *entries;
	size_t n, capacity;
};

struct sweep {
	const struct snapshot *snapshot;
	const struct mark_layout *marks;
	struct pending pending;
	struct ip_addr *local; /* this host's addresses */
	size_t n_local;
};

static int pending_add(struct pending *pending,
		       const struct conntrack_entry *entry)
{
	if (pending->n == pending->capacity) {
		size_t capacity =
			pending->capacity ? pending->capacity * 2 : 256;
		struct conntrack_entry *grown;

		grown = reallocarray(pending->entries, capacity,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		pending->entries = grown;
		pending->capacity = capacity;
	}
	pending->entries[pending->n++] = *entry;
	return 0;
}

/* ---- judging a connection ----------------------------------------------- */

/* From its tuples (NF-4): who opened it is the source of the original
   direction; who answered is the source of the reply, which is the real
   server where a Service was called. */
static struct flow_key key_of(const struct conntrack_entry *entry)
{
	bool has_port = protocol_has_ports(entry->protocol);

	return (struct flow_key){
		.src = entry->original.src,
		.dst = entry->reply.src,
		.dst_port = has_port ? entry->reply.src_port : 0,
		.protocol = entry->protocol,
		.has_port = has_port,
	};
}

static int compare_addresses(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

static bool is_local(const struct sweep *sweep, const struct ip_addr *addr)
{
	return sweep->n_local > 0 && bsearch(addr, sweep->local, sweep->n_local,
					     sizeof(*addr), compare_addresses);
}

/* The way to ask of a flow whose opening nobody saw: what came to this host may
   be the answer to what it has opened (NP-55). */
static struct flow_key reverse_key_of(const struct sweep *sweep,
				      const struct conntrack_entry *entry)
{
	struct flow_key key = key_of(entry);

	return (struct flow_key){
		.src = key.dst,
		.dst = key.src,
		.dst_port = key.has_port ? entry->original.src_port : 0,
		.protocol = key.protocol,
		.has_port = key.has_port,
		.from_own_node = is_local(sweep, &key.dst),
	};
}

static bool allows(const struct sweep *sweep, struct flow_key key)
{
	return snapshot_decide(sweep->snapshot, &key).verdict == VERDICT_ALLOW;
}

static bool still_allowed(const struct sweep *sweep,
			  const struct conntrack_entry *entry)
{
	bool picked_up =
		(entry->mark & sweep->marks->mask) == sweep->marks->picked_up;

	return allows(sweep, key_of(entry)) ||
	       (picked_up && allows(sweep, reverse_key_of(sweep, entry)));
}

static int collect_revoked(void *ctx, const struct conntrack_entry *entry)
{
	struct sweep *sweep = ctx;

	if (still_allowed(sweep, entry))
		return 0;
	return pending_add(&sweep->pending, entry);
}

/* ---- flows older than netpold ------------------------------------------- */

static bool is_isolated(const struct side *side)
{
	return side->reason == REASON_RULE || side->reason == REASON_SELF ||
	       side->reason == REASON_NO_RULE_MATCHES;
}

static bool concerns_isolated_pod(const struct decision *decision)
{
	return is_isolated(&decision->sides[DIRECTION_EGRESS]) ||
	       is_isolated(&decision->sides[DIRECTION_INGRESS]);
}

/* Did this node open it? Where the packets were born cannot be seen any more;
   but a connection under a forged address would have had no answers, and not
   be established. */
static bool is_own_node(const struct sweep *sweep,
			const struct conntrack_entry *entry)
{
	return entry->tcp_state == TCP_CONNTRACK_ESTABLISHED &&
	       is_local(sweep, &entry->original.src);
}

static int collect_own_node(void *ctx, const struct conntrack_entry *entry)
{
	struct sweep *sweep = ctx;

	if (entry->protocol != PROTOCOL_TCP || !is_own_node(sweep, entry))
		return 0;
	return pending_add(&sweep->pending, entry);
}

static int collect_picked_up(void *ctx, const struct conntrack_entry *entry)
{
	struct sweep *sweep = ctx;
	struct flow_key key = key_of(entry);
	struct flow_key reverse = reverse_key_of(sweep, entry);
	struct decision forward, backward;

	if (entry->protocol != PROTOCOL_TCP)
		return 0;
	forward = snapshot_decide(sweep->snapshot, &key);
	backward = snapshot_decide(sweep->snapshot, &reverse);
	if (!concerns_isolated_pod(&forward) &&
	    !concerns_isolated_pod(&backward))
		return 0;
	if (forward.verdict == VERDICT_DENY && backward.verdict == VERDICT_DENY)
		return 0;
	return pending_add(&sweep->pending, entry);
}

/* ---- passes ------------------------------------------------------------- */

/* Give every pending connection a mark value, and forget them. */
static int write_pending(struct sweep *sweep, struct conntrack *conntrack,
			 uint32_t value, struct err *err)
{
	struct pending *pending = &sweep->pending;

	for (size_t i = 0; i < pending->n; i++) {
		int r = conntrack_set_mark(conntrack, &pending->entries[i],
					   value, sweep->marks->mask, err);

		if (r < 0)
			return r;
	}
	pending->n = 0;
	return conntrack_flush(conntrack, err);
}

/* Entries of both families whose mark is @value under @mask. One walk: most of
   its cost is the kernel's table, however few entries are in it. */
static int dump(struct sweep *sweep, struct conntrack *conntrack,
		uint32_t value, uint32_t mask, conntrack_entry_fn each,
		bool *interrupted, struct err *err)
{
	int r = conntrack_dump(conntrack, IP_NONE, value, mask, each, sweep,
			       interrupted, err);

	return r == -ENOMEM
		       ? err_set(err, r, "no memory to sweep the connections")
		       : r;
}

static int run_passes(struct sweep *sweep, struct conntrack *conntrack,
		      struct sweep_result *result, struct err *err)
{
	const struct mark_layout *marks = sweep->marks;

	while (result->passes < MAX_PASSES) {
		bool interrupted = false;
		size_t found;
		int r;

		r = dump(sweep, conntrack, marks->allowed, marks->judged_mask,
			 collect_revoked, &interrupted, err);
		if (r < 0)
			return r;
		result->passes++;
		found = sweep->pending.n;
		result->revoked += found;
		r = write_pending(sweep, conntrack, 0, err);
		if (r < 0)
			return r;
		if (found == 0 && !interrupted)
			return 0;
	}
	return err_set(err, -EAGAIN,
		       "connections that are no longer allowed keep coming "
		       "back after %u sweeps",
		       MAX_PASSES);
}

/* Give one value to all unmarked connections that @each picks. */
static int mark_older(struct sweep *sweep, struct conntrack *conntrack,
		      uint32_t value, conntrack_entry_fn each, size_t *n,
		      struct err *err)
{
	bool ignored = false; /* what is missed is judged when it speaks */
	int r;

	r = dump(sweep, conntrack, 0, sweep->marks->mask, each, &ignored, err);
	if (r < 0)
		return r;
	*n += sweep->pending.n;
	return write_pending(sweep, conntrack, value, err);
}

/* Own-node flows first: what they leave unmarked is between others. */
static int pick_up_older(struct sweep *sweep, struct conntrack *conntrack,
			 struct sweep_result *result, struct err *err)
{
	int r;

	r = mark_older(sweep, conntrack, sweep->marks->own_node,
		       collect_own_node, &result->picked_up, err);
	if (r < 0)
		return r;
	return mark_older(sweep, conntrack, sweep->marks->picked_up,
			  collect_picked_up, &result->picked_up, err);
}

int sweep_run(struct conntrack *conntrack, const struct snapshot *snapshot,
	      const struct mark_layout *marks, bool at_start,
	      struct sweep_result *result, struct err *err)
{
	struct sweep sweep = { .snapshot = snapshot, .marks = marks };
	int r = local_addresses(&sweep.local, &sweep.n_local, err);

	*result = (struct sweep_result){ 0 };
	if (r == 0 && at_start)
		r = pick_up_older(&sweep, conntrack, result, err);
	if (r == 0)
		r = run_passes(&sweep, conntrack, result, err);
	free(sweep.pending.entries);
	free(sweep.local);
	return r;
}

static int collect_marked(void *ctx, const struct conntrack_entry *entry)
{
	struct sweep *sweep = ctx;

	if ((entry->mark & sweep->marks->mask) == 0)
		return 0;
	return pending_add(&sweep->pending, entry);
}

int sweep_clear(struct conntrack *conntrack, const struct mark_layout *marks,
		struct err *err)
{
	struct sweep sweep = { .marks = marks };
	bool ignored = false;
	int r;

	r = dump(&sweep, conntrack, 0, 0, collect_marked, &ignored, err);
	if (r == 0)
		r = write_pending(&sweep, conntrack, 0, err);
	free(sweep.pending.entries);
	return r;
}
