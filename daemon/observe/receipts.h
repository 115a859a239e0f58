/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_RECEIPTS_H
#define NETPOLD_DAEMON_OBSERVE_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "netpold/cluster.h"
#include "netpold/compiler.h"
#include "netpold/err.h"

#include "observe/receipt_uid.h"

/**
 * Which generation of each policy is in force, and since when (L36).
 *
 * A change has three steps here, as it has in the datapath: it is noted when it
 * is compiled, published when new flows obey it, and in force when open
 * connections do, too. Only the last one is told, so that a receipt never says
 * more than the packets do. What is noted and then refused stays noted, and
 * goes along with the next change.
 *
 *	receipts_follow()	receipts_published()	receipts_in_force()
 *	noted ────────────────► published ────────────► in force
 *
 * A policy that is read again and says the same keeps the time since when it is
 * in force. One that was deleted and made anew is another one, whatever it
 * says: it has another UID, and its generations begin with 1 again (API-25).
 * All of it costs as much as there are policies that have changed, but for
 * receipts_assign() and the list.
 *
 * Threads  controller only, where nothing else is said.
 */
struct receipts;
struct name_set;

/** Receipts of a netpold that has nothing in force yet. 0, or a negative errno
 *  with a message. */
int receipts_new(struct receipts **out, struct err *err);

/** NULL is fine. */
void receipts_free(struct receipts *receipts);

/* ---- what has changed ----------------------------------------------------
 * Each returns 0 or -ENOMEM: then no policy counts as in force until the next
 * change, which begins anew from the cluster.
 */

/** Note a policy that has come or changed. */
int receipts_put(struct receipts *receipts,
		 const struct network_policy *policy);

/** Note that a policy has gone. One that nobody knows is fine. */
int receipts_drop(struct receipts *receipts, const char *namespace,
		  const char *name);

/** Note that there are these policies, and no other ones. */
int receipts_assign(struct receipts *receipts, const struct cluster *cluster);

/**
 * Note what a compilation has changed.
 *
 * @cluster  that was compiled
 */
int receipts_follow(struct receipts *receipts, const struct update *update,
		    const struct cluster *cluster);

/* ---- how far it is ------------------------------------------------------- */

/** What was noted is published: new flows obey it. */
void receipts_published(struct receipts *receipts);

/**
 * What was published is in force, and so is what was before
 * receipts_suspend(), which this ends.
 *
 * @since_us  by the wall clock
 */
void receipts_in_force(struct receipts *receipts, int64_t since_us);

/** Nothing is in force until something is put in force again. */
void receipts_suspend(struct receipts *receipts);

/**
 * Which policies the API server has in a form of which only a part can be read,
 * or nothing: what of them is in force is not what it has (L23).
 *
 * @is_settled  the source says nothing that has not been noted: who is not
 *              among @names any more, is in force as it is. Elsewhere, and
 *              while changes are on their way, names only come: one that can be
 *              read again is not in force before that is.
 *
 * Returns  1 if something changes, 0 if not; -ENOMEM, and no policy counts as
 *          in force until the next change.
 */
int receipts_unreadable(struct receipts *receipts, const struct name_set *names,
			bool is_settled);

/* ---- telling -------------------------------------------------------------
 * Threads  any.
 */

struct receipt {
	char uid[RECEIPT_UID_SIZE]; /* "": the policy has none */
	int64_t generation;	    /* 0: the policy has none */
	int64_t since_us;	    /* by the wall clock */
	bool staged; /* what is in force of it is that it is staged (NP-8) */
	/* It is not, or not as a whole, what the API server has. */
	bool is_unreadable;
};

enum receipt_state {
	RECEIPT_UNKNOWN = 0, /* nothing is in force: the start, a pause */
	RECEIPT_ABSENT,	     /* no such policy is */
	RECEIPT_IN_FORCE,
};

/** Whether a policy is in force; @out is set where it is, and is_unreadable
 *  where it is absent, too. */
enum receipt_state receipts_find(struct receipts *receipts,
				 const char *namespace, const char *name,
				 struct receipt *out);

/** As a receipt in schema/status.schema.json: a new reference, or NULL without
 *  memory. What is 0 or "" is left out. */
json_t *receipt_to_json(const char *namespace, const char *name,
			const struct receipt *receipt);

/**
 * All that are in force, sorted by their names, as the receipts in
 * schema/status.schema.json.
 *
 * Returns  a new reference, or NULL without memory.
 */
json_t *receipts_to_json(struct receipts *receipts);

#endif
