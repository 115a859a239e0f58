/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where nothing is enforced (--mode=audit) the chains and the jumps to them are
 * those of rules_text.c, so that going from one mode to the other is one
 * transaction which touches no base chain (NF-80). What is in them is this:
 *
 *	POSTROUTING ─► NETPOLD		forwarded and own packets, after DNAT
 *	INPUT ───────► NETPOLD-IN	from a pod to its own node, but not to a
 *					Service (NF-70)
 *
 *	NETPOLD		opens a flow				NETPOLD-SYN
 *			else					return
 *
 *	NETPOLD-SYN	neither end is isolated			return
 *			this node sends it			return	(NP-55)
 *			else					NETPOLD-DIVERT
 *
 *	NETPOLD-IN	opens a flow				NETPOLD-DIVERT
 *			else					return
 *
 *	NETPOLD-DIVERT	on loopback, or discovery (NP-72)	return
 *			source in the egress set, or
 *			destination in the ingress set		NETPOLD-JUDGE
 *			else					return
 *
 *	NETPOLD-JUDGE	too many from one source		return
 *			a copy, with its class as its prefix
 *
 * What opens a flow: a SYN without ACK, which is judged in its own direction
 * whatever conntrack says; what is NEW; what is not tracked. All that follows
 * goes with it, as it does where netpold enforces and has marked the flow:
 * replies, ICMP errors, connections that another one has announced. So a packet
 * of a flow that stands costs a comparison or two, and copies are as many as
 * there are questions. (A flow is NEW until somebody answers, so each datagram
 * of one that nobody answers is copied, as each is queued where it is denied.)
 *
 * What is INVALID is of no flow and cannot be judged (NF-50). Where netpold
 * enforces it is dropped; here nobody hears of it.
 *
 * Why the node's own packets are known by their socket: where netpold enforces,
 * OUTPUT writes OWN-NODE to the connection, but here no mark may be written. A
 * forwarded packet has no socket of this network namespace, whatever source
 * address it claims (NF-98). It is asked in POSTROUTING only, where the owner
 * match may be used, which is why INPUT has a way of its own.
 *
 * Why a limit: copies wait in one socket, and a pod that floods it would cost
 * those of the others. What is over it goes on, without a copy.
 */
#include "datapath/audit_text.h"

#include "netpold/judge.h"

#include "datapath/copy_prefix.h"
#include "datapath/discovery_text.h"
#include "datapath/queue.h"
#include "datapath/source_limit.h"

/* Hand on to @chain what opens a flow. */
static void put_opening(struct restore_text *t, const char *from,
			const char *chain)
{
	restore_text_put(t,
			 "-A %s -p tcp -m tcp --tcp-flags SYN,ACK SYN "
			 "-m conntrack ! --ctstate INVALID,RELATED -g %s",
			 from, chain);
	restore_text_put(t, "-A %s -m conntrack --ctstate NEW,UNTRACKED -g %s",
			 from, chain);
}

static void put_syn(struct restore_text *t, enum ip_family family)
{
	const char *pods = rules_set_name(RULES_SET_PODS, family);

	restore_text_put(t,
			 "-A NETPOLD-SYN -m set ! --match-set %s src "
			 "-m set ! --match-set %s dst -j RETURN",
			 pods, pods);
	restore_text_put(t, "-A NETPOLD-SYN -m addrtype --src-type LOCAL "
			    "-m owner --socket-exists -j RETURN");
	restore_text_put(t, "-A NETPOLD-SYN -g NETPOLD-DIVERT");
}

/* Egress to the own node is nobody's business where it is allowed (NP-57). */
static void put_in(struct restore_text *t, const struct rules_options *o,
		   enum ip_family family)
{
	restore_text_put(t, "-A NETPOLD-IN -i lo -j RETURN");
	restore_text_put(t, "-A NETPOLD-IN -m set --match-set %s dst -j RETURN",
			 rules_set_name(RULES_SET_SERVICES, family));
	if (!o->allow_node_egress)
		put_opening(t, "NETPOLD-IN", "NETPOLD-DIVERT");
}

static void put_divert(struct restore_text *t, enum ip_family family)
{
	restore_text_put(t, "-A NETPOLD-DIVERT -o lo -j RETURN");
	if (family == IP_V6)
		discovery_text_put(t, "NETPOLD-DIVERT");
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s src -g NETPOLD-JUDGE",
		rules_set_name(RULES_SET_EGRESS, family));
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s dst -g NETPOLD-JUDGE",
		rules_set_name(RULES_SET_INGRESS, family));
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s src -g NETPOLD-JUDGE",
		rules_set_name(RULES_SET_STAGED, family));
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s dst -g NETPOLD-JUDGE",
		rules_set_name(RULES_SET_STAGED, family));
}

static void put_copy(struct restore_text *t, const struct rules_options *o,
		     const char *state, enum packet_class class)
{
	restore_text_put(t,
			 "-A NETPOLD-JUDGE -m conntrack %s -j NFLOG "
			 "--nflog-group %u --nflog-size %d --nflog-prefix %s",
			 state, o->queue_base, QUEUE_COPY_RANGE,
			 copy_prefix(class));
}

/* Each packet is in one of these states: it is copied once. */
static void put_judge(struct restore_text *t, const struct rules_options *o,
		      enum ip_family family)
{
	restore_text_put(t, "-A NETPOLD-JUDGE " SOURCE_LIMIT " -j RETURN",
			 family == IP_V6 ? 6 : 4);
	put_copy(t, o, "--ctstate NEW", CLASS_ORIGINAL_NEW);
	put_copy(t, o, "--ctstate ESTABLISHED --ctdir ORIGINAL",
		 CLASS_ORIGINAL);
	put_copy(t, o, "--ctstate ESTABLISHED --ctdir REPLY", CLASS_REPLY);
	put_copy(t, o, "--ctstate UNTRACKED", CLASS_UNTRACKED);
}

void audit_text_put(struct restore_text *text,
		    const struct rules_options *options, enum ip_family family)
{
	put_opening(text, "NETPOLD", "NETPOLD-SYN");
	put_syn(text, family);
	put_in(text, options, family);
	put_divert(text, family);
	put_judge(text, options, family);
}
