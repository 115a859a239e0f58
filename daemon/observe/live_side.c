/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies and rules are those that an explanation lists. It is asked about a
 * flow that a stranger opens: an address that is set apart for examples, so no
 * pod's and no node's. So none of them is there because of who asks.
 */
#include "observe/live_side.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "netpold/arena.h"
#include "netpold/cleanup.h"

#include "port_text.h"
#include "rule_text.h"

static struct ip_addr stranger(const struct ip_addr *addr)
{
	/* RFC 5737, RFC 3849 */
	static const char v4[] = "192.0.2.1", v6[] = "2001:db8::1";
	struct ip_addr out = { 0 };

	if (addr->family == IP_V4)
		ip_addr_parse(v4, sizeof(v4) - 1, &out);
	else
		ip_addr_parse(v6, sizeof(v6) - 1, &out);
	return out;
}

int live_side_explain(const struct snapshot *snapshot,
		      const struct ip_addr *addr, enum direction dir,
		      struct arena *arena, struct side_explanation *out)
{
	struct explanation explanation;
	const struct ip_addr other = stranger(addr);
	const bool egress = dir == DIRECTION_EGRESS;
	const struct flow_key key = {
		.src = egress ? *addr : other,
		.dst = egress ? other : *addr,
		.protocol = PROTOCOL_TCP,
		.dst_port = 1,
		.has_port = true,
	};
	int r = snapshot_explain_nearest(snapshot, &key, arena, &explanation);

	if (r == 0)
		*out = explanation.sides[dir];
	return r;
}

static bool is_staged(const struct side_explanation *enforced,
		      const struct network_policy *policy)
{
	for (size_t i = 0; i < enforced->n_isolating; i++) {
		if (enforced->isolating[i] == policy)
			return false;
	}
	return true;
}

static void write_name(struct json_text *out,
		       const struct network_policy *policy)
{
	FILE *words = json_text_begin_words(out);

	if (!words)
		return;
	fprintf(words, "%s/%s", policy->namespace, policy->name);
	json_text_end_words(out);
}

static void write_policies(struct json_text *out,
			   const struct side_explanation *enforced,
			   const struct side_explanation *all)
{
	json_text_key(out, "n_policies");
	json_text_number(out, all->n_isolating);
	json_text_key(out, "policies");
	json_text_begin_array(out);
	for (size_t i = 0; i < all->n_isolating && i < LIVE_SIDE_POLICIES_MAX;
	     i++) {
		json_text_begin_object(out);
		json_text_key(out, "name");
		write_name(out, all->isolating[i]);
		json_text_key(out, "staged");
		json_text_bool(out, is_staged(enforced, all->isolating[i]));
		json_text_end_object(out);
	}
	json_text_end_array(out);
}

static void write_rule(struct json_text *out,
		       const struct side_explanation *enforced,
		       const struct rule_result *rule, enum direction dir)
{
	static const struct receiver nobody;
	FILE *words;

	json_text_begin_object(out);
	json_text_key(out, "policy");
	write_name(out, rule->policy);
	json_text_key(out, "rule");
	json_text_number(out, rule->rule + 1);
	json_text_key(out, "staged");
	json_text_bool(out, is_staged(enforced, rule->policy));
	json_text_key(out, "words");
	words = json_text_begin_words(out);
	if (words) {
		rule_text_write(words, rule->policy, dir, rule->rule, &nobody);
		json_text_end_words(out);
	}
	json_text_end_object(out);
}

static void write_rules(struct json_text *out,
			const struct side_explanation *enforced,
			const struct side_explanation *all, enum direction dir)
{
	json_text_key(out, "n_rules");
	json_text_number(out, all->n_rules);
	json_text_key(out, "rules");
	json_text_begin_array(out);
	for (size_t i = 0; i < all->n_rules && i < LIVE_SIDE_RULES_MAX; i++)
		write_rule(out, enforced, &all->rules[i], dir);
	json_text_end_array(out);
}

int live_side_write(struct json_text *out, const struct snapshot *snapshot,
		    const struct ip_addr *addr, enum direction dir)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct snapshot *planned = snapshot_planned(snapshot);
	struct side_explanation enforced, all;
	int r = live_side_explain(snapshot, addr, dir, &arena, &enforced);

	if (r < 0)
		return r;
	all = enforced;
	if (planned)
		r = live_side_explain(planned, addr, dir, &arena, &all);
	if (r < 0)
		return r;
	json_text_key(out, "isolated");
	json_text_bool(out, enforced.n_isolating > 0);
	write_policies(out, &enforced, &all);
	write_rules(out, &enforced, &all, dir);
	return 0;
}
