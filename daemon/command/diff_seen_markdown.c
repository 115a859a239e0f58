/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "command/diff_markdown.h"
#include "command/diff_seen.h"
#include "memory_text.h"
#include "netpold/cleanup.h"

/* Ends the text that is open, and writes it into a cell. */
static int write_cell(FILE *out, struct memory_text *memory)
{
	const char *text = memory_text_close(memory);

	if (!text)
		return -ENOMEM;
	diff_markdown_write_plain(out, text);
	fputs(" | ", out);
	return 0;
}

static int write_end(FILE *out, const struct seen *seen,
		     const struct seen_change *change, enum direction end)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };

	if (!memory_text_open(&memory))
		return -ENOMEM;
	seen_write_end(memory.out, seen, change, end);
	return write_cell(out, &memory);
}

static int write_fact(FILE *out, const struct seen_change *change,
		      void (*write)(FILE *out,
				    const struct seen_change *change))
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };

	if (!memory_text_open(&memory))
		return -ENOMEM;
	write(memory.out, change);
	return write_cell(out, &memory);
}

/* Who denies it: before, where it opens; now, where it closes. */
static enum direction side_of(const struct seen_change *change,
			      const struct diff_example *example)
{
	enum reach_view view = change->key.opens ? REACH_OLD : REACH_NEW;
	const struct explanation *denied = &example->explanations[view];

	return denied->sides[DIRECTION_INGRESS].side.verdict == VERDICT_DENY
		       ? DIRECTION_INGRESS
		       : DIRECTION_EGRESS;
}

static int write_because(FILE *out, const struct seen *seen,
			 const struct seen_change *change)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = seen_example_make(seen, change, &arena, &example);

	if (r == 0)
		diff_markdown_write_policies(out, side_of(change, &example),
					     &example);
	fputs(" |\n", out);
	arena_release(&arena);
	return r;
}

static int write_row(FILE *out, const struct seen *seen,
		     const struct seen_change *change)
{
	int r;

	fprintf(out, "| %s | ", seen_change_word(change));
	r = write_end(out, seen, change, DIRECTION_EGRESS);
	if (r == 0)
		r = write_end(out, seen, change, DIRECTION_INGRESS);
	if (r == 0)
		r = write_fact(out, change, seen_write_port);
	if (r == 0)
		r = write_fact(out, change, seen_write_times);
	return r == 0 ? write_because(out, seen, change) : r;
}

static int write_table(FILE *out, const struct seen *seen)
{
	int r = 0;

	fputs("\n| | from | to | port | seen | because |\n"
	      "| --- | --- | --- | --- | --- | --- |\n",
	      out);
	for (size_t i = 0; i < seen->n && i < DIFF_MARKDOWN_MAX_ROWS && r == 0;
	     i++)
		r = write_row(out, seen, seen->changes[i]);
	if (seen->n > DIFF_MARKDOWN_MAX_ROWS)
		fprintf(out, "\nand %zu more\n",
			seen->n - DIFF_MARKDOWN_MAX_ROWS);
	return r;
}

static int write_example(FILE *out, const struct seen *seen,
			 const struct seen_change *change)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = seen_example_make(seen, change, &arena, &example);

	if (r == 0)
		r = diff_markdown_write_example(out, seen_change_word(change),
						&example);
	arena_release(&arena);
	return r;
}

static int write_examples(FILE *out, const struct seen *seen)
{
	int r = 0;

	fputs("\n<details><summary>An example of each</summary>\n\n", out);
	for (size_t i = 0; i < seen->n && i < DIFF_MARKDOWN_MAX_ROWS && r == 0;
	     i++)
		r = write_example(out, seen, seen->changes[i]);
	fputs("\n</details>\n", out);
	return r;
}

static int write_left_out(FILE *out, const struct seen *seen)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };
	const char *text;

	if (!memory_text_open(&memory))
		return -ENOMEM;
	seen_write_left_out(memory.out, seen);
	text = memory_text_close(&memory);
	if (!text)
		return -ENOMEM;
	diff_markdown_write_lines(out, text);
	return 0;
}

int seen_markdown_write(FILE *out, const struct seen *seen)
{
	int r;

	fputs("**", out);
	seen_write_summary(out, seen);
	fputs("**\n", out);
	r = write_left_out(out, seen);
	if (seen->n > 0 && r == 0)
		r = write_table(out, seen);
	if (seen->n > 0 && r == 0)
		r = write_examples(out, seen);
	return r;
}
