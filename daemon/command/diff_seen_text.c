/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "command/diff_seen.h"
#include "command/diff_text.h"
#include "memory_text.h"
#include "netpold/cleanup.h"
#include "plain_text.h"

/* Ends the text that is open, and writes it: names in it are from outside. */
static int write_words(FILE *out, const char *name, struct memory_text *memory)
{
	if (!memory_text_close(memory))
		return -ENOMEM;
	plain_text_clean(memory->text);
	diff_text_write_field(out, name, memory->text);
	return 0;
}

static int write_end(FILE *out, const char *name, const struct seen *seen,
		     const struct seen_change *change, enum direction end)
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };

	if (!memory_text_open(&memory))
		return -ENOMEM;
	seen_write_end(memory.out, seen, change, end);
	return write_words(out, name, &memory);
}

static int
write_fact(FILE *out, const char *name, const struct seen_change *change,
	   void (*write)(FILE *out, const struct seen_change *change))
{
	CLEANUP(memory_text_release) struct memory_text memory = { 0 };

	if (!memory_text_open(&memory))
		return -ENOMEM;
	write(memory.out, change);
	return write_words(out, name, &memory);
}

static int write_example(FILE *out, const struct seen *seen,
			 const struct seen_change *change)
{
	struct diff_example example;
	struct arena arena = { 0 };
	int r = seen_example_make(seen, change, &arena, &example);

	if (r == 0)
		r = diff_text_write_example(out, &example);
	arena_release(&arena);
	return r;
}

static int write_change(FILE *out, const struct seen *seen,
			const struct seen_change *change)
{
	int r;

	fputc('\n', out);
	r = write_end(out, "from", seen, change, DIRECTION_EGRESS);
	if (r == 0)
		r = write_end(out, "to", seen, change, DIRECTION_INGRESS);
	if (r == 0)
		r = write_fact(out, "port", change, seen_write_port);
	if (r == 0)
		r = write_fact(out, "seen", change, seen_write_times);
	return r == 0 ? write_example(out, seen, change) : r;
}

int seen_text_write(FILE *out, const struct seen *seen)
{
	int r = 0;

	seen_write_summary(out, seen);
	fputc('\n', out);
	seen_write_left_out(out, seen);
	for (size_t i = 0; i < seen->n && r == 0; i++) {
		if (i == 0 || i == seen->n_opens)
			fprintf(out, "\n%s\n",
				i < seen->n_opens ? "OPENS" : "CLOSES");
		r = write_change(out, seen, seen->changes[i]);
	}
	return r;
}
