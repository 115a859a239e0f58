/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A diff for a pull request: a line that says what came out, a table, and what
 * is behind it folded away.
 *
 * Names come from manifests that somebody wants to have merged. In a comment
 * they could close the table, draw pictures or call people, so that whatever
 * means something to Markdown, HTML or a code host is written as a number.
 */
#include "command/diff_markdown.h"

#include <errno.h>
#include <string.h>

#include "command/diff_words.h"
#include "memory_text.h"
#include "netpold/cleanup.h"

enum {
	MAX_ROWS = DIFF_MARKDOWN_MAX_ROWS,
	MAX_NAMES = 12,
	MAX_LEFT_OUT = 4096, /* of a line of them, in bytes */
};

/* ---- text that means nothing but itself --------------------------------- */

void diff_markdown_write_plain(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			fputc('?', out);
		else if (strchr("\\`*_{}[]<>()#+!|&@~\"'$^=", c))
			fprintf(out, "&#%d;", c);
		else
			fputc(c, out);
	}
}

void diff_markdown_write_lines(FILE *out, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		char line[MAX_LEFT_OUT];

		snprintf(line, sizeof(line), "%.*s", (int)len, lines);
		fputs("\n", out);
		diff_markdown_write_plain(out, line);
		fputs("\n", out);
		lines += len + (lines[len] != 0);
	}
}

static int write_why(FILE *out, const struct decision_record *record)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	decision_record_write_why(memory.out, record);
	text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	diff_markdown_write_plain(out, text);
	return 0;
}

static int write_flow(FILE *out, const struct decision_record *record)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	decision_record_write_flow(memory.out, record);
	text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	diff_markdown_write_plain(out, text);
	return 0;
}

/* ---- the table ---------------------------------------------------------- */

static void write_policy(FILE *out, const struct network_policy *policy)
{
	diff_markdown_write_plain(out, policy->namespace);
	fputc('/', out);
	diff_markdown_write_plain(out, policy->name);
}

/* The policies that decide about the example: of what opens, the one that lets
   it in now; of what closes, those that isolate now. */
void diff_markdown_write_policies(FILE *out, enum direction dir,
				  const struct diff_example *example)
{
	const struct side_explanation *now =
		&example->explanations[REACH_NEW].sides[dir];
	const struct side_explanation *isolated = now;

	if (now->policy) {
		fprintf(out, "%s rule %zu of ", direction_name(dir),
			now->rule + 1);
		write_policy(out, now->policy);
		return;
	}
	if (now->side.verdict == VERDICT_ALLOW)
		isolated = &example->explanations[REACH_OLD].sides[dir];
	fprintf(out, "%s %s ", direction_name(dir),
		isolated == now ? "isolated by" : "no longer isolated by");
	for (size_t i = 0; i < isolated->n_isolating && i < MAX_NAMES; i++) {
		fputs(i > 0 ? ", " : "", out);
		write_policy(out, isolated->isolating[i]);
	}
	if (isolated->n_isolating > MAX_NAMES)
		fprintf(out, " and %zu more",
			isolated->n_isolating - MAX_NAMES);
}

static int write_row(FILE *out, struct diff *diff, const struct diff_line *line)
{
	CLEANUP(diff_words_release) struct diff_words words = { 0 };
	struct diff_example example;
	struct arena arena = { 0 };
	int r = diff_words_make(diff, line, &words);

	if (r == 0)
		r = diff_example_make(diff, line, &arena, &example);
	if (r == 0) {
		fprintf(out, "| %s | ", diff_change_word(line->change));
		diff_markdown_write_plain(out, words.from.text);
		fputs(" | ", out);
		diff_markdown_write_plain(out, words.to.text);
		fputs(" | ", out);
		diff_markdown_write_plain(out, words.ports.text);
		fputs(" | ", out);
		diff_markdown_write_policies(
			out, diff_change_side(line->change), &example);
		fputs(" |\n", out);
	}
	arena_release(&arena);
	return r;
}

static int write_table(FILE *out, struct diff *diff)
{
	const struct diff_lines *lines = &diff->lines;
	int r = 0;

	fputs("\n| | from | to | ports | because |\n"
	      "| --- | --- | --- | --- | --- |\n",
	      out);
	for (size_t i = 0; i < lines->n && i < MAX_ROWS && r == 0; i++)
		r = write_row(out, diff, lines->items[i]);
	if (lines->n > MAX_ROWS)
		fprintf(out, "\nand %zu more\n", lines->n - MAX_ROWS);
	return r;
}

/* ---- what is folded ----------------------------------------------------- */

int diff_markdown_write_example(FILE *out, const char *change,
				const struct diff_example *example)
{
	int r;

	fprintf(out, "- %s: ", change);
	r = write_flow(out, &example->records[REACH_NEW]);
	if (r == 0) {
		fputs("\n  - before: ", out);
		r = write_why(out, &example->records[REACH_OLD]);
	}
	if (r == 0) {
		fputs("\n  - now: ", out);
		r = write_why(out, &example->records[REACH_NEW]);
	}
	fputc('\n', out);
	return r;
}

static int write_example(FILE *out, struct diff *diff,
			 const struct diff_line *line)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = diff_example_make(diff, line, &arena, &example);

	if (r == 0)
		r = diff_markdown_write_example(
			out, diff_change_word(line->change), &example);
	arena_release(&arena);
	return r;
}

static int write_examples(FILE *out, struct diff *diff)
{
	const struct diff_lines *lines = &diff->lines;
	int r = 0;

	fputs("\n<details><summary>An example of each</summary>\n\n", out);
	for (size_t i = 0; i < lines->n && i < MAX_ROWS && r == 0; i++)
		r = write_example(out, diff, lines->items[i]);
	fputs("\n</details>\n", out);
	return r;
}

static void write_names(FILE *out, const char *side, const char *kind,
			const struct diff_names *names)
{
	if (names->n == 0)
		return;
	fprintf(out, "- %s only in %s: ", kind, side);
	for (size_t i = 0; i < names->n && i < MAX_NAMES; i++) {
		fputs(i > 0 ? ", " : "", out);
		diff_markdown_write_plain(out, names->items[i]);
	}
	if (names->n > MAX_NAMES)
		fprintf(out, " and %zu more", names->n - MAX_NAMES);
	fputc('\n', out);
}

static void write_sides(FILE *out, const struct diff *diff)
{
	size_t n = 0;

	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		for (int i = 0; i < N_DIFF_KINDS; i++)
			n += diff->sides.only[v][i].n;
	}
	if (n == 0)
		return;
	fputs("\n<details><summary>What one side alone has</summary>\n\n", out);
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		for (int i = 0; i < N_DIFF_KINDS; i++)
			write_names(out, v == REACH_OLD ? "old" : "new",
				    diff_kind_name(i), &diff->sides.only[v][i]);
	}
	fputs("\n</details>\n", out);
}

/* What could not be compared at all. */
static int write_left_out(FILE *out, const struct diff *diff)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	offline_write_left_out(memory.out, &diff->worlds[REACH_OLD], " of OLD");
	offline_write_left_out(memory.out, &diff->worlds[REACH_NEW], " of NEW");
	text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	diff_markdown_write_lines(out, text);
	return 0;
}

int diff_markdown_write(FILE *out, struct diff *diff)
{
	int r = 0;

	fputs("**", out);
	diff_words_write_summary(out, diff);
	fputs("**\n", out);
	r = write_left_out(out, diff);
	if (diff->lines.n > 0 && r == 0)
		r = write_table(out, diff);
	if (diff->lines.n > 0 && r == 0)
		r = write_examples(out, diff);
	if (r == 0)
		write_sides(out, diff);
	return r;
}
