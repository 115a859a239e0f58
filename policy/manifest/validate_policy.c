/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "validate.h"

#include "syntax.h"

/* ---- ports -------------------------------------------------------------- */

static void invalid_number(const struct validation *v, unsigned int line,
			   const struct path *path, int64_t value,
			   const char *detail)
{
	report_error(v->report, line, path, "Invalid value: %lld: %s",
		     (long long)value, detail);
}

static void check_port_range(const struct validation *v, unsigned int line,
			     const struct path *path, int64_t value)
{
	if (value < 1 || value > UINT16_MAX)
		invalid_number(v, line, path, value,
			       "must be between 1 and 65535, inclusive");
}

/* AV-49. The value shown is that of `port`, as the server shows it. */
static void check_end_port(const struct validation *v, const struct tree *end,
			   const struct tree *port, const struct path *path)
{
	int64_t first = 0, last = 0;

	tree_integer(end, &last);
	if (!port) {
		invalid_number(v, end->line, path, last,
			       "may not be specified when `port` is not "
			       "specified");
		return;
	}
	if (!tree_integer(port, &first)) {
		invalid_number(v, end->line, path, last,
			       "may not be specified when `port` is "
			       "non-numeric");
		return;
	}
	if (last < first)
		invalid_number(v, end->line, path, first,
			       "must be greater than or equal to `port`");
	check_port_range(v, end->line, path, last);
}

static void check_port(const struct validation *v, const struct tree *entry,
		       const struct path *path)
{
	const struct tree *protocol = tree_get_set(entry, "protocol");
	const struct tree *port = tree_get_set(entry, "port");
	const struct tree *end = tree_get_set(entry, "endPort");
	struct path at_protocol = path_field(path, "protocol");
	struct path at_port = path_field(path, "port");
	struct path at_end = path_field(path, "endPort");
	int64_t number;

	if (protocol && !tree_text_is(protocol, "TCP") &&
	    !tree_text_is(protocol, "UDP") && !tree_text_is(protocol, "SCTP")) {
		struct subject subject =
			subject_of(v->report, protocol, &at_protocol);

		syntax_unsupported(&subject, "\"TCP\", \"UDP\", \"SCTP\"");
	}
	if (port && port->type == TREE_STRING) {
		struct subject subject = subject_of(v->report, port, &at_port);

		syntax_check_port_name(&subject);
	} else if (tree_integer(port, &number)) {
		check_port_range(v, port->line, &at_port, number);
	}
	if (end)
		check_end_port(v, end, port, &at_end);
}

/* ---- peers -------------------------------------------------------------- */

static int check_peer(const struct validation *v, const struct tree *peer,
		      const struct path *path)
{
	const struct tree *pods = tree_get_set(peer, "podSelector");
	const struct tree *namespaces = tree_get_set(peer, "namespaceSelector");
	const struct tree *block = tree_get_set(peer, "ipBlock");
	struct path at_pods = path_field(path, "podSelector");
	struct path at_namespaces = path_field(path, "namespaceSelector");
	struct path at_block = path_field(path, "ipBlock");
	int r;

	if (!pods && !namespaces && !block)
		report_error(v->report, peer->line, path,
			     "Required value: must specify a peer");
	if (block && (pods || namespaces))
		report_error(v->report, peer->line, path,
			     "Forbidden: may not specify both ipBlock and "
			     "another peer");
	r = validate_selector(v, pods, &at_pods);
	if (r < 0)
		return r;
	r = validate_selector(v, namespaces, &at_namespaces);
	if (r < 0)
		return r;
	if (block)
		validate_ip_block(v, block, &at_block);
	return 0;
}

/* ---- rules -------------------------------------------------------------- */

static int check_rules(const struct validation *v, const struct tree *spec,
		       const char *field, const char *peers_field,
		       const struct path *at_spec)
{
	struct path at_rules = path_field(at_spec, field);
	size_t i = 0;

	for (const struct tree *rule = tree_first(tree_get(spec, field)); rule;
	     rule = rule->next) {
		struct path at_rule = path_item(&at_rules, i++);
		struct path at_ports = path_field(&at_rule, "ports");
		struct path at_peers = path_field(&at_rule, peers_field);
		const struct tree *e;
		size_t j = 0;

		for (e = tree_first(tree_get(rule, "ports")); e; e = e->next) {
			struct path at = path_item(&at_ports, j++);

			check_port(v, e, &at);
		}
		j = 0;
		for (e = tree_first(tree_get(rule, peers_field)); e;
		     e = e->next) {
			struct path at = path_item(&at_peers, j++);
			int r = check_peer(v, e, &at);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- policyTypes -------------------------------------------------------- */

/* AV-60: the list is shown as JSON. */
static void too_many_types(const struct validation *v, const struct tree *types,
			   const struct path *path)
{
	struct text *message = report_begin(v->report);

	text_put(message, "Invalid value: [");
	for (const struct tree *e = types->first; e; e = e->next) {
		text_put(message, "%s", e == types->first ? "" : ",");
		text_put_json_string(message, tree_text(e),
				     e->type == TREE_STRING ? e->len : 0);
	}
	text_put(message, "]: may not specify more than two policyTypes");
	report_send(v->report, types->line, path);
}

static void check_policy_types(const struct validation *v,
			       const struct tree *types,
			       const struct path *at_spec)
{
	struct path path = path_field(at_spec, "policyTypes");
	size_t i = 0;

	if (!tree_first(types))
		return;
	if (types->len > 2) {
		too_many_types(v, types, &path);
		return;
	}
	for (const struct tree *e = types->first; e; e = e->next) {
		struct path at = path_item(&path, i++);
		struct subject subject = subject_of(v->report, e, &at);

		if (!tree_text_is(e, "Ingress") && !tree_text_is(e, "Egress"))
			syntax_unsupported(&subject, "\"Ingress\", \"Egress\"");
	}
}

int validate_policy_spec(const struct validation *v, const struct tree *policy)
{
	const struct tree *spec = tree_get(policy, "spec");
	struct path path = path_field(NULL, "spec");
	struct path at_pods = path_field(&path, "podSelector");
	int r;

	r = validate_selector(v, tree_get(spec, "podSelector"), &at_pods);
	if (r < 0)
		return r;
	r = check_rules(v, spec, "ingress", "from", &path);
	if (r < 0)
		return r;
	r = check_rules(v, spec, "egress", "to", &path);
	if (r < 0)
		return r;
	check_policy_types(v, tree_get(spec, "policyTypes"), &path);
	return 0;
}
