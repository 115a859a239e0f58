/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_QUESTION_H
#define NETPOLD_DAEMON_QUESTION_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "flow_words.h"

/**
 * From a flow in words to the question that the engine answers.
 *
 * The datapath knows addresses only. So a pod stands for its address, one on
 * the host network for its node's (NP-52), and whoever has the address answers
 * for it, which need not be the pod that was named: then there is a note.
 */

/** What is known of the cluster. */
struct asker {
	const struct cluster *cluster;
	const struct snapshot *snapshot; /* of it */
	const char *where; /* it is, for messages: "in the manifests" */
	bool suggests; /* of a pod that is not there, say which may be meant:
			  that is a walk over all pods */
};

struct question {
	struct flow_key key;
	const struct pod *named[N_DIRECTIONS]; /* whose address it is: of the
						  sender, of the receiver.
						  NULL: an address was named */
	const char *port_name; /* what the port was called; NULL: its number */
	/* The same over the other family, where both ends have both and it was
	   not said which to take. */
	bool has_other;
	struct flow_key other;
};

/**
 * Find out what is asked.
 *
 * A pod that is not there, is finished or has no address is no end of a flow;
 * nor are two ends of different families.
 *
 * @arena  where what it needs goes; pods point into the cluster
 *
 * Returns  0; -EINVAL with a message for whoever asked; -ENOMEM.
 */
int question_resolve(const struct asker *asker, const struct flow_words *words,
		     struct arena *arena, struct question *out,
		     struct err *err);

/** Whether the pod that was named at an end is not who answers for it. */
bool question_has_note(const struct asker *asker,
		       const struct question *question, enum direction dir);

/** Write why, in one sentence without a full stop. */
void question_write_note(FILE *out, const struct asker *asker,
			 const struct question *question, enum direction dir);

#endif
