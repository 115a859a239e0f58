/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases that are a table of who reaches whom on one port: a row for each who
 * opens a flow, a column for each who is reached.
 *
 *	matrix:
 *	  port: 80
 *	  table: |
 *	    from      shop/web  shop/db  203.0.113.9
 *	    shop/web  -         allow    deny
 *	    dev/curl  allow     deny     allow
 *
 * Columns are told by the order of words, not by where they stand. The corner
 * is not blank, because YAML takes the indentation of a block from its first
 * line. A cell that is - is not asked. Blank lines count as nothing, and so do
 * lines that begin with #.
 *
 * A block that begins with | stands in the file line by line as it is here,
 * less what all of its lines are indented by; that is how a word is found again
 * in the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"
#include "suite/fields.h"

#define MAX_COLUMNS 512
#define MAX_CELLS 100000

static const char blanks[] = " \t\r";

struct word {
	const char *text; /* a copy */
	size_t at;	  /* its place in its line */
};

/* A line of the table. */
struct row {
	const char *text;
	size_t len;
	unsigned int line; /* of the file */
	size_t file_at;	   /* where its line begins there */
	size_t file_len;
	struct word words[MAX_COLUMNS + 1];
	size_t n;
};

struct table {
	struct suite *suite;
	const struct field *field; /* the table */
	struct suite_case *out;
	struct flow_words words; /* protocol and port */
	struct row head, row;
	size_t room; /* of flows */
	size_t n_rows;
};

/* ---- lines ----------------------------------------------------------------
 */

static size_t line_len(const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);

	return newline ? (size_t)(newline - text) : len;
}

/* Behind the line that begins at a byte of the file. */
static size_t after_line(const struct suite *suite, size_t at)
{
	size_t len = line_len(suite->text + at, suite->len - at);

	return at + len < suite->len ? at + len + 1 : suite->len;
}

static int split(struct table *table, struct row *row, struct err *err)
{
	size_t at = 0;

	row->n = 0;
	for (;;) {
		size_t len;

		while (at < row->len && strchr(blanks, row->text[at]))
			at++;
		if (at == row->len || (row->n == 0 && row->text[at] == '#'))
			return 0;
		len = strcspn(row->text + at, " \t\r\n");
		if (row->n > MAX_COLUMNS)
			return suite_refuse(table->suite, row->line,
					    table->field->path, err,
					    "expected at most %d columns, "
					    "found more",
					    MAX_COLUMNS);
		row->words[row->n].at = at;
		row->words[row->n].text = arena_strndup(&table->suite->arena,
							row->text + at, len);
		if (!row->words[row->n++].text)
			return field_no_memory(table->suite, err);
		at += len;
	}
}

/* ---- cells --------------------------------------------------------------- */

/* A word of the table as a value of its own, for who checks values. */
static int check_end(struct table *table, const struct row *row, size_t i,
		     struct err *err)
{
	const struct suite_node node = { .type = NODE_TEXT,
					 .text = row->words[i].text };
	const struct field field = { .node = &node,
				     .path = table->field->path,
				     .line = row->line };
	const char *end;

	return field_end(table->suite, &field, &end, err);
}

static int read_verdict(struct table *table, const char *word,
			enum verdict *out, struct err *err)
{
	const struct suite_node node = { .type = NODE_TEXT, .text = word };
	const struct field field = { .node = &node,
				     .path = table->field->path,
				     .line = table->row.line };

	return field_verdict(table->suite, &field, out, err);
}

static struct suite_flow *add_flow(struct table *table)
{
	struct suite_case *out = table->out;
	struct suite_flow *flows =
		arena_room(&table->suite->arena, out->flows, out->n_flows,
			   &table->room, sizeof(*flows));

	if (!flows)
		return NULL;
	out->flows = flows;
	return &flows[out->n_flows++];
}

static int read_cell(struct table *table, size_t column, struct err *err)
{
	const struct row *row = &table->row;
	const struct word *word = &row->words[column + 1];
	enum verdict expected = VERDICT_DENY;
	struct suite_flow *flow;
	int r;

	if (strcmp(word->text, "-") == 0)
		return 0;
	r = read_verdict(table, word->text, &expected, err);
	if (r < 0)
		return r;
	if (table->out->n_flows == MAX_CELLS)
		return suite_refuse(
			table->suite, row->line, table->field->path, err,
			"expected at most %d cells, found more", MAX_CELLS);
	flow = add_flow(table);
	if (!flow)
		return field_no_memory(table->suite, err);
	*flow = (struct suite_flow){
		.line = row->line,
		.path = table->field->path,
		.words = table->words,
		.expected = expected,
		.begin = row->file_at + row->file_len - row->len + word->at,
	};
	flow->end = flow->begin + strlen(word->text);
	/* YAML knows ends of lines that are none of a file's. */
	if (memcmp(table->suite->text + flow->begin, word->text,
		   strlen(word->text)) != 0)
		return suite_refuse(table->suite, row->line, table->field->path,
				    err, "expected plain lines, found others");
	flow->words.from = row->words[0].text;
	flow->words.to = table->head.words[column + 1].text;
	return 0;
}

static int read_head(struct table *table, struct err *err)
{
	int r = 0;

	table->head = table->row;
	if (strcmp(table->head.words[0].text, "from") != 0 ||
	    table->head.n == 1)
		return suite_refuse(table->suite, table->row.line,
				    table->field->path, err,
				    "expected a first line of from and who is "
				    "reached");
	for (size_t i = 1; i < table->head.n && r == 0; i++)
		r = check_end(table, &table->head, i, err);
	return r;
}

static int read_row(struct table *table, struct err *err)
{
	const struct row *row = &table->row;
	int r;

	if (row->n != table->head.n)
		return suite_refuse(table->suite, row->line, table->field->path,
				    err,
				    "expected who opens flows and %zu words "
				    "behind it, one for each column, found %zu",
				    table->head.n - 1, row->n - 1);
	r = check_end(table, row, 0, err);
	for (size_t i = 0; i + 1 < table->head.n && r == 0; i++)
		r = read_cell(table, i, err);
	table->n_rows++;
	return r;
}

static int read_line(struct table *table, struct err *err)
{
	int r = split(table, &table->row, err);

	if (r < 0 || table->row.n == 0)
		return r;
	return table->head.n == 0 ? read_head(table, err)
				  : read_row(table, err);
}

static int read_table(struct table *table, struct err *err)
{
	const struct suite *suite = table->suite;
	const struct suite_node *node = table->field->node;
	const char *text = node->text;
	size_t len = strlen(text);
	size_t file_at = after_line(suite, node->begin);
	int r = 0;

	table->row.line = node->value_line;
	while (len > 0 && r == 0) {
		struct row *row = &table->row;
		size_t n = line_len(text, len);

		row->text = text;
		row->len = n;
		row->line++;
		row->file_at = file_at;
		row->file_len =
			line_len(suite->text + file_at, suite->len - file_at);
		if (row->file_len > 0 &&
		    suite->text[file_at + row->file_len - 1] == '\r')
			row->file_len--;
		if (row->file_len < row->len)
			return suite_refuse(suite, row->line,
					    table->field->path, err,
					    "expected plain lines, found "
					    "others");
		r = read_line(table, err);
		file_at = after_line(suite, file_at);
		text += n < len ? n + 1 : n;
		len -= n < len ? n + 1 : n;
	}
	return r;
}

/* ---- the case ------------------------------------------------------------ */

static int check_block(const struct table *table, struct err *err)
{
	const struct suite_node *node = table->field->node;

	if (node->type == NODE_TEXT && node->is_block &&
	    table->suite->text[node->begin] == '|')
		return 0;
	return suite_refuse(
		table->suite, table->field->line, table->field->path, err,
		"expected a table, line by line behind |, found %s",
		node->type == NODE_TEXT ? "text that is written otherwise"
					: suite_node_type_name(node->type));
}

static int check_filled(const struct table *table, struct err *err)
{
	if (table->out->n_flows > 0)
		return 0;
	return suite_refuse(table->suite, table->field->line,
			    table->field->path, err,
			    "expected cells that are allow or deny, found "
			    "none");
}

/* Its lines have room for many words. */
static void free_table(struct table **table)
{
	free(*table);
}

int matrix_case_read(struct suite *suite, const struct field *field,
		     struct suite_case *out, struct err *err)
{
	static const char *const names[] = { "port", "protocol", "table",
					     NULL };
	CLEANUP(free_table) struct table *table = calloc(1, sizeof(*table));
	struct field text;
	int r = field_check_map(suite, field, names, err);

	if (r == 0 && !table)
		return field_no_memory(suite, err);
	if (r == 0)
		r = field_need(suite, field, "table", &text, err);
	if (r < 0)
		return r;
	table->suite = suite;
	table->field = &text;
	table->out = out;
	r = field_port(suite, field, &table->words, err);
	if (r == 0)
		r = check_block(table, err);
	if (r == 0)
		r = read_table(table, err);
	return r == 0 ? check_filled(table, err) : r;
}
