/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/arena.h"

/* Sides are numbered alike, so that one index serves both. */
_Static_assert((int)DIRECTION_EGRESS == (int)ORACLE_EGRESS, "egress");
_Static_assert((int)DIRECTION_INGRESS == (int)ORACLE_INGRESS, "ingress");

/* ---- both --------------------------------------------------------------- */

void twin_init(struct twin *twin, const char *node)
{
	*twin = (struct twin){
		.node = node,
		.cluster = cluster_new(),
		.oracle = oracle_new(),
	};
	if (twin->cluster == NULL || twin->oracle == NULL)
		abort();
	twin->compiler = engine_follow(twin->cluster, node);
}

void twin_release(struct twin *twin)
{
	snapshot_free(twin->snapshot);
	compiler_free(twin->compiler);
	cluster_free(twin->cluster);
	oracle_free(twin->oracle);
}

void twin_put(struct twin *twin, const char *json)
{
	engine_put(twin->cluster, json, twin->now_ms);
	oracle_put(twin->oracle, json, twin->now_ms);
}

void twin_delete(struct twin *twin, const char *json)
{
	engine_delete(twin->cluster, json, twin->now_ms);
	oracle_delete(twin->oracle, json, twin->now_ms);
}

void twin_replace(struct twin *twin, enum object_kind kind, const char *list)
{
	cluster_replace_begin(twin->cluster, kind);
	engine_put(twin->cluster, list, twin->now_ms);
	if (cluster_replace_end(twin->cluster, kind, twin->now_ms) < 0)
		abort();
	oracle_replace(twin->oracle, object_kind_name(kind), list,
		       twin->now_ms);
}

void twin_compile(struct twin *twin)
{
	struct snapshot *next;

	if (compiler_compile(twin->compiler, &next, &twin->update, NULL) < 0)
		abort();
	snapshot_free(twin->snapshot);
	twin->snapshot = next;
}

/* ---- agreement on a side ------------------------------------------------ */

static bool is_ref(const struct oracle_policy_ref *ref,
		   const struct network_policy *policy)
{
	return strcmp(ref->ns, policy->namespace) == 0 &&
	       strcmp(ref->name, policy->name) == 0;
}

static const struct oracle_rule_ref *
find_rule(const struct oracle_side *side, const struct network_policy *policy,
	  size_t rule)
{
	for (size_t i = 0; i < side->n_rules; i++)
		if (side->rules[i].rule == rule &&
		    is_ref(&side->rules[i].policy, policy))
			return &side->rules[i];
	return NULL;
}

static const char *reason_complaint(const struct side *got,
				    const struct oracle_side *want)
{
	static const enum reason reasons[N_ORACLE_WHYS] = {
		[ORACLE_NOT_A_POD] = REASON_NOT_A_POD,
		[ORACLE_NOT_LOCAL] = REASON_NOT_LOCAL,
		[ORACLE_OWN_NODE] = REASON_OWN_NODE,
		[ORACLE_NOT_ISOLATED] = REASON_NOT_ISOLATED,
		[ORACLE_SELF] = REASON_SELF,
	};
	enum reason reason = reasons[want->why];

	if (want->why == ORACLE_RULES)
		reason = want->allow ? REASON_RULE : REASON_NO_RULE_MATCHES;
	if ((got->verdict == VERDICT_ALLOW) != want->allow)
		return "the verdict differs";
	if (got->reason != reason)
		return "the reason differs";
	return NULL;
}

/* ---- agreement on an explanation ---------------------------------------- */

/* Of the rules that allow, the first is named: policies by name, rules as they
   are listed. */
static const char *naming_complaint(const struct side_explanation *got,
				    const struct oracle_side *want)
{
	const struct oracle_rule_ref *rule;

	if (got->side.reason != REASON_RULE)
		return got->policy == NULL
			       ? NULL
			       : "a rule is named where none decided";
	if (got->policy == NULL)
		return "no rule is named where one decided";
	rule = find_rule(want, got->policy, got->rule);
	if (rule == NULL || !rule->port_fits || !rule->peer_fits)
		return "the named rule does not allow";
	for (size_t i = 0; i < want->n_rules; i++) {
		const struct oracle_rule_ref *other = &want->rules[i];
		int order = strcmp(other->policy.name, got->policy->name);

		if (other->port_fits && other->peer_fits &&
		    (order < 0 || (order == 0 && other->rule < got->rule)))
			return "the named rule is not the first that allows";
	}
	return NULL;
}

static const char *rule_complaint(const struct rule_result *got,
				  const struct oracle_side *want)
{
	const struct oracle_rule_ref *rule =
		find_rule(want, got->policy, got->rule);

	if (rule == NULL)
		return "a rule is explained that was not asked";
	if ((got->misses & MISS_PORT) != (rule->port_fits ? 0 : MISS_PORT))
		return "a rule's ports are explained wrongly";
	if (got->port != NULL && !rule->port_fits)
		return "a port is said to fit that does not";
	if (((got->misses & ~(unsigned int)MISS_PORT) == 0) != rule->peer_fits)
		return "a rule's peers are explained wrongly";
	return NULL;
}

static const char *nearest_complaint(const struct side_explanation *got)
{
	for (size_t i = 0; i < got->n_rules; i++) {
		if (got->nearest == NULL)
			return "there is no nearest rule";
		if ((got->rules[i].misses == 0) !=
		    (got->rules[i].distance == 0))
			return "a rule that allows is not at distance 0";
		if (got->rules[i].distance < got->nearest->distance)
			return "another rule is nearer than the nearest";
	}
	return NULL;
}

/* Nothing but the pod is told of a side that is not asked. */
static const char *explanation_complaint(const struct side_explanation *got,
					 const struct oracle_side *want)
{
	const char *complaint;

	if ((got->pod != NULL) != (want->pod_ns != NULL))
		return "the explained pod differs";
	if (got->pod != NULL && (strcmp(got->pod->namespace, want->pod_ns) ||
				 strcmp(got->pod->name, want->pod_name)))
		return "the explained pod differs";
	complaint = naming_complaint(got, want);
	if (complaint != NULL || want->why == ORACLE_NOT_LOCAL)
		return complaint;
	if (got->n_isolating != want->n_isolating ||
	    got->n_rules != want->n_rules)
		return "another number of policies or rules is explained";
	for (size_t i = 1; i < got->n_isolating; i++)
		if (strcmp(got->isolating[i - 1]->name,
			   got->isolating[i]->name) >= 0)
			return "the isolating policies are not in order";
	for (size_t i = 0; i < got->n_isolating; i++) {
		bool found = false;

		for (size_t k = 0; k < want->n_isolating; k++)
			found = found ||
				is_ref(&want->isolating[k], got->isolating[i]);
		if (!found)
			return "a policy is explained that does not isolate";
	}
	for (size_t i = 0; i < got->n_rules; i++) {
		complaint = rule_complaint(&got->rules[i], want);
		if (complaint != NULL)
			return complaint;
	}
	return nearest_complaint(got);
}

static bool same_side(const struct side *a, const struct side *b)
{
	return a->verdict == b->verdict && a->reason == b->reason;
}

static const char *explain_complaint(const struct snapshot *snapshot,
				     const struct flow_key *key,
				     const struct decision *decision,
				     const struct oracle_answer *want)
{
	struct arena arena = { 0 };
	struct explanation got;
	const char *complaint = NULL;

	if (snapshot_explain(snapshot, key, &arena, &got) < 0)
		abort();
	if (got.decision.verdict != decision->verdict)
		complaint = "explain and decide disagree (L28)";
	for (int dir = 0; dir < N_DIRECTIONS && complaint == NULL; dir++) {
		if (!same_side(&got.sides[dir].side, &decision->sides[dir]) ||
		    !same_side(&got.decision.sides[dir], &decision->sides[dir]))
			complaint = "explain and decide disagree (L28)";
		else
			complaint = explanation_complaint(&got.sides[dir],
							  &want->sides[dir]);
	}
	arena_release(&arena);
	return complaint;
}

/* ---- agreement ---------------------------------------------------------- */

static const char *pod_complaint(const struct snapshot *snapshot,
				 const struct ip_addr *addr,
				 const struct oracle_side *want)
{
	const struct pod *pod = snapshot_pod_by_address(snapshot, addr);

	if ((pod != NULL) != (want->pod_ns != NULL))
		return "whether a pod has the address";
	if (pod != NULL && (strcmp(pod->namespace, want->pod_ns) ||
			    strcmp(pod->name, want->pod_name)))
		return "which pod has the address";
	return NULL;
}

/* What is planned where nothing is staged is what is enforced. */
static const struct snapshot *planned_of(const struct twin *twin)
{
	const struct snapshot *planned = snapshot_planned(twin->snapshot);

	return planned != NULL ? planned : twin->snapshot;
}

static void tell(struct twin *twin, const struct snapshot *snapshot,
		 const struct probe *probe, struct writer *out);

static bool agrees_on(struct twin *twin, const struct snapshot *snapshot,
		      const struct probe *probe, bool explain,
		      struct writer *complaint)
{
	struct flow_key key = engine_key(probe);
	struct decision got = snapshot_decide(snapshot, &key);
	struct oracle_answer want = oracle_ask(twin->oracle, twin->node, probe);
	const char *c;

	c = pod_complaint(snapshot, &key.src, &want.sides[ORACLE_EGRESS]);
	if (c == NULL)
		c = pod_complaint(snapshot, &key.dst,
				  &want.sides[ORACLE_INGRESS]);
	for (int dir = 0; dir < N_DIRECTIONS && c == NULL; dir++)
		c = reason_complaint(&got.sides[dir], &want.sides[dir]);
	if (c == NULL && (got.verdict == VERDICT_ALLOW) != want.allow)
		c = "the verdict is not that of its sides";
	if (c == NULL && explain)
		c = explain_complaint(snapshot, &key, &got, &want);
	if (c == NULL)
		return true;
	writer_add(complaint, "%s%s\n", c,
		   snapshot == twin->snapshot ? "" : ", of what is planned");
	tell(twin, snapshot, probe, complaint);
	return false;
}

bool twin_agrees(struct twin *twin, const struct probe *probe, bool explain,
		 struct writer *complaint)
{
	bool agrees =
		agrees_on(twin, twin->snapshot, probe, explain, complaint);

	if (!agrees)
		return false;
	oracle_enforce_staged(twin->oracle, true);
	agrees = agrees_on(twin, planned_of(twin), probe, explain, complaint);
	oracle_enforce_staged(twin->oracle, false);
	return agrees;
}

struct diversion {
	struct twin *twin;
	struct local_address *local; /* as the walk gives them */
	size_t n, room;
	struct writer *complaint;
	bool planned; /* what is staged counts, too */
	bool alike;
};

static int note_local(void *ctx, const struct local_address *address)
{
	struct diversion *d = ctx;

	if (d->n == d->room) {
		d->room = d->room * 2 + 64;
		d->local = realloc(d->local, d->room * sizeof(*d->local));
		if (d->local == NULL)
			abort();
	}
	d->local[d->n++] = *address;
	return 0;
}

/* Once in the walk, and the same when it is looked up. */
static void check_local(struct diversion *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct local_address found;

		if (!snapshot_find_local(d->twin->snapshot, &d->local[i].addr,
					 &found) ||
		    memcmp(found.watched, d->local[i].watched,
			   sizeof(found.watched)) != 0 ||
		    memcmp(found.isolated, d->local[i].isolated,
			   sizeof(found.isolated)) != 0) {
			d->alike = false;
			writer_add(d->complaint, "found otherwise than met\n");
		}
		for (size_t k = 0; k < i; k++) {
			if (!ip_addr_equal(&d->local[i].addr,
					   &d->local[k].addr))
				continue;
			d->alike = false;
			writer_add(d->complaint, "met twice\n");
		}
	}
}

static void check_diversion(void *ctx, int family, const uint8_t bytes[16])
{
	struct diversion *d = ctx;
	struct ip_addr addr =
		family == 4 ? ip_addr_v4(bytes) : ip_addr_v6(bytes);
	char text[IP_ADDR_TEXT_LEN];

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		bool got = false;

		for (size_t i = 0; i < d->n; i++)
			if (ip_addr_equal(&d->local[i].addr, &addr))
				got = d->planned ? d->local[i].watched[dir]
						 : d->local[i].isolated[dir];
		if (got == oracle_diverts(d->twin->oracle, d->twin->node,
					  (enum oracle_direction)dir, family,
					  bytes))
			continue;
		d->alike = false;
		writer_add(d->complaint, "%s of %s is %s%s\n",
			   direction_name(dir), ip_addr_format(&addr, text),
			   got ? "" : "not ",
			   d->planned ? "watched" : "diverted");
	}
}

bool twin_diverts_alike(struct twin *twin, struct writer *complaint)
{
	struct diversion d = { .twin = twin,
			       .complaint = complaint,
			       .alike = true };

	snapshot_each_local(twin->snapshot, note_local, &d);
	check_local(&d);
	oracle_each_address(twin->oracle, check_diversion, &d);
	d.planned = true;
	oracle_enforce_staged(twin->oracle, true);
	oracle_each_address(twin->oracle, check_diversion, &d);
	oracle_enforce_staged(twin->oracle, false);
	free(d.local);
	return d.alike;
}

/* ---- telling ------------------------------------------------------------ */

static void tell_oracle_side(const struct oracle_side *side, struct writer *out)
{
	static const char *const whys[N_ORACLE_WHYS] = {
		"not a pod",	"not local", "own node",
		"not isolated", "self",	     "rules",
	};

	writer_add(out, "%s (%s), pod %s/%s; isolated by",
		   side->allow ? "allow" : "deny", whys[side->why],
		   side->pod_ns != NULL ? side->pod_ns : "-",
		   side->pod_name != NULL ? side->pod_name : "-");
	for (size_t i = 0; i < side->n_isolating; i++)
		writer_add(out, " %s/%s", side->isolating[i].ns,
			   side->isolating[i].name);
	writer_add(out, "; allowed by");
	for (size_t i = 0; i < side->n_rules; i++)
		if (side->rules[i].port_fits && side->rules[i].peer_fits)
			writer_add(out, " %s/%s[%zu]", side->rules[i].policy.ns,
				   side->rules[i].policy.name,
				   side->rules[i].rule);
	writer_add(out, "\n");
}

static void tell_engine_side(const struct side_explanation *side,
			     struct writer *out)
{
	writer_add(out, "%s (%s)", verdict_name(side->side.verdict),
		   reason_name(side->side.reason));
	if (side->policy != NULL)
		writer_add(out, ", policy %s/%s rule %zu",
			   side->policy->namespace, side->policy->name,
			   side->rule);
	writer_add(out, "\n");
}

static void tell(struct twin *twin, const struct snapshot *snapshot,
		 const struct probe *probe, struct writer *out)
{
	struct flow_key key = engine_key(probe);
	struct oracle_answer want = oracle_ask(twin->oracle, twin->node, probe);
	struct arena arena = { 0 };
	struct explanation got;
	char src[IP_ADDR_TEXT_LEN], dst[IP_ADDR_TEXT_LEN];

	if (snapshot_explain(snapshot, &key, &arena, &got) < 0)
		abort();
	writer_add(out, "probe: %s > %s protocol %u ",
		   ip_addr_format(&key.src, src), ip_addr_format(&key.dst, dst),
		   key.protocol);
	if (key.has_port)
		writer_add(out, "port %u", key.dst_port);
	else
		writer_add(out, "without port");
	writer_add(out, "%s, on node %s\n",
		   key.from_own_node ? ", born on the node" : "",
		   twin->node != NULL ? twin->node : "(any)");
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		writer_add(out, "%s: engine: ", direction_name(dir));
		tell_engine_side(&got.sides[dir], out);
		writer_add(out, "%s: oracle: ", direction_name(dir));
		tell_oracle_side(&want.sides[dir], out);
	}
	arena_release(&arena);
}

void twin_tell(struct twin *twin, const struct probe *probe, struct writer *out)
{
	tell(twin, twin->snapshot, probe, out);
}
