/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_yaml.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "time_text.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Of workloads that share a policy; more are counted. */
#define MAX_WORKLOADS_TOLD 8

/* ---- words -------------------------------------------------------------- */

void suggest_yaml_write_word(FILE *out, const char *word)
{
	for (const char *p = word; *p; p++)
		fputc(*p >= ' ' && *p <= '~' ? *p : '?', out);
}

void suggest_yaml_write_use(FILE *out, const struct suggest_use *use)
{
	char time[TIME_TEXT_LEN];

	fprintf(out, "%" PRIu64 " %s", use->count,
		use->count == 1 ? "time" : "times");
	if (use->last_us > 0 && time_text_format(use->last_us, time))
		fprintf(out, ", last %s", time);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What some reader of YAML takes for something else than a text. */
static bool is_taken(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n" };

	for (size_t i = 0; i < N_OF(words); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_plain(const char *text)
{
	if (!is_letter(*text) || is_taken(text))
		return false;
	for (const char *p = text; *p; p++) {
		if (!is_letter(*p) && !(*p >= '0' && *p <= '9') &&
		    !strchr("-_./", *p))
			return false;
	}
	return true;
}

static void write_scalar(FILE *out, const char *text)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		if (*p >= ' ' && *p <= '~')
			fputc(*p, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*p);
	}
	fputc('"', out);
}

static void indent(FILE *out, int depth)
{
	fprintf(out, "%*s", depth, "");
}

/* ---- selectors ---------------------------------------------------------- */

static bool is_match(const struct requirement *requirement)
{
	return requirement->op == SELECTOR_IN && requirement->n_values == 1;
}

static size_t count_matches(const struct selector *selector)
{
	size_t n = 0;

	for (size_t i = 0; i < selector->n; i++)
		n += is_match(&selector->requirements[i]);
	return n;
}

static void write_matches(FILE *out, int depth, const struct selector *selector)
{
	indent(out, depth);
	fputs("matchLabels:\n", out);
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (!is_match(r))
			continue;
		indent(out, depth + 2);
		write_scalar(out, r->key);
		fputs(": ", out);
		write_scalar(out, r->values[0]);
		fputc('\n', out);
	}
}

/* Of others than matches, suggestions know one: that a key is not there. */
static void write_expressions(FILE *out, int depth,
			      const struct selector *selector)
{
	indent(out, depth);
	fputs("matchExpressions:\n", out);
	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (is_match(r))
			continue;
		indent(out, depth);
		fputs("- key: ", out);
		write_scalar(out, r->key);
		fputc('\n', out);
		indent(out, depth);
		fputs("  operator: DoesNotExist\n", out);
	}
}

/* Behind "podSelector" or "namespaceSelector". */
static void write_selector(FILE *out, int depth,
			   const struct selector *selector)
{
	size_t n_matches = count_matches(selector);

	if (selector->n == 0) {
		fputs(": {}\n", out);
		return;
	}
	fputs(":\n", out);
	if (n_matches > 0)
		write_matches(out, depth, selector);
	if (n_matches < selector->n)
		write_expressions(out, depth, selector);
}

/* ---- rules -------------------------------------------------------------- */

static void write_peer(FILE *out, int depth, const struct peer *peer)
{
	char text[CIDR_TEXT_LEN];
	const char *lead = "- ";

	if (peer->kind == PEER_IP_BLOCK) {
		indent(out, depth);
		fputs("- ipBlock:\n", out);
		indent(out, depth + 4);
		fputs("cidr: ", out);
		write_scalar(out, cidr_format(&peer->block, text));
		fputc('\n', out);
		return;
	}
	if (peer->namespace_selector) {
		indent(out, depth);
		fprintf(out, "%snamespaceSelector", lead);
		write_selector(out, depth + 4, peer->namespace_selector);
		lead = "  ";
	}
	if (peer->pod_selector) {
		indent(out, depth);
		fprintf(out, "%spodSelector", lead);
		write_selector(out, depth + 4, peer->pod_selector);
	}
}

static void write_port(FILE *out, int depth, const struct policy_port *port)
{
	indent(out, depth);
	fputs("- port: ", out);
	if (port->kind == PORT_NAMED)
		write_scalar(out, port->name);
	else
		fprintf(out, "%u", port->first);
	fputc('\n', out);
	if (port->kind == PORT_RANGE && port->last != port->first) {
		indent(out, depth);
		fprintf(out, "  endPort: %u\n", port->last);
	}
	indent(out, depth);
	fprintf(out, "  protocol: %s\n", protocol_name(port->protocol));
}

/* Lookups are from everybody. */
static void write_peer_name(FILE *out, const struct peer *peer,
			    const char *name)
{
	if (peer->kind == PEER_IP_BLOCK)
		name = "outside";
	if (!*name)
		return;
	suggest_yaml_write_word(out, name);
	fputs(": ", out);
}

static void write_rule_comment(FILE *out, const struct rule *rule,
			       const struct suggested_rule *told)
{
	fputs("  # ", out);
	if (told->is_dns)
		fputs("lookups of names (DNS): ", out);
	if (rule->n_peers == 1)
		write_peer_name(out, &rule->peers[0], told->peer_names[0]);
	suggest_yaml_write_use(out, &told->use);
	fputc('\n', out);
	if (told->is_every_port)
		fputs("  # what was seen has no ports, ping perhaps: only a "
		      "rule without ports allows it,\n"
		      "  # and with it every port\n",
		      out);
}

static size_t count_blocks(const struct rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->n_peers; i++)
		n += rule->peers[i].kind == PEER_IP_BLOCK;
	return n;
}

bool suggest_yaml_has_many_blocks(const struct suggested_policy *policy)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < policy->policy.n_rules[dir]; i++) {
			if (count_blocks(&policy->policy.rules[dir][i]) >
			    SUGGEST_YAML_MANY_BLOCKS)
				return true;
		}
	}
	return false;
}

static void write_peer_comment(FILE *out, const struct rule *rule,
			       const struct suggested_rule *told, size_t i)
{
	fputs("    # ", out);
	write_peer_name(out, &rule->peers[i], told->peer_names[i]);
	suggest_yaml_write_use(out, &told->peer_uses[i]);
	fputc('\n', out);
}

static void write_rule(FILE *out, const struct rule *rule,
		       const struct suggested_rule *told, enum direction dir)
{
	size_t n_blocks;

	write_rule_comment(out, rule, told);
	n_blocks = count_blocks(rule);
	if (n_blocks > SUGGEST_YAML_MANY_BLOCKS)
		fprintf(out,
			"  # %zu blocks of addresses outside: --merge-prefix "
			"with a smaller length makes fewer\n",
			n_blocks);
	fprintf(out, "  - %s:\n", dir == DIRECTION_EGRESS ? "to" : "from");
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (rule->n_peers > 1 &&
		    (rule->peers[i].kind != PEER_IP_BLOCK ||
		     n_blocks <= SUGGEST_YAML_MANY_BLOCKS))
			write_peer_comment(out, rule, told, i);
		write_peer(out, 4, &rule->peers[i]);
	}
	if (rule->n_ports == 0)
		return;
	fputs("    ports:\n", out);
	for (size_t i = 0; i < rule->n_ports; i++)
		write_port(out, 4, &rule->ports[i]);
}

static void write_direction(FILE *out, const struct suggested_policy *policy,
			    enum direction dir)
{
	if (!policy->policy.isolates[dir])
		return;
	fprintf(out, "  %s:", direction_name(dir));
	if (policy->policy.n_rules[dir] == 0) {
		fputs(policy->has_apart[dir]
			      ? " [] # what was seen is to decide\n"
			      : " [] # nothing was seen\n",
		      out);
		return;
	}
	fputc('\n', out);
	for (size_t i = 0; i < policy->policy.n_rules[dir]; i++)
		write_rule(out, &policy->policy.rules[dir][i],
			   &policy->rules[dir][i], dir);
}

/* ---- policies ----------------------------------------------------------- */

static void write_workloads(FILE *out, const struct suggested_policy *policy)
{
	for (size_t i = 0; i < policy->n_workloads && i < MAX_WORKLOADS_TOLD;
	     i++) {
		const struct suggested_workload *w = &policy->workloads[i];

		fputs("# ", out);
		suggest_yaml_write_word(out, w->namespace);
		fputc('/', out);
		suggest_yaml_write_word(out, w->name);
		fputs(" (", out);
		suggest_yaml_write_word(out, w->kind);
		fprintf(out, ", %zu %s)\n", w->n_pods,
			w->n_pods == 1 ? "pod" : "pods");
	}
	if (policy->n_workloads > MAX_WORKLOADS_TOLD)
		fprintf(out, "# and %zu more\n",
			policy->n_workloads - MAX_WORKLOADS_TOLD);
	if (policy->n_workloads > 1)
		fputs("# No labels tell these apart.\n", out);
}

static void write_policy(FILE *out, const struct suggested_policy *policy)
{
	const struct network_policy *p = &policy->policy;
	const char *comma = "";

	fputs("---\n", out);
	write_workloads(out, policy);
	fputs("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	      "metadata:\n  namespace: ",
	      out);
	write_scalar(out, p->namespace);
	fputs("\n  name: ", out);
	write_scalar(out, p->name);
	fputs("\nspec:\n  podSelector", out);
	write_selector(out, 4, &p->pod_selector);
	fputs("  policyTypes: [", out);
	if (p->isolates[DIRECTION_INGRESS]) {
		fputs("Ingress", out);
		comma = ", ";
	}
	if (p->isolates[DIRECTION_EGRESS])
		fprintf(out, "%sEgress", comma);
	fputs("]\n", out);
	write_direction(out, policy, DIRECTION_INGRESS);
	write_direction(out, policy, DIRECTION_EGRESS);
}

void suggest_yaml_write(FILE *out, const struct suggested_policy *policies,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		write_policy(out, &policies[i]);
}
