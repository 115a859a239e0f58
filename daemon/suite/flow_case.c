/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases that name flows one by one:
 *
 *	flows:
 *	- { from: shop/web, to: shop/db, port: 5432, expect: allow }
 *	- { from: dev/x, to: shop/db, port: 5432, expect: deny,
 *	    because: shop/deny-all }
 */
#include <stddef.h>
#include <string.h>

#include "plain_text.h"
#include "suite/fields.h"

#define MAX_FLOWS 10000

static int read_because(struct suite *suite, const struct field *map,
			struct suite_flow *out, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	struct field field;
	int r = field_get(suite, map, "because", &field, err);

	if (r < 0 || !field.node)
		return r;
	r = field_text(suite, &field, &out->because, err);
	if (r == 0 && !strchr(out->because, '/'))
		return suite_refuse(suite, field.line, field.path, err,
				    "expected NAMESPACE/POLICY, found '%.100s'",
				    plain_text(out->because, plain));
	return r;
}

static int read_expected(struct suite *suite, const struct field *map,
			 struct suite_flow *out, struct err *err)
{
	struct field field;
	int r = field_need(suite, map, "expect", &field, err);

	if (r == 0)
		r = field_verdict(suite, &field, &out->expected, err);
	if (r < 0)
		return r;
	out->begin = field.node->begin;
	out->end = field.node->end;
	return 0;
}

static int read_flow(struct suite *suite, const struct field *map,
		     struct suite_flow *out, struct err *err)
{
	static const char *const names[] = { "from",	 "to",	   "port",
					     "protocol", "expect", "because",
					     NULL };
	struct field from, to;
	int r = field_check_map(suite, map, names, err);

	if (r == 0)
		r = field_need(suite, map, "from", &from, err);
	if (r == 0)
		r = field_end(suite, &from, &out->words.from, err);
	if (r == 0)
		r = field_need(suite, map, "to", &to, err);
	if (r == 0)
		r = field_end(suite, &to, &out->words.to, err);
	if (r == 0)
		r = field_port(suite, map, &out->words, err);
	if (r == 0)
		r = read_expected(suite, map, out, err);
	if (r == 0)
		r = read_because(suite, map, out, err);
	out->line = map->line;
	out->path = map->path;
	return r;
}

int flow_case_read(struct suite *suite, const struct field *field,
		   struct suite_case *out, struct err *err)
{
	struct field item;
	size_t i = 0;
	int r = field_check_list(suite, field, MAX_FLOWS, err);

	if (r < 0)
		return r;
	if (field->node->n == 0)
		return suite_refuse(suite, field->line, field->path, err,
				    "expected flows, found none");
	out->flows =
		arena_array(&suite->arena, field->node->n, sizeof(*out->flows));
	if (!out->flows)
		return field_no_memory(suite, err);
	for (const struct suite_node *node = field->node->first; node;
	     node = node->next, i++) {
		r = field_item(suite, field, i, node, &item, err);
		if (r == 0)
			r = read_flow(suite, &item, &out->flows[i], err);
		if (r < 0)
			return r;
	}
	out->n_flows = i;
	return 0;
}
