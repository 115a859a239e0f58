/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "command/suggest_counts.h"
#include "command/suggest_json.h"
#include "command/suggest_report_parts.h"
#include "command/suggest_staged.h"
#include "json_text.h"
#include "netpold/object.h"
#include "netpold/suggest.h"

static void put_denials(struct json_text *json,
			const struct judged_policy *judged)
{
	json_text_key(json, "would_deny");
	json_text_begin_array(json);
	for (size_t i = 0; i < judged->n_denials; i++) {
		const struct denial *denial = judged->denials[i];
		const char *protocol = protocol_name(denial->protocol);
		struct suggest_use use = suggest_use_of(&denial->uses);
		char number[4];

		snprintf(number, sizeof(number), "%u", denial->protocol);
		json_text_begin_object(json);
		suggest_json_put_text(json, "direction",
				      direction_name(denial->dir));
		suggest_json_put_text(json, "from", denial->from);
		suggest_json_put_text(json, "to", denial->to);
		suggest_json_put_text(json, "protocol",
				      protocol ? protocol : number);
		if (denial->has_port)
			suggest_json_put_number(json, "port", denial->port);
		suggest_json_put_number(json, "count", use.count);
		suggest_json_put_time(json, "last", use.last_us);
		json_text_end_object(json);
	}
	json_text_end_array(json);
}

static void put_unseen(struct json_text *json,
		       const struct judged_policy *judged)
{
	json_text_key(json, "not_observed");
	json_text_begin_array(json);
	for (size_t i = 0; i < judged->n_unseen; i++) {
		const struct suggested_workload *w = &judged->unseen[i];

		json_text_begin_object(json);
		suggest_json_put_text(json, "namespace", w->namespace);
		suggest_json_put_text(json, "kind", w->kind);
		suggest_json_put_text(json, "name", w->name);
		suggest_json_put_number(json, "pods", w->n_pods);
		json_text_end_object(json);
	}
	json_text_end_array(json);
}

static void put_partners(struct json_text *json,
			 const struct judged_policy *judged)
{
	json_text_key(json, "not_without");
	json_text_begin_array(json);
	for (size_t i = 0; i < judged->staged->n_partners; i++) {
		json_text_begin_object(json);
		suggest_json_put_text(json, "namespace",
				      judged->staged->partners[i]->namespace);
		suggest_json_put_text(json, "name",
				      judged->staged->partners[i]->name);
		json_text_end_object(json);
	}
	json_text_end_array(json);
}

void suggest_report_policy_json(struct json_text *json,
				const struct judged_policy *judged)
{
	json_text_begin_object(json);
	suggest_json_put_text(json, "namespace",
			      judged->staged->policy->namespace);
	suggest_json_put_text(json, "name", judged->staged->policy->name);
	json_text_key(json, "safe");
	json_text_bool(json, judged->is_safe);
	suggest_json_put_number(json, "workloads", judged->n_workloads);
	put_denials(json, judged);
	if (judged->n_beyond > 0)
		suggest_json_put_number(json, "would_deny_besides",
					judged->n_beyond);
	put_unseen(json, judged);
	put_partners(json, judged);
	json_text_end_object(json);
}

void suggest_report_begin_json(struct json_text *json,
			       const struct suggest_counts *counts)
{
	json_text_begin_object(json);
	suggest_counts_put_json(json, counts);
	json_text_key(json, "policies");
	json_text_begin_array(json);
}

int suggest_report_end_json(struct json_text *json, FILE *out, bool is_safe)
{
	json_text_end_array(json);
	json_text_key(json, "safe");
	json_text_bool(json, is_safe);
	json_text_end_object(json);
	return json_text_write_line(json, out);
}
