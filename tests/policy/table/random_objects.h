/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_RANDOM_OBJECTS_H
#define NETPOLD_TESTS_POLICY_TABLE_RANDOM_OBJECTS_H

#include "netpold/arena.h"
#include "netpold/object.h"

#include "twin/random.h"

/**
 * Random labels, selectors, peers, rules and policies, all of a few words, so
 * that they often meet. What is odd is among them: values named twice, and one
 * selector in a dozen that cannot be evaluated (NP-25).
 *
 * Lists lie in the arena; strings are constants.
 */

/** Labels of pods, and of namespaces, which do not have NAMESPACE_NAME_LABEL
 *  here. */
struct labels random_labels(struct random *random, struct arena *arena);

/** The same, with the label that every namespace has (NP-41). */
struct labels random_namespace_labels(struct random *random,
				      struct arena *arena, const char *name);

/** Up to three requirements on labels of pods. */
struct selector random_selector(struct random *random, struct arena *arena);

/** The same for namespaces; their names are among what is asked for. */
struct selector random_namespace_selector(struct random *random,
					  struct arena *arena);

/** Names of namespaces that selectors ask for; there may be others. */
#define N_NAMESPACE_NAMES 4
extern const char *const namespace_names[N_NAMESPACE_NAMES];

/** Blocks and addresses, many of which lie in each other or side by side, at
 *  both ends of each family and where bytes carry. */
struct cidr random_block(struct random *random, enum ip_family family);
struct ip_addr random_address(struct random *random, enum ip_family family);

struct peer random_pod_peer(struct random *random, struct arena *arena);
struct peer random_block_peer(struct random *random, struct arena *arena);

/** Named ports of pods, which policies ask for. */
#define N_PORT_NAMES 3
extern const char *const port_names[N_PORT_NAMES];

/** A rule for any peers and ports; ranges are of ports up to @last_port. */
struct rule random_rule(struct random *random, struct arena *arena,
			uint16_t last_port);

/** A policy of up to @max_rules rules in each direction, which it isolates. */
struct object random_policy(struct random *random, struct arena *arena,
			    const char *namespace, const char *name,
			    size_t max_rules, uint16_t last_port);

#endif
