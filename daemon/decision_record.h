/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DECISION_RECORD_H
#define NETPOLD_DAEMON_DECISION_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/snapshot.h"

#include "json_text.h"

/**
 * A decision as it is told to people and to programs: who to whom, the verdict
 * and the policies behind it.
 *
 * Every command that tells of decisions does it through these, so that the
 * same decision reads the same everywhere. Rules are counted from 1, in text
 * and in JSON.
 */
struct decision_record {
	struct flow_key key;
	uint16_t src_port;		       /* 0 where it is not known */
	const struct explanation *explanation; /* of the key */
	/* What JSON tells of pods besides: who owns them, their labels. */
	bool with_owners, with_labels;
};

/** Write "shop/client:40000 -> 10.0.0.7:80/TCP" or "a/b -> c/d ICMP": pods by
 * their names, others by their addresses. */
void decision_record_write_flow(FILE *out,
				const struct decision_record *record);

/**
 * Write why: "ingress: shop/allow-web rule 1", "egress: shop/client is
 * isolated by shop/deny-all and no rule matches", and by how much the nearest
 * rule misses (miss_text.h). Of a denied flow, only the sides that deny it are
 * told; of an allowed one, sides where no policy had a word only if that is so
 * on both.
 */
void decision_record_write_why(FILE *out, const struct decision_record *record);

/**
 * Write the fields of schema/decision.schema.json into an object that is open.
 * Producers add what they know besides (the time, packets). Policies that are
 * not known are left out.
 */
void decision_record_write_json(struct json_text *out,
				const struct decision_record *record);

/** The first half of these: from, to, and the protocol. */
void decision_record_write_ends(struct json_text *out,
				const struct decision_record *record);

/** The other: the verdict, egress and ingress. */
void decision_record_write_verdict(struct json_text *out,
				   const struct decision_record *record);

#endif
