/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_JUDGE_H
#define NETPOLD_JUDGE_H

#include "netpold/packet.h"
#include "netpold/snapshot.h"

/**
 * From a packet to a question, and from the answer to what becomes of the flow.
 *
 * A decision is about who opens a flow to whom. A packet may travel either
 * way, so connection tracking has to say first what it is to its flow. On a
 * node the kernel's rules say so, in the packet mark; in a capture a tracker
 * says so. What follows is the same code.
 */

/** What connection tracking knows of a packet. */
enum packet_class {
	CLASS_ORIGINAL_NEW = 0, /* opens a flow, or continues an unseen one */
	CLASS_ORIGINAL,		/* direction of the opener, flow seen before */
	CLASS_REPLY,		/* against the direction of the opener */
	CLASS_RELATED,		/* ICMP error or expected flow, travelling in
				   the direction of the flow's opener */
	CLASS_RELATED_REPLY,	/* the same, against it */
	CLASS_UNTRACKED,	/* tracking is switched off for it (NF-51) */
};
#define N_PACKET_CLASSES 6

/**
 * What this node's own host network has to do with a packet (NP-55).
 *
 * On a node the hook says so, where a packet leaves and where it arrives;
 * never an address, which a pod can forge. A capture has only addresses.
 */
enum node_part {
	NODE_FORWARDS = 0, /* or is not there at all */
	NODE_SENDS,	   /* the packet was born in the host network */
	NODE_RECEIVES,	   /* it was delivered to the host network */
};

/** What becomes of a packet, and of its flow. */
enum answer {
	ANSWER_DENY = 0,
	/* This packet passes; nothing is remembered of it. */
	ANSWER_PASS,
	/* The flow passes in the direction judged: mark it ALLOWED. */
	ANSWER_ALLOW,
	/* The flow was met in its middle and passes in one direction at least:
	   mark it PICKED-UP (NF-53). */
	ANSWER_ALLOW_PICKED_UP,
};

/** Why a packet was answered without asking a policy, or could not be. */
enum judge_note {
	NOTE_NONE = 0,
	NOTE_DISCOVERY,	 /* neighbour or listener discovery (NP-72): pass */
	NOTE_UNPARSABLE, /* headers cannot be read (L7): deny */
	/* Not by a judge, but by who keeps packets for one. */
	NOTE_UNCLAIMED, /* no pod had the address in time (NP-67): deny */
};

/**
 * What a packet has to ask, before anybody is asked: at most its own way and
 * the reverse. Without questions the answer is there already.
 */
struct inquiry {
	struct flow_key keys[2]; /* in the order in which they are asked */
	bool reversed[2];	 /* the key runs against the packet */
	uint8_t n_keys;
	enum answer allowed; /* if one of them is allowed, or there are none */
	enum judge_note note;
	/* The answer is that of every packet which opens a flow between the
	   same two, by the same protocol, to the same port (DEC-2): a kernel
	   that knows no more than that may give it. Never so of what is judged
	   against its direction, of what is met in its middle, or is not
	   tracked, or only a part of a packet. */
	bool memorable;
};

struct judgement {
	enum answer answer;
	enum judge_note note;
	struct flow_key key;	  /* the question that decided */
	struct decision decision; /* its answer; empty where there is a note */
	struct decision planned;  /* what that were if what is staged were
				     enforced, too; the same where nothing is */
	bool reversed;		  /* key runs against the packet */
	bool memorable;		  /* as in struct inquiry */
};

/**
 * Say what a packet has to ask.
 *
 * A TCP SYN is always asked about in its own direction, whatever its class:
 * that is what makes it safe to let flows pass that were met in their middle,
 * by asking both ways (NF-53). Untracked packets pass when either way is
 * allowed (NF-51). ICMP errors take the decision of the flow that they quote
 * (NP-71).
 *
 * What a pod answers to its own node passes, since whatever the node opens to
 * its pods is allowed: a flow older than netpold may have the pod as its only
 * speaker (L11).
 *
 * @status  what packet_parse() returned for @packet
 * @data    the packet from its IP header on, as it was copied
 * @len     bytes there
 *
 * Threads  any.
 */
struct inquiry judge_begin(enum packet_class class, enum packet_status status,
			   const struct packet *packet, const uint8_t *data,
			   size_t len, enum node_part node);

/**
 * Draw the conclusion.
 *
 * @first, @second  decisions about the two keys, as far as there are keys; the
 *                  second is only read where the first is deny
 */
struct judgement judge_end(const struct inquiry *inquiry,
			   const struct decision *first,
			   const struct decision *second);

/**
 * Add what the conclusion were if what is staged were enforced, too (NP-8). It
 * changes nothing of what becomes of the packet; but where it is another one,
 * the answer is not memorable, so that whoever opens such a flow is seen.
 *
 * Both conclusions are about one key: where the plan would open the second way
 * alone, and neither is open, it is that way which is reported.
 *
 * @first, @second  as for judge_end(), by what is planned
 * @enforced        about the second key, by what is enforced: what judge_end()
 *                  was given
 */
void judge_plan(const struct inquiry *inquiry, const struct decision *first,
		const struct decision *second, const struct decision *enforced,
		struct judgement *judgement);

/**
 * Judge one packet: parse it, and do all of the above.
 *
 * @packet  what was read of it, also for the caller
 *
 * Returns  cannot fail, does not allocate.
 * Threads  any, inside the read-side section that loaded @snapshot.
 */
struct judgement judge_packet(const struct snapshot *snapshot,
			      enum packet_class class, const uint8_t *data,
			      size_t len, enum node_part node,
			      struct packet *packet);

/** Judge a packet that was parsed before. */
struct judgement judge_parsed(const struct snapshot *snapshot,
			      enum packet_class class,
			      enum packet_status status,
			      const struct packet *packet, const uint8_t *data,
			      size_t len, enum node_part node);

#endif
