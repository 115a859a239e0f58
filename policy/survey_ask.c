/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "netpold/selector.h"

#include "survey.h"

/* ---- selectors ---------------------------------------------------------- */

/* Paid for as a whole, since nobody knows beforehand how early it ends. */
static void pay_for(struct survey *survey, const struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++)
		budget_spend(&survey->budget,
			     1 + selector->requirements[i].n_values);
}

enum match { MATCH_NO = 0, MATCH_MAYBE, MATCH_YES };

/* Of a namespace that is known by name, requirements on that can be judged
   (NP-42); all others may hold. */
static enum match match_name(const struct selector *selector, const char *name)
{
	const struct label label = { NAMESPACE_NAME_LABEL, name };
	const struct labels labels = { &label, 1 };
	enum match match = MATCH_YES;

	for (size_t i = 0; i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		if (strcmp(r->key, label.key))
			match = MATCH_MAYBE;
		else if (!requirement_matches(r, &labels))
			return MATCH_NO;
	}
	return match;
}

static enum match match_namespace(struct survey *survey,
				  const struct selector *selector,
				  const struct known_namespace *namespace)
{
	pay_for(survey, selector);
	if (namespace->by == KNOWN_BY_NAME)
		return match_name(selector, namespace->name);
	return selector_matches(selector, &namespace->labels) ? MATCH_YES
							      : MATCH_NO;
}

bool survey_matches_none(struct survey *survey, const struct selector *selector)
{
	if (survey->n_listed == 0)
		return false;
	for (size_t i = 0;
	     i < survey->n_namespaces && budget_spend(&survey->budget, 1);
	     i++) {
		if (match_namespace(survey, selector, &survey->namespaces[i]))
			return false;
	}
	return !budget_is_spent(&survey->budget);
}

static bool match_pod(struct survey *survey, const struct selector *selector,
		      const struct pod *pod)
{
	pay_for(survey, selector);
	return selector_matches(selector, &pod->labels);
}

enum selection survey_selection(struct survey *survey,
				const struct network_policy *policy)
{
	const struct known_namespace *namespace =
		survey_find_namespace(survey, policy->namespace);
	enum selection selection = SELECTION_NONE;

	if (survey->n_pods == 0)
		return SELECTION_SOME;
	for (size_t i = 0;
	     i < namespace->n_pods && budget_spend(&survey->budget, 1); i++) {
		const struct pod *pod = namespace->pods[i];

		if (!match_pod(survey, &policy->pod_selector, pod))
			continue;
		if (!pod->host_network)
			return SELECTION_SOME;
		selection = SELECTION_ON_HOST;
	}
	return budget_is_spent(&survey->budget) ? SELECTION_SOME : selection;
}

/* ---- named ports -------------------------------------------------------- */

enum lookup {
	LOOKUP_NO_POD = 0, /* that is known */
	LOOKUP_NO_PORT,	   /* there are pods, and none has the port */
	LOOKUP_PORT,
};

static bool has_port(struct survey *survey, const struct pod *pod,
		     const struct policy_port *port)
{
	budget_spend(&survey->budget, pod->n_ports);
	for (size_t i = 0; i < pod->n_ports; i++) {
		if (pod->ports[i].protocol == port->protocol &&
		    strcmp(pod->ports[i].name, port->name) == 0)
			return true;
	}
	return false;
}

/* @selector  of pods, or NULL for all */
static enum lookup look_up(struct survey *survey,
			   const struct known_namespace *namespace,
			   const struct selector *selector,
			   const struct policy_port *port)
{
	enum lookup result = LOOKUP_NO_POD;

	for (size_t i = 0;
	     i < namespace->n_pods && budget_spend(&survey->budget, 1); i++) {
		const struct pod *pod = namespace->pods[i];

		if (pod->host_network ||
		    (selector && !match_pod(survey, selector, pod)))
			continue;
		if (has_port(survey, pod, port))
			return LOOKUP_PORT;
		result = LOOKUP_NO_PORT;
	}
	return result;
}

/* Every cluster has pods there: where none is listed, others may be missing,
   too. */
static bool has_more_pods(const struct known_namespace *namespace)
{
	return namespace->n_pods == 0 &&
	       strcmp(namespace->name, SYSTEM_NAMESPACE) == 0;
}

static enum lookup look_up_in_namespaces(struct survey *survey,
					 const struct peer *peer,
					 const struct policy_port *port)
{
	enum lookup result = LOOKUP_NO_POD;

	for (size_t i = 0;
	     i < survey->n_namespaces && budget_spend(&survey->budget, 1);
	     i++) {
		const struct known_namespace *namespace =
			&survey->namespaces[i];
		enum match match = match_namespace(
			survey, peer->namespace_selector, namespace);
		enum lookup here;

		if (match == MATCH_NO)
			continue;
		if (match == MATCH_MAYBE || has_more_pods(namespace))
			return LOOKUP_NO_POD;
		here = look_up(survey, namespace, peer->pod_selector, port);
		if (here == LOOKUP_PORT)
			return LOOKUP_PORT;
		if (here == LOOKUP_NO_PORT)
			result = LOOKUP_NO_PORT;
	}
	return result;
}

/* Who will have the addresses of a block nobody knows. */
static enum lookup look_up_peer(struct survey *survey,
				const struct network_policy *policy,
				const struct peer *peer,
				const struct policy_port *port)
{
	if (peer->kind == PEER_IP_BLOCK)
		return LOOKUP_NO_POD;
	if (peer->namespace_selector)
		return look_up_in_namespaces(survey, peer, port);
	return look_up(survey, survey_find_namespace(survey, policy->namespace),
		       peer->pod_selector, port);
}

static bool peers_miss_port(struct survey *survey,
			    const struct network_policy *policy,
			    const struct rule *rule,
			    const struct policy_port *port)
{
	static const struct selector all = { 0 };
	static const struct peer everybody = { .namespace_selector = &all };

	if (rule->n_peers == 0)
		return look_up_peer(survey, policy, &everybody, port) ==
		       LOOKUP_NO_PORT;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (look_up_peer(survey, policy, &rule->peers[i], port) !=
		    LOOKUP_NO_PORT)
			return false;
	}
	return true;
}

bool survey_misses_port(struct survey *survey,
			const struct network_policy *policy,
			const struct rule *rule, enum direction dir,
			const struct policy_port *port)
{
	bool misses;

	if (dir == DIRECTION_EGRESS)
		misses = peers_miss_port(survey, policy, rule, port);
	else
		misses = look_up(survey,
				 survey_find_namespace(survey,
						       policy->namespace),
				 &policy->pod_selector, port) == LOOKUP_NO_PORT;
	return misses && !budget_is_spent(&survey->budget);
}
