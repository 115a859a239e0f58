/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow has two sides. The sender's pod is asked about egress, the receiver's
 * pod about ingress, each on the node where it runs; an end that is no pod has
 * nobody to ask (DEC-3). On each side:
 *
 *	no policy selects the pod in this direction   -> allow
 *	the other end is the pod itself               -> allow
 *	any rule of any policy that selects it fits   -> allow
 *	otherwise                                     -> deny
 *
 * Rules only ever allow, so neither the order of policies nor that of rules can
 * change a verdict. A tier of cluster-wide policies would go around this: asked
 * before it with the power to end the question, and once more after "no policy
 * selects the pod".
 */
#include "netpold/snapshot.h"

#include <string.h>

#include "snapshot_parts.h"

void snapshot_free(struct snapshot *snapshot)
{
	struct arena arena;

	if (!snapshot)
		return;
	arena = snapshot->arena;
	arena_release(&arena);
}

void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}

const char *verdict_name(enum verdict verdict)
{
	return verdict == VERDICT_ALLOW ? "allow" : "deny";
}

const char *reason_name(enum reason reason)
{
	switch (reason) {
	case REASON_NO_RULE_MATCHES:
		return "no-rule-matches";
	case REASON_RULE:
		return "rule";
	case REASON_NOT_ISOLATED:
		return "not-isolated";
	case REASON_SELF:
		return "self";
	case REASON_OWN_NODE:
		return "own-node";
	case REASON_NOT_A_POD:
		return "not-a-pod";
	case REASON_NOT_LOCAL:
		return "not-local";
	}
	return "unknown";
}

/* ---- looking up --------------------------------------------------------- */

uint64_t snapshot_hash(const struct ip_addr *addr)
{
	uint64_t high, low;

	memcpy(&high, addr->bytes, sizeof(high));
	memcpy(&low, addr->bytes + sizeof(high), sizeof(low));
	high = (high ^ addr->family) * 0x9e3779b97f4a7c15;
	low = (low ^ high >> 32) * 0xc2b2ae3d27d4eb4f;
	return (high ^ low) ^ (high ^ low) >> 29;
}

const struct snapshot_pod *snapshot_find(const struct snapshot *snapshot,
					 const struct ip_addr *addr)
{
	size_t mask = snapshot->n_places - 1;

	for (size_t i = snapshot_hash(addr) & mask;; i = (i + 1) & mask) {
		const struct address_place *place = &snapshot->places[i];

		if (!place->pod)
			return NULL;
		if (ip_addr_equal(&place->addr, addr))
			return place->pod;
	}
}

const struct pod *snapshot_pod_by_address(const struct snapshot *snapshot,
					  const struct ip_addr *addr)
{
	const struct snapshot_pod *found = snapshot_find(snapshot, addr);

	return found ? &found->pod : NULL;
}

const struct pod *snapshot_pod_by_name(const struct snapshot *snapshot,
				       const char *namespace, const char *name)
{
	size_t low = 0, high = snapshot->n_pods;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pod *pod = &snapshot->pods[middle].pod;
		int order = strcmp(pod->namespace, namespace);

		if (order == 0)
			order = strcmp(pod->name, name);
		if (order == 0)
			return pod;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool snapshot_is_host_address(const struct snapshot *snapshot,
			      const struct ip_addr *addr, const char *node_name)
{
	size_t low = 0, high = snapshot->n_host_addresses;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_addr_compare(&snapshot->host_addresses[middle].addr,
				    addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < snapshot->n_host_addresses; low++) {
		const struct host_address *host =
			&snapshot->host_addresses[low];

		if (!ip_addr_equal(&host->addr, addr))
			break;
		if (strcmp(host->node_name, node_name) == 0)
			return true;
	}
	return false;
}

bool snapshot_is_node_of(const struct snapshot *snapshot,
			 const struct ip_addr *addr, const struct pod *pod)
{
	return pod && *pod->node_name &&
	       snapshot_is_host_address(snapshot, addr, pod->node_name);
}

size_t snapshot_isolated(const struct snapshot *snapshot, enum direction dir,
			 const struct ip_addr **addresses)
{
	*addresses = snapshot->isolated[dir];
	return snapshot->n_isolated[dir];
}

size_t snapshot_local(const struct snapshot *snapshot,
		      const struct ip_addr **addresses)
{
	*addresses = snapshot->local;
	return snapshot->n_local;
}

struct snapshot_counts snapshot_counts(const struct snapshot *snapshot)
{
	struct snapshot_counts counts = {
		.pods = snapshot->n_pods,
		.policies = snapshot->n_policies,
	};

	for (size_t i = 0; i < snapshot->n_pods; i++)
		counts.local_pods += snapshot->pods[i].local;
	return counts;
}

/* ---- deciding ----------------------------------------------------------- */

struct flow_ends snapshot_ends(const struct snapshot *snapshot,
			       const struct flow_key *key)
{
	return (struct flow_ends){
		.src = snapshot_find(snapshot, &key->src),
		.dst = snapshot_find(snapshot, &key->dst),
	};
}

struct rule_question snapshot_question(const struct flow_key *key,
				       const struct flow_ends *ends,
				       enum direction dir)
{
	const struct snapshot_pod *other;

	other = dir == DIRECTION_EGRESS ? ends->dst : ends->src;
	return (struct rule_question){
		.key = key,
		.other = {
			.addr = dir == DIRECTION_EGRESS ? key->dst : key->src,
			.pod = other ? &other->pod : NULL,
			.namespace_labels =
				other ? other->namespace_labels : NULL,
		},
		.port_pod = ends->dst ? &ends->dst->pod : NULL,
	};
}

/* The union of all rules of all policies that select the pod (NP-12). */
static struct side ask_policies(const struct snapshot_pod *pod,
				struct rule_question *question,
				enum direction dir)
{
	for (size_t i = 0; i < pod->n_isolating[dir]; i++) {
		const struct network_policy *policy = pod->isolating[dir][i];

		question->policy_namespace = policy->namespace;
		for (size_t k = 0; k < policy->n_rules[dir]; k++) {
			if (rule_misses(&policy->rules[dir][k], question,
					NULL) == 0)
				return (struct side){ VERDICT_ALLOW,
						      REASON_RULE };
		}
	}
	return (struct side){ VERDICT_DENY, REASON_NO_RULE_MATCHES };
}

struct side snapshot_side(const struct flow_key *key,
			  const struct flow_ends *ends, enum direction dir)
{
	const struct snapshot_pod *pod;
	struct rule_question question;

	pod = dir == DIRECTION_EGRESS ? ends->src : ends->dst;
	if (!pod)
		return (struct side){ VERDICT_ALLOW, REASON_NOT_A_POD };
	if (!pod->local)
		return (struct side){ VERDICT_ALLOW, REASON_NOT_LOCAL };
	if (dir == DIRECTION_INGRESS && key->from_own_node && !ends->src)
		return (struct side){ VERDICT_ALLOW, REASON_OWN_NODE };
	if (pod->n_isolating[dir] == 0)
		return (struct side){ VERDICT_ALLOW, REASON_NOT_ISOLATED };
	if (ends->src == ends->dst)
		return (struct side){ VERDICT_ALLOW, REASON_SELF };
	question = snapshot_question(key, ends, dir);
	return ask_policies(pod, &question, dir);
}

struct decision snapshot_decide(const struct snapshot *snapshot,
				const struct flow_key *key)
{
	struct flow_ends ends = snapshot_ends(snapshot, key);
	struct decision decision = { .verdict = VERDICT_ALLOW };

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		decision.sides[dir] = snapshot_side(key, &ends, dir);
		if (decision.sides[dir].verdict == VERDICT_DENY)
			decision.verdict = VERDICT_DENY;
	}
	return decision;
}
