/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SNAPSHOT_H
#define NETPOLD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/err.h"
#include "netpold/object.h"

/**
 * A snapshot answers "may this packet pass?" for one moment of the cluster.
 *
 * It is compiled from a cluster, owns everything it needs, and never changes;
 * any number of threads may ask it at once. It is made and freed by one at a
 * time (compiler.h). A decision is a pure function of
 * the snapshot and the key (DEC-1): rules only ever allow, so the order of
 * policies cannot change a verdict (NP-12).
 */
struct snapshot;

enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW };

/** "deny" or "allow". */
const char *verdict_name(enum verdict verdict);

/** What a decision depends on, and nothing else (DEC-1). */
struct flow_key {
	struct ip_addr src; /* who opens the flow, before SNAT */
	struct ip_addr dst; /* who is reached, after DNAT (NP-39) */
	uint16_t dst_port;  /* host order; valid where has_port */
	uint8_t protocol;
	bool has_port;
	bool from_own_node; /* born in this node's host network (NP-55) */
};

/** Why one side of a decision came out as it did. */
enum reason {
	REASON_NO_RULE_MATCHES = 0, /* isolated, and no rule allows it: deny */
	REASON_RULE,		    /* a rule allows it (NP-12) */
	REASON_NOT_ISOLATED,	    /* no policy selects the pod (NP-11) */
	REASON_SELF,		    /* a pod to itself (NP-50) */
	REASON_OWN_NODE,	    /* from the pod's own node (NP-54) */
	REASON_NOT_A_POD,	    /* no pod has this address (DEC-3) */
	REASON_NOT_LOCAL,	    /* its own node decides (DEC-3) */
};

/** A short name for logs and JSON: "no-rule-matches", "rule", … */
const char *reason_name(enum reason reason);

/** One end's answer. Which policies and rules are behind it is for
 *  snapshot_explain() to say. */
struct side {
	enum verdict verdict;
	enum reason reason;
};

struct decision {
	enum verdict verdict; /* allow when both sides allow (DEC-3) */
	struct side sides[N_DIRECTIONS];
};

struct snapshot_options {
	/* Whose pods are local. NULL: every pod is, as offline commands want
	   it. */
	const char *node_name;
	/* Drawn at random, so that who chooses addresses cannot choose where
	   they are kept. Zero is fine where nobody means harm. */
	uint64_t hash_key[2];
	/* Staged policies (NP-8) count as if they were enforced. */
	bool enforce_staged;
};

/**
 * Compile a cluster. The cluster may change or go afterwards.
 *
 * Returns  0 with a snapshot that the caller frees; -ENOMEM.
 */
int snapshot_compile(const struct cluster *cluster,
		     const struct snapshot_options *options,
		     struct snapshot **out, struct err *err);

/**
 * The same moment, if staged policies were enforced, too (NP-8): a snapshot
 * like any other, of the same number, which lives as long as @snapshot, and is
 * freed with it. It has the same pods at the same addresses.
 *
 * Returns  NULL where nothing is staged.
 * Threads  any.
 */
const struct snapshot *snapshot_planned(const struct snapshot *snapshot);

/** NULL is fine. No thread may be asking it any more. Threads: who compiles. */
void snapshot_free(struct snapshot *snapshot);
void snapshot_freep(struct snapshot **snapshot);

/**
 * Decide one flow.
 *
 * Returns  verdict and reasons; cannot fail, does not allocate.
 * Threads  any.
 */
struct decision snapshot_decide(const struct snapshot *snapshot,
				const struct flow_key *key);

/** The same for many flows at once, several times as fast for each. */
void snapshot_decide_batch(const struct snapshot *snapshot,
			   const struct flow_key *keys, size_t n,
			   struct decision *out);

/** The live pod that holds an address, or NULL (NP-52, NP-60 … NP-64). */
const struct pod *snapshot_pod_by_address(const struct snapshot *snapshot,
					  const struct ip_addr *addr);

/**
 * Whether an address belongs to the node that a pod runs on, as far as the
 * objects tell: the Node's own addresses and those of its host-network pods.
 *
 * Offline commands use it for flow_key.from_own_node. On a live node that is
 * known by where a packet was born, never by an address, which a pod can
 * forge (NP-55). A snapshot that is not the compiler's newest answers as that
 * would.
 *
 * Threads  who compiles.
 */
bool snapshot_is_node_of(const struct snapshot *snapshot,
			 const struct ip_addr *addr, const struct pod *pod);

/** An address of a local pod, and whether policies isolate it: what has to be
 *  diverted. */
struct local_address {
	struct ip_addr addr;
	bool isolated[N_DIRECTIONS]; /* by what is enforced */
	bool watched[N_DIRECTIONS];  /* or by what is staged (NP-8) */
};

/** Anything but 0 ends the walk, and is its result. */
typedef int (*snapshot_address_fn)(void *ctx,
				   const struct local_address *address);

/** Walk the addresses of local pods, each once, in no particular order. */
int snapshot_each_local(const struct snapshot *snapshot,
			snapshot_address_fn each, void *ctx);

/** The same for one address; false where no local pod has it. */
bool snapshot_find_local(const struct snapshot *snapshot,
			 const struct ip_addr *addr, struct local_address *out);

/** Tells a snapshot from all others of its compiler: they are numbered from 1
 * in the order in which they were made. One that has no compiler is number 1.
 */
uint64_t snapshot_number(const struct snapshot *snapshot);

/** How many pods (with an address), local ones, and policies are in it. */
struct snapshot_counts {
	size_t pods;
	size_t local_pods;
	size_t policies;	/* without those that are staged */
	size_t staged_policies; /* judged by, and not enforced (NP-8) */
};
struct snapshot_counts snapshot_counts(const struct snapshot *snapshot);

/* ---- explanation -------------------------------------------------------- */

/**
 * The policies that one side's answer is due to, and no more: for who counts
 * them. REASON_RULE: the one whose rule allows, by name the first;
 * REASON_NO_RULE_MATCHES: all that isolate; else none.
 *
 * @side  the answer
 * @out   up to @max of them, which live as long as @snapshot
 *
 * Returns  how many there are, which may be more than @max; does not allocate.
 * Threads  any.
 */
size_t snapshot_credit(const struct snapshot *snapshot,
		       const struct flow_key *key, enum direction dir,
		       struct side *side, const struct network_policy **out,
		       size_t max);

/** What keeps a rule from allowing a flow. Or-ed; 0 when it allows. */
enum miss {
	MISS_PORT = 1 << 0,		 /* no entry of ports fits (NP-43) */
	MISS_NAMESPACE = 1 << 1,	 /* not the policy's own (NP-30) */
	MISS_NAMESPACE_LABELS = 1 << 2,	 /* namespace_selector (NP-31) */
	MISS_NAMESPACE_UNKNOWN = 1 << 3, /* only its name is known (NP-42) */
	MISS_POD_LABELS = 1 << 4,	 /* pod_selector (NP-30) */
	MISS_NOT_A_POD = 1 << 5,	 /* a selector, but no pod (NP-34) */
	MISS_BLOCK = 1 << 6,		 /* outside the block (NP-33) */
	MISS_EXCEPT = 1 << 7,		 /* in it, but excepted (NP-33) */
};
#define N_MISSES 8

/** "port", "namespace", "namespace-labels", … */
const char *miss_name(enum miss miss);

/** Requirements of a selector that do not hold, as they are listed. */
struct unmet {
	const struct requirement *const *items;
	size_t n;
};

/** How near one rule of one isolating policy came, by its nearest peer. */
struct rule_result {
	const struct network_policy *policy;
	size_t rule;		 /* from 0, in spec.ingress or spec.egress */
	unsigned int misses;	 /* enum miss, or-ed; 0: allows */
	const struct peer *peer; /* NULL where the rule has none */
	/* The first entry of ports that fits; NULL where none does, or the rule
	   has none. */
	const struct policy_port *port;
	/* MISS_NAMESPACE_LABELS, MISS_POD_LABELS: which. While a Namespace is
	   unknown, requirements that it may meet are here as well. */
	struct unmet namespace_labels;
	struct unmet pod_labels;
	/* For comparing. Nearest is the rule that was most likely meant for the
	   flow:
	   - Last come rules whose peers are something else entirely: selectors
	     where the other end is no pod, blocks where it is one, or where it
	     has an address of the other family.
	   - Of others, the one with the fewest things missing: a label, the
	     namespace, the port; being excepted counts as one, being outside
	     of the block as two.
	   - Of those with as many, the one that misses less of the peer, so
	     that the port alone comes first; then the one listed first. */
	size_t distance;
};

struct side_explanation {
	struct side side;
	const struct pod *pod; /* whose policies were asked; NULL: no pod */
	/* REASON_RULE: the first rule that allows, and its policy. Else
	   NULL. */
	const struct network_policy *policy;
	size_t rule; /* from 0, in spec.ingress or spec.egress */
	const struct network_policy *const *isolating; /* sorted by name */
	size_t n_isolating;
	size_t n_unlisted; /* more of them: snapshot_explain_some() */
	const struct rule_result *rules; /* of isolating policies, in order */
	size_t n_rules;
	const struct rule_result *nearest; /* least distance; NULL: no rules */
};

struct explanation {
	struct decision decision;
	struct side_explanation sides[N_DIRECTIONS];
};

/**
 * The same decision, with every policy and rule that had a part in it.
 *
 * It asks the very code that snapshot_decide() runs (L28).
 *
 * @arena  where the lists go; policies and pods point into @snapshot
 *
 * Returns  0, or -ENOMEM.
 */
int snapshot_explain(const struct snapshot *snapshot,
		     const struct flow_key *key, struct arena *arena,
		     struct explanation *out);

/**
 * The same, for telling of the nearest rule alone: of the others it is not
 * listed which requirements they leave unmet. Where there are hundreds of rules
 * that is half of the work.
 */
int snapshot_explain_nearest(const struct snapshot *snapshot,
			     const struct flow_key *key, struct arena *arena,
			     struct explanation *out);

/** How much of each side is told. */
struct explain_bound {
	size_t policies; /* that isolate */
	size_t entries;	 /* rules, their peers and their ports */
};

/**
 * The same, within a bound: for who has little time, or little room to tell of
 * it. A pod may be isolated by thousands of policies.
 *
 * The first of them are listed. Rules are asked where none matches, those that
 * are listed first, as long as their peers and ports are within the bound: the
 * nearest is that of these.
 */
int snapshot_explain_some(const struct snapshot *snapshot,
			  const struct flow_key *key,
			  const struct explain_bound *bound,
			  struct arena *arena, struct explanation *out);

#endif
