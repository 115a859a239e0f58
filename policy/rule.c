/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule.h"

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

static bool port_matches(const struct policy_port *port,
			 const struct rule_question *question)
{
	const struct flow_key *key = question->key;

	if (port->protocol != key->protocol)
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

static bool ports_match(const struct rule *rule,
			const struct rule_question *question)
{
	if (rule->n_ports == 0)
		return true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (port_matches(&rule->ports[i], question))
			return true;
	}
	return false;
}

/* ---- peers -------------------------------------------------------------- */

static const struct requirement *first_unmet(const struct selector *selector,
					     const struct labels *labels)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (!requirement_matches(&selector->requirements[i], labels))
			return &selector->requirements[i];
	}
	return NULL;
}

/* While the Namespace is unknown, nothing can be said of its labels but its
   name: a requirement on any other key is unmet, also a negative one
   (NP-42). */
static const struct requirement *
first_unmet_unknown(const struct selector *selector, const char *namespace)
{
	const struct label name = { NAMESPACE_NAME_LABEL, namespace };
	const struct labels labels = { &name, 1 };

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (strcmp(r->key, NAMESPACE_NAME_LABEL) ||
		    !requirement_matches(r, &labels))
			return r;
	}
	return NULL;
}

static bool namespace_matches(const struct peer *peer,
			      const struct rule_question *question,
			      const struct requirement **unmet)
{
	const struct selector *selector = peer->namespace_selector;
	const struct peer_end *end = &question->other;

	if (!selector)
		return strcmp(end->pod->namespace,
			      question->policy_namespace) == 0;
	*unmet = end->namespace_labels
			 ? first_unmet(selector, end->namespace_labels)
			 : first_unmet_unknown(selector, end->pod->namespace);
	return !*unmet;
}

static unsigned int pod_peer_misses(const struct peer *peer,
				    const struct rule_question *question,
				    const struct requirement **unmet)
{
	const struct requirement *unmet_label = NULL;
	unsigned int misses = 0;

	if (!question->other.pod)
		return MISS_NOT_A_POD;
	if (!namespace_matches(peer, question, unmet))
		misses |= MISS_NAMESPACE;
	if (peer->pod_selector)
		unmet_label = first_unmet(peer->pod_selector,
					  &question->other.pod->labels);
	if (unmet_label) {
		misses |= MISS_POD_LABELS;
		if (!(misses & MISS_NAMESPACE))
			*unmet = unmet_label;
	}
	return misses;
}

static unsigned int block_peer_misses(const struct peer *peer,
				      const struct ip_addr *addr)
{
	if (!cidr_contains(&peer->block, addr))
		return MISS_BLOCK;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (cidr_contains(&peer->except[i], addr))
			return MISS_EXCEPT;
	}
	return 0;
}

/* How far from matching: a pod in the wrong namespace with the wrong labels is
   further off than one with the wrong labels. */
static int distance(unsigned int misses)
{
	int n = __builtin_popcount(misses);

	return misses & (MISS_NOT_A_POD | MISS_BLOCK) ? n + 2 : n;
}

/* ---- rule --------------------------------------------------------------- */

unsigned int rule_misses(const struct rule *rule,
			 const struct rule_question *question,
			 struct rule_result *result)
{
	unsigned int port_miss = ports_match(rule, question) ? 0 : MISS_PORT;
	const struct requirement *nearest_unmet = NULL;
	const struct peer *nearest = NULL;
	unsigned int nearest_misses = 0;

	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct peer *peer = &rule->peers[i];
		const struct requirement *unmet = NULL;
		unsigned int misses;

		misses =
			peer->kind == PEER_IP_BLOCK
				? block_peer_misses(peer, &question->other.addr)
				: pod_peer_misses(peer, question, &unmet);
		if (!nearest || distance(misses) < distance(nearest_misses)) {
			nearest = peer;
			nearest_misses = misses;
			nearest_unmet = unmet;
		}
		if (misses == 0)
			break;
	}
	if (result) {
		result->misses = port_miss | nearest_misses;
		result->peer = nearest;
		result->requirement = nearest_unmet;
	}
	return port_miss | nearest_misses;
}
