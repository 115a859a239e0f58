/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_ORACLE_TYPES_H
#define NETPOLD_TESTS_POLICY_ORACLE_TYPES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle.h"

/**
 * What the oracle understands of an object. Only oracle*.c include this.
 * Strings point into the JSON tree, which each object keeps.
 */
struct o_addr {
	int family; /* 4 or 6; 0: none */
	uint8_t bytes[16];
};

struct o_block {
	struct o_addr addr;
	unsigned int len;
};

struct o_label {
	const char *key;
	const char *value;
};

struct o_labels {
	struct o_label *items;
	size_t n;
};

struct o_requirement {
	const char *key;
	const char *op; /* as written */
	const char **values;
	size_t n_values;
};

struct o_selector {
	bool set;
	struct o_requirement *requirements;
	size_t n;
};

struct o_peer {
	struct o_selector pods;
	struct o_selector namespaces;
	bool has_block;
	struct o_block block;
	struct o_block *except;
	size_t n_except;
};

struct o_port {
	const char *protocol;
	bool has_number;
	json_int_t first;
	json_int_t last;
	const char *name; /* NULL: no name */
};

struct o_rule {
	struct o_peer *peers;
	size_t n_peers;
	struct o_port *ports;
	size_t n_ports;
};

struct o_container_port {
	const char *name;
	const char *protocol;
	json_int_t number;
};

enum o_kind { O_POD, O_NAMESPACE, O_POLICY, O_NODE, O_OTHER };

/** Any object; which fields mean something depends on the kind. */
struct o_object {
	struct o_object *next;
	enum o_kind kind;
	const char *kind_name;
	json_t *json;
	void **blocks; /* what to free with the object */
	size_t n_blocks;

	const char *ns; /* "" for namespaces and nodes */
	const char *name;
	const char *uid;
	struct o_labels labels; /* pods and namespaces */
	const char *mode;	/* of policies and namespaces; "": none */
	bool gone;		/* deleted, but perhaps remembered (NP-66) */
	int64_t gone_ms;

	/* pods */
	const char *node;
	const char *created; /* RFC 3339 in UTC sorts as text; "": absent */
	bool deleting;
	bool host_network;
	bool finished;
	struct o_container_port *container_ports;
	size_t n_container_ports;
	struct o_addr *addrs; /* pods and nodes */
	size_t n_addrs;

	/* namespaces */
	bool terminating;
	int64_t going_ms; /* since when it goes away */

	/* policies, by enum oracle_direction */
	struct o_selector selects;
	bool governs[2];
	struct o_rule *rules[2];
	size_t n_rules[2];
};

struct oracle {
	struct o_object *objects; /* all of them, the newest first */
	bool enforce_staged;

	/* What the last answer points to, one of each per direction. */
	struct oracle_policy_ref *isolating[2];
	struct oracle_rule_ref *rules[2];
	size_t isolating_room[2];
	size_t rules_room[2];
};

/** An object by its name, also one that is gone, or NULL. */
struct o_object *o_find(const struct oracle *oracle, enum o_kind kind,
			const char *ns, const char *name);

/** Whether a policy that is gone goes on with its namespace (NP-66). */
bool o_is_kept(const struct oracle *oracle, const struct o_object *policy);

/** Whether it goes on without its rules. */
bool o_is_bare(const struct oracle *oracle, const struct o_object *policy);

/** Equal as text. */
bool o_same(const char *a, const char *b);

/** Understand one object; owns @json from here on. */
struct o_object *o_object_decode(json_t *json);
void o_object_free(struct o_object *object);

/** False when the text is no address. */
bool o_addr_parse(const char *text, size_t len, struct o_addr *out);
bool o_block_parse(const char *text, struct o_block *out);
bool o_addr_equal(const struct o_addr *a, const struct o_addr *b);
bool o_block_contains(const struct o_block *block, const struct o_addr *addr);

/** End the test: what is wrong, and with what. */
void o_die(const char *what, const char *with) __attribute__((noreturn));

#endif
