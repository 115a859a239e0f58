/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode_policy.h"

#include <errno.h>
#include <string.h>

/* ---- selectors ---------------------------------------------------------- */

static enum selector_operator operator_from_text(const struct tree *text)
{
	static const struct {
		const char *name;
		enum selector_operator op;
	} operators[] = {
		{ "In", SELECTOR_IN },
		{ "NotIn", SELECTOR_NOT_IN },
		{ "Exists", SELECTOR_EXISTS },
		{ "DoesNotExist", SELECTOR_DOES_NOT_EXIST },
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (tree_text_is(text, operators[i].name))
			return operators[i].op;
	}
	return SELECTOR_UNKNOWN;
}

static int decode_expression(const struct tree *expression, struct arena *arena,
			     struct requirement *out)
{
	const struct tree *list = tree_get_set(expression, "values");
	const char **values;
	size_t n = 0;

	out->key = tree_text(tree_get(expression, "key"));
	out->op = operator_from_text(tree_get(expression, "operator"));
	if (!tree_first(list))
		return 0;
	values = arena_array(arena, list->len, sizeof(const char *));
	if (!values)
		return -ENOMEM;
	for (const struct tree *e = list->first; e; e = e->next)
		values[n++] = tree_text(e);
	out->values = values;
	out->n_values = n;
	return 0;
}

/* NP-22. */
static int decode_match_label(const struct label *label, struct arena *arena,
			      struct requirement *out)
{
	const char **values = arena_array(arena, 1, sizeof(const char *));

	if (!values)
		return -ENOMEM;
	values[0] = label->value;
	*out = (struct requirement){
		.key = label->key,
		.op = SELECTOR_IN,
		.values = values,
		.n_values = 1,
	};
	return 0;
}

static int decode_selector(const struct tree *tree, struct arena *arena,
			   struct selector *out)
{
	const struct tree *list = tree_get_set(tree, "matchExpressions");
	struct requirement *requirements;
	struct labels labels = { 0 };
	size_t n = 0;
	int r;

	r = decode_labels(tree_get(tree, "matchLabels"), arena, &labels);
	if (r < 0)
		return r;
	requirements = arena_array(arena, labels.n + (list ? list->len : 0),
				   sizeof(*requirements));
	if (!requirements)
		return -ENOMEM;
	for (size_t i = 0; i < labels.n && r == 0; i++)
		r = decode_match_label(&labels.items[i], arena,
				       &requirements[n++]);
	for (const struct tree *e = tree_first(list); e && r == 0; e = e->next)
		r = decode_expression(e, arena, &requirements[n++]);
	out->requirements = requirements;
	out->n = n;
	return r;
}

/* In a peer there is a difference between no selector and an empty one
   (NP-1). */
static int decode_peer_selector(const struct tree *tree, struct arena *arena,
				const struct selector **out)
{
	struct selector *selector;
	int r;

	if (!tree)
		return 0;
	selector = arena_alloc(arena, sizeof(*selector));
	if (!selector)
		return -ENOMEM;
	r = decode_selector(tree, arena, selector);
	*out = selector;
	return r;
}

/* ---- peers -------------------------------------------------------------- */

static int decode_cidr(const struct tree *text, struct cidr *out)
{
	if (!text || text->type != TREE_STRING)
		return -EINVAL;
	return cidr_parse(text->text, text->len, out, NULL);
}

static int decode_ip_block(const struct tree *block, struct arena *arena,
			   struct peer *out)
{
	const struct tree *list = tree_get_set(block, "except");
	struct cidr *except;
	int r;

	out->kind = PEER_IP_BLOCK;
	r = decode_cidr(tree_get(block, "cidr"), &out->block);
	if (r < 0)
		return r;
	except = arena_array(arena, list ? list->len : 0, sizeof(*except));
	if (!except)
		return -ENOMEM;
	for (const struct tree *e = tree_first(list); e; e = e->next) {
		r = decode_cidr(e, &except[out->n_except++]);
		if (r < 0)
			return r;
	}
	out->except = except;
	return 0;
}

static int decode_peer(const struct tree *peer, struct arena *arena,
		       struct peer *out)
{
	const struct tree *pods = tree_get_set(peer, "podSelector");
	const struct tree *namespaces = tree_get_set(peer, "namespaceSelector");
	const struct tree *block = tree_get_set(peer, "ipBlock");
	int r;

	if (block)
		return pods || namespaces ? -EINVAL
					  : decode_ip_block(block, arena, out);
	/* Read on without selectors this would be "every pod here". */
	if (!pods && !namespaces)
		return -EINVAL;
	out->kind = PEER_PODS;
	r = decode_peer_selector(pods, arena, &out->pod_selector);
	if (r < 0)
		return r;
	return decode_peer_selector(namespaces, arena,
				    &out->namespace_selector);
}

/* ---- ports -------------------------------------------------------------- */

static bool is_port_number(int64_t number)
{
	return number >= 1 && number <= UINT16_MAX;
}

static int decode_numbers(int64_t first, const struct tree *end_port,
			  struct policy_port *out)
{
	int64_t last = first;

	tree_integer(end_port, &last);
	if (!is_port_number(first) || !is_port_number(last) || last < first)
		return -EINVAL;
	out->kind = PORT_RANGE;
	out->first = (uint16_t)first;
	out->last = (uint16_t)last;
	return 0;
}

static int decode_port(const struct tree *entry, struct policy_port *out)
{
	const struct tree *protocol = tree_get_set(entry, "protocol");
	const struct tree *port = tree_get_set(entry, "port");
	const struct tree *end_port = tree_get_set(entry, "endPort");
	int64_t number;

	out->protocol = PROTOCOL_TCP; /* NP-7 */
	if (protocol)
		out->protocol = protocol_from_name(tree_text(protocol));
	if (!protocol_has_ports(out->protocol))
		return -EINVAL;
	if (tree_integer(port, &number))
		return decode_numbers(number, end_port, out);
	if (end_port)
		return -EINVAL;
	if (!port) {
		out->kind = PORT_ANY;
		return 0;
	}
	out->kind = PORT_NAMED;
	out->name = tree_text(port);
	return 0;
}

/* ---- rules -------------------------------------------------------------- */

static int decode_ports(const struct tree *list, struct arena *arena,
			struct rule *out)
{
	struct policy_port *ports;

	if (!tree_first(list))
		return 0;
	ports = arena_array(arena, list->len, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	for (const struct tree *e = list->first; e; e = e->next) {
		int r = decode_port(e, &ports[out->n_ports++]);

		if (r < 0)
			return r;
	}
	out->ports = ports;
	return 0;
}

static int decode_peers(const struct tree *list, struct arena *arena,
			struct rule *out)
{
	struct peer *peers;

	if (!tree_first(list))
		return 0;
	peers = arena_array(arena, list->len, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	for (const struct tree *e = list->first; e; e = e->next) {
		int r = decode_peer(e, arena, &peers[out->n_peers++]);

		if (r < 0)
			return r;
	}
	out->peers = peers;
	return 0;
}

static int decode_rules(const struct tree *spec, enum direction direction,
			struct arena *arena, struct network_policy *out)
{
	const struct tree *list = tree_get_set(spec, direction_name(direction));
	const char *peers = direction == DIRECTION_EGRESS ? "to" : "from";
	struct rule *rules;
	size_t n = 0;

	if (!tree_first(list))
		return 0;
	rules = arena_array(arena, list->len, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (const struct tree *e = list->first; e; e = e->next) {
		struct rule *rule = &rules[n++];
		int r = decode_ports(tree_get(e, "ports"), arena, rule);

		if (r < 0)
			return r;
		r = decode_peers(tree_get(e, peers), arena, rule);
		if (r < 0)
			return r;
	}
	out->rules[direction] = rules;
	out->n_rules[direction] = n;
	return 0;
}

/* ---- policies ----------------------------------------------------------- */

/* NP-3. */
static int decode_policy_types(const struct tree *spec,
			       struct network_policy *out)
{
	const struct tree *first = tree_first(tree_get(spec, "policyTypes"));

	if (!first) {
		out->isolates[DIRECTION_INGRESS] = true;
		out->isolates[DIRECTION_EGRESS] =
			out->n_rules[DIRECTION_EGRESS] > 0;
		return 0;
	}
	for (const struct tree *e = first; e; e = e->next) {
		if (tree_text_is(e, "Ingress"))
			out->isolates[DIRECTION_INGRESS] = true;
		else if (tree_text_is(e, "Egress"))
			out->isolates[DIRECTION_EGRESS] = true;
		else
			return -EINVAL;
	}
	return 0;
}

int decode_policy(const struct tree *tree, struct arena *arena,
		  struct network_policy *out)
{
	const struct tree *metadata = tree_get(tree, "metadata");
	const struct tree *spec = tree_get(tree, "spec");
	int r;

	out->namespace = decode_namespace(metadata);
	out->name = tree_text(tree_get(metadata, "name"));
	out->uid = tree_text(tree_get(metadata, "uid"));
	tree_integer(tree_get(metadata, "generation"), &out->generation);
	out->mode = decode_mode(metadata);
	r = decode_selector(tree_get(spec, "podSelector"), arena,
			    &out->pod_selector);
	if (r < 0)
		return r;
	r = decode_rules(spec, DIRECTION_INGRESS, arena, out);
	if (r < 0)
		return r;
	r = decode_rules(spec, DIRECTION_EGRESS, arena, out);
	if (r < 0)
		return r;
	return decode_policy_types(spec, out);
}
