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
 *
 * What a flow costs is waiting for memory: where its ends are in the map, their
 * identities, the rule table, the sets it leads to. A batch goes through these
 * steps side by side, and fetches for all of its flows what the next step is
 * going to read.
 */
#include "netpold/snapshot.h"

#include <string.h>

#include "table/snapshot_parts.h"

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

static inline const struct address_map *map_for(const struct snapshot *snapshot,
						const struct ip_addr *addr)
{
	return &snapshot->maps[map_of(addr)];
}

static inline struct placed find(const struct snapshot *snapshot,
				 const struct ip_addr *addr)
{
	return address_map_find(map_for(snapshot, addr), addr);
}

const struct pod *snapshot_pod_by_address(const struct snapshot *snapshot,
					  const struct ip_addr *addr)
{
	struct placed placed = find(snapshot, addr);

	return placed.pod ? &placed.pod->pod : NULL;
}

bool snapshot_is_node_of(const struct snapshot *snapshot,
			 const struct ip_addr *addr, const struct pod *pod)
{
	const struct claim *claim = claims_find(&snapshot->table->claims, addr);

	return claim && pod && *pod->node_name &&
	       claim_is_of_host(claim, pod->node_name);
}

struct snapshot_counts snapshot_counts(const struct snapshot *snapshot)
{
	return snapshot->counts;
}

/* ---- local addresses ---------------------------------------------------- */

struct local_walk {
	const struct snapshot *snapshot;
	snapshot_address_fn each;
	void *ctx;
};

static int visit_address(void *ctx, const struct ip_addr *addr,
			 struct placed placed)
{
	const struct local_walk *walk = ctx;
	struct local_address local = { .addr = *addr };
	const struct identity_view *view;

	if (!(placed.identity & IDENTITY_LOCAL))
		return 0;
	view = snapshot_view(walk->snapshot, placed);
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		local.isolated[dir] = view->rules[dir] != NULL;
	return walk->each(walk->ctx, &local);
}

int snapshot_each_local(const struct snapshot *snapshot,
			snapshot_address_fn each, void *ctx)
{
	struct local_walk walk = { snapshot, each, ctx };
	int r = address_map_each(&snapshot->maps[0], visit_address, &walk);

	if (r == 0)
		r = address_map_each(&snapshot->maps[1], visit_address, &walk);
	return r;
}

bool snapshot_find_local(const struct snapshot *snapshot,
			 const struct ip_addr *addr, struct local_address *out)
{
	struct placed placed = find(snapshot, addr);
	const struct identity_view *view;

	if (!placed.pod || !(placed.identity & IDENTITY_LOCAL))
		return false;
	view = snapshot_view(snapshot, placed);
	out->addr = *addr;
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		out->isolated[dir] = view->rules[dir] != NULL;
	return true;
}

/* ---- deciding ----------------------------------------------------------- */

struct flow_ends snapshot_ends(const struct snapshot *snapshot,
			       const struct flow_key *key)
{
	return (struct flow_ends){
		.src = find(snapshot, &key->src),
		.dst = find(snapshot, &key->dst),
	};
}

/* Names are those of the destination; a table for ingress has its own as
   numbers already. */
struct rule_query snapshot_query(const struct snapshot *snapshot,
				 const struct flow_key *key,
				 const struct flow_ends *ends,
				 enum direction dir)
{
	bool egress = dir == DIRECTION_EGRESS;
	const struct placed *other = egress ? &ends->dst : &ends->src;
	struct rule_query query = {
		.other = {
			.addr = egress ? &key->dst : &key->src,
			.identity = other->identity & ~IDENTITY_LOCAL,
			.is_pod = other->pod != NULL,
		},
		.protocol = key->protocol,
		.has_port = key->has_port,
		.port = key->dst_port,
	};

	if (egress && other->pod)
		query.names = &snapshot_view(snapshot, *other)->identity->ports;
	return query;
}

static inline struct side answer(enum verdict verdict, enum reason reason)
{
	return (struct side){ verdict, reason };
}

struct side snapshot_side(const struct snapshot *snapshot,
			  const struct flow_key *key,
			  const struct flow_ends *ends, enum direction dir,
			  const struct rule_table **table)
{
	const struct placed *end =
		dir == DIRECTION_EGRESS ? &ends->src : &ends->dst;
	struct rule_query query;

	*table = NULL;
	if (!end->pod)
		return answer(VERDICT_ALLOW, REASON_NOT_A_POD);
	if (!(end->identity & IDENTITY_LOCAL))
		return answer(VERDICT_ALLOW, REASON_NOT_LOCAL);
	*table = snapshot_view(snapshot, *end)->rules[dir];
	if (dir == DIRECTION_INGRESS && key->from_own_node && !ends->src.pod)
		return answer(VERDICT_ALLOW, REASON_OWN_NODE);
	if (!*table)
		return answer(VERDICT_ALLOW, REASON_NOT_ISOLATED);
	if (ends->src.pod == ends->dst.pod)
		return answer(VERDICT_ALLOW, REASON_SELF);
	query = snapshot_query(snapshot, key, ends, dir);
	return rule_table_allows(*table, &query)
		       ? answer(VERDICT_ALLOW, REASON_RULE)
		       : answer(VERDICT_DENY, REASON_NO_RULE_MATCHES);
}

static inline struct decision decide(const struct snapshot *snapshot,
				     const struct flow_key *key,
				     const struct flow_ends *ends)
{
	struct decision decision = { .verdict = VERDICT_ALLOW };
	const struct rule_table *unused;

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		decision.sides[dir] =
			snapshot_side(snapshot, key, ends, dir, &unused);
		if (decision.sides[dir].verdict == VERDICT_DENY)
			decision.verdict = VERDICT_DENY;
	}
	return decision;
}

struct decision snapshot_decide(const struct snapshot *snapshot,
				const struct flow_key *key)
{
	struct flow_ends ends = snapshot_ends(snapshot, key);

	return decide(snapshot, key, &ends);
}

/* ---- batches ------------------------------------------------------------ */

/* Flows side by side: as many as the memory can be asked for at once. */
#define LANES 16

/* One end of a flow, on its way through the steps. */
struct lane {
	const struct address_map *map; /* NULL: empty */
	const struct ip_addr *addr;
	uint32_t hash;
	struct address_page *const *slot;
	const struct address_page *page;
	struct placed placed;
};

static inline void seek_slot(struct lane *lane, const struct snapshot *snapshot,
			     const struct ip_addr *addr)
{
	const struct address_map *map = map_for(snapshot, addr);

	lane->addr = addr;
	lane->placed = (struct placed){ 0 };
	lane->page = NULL;
	lane->slot = NULL;
	if (!map->directory)
		return;
	lane->slot = address_slot(map, address_hash(map, addr));
	__builtin_prefetch(lane->slot);
}

static inline void seek_page(struct lane *lane)
{
	if (!lane->slot)
		return;
	lane->page = *lane->slot;
	address_page_prefetch(lane->page);
}

static inline void seek_place(struct lane *lane,
			      const struct snapshot *snapshot)
{
	uint32_t i;

	if (!lane->page)
		return;
	i = address_page_find(lane->page, lane->addr);
	if (i == lane->page->n)
		return;
	lane->placed.pod = address_page_pods(lane->page)[i];
	lane->placed.identity = address_page_identities(lane->page)[i];
	if (lane->placed.identity & IDENTITY_LOCAL)
		__builtin_prefetch(snapshot_view(snapshot, lane->placed));
}

static inline void seek_rules(const struct lane *lane,
			      const struct snapshot *snapshot,
			      enum direction dir)
{
	const struct rule_table *rules;

	if (!(lane->placed.identity & IDENTITY_LOCAL))
		return;
	rules = snapshot_view(snapshot, lane->placed)->rules[dir];
	if (rules)
		rule_table_prefetch(rules);
}

static void decide_lanes(const struct snapshot *snapshot,
			 const struct flow_key *keys, size_t n,
			 struct decision *out)
{
	struct lane src[LANES], dst[LANES];

	for (size_t i = 0; i < n; i++) {
		seek_slot(&src[i], snapshot, &keys[i].src);
		seek_slot(&dst[i], snapshot, &keys[i].dst);
	}
	for (size_t i = 0; i < n; i++) {
		seek_page(&src[i]);
		seek_page(&dst[i]);
	}
	for (size_t i = 0; i < n; i++) {
		seek_place(&src[i], snapshot);
		seek_place(&dst[i], snapshot);
	}
	for (size_t i = 0; i < n; i++) {
		seek_rules(&src[i], snapshot, DIRECTION_EGRESS);
		seek_rules(&dst[i], snapshot, DIRECTION_INGRESS);
	}
	for (size_t i = 0; i < n; i++) {
		const struct flow_ends ends = { src[i].placed, dst[i].placed };

		out[i] = decide(snapshot, &keys[i], &ends);
	}
}

void snapshot_decide_batch(const struct snapshot *snapshot,
			   const struct flow_key *keys, size_t n,
			   struct decision *out)
{
	while (n > 0) {
		size_t some = n < LANES ? n : LANES;

		decide_lanes(snapshot, keys, some, out);
		keys += some;
		out += some;
		n -= some;
	}
}
