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

const struct snapshot *snapshot_planned(const struct snapshot *snapshot)
{
	return snapshot->planned;
}

uint64_t snapshot_number(const struct snapshot *snapshot)
{
	return snapshot->number;
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

static void look_who_isolates(const struct snapshot *snapshot,
			      struct placed placed, bool isolated[N_DIRECTIONS])
{
	const struct identity_view *view = snapshot_view(snapshot, placed);

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		isolated[dir] = view->rules[dir] != NULL;
}

static struct local_address local_address_of(const struct snapshot *snapshot,
					     const struct ip_addr *addr,
					     struct placed placed)
{
	const struct snapshot *planned = snapshot->planned;
	struct local_address local = { .addr = *addr };

	look_who_isolates(snapshot, placed, local.isolated);
	/* Policies only add: whom those that are enforced isolate, all do. */
	if (planned)
		look_who_isolates(planned, find(planned, addr), local.watched);
	else
		memcpy(local.watched, local.isolated, sizeof(local.watched));
	return local;
}

static int visit_address(void *ctx, const struct ip_addr *addr,
			 struct placed placed)
{
	const struct local_walk *walk = ctx;
	struct local_address local;

	if (!(placed.identity & IDENTITY_LOCAL))
		return 0;
	local = local_address_of(walk->snapshot, addr, placed);
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

	if (!placed.pod || !(placed.identity & IDENTITY_LOCAL))
		return false;
	*out = local_address_of(snapshot, addr, placed);
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

static inline struct side answer(enum verdict verdict, enum reason reason)
{
	return (struct side){ verdict, reason };
}

/*
 * What can be said without the rules, and which rules there are. Returns false
 * where the rules have to be asked.
 *
 * Written without branches: of two ends one is local and one is not, and which
 * it is, nothing can predict. Later lines win over earlier ones.
 */
static inline bool settle_side(const struct snapshot *snapshot,
			       const struct flow_key *key,
			       const struct flow_ends *ends, enum direction dir,
			       const struct rule_lookup **rules,
			       struct side *out)
{
	static const struct identity_view no_rules;
	const struct placed *end =
		dir == DIRECTION_EGRESS ? &ends->src : &ends->dst;
	bool is_local = end->identity & IDENTITY_LOCAL;
	bool from_own_node = dir == DIRECTION_INGRESS && key->from_own_node &&
			     !ends->src.pod;
	const struct identity_view *view =
		is_local ? snapshot_view(snapshot, *end) : &no_rules;
	enum reason reason = REASON_NO_RULE_MATCHES;

	*rules = view->rules[dir];
	reason = ends->src.pod == ends->dst.pod ? REASON_SELF : reason;
	reason = !*rules ? REASON_NOT_ISOLATED : reason;
	reason = from_own_node ? REASON_OWN_NODE : reason;
	reason = !is_local ? REASON_NOT_LOCAL : reason;
	reason = !end->pod ? REASON_NOT_A_POD : reason;
	*out = answer(VERDICT_ALLOW, reason);
	return reason != REASON_NO_RULE_MATCHES;
}

static inline struct side side_by_rules(bool allowed)
{
	return allowed ? answer(VERDICT_ALLOW, REASON_RULE)
		       : answer(VERDICT_DENY, REASON_NO_RULE_MATCHES);
}

struct side snapshot_side(const struct snapshot *snapshot,
			  const struct flow_key *key,
			  const struct flow_ends *ends, enum direction dir,
			  const struct rule_lookup **rules)
{
	struct rule_query query;
	struct side side;

	if (settle_side(snapshot, key, ends, dir, rules, &side))
		return side;
	query = snapshot_query(snapshot, *rules, key,
			       snapshot_far_end(key, ends, dir));
	return side_by_rules(rule_lookup_allows(*rules, &query));
}

static inline enum verdict both(const struct side sides[N_DIRECTIONS])
{
	/* Deny is zero. */
	return sides[0].verdict & sides[1].verdict;
}

struct decision snapshot_decide(const struct snapshot *snapshot,
				const struct flow_key *key)
{
	struct flow_ends ends = snapshot_ends(snapshot, key);
	const struct rule_lookup *unused;
	struct decision decision = { .verdict = VERDICT_DENY };

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		decision.sides[dir] =
			snapshot_side(snapshot, key, &ends, dir, &unused);
	decision.verdict = both(decision.sides);
	return decision;
}

/* ---- batches ------------------------------------------------------------ */

/* Flows side by side: as many as the memory can be asked for at once. */
#define LANES 16

/* Where an end of a flow has its place, if it is a pod's. */
struct end_lane {
	const struct page_link *slot; /* NULL: the map is empty */
	struct page_link link;
	uint32_t hash;
};

/* One side that its rules have to decide. */
struct side_lane {
	const struct rule_lookup *rules;
	struct side *out;
	const struct member *members;
	struct rule_query query;
	uint32_t n_members;
	uint32_t node;
	const struct flow_key *key;
	struct far_end far;
};

struct batch {
	const struct snapshot *snapshot;
	const struct flow_key *keys;
	struct decision *out;
	size_t n;
	size_t n_sides;
	struct end_lane ends[LANES][N_DIRECTIONS]; /* source, destination */
	struct flow_ends placed[LANES];
	struct side_lane sides[LANES * N_DIRECTIONS + 1]; /* one to spare */
};

static inline void seek_slot(const struct snapshot *snapshot,
			     const struct ip_addr *addr, struct end_lane *lane)
{
	const struct address_map *map = map_for(snapshot, addr);

	lane->hash = address_hash(map, address_key(addr));
	lane->slot = NULL;
	if (!map->directory)
		return;
	lane->slot = address_slot(map, lane->hash);
	__builtin_prefetch(lane->slot);
}

static inline void seek_place(const struct snapshot *snapshot,
			      const struct ip_addr *addr, struct end_lane *lane)
{
	if (!lane->slot)
		return;
	lane->link = *lane->slot;
	address_prefetch(map_for(snapshot, addr), lane->link, lane->hash);
}

static inline struct placed take_place(const struct snapshot *snapshot,
				       const struct ip_addr *addr,
				       const struct end_lane *lane)
{
	struct placed placed;

	if (!lane->slot)
		return (struct placed){ 0 };
	placed = address_find(map_for(snapshot, addr), lane->link,
			      address_key(addr), lane->hash);
	if (placed.identity & IDENTITY_LOCAL)
		__builtin_prefetch(snapshot_view(snapshot, placed));
	return placed;
}

static inline void find_ends(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		seek_slot(b->snapshot, &b->keys[i].src, &b->ends[i][0]);
		seek_slot(b->snapshot, &b->keys[i].dst, &b->ends[i][1]);
	}
	for (size_t i = 0; i < b->n; i++) {
		seek_place(b->snapshot, &b->keys[i].src, &b->ends[i][0]);
		seek_place(b->snapshot, &b->keys[i].dst, &b->ends[i][1]);
	}
	for (size_t i = 0; i < b->n; i++) {
		b->placed[i].src = take_place(b->snapshot, &b->keys[i].src,
					      &b->ends[i][0]);
		b->placed[i].dst = take_place(b->snapshot, &b->keys[i].dst,
					      &b->ends[i][1]);
	}
}

/* Settle what needs no rules; the other sides get lanes. */
static inline void settle_sides(struct batch *b)
{
	struct side_lane *lane = b->sides;

	for (size_t i = 0; i < b->n; i++) {
		for (int dir = 0; dir < N_DIRECTIONS; dir++) {
			struct side *out = &b->out[i].sides[dir];
			bool settled = settle_side(b->snapshot, &b->keys[i],
						   &b->placed[i], dir,
						   &lane->rules, out);

			lane->out = out;
			lane->key = &b->keys[i];
			lane->far =
				snapshot_far_end(lane->key, &b->placed[i], dir);
			rule_lookup_prefetch(lane->rules);
			lane += !settled;
		}
	}
	b->n_sides = (size_t)(lane - b->sides);
}

/* Where each query leads: to members, and from members to sets. */
static inline void begin_sides(struct batch *b)
{
	for (size_t i = 0; i < b->n_sides; i++) {
		struct side_lane *lane = &b->sides[i];
		struct span span;

		lane->query = snapshot_query(b->snapshot, lane->rules,
					     lane->key, lane->far);
		span = rule_lookup_begin(lane->rules, &lane->query,
					 &lane->node);
		lane->members = rule_lookup_members(lane->rules) + span.first;
		lane->n_members = span.n;
		for (int k = 0; k < MEMBERS_AHEAD; k++)
			member_prefetch(lane->members[k]);
	}
}

/* From sets to their bits. */
static inline void follow_sides(const struct batch *b)
{
	for (size_t i = 0; i < b->n_sides; i++) {
		const struct side_lane *lane = &b->sides[i];

		for (int k = 0; k < MEMBERS_AHEAD; k++)
			member_prefetch_next(lane->members[k]);
	}
}

static inline void finish_sides(const struct batch *b)
{
	for (size_t i = 0; i < b->n_sides; i++) {
		const struct side_lane *lane = &b->sides[i];

		*lane->out = side_by_rules(rule_lookup_finish(
			lane->rules, &lane->query, lane->members,
			lane->n_members, lane->node));
	}
	for (size_t i = 0; i < b->n; i++)
		b->out[i].verdict = both(b->out[i].sides);
}

void snapshot_decide_batch(const struct snapshot *snapshot,
			   const struct flow_key *keys, size_t n,
			   struct decision *out)
{
	struct batch b;

	b.snapshot = snapshot;
	for (size_t i = 0; i < n; i += b.n) {
		b.keys = keys + i;
		b.out = out + i;
		b.n = n - i < LANES ? n - i : LANES;
		find_ends(&b);
		settle_sides(&b);
		begin_sides(&b);
		follow_sides(&b);
		finish_sides(&b);
	}
}
