/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "oracle_types.h"

/* ---- selectors ---------------------------------------------------------- */

static const char *label_of(const struct o_labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->n; i++)
		if (o_same(labels->items[i].key, key))
			return labels->items[i].value;
	return NULL;
}

/* NP-23, NP-24. What cannot be evaluated is false (NP-25). */
static bool requirement_holds(const struct o_requirement *r,
			      const struct o_labels *labels)
{
	const char *value = label_of(labels, r->key);
	bool listed = false;

	for (size_t i = 0; value != NULL && i < r->n_values; i++)
		listed = listed || o_same(r->values[i], value);
	if (o_same(r->op, "In"))
		return value != NULL && listed;
	if (o_same(r->op, "NotIn"))
		return r->n_values > 0 && !listed;
	if (o_same(r->op, "Exists"))
		return r->n_values == 0 && value != NULL;
	if (o_same(r->op, "DoesNotExist"))
		return r->n_values == 0 && value == NULL;
	return false;
}

static bool selects(const struct o_selector *selector,
		    const struct o_labels *labels)
{
	for (size_t i = 0; i < selector->n; i++)
		if (!requirement_holds(&selector->requirements[i], labels))
			return false;
	return true;
}

static bool selects_namespace(const struct oracle *oracle,
			      const struct o_selector *selector, const char *ns)
{
	const struct o_object *namespace = o_find(oracle, O_NAMESPACE, "", ns);
	struct o_label name = { "kubernetes.io/metadata.name", ns };
	struct o_labels only_name = { &name, 1 };

	if (namespace != NULL)
		return selects(selector, &namespace->labels);
	/* NP-42: nothing but the name is known of it. */
	for (size_t i = 0; i < selector->n; i++)
		if (!o_same(selector->requirements[i].key, name.key))
			return false;
	return selects(selector, &only_name);
}

/* ---- pods --------------------------------------------------------------- */

static bool has_address(const struct o_object *o, const struct o_addr *addr)
{
	for (size_t i = 0; i < o->n_addrs; i++)
		if (o_addr_equal(&o->addrs[i], addr))
			return true;
	return false;
}

/* NP-64: whether a is the better owner of an address that both claim. */
static bool is_preferred(const struct o_object *a, const struct o_object *b)
{
	if (a->deleting != b->deleting)
		return b->deleting;
	if (!o_same(a->created, b->created))
		return strcmp(a->created, b->created) > 0;
	return strcmp(a->uid, b->uid) > 0;
}

/* NP-53: an address of the node that the pod runs on, or of the node that asks,
   is the node's, and so is that of a pod on the host network (NP-52). */
static bool is_address_of_node(const struct oracle *oracle, const char *node,
			       const struct o_addr *addr)
{
	for (const struct o_object *o = oracle->objects; o != NULL;
	     o = o->next) {
		bool of_node = o->kind == O_NODE && o_same(o->name, node);

		if (o->kind == O_POD && o->host_network && !o->finished)
			of_node = o_same(o->node, node);
		if (of_node && has_address(o, addr))
			return true;
	}
	return false;
}

/* NP-52, NP-61 … NP-64. */
static const struct o_object *pod_by_address(const struct oracle *oracle,
					     const char *node,
					     const struct o_addr *addr)
{
	const struct o_object *best = NULL;

	for (const struct o_object *o = oracle->objects; o != NULL;
	     o = o->next) {
		if (o->kind != O_POD || o->host_network || o->finished ||
		    !has_address(o, addr))
			continue;
		if (!o_same(o->node, "") &&
		    is_address_of_node(oracle, o->node, addr))
			continue;
		if (node != NULL && is_address_of_node(oracle, node, addr))
			continue;
		if (best == NULL || is_preferred(o, best))
			best = o;
	}
	return best;
}

static bool is_local(const struct o_object *pod, const char *node)
{
	return node == NULL || o_same(pod->node, node);
}

/* ---- rules -------------------------------------------------------------- */

struct question {
	const struct oracle *oracle;
	const struct probe *probe;
	const struct o_object *peer; /* NULL: no pod */
	const struct o_addr *peer_addr;
	const struct o_object *receiver; /* whose port names count (NP-45) */
};

static const char *protocol_text(uint8_t protocol)
{
	switch (protocol) {
	case 6:
		return "TCP";
	case 17:
		return "UDP";
	case 132:
		return "SCTP";
	default:
		return "other"; /* NP-70, NP-77 */
	}
}

static bool port_fits(const struct o_port *port, const struct question *q)
{
	const char *protocol = protocol_text(q->probe->protocol);
	json_int_t number = q->probe->port;

	if (!o_same(port->protocol, protocol))
		return false;
	if (port->name == NULL && !port->has_number)
		return true;
	if (!q->probe->has_port) /* NP-74 */
		return false;
	if (port->name == NULL)
		return port->first <= number && number <= port->last;
	if (q->receiver == NULL) /* NP-47 */
		return false;
	for (size_t i = 0; i < q->receiver->n_container_ports; i++) {
		const struct o_container_port *c =
			&q->receiver->container_ports[i];

		if (o_same(c->name, port->name) &&
		    o_same(c->protocol, protocol) && c->number == number)
			return true;
	}
	return false;
}

static bool block_fits(const struct o_peer *peer, const struct o_addr *addr)
{
	if (!o_block_contains(&peer->block, addr))
		return false;
	for (size_t i = 0; i < peer->n_except; i++)
		if (o_block_contains(&peer->except[i], addr))
			return false;
	return true;
}

static bool peer_fits(const struct o_peer *peer, const char *policy_ns,
		      const struct question *q)
{
	if (peer->has_block) /* NP-33, NP-35 */
		return block_fits(peer, q->peer_addr);
	if (q->peer == NULL) /* NP-34 */
		return false;
	if (peer->namespaces.set) {
		if (!selects_namespace(q->oracle, &peer->namespaces,
				       q->peer->ns))
			return false;
	} else if (!o_same(q->peer->ns, policy_ns)) {
		return false;
	}
	return !peer->pods.set || selects(&peer->pods, &q->peer->labels);
}

static bool any_port_fits(const struct o_rule *rule, const struct question *q)
{
	for (size_t i = 0; i < rule->n_ports; i++)
		if (port_fits(&rule->ports[i], q))
			return true;
	return rule->n_ports == 0;
}

static bool any_peer_fits(const struct o_rule *rule, const char *policy_ns,
			  const struct question *q)
{
	for (size_t i = 0; i < rule->n_peers; i++)
		if (peer_fits(&rule->peers[i], policy_ns, q))
			return true;
	return rule->n_peers == 0;
}

/* NP-8: what a policy says of itself counts before what its namespace says. */
static bool is_staged(const struct oracle *oracle,
		      const struct o_object *policy)
{
	const struct o_object *ns = o_find(oracle, O_NAMESPACE, "", policy->ns);

	if (*policy->mode != '\0')
		return o_same(policy->mode, "audit");
	return ns != NULL && o_same(ns->mode, "audit");
}

/* NP-10. */
static bool isolates(const struct oracle *oracle, const struct o_object *policy,
		     const struct o_object *pod, enum oracle_direction dir)
{
	if (policy->kind != O_POLICY || !o_same(policy->ns, pod->ns))
		return false;
	if (!policy->governs[dir] || !selects(&policy->selects, &pod->labels))
		return false;
	if (policy->gone && !o_is_kept(oracle, policy))
		return false;
	return oracle->enforce_staged || !is_staged(oracle, policy);
}

/* ---- sides -------------------------------------------------------------- */

static void *grow(void *items, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return items;
	*room = *room * 2 + 16;
	items = realloc(items, *room * size);
	if (items == NULL)
		o_die("no memory for", "an answer");
	return items;
}

/* Adds a policy and its rules to the answer. Returns whether a rule allows. */
static bool policy_ask(struct oracle *oracle, const struct o_object *policy,
		       enum oracle_direction dir, const struct question *q,
		       struct oracle_side *side)
{
	struct oracle_policy_ref ref = { policy->ns, policy->name };
	size_t n_rules = o_is_bare(oracle, policy) ? 0 : policy->n_rules[dir];
	bool allow = false;

	oracle->isolating[dir] =
		grow(oracle->isolating[dir], side->n_isolating,
		     &oracle->isolating_room[dir], sizeof(*side->isolating));
	oracle->isolating[dir][side->n_isolating++] = ref;
	for (size_t i = 0; i < n_rules; i++) {
		const struct o_rule *rule = &policy->rules[dir][i];
		struct oracle_rule_ref result = {
			.policy = ref,
			.rule = i,
			.port_fits = any_port_fits(rule, q),
			.peer_fits = any_peer_fits(rule, policy->ns, q),
		};

		oracle->rules[dir] =
			grow(oracle->rules[dir], side->n_rules,
			     &oracle->rules_room[dir], sizeof(*side->rules));
		oracle->rules[dir][side->n_rules++] = result;
		allow = allow || (result.port_fits && result.peer_fits);
	}
	return allow;
}

static struct oracle_side side_ask(struct oracle *oracle,
				   const struct o_object *pod,
				   enum oracle_direction dir,
				   const struct question *q)
{
	struct oracle_side side = { .pod_ns = pod->ns, .pod_name = pod->name };
	bool allow = false;

	for (const struct o_object *o = oracle->objects; o != NULL; o = o->next)
		if (isolates(oracle, o, pod, dir) &&
		    policy_ask(oracle, o, dir, q, &side))
			allow = true;
	side.isolating = oracle->isolating[dir];
	side.rules = oracle->rules[dir];
	side.self = pod == q->peer;
	if (side.n_isolating == 0) {
		side.why = ORACLE_NOT_ISOLATED;
		side.allow = true;
	} else if (side.self) {
		side.why = ORACLE_SELF;
		side.allow = true;
	} else {
		side.why = ORACLE_RULES;
		side.allow = allow;
	}
	return side;
}

/* A side that is not asked. */
static void pass(struct oracle_side *side, enum oracle_why why)
{
	side->allow = true;
	side->why = why;
}

static struct o_addr address(int family, const uint8_t bytes[16])
{
	struct o_addr addr = { .family = family };

	memcpy(addr.bytes, bytes, family == 4 ? 4 : 16);
	return addr;
}

/* DEC-5. */
struct oracle_answer oracle_ask(struct oracle *oracle, const char *node,
				const struct probe *probe)
{
	struct o_addr src = address(probe->family, probe->src);
	struct o_addr dst = address(probe->family, probe->dst);
	const struct o_object *sender = pod_by_address(oracle, node, &src);
	const struct o_object *receiver = pod_by_address(oracle, node, &dst);
	struct question out = { oracle, probe, receiver, &dst, receiver };
	struct question in = { oracle, probe, sender, &src, receiver };
	struct oracle_answer answer = { 0 };
	struct oracle_side *egress = &answer.sides[ORACLE_EGRESS];
	struct oracle_side *ingress = &answer.sides[ORACLE_INGRESS];

	if (sender != NULL)
		*egress = side_ask(oracle, sender, ORACLE_EGRESS, &out);
	if (sender == NULL)
		pass(egress, ORACLE_NOT_A_POD);
	else if (!is_local(sender, node))
		pass(egress, ORACLE_NOT_LOCAL);

	if (receiver != NULL)
		*ingress = side_ask(oracle, receiver, ORACLE_INGRESS, &in);
	if (receiver == NULL)
		pass(ingress, ORACLE_NOT_A_POD);
	else if (!is_local(receiver, node))
		pass(ingress, ORACLE_NOT_LOCAL);
	else if (probe->from_own_node && sender == NULL)
		pass(ingress, ORACLE_OWN_NODE);

	answer.allow = egress->allow && ingress->allow;
	return answer;
}

bool oracle_is_node_of(const struct oracle *oracle, int family,
		       const uint8_t bytes[16], const char *pod_ns,
		       const char *pod_name)
{
	struct o_addr addr = address(family, bytes);
	const struct o_object *pod = o_find(oracle, O_POD, pod_ns, pod_name);

	return pod != NULL && !o_same(pod->node, "") &&
	       is_address_of_node(oracle, pod->node, &addr);
}

bool oracle_diverts(struct oracle *oracle, const char *node,
		    enum oracle_direction dir, int family,
		    const uint8_t bytes[16])
{
	struct o_addr addr = address(family, bytes);
	const struct o_object *pod = pod_by_address(oracle, node, &addr);
	bool isolated = false;

	if (pod == NULL || !is_local(pod, node))
		return false;
	for (const struct o_object *o = oracle->objects; o != NULL; o = o->next)
		isolated = isolated || isolates(oracle, o, pod, dir);
	return isolated;
}

void oracle_each_address(const struct oracle *oracle,
			 void (*fn)(void *ctx, int family,
				    const uint8_t addr[16]),
			 void *ctx)
{
	for (const struct o_object *o = oracle->objects; o != NULL; o = o->next)
		for (size_t i = 0; i < o->n_addrs; i++)
			fn(ctx, o->addrs[i].family, o->addrs[i].bytes);
}

void oracle_address(const char *text, int *family, uint8_t addr[16])
{
	struct o_addr out;

	if (!o_addr_parse(text, strlen(text), &out))
		o_die("no address", text);
	*family = out.family;
	memcpy(addr, out.bytes, 16);
}
