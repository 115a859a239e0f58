/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table/rule.h"

#include <errno.h>
#include <string.h>

#include "netpold/selector.h"

/* ---- ports -------------------------------------------------------------- */

/* NP-45, NP-47: by name means the pairs that the destination pod has. */
static bool named_port_matches(const struct policy_port *port,
			       const struct rule_question *question)
{
	const struct pod *pod = question->port_pod;

	for (size_t i = 0; pod && i < pod->n_ports; i++) {
		const struct container_port *p = &pod->ports[i];

		if (p->protocol == port->protocol &&
		    p->number == question->key->dst_port &&
		    strcmp(p->name, port->name) == 0)
			return true;
	}
	return false;
}

/* An entry for a protocol without ports, which no decoder makes, fits nothing
   (NP-70). */
static bool port_matches(const struct policy_port *port,
			 const struct rule_question *question)
{
	const struct flow_key *key = question->key;

	if (port->protocol != key->protocol ||
	    !protocol_has_ports(port->protocol))
		return false;
	switch (port->kind) {
	case PORT_ANY:
		return true;
	case PORT_RANGE:
		return key->has_port && key->dst_port >= port->first &&
		       key->dst_port <= port->last;
	case PORT_NAMED:
		return key->has_port && named_port_matches(port, question);
	}
	return false;
}

/* The first entry that fits, or NULL. */
static const struct policy_port *find_port(const struct rule *rule,
					   const struct rule_question *question)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (port_matches(&rule->ports[i], question))
			return &rule->ports[i];
	}
	return NULL;
}

/* ---- selectors ---------------------------------------------------------- */

typedef bool (*holds_fn)(const struct requirement *requirement,
			 const struct peer_end *end);

/* While the Namespace is unknown, nothing can be said of its labels but its
   name: a requirement on any other key is unmet, also a negative one
   (NP-42). */
static bool holds_for_namespace(const struct requirement *requirement,
				const struct peer_end *end)
{
	const struct label name = { NAMESPACE_NAME_LABEL, end->pod->namespace };
	const struct labels only_name = { &name, 1 };

	if (end->namespace_labels)
		return requirement_matches(requirement, end->namespace_labels);
	return strcmp(requirement->key, NAMESPACE_NAME_LABEL) == 0 &&
	       requirement_matches(requirement, &only_name);
}

static bool holds_for_pod(const struct requirement *requirement,
			  const struct peer_end *end)
{
	return requirement_matches(requirement, &end->pod->labels);
}

/* How many requirements of a selector (NULL has none) do not hold; @items,
   where it is not NULL, is filled with them. */
static size_t find_unmet(const struct selector *selector,
			 const struct peer_end *end, holds_fn holds,
			 const struct requirement **items)
{
	size_t n = 0;

	for (size_t i = 0; selector && i < selector->n; i++) {
		if (holds(&selector->requirements[i], end))
			continue;
		if (items)
			items[n] = &selector->requirements[i];
		n++;
	}
	return n;
}

static int list_unmet(const struct selector *selector,
		      const struct peer_end *end, holds_fn holds,
		      struct arena *arena, struct unmet *out)
{
	/* Room for all of them, so as to ask each once. */
	const struct requirement **items =
		arena_array(arena, selector ? selector->n : 0, sizeof(void *));

	if (!items)
		return -ENOMEM;
	out->n = find_unmet(selector, end, holds, items);
	out->items = items;
	return 0;
}

/* ---- peers -------------------------------------------------------------- */

/*
 * Distances rank rules by how likely they were meant for the flow (struct
 * rule_result): each thing that is missing of the peer counts two and the port
 * one. So a rule with fewer things missing is nearer whatever they are, and of
 * two with as many, the one that wants less of the peer. An address outside of
 * a block counts as two things: who is inside and excepted was thought of.
 */
#define DISTANCE_PORT ((size_t)1)
#define DISTANCE_THING ((size_t)2)
#define DISTANCE_OUTSIDE (2 * DISTANCE_THING)
#define DISTANCE_SOMETHING_ELSE (SIZE_MAX / 2)

static struct rule_result ask_pods(const struct peer *peer,
				   const struct rule_question *question)
{
	const struct peer_end *end = &question->other;
	struct rule_result result = { .peer = peer };
	size_t n_namespace = 0, n_pod;

	if (!end->pod) {
		result.misses = MISS_NOT_A_POD;
		result.distance = DISTANCE_SOMETHING_ELSE;
		return result;
	}
	if (peer->namespace_selector) {
		n_namespace = find_unmet(peer->namespace_selector, end,
					 holds_for_namespace, NULL);
		if (n_namespace > 0)
			result.misses |= MISS_NAMESPACE_LABELS;
		if (n_namespace > 0 && !end->namespace_labels)
			result.misses |= MISS_NAMESPACE_UNKNOWN;
	} else if (strcmp(end->pod->namespace, question->policy_namespace)) {
		n_namespace = 1;
		result.misses |= MISS_NAMESPACE;
	}
	n_pod = find_unmet(peer->pod_selector, end, holds_for_pod, NULL);
	if (n_pod > 0)
		result.misses |= MISS_POD_LABELS;
	result.distance = (n_namespace + n_pod) * DISTANCE_THING;
	return result;
}

static struct rule_result ask_block(const struct peer *peer,
				    const struct rule_question *question)
{
	const struct peer_end *end = &question->other;
	bool something_else =
		end->pod || end->addr.family != peer->block.addr.family;
	struct rule_result result = { .peer = peer };

	if (!cidr_contains(&peer->block, &end->addr)) {
		result.misses = MISS_BLOCK;
		result.distance = something_else ? DISTANCE_SOMETHING_ELSE
						 : DISTANCE_OUTSIDE;
		return result;
	}
	for (size_t i = 0; i < peer->n_except; i++) {
		if (cidr_contains(&peer->except[i], &end->addr)) {
			result.misses = MISS_EXCEPT;
			result.distance = DISTANCE_THING;
			break;
		}
	}
	return result;
}

/* The nearest peer; nothing is missing where one matches, or none is there. */
static struct rule_result ask_peers(const struct rule *rule,
				    const struct rule_question *question)
{
	struct rule_result nearest = { .peer = NULL };

	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct peer *peer = &rule->peers[i];
		struct rule_result result = peer->kind == PEER_IP_BLOCK
						    ? ask_block(peer, question)
						    : ask_pods(peer, question);

		if (i == 0 || result.distance < nearest.distance)
			nearest = result;
		if (result.misses == 0)
			break;
	}
	return nearest;
}

/* ---- rule --------------------------------------------------------------- */

unsigned int rule_misses(const struct rule *rule,
			 const struct rule_question *question,
			 struct rule_result *out)
{
	struct rule_result result = ask_peers(rule, question);

	result.port = find_port(rule, question);
	if (rule->n_ports > 0 && !result.port) {
		result.misses |= MISS_PORT;
		result.distance += DISTANCE_PORT;
	}
	if (out)
		*out = result;
	return result.misses;
}

int rule_list_unmet(const struct rule_question *question, struct arena *arena,
		    struct rule_result *result)
{
	const struct peer_end *end = &question->other;
	int r;

	if (!(result->misses & (MISS_NAMESPACE_LABELS | MISS_POD_LABELS)))
		return 0;
	r = list_unmet(result->peer->namespace_selector, end,
		       holds_for_namespace, arena, &result->namespace_labels);
	if (r < 0)
		return r;
	return list_unmet(result->peer->pod_selector, end, holds_for_pod, arena,
			  &result->pod_labels);
}
