/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes may come up from the queue, in any class. Whatever they are, what
 * cannot be read is denied, each answer is the decision of the question that it
 * names, and that question is one that the packet's class allows.
 *
 * The text of an input: a byte that gives the class and whether this node sent
 * the packet, then the packet from its IP header on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "netpold/arena.h"
#include "netpold/judge.h"

#include "policy/object_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the world ---------------------------------------------------------- */

static struct object allow(const char *name, const char *pods,
			   enum direction dir, struct rule peers)
{
	struct object policy = a_policy("shop", name, pods, dir);

	policy = with_rule(policy, dir, on_ports(peers, PROTOCOL_TCP, 80, 80));
	policy = with_rule(policy, dir, on_ports(peers, PROTOCOL_UDP, 53, 53));
	return with_rule(policy, dir,
			 on_named_port(peers, PROTOCOL_SCTP, "sctp"));
}

/* Both pods are isolated both ways. The client may open some flows to the
   server, the server anything to a block. */
static struct snapshot *make_world(void)
{
	struct object server =
		a_pod("shop", "server", "app=server", "10.0.0.2,fd00::2");
	struct object out =
		a_policy("shop", "out", "app=server", DIRECTION_EGRESS);
	struct object objects[] = {
		a_pod("shop", "client", "app=client", "10.0.0.1,fd00::1"),
		with_port(server, "sctp", PROTOCOL_SCTP, 2),
		a_policy("shop", "closed", "app=client", DIRECTION_INGRESS),
		allow("to-server", "app=client", DIRECTION_EGRESS,
		      a_pod_rule(NULL, "app=server")),
		allow("from-client", "app=server", DIRECTION_INGRESS,
		      a_pod_rule(NULL, "app=client")),
		with_rule(out, DIRECTION_EGRESS,
			  a_block_rule("192.0.2.0/24", "192.0.2.9/32")),
	};
	struct cluster *cluster = cluster_new();
	struct snapshot *snapshot = NULL;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		if (cluster_put(cluster, &objects[i], 0) < 0)
			abort();
	}
	if (snapshot_compile(cluster, NULL, &snapshot, NULL) < 0)
		abort();
	cluster_free(cluster);
	arena_release(&build_arena);
	return snapshot;
}

/* ---- what has to hold --------------------------------------------------- */

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static bool same_decision(const struct decision *a, const struct decision *b)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (a->sides[dir].verdict != b->sides[dir].verdict ||
		    a->sides[dir].reason != b->sides[dir].reason)
			return false;
	}
	return a->verdict == b->verdict;
}

static bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	return ip_addr_equal(&a->src, &b->src) &&
	       ip_addr_equal(&a->dst, &b->dst) && a->dst_port == b->dst_port &&
	       a->protocol == b->protocol && a->has_port == b->has_port &&
	       a->from_own_node == b->from_own_node;
}

static bool same_judgement(const struct judgement *a, const struct judgement *b)
{
	return a->answer == b->answer && a->note == b->note &&
	       a->reversed == b->reversed && same_key(&a->key, &b->key) &&
	       same_decision(&a->decision, &b->decision);
}

/* Where the packet itself was asked about: its own ends, its own way or
   against it, as its class says. */
static void check_question(const struct judgement *j, enum packet_class class,
			   const struct packet *packet)
{
	bool forward = ip_addr_equal(&j->key.src, &packet->src) &&
		       ip_addr_equal(&j->key.dst, &packet->dst);
	bool backward = ip_addr_equal(&j->key.src, &packet->dst) &&
			ip_addr_equal(&j->key.dst, &packet->src);

	demand(j->reversed ? backward : forward);
	demand(j->key.protocol == packet->protocol);
	demand(j->key.has_port == packet->has_ports);
	if (packet->has_ports)
		demand(j->key.dst_port ==
		       (j->reversed ? packet->src_port : packet->dst_port));
	if (packet_opens_tcp(packet))
		demand(!j->reversed);
	else if (class == CLASS_REPLY)
		demand(j->reversed);
	else if (class == CLASS_ORIGINAL_NEW || class == CLASS_UNTRACKED)
		demand(!j->reversed || j->answer != ANSWER_DENY);
	else
		demand(!j->reversed);
}

static void check_decision(const struct snapshot *snapshot,
			   const struct judgement *j)
{
	static struct arena arena;
	struct decision decision = snapshot_decide(snapshot, &j->key);
	struct explanation explanation;

	demand(same_decision(&j->decision, &decision));
	demand((j->answer != ANSWER_DENY) ==
	       (decision.verdict == VERDICT_ALLOW));
	arena_clear(&arena);
	if (snapshot_explain(snapshot, &j->key, &arena, &explanation) < 0)
		abort();
	demand(same_decision(&decision, &explanation.decision)); /* L28 */
}

static void check(const struct snapshot *snapshot, const struct judgement *j,
		  enum packet_class class, enum packet_status status,
		  const struct packet *packet)
{
	bool related = class == CLASS_RELATED || class == CLASS_RELATED_REPLY;

	if (status == PACKET_MALFORMED || status == PACKET_TRUNCATED) {
		demand(j->answer == ANSWER_DENY && j->note == NOTE_UNPARSABLE);
		return;
	}
	/* NP-74, NF-51: nothing is remembered of these. */
	if (status == PACKET_FRAGMENT || class == CLASS_UNTRACKED)
		demand(j->answer == ANSWER_DENY || j->answer == ANSWER_PASS);
	if (j->note == NOTE_DISCOVERY) {
		demand(j->answer == ANSWER_PASS);
		demand(packet->protocol == PROTOCOL_ICMPV6);
	} else if (j->note == NOTE_UNPARSABLE) { /* what an error quotes */
		demand(related && packet_is_icmp_error(packet));
		demand(j->answer == ANSWER_DENY);
	} else {
		check_decision(snapshot, j);
		if (!related || !packet_is_icmp_error(packet))
			check_question(j, class, packet);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot *snapshot;
	struct judgement whole, parsed;
	enum packet_status status;
	enum packet_class class;
	struct packet packet;
	enum node_part node;

	if (size == 0)
		return 0;
	if (!snapshot)
		snapshot = make_world();
	class = data[0] % N_PACKET_CLASSES;
	node = (enum node_part)((data[0] >> 6) % 3);
	data++;
	size--;
	whole = judge_packet(snapshot, class, data, size, node, &packet);
	status = packet_parse(data, size, &packet);
	parsed = judge_parsed(snapshot, class, status, &packet, data, size,
			      node);
	demand(same_judgement(&whole, &parsed));
	check(snapshot, &whole, class, status, &packet);
	return 0;
}
