/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases that are a capture, judged as `netpold replay` judges it:
 *
 *	pcap: { file: traffic.pcap, expect: allow }
 *	pcap:
 *	  file: traffic.pcap
 *	  allow: tcp dst port 80
 *	  deny: dst net 169.254.0.0/16
 *	  inner: true # of what VXLAN and Geneve carry
 */
#include <stdbool.h>
#include <stddef.h>

#include "suite/fields.h"

static void add_filter(struct suite_case *out, const struct field *field,
		       const char *text, enum verdict expected)
{
	struct suite_filter *filter = &out->filters[out->n_filters++];

	*filter = (struct suite_filter){
		.text = { text, field->line, field->path },
		.expected = expected,
	};
	/* What a filter is about is a person's to say. */
	if (text)
		return;
	filter->begin = field->node->begin;
	filter->end = field->node->end;
}

static int read_filter(struct suite *suite, const struct field *map,
		       const char *name, enum verdict expected,
		       struct suite_case *out, struct err *err)
{
	const char *text = NULL;
	struct field field;
	int r = field_get(suite, map, name, &field, err);

	if (r < 0 || !field.node)
		return r;
	r = field_text(suite, &field, &text, err);
	if (r == 0)
		add_filter(out, &field, text, expected);
	return r;
}

static int read_expected(struct suite *suite, const struct field *map,
			 struct suite_case *out, struct err *err)
{
	enum verdict expected = VERDICT_DENY;
	struct field field;
	int r = field_get(suite, map, "expect", &field, err);

	if (r < 0 || !field.node)
		return r;
	if (out->n_filters > 0)
		return suite_refuse(suite, field.line, field.path, err,
				    "expected either it, for all flows, or "
				    "allow and deny, found both");
	r = field_verdict(suite, &field, &expected, err);
	if (r == 0)
		add_filter(out, &field, NULL, expected);
	return r;
}

static int read_inner(struct suite *suite, const struct field *map, bool *out,
		      struct err *err)
{
	struct field field;
	int r = field_get(suite, map, "inner", &field, err);

	return r < 0 ? r : field_bool(suite, &field, out, err);
}

int pcap_case_read(struct suite *suite, const struct field *field,
		   struct suite_case *out, struct err *err)
{
	static const char *const names[] = { "file", "expect", "allow",
					     "deny", "inner",  NULL };
	struct field file;
	int r = field_check_map(suite, field, names, err);

	if (r == 0)
		r = field_need(suite, field, "file", &file, err);
	if (r == 0)
		r = field_path(suite, &file, &out->capture.text, err);
	if (r < 0)
		return r;
	out->capture.line = file.line;
	out->capture.path = file.path;
	r = read_inner(suite, field, &out->inner, err);
	if (r == 0)
		r = read_filter(suite, field, "allow", VERDICT_ALLOW, out, err);
	if (r == 0)
		r = read_filter(suite, field, "deny", VERDICT_DENY, out, err);
	if (r == 0)
		r = read_expected(suite, field, out, err);
	if (r == 0 && out->n_filters == 0)
		return suite_refuse(suite, field->line, field->path, err,
				    "expected expect, allow or deny, found "
				    "none of them");
	return r;
}
