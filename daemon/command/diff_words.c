/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/diff_words.h"

#include <errno.h>

#include "grid_text.h"
#include "who_text.h"

/* Of who; more are counted. */
#define MAX_ITEMS 24

static int write_who(struct diff *diff, const uint32_t *units, size_t n,
		     struct memory_text *out)
{
	static const struct who_text_options options = { .limit = MAX_ITEMS };

	if (!memory_text_open(out))
		return -ENOMEM;
	if (who_text_write(out->out, &diff->index, units, n, &options, NULL) <
	    0)
		return -ENOMEM;
	return memory_text_close(out) ? 0 : -ENOMEM;
}

static int write_ports(const struct diff *diff, const struct diff_line *line,
		       struct memory_text *out)
{
	if (!memory_text_open(out) ||
	    grid_text_write_ports(out->out, diff->grid, line->set) < 0)
		return -ENOMEM;
	fputs(line->is_some ? ", between some of them" : "", out->out);
	return memory_text_close(out) ? 0 : -ENOMEM;
}

int diff_words_make(struct diff *diff, const struct diff_line *line,
		    struct diff_words *out)
{
	int r = write_who(diff, line->from, line->n_from, &out->from);

	if (r == 0)
		r = write_who(diff, line->to, line->n_to, &out->to);
	return r == 0 ? write_ports(diff, line, &out->ports) : r;
}

void diff_words_release(struct diff_words *words)
{
	memory_text_release(&words->from);
	memory_text_release(&words->to);
	memory_text_release(&words->ports);
}

void diff_words_write_summary(FILE *out, const struct diff *diff)
{
	size_t n = diff->lines.n, n_opens = diff->lines.n_opens;

	if (n == 0)
		fputs("No connection opens or closes", out);
	else
		fprintf(out,
			"Groups of connections that open: %zu, that close: "
			"%zu",
			n_opens, n - n_opens);
	fprintf(out, " (compared: %zu %s, and addresses outside)",
		diff->sides.n_compared,
		diff->sides.n_compared == 1 ? "pod" : "pods");
}
