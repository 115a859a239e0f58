/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netpold/advice.h"

#include <errno.h>
#include <string.h>

#include "netpold/arena.h"
#include "netpold/selector.h"

#include "cover.h"
#include "manifest/report.h"
#include "redundant.h"
#include "survey.h"

/* For rules with each other, and again for selectors with pods: each is spent
   within a second or two. */
#define COMPARISONS 300000000

struct advisor {
	enum advice_scope scope;
	struct arena arena;
	struct report report;
	struct survey survey;
	struct budget budget; /* of redundant_find() */
	struct rule_places rules[N_DIRECTIONS];
	size_t next_rule[N_DIRECTIONS];
};

/* What is being looked at. */
struct place {
	const struct network_policy *policy;
	const struct rule *rule;
	enum direction dir;
};

static void warn(struct advisor *a, enum finding_code code,
		 const struct path *path)
{
	report_send_warning(&a->report, code, 0, path);
}

/* Long ones are cut: a warning has to say which, not all of it. */
static void put_selector(struct text *message, const struct selector *selector)
{
	char text[120];
	int n = selector_format(selector, text, sizeof(text));

	text_put(message, "%s%s", text, n < (int)sizeof(text) ? "" : "...");
}

/* ---- pods --------------------------------------------------------------- */

/* An empty selector is for whatever pods there come to be: it is in the wrong
   place only where nobody knows of the place. */
static void advise_empty_selector(struct advisor *a,
				  const struct network_policy *policy,
				  const struct path *path)
{
	const struct known_namespace *namespace =
		survey_find_namespace(&a->survey, policy->namespace);

	if (namespace->by != KNOWN_BY_NAME || a->survey.n_listed == 0)
		return;
	text_put(report_begin(&a->report),
		 "these manifests have no namespace %s and no pod in it: the "
		 "policy has no effect",
		 policy->namespace);
	warn(a, FINDING_SELECTS_NO_POD, path);
}

static void advise_pod_selector(struct advisor *a,
				const struct network_policy *policy,
				const struct path *spec)
{
	enum selection selection = survey_selection(&a->survey, policy);
	struct path path = path_field(spec, "podSelector");
	struct text *message;

	if (selection == SELECTION_SOME)
		return;
	if (policy->pod_selector.n == 0) {
		if (selection == SELECTION_NONE)
			advise_empty_selector(a, policy, &path);
		return;
	}
	message = report_begin(&a->report);
	put_selector(message, &policy->pod_selector);
	if (selection == SELECTION_ON_HOST)
		text_put(message, " selects only pods on the host network, "
				  "which no policy governs");
	else
		text_put(message, " selects no pod of these manifests");
	text_put(message, ": the policy has no effect");
	warn(a, FINDING_SELECTS_NO_POD, &path);
}

/* ---- namespaces --------------------------------------------------------- */

static void advise_namespace_selector(struct advisor *a,
				      const struct selector *selector,
				      const struct path *peer)
{
	struct path path = path_field(peer, "namespaceSelector");
	struct text *message;

	if (!selector || !survey_matches_none(&a->survey, selector))
		return;
	message = report_begin(&a->report);
	put_selector(message, selector);
	text_put(message, " matches no namespace of these manifests: this peer "
			  "allows nothing");
	warn(a, FINDING_MATCHES_NO_NAMESPACE, &path);
}

/* ---- named ports -------------------------------------------------------- */

static void advise_port(struct advisor *a, const struct place *place,
			const struct policy_port *port, const struct path *at)
{
	struct path path = path_field(at, "port");
	struct text *message;

	if (port->kind != PORT_NAMED ||
	    !survey_misses_port(&a->survey, place->policy, place->rule,
				place->dir, port))
		return;
	message = report_begin(&a->report);
	text_put(message, "none of the pods that %s has a %s port named ",
		 place->dir == DIRECTION_INGRESS ? "the policy selects"
						 : "the rule reaches",
		 protocol_name(port->protocol));
	text_put_quoted(message, port->name, strlen(port->name));
	text_put(message, ": this entry allows nothing");
	warn(a, FINDING_MISSING_PORT, &path);
}

/* ---- blocks ------------------------------------------------------------- */

static int advise_block(struct advisor *a, const struct peer *peer,
			const struct path *at)
{
	struct path block = path_field(at, "ipBlock");
	struct path path = path_field(&block, "except");
	struct arena scratch = { 0 };
	char text[CIDR_TEXT_LEN];
	struct cidr *except;
	bool covered;

	if (peer->n_except == 0)
		return 0;
	except = arena_array(&scratch, peer->n_except, sizeof(*except));
	if (!except)
		return -ENOMEM;
	memcpy(except, peer->except, peer->n_except * sizeof(*except));
	covered = cidrs_cover(except, peer->n_except, &peer->block);
	arena_release(&scratch);
	if (!covered)
		return 0;
	text_put(report_begin(&a->report),
		 "nothing is left of %s: this peer allows nothing",
		 cidr_format(&peer->block, text));
	warn(a, FINDING_EXCEPTS_ALL, &path);
	return 0;
}

/* ---- rules -------------------------------------------------------------- */

static void advise_redundant(struct advisor *a, const struct place *place,
			     const struct path *path)
{
	const struct rule_place *rule =
		&a->rules[place->dir].items[a->next_rule[place->dir]++];
	const struct rule_place *cover = rule->cover;
	struct text *message;

	if (!cover)
		return;
	message = report_begin(&a->report);
	text_put(message, "all that this rule allows, spec.%s[%zu] of ",
		 direction_name(place->dir), cover->rule);
	if (cover->policy == place->policy)
		text_put(message, "this policy");
	else
		text_put(message, "NetworkPolicy %s/%s",
			 cover->policy->namespace, cover->policy->name);
	text_put(message, " allows too: the rule adds nothing");
	warn(a, FINDING_REDUNDANT_RULE, path);
}

static int advise_rule(struct advisor *a, const struct place *place,
		       const struct path *path)
{
	bool is_ingress = place->dir == DIRECTION_INGRESS;
	bool has_cluster = a->scope == ADVICE_CLUSTER;
	struct path peers = path_field(path, is_ingress ? "from" : "to");
	struct path ports = path_field(path, "ports");
	const struct rule *rule = place->rule;
	int r = 0;

	advise_redundant(a, place, path);
	for (size_t i = 0; i < rule->n_peers && r == 0; i++) {
		const struct peer *peer = &rule->peers[i];
		struct path at = path_item(&peers, i);

		if (has_cluster)
			advise_namespace_selector(a, peer->namespace_selector,
						  &at);
		r = advise_block(a, peer, &at);
	}
	for (size_t i = 0; i < rule->n_ports && has_cluster; i++) {
		struct path at = path_item(&ports, i);

		advise_port(a, place, &rule->ports[i], &at);
	}
	return r;
}

static int advise_direction(struct advisor *a,
			    const struct network_policy *policy,
			    enum direction dir, const struct path *spec)
{
	struct path rules = path_field(spec, direction_name(dir));
	int r = 0;

	if (!policy->isolates[dir])
		return 0;
	for (size_t i = 0; i < policy->n_rules[dir] && r == 0; i++) {
		struct place place = { policy, &policy->rules[dir][i], dir };
		struct path path = path_item(&rules, i);

		r = advise_rule(a, &place, &path);
	}
	return r;
}

/* ---- policies ----------------------------------------------------------- */

static int advise_policy(struct advisor *a, const struct network_policy *policy)
{
	struct path spec = path_field(NULL, "spec");
	int r;

	a->report.kind = object_kind_name(OBJECT_NETWORK_POLICY);
	a->report.namespace = policy->namespace;
	a->report.name = policy->name;
	if (a->scope == ADVICE_CLUSTER)
		advise_pod_selector(a, policy, &spec);
	r = advise_direction(a, policy, DIRECTION_INGRESS, &spec);
	if (r == 0)
		r = advise_direction(a, policy, DIRECTION_EGRESS, &spec);
	return r;
}

/* A finding of no object. */
static void admit_limits(struct advisor *a)
{
	if (!budget_is_spent(&a->budget) && !budget_is_spent(&a->survey.budget))
		return;
	a->report.kind = a->report.namespace = a->report.name = "";
	text_put(report_begin(&a->report),
		 "there is too much to compare all of it with each other: "
		 "warnings of what is surely not meant may be missing here");
	warn(a, FINDING_INCOMPLETE, NULL);
}

static int advise(struct advisor *a, const struct cluster *cluster)
{
	struct survey *survey = &a->survey;
	int r = survey_init(survey, cluster, (struct budget){ COMPARISONS },
			    &a->arena);

	for (int dir = 0; r == 0 && dir < N_DIRECTIONS; dir++)
		r = redundant_find(survey->policies, survey->n_policies, dir,
				   &a->budget, &a->arena, &a->rules[dir]);
	for (size_t i = 0; r == 0 && i < survey->n_policies; i++)
		r = advise_policy(a, survey->policies[i]);
	if (r == 0)
		admit_limits(a);
	return r == 0 && a->report.failed ? -ENOMEM : r;
}

int advice_report(const struct cluster *cluster, enum advice_scope scope,
		  finding_fn report, void *ctx)
{
	struct advisor advisor = {
		.scope = scope,
		.report = { .fn = report, .ctx = ctx, .file = "" },
		.budget = { COMPARISONS },
	};
	int r = advise(&advisor, cluster);

	report_release(&advisor.report);
	arena_release(&advisor.arena);
	return r;
}
