/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule is who, then which ports:
 *
 *	from pods with app=client in namespace shop
 *	  or from 10.0.0.0/8 except 10.1.0.0/16,
 *	to port 80/TCP or any UDP port
 *
 * For egress it is "to" whom, and "port" which. Without peers it is anywhere,
 * without ports any protocol.
 */
#include "rule_text.h"

#include <stdbool.h>

#include "label_text.h"
#include "list_text.h"

/* ---- selectors ---------------------------------------------------------- */

/* " with a=b, c=d and without tier=x"; nothing where all labels will do.
   @but  a requirement that has been told, or NULL */
static void write_labels(FILE *out, const struct selector *selector,
			 const struct requirement *but)
{
	size_t n = selector->n - (but ? 1 : 0), told = 0;
	const char *word = NULL;

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];
		const char *wanted;

		if (r == but)
			continue;
		wanted = label_text_is_negative(r) ? "without " : "with ";
		if (told == 0)
			fprintf(out, " ");
		if (!list_text_begin_item(out, told++, n, " and "))
			return;
		if (word != wanted)
			fprintf(out, "%s", wanted);
		word = wanted;
		label_text_write(out, r);
	}
}

/* What the namespaces are called, where a selector says so. */
static const struct requirement *find_names(const struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (label_text_is_name(&selector->requirements[i]))
			return &selector->requirements[i];
	}
	return NULL;
}

/* " in namespace shop", " in namespaces with team=a", " in any namespace". */
static void write_namespaces(FILE *out, const struct selector *selector,
			     const char *own)
{
	const struct requirement *names;

	if (!selector) {
		fprintf(out, " in namespace %s", own);
		return;
	}
	if (selector->n == 0) {
		fprintf(out, " in any namespace");
		return;
	}
	names = find_names(selector);
	if (!names) {
		fprintf(out, " in namespaces");
	} else if (label_text_is_negative(names)) {
		fprintf(out, " in namespaces other than ");
		label_text_write_names(out, names, " and ");
	} else {
		fprintf(out, " in namespace ");
		label_text_write_names(out, names, " or ");
	}
	write_labels(out, selector, names);
}

/* ---- peers -------------------------------------------------------------- */

static void write_pods(FILE *out, const struct peer *peer, const char *own)
{
	if (!peer->pod_selector || peer->pod_selector->n == 0) {
		fprintf(out, "any pod");
	} else {
		fprintf(out, "pods");
		write_labels(out, peer->pod_selector, NULL);
	}
	write_namespaces(out, peer->namespace_selector, own);
}

static void write_block(FILE *out, const struct peer *peer)
{
	char text[CIDR_TEXT_LEN];

	if (peer->block.prefix_len == 0)
		fprintf(out, "any IPv%d address", peer->block.addr.family);
	else
		fprintf(out, "%s", cidr_format(&peer->block, text));
	for (size_t i = 0; i < peer->n_except; i++) {
		if (i == 0)
			fprintf(out, " except ");
		if (!list_text_begin_item(out, i, peer->n_except, " and "))
			return;
		fprintf(out, "%s", cidr_format(&peer->except[i], text));
	}
}

static const char *way(enum direction dir)
{
	return dir == DIRECTION_EGRESS ? "to" : "from";
}

/* @own  the policy's namespace */
static void write_peer(FILE *out, enum direction dir, const struct peer *peer,
		       const char *own)
{
	fprintf(out, "%s ", way(dir));
	if (!peer)
		fprintf(out, "anywhere");
	else if (peer->kind == PEER_IP_BLOCK)
		write_block(out, peer);
	else
		write_pods(out, peer, own);
}

static void write_peers(FILE *out, enum direction dir, const struct rule *rule,
			const char *own)
{
	if (rule->n_peers == 0)
		write_peer(out, dir, NULL, own);
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (!list_text_begin_item(out, i, rule->n_peers, " or "))
			return;
		write_peer(out, dir, &rule->peers[i], own);
	}
}

/* ---- ports -------------------------------------------------------------- */

static void begin_ports(FILE *out, enum direction dir)
{
	fprintf(out, ", %s", dir == DIRECTION_INGRESS ? "to " : "");
}

static void write_any_port(FILE *out)
{
	fprintf(out, ", any protocol and port");
}

static void write_ports(FILE *out, enum direction dir, const struct rule *rule,
			const struct receiver *receiver)
{
	bool after_number = false;

	if (rule->n_ports == 0) {
		write_any_port(out);
		return;
	}
	begin_ports(out, dir);
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct policy_port *port = &rule->ports[i];

		if (!list_text_begin_item(out, i, rule->n_ports,
					  port_text_joint(rule, receiver)))
			return;
		if (port->kind != PORT_ANY && !after_number)
			fprintf(out, "port ");
		after_number = port->kind != PORT_ANY;
		port_text_write(out, port, receiver);
	}
}

/* ---- the whole ---------------------------------------------------------- */

void rule_text_write_name(FILE *out, const struct network_policy *policy,
			  size_t rule)
{
	fprintf(out, "rule %zu of %s/%s", rule + 1, policy->namespace,
		policy->name);
}

void rule_text_write(FILE *out, const struct network_policy *policy,
		     enum direction dir, size_t rule,
		     const struct receiver *receiver)
{
	const struct rule *told = &policy->rules[dir][rule];

	write_peers(out, dir, told, policy->namespace);
	write_ports(out, dir, told, receiver);
}

/* " (peer 2 of 3)"; nothing where there is but one. */
static void write_place(FILE *out, const char *what, size_t i, size_t n)
{
	if (n > 1)
		fprintf(out, " (%s %zu of %zu)", what, i + 1, n);
}

void rule_text_write_match(FILE *out, enum direction dir,
			   const struct rule_result *result,
			   const struct receiver *receiver)
{
	const struct network_policy *policy = result->policy;
	const struct rule *rule = &policy->rules[dir][result->rule];
	const struct policy_port *port = result->port;

	write_peer(out, dir, result->peer, policy->namespace);
	if (result->peer)
		write_place(out, "peer", (size_t)(result->peer - rule->peers),
			    rule->n_peers);
	if (!port) {
		write_any_port(out);
		return;
	}
	begin_ports(out, dir);
	if (port->kind != PORT_ANY)
		fprintf(out, "port ");
	port_text_write(out, port, receiver);
	write_place(out, "port", (size_t)(port - rule->ports), rule->n_ports);
}
