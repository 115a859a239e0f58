/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live_pods.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "netpold/addr.h"
#include "netpold/arena.h"
#include "netpold/cleanup.h"
#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "current.h"
#include "observe/live_side.h"
#include "observe/local_reach.h"
#include "rcu.h"

struct address_list {
	struct ip_addr items[LIVE_PODS_MAX];
	size_t n;
	size_t n_pods; /* also those that there was no room for */
	/* Of the same pods, once all were listed; without addresses: it went,
	   or there are too many. */
	struct local_end ends[LIVE_PODS_LOCAL_MAX];
};

/* ---- which pods ---------------------------------------------------------- */

/* A pod is told at the first of its addresses that it holds. */
static bool is_first(const struct snapshot *snapshot, const struct pod *pod,
		     const struct ip_addr *addr)
{
	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (snapshot_pod_by_address(snapshot, &pod->addresses[i]) ==
		    pod)
			return ip_addr_equal(&pod->addresses[i], addr);
	}
	return false;
}

struct walk {
	const struct snapshot *snapshot;
	struct address_list *list;
};

static int note_address(void *ctx, const struct local_address *address)
{
	struct walk *walk = ctx;
	struct address_list *list = walk->list;
	const struct pod *pod =
		snapshot_pod_by_address(walk->snapshot, &address->addr);

	if (!pod || !is_first(walk->snapshot, pod, &address->addr))
		return 0;
	if (list->n < LIVE_PODS_MAX)
		list->items[list->n++] = address->addr;
	list->n_pods++;
	return 0;
}

static void list_addresses(struct address_list *list)
{
	struct walk walk = { .list = list };

	rcu_section_begin();
	walk.snapshot = current_load();
	if (walk.snapshot)
		snapshot_each_local(walk.snapshot, note_address, &walk);
	rcu_section_end();
}

/* ---- one pod --------------------------------------------------------------
 */

static void write_pod_name(struct json_text *out, const struct pod *pod)
{
	FILE *words = json_text_begin_words(out);

	if (!words)
		return;
	fprintf(words, "%s/%s", pod->namespace, pod->name);
	json_text_end_words(out);
}

static void write_names(struct json_text *out, const struct snapshot *snapshot,
			const struct address_list *list, const bool *may)
{
	size_t n = 0;

	json_text_key(out, "names");
	json_text_begin_array(out);
	for (size_t i = 0; i < list->n && n < LIVE_PODS_NAMES_MAX; i++) {
		const struct pod *pod =
			may[i] ? snapshot_pod_by_address(snapshot,
							 &list->items[i])
			       : NULL;

		if (!pod)
			continue;
		write_pod_name(out, pod);
		n++;
	}
	json_text_end_array(out);
}

/* Who of the node may be at the other end of a flow. */
static void write_local(struct json_text *out, const struct snapshot *snapshot,
			const struct address_list *list, size_t at,
			enum direction dir)
{
	const struct local_end *end = &list->ends[at];
	bool may[LIVE_PODS_LOCAL_MAX] = { false };
	bool is_cut = end->is_cut;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool egress = dir == DIRECTION_EGRESS;
		const struct local_end *other = &list->ends[i];
		const struct pod *receiver = snapshot_pod_by_address(
			snapshot, &list->items[egress ? i : at]);

		if (i == at || !receiver)
			continue;
		may[i] =
			egress ? local_reach_may(snapshot, end, other, receiver)
			       : local_reach_may(snapshot, other, end,
						 receiver);
		n += may[i];
		is_cut |= other->is_cut;
	}
	json_text_key(out, "local");
	json_text_begin_object(out);
	json_text_key(out, "n");
	json_text_number(out, n);
	json_text_key(out, "of");
	json_text_number(out, list->n - 1);
	json_text_key(out, "is_cut");
	json_text_bool(out, is_cut);
	write_names(out, snapshot, list, may);
	json_text_end_object(out);
}

static int write_side(struct json_text *out, const struct snapshot *snapshot,
		      const struct address_list *list, size_t at,
		      enum direction dir)
{
	int r;

	json_text_key(out, direction_name(dir));
	json_text_begin_object(out);
	r = live_side_write(out, snapshot, &list->items[at], dir);
	if (r == 0 && list->n_pods <= LIVE_PODS_LOCAL_MAX)
		write_local(out, snapshot, list, at, dir);
	json_text_end_object(out);
	return r;
}

/* ---- all of them --------------------------------------------------------- */

static void write_who(struct json_text *out, const struct snapshot *snapshot,
		      const struct pod *pod)
{
	char text[IP_ADDR_TEXT_LEN];

	json_text_key(out, "namespace");
	json_text_string(out, pod->namespace);
	json_text_key(out, "name");
	json_text_string(out, pod->name);
	json_text_key(out, "addresses");
	json_text_begin_array(out);
	for (size_t i = 0; i < pod->n_addresses; i++) {
		if (snapshot_pod_by_address(snapshot, &pod->addresses[i]) ==
		    pod)
			json_text_string(
				out, ip_addr_format(&pod->addresses[i], text));
	}
	json_text_end_array(out);
}

/* It may have gone meanwhile. */
static int write_pod(struct json_text *out, const struct address_list *list,
		     size_t at)
{
	const struct ip_addr *addr = &list->items[at];
	const struct snapshot *snapshot;
	const struct pod *pod = NULL;
	int r = 0;

	rcu_section_begin();
	snapshot = current_load();
	if (snapshot)
		pod = snapshot_pod_by_address(snapshot, addr);
	if (pod) {
		json_text_begin_object(out);
		write_who(out, snapshot, pod);
		for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++)
			r = write_side(out, snapshot, list, at,
				       (enum direction)dir);
		json_text_end_object(out);
	}
	rcu_section_end();
	return r;
}

static int prepare_end(const struct snapshot *snapshot,
		       const struct ip_addr *addr, struct local_end *end)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct pod *pod = snapshot_pod_by_address(snapshot, addr);
	struct side_explanation side;
	int r = 0;

	if (!pod)
		return 0;
	local_end_init(end, snapshot, pod);
	for (int dir = 0; dir < N_DIRECTIONS && r == 0; dir++) {
		r = live_side_explain(snapshot, addr, (enum direction)dir,
				      &arena, &side);
		if (r == 0)
			local_end_add_ports(end, &side, (enum direction)dir);
	}
	return r;
}

static int prepare_ends(struct address_list *list)
{
	int r = 0;

	if (list->n_pods > LIVE_PODS_LOCAL_MAX)
		return 0;
	for (size_t i = 0; i < list->n && r == 0; i++) {
		const struct snapshot *snapshot;

		rcu_section_begin();
		snapshot = current_load();
		if (snapshot)
			r = prepare_end(snapshot, &list->items[i],
					&list->ends[i]);
		rcu_section_end();
	}
	return r;
}

static void free_list(struct address_list **list)
{
	free(*list);
}

int live_pods_write(struct json_text *out)
{
	CLEANUP(free_list) struct address_list *list = calloc(1, sizeof(*list));
	int r = 0;

	if (!list)
		return -ENOMEM;
	rcu_thread_begin();
	json_text_begin_object(out);
	json_text_key(out, "generation");
	json_text_number(out, current_number());
	list_addresses(list);
	json_text_key(out, "n_pods");
	json_text_number(out, list->n_pods);
	r = prepare_ends(list);
	json_text_key(out, "pods");
	json_text_begin_array(out);
	for (size_t i = 0; i < list->n && r == 0; i++)
		r = write_pod(out, list, i);
	json_text_end_array(out);
	json_text_end_object(out);
	rcu_thread_end();
	return r == 0 && out->failed ? -ENOMEM : r;
}
