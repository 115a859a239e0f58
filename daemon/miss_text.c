/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A condition is a row of clauses that are joined by "and", the peer's before
 * the port's:
 *
 *	namespace guests had team=a
 *	and pod guests/x did not have tier=db
 *	and the port were 8080/TCP or http/TCP, which is 8081 (not 9090/TCP)
 *
 * What is unmet comes from the engine (struct rule_result); here it is only put
 * into words.
 */
#include "miss_text.h"

#include <stdbool.h>
#include <string.h>

#include "netpold/selector.h"

/* How much of a list is told, so that somebody reads the line to its end. */
#define MAX_LISTED 8

/* What a condition is made of. */
struct condition {
	FILE *out;
	const struct flow_key *key;
	const struct rule_result *result;
	const struct rule *rule;
	struct ip_addr addr;	    /* the other end's */
	const struct pod *pod;	    /* the other end; NULL: no pod */
	const struct pod *receiver; /* whose port names count (NP-45) */
	bool begun;		    /* a clause has been written */
};

static struct condition condition_of(FILE *out,
				     const struct decision_record *record,
				     enum direction dir)
{
	const struct side_explanation *sides = record->explanation->sides;
	const struct rule_result *result = sides[dir].nearest;
	bool egress = dir == DIRECTION_EGRESS;

	return (struct condition){
		.out = out,
		.key = &record->key,
		.result = result,
		.rule = &result->policy->rules[dir][result->rule],
		.addr = egress ? record->key.dst : record->key.src,
		.pod = sides[egress ? DIRECTION_INGRESS : DIRECTION_EGRESS].pod,
		.receiver = sides[DIRECTION_INGRESS].pod,
	};
}

/* ---- lists -------------------------------------------------------------- */

static void begin_clause(struct condition *c)
{
	if (c->begun)
		fprintf(c->out, " and ");
	c->begun = true;
}

/* What stands before item i of n that are joined by ", " and, before the last,
   a word. Returns false where the list ends early, after saying so. */
static bool begin_item(FILE *out, size_t i, size_t n, const char *word)
{
	if (i == MAX_LISTED) {
		fprintf(out, " %s %zu more", word, n - i);
		return false;
	}
	if (i > 0 && i + 1 < n)
		fprintf(out, ", ");
	else if (i > 0)
		fprintf(out, " %s ", word);
	return true;
}

/* ---- labels ------------------------------------------------------------- */

static bool is_negative(const struct requirement *requirement)
{
	return requirement->op == SELECTOR_NOT_IN ||
	       requirement->op == SELECTOR_DOES_NOT_EXIST;
}

static bool is_about_presence(const struct requirement *requirement)
{
	return requirement->op == SELECTOR_EXISTS ||
	       requirement->op == SELECTOR_DOES_NOT_EXIST;
}

/* "had tier=web", "did not have tier in (a,b)", "had the label tier". */
static void write_requirement(FILE *out, const struct requirement *requirement)
{
	struct requirement what = *requirement;
	char text[1024];

	what.op =
		is_about_presence(requirement) ? SELECTOR_EXISTS : SELECTOR_IN;
	if (what.n_values > MAX_LISTED)
		what.n_values = MAX_LISTED;
	requirement_format(&what, text, sizeof(text));
	fprintf(out, "%s %s%s",
		is_negative(requirement) ? "did not have" : "had",
		is_about_presence(requirement) ? "the label " : "", text);
	if (requirement->n_values > MAX_LISTED)
		fprintf(out, " or %zu more",
			requirement->n_values - MAX_LISTED);
}

/* A namespace's name is a label too (NP-41), and more readily said. */
static bool is_about_name(const struct requirement *requirement)
{
	return strcmp(requirement->key, NAMESPACE_NAME_LABEL) == 0 &&
	       !is_about_presence(requirement);
}

static void write_name_requirements(struct condition *c)
{
	const struct unmet *unmet = &c->result->namespace_labels;

	for (size_t i = 0; i < unmet->n; i++) {
		const struct requirement *r = unmet->items[i];

		if (!is_about_name(r))
			continue;
		begin_clause(c);
		fprintf(c->out, "pod %s/%s were %sin namespace ",
			c->pod->namespace, c->pod->name,
			is_negative(r) ? "not " : "");
		for (size_t k = 0; k < r->n_values; k++) {
			if (!begin_item(c->out, k, r->n_values, "or"))
				break;
			fprintf(c->out, "%s", r->values[k]);
		}
	}
}

static void write_namespace_requirements(struct condition *c)
{
	bool unknown = c->result->misses & MISS_NAMESPACE_UNKNOWN;
	const struct unmet *unmet = &c->result->namespace_labels;
	size_t n = 0, i = 0;

	for (size_t k = 0; k < unmet->n; k++)
		n += !is_about_name(unmet->items[k]);
	if (n == 0)
		return;
	begin_clause(c);
	fprintf(c->out, "namespace %s %s", c->pod->namespace,
		unknown ? "were known and " : "");
	for (size_t k = 0; k < unmet->n; k++) {
		if (is_about_name(unmet->items[k]))
			continue;
		if (!begin_item(c->out, i++, n, "and"))
			return;
		write_requirement(c->out, unmet->items[k]);
	}
}

static void write_pod_requirements(struct condition *c)
{
	const struct unmet *unmet = &c->result->pod_labels;

	begin_clause(c);
	fprintf(c->out, "pod %s/%s ", c->pod->namespace, c->pod->name);
	for (size_t i = 0; i < unmet->n; i++) {
		if (!begin_item(c->out, i, unmet->n, "and"))
			return;
		write_requirement(c->out, unmet->items[i]);
	}
}

/* ---- addresses ---------------------------------------------------------- */

static void write_addr(struct condition *c)
{
	char text[IP_ADDR_TEXT_LEN];

	fprintf(c->out, "%s", ip_addr_format(&c->addr, text));
}

static void write_exceptions(struct condition *c)
{
	const struct peer *peer = c->result->peer;
	char text[CIDR_TEXT_LEN];
	size_t n = 0, i = 0;

	for (size_t k = 0; k < peer->n_except; k++)
		n += cidr_contains(&peer->except[k], &c->addr);
	begin_clause(c);
	write_addr(c);
	fprintf(c->out, " were not excepted by ");
	for (size_t k = 0; k < peer->n_except; k++) {
		if (!cidr_contains(&peer->except[k], &c->addr))
			continue;
		if (!begin_item(c->out, i++, n, "and"))
			return;
		fprintf(c->out, "%s", cidr_format(&peer->except[k], text));
	}
}

/* ---- ports -------------------------------------------------------------- */

/* Which numbers a name stands for, at the end of the flow that has names. */
static void write_named_port(struct condition *c,
			     const struct policy_port *port)
{
	const struct pod *pod = c->receiver;
	size_t n = 0;

	fprintf(c->out, "%s/%s", port->name, protocol_name(port->protocol));
	for (size_t i = 0; pod && i < pod->n_ports; i++) {
		const struct container_port *p = &pod->ports[i];

		if (p->protocol != port->protocol ||
		    strcmp(p->name, port->name) != 0)
			continue;
		fprintf(c->out, "%s%u", n == 0 ? ", which is " : " or ",
			p->number);
		if (++n == MAX_LISTED)
			return;
	}
	if (n > 0)
		return;
	fprintf(c->out, ", a name that ");
	if (pod) {
		fprintf(c->out, "%s/%s does not have", pod->namespace,
			pod->name);
	} else {
		char text[IP_ADDR_TEXT_LEN];

		fprintf(c->out, "%s has not, being no pod's address",
			ip_addr_format(&c->key->dst, text));
	}
}

static void write_port(struct condition *c, const struct policy_port *port)
{
	const char *protocol = protocol_name(port->protocol);

	switch (port->kind) {
	case PORT_ANY:
		fprintf(c->out, "any %s port", protocol);
		return;
	case PORT_RANGE:
		fprintf(c->out, "%u", port->first);
		if (port->last != port->first)
			fprintf(c->out, "-%u", port->last);
		fprintf(c->out, "/%s", protocol);
		return;
	case PORT_NAMED:
		write_named_port(c, port);
		return;
	}
}

static void write_ports(struct condition *c)
{
	const struct flow_key *key = c->key;
	const char *protocol = protocol_name(key->protocol);
	const struct rule *rule = c->rule;

	begin_clause(c);
	if (!protocol_has_ports(key->protocol)) { /* NP-70 */
		fprintf(c->out, "the rule listed no ports (");
		if (protocol)
			fprintf(c->out, "%s has none)", protocol);
		else
			fprintf(c->out, "protocol %u has none)", key->protocol);
		return;
	}
	fprintf(c->out, "the port were ");
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (!begin_item(c->out, i, rule->n_ports, "or"))
			break;
		write_port(c, &rule->ports[i]);
	}
	if (key->has_port)
		fprintf(c->out, " (not %u/%s)", key->dst_port, protocol);
	else
		fprintf(c->out, " (a later fragment has none)"); /* NP-74 */
}

/* ---- the whole ---------------------------------------------------------- */

static void write_peer(struct condition *c)
{
	unsigned int misses = c->result->misses;
	char text[CIDR_TEXT_LEN];

	if (misses & MISS_NAMESPACE) {
		begin_clause(c);
		fprintf(c->out, "pod %s/%s were in namespace %s",
			c->pod->namespace, c->pod->name,
			c->result->policy->namespace);
	}
	if (misses & MISS_NAMESPACE_LABELS) {
		write_name_requirements(c);
		write_namespace_requirements(c);
	}
	if (misses & MISS_POD_LABELS)
		write_pod_requirements(c);
	if (misses & MISS_NOT_A_POD) {
		begin_clause(c);
		write_addr(c);
		fprintf(c->out, " were the address of a pod that it names");
	}
	if (misses & MISS_BLOCK) {
		begin_clause(c);
		write_addr(c);
		fprintf(c->out, " were in %s",
			cidr_format(&c->result->peer->block, text));
	}
	if (misses & MISS_EXCEPT)
		write_exceptions(c);
}

static void write_condition(struct condition *c)
{
	write_peer(c);
	if (c->result->misses & MISS_PORT)
		write_ports(c);
}

void miss_text_write_condition(FILE *out, const struct decision_record *record,
			       enum direction dir)
{
	struct condition c = condition_of(out, record, dir);

	write_condition(&c);
}

void miss_text_write(FILE *out, const struct decision_record *record,
		     enum direction dir)
{
	struct condition c = condition_of(out, record, dir);
	const struct rule_result *result = c.result;

	fprintf(out, "rule %zu of %s/%s ", result->rule + 1,
		result->policy->namespace, result->policy->name);
	if (result->misses == MISS_NOT_A_POD) {
		fprintf(out, "names only pods, and ");
		write_addr(&c);
		fprintf(out, " is no pod's address");
		return;
	}
	fprintf(out, "would match if ");
	write_condition(&c);
}
