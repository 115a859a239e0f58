/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_REACH_PARTS_H
#define NETPOLD_POLICY_REACH_PARTS_H

#include "netpold/arena.h"
#include "netpold/reach.h"

#include "reach/bits.h"
#include "reach/cuts.h"
#include "reach/pods.h"
#include "table/rule_lookup.h"

/**
 * What reach is made of.
 *
 * In a snapshot an identity leads to its rules, rules to intervals of ports,
 * and these to sets of peers. Here that is spelled out for whole sets of
 * classes: rules as terms, each an interval of slots and a crowd that it lets
 * in; and crowds as sets of classes.
 *
 *	ingress of db	5432/TCP from app=api	term { 5432, crowd 7 }
 *	crowd 7		app=api in shop		classes 3, 4
 *
 * Who may reach a class of endpoints is then, for each interval, the crowds of
 * its ingress terms together; less those whose own egress does not lead there.
 * For that egress is turned round: each crowd that egress rules name has the
 * grants of all that name it, so that a class only has to look at the few
 * crowds that it is in. Names of ports stay names in grants: what number they
 * are, the destination says (NP-45).
 */

/** Endpoints that rules name as peers, as they name them. */
struct crowd {
	struct member member;
	struct class_bits classes;
	/* Egress, turned round: who may reach these classes, and where. */
	uint32_t first_grant, n_grants;
	uint32_t first_named, n_named;
};

struct term {
	struct slot_range slots;
	uint32_t crowd;
};

struct named_term {
	const char *name; /* of a port; interned in its snapshot */
	uint8_t protocol;
	uint32_t crowd;
};

/** Rules of one direction, spelled out. */
struct rule_terms {
	const struct rule_lookup *lookup;
	struct term *terms; /* by their first slots */
	size_t n_terms;
	struct named_term *named;
	size_t n_named;
	struct class_bits users; /* classes that have these rules */
};

/** What an egress rule lets some classes do. */
struct grant {
	struct slot_range slots;
	struct class_bits sources;
};

struct named_grant {
	const char *name;
	uint8_t protocol;
	struct class_bits sources;
};

/** A class in one snapshot. */
struct class_view {
	uint32_t identity; /* of a member that is a pod */
	const struct rule_terms *rules[N_DIRECTIONS]; /* NULL: not isolated */
};

struct view {
	const struct snapshot *snapshot;
	struct rule_terms *rules[N_DIRECTIONS]; /* by their lookups */
	size_t n_rules[N_DIRECTIONS];
	struct crowd *crowds; /* by their members */
	size_t n_crowds;
	struct grant *grants; /* of each crowd, by their first slots */
	struct named_grant *named_grants;
	uint32_t *granting; /* crowds that have any */
	size_t n_granting;
	struct class_bits free; /* classes that egress does not isolate */
	struct class_view *classes;
};

struct reach {
	struct arena arena; /* all of it */
	size_t n_views;
	struct view views[REACH_MAX_VIEWS];
	struct pod_list pods;
	struct cuts cuts[2]; /* IPv4, IPv6; none: no pod has the family */
	struct reach_range *ranges;
	size_t n_ranges;
	struct reach_class *classes;
	size_t n_classes;
	/* Those outside that are nodes' alone (reach/own_node.h), and by class
	   which; NULL: none. */
	struct node_class *node_classes;
	size_t n_node_classes;
	const struct node_class **node_class_of;
	/* By family: all classes, and those that are pods'. */
	struct class_bits everyone[2];
	struct class_bits every_pod[2];

	/* For the last answer: the columns of both snapshots, and the
	   difference. */
	struct arena column_arenas[REACH_MAX_VIEWS];
	struct arena change_arena;
	struct bit_field let_in, let_out;
};

static inline int family_index(enum ip_family family)
{
	return family == IP_V6;
}

/* ---- term.c ------------------------------------------------------------- */

/** Spell out the rules of all pods: rules and crowds, without their classes. 0
 *  or -ENOMEM. */
int view_spell_out(struct reach *reach, enum reach_view view);

/** The terms of a lookup; NULL of NULL. */
const struct rule_terms *view_find_rules(const struct view *view,
					 enum direction dir,
					 const struct rule_lookup *lookup);

/* ---- sort.c ------------------------------------------------------------- */

/** Cut the outside, and sort all endpoints into classes. 0 or -ENOMEM. */
int reach_sort(struct reach *reach, const struct reach_options *options);

/* ---- crowd.c ------------------------------------------------------------ */

/** Which classes are in crowds and have rules. 0 or -ENOMEM. */
int view_fill_crowds(struct reach *reach, enum reach_view view);

/* ---- grant.c ------------------------------------------------------------ */

/** Turn egress round. 0 or -ENOMEM. */
int view_turn_egress(struct reach *reach, enum reach_view view);

/* ---- column.c ----------------------------------------------------------- */

enum { LAYER_ALLOWED = 0, LAYER_LET_IN = 1 };

/**
 * Who may reach a class; and whom its ingress alone lets in, which is for who
 * compares.
 *
 * @out  in the arena of the snapshot, until its next column
 *
 * Returns  0 or -ENOMEM.
 */
int column_compute(struct reach *reach, enum reach_view view, uint32_t to,
		   bool want_let_in, struct reach_column *out);

#endif
