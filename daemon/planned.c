/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "planned.h"

#include "decision_record.h"

int planned_explain(const struct snapshot *snapshot, const struct flow_key *key,
		    const struct decision *enforced, struct arena *arena,
		    struct explanation *room, const struct explanation **out)
{
	const struct snapshot *planned = snapshot_planned(snapshot);
	int r;

	*out = NULL;
	if (!planned)
		return 0;
	r = snapshot_explain_nearest(planned, key, arena, room);
	if (r == 0 && room->decision.verdict != enforced->verdict)
		*out = room;
	return r;
}

static struct decision_record as_planned(const struct decision_record *record,
					 const struct explanation *planned)
{
	struct decision_record other = *record;

	other.explanation = planned;
	return other;
}

void planned_write_text(FILE *out, const struct decision_record *record,
			const struct explanation *planned)
{
	const struct decision_record other = as_planned(record, planned);

	fprintf(out, "staged: would be %s: ",
		planned->decision.verdict == VERDICT_DENY ? "denied"
							  : "allowed");
	decision_record_write_why(out, &other);
}

static void write_why(struct json_text *out,
		      const struct decision_record *record)
{
	FILE *words;

	json_text_key(out, "would_because");
	words = json_text_begin_words(out);
	if (!words)
		return;
	decision_record_write_why(words, record);
	json_text_end_words(out);
}

void planned_write_json(struct json_text *out,
			const struct decision_record *record,
			const struct explanation *planned, bool knows_why)
{
	const struct decision_record other = as_planned(record, planned);

	json_text_key(out, "would");
	json_text_string(out, verdict_name(planned->decision.verdict));
	if (knows_why)
		write_why(out, &other);
	json_text_key(out, "planned");
	json_text_begin_object(out);
	decision_record_write_verdict(out, &other);
	json_text_end_object(out);
}
