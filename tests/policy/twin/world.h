/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_WORLD_H
#define NETPOLD_TESTS_POLICY_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle.h"
#include "random.h"

/**
 * Random clusters, and questions about them that are worth asking.
 *
 * Everything is drawn from small sets (few label values, few ports, addresses
 * side by side), so that selectors overlap, names collide, blocks end between
 * two pods, and both verdicts are common. Objects are written as JSON text:
 * whoever is under test reads them with a decoder of its own. All policies
 * are such as the API server accepts, in every spelling that it accepts.
 */
enum world_kind {
	WORLD_NAMESPACE,
	WORLD_NODE,
	WORLD_POD,
	WORLD_POLICY,
};
#define N_WORLD_KINDS 4

/** "Namespace", "Node", "Pod", "NetworkPolicy". */
const char *world_kind_name(enum world_kind kind);

struct world_object {
	enum world_kind kind;
	char ns[24]; /* "" for namespaces and nodes */
	char name[24];
	char *json;
};

struct world_address {
	int family; /* 4 or 6 */
	uint8_t bytes[16];
};

#define WORLD_ADDRESSES 512
#define WORLD_PORTS 512

struct world_addresses {
	struct world_address items[WORLD_ADDRESSES];
	size_t n;
};

struct world {
	struct random random;
	const char *node; /* whose pods are local; NULL: all are */

	struct world_object *objects;
	size_t n_objects;

	/* How it is made. */
	size_t n_namespaces;
	size_t n_places;    /* addresses that pods are given, per family */
	size_t next_place;  /* each one once, while addresses are unique */
	size_t stride;	    /* between two addresses */
	bool unique;	    /* no two pods claim one address */
	bool has_family[2]; /* IPv4, IPv6 */
	bool has_modes;	    /* some policies are staged (NP-8) */

	/* What to ask about, by family: IPv4, IPv6. */
	struct world_addresses pods[2];
	struct world_addresses others[2]; /* edges of blocks, nodes, unknown */
	struct {
		uint8_t protocol;
		uint16_t number;
	} ports[WORLD_PORTS];
	size_t n_ports;
};

/** Make the world of a seed; the same one every time. */
void world_init(struct world *world, uint64_t seed);
void world_release(struct world *world);

/** A question about the world, the next one every time. */
struct probe world_probe(struct world *world);

/** The object of a kind and name; not finding it ends the test. */
const struct world_object *world_find(const struct world *world,
				      enum world_kind kind, const char *ns,
				      const char *name);

/** A List of the objects whose numbers are in @order, to be freed. */
char *world_list(const struct world *world, const size_t *order, size_t n);

/* ---- one object at a time, for histories -------------------------------- */

/** An empty world, into which the caller writes. */
void world_init_empty(struct world *world, uint64_t seed);

/** The name of one of the namespaces that worlds are made of. */
const char *world_namespace_name(size_t i);
#define N_WORLD_NAMESPACES 6

/** JSON text of a new version of an object, to be freed. */
char *world_write_namespace(struct world *world, const char *name,
			    bool terminating);
char *world_write_node(struct world *world, const char *name);
char *world_write_pod(struct world *world, const char *ns, const char *name,
		      const char *uid);
char *world_write_policy(struct world *world, const char *ns, const char *name);

#endif
