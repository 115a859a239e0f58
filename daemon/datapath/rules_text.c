/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a packet through the mangle table, for each family (where netpold
 * only audits: audit_text.c):
 *
 *	OUTPUT ──────► NETPOLD-OUT	what this node opens is OWN-NODE
 *	POSTROUTING ─► NETPOLD		forwarded and own packets, after DNAT
 *	INPUT ───────► NETPOLD-IN ─► NETPOLD	from a pod to its own node, but
 *						not to a Service (NF-70)
 *
 *	NETPOLD	    netpold has marked the packet	NETPOLD-MARKED
 *		    a SYN that is not RELATED		NETPOLD-SYN
 *		    the flow is judged			return
 *		    neither end is isolated		return
 *		    OWN-NODE				return
 *		    against TO-NODE			return
 *		    else				NETPOLD-DIVERT
 *
 *	NETPOLD-MARKED	DENIED: remember it		drop
 *			REMEMBER: do, and then it is ALLOWED
 *			an answer of netpold's		NETPOLD-SAVE
 *			netpold has sent it (BYPASS)	NETPOLD-CLEAR
 *			else				NETPOLD-DIVERT
 *
 *	NETPOLD-SYN	neither end is isolated		return
 *			OWN-NODE, as it was opened	return	(NP-55)
 *			else				NETPOLD-DIVERT
 *
 *	NETPOLD-DIVERT	on loopback			return
 *			neighbour discovery, not
 *			forwarded			return	(NP-72)
 *			an end is not known		NETPOLD-JUDGE	(NP-67)
 *			source in the egress set, or
 *			destination in the ingress set	NETPOLD-JUDGE
 *			replies, against these sets	NETPOLD-JUDGE
 *			INVALID, against these sets	drop	(NF-50)
 *			an end in the staged set	NETPOLD-STAGED
 *			else				return
 *
 *	NETPOLD-STAGED	as NETPOLD-JUDGE, but nothing is dropped, and
 *			what would be returns		(NP-8)
 *
 *	NETPOLD-JUDGE	INVALID				drop	(NF-50)
 *			opens a flow that is known
 *			to be allowed			NETPOLD-RECALL
 *			or to be denied			drop	(NF-95)
 *			a reply from a Service		drop	(NF-70)
 *			too many from one source	drop
 *			write the class to the packet mark
 *			an end is not known		NFQUEUE, by its ends
 *			else				NFQUEUE, by its CPU
 *
 *	NETPOLD-RECALL	connection mark is ALLOWED	return
 *
 *	NETPOLD-SAVE	answer to the connection mark	NETPOLD-CLEAR
 *	NETPOLD-CLEAR	packet mark cleared
 *
 * What most packets meet comes first and is cheap: three comparisons for those
 * of a flow that is judged, two searches in a set more for those of pods that
 * no policy isolates. A search costs as much as three or four other matches.
 *
 * An end is not known where it is in the watched range (rules.h) and not in the
 * set of those that are. Where there is such a range, NETPOLD and NETPOLD-SYN
 * ask for that, and before it for OWN-NODE and TO-NODE, ahead of whether an end
 * is isolated, and lead what is not known to NETPOLD-DIVERT.
 *
 * Where egress to the own node is allowed (--node-egress=allow), NETPOLD-IN
 * leads nowhere: what is unmarked, and travels as it was opened, is TO-NODE.
 *
 * A verdict of user space comes back as NF_REPEAT with the answer in the packet
 * mark: the packet runs through NETPOLD once more and meets NETPOLD-MARKED.
 *
 * Why mangle POSTROUTING: it sees the packets of every CNI after DNAT, so that
 * the destination is a pod even where a Service was called, and before SNAT, so
 * that the source is still the pod (NF-1). Why OWN-NODE is set in OUTPUT: where
 * a packet was born cannot be forged, its source address can (NF-9). Why a SYN
 * goes to be judged even in a flow that passes: see policy/judge.c. INVALID
 * comes before all that asks for a direction, which such packets do not have
 * (NF-94). Why replies are diverted on the other end's account: whoever answers
 * in a flow that was revoked needs no policy of its own, and could go on
 * sending for ever (L8). What is judged never gets as far as that.
 *
 * Proxies that use IPVS bind the addresses of Services to the node, take what
 * comes to them out of INPUT, and send it on to a pod through OUTPUT and
 * POSTROUTING: that is where it is judged. Its replies have their source
 * rewritten by then, so that nobody could tell from whom they come. Where the
 * flow has no mark they are dropped, which costs a packet until the client
 * speaks again; a process of the node that answers at such an address is out of
 * reach for isolated pods. What comes in from elsewhere under an address of the
 * node's is forged: on its way on it would be taken for what the node opens.
 *
 * Why a queue that its ends choose, where one of them is not known: its packets
 * are held for a while, and whoever sends them may be on another CPU by then.
 * All of them wait in one queue, in order, and follow each other out of it.
 *
 * Why a limit for each source: packets wait in a queue that all pods share, and
 * one that floods it would keep the others waiting.
 *
 * What is staged has to be seen, but nothing may be lost for it. So whom only
 * staged policies isolate in some direction is in a set of its own, after all
 * others: what is INVALID, comes too fast or cannot be told from a Service's
 * goes on its way, and without netpold everything does. What waits in a queue
 * that is full is dropped with the rest.
 *
 * Why TO-NODE, where egress to the node is allowed: what the node answers, ICMP
 * errors too, leaves through POSTROUTING, where nothing else tells that the pod
 * was free to ask. It counts against the direction of the flow only, and in
 * such runs only: when the next one judges, it judges these flows, too.
 */
#include "datapath/rules_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "datapath/audit_text.h"
#include "datapath/discovery_text.h"
#include "datapath/mark.h"
#include "datapath/source_limit.h"
#include "datapath/standing.h"
#include "fault.h"

const char *rules_set_name(enum rules_set set, enum ip_family family)
{
	static const char *const names[N_RULES_SETS][2] = {
		[RULES_SET_EGRESS] = { "netpold-egress-4", "netpold-egress-6" },
		[RULES_SET_INGRESS] = { "netpold-ingress-4",
					"netpold-ingress-6" },
		[RULES_SET_STAGED] = { "netpold-staged-4", "netpold-staged-6" },
		[RULES_SET_PODS] = { "netpold-pods-4", "netpold-pods-6" },
		[RULES_SET_SERVICES] = { "netpold-services-4",
					 "netpold-services-6" },
		[RULES_SET_KNOWN] = { "netpold-known-4", "netpold-known-6" },
	};

	return names[set][family == IP_V6];
}

const char *rules_answers_name(enum verdict verdict, enum ip_family family)
{
	static const char *const names[2][2] = {
		[VERDICT_DENY] = { "netpold-denied-4", "netpold-denied-6" },
		[VERDICT_ALLOW] = { "netpold-allowed-4", "netpold-allowed-6" },
	};

	return names[verdict][family == IP_V6];
}

/* NEW and ESTABLISHED only: an ICMP error of this node about a pod's flow is
   RELATED, and would make the pod's flow its own. */
static void put_own_node(struct restore_text *t, const struct mark_layout *m)
{
	restore_text_put(
		t,
		"-A NETPOLD-OUT -m conntrack --ctstate NEW,ESTABLISHED "
		"--ctdir ORIGINAL -m connmark ! --mark %#x/%#x "
		"-m addrtype --src-type LOCAL -j CONNMARK --set-xmark %#x/%#x",
		m->own_node, m->mask, m->own_node, m->mask);
}

/* Most packets of a node are nobody's that a policy isolates. */
static void put_idle(struct restore_text *t, const char *chain,
		     enum ip_family family)
{
	const char *pods = rules_set_name(RULES_SET_PODS, family);

	restore_text_put(t,
			 "-A %s -m set ! --match-set %s src "
			 "-m set ! --match-set %s dst -j RETURN",
			 chain, pods, pods);
}

/* A rule for either end that is in the watched range and not known. */
static void put_unclaimed(struct restore_text *t, const struct rules_options *o,
			  enum ip_family family, const char *chain,
			  const char *target)
{
	const char *known = rules_set_name(RULES_SET_KNOWN, family);

	for (size_t i = 0; i < o->watched.n; i++) {
		char block[CIDR_TEXT_LEN];

		if (o->watched.blocks[i].addr.family != family)
			continue;
		cidr_format(&o->watched.blocks[i], block);
		restore_text_put(t,
				 "-A %s -s %s -m set ! --match-set %s src %s",
				 chain, block, known, target);
		restore_text_put(t,
				 "-A %s -d %s -m set ! --match-set %s dst %s",
				 chain, block, known, target);
	}
}

/* What the node has opened, or may be asked by its pods. */
static void put_exempt(struct restore_text *t, const struct rules_options *o)
{
	const struct mark_layout *m = o->marks;

	restore_text_put(t, "-A NETPOLD -m connmark --mark %#x/%#x -j RETURN",
			 m->own_node, m->mask);
	if (o->allow_node_egress)
		restore_text_put(
			t,
			"-A NETPOLD -m connmark --mark %#x/%#x -m conntrack "
			"--ctdir REPLY -j RETURN",
			m->to_node, m->mask);
}

static void put_known(struct restore_text *t, const struct rules_options *o,
		      enum ip_family family)
{
	const struct mark_layout *m = o->marks;

	restore_text_put(t,
			 "-A NETPOLD -m mark --mark %#x/%#x -g NETPOLD-MARKED",
			 m->allowed, m->told_mask);
	restore_text_put(t, "-A NETPOLD -p tcp -m tcp --tcp-flags SYN,ACK SYN "
			    "-m conntrack ! --ctstate RELATED -g NETPOLD-SYN");
	restore_text_put(t, "-A NETPOLD -m connmark --mark %#x/%#x -j RETURN",
			 m->allowed, m->judged_mask);
	if (o->watched.n > 0) {
		put_exempt(t, o);
		put_unclaimed(t, o, family, "NETPOLD", "-g NETPOLD-DIVERT");
		put_idle(t, "NETPOLD", family);
	} else {
		put_idle(t, "NETPOLD", family);
		put_exempt(t, o);
	}
	restore_text_put(t, "-A NETPOLD -g NETPOLD-DIVERT");
}

static void put_add(struct restore_text *t, uint32_t value, uint32_t mask,
		    enum verdict verdict, enum ip_family family)
{
	restore_text_put(t,
			 "-A NETPOLD-MARKED -m mark --mark %#x/%#x -j SET "
			 "--add-set %s src,dst,dst --exist",
			 value, mask, rules_answers_name(verdict, family));
}

/* Also without sets: an earlier run's verdicts may be on their way. */
static void put_remember(struct restore_text *t, const struct rules_options *o,
			 enum ip_family family)
{
	const struct mark_layout *m = o->marks;

	if (o->remember[VERDICT_DENY])
		put_add(t, m->denied, m->mask, VERDICT_DENY, family);
	restore_text_put(t, "-A NETPOLD-MARKED -m mark --mark %#x/%#x -j DROP",
			 m->denied, m->mask);
	if (o->remember[VERDICT_ALLOW])
		put_add(t, m->remember, m->mask, VERDICT_ALLOW, family);
	restore_text_put(t,
			 "-A NETPOLD-MARKED -m mark --mark %#x/%#x -j MARK "
			 "--set-xmark %#x/%#x",
			 m->remember, m->mask, m->allowed, m->mask);
}

static void put_marked(struct restore_text *t, const struct rules_options *o,
		       enum ip_family family)
{
	const struct mark_layout *m = o->marks;

	put_remember(t, o, family);
	restore_text_put(t,
			 "-A NETPOLD-MARKED -m mark --mark %#x/%#x "
			 "-g NETPOLD-SAVE",
			 m->allowed, m->judged_mask);
	restore_text_put(
		t, "-A NETPOLD-MARKED -m mark --mark %#x/%#x -g NETPOLD-CLEAR",
		m->bypass, m->mask);
	restore_text_put(t, "-A NETPOLD-MARKED -g NETPOLD-DIVERT");
}

static void put_opened_here(struct restore_text *t, const struct mark_layout *m)
{
	restore_text_put(t,
			 "-A NETPOLD-SYN -m connmark --mark %#x/%#x "
			 "-m conntrack --ctdir ORIGINAL -j RETURN",
			 m->own_node, m->mask);
}

static void put_syn(struct restore_text *t, const struct rules_options *o,
		    enum ip_family family)
{
	if (o->watched.n > 0) {
		put_opened_here(t, o->marks);
		put_unclaimed(t, o, family, "NETPOLD-SYN", "-g NETPOLD-DIVERT");
		put_idle(t, "NETPOLD-SYN", family);
	} else {
		put_idle(t, "NETPOLD-SYN", family);
		put_opened_here(t, o->marks);
	}
	restore_text_put(t, "-A NETPOLD-SYN -g NETPOLD-DIVERT");
}

static void put_in(struct restore_text *t, const struct rules_options *o,
		   enum ip_family family)
{
	const struct mark_layout *m = o->marks;

	restore_text_put(t, "-A NETPOLD-IN -i lo -j RETURN");
	restore_text_put(t,
			 "-A NETPOLD-IN -m addrtype --src-type LOCAL "
			 "-m set --match-set %s dst -j DROP",
			 rules_set_name(RULES_SET_SERVICES, family));
	restore_text_put(t, "-A NETPOLD-IN -m set --match-set %s dst -j RETURN",
			 rules_set_name(RULES_SET_SERVICES, family));
	if (o->allow_node_egress)
		restore_text_put(
			t,
			"-A NETPOLD-IN -m connmark --mark 0x0/%#x -m conntrack "
			"--ctdir ORIGINAL -j CONNMARK --set-xmark %#x/%#x",
			m->mask, m->to_node, m->mask);
	else
		restore_text_put(t, "-A NETPOLD-IN -g NETPOLD");
}

static void put_divert(struct restore_text *t, const struct rules_options *o,
		       enum ip_family family)
{
	const char *egress = rules_set_name(RULES_SET_EGRESS, family);
	const char *ingress = rules_set_name(RULES_SET_INGRESS, family);
	const char *staged = rules_set_name(RULES_SET_STAGED, family);

	restore_text_put(t, "-A NETPOLD-DIVERT -o lo -j RETURN");
	if (family == IP_V6)
		discovery_text_put(t, "NETPOLD-DIVERT");
	put_unclaimed(t, o, family, "NETPOLD-DIVERT", "-g NETPOLD-JUDGE");
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s src -g NETPOLD-JUDGE",
		egress);
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s dst -g NETPOLD-JUDGE",
		ingress);
	restore_text_put(t,
			 "-A NETPOLD-DIVERT -m conntrack --ctdir REPLY "
			 "-m set --match-set %s dst -g NETPOLD-JUDGE",
			 egress);
	restore_text_put(t,
			 "-A NETPOLD-DIVERT -m conntrack --ctdir REPLY "
			 "-m set --match-set %s src -g NETPOLD-JUDGE",
			 ingress);
	restore_text_put(t,
			 "-A NETPOLD-DIVERT -m conntrack --ctstate INVALID "
			 "-m set --match-set %s dst -j DROP",
			 egress);
	restore_text_put(t,
			 "-A NETPOLD-DIVERT -m conntrack --ctstate INVALID "
			 "-m set --match-set %s src -j DROP",
			 ingress);
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s src -g NETPOLD-STAGED",
		staged);
	restore_text_put(
		t,
		"-A NETPOLD-DIVERT -m set --match-set %s dst -g NETPOLD-STAGED",
		staged);
}

/* A chain that leads to the queues. */
struct judging {
	const char *chain;
	const char *refuse; /* what becomes of what cannot be judged */
	bool closed;	    /* nothing passes while nobody judges */
	bool holds;	    /* those whose ends are not known come here */
};

static void put_class(struct restore_text *t, const struct judging *j,
		      const struct mark_layout *m, const char *state,
		      enum packet_class kind)
{
	const uint32_t *values = m->class;

	restore_text_put(t, "-A %s -m conntrack %s -j MARK --set-xmark %#x/%#x",
			 j->chain, state, values[kind], m->mask);
}

static void put_classes(struct restore_text *t, const struct judging *j,
			const struct mark_layout *m)
{
	put_class(t, j, m, "--ctstate NEW", CLASS_ORIGINAL_NEW);
	put_class(t, j, m, "--ctstate ESTABLISHED --ctdir ORIGINAL",
		  CLASS_ORIGINAL);
	put_class(t, j, m, "--ctstate ESTABLISHED --ctdir REPLY", CLASS_REPLY);
	put_class(t, j, m, "--ctstate RELATED --ctdir ORIGINAL", CLASS_RELATED);
	put_class(t, j, m, "--ctstate RELATED --ctdir REPLY",
		  CLASS_RELATED_REPLY);
	put_class(t, j, m, "--ctstate UNTRACKED", CLASS_UNTRACKED);
}

#define QUEUE_TARGET_LEN 96

/* Which of the queues: that of the CPU the packet is on, or else one that its
   ends choose. */
static const char *queue_target(const struct rules_options *o,
				const struct judging *j, bool by_cpu,
				char target[QUEUE_TARGET_LEN])
{
	const unsigned int first = o->queue_base,
			   last = first + o->n_queues - 1;
	const char *bypass = j->closed ? "" : " --queue-bypass";

	if (first == last)
		snprintf(target, QUEUE_TARGET_LEN,
			 "-j NFQUEUE --queue-num %u%s", first, bypass);
	else
		snprintf(target, QUEUE_TARGET_LEN,
			 "-j NFQUEUE --queue-balance %u:%u%s%s", first, last,
			 by_cpu ? " --queue-cpu-fanout" : "", bypass);
	return target;
}

/* Answers are about flows as they are opened. A reply has its addresses and
   ports swapped, and would find somebody else's answer; a TCP packet that is no
   SYN may be from the middle of a flow, which is asked about both ways. */
static void put_recall(struct restore_text *t, const struct judging *j,
		       enum verdict verdict, enum ip_family family)
{
	static const char *const packets[] = {
		"-p tcp -m tcp --tcp-flags SYN,ACK SYN", "! -p tcp"
	};
	const char *target =
		verdict == VERDICT_ALLOW ? "-g NETPOLD-RECALL" : "-j DROP";
	const char *direction =
		fault_stands("direction") ? " --ctdir ORIGINAL" : "";

	for (size_t i = 0; i < 2; i++)
		restore_text_put(t,
				 "-A %s %s -m conntrack --ctstate "
				 "NEW,ESTABLISHED%s -m set --match-set %s "
				 "src,dst,dst %s",
				 j->chain, packets[i], direction,
				 rules_answers_name(verdict, family), target);
}

static void put_judge(struct restore_text *t, const struct rules_options *o,
		      const struct judging *j, enum ip_family family)
{
	const bool by_cpu = true;
	char target[QUEUE_TARGET_LEN];

	restore_text_put(t, "-A %s -m conntrack --ctstate INVALID %s", j->chain,
			 j->refuse);
	if (o->remember[VERDICT_ALLOW])
		put_recall(t, j, VERDICT_ALLOW, family);
	if (o->remember[VERDICT_DENY])
		put_recall(t, j, VERDICT_DENY, family);
	restore_text_put(t,
			 "-A %s -m conntrack --ctdir REPLY "
			 "-m set --match-set %s src %s",
			 j->chain, rules_set_name(RULES_SET_SERVICES, family),
			 j->refuse);
	restore_text_put(t, "-A %s " SOURCE_LIMIT " %s", j->chain,
			 family == IP_V6 ? 6 : 4, j->refuse);
	put_classes(t, j, o->marks);
	if (j->holds)
		put_unclaimed(t, o, family, j->chain,
			      queue_target(o, j, !by_cpu, target));
	restore_text_put(t, "-A %s %s", j->chain,
			 queue_target(o, j, by_cpu, target));
}

static void put_judges(struct restore_text *t, const struct rules_options *o,
		       enum ip_family family)
{
	const struct judging judge = { .chain = "NETPOLD-JUDGE",
				       .refuse = "-j DROP",
				       .closed = o->closed,
				       .holds = true };
	const struct judging staged = { .chain = "NETPOLD-STAGED",
					.refuse = "-j RETURN" };

	put_judge(t, o, &judge, family);
	put_judge(t, o, &staged, family);
}

static void put_save(struct restore_text *t, const struct mark_layout *m)
{
	restore_text_put(t, "-A NETPOLD-RECALL -j CONNMARK --set-xmark %#x/%#x",
			 m->allowed, m->mask);
	restore_text_put(t,
			 "-A NETPOLD-SAVE -j CONNMARK --save-mark --nfmask %#x "
			 "--ctmask %#x",
			 m->mask, m->mask);
	restore_text_put(t, "-A NETPOLD-SAVE -g NETPOLD-CLEAR");
	restore_text_put(t, "-A NETPOLD-CLEAR -j MARK --set-xmark 0x0/%#x",
			 m->mask);
}

/* Nothing where it stands as it should: it keeps its counters. */
static void put_jump(struct restore_text *t, const struct standing_jump *jump,
		     const char *saved)
{
	size_t n = standing_count(jump, saved);

	if (n == 1 && standing_first(jump, saved))
		return;
	for (; n > 0; n--)
		restore_text_put(t, "-D %s -j %s", jump->hook, jump->chain);
	restore_text_put(t, "-I %s 1 -j %s", jump->hook, jump->chain);
}

static void put_enforcement(struct restore_text *text,
			    const struct rules_options *options,
			    enum ip_family family)
{
	put_own_node(text, options->marks);
	put_known(text, options, family);
	put_marked(text, options, family);
	put_syn(text, options, family);
	put_divert(text, options, family);
	put_in(text, options, family);
	put_judges(text, options, family);
	put_save(text, options->marks);
}

void rules_write(struct restore_text *text, const struct rules_options *options,
		 enum ip_family family, const char *saved)
{
	restore_text_put(text, "*mangle");
	for (size_t i = 0; i < N_STANDING_CHAINS; i++)
		restore_text_put(text, ":%s - [0:0]", standing_chains[i]);
	if (options->audit)
		audit_text_put(text, options, family);
	else
		put_enforcement(text, options, family);
	for (size_t i = 0; i < N_STANDING_JUMPS; i++)
		put_jump(text, &standing_jumps[i], saved);
	restore_text_put(text, "COMMIT");
}
