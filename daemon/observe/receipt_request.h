/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_RECEIPT_REQUEST_H
#define NETPOLD_DAEMON_OBSERVE_RECEIPT_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "netpold/err.h"

struct receipts;

/**
 * The verb "receipt": whether a policy is in force, and as of which generation
 * (L36). Whoever waits for that says how long to keep the answer back.
 *
 *	{"receipt": {"namespace": "shop", "name": "allow-web",
 *		     "uid": "…", "generation": 3, "keep_ms": 2000}}
 *	{"receipt": {"namespace": "shop", "name": "allow-web",
 *		     "in_force": true, "uid": "…", "generation": 3,
 *		     "in_force_since": "…", "met": true}}
 *
 * It is met where the policy is in force, with a generation of the one that is
 * asked for or a later one; with "gone": true in its place, where it is not in
 * force any more. With a UID only the policy that has it counts: one that was
 * deleted and made anew under the same name is another one (API-25), whose
 * generations begin anew. What of a policy is in force
 * while the server has more of it than can be read here ("unreadable": true),
 * is not that policy (L23).
 * One that is staged (NP-8) meets "staged": true, and nothing else does: so who
 * changes a mode can wait for that, which no generation tells of. In an audit
 * nothing is enforced, and what is staged meets the others, too.
 * In a pause, and before anything is in force, nothing is met.
 */

/** The longest that an answer is kept back: who asks looks again before anybody
 *  has to doubt whether netpold lives. */
#define RECEIPT_KEEP_MAX_MS 2000

/**
 * As struct request_handler has it; @receipts of any thread.
 *
 * @audit  nothing is enforced here (--mode=audit)
 */
json_t *receipt_request_answer(struct receipts *receipts, bool audit,
			       const json_t *request, struct err *err);

int receipt_request_keep_ms(const json_t *request, const json_t *answer);

#endif
