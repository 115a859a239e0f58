/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMO_TABLE_H
#define NETPOLD_DAEMON_DATAPATH_MEMO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/memo.h"

/**
 * Answers that the kernel may have, oldest first: what a set is asked about
 * without listing it, which takes the kernel longer than to judge all of its
 * members again (NF-95).
 *
 * The answers are a dense array, for who goes through all of them; an index of
 * places, by a keyed hash, finds one. Answers are only taken out many at a
 * time, and then the index is made anew.
 *
 * Threads  one at a time.
 */
struct memo_table;

struct memo_place {
	struct memo memo;
	bool wrong; /* to be taken out by memo_table_remove_wrong() */
	int64_t since_us;
	uint32_t hash;
};

/** NULL without memory. @hash_key is random. */
struct memo_table *memo_table_new(const uint64_t hash_key[2]);

/** NULL is fine. */
void memo_table_free(struct memo_table *table);

/**
 * Note that an answer may be in the kernel from @now_us on, for the first time
 * or once more: that makes it the youngest only if it was not there.
 *
 * Returns  true where it was not there; false where it was, or without memory:
 *          then *@failed is set.
 */
bool memo_table_put(struct memo_table *table, const struct memo *memo,
		    int64_t now_us, bool *failed);

bool memo_table_has(const struct memo_table *table, const struct memo *memo);

/** All of them, and how many; good until the table is changed. */
struct memo_place *memo_table_places(struct memo_table *table, size_t *n);

size_t memo_table_count(const struct memo_table *table);

/** Take out what is wrong; returns how many that were. */
size_t memo_table_remove_wrong(struct memo_table *table);

void memo_table_clear(struct memo_table *table);

#endif
