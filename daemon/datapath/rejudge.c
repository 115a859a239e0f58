/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/rejudge.h"

#include <linux/netfilter/nf_conntrack_tcp.h>

#include "datapath/address_list.h"
#include "datapath/conntrack_key.h"
#include "datapath/unclaimed.h"

int rejudge_init(struct rejudge *rejudge, const struct snapshot *snapshot,
		 const struct mark_layout *marks, struct err *err)
{
	*rejudge = (struct rejudge){ .snapshot = snapshot, .marks = marks };
	return local_addresses_read(&rejudge->local, err);
}

void rejudge_release(struct rejudge *rejudge)
{
	local_addresses_release(&rejudge->local);
}

/* ---- the questions ------------------------------------------------------ */

static bool is_local(const struct rejudge *rejudge, const struct ip_addr *addr)
{
	return address_list_contains(&rejudge->local.all, addr);
}

/* The way to ask of a flow whose opening nobody saw: what came to this host may
   be the answer to what it has opened (NP-55). */
static struct flow_key reverse_key_of(const struct rejudge *rejudge,
				      const struct conntrack_entry *entry)
{
	struct flow_key key = conntrack_key(entry);

	return (struct flow_key){
		.src = key.dst,
		.dst = key.src,
		.dst_port = key.has_port ? entry->original.src_port : 0,
		.protocol = key.protocol,
		.has_port = key.has_port,
		.from_own_node = is_local(rejudge, &key.dst),
	};
}

static bool allows(const struct rejudge *rejudge, struct flow_key key)
{
	return snapshot_decide(rejudge->snapshot, &key).verdict ==
	       VERDICT_ALLOW;
}

/* Whoever speaks from there is not who was allowed (NP-67). */
static bool waits(const struct rejudge *rejudge, const struct ip_addr *addr)
{
	return rejudge->unclaimed &&
	       unclaimed_has(rejudge->unclaimed, rejudge->snapshot, addr);
}

bool rejudge_allows(const struct rejudge *rejudge,
		    const struct conntrack_entry *entry)
{
	const struct mark_layout *marks = rejudge->marks;
	bool picked_up = (entry->mark & marks->mask) == marks->picked_up;

	if (waits(rejudge, &entry->original.src) ||
	    waits(rejudge, &entry->reply.src))
		return false;
	return allows(rejudge, conntrack_key(entry)) ||
	       (picked_up && allows(rejudge, reverse_key_of(rejudge, entry)));
}

/* ---- remembered answers ------------------------------------------------- */

static void keep_what_holds(const struct snapshot *snapshot,
			    const struct flow_key *keys, size_t n,
			    enum verdict expected, bool holds[])
{
	struct decision decisions[REJUDGE_BATCH];

	snapshot_decide_batch(snapshot, keys, n, decisions);
	for (size_t i = 0; i < n; i++)
		holds[i] &= decisions[i].verdict == expected;
}

void rejudge_memos(const struct snapshot *snapshot,
		   const struct memo *const memos[], size_t n,
		   enum verdict expected, bool holds[])
{
	const struct snapshot *planned = snapshot_planned(snapshot);
	struct flow_key keys[REJUDGE_BATCH];

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		keys[i] = memo_question(memos[i]);
		holds[i] = true;
	}
	keep_what_holds(snapshot, keys, n, expected, holds);
	if (planned)
		keep_what_holds(planned, keys, n, expected, holds);
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
static bool is_own_node(const struct rejudge *rejudge,
			const struct conntrack_entry *entry)
{
	return entry->tcp_state == TCP_CONNTRACK_ESTABLISHED &&
	       is_local(rejudge, &entry->original.src);
}

uint32_t rejudge_older(const struct rejudge *rejudge,
		       const struct conntrack_entry *entry)
{
	struct flow_key key = conntrack_key(entry);
	struct flow_key reverse = reverse_key_of(rejudge, entry);
	struct decision forward, backward;

	if (entry->protocol != PROTOCOL_TCP)
		return 0;
	if (is_own_node(rejudge, entry))
		return rejudge->marks->own_node;
	forward = snapshot_decide(rejudge->snapshot, &key);
	backward = snapshot_decide(rejudge->snapshot, &reverse);
	if (!concerns_isolated_pod(&forward) &&
	    !concerns_isolated_pod(&backward))
		return 0;
	if (forward.verdict == VERDICT_DENY && backward.verdict == VERDICT_DENY)
		return 0;
	return rejudge->marks->picked_up;
}
