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

#include "label_text.h"
#include "list_text.h"
#include "port_text.h"
#include "rule_text.h"

/* What a condition is made of. */
struct condition {
	FILE *out;
	const struct flow_key *key;
	const struct rule_result *result;
	const struct rule *rule;
	struct ip_addr addr;   /* the other end's */
	const struct pod *pod; /* the other end; NULL: no pod */
	struct receiver receiver;
	bool begun; /* a clause has been written */
};

static struct condition condition_of(FILE *out,
				     const struct decision_record *record,
				     enum direction dir,
				     const struct rule_result *result)
{
	const struct side_explanation *sides = record->explanation->sides;
	bool egress = dir == DIRECTION_EGRESS;

	return (struct condition){
		.out = out,
		.key = &record->key,
		.result = result,
		.rule = &result->policy->rules[dir][result->rule],
		.addr = egress ? record->key.dst : record->key.src,
		.pod = sides[egress ? DIRECTION_INGRESS : DIRECTION_EGRESS].pod,
		.receiver = { sides[DIRECTION_INGRESS].pod, &record->key.dst },
	};
}

/* ---- clauses ------------------------------------------------------------ */

static void begin_clause(struct condition *c)
{
	if (c->begun)
		fprintf(c->out, " and ");
	c->begun = true;
}

/* ---- labels ------------------------------------------------------------- */

/* "had tier=web", "did not have tier in (a,b)", "had the label tier". */
static void write_requirement(FILE *out, const struct requirement *requirement)
{
	fprintf(out, "%s ",
		label_text_is_negative(requirement) ? "did not have" : "had");
	label_text_write(out, requirement);
}

static void write_name_requirements(struct condition *c)
{
	const struct unmet *unmet = &c->result->namespace_labels;

	for (size_t i = 0; i < unmet->n; i++) {
		const struct requirement *r = unmet->items[i];

		if (!label_text_is_name(r))
			continue;
		begin_clause(c);
		fprintf(c->out, "pod %s/%s were %sin namespace ",
			c->pod->namespace, c->pod->name,
			label_text_is_negative(r) ? "not " : "");
		label_text_write_names(c->out, r, " or ");
	}
}

static void write_namespace_requirements(struct condition *c)
{
	bool unknown = c->result->misses & MISS_NAMESPACE_UNKNOWN;
	const struct unmet *unmet = &c->result->namespace_labels;
	size_t n = 0, i = 0;

	for (size_t k = 0; k < unmet->n; k++)
		n += !label_text_is_name(unmet->items[k]);
	if (n == 0)
		return;
	begin_clause(c);
	fprintf(c->out, "namespace %s %s", c->pod->namespace,
		unknown ? "were known and " : "");
	for (size_t k = 0; k < unmet->n; k++) {
		if (label_text_is_name(unmet->items[k]))
			continue;
		if (!list_text_begin_item(c->out, i++, n, " and "))
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
		if (!list_text_begin_item(c->out, i, unmet->n, " and "))
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
		if (!list_text_begin_item(c->out, i++, n, " and "))
			return;
		fprintf(c->out, "%s", cidr_format(&peer->except[k], text));
	}
}

/* ---- ports -------------------------------------------------------------- */

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
		if (!list_text_begin_item(c->out, i, rule->n_ports,
					  port_text_joint(rule, &c->receiver)))
			break;
		port_text_write(c->out, &rule->ports[i], &c->receiver);
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
			       enum direction dir,
			       const struct rule_result *result)
{
	struct condition c = condition_of(out, record, dir, result);

	write_condition(&c);
}

void miss_text_write(FILE *out, const struct decision_record *record,
		     enum direction dir, const struct rule_result *result)
{
	struct condition c = condition_of(out, record, dir, result);

	rule_text_write_name(out, result->policy, result->rule);
	if (result->misses == MISS_NOT_A_POD) {
		fprintf(out, " names only pods, and ");
		write_addr(&c);
		fprintf(out, " is no pod's address");
		return;
	}
	fprintf(out, " would match if ");
	write_condition(&c);
}
