/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "top/top_page.h"

#include <math.h>
#include <stdarg.h>

#include "clock.h"
#include "command/hindrances.h"
#include "command/status_page.h"
#include "command/told.h"
#include "plain_text.h"
#include "top/top_choice.h"
#include "top/top_columns.h"
#include "top/top_numbers.h"
#include "top/top_rows.h"
#include "top/top_sample.h"

/* Lines that are no rows: three at the top, an empty one, headings, and keys at
   the bottom. */
#define N_LINES_ABOVE 5
#define N_LINES_BELOW 1

/* What there is no room for is cut; this is longer than what is ever said. */
#define LINE_MAX_LEN 1024

/* SGR: how a terminal shows what follows (ECMA-48). */
#define PLAIN "\x1b[m"
#define BOLD "\x1b[1m"
#define REVERSE "\x1b[7m"
#define RED "\x1b[31m"
#define YELLOW "\x1b[33m"

static const char keys_help[] =
	"q quit  arrows view, scroll  s sort  / filter  p pause";

/* ---- one line ------------------------------------------------------------ */

/* Text that grows until a line is full. */
struct line {
	char text[LINE_MAX_LEN];
	size_t len;
};

static void __attribute__((format(printf, 2, 0)))
add_args(struct line *line, const char *fmt, va_list args)
{
	size_t room = sizeof(line->text) - line->len;
	int n = vsnprintf(line->text + line->len, room, fmt, args);

	if (n > 0)
		line->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void __attribute__((format(printf, 2, 3)))
add(struct line *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_args(line, fmt, args);
	va_end(args);
}

/* Words that belong together, with a gap before them. */
static void __attribute__((format(printf, 2, 3)))
add_words(struct line *line, const char *fmt, ...)
{
	va_list args;

	if (line->len > 0)
		add(line, "  ");
	va_start(args, fmt);
	add_args(line, fmt, args);
	va_end(args);
}

static void write_line(FILE *out, const struct top_page *page,
		       const char *style, const char *text)
{
	char plain[LINE_MAX_LEN];
	int width = page->width > 0 ? (int)page->width : LINE_MAX_LEN;

	snprintf(plain, sizeof(plain), "%s", text);
	plain_text_clean(plain);
	if (page->has_colours)
		fprintf(out, "%s%.*s" PLAIN "\n", style, width, plain);
	else
		fprintf(out, "%.*s\n", width, plain);
}

/* ---- above the rows ------------------------------------------------------ */

static void write_answer(FILE *out, const struct top_page *page)
{
	const json_t *told = page->sample->status;
	const struct status_page status = { .status = page->sample->status,
					    .metrics = page->sample->metrics,
					    .now_us = clock_wall_us() };
	struct line line = { .len = 0 };

	if (page->trouble) {
		write_line(out, page, RED, page->trouble);
		return;
	}
	add(&line, "netpold %s on %s: %s", told_text(told, "netpold"),
	    told_text(told, "node"),
	    hindrances_audit(told) ? "NOTHING IS ENFORCED (audit); " : "");
	add(&line, "%s", status_page_answer(&status));
	add_words(&line, "generation %.0f", told_number(told, "generation"));
	write_line(out, page, status_page_is_good(&status) ? BOLD : RED,
		   line.text);
}

static void add_rate(struct line *line, const char *what, double rate)
{
	if (!isnan(rate))
		add_words(line, "%s %.0f/s", what, rate);
}

static void add_bad(struct line *line, const char *what, double number)
{
	if (number > 0)
		add_words(line, "%s %.0f", what, number);
}

static void add_time(struct line *line, const char *what, double seconds)
{
	if (isnan(seconds))
		return;
	if (isinf(seconds))
		add_words(line, "%s: very long", what);
	else if (seconds < 0.001)
		add_words(line, "%s < %.0f us", what, seconds * 1e6);
	else
		add_words(line, "%s < %.0f ms", what, seconds * 1e3);
}

static void write_numbers(FILE *out, const struct top_page *page)
{
	const struct top_numbers *n = page->numbers;
	struct line line = { .len = 0 };

	add_rate(&line, "judged", n->judged);
	add_rate(&line, "allowed", n->allowed);
	add_rate(&line, "denied", n->denied);
	if (!isnan(n->waiting))
		add_words(&line, "queue %.0f of %.0f", n->waiting, n->capacity);
	add_bad(&line, "DROPPED", n->dropped);
	add_bad(&line, "OVERRUNS", n->overruns);
	add_bad(&line, "COPIES LOST", n->copies_lost);
	add_time(&line, "half", n->median_s);
	add_time(&line, "99 %", n->slow_s);
	add_rate(&line, "kernel: allowed", n->kernel_allowed);
	add_rate(&line, "denied", n->kernel_denied);
	add_bad(&line, "lost", n->lost);
	add_bad(&line, "not told", n->unnamed);
	write_line(out, page, "", line.text);
}

static void write_views(FILE *out, const struct top_page *page)
{
	const struct top_choice *choice = page->choice;
	struct line line = { .len = 0 };

	for (int i = 0; i < N_TOP_VIEWS; i++) {
		enum top_view view = (enum top_view)i;

		add(&line, view == choice->view ? "%s[%s]" : "%s%s",
		    i > 0 ? " " : "", top_view_name(view));
	}
	if (choice->is_paused)
		add_words(&line, "PAUSED");
	if (choice->is_typing)
		add_words(&line, "filter: %s_", choice->filter);
	else if (*choice->filter)
		add_words(&line, "filter: %s", choice->filter);
	add_words(&line, "by %s", top_sort_name(choice->sort));
	add_words(&line, "%zu of %zu rows", page->rows->n, page->rows->n_all);
	if (choice->first > 0)
		add_words(&line, "from %zu", choice->first + 1);
	write_line(out, page, "", line.text);
}

/* ---- the rows ------------------------------------------------------------ */

size_t top_page_n_shown(const struct top_page *page)
{
	size_t others = N_LINES_ABOVE + (page->has_keys ? N_LINES_BELOW : 0);

	if (page->height == 0)
		return page->rows->n;
	return page->height > others ? page->height - others : 0;
}

static const char *style_of(const struct top_row *row)
{
	if (row->is_denied)
		return RED;
	return row->would_be_denied ? YELLOW : "";
}

/* The columns have seen to the width; without one, a row is as long as it
   takes. */
static void write_row(FILE *out, const struct top_page *page,
		      const struct top_columns *columns,
		      const struct top_row *row)
{
	if (page->has_colours)
		fputs(style_of(row), out);
	top_columns_write_row(out, columns, row);
	fputs(page->has_colours ? PLAIN "\n" : "\n", out);
}

/* Returns how many lines it took. */
static size_t write_rows(FILE *out, const struct top_page *page,
			 const struct top_columns *columns)
{
	const struct top_rows *rows = page->rows;
	size_t n_shown = top_page_n_shown(page), n = 0;

	for (size_t i = page->choice->first; i < rows->n && n < n_shown; i++) {
		write_row(out, page, columns, &rows->items[i]);
		n++;
	}
	if (rows->n == 0 && (page->height == 0 || n_shown > 0)) {
		write_line(out, page, "",
			   rows->n_all == 0 ? "(nothing was judged yet)"
					    : "(nothing of that kind)");
		n++;
	}
	return n;
}

static void write_headings(FILE *out, const struct top_page *page,
			   const struct top_columns *columns)
{
	if (page->has_colours)
		fputs(REVERSE, out);
	top_columns_write_headings(out, columns);
	fputs(page->has_colours ? PLAIN "\n" : "\n", out);
}

/* As many lines as there is room for; what comes last has the least to tell. */
void top_page_write(FILE *out, const struct top_page *page)
{
	size_t height = page->height, n_shown = top_page_n_shown(page), n;
	struct top_columns columns = { .widths = { 0 } };

	write_answer(out, page);
	if (height == 0 || height > 1)
		write_numbers(out, page);
	if (height == 0 || height > 2)
		write_views(out, page);
	if (height > 0 && height < N_LINES_ABOVE)
		return;
	top_columns_lay_out(&columns, page->rows, page->width);
	fputc('\n', out);
	write_headings(out, page, &columns);
	n = write_rows(out, page, &columns);
	if (!page->has_keys || (height > 0 && height == N_LINES_ABOVE))
		return;
	for (; height > 0 && n < n_shown; n++)
		fputc('\n', out);
	write_line(out, page, "", keys_help);
}
