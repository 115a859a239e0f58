/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_SUGGEST_PARTS_H
#define NETPOLD_POLICY_SUGGEST_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/suggest.h"
#include "netpold/workload.h"

/**
 * What the parts of suggest.c share.
 *
 *	pods	sorted by workload, so that those of a group, and those of a
 *		namespace, are neighbours
 *	groups	workloads
 *	units	groups that one selector finds; a unit has the number of its
 *		first group, and there is none where groups[i].unit != i
 *	sights	what was seen, between units and addresses outside
 *	grants	what rules are made of: one peer and one port of one unit
 */

#define NO_UNIT UINT32_MAX

struct suggest_pod {
	const struct pod *pod;
	struct workload workload;
	uint32_t group;
};

struct suggest_group {
	struct workload workload;
	size_t first, n; /* in pods */
	uint32_t unit;
	bool seen;
};

struct suggest_unit {
	struct selector selector;
	const struct suggest_pod **pods;
	size_t n_pods;
	bool is_dns;
	bool seen;
	bool isolated[N_DIRECTIONS]; /* by policies that there are */
};

/** Compared byte for byte. */
struct suggest_sight_key {
	uint32_t from, to; /* units, or NO_UNIT, one of them at most */
	uint16_t port;
	uint8_t protocol;
	uint8_t has_port;
	struct ip_addr outside; /* of the one that is no unit */
	uint8_t zero[3];	/* or it were padding, which may be anything */
};

struct suggest_sight {
	struct suggest_sight_key key;
	struct suggest_uses uses;
	bool covered[N_DIRECTIONS]; /* by policies that there are */
};

struct suggest_sights {
	struct suggest_sight *items;
	size_t n, capacity;
	uint32_t *slots; /* item + 1, or 0 */
	size_t n_slots;	 /* a power of two */
};

enum suggest_peer_kind { SUGGEST_ANY_POD = 0, SUGGEST_UNIT, SUGGEST_BLOCK };

struct suggest_grant {
	uint32_t unit; /* whose policy */
	enum direction dir;
	bool apart;
	bool is_dns;
	enum suggest_peer_kind peer_kind;
	uint32_t peer_unit;
	struct cidr peer_block;
	bool is_stray; /* suggest_is_stray() */
	bool is_every_port;
	uint8_t protocol;
	uint16_t port;
	const char *port_name; /* NULL: by its number */
	struct suggest_use use;
};

struct suggest_grants {
	struct suggest_grant *items;
	size_t n;
};

/** What blocks must not hold: addresses of pods, and where pods come from. */
struct suggest_avoid {
	struct ip_addr *addresses; /* sorted */
	size_t n_addresses;
	struct cidr *ranges;
	size_t n_ranges;
	const struct ip_addr **nodes; /* addresses of nodes */
	size_t n_nodes;
};

struct suggest {
	const struct cluster *cluster;
	struct suggest_options options;
	struct arena arena;
	struct suggest_pod *pods;
	const struct suggest_pod **by_name; /* by namespace and name */
	size_t n_pods;
	struct suggest_group *groups;
	struct suggest_unit *units;
	size_t n_groups;
	struct suggest_avoid avoid;
	struct suggest_sights sights;
	uint64_t n_without_port;
	void *names; /* that are taken: a tree of name.c's */
};

/* Each returns 0 or -ENOMEM. */

/** Find pods and groups. */
int suggest_pods_collect(struct suggest *suggest);

/** NULL where there is none. */
const struct suggest_pod *suggest_pods_find(const struct suggest *suggest,
					    const struct pod *pod);

/** Choose selectors, and with them units. */
int suggest_units_choose(struct suggest *suggest);

/** The name by which all pods of a unit know a port, and no other; or NULL. */
const char *suggest_unit_port_name(const struct suggest_unit *unit,
				   uint8_t protocol, uint16_t port);

int suggest_avoid_collect(const struct cluster *cluster, struct arena *arena,
			  struct suggest_avoid *out);

/** The block around an address outside. */
struct cidr suggest_block_around(const struct suggest_avoid *avoid,
				 const struct suggest_options *options,
				 const struct ip_addr *addr);

/** Whether an address is where pods come from, and neither a pod's nor a
 *  node's: it was a pod's, most likely, and will be another one's. */
bool suggest_is_stray(const struct suggest_avoid *avoid,
		      const struct ip_addr *addr);

int suggest_sights_add(struct suggest_sights *sights,
		       const uint64_t hash_key[2],
		       const struct suggest_sight *sight);
void suggest_sights_release(struct suggest_sights *sights);

/** Sorted by unit, direction, apart or not, and peer. */
int suggest_grants_make(struct suggest *suggest, struct suggest_grants *out);

/** The rules of one unit in one direction, out of its grants. */
int suggest_rules_make(struct suggest *suggest,
		       const struct suggest_grant *grants, size_t n,
		       struct suggested_policy *policy, enum direction dir);

/** A name for a policy of a unit that no policy of its namespace has, and none
 *  that was suggested before; NULL without memory. */
const char *suggest_policy_name(struct suggest *suggest, uint32_t unit,
				const char *ending);
void suggest_names_release(struct suggest *suggest);

#endif
