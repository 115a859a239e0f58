/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_OBJECT_H
#define NETPOLD_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"

/**
 * The Kubernetes objects that decide about packets, with no more of them than
 * decides: pods, namespaces, nodes and network policies.
 *
 * These are plain values. Strings and arrays belong to whoever made the object
 * (a decoder, a test, a cluster) and are never NULL where the comment does not
 * say so: an absent string is "", an absent list has n == 0.
 */

/* IANA protocol numbers that the engine knows by name. */
enum ip_protocol {
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
};

/** TCP, UDP and SCTP: the protocols that NetworkPolicy gives ports (NP-70,
 *  NP-77). */
bool protocol_has_ports(uint8_t protocol);

/** "TCP", "UDP", "SCTP", "ICMP", "ICMPv6"; NULL for any other number. */
const char *protocol_name(uint8_t protocol);

/** The reverse of protocol_name(), upper and lower case alike; 0 when
 *  unknown. */
uint8_t protocol_from_name(const char *name);

enum direction { DIRECTION_EGRESS = 0, DIRECTION_INGRESS = 1 };
#define N_DIRECTIONS 2

/** "egress" or "ingress". */
const char *direction_name(enum direction dir);

struct label {
	const char *key;
	const char *value;
};

/** Sorted by key, byte for byte; no key twice. */
struct labels {
	const struct label *items;
	size_t n;
};

/** The value of a key, or NULL when it is absent. */
const char *labels_get(const struct labels *labels, const char *key);

/* ---- label selectors ---------------------------------------------------- */

enum selector_operator {
	SELECTOR_UNKNOWN = 0, /* cannot be evaluated (NP-25) */
	SELECTOR_IN,
	SELECTOR_NOT_IN,
	SELECTOR_EXISTS,
	SELECTOR_DOES_NOT_EXIST,
};

struct requirement {
	const char *key;
	enum selector_operator op;
	const char *const *values;
	size_t n_values;
};

/** Requirements are ANDed. matchLabels come first, each as In with one value
 *  (NP-22), then matchExpressions. n == 0 matches everything (NP-21). */
struct selector {
	const struct requirement *requirements;
	size_t n;
};

/* ---- cluster objects ---------------------------------------------------- */

struct container_port {
	const char *name; /* never "": unnamed ports decide nothing */
	uint16_t number;
	uint8_t protocol;
};

/** A pod has at most one address per family (NP-60). */
#define POD_MAX_ADDRESSES 2

struct pod {
	const char *namespace;
	const char *name;
	const char *uid;       /* "" in hand-written manifests */
	const char *node_name; /* "" while not scheduled */
	const char *owner_kind;
	const char *owner_name;
	struct labels labels;
	const struct container_port *ports; /* named ones only (NP-46) */
	int64_t created_s; /* Unix time of creationTimestamp; 0 when absent */
	uint32_t n_ports;
	struct ip_addr addresses[POD_MAX_ADDRESSES];
	uint8_t n_addresses;
	bool host_network : 1; /* NP-52 */
	bool finished : 1;     /* phase Succeeded or Failed (NP-62) */
	bool deleting : 1;     /* has a deletionTimestamp (NP-63, NP-64) */
};

/** What the annotation MODE_ANNOTATION says of policies (NP-8). */
enum policy_mode {
	POLICY_MODE_NONE = 0, /* nothing */
	POLICY_MODE_ENFORCE,
	POLICY_MODE_AUDIT, /* judged by, but not enforced: staged */
};

#define MODE_ANNOTATION "netpold.io/mode"

/** "enforce", "audit"; "" for none. */
const char *policy_mode_name(enum policy_mode mode);

/** The reverse. What is neither is POLICY_MODE_ENFORCE: whoever misspells
 *  "audit" keeps the protection that there was. */
enum policy_mode policy_mode_from_name(const char *name);

/** The label that every namespace has, with its name as value (NP-41). */
#define NAMESPACE_NAME_LABEL "kubernetes.io/metadata.name"

struct namespace
{
	const char *name;
	const char *uid;       /* "" in hand-written manifests */
	struct labels labels;  /* with NAMESPACE_NAME_LABEL */
	bool terminating;      /* NP-66 */
	enum policy_mode mode; /* of its policies that say nothing themselves */
};

struct node {
	const char *name;
	const struct ip_addr *addresses; /* those that parse (NP-53) */
	size_t n_addresses;
	const struct cidr *pod_cidrs; /* those that parse (NP-67) */
	size_t n_pod_cidrs;
};

/* ---- network policies --------------------------------------------------- */

enum port_kind {
	PORT_ANY = 0, /* every port of the protocol */
	PORT_RANGE,   /* first to last, both included */
	PORT_NAMED,   /* looked up on the destination pod (NP-45) */
};

struct policy_port {
	enum port_kind kind : 8;
	uint8_t protocol;
	uint16_t first;
	uint16_t last;
	const char *name; /* PORT_NAMED only, else NULL */
};

enum peer_kind { PEER_PODS = 0, PEER_IP_BLOCK };

/**
 * One entry of `from` or `to`.
 *
 * PEER_PODS: pod_selector NULL means every pod of the chosen namespaces;
 * namespace_selector NULL means the policy's own namespace (NP-30 … NP-32).
 * PEER_IP_BLOCK: the address is in block and in none of except (NP-33).
 */
struct peer {
	enum peer_kind kind : 8;
	struct cidr block;
	uint32_t n_except;
	const struct cidr *except;
	const struct selector *pod_selector;
	const struct selector *namespace_selector;
};

/** No peers: any peer. No ports: any protocol and port (NP-14, NP-15). */
struct rule {
	const struct peer *peers;
	size_t n_peers;
	const struct policy_port *ports;
	size_t n_ports;
};

struct network_policy {
	const char *namespace;
	const char *name;
	const char *uid;       /* "" in hand-written manifests */
	int64_t generation;    /* 0 in hand-written manifests */
	enum policy_mode mode; /* by its own annotation */
	/* It is judged by, but not enforced. A cluster sets it, whatever it was
	   when the policy was put: by its own mode or, without one, its
	   namespace's. */
	bool staged;
	struct selector pod_selector;
	bool isolates[N_DIRECTIONS]; /* policyTypes, defaulted (NP-3) */
	const struct rule *rules[N_DIRECTIONS]; /* spec.ingress, spec.egress */
	size_t n_rules[N_DIRECTIONS];
};

enum object_kind {
	OBJECT_POD = 0,
	OBJECT_NAMESPACE,
	OBJECT_NETWORK_POLICY,
	OBJECT_NODE,
};
#define N_OBJECT_KINDS 4

/** "Pod", "Namespace", "NetworkPolicy", "Node". */
const char *object_kind_name(enum object_kind kind);

struct object {
	enum object_kind kind;
	union {
		struct pod pod;
		struct namespace namespace;
		struct network_policy policy;
		struct node node;
	};
};

#endif
