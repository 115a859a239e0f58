/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_ORACLE_H
#define NETPOLD_TESTS_POLICY_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The naive twin of the engine: the rules of NetworkPolicy, word for word.
 *
 * It shares nothing with policy/, neither code nor headers nor types, so that
 * a mistake has to be made twice to go unseen. It reads JSON with jansson,
 * keeps every object in a list, and answers a question by walking all of them.
 * Nothing in it is clever; where it could be shorter or plainer, it was made
 * plainer. Input that makes no sense ends the test (it is our own).
 */
struct oracle;

/** A question: who (src) opens a flow to whom (dst). */
struct probe {
	int family; /* 4 or 6 */
	uint8_t src[16];
	uint8_t dst[16];
	uint8_t protocol;
	bool has_port;
	uint16_t port;
	bool from_own_node; /* born in the host network of this node (NP-55) */
};

enum oracle_why {
	ORACLE_NOT_A_POD,    /* DEC-3 */
	ORACLE_NOT_LOCAL,    /* DEC-3 */
	ORACLE_OWN_NODE,     /* NP-54, NP-55 */
	ORACLE_NOT_ISOLATED, /* NP-11 */
	ORACLE_SELF,	     /* NP-50 */
	ORACLE_RULES,	     /* NP-12: isolated, the rules were asked */
};
#define N_ORACLE_WHYS 6

enum oracle_direction { ORACLE_EGRESS, ORACLE_INGRESS };

struct oracle_policy_ref {
	const char *ns;
	const char *name;
};

/** One rule of one isolating policy; it allows where both are true. */
struct oracle_rule_ref {
	struct oracle_policy_ref policy;
	size_t rule; /* from 0 */
	bool port_fits;
	bool peer_fits;
};

struct oracle_side {
	bool allow;
	enum oracle_why why;
	const char *pod_ns; /* NULL where no pod has the address */
	const char *pod_name;
	bool self;
	/* Every policy that isolates the pod, and all of their rules, whatever
	   else decided. In no particular order. */
	struct oracle_policy_ref *isolating;
	size_t n_isolating;
	struct oracle_rule_ref *rules;
	size_t n_rules;
};

struct oracle_answer {
	bool allow;
	struct oracle_side sides[2]; /* by enum oracle_direction */
};

struct oracle *oracle_new(void);
void oracle_free(struct oracle *oracle);

/**
 * A JSON object was added or changed; a List stands for its items.
 *
 * @now_ms  any steady clock
 */
void oracle_put(struct oracle *oracle, const char *json, int64_t now_ms);

/** A JSON object was deleted. A pod with another UID stays. */
void oracle_delete(struct oracle *oracle, const char *json, int64_t now_ms);

/** All objects of a kind are the items of this List, and no others. */
void oracle_replace(struct oracle *oracle, const char *kind, const char *json,
		    int64_t now_ms);

/**
 * Ask one question.
 *
 * @node  whose pods are local, or NULL for all
 *
 * What the answer points to lives until the next call for this oracle.
 */
struct oracle_answer oracle_ask(struct oracle *oracle, const char *node,
				const struct probe *probe);

/** Whether staged policies (NP-8) count from now on, as if they were enforced.
 *  At first they do not. */
void oracle_enforce_staged(struct oracle *oracle, bool enforce);

/** Whether an address is one of the node that a pod runs on (NP-53, NP-55). */
bool oracle_is_node_of(const struct oracle *oracle, int family,
		       const uint8_t addr[16], const char *pod_ns,
		       const char *pod_name);

/** Whether an address has to be diverted: it is that of a local pod that is
 *  isolated in this direction. */
bool oracle_diverts(struct oracle *oracle, const char *node,
		    enum oracle_direction dir, int family,
		    const uint8_t addr[16]);

/** Call @fn for each address that stands in any object, doubles included. */
void oracle_each_address(const struct oracle *oracle,
			 void (*fn)(void *ctx, int family,
				    const uint8_t addr[16]),
			 void *ctx);

/** Read an address; ends the test when it is none. */
void oracle_address(const char *text, int *family, uint8_t addr[16]);

#endif
