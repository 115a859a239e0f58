/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_RECALL_H
#define NETPOLD_DAEMON_DATAPATH_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netpold/addr.h"
#include "netpold/compiler.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

/**
 * The answers that the kernel remembers, so that nobody has to be woken for a
 * question that was asked before: in a set each for what is allowed and for
 * what is denied, for either family.
 *
 * Rules look them up, and rules put them in, when a verdict comes back from a
 * worker (rules_text.c); a worker says beforehand what it asks for. So the
 * controller knows all that can be in the sets without listing them, and a
 * change has them right before it is in force: what the new snapshot answers
 * otherwise is taken out (NF-95).
 *
 * Threads  controller only, but for rings.
 */
struct recall;
struct memo_ring;
struct unclaimed;

struct recall_options {
	uint32_t size;	  /* answers in each set */
	bool remember[2]; /* by enum verdict */
	unsigned int n_workers;
};

#define RECALL_MIN_SIZE 1024
#define RECALL_MAX_SIZE 1048576
#define RECALL_DEFAULT_SIZE 65536

/** Without sets, of which none is touched. 0 or a negative errno. */
int recall_new(const struct recall_options *options, struct recall **out,
	       struct err *err);

/**
 * Make the sets that are missing; what an earlier run has left in those that
 * stand is to be judged: nobody else may be adding to them any more. Nothing is
 * remembered before recall_begin().
 *
 * Returns  0 or a negative errno.
 */
int recall_make_sets(struct recall *recall, struct err *err);

/** Both. On failure no set is left that was not there. */
int recall_open(const struct recall_options *options, struct recall **out,
		struct err *err);

/** NULL is fine. Sets and members stay (NF-69). */
void recall_close(struct recall *recall);

/** Close, and destroy the sets that recall_open() has made, for who was only
 *  looking. NULL is fine. */
void recall_undo(struct recall *recall);

/** Where a worker writes down what is to be remembered. Good until the answers
 *  are closed; the worker has to be stopped before. */
struct memo_ring *recall_ring(struct recall *recall, unsigned int worker);

/** The rules stand: from now on answers are remembered. What is not to be
 *  remembered any more is forgotten. */
void recall_begin(struct recall *recall);

/** A descriptor that is readable when there is work to do soon; -1: never. */
int recall_fd(const struct recall *recall);

/** Make the sets that are missing by now. 0 or a negative errno. */
int recall_renew(struct recall *recall, struct err *err);

/** Take in what workers have asked for, and make room where a set is full: to
 *  be called at least every second. */
void recall_work(struct recall *recall);

/** A change is made: these answers may be others. */
void recall_owe(struct recall *recall, const struct update *update);

/** All of them may be. */
void recall_owe_all(struct recall *recall);

/** Another netpold may have put in what nobody has told us: the next
 *  recall_settle() takes out everything. */
void recall_mistrust(struct recall *recall);

/**
 * Take out what @snapshot answers otherwise, and what is about addresses that
 * no pod claims, whose packets are held. It must be in force, and its grace
 * period over.
 *
 * @unclaimed  NULL: nobody's are
 *
 * Returns  0; a negative errno: it is still owed.
 */
int recall_settle(struct recall *recall, const struct snapshot *snapshot,
		  const struct unclaimed *unclaimed, struct err *err);

/**
 * Wait until no packet is on its way any more that has found an answer which is
 * taken out since: the connection that it opens is in no dump of conntrack's
 * before it has left (NF-85). At once where none was.
 */
void recall_wait(struct recall *recall);

/**
 * Put right what somebody else has done to the sets.
 *
 * @n_moved  how many members too many there were
 */
int recall_mend(struct recall *recall, size_t *n_moved, struct err *err);

/** Whether answers of an earlier run that allow were found, of a family: so
 * flows may be marked that no worker has seen. */
bool recall_adopted(const struct recall *recall, enum ip_family family);

/** What the kernel may remember, by verdict, and what became of it since the
 *  start. */
struct recall_kept {
	size_t size;	     /* now, both families */
	size_t max;	     /* likewise; 0: not remembered */
	uint64_t insertions; /* that were not there */
	uint64_t evictions;  /* to make room */
	uint64_t deletions;  /* a change had made them wrong */
};
struct recall_counts {
	struct recall_kept kept[2];
	uint64_t discards; /* not remembered, because the controller was busy */
	uint64_t rejudged; /* after changes */
	uint64_t flushes;  /* of a set in which much was wrong */
	int64_t settle_us; /* the last recall_settle() with something to do */
};
struct recall_counts recall_counts(const struct recall *recall);

/** Destroy the sets: for `netpold clean`, after the rules are gone. */
int recall_destroy_sets(struct err *err);

#endif
