/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_MEMORY_H
#define NETPOLD_DAEMON_DATAPATH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "datapath/ipset.h"
#include "datapath/memo.h"
#include "datapath/memo_set.h"

struct memo_table;
struct unclaimed;

/**
 * A set of answers in the kernel, of one verdict and one family, and a table of
 * all that can be in it. Rules fill the set (rules_text.c), whoever asks them
 * to has to tell the table first: what is in the set is in the table.
 *
 * Threads  controller only.
 */
struct memory {
	struct ipset *ipset;	  /* somebody else's */
	struct memo_table *table; /* NULL: the set is not in use */
	struct memo_set_options set;
	enum verdict verdict;
	bool made;    /* by memory_open() */
	bool adopted; /* it held answers then */
	bool unknown; /* there are members that the table had no room for */
	bool let_go;  /* members were taken out; for others to reset */
	/* what became of its members */
	uint64_t insertions; /* that were not there */
	uint64_t evictions;  /* to make room */
	uint64_t deletions;  /* they had become wrong */
	uint64_t flushes;    /* of all of them */
	uint64_t rejudged;   /* asked for again */
};

/** Make the set if it is missing, and see what is in it. 0 or a negative
 *  errno. Release it in either case. */
int memory_open(struct memory *memory, struct ipset *ipset, struct err *err);

/** Destroy the set, if memory_open() has made it and no rule uses it. */
void memory_undo(struct memory *memory);

/** The set and its members stay. */
void memory_release(struct memory *memory);

/** An answer may be in the set from now on. */
void memory_note(struct memory *memory, const struct memo *memo,
		 int64_t now_us);

/** Whether more is to be remembered. */
bool memory_has_room(const struct memory *memory);

/**
 * Take out what @snapshot answers otherwise, and what is about addresses that
 * are unclaimed (NULL: none are). Nobody may note such an answer any
 * more.
 *
 * @targets  only answers about one of these addresses; NULL: all
 *
 * Returns  0; a negative errno: it has to be done again, for all.
 */
int memory_settle(struct memory *memory, const struct snapshot *snapshot,
		  const struct unclaimed *unclaimed,
		  const struct ip_addr *targets, size_t n_targets,
		  struct err *err);

/** Take those out of the table that the kernel has let run out. */
void memory_expire(struct memory *memory, int64_t now_us);

/** Make room where there is little left. 0 or a negative errno. */
int memory_make_room(struct memory *memory, struct err *err);

/** Make the set if it is missing. */
int memory_renew(struct memory *memory, struct err *err);

/** How many members there are; all of them are noted, or soon will be. */
int memory_count(const struct memory *memory, size_t *n, struct err *err);

/**
 * Empty the set, if it has more members than it can have: somebody else has put
 * them in.
 *
 * @n  memory_count(), before the last notes were taken in
 *
 * Returns  how many too many, or a negative errno.
 */
int memory_check(struct memory *memory, size_t n, size_t *n_foreign,
		 struct err *err);

#endif
