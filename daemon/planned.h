/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PLANNED_H
#define NETPOLD_DAEMON_PLANNED_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/arena.h"
#include "netpold/snapshot.h"

#include "json_text.h"

struct decision_record;

/**
 * What would become of a flow if what is staged were enforced, too (NP-8, L35):
 * told where it is something else than what becomes of it.
 */

/**
 * Explain it.
 *
 * @enforced  the decision as it is
 * @out       @room, or NULL: it would be the same
 *
 * Returns  0, or -ENOMEM.
 */
int planned_explain(const struct snapshot *snapshot, const struct flow_key *key,
		    const struct decision *enforced, struct arena *arena,
		    struct explanation *room, const struct explanation **out);

/* @record  of the flow as it is; @planned  of planned_explain(), not NULL */

/** Write "staged: would be denied: ingress: shop/web is isolated by …". */
void planned_write_text(FILE *out, const struct decision_record *record,
			const struct explanation *planned);

/** Write the fields "would", "would_because" and "planned" of
 *  schema/decision.schema.json into an object that is open. Where it is not
 *  known why (@knows_why), which policies are behind it is left out. */
void planned_write_json(struct json_text *out,
			const struct decision_record *record,
			const struct explanation *planned, bool knows_why);

#endif
