/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/diff_text.h"

#include <errno.h>

#include "command/diff_words.h"
#include "memory_text.h"
#include "netpold/cleanup.h"
#include "plain_text.h"
#include "wrap_text.h"

enum {
	MAX_NAMES = 12, /* of what one side alone has */
	COLUMN = 13,	/* of words, behind what they are about */
};

/* ---- one line ----------------------------------------------------------- */

static void write_name(FILE *out, const char *name)
{
	fprintf(out, "    %-*s", COLUMN - 4, name);
}

void diff_text_write_field(FILE *out, const char *name, const char *words)
{
	write_name(out, name);
	wrap_text_write(out, words, COLUMN);
}

static int
write_record(FILE *out, const char *name, const struct decision_record *record,
	     void (*write)(FILE *out, const struct decision_record *record))
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *words = NULL;

	if (memory_text_open(&memory)) {
		write(memory.out, record);
		words = memory_text_close(&memory);
	}
	if (!words)
		return -ENOMEM;
	write_name(out, name);
	wrap_text_write_words(out, words, COLUMN);
	return 0;
}

int diff_text_write_example(FILE *out, const struct diff_example *example)
{
	int r = write_record(out, "example", &example->records[REACH_NEW],
			     decision_record_write_flow);

	if (r == 0)
		r = write_record(out, "before", &example->records[REACH_OLD],
				 decision_record_write_why);
	if (r == 0)
		r = write_record(out, "now", &example->records[REACH_NEW],
				 decision_record_write_why);
	return r;
}

static int write_example(FILE *out, struct diff *diff,
			 const struct diff_line *line)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = diff_example_make(diff, line, &arena, &example);

	if (r == 0)
		r = diff_text_write_example(out, &example);
	arena_release(&arena);
	return r;
}

static int write_line(FILE *out, struct diff *diff,
		      const struct diff_line *line)
{
	CLEANUP(diff_words_release) struct diff_words words = { 0 };

	if (diff_words_make(diff, line, &words) < 0)
		return -ENOMEM;
	fputc('\n', out);
	diff_text_write_field(out, "from", words.from.text);
	diff_text_write_field(out, "to", words.to.text);
	diff_text_write_field(out, "ports", words.ports.text);
	return write_example(out, diff, line);
}

/* ---- the report --------------------------------------------------------- */

static void write_names(FILE *out, const char *kind,
			const struct diff_names *names)
{
	char plain[PLAIN_TEXT_LEN];

	if (names->n == 0)
		return;
	fprintf(out, "    %-11s", kind);
	for (size_t i = 0; i < names->n && i < MAX_NAMES; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			plain_text(names->items[i], plain));
	if (names->n > MAX_NAMES)
		fprintf(out, " and %zu more", names->n - MAX_NAMES);
	fputc('\n', out);
}

static void write_side(FILE *out, const struct diff *diff, enum reach_view view)
{
	const struct diff_names *only = diff->sides.only[view];
	size_t n = 0;

	for (int i = 0; i < N_DIFF_KINDS; i++)
		n += only[i].n;
	if (n == 0)
		return;
	fprintf(out, "\nONLY IN %s\n", view == REACH_OLD ? "OLD" : "NEW");
	for (int i = 0; i < N_DIFF_KINDS; i++)
		write_names(out, diff_kind_name(i), &only[i]);
}

static void write_summary(FILE *out, const struct diff *diff)
{
	diff_words_write_summary(out, diff);
	fputc('\n', out);
	if (diff->sides.n_renamed)
		fprintf(out,
			"%zu of the pods have other names in NEW, and were "
			"found by their owners\n",
			diff->sides.n_renamed);
	offline_write_left_out(out, &diff->worlds[REACH_OLD], " of OLD");
	offline_write_left_out(out, &diff->worlds[REACH_NEW], " of NEW");
}

int diff_text_write(FILE *out, struct diff *diff)
{
	const struct diff_lines *lines = &diff->lines;
	int r = 0;

	write_summary(out, diff);
	for (size_t i = 0; i < lines->n && r == 0; i++) {
		if (i == 0 || i == lines->n_opens)
			fprintf(out, "\n%s\n",
				i < lines->n_opens ? "OPENS" : "CLOSES");
		progress_tell(diff->progress, i, "changes told");
		r = write_line(out, diff, lines->items[i]);
	}
	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++)
		write_side(out, diff, v);
	return r;
}
