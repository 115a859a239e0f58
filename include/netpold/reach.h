/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_REACH_H
#define NETPOLD_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/slot.h"

/**
 * Who may reach whom: all flows at once, exactly.
 *
 * Nobody has to ask for each pair of addresses. Whatever the tables of a
 * snapshot cannot tell apart gets the same answers, so endpoints are sorted
 * into classes first: pods that have the same rules and are in the same sets
 * of peers and of blocks; and the outside, which is every address that no pod
 * has, cut wherever a block begins or ends. Then each class is asked, as a
 * destination, who may reach it: a set of classes for each interval of slots,
 * worked out with the very tables that decide about packets.
 *
 * Two snapshots can be compared. Endpoints are then those that both know, and
 * the classes are those that neither can tell apart. A pod is the same in both
 * that has the same namespace and name, whatever has become of its labels and
 * addresses. Of what is left over, pods of one owner are taken for each other,
 * in the order of their names: a Deployment's pods are new ones after every
 * roll-out. What is then still in one snapshot alone is listed, not compared.
 *
 * Not seen here are flows of a pod to itself, which always pass (NP-50), and
 * those from a pod's own node, which do, too (NP-54): classes are about other
 * pods, and an address of a node is one outside, of which what policies say is
 * true of the pods of other nodes. Between two snapshots nothing that comes
 * from a pod's own node in either is a change. Of a pod that is the only one of
 * its class, what its class may do to itself is what another pod like it might.
 */
struct reach;

enum { REACH_MAX_VIEWS = 2 };
/** Of two snapshots, which. */
enum reach_view { REACH_OLD = 0, REACH_NEW = 1 };

struct reach_options {
	/* They have to outlive it, and every pod has to be local. */
	const struct snapshot *snapshots[REACH_MAX_VIEWS];
	size_t n_snapshots;
	/* Pods that it says no and yes to are never of one class; NULL: all the
	   same. */
	bool (*is_inside)(void *ctx, const struct pod *pod);
	void *is_inside_ctx;
};

/** Returns 0; -ENOMEM. */
int reach_new(const struct reach_options *options, struct reach **out,
	      struct err *err);

/** NULL is fine. */
void reach_free(struct reach *reach);
void reach_freep(struct reach **reach);

/* ---- endpoints ---------------------------------------------------------- */

/** A pod's address of one family; with one snapshot, [0] only. */
struct reach_pod {
	const struct pod *pods[REACH_MAX_VIEWS];
	struct ip_addr addrs[REACH_MAX_VIEWS];
	uint32_t class;
};

/** Addresses outside, from first to last, but for those that are pods'. */
struct reach_range {
	struct ip_addr first, last;
	struct ip_addr example; /* no pod's, and no node's if there is one */
	bool is_documented;	/* it is set apart for examples */
	bool is_nodes;		/* there is none: all are nodes' */
	uint32_t class;
};

/** What one snapshot alone knows: a pod, or of a pod that both know the address
 *  of one family. */
struct reach_leftover {
	const struct pod *pod;
	enum reach_view view;
	uint8_t family; /* of the address; 0: it is the pod */
};

/** By namespace, workload and name; of one pod, IPv4 first. */
const struct reach_pod *reach_pods(const struct reach *reach, size_t *n);

/** IPv4 first; ascending. Only of families that some pod has. */
const struct reach_range *reach_ranges(const struct reach *reach, size_t *n);

/** Pods first: those of the old snapshot first, each by namespace and name.
 * Then addresses, in no particular order. */
const struct reach_leftover *reach_leftovers(const struct reach *reach,
					     size_t *n);

/* ---- classes ------------------------------------------------------------ */

struct reach_class {
	enum ip_family family;
	bool is_outside;
	bool is_inside; /* what reach_options.is_inside said; false outside */
	bool isolated[REACH_MAX_VIEWS][N_DIRECTIONS];
	const uint32_t *members; /* numbers of pods, or of ranges */
	size_t n_members;
};

/** Numbered by their first members: pods of IPv4, the outside, then IPv6. */
const struct reach_class *reach_classes(const struct reach *reach, size_t *n);

/** The policies that isolate a class in a direction, by name; none: NULL. */
size_t reach_policies(const struct reach *reach, enum reach_view view,
		      uint32_t class, enum direction dir,
		      const struct object *const **policies);

/** Called for a rule; @rule is counted from 0. Anything but 0 ends the walk,
 * and is its result. */
typedef int (*reach_rule_fn)(void *ctx, const struct network_policy *policy,
			     size_t rule);

/**
 * The rules of a class whose peers are another class, whatever their ports: in
 * the order of the policies' names.
 *
 * @dir  egress: the other class is the destination; ingress: the source
 */
int reach_each_rule(const struct reach *reach, enum reach_view view,
		    uint32_t class, enum direction dir, uint32_t other,
		    reach_rule_fn each, void *ctx);

/** Whether all flows from a class outside to another are from the pods' own
 * node (NP-54), so that no change is about them; of two snapshots. */
bool reach_is_own_node(const struct reach *reach, uint32_t from, uint32_t to);

/** An address of a class outside that is good as an example: not of the own
 * node of @pod of reach_pods(), unless reach_is_own_node(). */
struct ip_addr reach_outside_example(const struct reach *reach, uint32_t class,
				     uint32_t pod);

/* ---- who may reach a class ---------------------------------------------- */

/** A set of classes, as words of bits; those that are not here are zero. */
struct class_bits {
	const uint64_t *words;
	uint32_t first; /* number of the first word */
	uint32_t n;
};

static inline bool class_bits_has(const struct class_bits *bits, uint32_t class)
{
	uint32_t word = class / 64 - bits->first;

	return word < bits->n && (bits->words[word] >> class % 64 & 1);
}

/** What is different between two snapshots, and which side of a flow denies
 *  it: in the old one what opens, in the new one what closes. Where both do,
 *  the destination's ingress is named. */
enum reach_change {
	OPENS_BY_INGRESS = 0,
	OPENS_BY_EGRESS,
	CLOSES_BY_INGRESS,
	CLOSES_BY_EGRESS,
};
#define N_REACH_CHANGES 4

/** Slots that are the same to everybody. */
struct reach_segment {
	struct slot_range slots;
	struct class_bits sources[N_REACH_CHANGES]; /* reach_column(): [0] */
};

/** All slots at which there is something to say, ascending. */
struct reach_column {
	const struct reach_segment *segments;
	size_t n;
};

/**
 * Who may reach a class of endpoints, for each slot.
 *
 * Nobody outside is a source for what is outside: no policy is asked.
 *
 * @out  until the next call
 *
 * Returns  0 or -ENOMEM.
 */
int reach_column(struct reach *reach, enum reach_view view, uint32_t to,
		 struct reach_column *out);

/** What is different in who may reach it; of two snapshots. */
int reach_changes(struct reach *reach, uint32_t to, struct reach_column *out);

#endif
