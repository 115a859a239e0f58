/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From grants to rules that can be read.
 *
 * The grants of one peer are a run. Runs with the same ports are one rule:
 *
 *	from web: 5432			ports: [5432]
 *	from api: 5432		=>	from: [web, api]
 *	from backup: 5432, 9187		ports: [5432, 9187]
 *					from: [backup]
 *
 * so that each peer stands in one rule, and nobody gets a port that was
 * another's (NP-15: in a rule no peer belongs to a port). Ports that follow
 * each other are a range, and blocks that are the halves of one are that one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest/parts.h"

struct run {
	const struct suggest_grant *grants;
	size_t n;
};

/* ---- runs --------------------------------------------------------------- */

static bool is_same_peer(const struct suggest_grant *a,
			 const struct suggest_grant *b)
{
	return a->is_dns == b->is_dns && a->peer_kind == b->peer_kind &&
	       a->peer_unit == b->peer_unit &&
	       a->peer_block.prefix_len == b->peer_block.prefix_len &&
	       ip_addr_equal(&a->peer_block.addr, &b->peer_block.addr);
}

/* The last one of a run has every port, if any has. */
static bool is_every_port(const struct run *run)
{
	return run->grants[run->n - 1].is_every_port;
}

static int compare_ports(const struct suggest_grant *a,
			 const struct suggest_grant *b)
{
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->port_name && b->port_name)
		return strcmp(a->port_name, b->port_name);
	if (a->port_name || b->port_name)
		return a->port_name ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return 0;
}

/* Lookups first, what needs every port last, by their ports between. */
static int compare_lists(const struct run *a, const struct run *b)
{
	bool a_every = is_every_port(a), b_every = is_every_port(b);

	if (a->grants->is_dns != b->grants->is_dns)
		return a->grants->is_dns ? -1 : 1;
	if (a_every || b_every)
		return a_every - b_every;
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int order = compare_ports(&a->grants[i], &b->grants[i]);

		if (order)
			return order;
	}
	return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

/* Of equal ones, the order of their grants stays: one array holds them all. */
static int compare_runs(const void *left, const void *right)
{
	const struct run *a = left, *b = right;
	int order = compare_lists(a, b);

	if (order)
		return order;
	return a->grants == b->grants ? 0 : a->grants < b->grants ? -1 : 1;
}

static size_t find_runs(const struct suggest_grant *grants, size_t n,
			struct run *runs)
{
	size_t n_runs = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !is_same_peer(&grants[i - 1], &grants[i]))
			runs[n_runs++] = (struct run){ .grants = &grants[i] };
		runs[n_runs - 1].n++;
	}
	return n_runs;
}

/* ---- use ---------------------------------------------------------------- */

static struct suggest_use use_of(const struct run *run)
{
	struct suggest_use use = { 0 };

	for (size_t i = 0; i < run->n; i++)
		suggest_use_add(&use, &run->grants[i].use);
	return use;
}

/* ---- ports -------------------------------------------------------------- */

static bool extends(const struct policy_port *last,
		    const struct suggest_grant *grant)
{
	return last->kind == PORT_RANGE && !grant->port_name &&
	       last->protocol == grant->protocol &&
	       last->last + 1 == grant->port;
}

static int make_ports(struct arena *arena, const struct run *run,
		      struct rule *rule)
{
	struct policy_port *ports;
	size_t n = 0;

	if (is_every_port(run))
		return 0;
	ports = arena_array(arena, run->n, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	for (size_t i = 0; i < run->n; i++) {
		const struct suggest_grant *grant = &run->grants[i];

		if (n > 0 && extends(&ports[n - 1], grant)) {
			ports[n - 1].last = grant->port;
			continue;
		}
		ports[n++] = (struct policy_port){
			.kind = grant->port_name ? PORT_NAMED : PORT_RANGE,
			.protocol = grant->protocol,
			.first = grant->port_name ? 0 : grant->port,
			.last = grant->port_name ? 0 : grant->port,
			.name = grant->port_name,
		};
	}
	rule->ports = ports;
	rule->n_ports = n;
	return 0;
}

/* ---- peers -------------------------------------------------------------- */

/* What becomes of the runs of a rule. */
struct peers {
	struct peer *items;
	struct suggest_use *uses;
	const char **names;
	size_t n;
};

static const struct selector everything = { 0 };

static const struct selector *by_name(struct arena *arena,
				      const char *namespace)
{
	struct selector *selector = arena_array(arena, 1, sizeof(*selector));
	struct requirement *named = arena_array(arena, 1, sizeof(*named));
	const char **value = arena_array(arena, 1, sizeof(*value));

	if (!selector || !named || !value)
		return NULL;
	*value = namespace;
	*named = (struct requirement){ .key = NAMESPACE_NAME_LABEL,
				       .op = SELECTOR_IN,
				       .values = value,
				       .n_values = 1 };
	*selector = (struct selector){ .requirements = named, .n = 1 };
	return selector;
}

static const char *name_unit(struct suggest *suggest, uint32_t unit)
{
	const struct suggest_group *group = &suggest->groups[unit];
	const struct workload *w = &group->workload;
	bool is_shared = suggest->units[unit].n_pods > group->n;
	const char *more = is_shared ? " and others" : "";
	size_t len = strlen(w->namespace) + 1 + w->name_len + strlen(more);
	char *text = arena_alloc(&suggest->arena, len + 1);

	if (text)
		snprintf(text, len + 1, "%s/%.*s%s", w->namespace,
			 (int)w->name_len, w->name, more);
	return text;
}

static int make_unit_peer(struct suggest *suggest,
			  const struct suggest_grant *grant, struct peer *out,
			  const char **name)
{
	const char *home = suggest->groups[grant->unit].workload.namespace;
	const char *there =
		suggest->groups[grant->peer_unit].workload.namespace;

	*out = (struct peer){
		.kind = PEER_PODS,
		.pod_selector = &suggest->units[grant->peer_unit].selector,
	};
	if (strcmp(home, there) != 0) {
		out->namespace_selector = by_name(&suggest->arena, there);
		if (!out->namespace_selector)
			return -ENOMEM;
	}
	*name = name_unit(suggest, grant->peer_unit);
	return *name ? 0 : -ENOMEM;
}

static int make_peer(struct suggest *suggest, const struct suggest_grant *grant,
		     struct peer *out, const char **name)
{
	*name = "";
	switch (grant->peer_kind) {
	case SUGGEST_UNIT:
		return make_unit_peer(suggest, grant, out, name);
	case SUGGEST_BLOCK:
		*out = (struct peer){ .kind = PEER_IP_BLOCK,
				      .block = grant->peer_block };
		return 0;
	case SUGGEST_ANY_POD:
		break;
	}
	*out = (struct peer){ .kind = PEER_PODS,
			      .namespace_selector = &everything };
	return 0;
}

/* The halves of one block, the lower one first. */
static bool are_halves(const struct peer *low, const struct peer *high)
{
	unsigned int last = low->block.prefix_len - 1u;
	struct ip_addr other = low->block.addr;

	if (low->kind != PEER_IP_BLOCK || high->kind != PEER_IP_BLOCK ||
	    low->block.prefix_len == 0 ||
	    low->block.prefix_len != high->block.prefix_len ||
	    (other.bytes[last / 8] & 0x80u >> last % 8) != 0)
		return false;
	other.bytes[last / 8] |= (uint8_t)(0x80u >> last % 8);
	return ip_addr_equal(&other, &high->block.addr);
}

static void join_halves(struct peers *peers)
{
	while (peers->n > 1 && are_halves(&peers->items[peers->n - 2],
					  &peers->items[peers->n - 1])) {
		peers->n--;
		peers->items[peers->n - 1].block.prefix_len--;
		suggest_use_add(&peers->uses[peers->n - 1],
				&peers->uses[peers->n]);
	}
}

static int make_peers(struct suggest *suggest, const struct run *runs, size_t n,
		      struct peers *out)
{
	struct arena *arena = &suggest->arena;

	out->items = arena_array(arena, n, sizeof(*out->items));
	out->uses = arena_array(arena, n, sizeof(*out->uses));
	out->names = arena_array(arena, n, sizeof(*out->names));
	if (!out->items || !out->uses || !out->names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = make_peer(suggest, runs[i].grants, &out->items[out->n],
				  &out->names[out->n]);

		if (r < 0)
			return r;
		out->uses[out->n++] = use_of(&runs[i]);
		join_halves(out);
	}
	return 0;
}

/* ---- rules -------------------------------------------------------------- */

static int make_rule(struct suggest *suggest, const struct run *runs, size_t n,
		     struct rule *rule, struct suggested_rule *told)
{
	struct peers peers = { 0 };
	int r = make_peers(suggest, runs, n, &peers);

	if (r < 0)
		return r;
	rule->peers = peers.items;
	rule->n_peers = peers.n;
	told->peer_uses = peers.uses;
	told->peer_names = peers.names;
	told->is_dns = runs->grants->is_dns;
	told->is_every_port = is_every_port(runs);
	for (size_t i = 0; i < peers.n; i++)
		suggest_use_add(&told->use, &peers.uses[i]);
	return make_ports(&suggest->arena, runs, rule);
}

int suggest_rules_make(struct suggest *suggest,
		       const struct suggest_grant *grants, size_t n,
		       struct suggested_policy *policy, enum direction dir)
{
	struct arena *arena = &suggest->arena;
	struct run *runs = arena_array(arena, n + 1, sizeof(*runs));
	size_t n_runs, n_rules = 0, end;
	struct suggested_rule *told;
	struct rule *rules;

	if (!runs)
		return -ENOMEM;
	n_runs = find_runs(grants, n, runs);
	rules = arena_array(arena, n_runs + 1, sizeof(*rules));
	told = arena_array(arena, n_runs + 1, sizeof(*told));
	if (!rules || !told)
		return -ENOMEM;
	if (n_runs > 0)
		qsort(runs, n_runs, sizeof(*runs), compare_runs);
	for (size_t i = 0; i < n_runs; i = end) {
		int r;

		for (end = i + 1;
		     end < n_runs && compare_lists(&runs[i], &runs[end]) == 0;
		     end++)
			;
		r = make_rule(suggest, &runs[i], end - i, &rules[n_rules],
			      &told[n_rules]);
		if (r < 0)
			return r;
		n_rules++;
	}
	policy->policy.rules[dir] = rules;
	policy->policy.n_rules[dir] = n_rules;
	policy->rules[dir] = told;
	return 0;
}
