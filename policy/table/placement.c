/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From pods and nodes to addresses, and from addresses to identities.
 *
 * A pod claims its addresses. Where it is the only one to, it has them; where
 * others claim one, too, or a node does, the claim says who has it (claim.h).
 * Whoever has an address, the map leads from the address to its identity.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/compiler.h"

#include "store/changes.h"
#include "store/record.h"
#include "table/table.h"

/* Pods that hold an address of their own: not those on the host network
   (NP-52), and not those that are finished (NP-62). */
static bool takes_part(const struct object *object)
{
	return object && !object->pod.host_network && !object->pod.finished &&
	       object->pod.n_addresses > 0;
}

/* Pods whose addresses are those of their node. */
static bool is_on_host(const struct object *object)
{
	return object && object->pod.host_network && !object->pod.finished;
}

static bool is_local(const struct table *table, const struct object *object)
{
	return !table->node_name || object->pod.node_name == table->node_name;
}

/* ---- the report --------------------------------------------------------- */

static const struct object *object_of(const struct pod *pod)
{
	return pod ? (const void *)((uintptr_t)pod -
				    offsetof(struct object, pod))
		   : NULL;
}

static void drop_contest(struct table *table, const struct contest *contest)
{
	record_drop(table->parts.pool, object_of(contest->winner));
	record_drop(table->parts.pool, object_of(contest->loser));
}

static void forget_contests(struct table *table)
{
	for (size_t i = 0; i < table->n_contests; i++)
		drop_contest(table, &table->contests[i]);
	table->n_contests = 0;
}

static bool claims_still(const struct claim *claim, const struct object *pod)
{
	for (size_t i = 0; i < claim->n_pods; i++)
		if (claim->pods[i] == pod)
			return true;
	return false;
}

/* Who has won may have gone since, and another have won. Returns whether the
   loser still loses. */
static bool settle_contest(struct table *table, struct contest *contest)
{
	const struct claim *claim = claims_find(&table->claims, &contest->addr);
	const struct object *loser = object_of(contest->loser), *winner;

	if (!claim || !claims_still(claim, loser))
		return false;
	winner = claim_winner(&table->claims, claim);
	if (winner)
		record_use(winner);
	record_drop(table->parts.pool, object_of(contest->winner));
	contest->winner = winner ? &winner->pod : NULL;
	return winner != loser;
}

void placement_end_report(struct table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n_contests; i++) {
		if (settle_contest(table, &table->contests[i]))
			table->contests[n++] = table->contests[i];
		else
			drop_contest(table, &table->contests[i]);
	}
	table->n_contests = n;
}

/* What the first round has needed is not kept for ever. */
#define KEPT_TOUCHED 1024

void placement_begin_report(struct table *table)
{
	forget_contests(table);
	table->n_touched = 0;
	if (table->touched_capacity <= KEPT_TOUCHED)
		return;
	parts_free(&table->parts, PART_INDEX, table->touched,
		   table->touched_capacity * sizeof(*table->touched));
	table->touched = NULL;
	table->touched_capacity = 0;
}

int placement_touch(struct table *table, const struct ip_addr *addr)
{
	struct ip_addr *touched = parts_grow(
		&table->parts, PART_INDEX, table->touched, table->n_touched,
		&table->touched_capacity, sizeof(*touched));

	if (!touched)
		return -ENOMEM;
	table->touched = touched;
	touched[table->n_touched++] = *addr;
	return 0;
}

static int report_contest(struct table *table, const struct ip_addr *addr,
			  const struct object *winner,
			  const struct object *loser)
{
	struct contest *contests = parts_grow(
		&table->parts, PART_INDEX, table->contests, table->n_contests,
		&table->contests_capacity, sizeof(*contests));

	if (!contests)
		return -ENOMEM;
	table->contests = contests;
	if (winner)
		record_use(winner);
	record_use(loser);
	contests[table->n_contests++] =
		(struct contest){ *addr, winner ? &winner->pod : NULL,
				  &loser->pod };
	return 0;
}

/* ---- who has an address ------------------------------------------------- */

static struct placed holder_of(const struct table *table,
			       const struct ip_addr *addr)
{
	return address_map_find(&table->maps[map_of(addr)], addr);
}

static struct identity *identity_of(const struct table *table,
				    struct placed placed)
{
	return identities_by_number(&table->identities,
				    placed.identity & ~IDENTITY_LOCAL);
}

static struct identity *get_identity(struct table *table,
				     const struct object *object)
{
	struct parts *parts = &table->parts;
	struct table_namespace *namespace = namespaces_get(
		parts, &table->namespaces, object->pod.namespace);
	struct identity *identity;
	bool is_new;

	if (!namespace)
		return NULL;
	identity = identities_get(parts, &table->identities, namespace,
				  &object->pod, &is_new);
	if (!identity || !is_new)
		return identity;
	table->n_new_identities++;
	if (peer_sets_enter(parts, &table->peer_sets, identity->facts,
			    &identity->labels, identity->number) < 0)
		return NULL;
	return identity;
}

/* Whoever had the address has it no more. */
static void leave_identity(struct table *table, struct placed placed,
			   const struct ip_addr *addr)
{
	struct identity *identity = identity_of(table, placed);

	if (placed.identity & IDENTITY_LOCAL)
		identity_remove_local(identity, addr);
	identity_unuse(&table->identities, identity);
}

static int enter_identity(struct table *table, struct identity *identity,
			  bool local, const struct ip_addr *addr)
{
	int r = 0;

	if (local)
		r = identity_add_local(&table->parts, identity, addr);
	if (r < 0)
		return r;
	identity_use(&table->identities, identity);
	if (local && !identity->compiled)
		selection_mark(table, identity);
	return 0;
}

/* What the address opens, and what it answers. */
static void may_deny_either_way(struct table *table)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		table->may_deny[dir] = true;
}

static int give(struct table *table, const struct ip_addr *addr,
		const struct object *pod)
{
	struct placed before = holder_of(table, addr);
	struct identity *identity = get_identity(table, pod);
	bool local = is_local(table, pod);
	struct placed after = { .pod = pod };
	int r = 0;

	if (!identity)
		return -ENOMEM;
	after.identity = identity->number | (local ? IDENTITY_LOCAL : 0);
	if (before.pod && before.identity == after.identity)
		return address_map_set(&table->parts,
				       &table->maps[map_of(addr)], addr, after);
	r = enter_identity(table, identity, local, addr);
	if (r == 0)
		r = address_map_set(&table->parts, &table->maps[map_of(addr)],
				    addr, after);
	if (r < 0)
		return r;
	if (before.pod)
		leave_identity(table, before, addr);
	/* That a pod of another node comes can only allow more. */
	if (before.pod || local)
		may_deny_either_way(table);
	return placement_touch(table, addr);
}

static int take_away(struct table *table, const struct ip_addr *addr)
{
	struct placed before = holder_of(table, addr);
	int r;

	if (!before.pod)
		return 0;
	r = address_map_remove(&table->parts, &table->maps[map_of(addr)], addr);
	if (r < 0)
		return r;
	leave_identity(table, before, addr);
	may_deny_either_way(table);
	return placement_touch(table, addr);
}

static int settle_claim(struct table *table, struct claim *claim)
{
	const struct object *winner = claim_winner(&table->claims, claim);
	const struct object *holder = holder_of(table, &claim->addr).pod;
	int r = 0;

	if (winner && winner != holder)
		r = give(table, &claim->addr, winner);
	else if (!winner)
		r = take_away(table, &claim->addr);
	claims_drop_settled(&table->parts, &table->claims, claim);
	return r;
}

/* ---- claiming ----------------------------------------------------------- */

/* A claim on an address, with who has it now. */
static struct claim *begin_claim(struct table *table,
				 const struct ip_addr *addr)
{
	struct claim *claim = claims_find(&table->claims, addr);
	const struct object *holder;

	if (claim)
		return claim;
	claim = claims_get(&table->parts, &table->claims, addr);
	holder = claim ? holder_of(table, addr).pod : NULL;
	if (holder && claim_add_pod(&table->parts, claim, holder) < 0) {
		claims_drop_settled(&table->parts, &table->claims, claim);
		return NULL;
	}
	return claim;
}

static int report_contests(struct table *table, const struct claim *claim,
			   const struct object *pod)
{
	const struct object *winner = claim_winner(&table->claims, claim);

	if (winner != pod)
		return report_contest(table, &claim->addr, winner, pod);
	for (size_t i = 0; i < claim->n_pods; i++) {
		int r = claim->pods[i] == pod
				? 0
				: report_contest(table, &claim->addr, pod,
						 claim->pods[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int claim_address(struct table *table, const struct ip_addr *addr,
			 const struct object *pod)
{
	struct claim *claim;
	int r;

	if (!claims_find(&table->claims, addr) && !holder_of(table, addr).pod)
		return give(table, addr, pod);
	claim = begin_claim(table, addr);
	if (!claim)
		return -ENOMEM;
	r = claim_add_pod(&table->parts, claim, pod);
	if (r == 0)
		r = report_contests(table, claim, pod);
	return r == 0 ? settle_claim(table, claim) : r;
}

static int release_address(struct table *table, const struct ip_addr *addr,
			   const struct object *pod)
{
	struct claim *claim = claims_find(&table->claims, addr);

	if (!claim)
		return take_away(table, addr);
	claim_remove_pod(&table->parts, claim, pod);
	return settle_claim(table, claim);
}

/* The same address before and after: who is alone on it keeps it. */
static int keep_address(struct table *table, const struct ip_addr *addr,
			const struct object *old, const struct object *new)
{
	struct claim *claim = claims_find(&table->claims, addr);
	int r;

	if (!claim)
		return give(table, addr, new);
	r = claim_add_pod(&table->parts, claim, new);
	if (r < 0)
		return r;
	claim_remove_pod(&table->parts, claim, old);
	return settle_claim(table, claim);
}

static int claim_host(struct table *table, const struct ip_addr *addr,
		      const char *node_name)
{
	struct claim *claim = begin_claim(table, addr);
	int r;

	if (!claim)
		return -ENOMEM;
	r = claim_add_host(&table->parts, claim, node_name);
	return r == 0 ? settle_claim(table, claim) : r;
}

static int release_host(struct table *table, const struct ip_addr *addr,
			const char *node_name)
{
	struct claim *claim = claims_find(&table->claims, addr);

	claim_remove_host(&table->parts, claim, node_name);
	return settle_claim(table, claim);
}

/* New ones first, so that what is in both is the host's throughout. */
static int change_host(struct table *table, const char *node_name,
		       const struct ip_addr *new, size_t n_new,
		       const struct ip_addr *old, size_t n_old)
{
	int r = 0;

	for (size_t i = 0; i < n_new && r == 0; i++)
		r = claim_host(table, &new[i], node_name);
	for (size_t i = 0; i < n_old && r == 0; i++)
		r = release_host(table, &old[i], node_name);
	return r;
}

/* ---- objects ------------------------------------------------------------ */

static bool has_address(const struct object *object, const struct ip_addr *addr)
{
	for (size_t i = 0; i < object->pod.n_addresses; i++) {
		if (ip_addr_equal(&object->pod.addresses[i], addr))
			return true;
	}
	return false;
}

static int change_claims(struct table *table, const struct object *old,
			 const struct object *new)
{
	int r = 0;

	for (size_t i = 0; old && i < old->pod.n_addresses && r == 0; i++) {
		const struct ip_addr *addr = &old->pod.addresses[i];

		if (new &&has_address(new, addr))
			r = keep_address(table, addr, old, new);
		else
			r = release_address(table, addr, old);
	}
	for (size_t i = 0; new &&i < new->pod.n_addresses &&r == 0; i++) {
		const struct ip_addr *addr = &new->pod.addresses[i];

		if (!old || !has_address(old, addr))
			r = claim_address(table, addr, new);
	}
	return r;
}

int placement_change_pod(struct table *table, const struct object *old,
			 const struct object *new)
{
	const struct object *pod_old = takes_part(old) ? old : NULL;
	const struct object *pod_new = takes_part(new) ? new : NULL;
	const struct object *host_old = is_on_host(old) ? old : NULL;
	const struct object *host_new = is_on_host(new) ? new : NULL;
	int r;

	table->n_pods += (size_t)(pod_new != NULL) - (pod_old != NULL);
	table->n_local_pods += (size_t)(pod_new && is_local(table, pod_new)) -
			       (pod_old && is_local(table, pod_old));
	r = change_claims(table, pod_old, pod_new);
	if (r == 0 && host_new)
		r = change_host(table, host_new->pod.node_name,
				host_new->pod.addresses,
				host_new->pod.n_addresses, NULL, 0);
	if (r == 0 && host_old)
		r = change_host(table, host_old->pod.node_name, NULL, 0,
				host_old->pod.addresses,
				host_old->pod.n_addresses);
	return r;
}

int placement_change_node(struct table *table, const struct object *old,
			  const struct object *new)
{
	static const struct node none;
	const struct node *before = old ? &old->node : &none;
	const struct node *after = new ? &new->node : &none;

	return change_host(table, new ? after->name : before->name,
			   after->addresses, after->n_addresses,
			   before->addresses, before->n_addresses);
}

int placement_change_namespace(struct table *table, const struct object *old,
			       const struct object *new)
{
	const char *name = new ? new->namespace.name : old->namespace.name;
	struct table_namespace *namespace =
		namespaces_get(&table->parts, &table->namespaces, name);
	int r;

	if (!namespace)
		return -ENOMEM;
	r = namespaces_learn(&table->parts, &table->namespaces, namespace,
			     new ? &new->namespace.labels : NULL);
	if (r < 0)
		return r;
	if (r > 0 && namespace->n_identities > 0 && !namespace->dirty) {
		namespace->dirty = true;
		namespace->next_dirty = table->dirty_namespaces;
		table->dirty_namespaces = namespace;
	}
	namespaces_drop_unused(&table->parts, &table->namespaces, namespace);
	return 0;
}

/* ---- namespaces whose facts have changed -------------------------------- */

/* Who holds an address under the old facts gets it again, under the new. */
static int identify_again(void *ctx, const struct object *object)
{
	struct table *table = ctx;
	int r = 0;

	if (!takes_part(object))
		return 0;
	for (size_t i = 0; i < object->pod.n_addresses && r == 0; i++) {
		const struct ip_addr *addr = &object->pod.addresses[i];

		if (holder_of(table, addr).pod == object)
			r = give(table, addr, object);
	}
	return r;
}

int placement_settle(struct table *table, const struct cluster *cluster)
{
	struct table_namespace *namespace;
	int r = 0;

	while (r == 0 && (namespace = table->dirty_namespaces)) {
		table->dirty_namespaces = namespace->next_dirty;
		namespace->dirty = false;
		if (namespace->n_identities > 0)
			r = cluster_each_of(cluster, OBJECT_POD,
					    namespace->name, identify_again,
					    table);
		namespaces_drop_unused(&table->parts, &table->namespaces,
				       namespace);
	}
	return r;
}
