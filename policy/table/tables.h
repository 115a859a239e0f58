/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_TABLE_TABLES_H
#define NETPOLD_POLICY_TABLE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster;
struct intern_pool;
struct object;
struct snapshot;
struct snapshot_options;
struct table;

/**
 * The compiled forms of a cluster: by the policies that are enforced, and by
 * those that are staged, too (NP-8). The second is there while something is
 * staged, and no longer.
 *
 * Threads  who compiles.
 */
struct tables {
	struct table *enforced;
	struct table *planned; /* NULL: nothing is staged */
	size_t n_staged;       /* policies */
	bool enforces_staged;  /* what is staged counts as if it were not */
	bool planned_is_new;   /* of this round */
};

/** Begin from nothing. 0; -ENOMEM, and there are none. */
int tables_init(struct tables *tables, struct intern_pool *pool,
		const struct snapshot_options *options);

/** They are their snapshots' from here on. */
void tables_abandon(struct tables *tables);

/* Each of these returns 0; -ENOMEM, after which they are good for nothing but
   for being abandoned. */

/** Take in all objects. @n  how many there were */
int tables_take_all(struct tables *tables, const struct cluster *cluster,
		    size_t *n);

/** As table_change(). */
int tables_change(struct tables *tables, const struct object *old,
		  const struct object *new);

/** As table_settle(); and have a table for what is staged, if anything is. */
int tables_settle(struct tables *tables, const struct cluster *cluster,
		  struct intern_pool *pool,
		  const struct snapshot_options *options);

/** End the round with a snapshot, which owns that of what is planned. NULL
 *  without memory. */
struct snapshot *tables_publish(struct tables *tables, uint64_t number);

#endif
