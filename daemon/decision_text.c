/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decision_record.h"

#include <stdbool.h>

#include "miss_text.h"

/* ---- who to whom -------------------------------------------------------- */

static void write_end(FILE *out, const struct pod *pod,
		      const struct ip_addr *addr, bool has_port, uint16_t port)
{
	char text[IP_ADDR_TEXT_LEN];

	if (pod)
		fprintf(out, "%s/%s", pod->namespace, pod->name);
	else if (addr->family == IP_V6 && has_port)
		fprintf(out, "[%s]", ip_addr_format(addr, text));
	else
		fprintf(out, "%s", ip_addr_format(addr, text));
	if (has_port)
		fprintf(out, ":%u", port);
}

void decision_record_write_flow(FILE *out, const struct decision_record *record)
{
	const struct side_explanation *sides = record->explanation->sides;
	const struct flow_key *key = &record->key;
	const char *protocol = protocol_name(key->protocol);

	write_end(out, sides[DIRECTION_EGRESS].pod, &key->src,
		  key->has_port && record->src_port, record->src_port);
	fprintf(out, " -> ");
	write_end(out, sides[DIRECTION_INGRESS].pod, &key->dst, key->has_port,
		  key->dst_port);
	if (key->has_port && protocol)
		fprintf(out, "/%s", protocol);
	else if (protocol)
		fprintf(out, " %s", protocol);
	else
		fprintf(out, " protocol %u", key->protocol);
}

/* ---- why ---------------------------------------------------------------- */

static void write_isolated(FILE *out, const struct decision_record *record,
			   enum direction dir)
{
	const struct side_explanation *side = &record->explanation->sides[dir];

	fprintf(out, "%s/%s is isolated by ", side->pod->namespace,
		side->pod->name);
	for (size_t i = 0; i < side->n_isolating; i++)
		fprintf(out, "%s%s/%s", i > 0 ? ", " : "",
			side->isolating[i]->namespace,
			side->isolating[i]->name);
	if (side->n_unlisted > 0)
		fprintf(out, ", %zu more", side->n_unlisted);
	fprintf(out, " and no rule matches");
	if (!side->nearest)
		return;
	fprintf(out, "; ");
	miss_text_write(out, record, dir, side->nearest);
}

static void write_side(FILE *out, const struct decision_record *record,
		       enum direction dir)
{
	const struct side_explanation *side = &record->explanation->sides[dir];

	fprintf(out, "%s: ", direction_name(dir));
	switch (side->side.reason) {
	case REASON_NO_RULE_MATCHES:
		write_isolated(out, record, dir);
		return;
	case REASON_RULE:
		fprintf(out, "%s/%s rule %zu", side->policy->namespace,
			side->policy->name, side->rule + 1);
		return;
	case REASON_NOT_ISOLATED:
		fprintf(out, "not isolated");
		return;
	case REASON_SELF:
		fprintf(out, "a pod to itself");
		return;
	case REASON_OWN_NODE:
		fprintf(out, "from the pod's own node");
		return;
	case REASON_NOT_A_POD:
		fprintf(out, "not a pod");
		return;
	case REASON_NOT_LOCAL:
		fprintf(out, "another node decides");
		return;
	}
}

/* Of a denied flow, what denies it; of another, what a policy or a rule of the
   house had to say. */
static bool is_worth_telling(const struct decision_record *record,
			     enum direction dir)
{
	const struct decision *decision = &record->explanation->decision;
	const struct side *side = &decision->sides[dir];

	if (decision->verdict == VERDICT_DENY)
		return side->verdict == VERDICT_DENY;
	return side->reason != REASON_NOT_A_POD &&
	       side->reason != REASON_NOT_ISOLATED;
}

static bool is_pod(const struct decision_record *record, enum direction dir)
{
	return record->explanation->sides[dir].pod != NULL;
}

void decision_record_write_why(FILE *out, const struct decision_record *record)
{
	bool egress = is_worth_telling(record, DIRECTION_EGRESS);
	bool ingress = is_worth_telling(record, DIRECTION_INGRESS);

	if (!egress && !ingress) {
		egress = is_pod(record, DIRECTION_EGRESS);
		ingress = is_pod(record, DIRECTION_INGRESS);
	}
	if (egress)
		write_side(out, record, DIRECTION_EGRESS);
	if (egress && ingress)
		fprintf(out, "; ");
	if (ingress)
		write_side(out, record, DIRECTION_INGRESS);
	if (!egress && !ingress)
		fprintf(out, "neither end is a pod");
}
