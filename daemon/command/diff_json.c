/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/diff_json.h"

#include "grid_json.h"

/* Of the worlds, in messages and here. */
static const char *const view_names[REACH_MAX_VIEWS] = { "old", "new" };

struct document {
	FILE *out;
	struct diff *diff;
	struct json_text text;
	bool has_item; /* in the array that is open */
};

static void write_number(struct json_text *text, const char *key, size_t value)
{
	json_text_key(text, key);
	json_text_number(text, value);
}

/* ---- what others say as well -------------------------------------------- */

void diff_json_write_worlds(struct json_text *text,
			    const struct offline worlds[REACH_MAX_VIEWS])
{
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		json_text_key(text, view_names[v]);
		json_text_begin_object(text);
		write_number(text, "pods", worlds[v].n_pods);
		write_number(text, "policies", worlds[v].n_policies);
		write_number(text, "staged_policies", worlds[v].n_staged);
		write_number(text, "without_address",
			     worlds[v].n_without_address);
		write_number(text, "displaced", worlds[v].n_displaced);
		json_text_end_object(text);
	}
}

static void write_record(struct json_text *text, const char *key,
			 const struct decision_record *record)
{
	json_text_key(text, key);
	json_text_begin_object(text);
	decision_record_write_json(text, record);
	json_text_end_object(text);
}

void diff_json_write_example(struct json_text *text,
			     const struct diff_example *example)
{
	write_record(text, "before", &example->records[REACH_OLD]);
	write_record(text, "now", &example->records[REACH_NEW]);
}

/* ---- what was compared -------------------------------------------------- */

static int write_counts(struct document *d)
{
	const struct diff *diff = d->diff;

	fputs("{\"counts\": ", d->out);
	json_text_begin_object(&d->text);
	write_number(&d->text, "compared", diff->sides.n_compared);
	write_number(&d->text, "renamed", diff->sides.n_renamed);
	write_number(&d->text, "opens", diff->lines.n_opens);
	write_number(&d->text, "closes", diff->lines.n - diff->lines.n_opens);
	diff_json_write_worlds(&d->text, diff->worlds);
	json_text_end_object(&d->text);
	return json_text_write_line(&d->text, d->out);
}

static int write_side(struct document *d, enum reach_view view)
{
	const struct diff_names *only = d->diff->sides.only[view];

	fprintf(d->out, ",\"only_%s\": ", view_names[view]);
	json_text_begin_object(&d->text);
	for (int i = 0; i < N_DIFF_KINDS; i++) {
		json_text_key(&d->text, diff_kind_name(i));
		json_text_begin_array(&d->text);
		for (size_t k = 0; k < only[i].n; k++)
			json_text_string(&d->text, only[i].items[k]);
		json_text_end_array(&d->text);
	}
	json_text_end_object(&d->text);
	return json_text_write_line(&d->text, d->out);
}

/* ---- changes ------------------------------------------------------------ */

static int write_units(struct document *d, const char *key,
		       const uint32_t *units, size_t n)
{
	int r;

	json_text_key(&d->text, key);
	json_text_begin_object(&d->text);
	json_text_key(&d->text, "text");
	r = grid_json_write_who(&d->text, &d->diff->index, units, n);
	json_text_key(&d->text, "groups");
	grid_json_write_groups(&d->text, &d->diff->index, units, n);
	json_text_key(&d->text, "ranges");
	grid_json_write_ranges(&d->text, &d->diff->index, units, n);
	json_text_end_object(&d->text);
	return r;
}

static int write_example(struct document *d, const struct diff_line *line)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = diff_example_make(d->diff, line, &arena, &example);

	json_text_key(&d->text, "example");
	json_text_begin_object(&d->text);
	if (r == 0)
		diff_json_write_example(&d->text, &example);
	json_text_end_object(&d->text);
	arena_release(&arena);
	return r;
}

static void write_word(struct document *d, const char *key, const char *word)
{
	json_text_key(&d->text, key);
	json_text_string(&d->text, word);
}

static int write_line(struct document *d, const struct diff_line *line)
{
	const struct grid *grid = d->diff->grid;
	int r;

	json_text_begin_object(&d->text);
	write_word(d, "change", diff_change_word(line->change));
	write_word(d, "side", direction_name(diff_change_side(line->change)));
	json_text_key(&d->text, "some");
	json_text_bool(&d->text, line->is_some);
	r = write_units(d, "from", line->from, line->n_from);
	if (r == 0)
		r = write_units(d, "to", line->to, line->n_to);
	json_text_key(&d->text, "text");
	if (r == 0)
		r = grid_json_write_ports_text(&d->text, grid, line->set);
	json_text_key(&d->text, "ports");
	if (r == 0)
		r = grid_json_write_ports(&d->text, grid, line->set);
	if (r == 0)
		r = write_example(d, line);
	json_text_end_object(&d->text);
	fputs(d->has_item ? "," : "", d->out);
	d->has_item = true;
	return r < 0 ? r : json_text_write_line(&d->text, d->out);
}

/* ---- all of it ---------------------------------------------------------- */

static int write_document(struct document *d)
{
	const struct diff_lines *lines = &d->diff->lines;
	int r = write_counts(d);

	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++)
		r = write_side(d, v);
	fputs(",\"changes\": [\n", d->out);
	for (size_t i = 0; i < lines->n && r == 0; i++) {
		progress_tell(d->diff->progress, i, "changes told");
		r = write_line(d, lines->items[i]);
	}
	fputs("]}\n", d->out);
	return r;
}

int diff_json_write(FILE *out, struct diff *diff)
{
	struct document document = { .out = out, .diff = diff };
	int r = write_document(&document);

	json_text_release(&document.text);
	return r;
}
