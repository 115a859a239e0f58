/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain_json.h"

#include "decision_record.h"
#include "planned.h"
#include "question.h"

static void write_note(const struct explain_json *json, enum direction dir,
		       struct json_text *text)
{
	FILE *words = json_text_begin_words(text);

	if (!words)
		return;
	question_write_note(words, json->asker, json->question, dir);
	json_text_end_words(text);
}

static void write_notes(const struct explain_json *json, struct json_text *text)
{
	bool has_note[N_DIRECTIONS];

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		has_note[dir] =
			question_has_note(json->asker, json->question, dir);
	if (!has_note[DIRECTION_EGRESS] && !has_note[DIRECTION_INGRESS])
		return;
	json_text_key(text, "notes");
	json_text_begin_array(text);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (has_note[dir])
			write_note(json, dir, text);
	}
	json_text_end_array(text);
}

int explain_json_write(FILE *out, const struct explain_json *json,
		       struct json_text *text)
{
	json_text_begin_object(text);
	decision_record_write_json(text, json->record);
	if (json->planned)
		planned_write_json(text, json->record, json->planned, true);
	write_notes(json, text);
	if (json->has_expected) {
		json_text_key(text, "expected");
		json_text_string(text, verdict_name(json->expected));
	}
	json_text_end_object(text);
	return json_text_write_line(text, out);
}

int explain_json_write_error(FILE *out, size_t line, const char *message,
			     struct json_text *text)
{
	json_text_begin_object(text);
	json_text_key(text, "line");
	json_text_number(text, line);
	json_text_key(text, "error");
	json_text_string(text, message);
	json_text_end_object(text);
	return json_text_write_line(text, out);
}
