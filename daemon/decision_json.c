/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decision_record.h"

#include <stdbool.h>
#include <stdlib.h>

#include "miss_text.h"

/* json_object_set_new() and its like take over even what they fail to keep,
   and fail when they get NULL: one check at the end of an object is enough. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *finish(json_t *object, bool complete)
{
	if (complete)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *end_to_json(const struct pod *pod, const struct ip_addr *addr,
			   bool has_port, uint16_t port)
{
	char text[IP_ADDR_TEXT_LEN];
	json_t *end = json_object();
	bool ok = set(end, "ip", json_string(ip_addr_format(addr, text)));

	if (has_port)
		ok &= set(end, "port", json_integer(port));
	if (pod) {
		ok &= set(end, "namespace", json_string(pod->namespace));
		ok &= set(end, "pod", json_string(pod->name));
	}
	return finish(end, ok);
}

static json_t *policy_to_json(const struct network_policy *policy)
{
	return json_sprintf("%s/%s", policy->namespace, policy->name);
}

static json_t *isolating_to_json(const struct side_explanation *explained)
{
	json_t *list = json_array();
	bool ok = true;

	for (size_t i = 0; i < explained->n_isolating; i++)
		ok &= json_array_append_new(
			      list, policy_to_json(explained->isolating[i])) ==
		      0;
	return finish(list, ok);
}

static json_t *misses_to_json(unsigned int misses)
{
	json_t *list = json_array();
	bool ok = true;

	for (int i = 0; i < N_MISSES; i++) {
		unsigned int miss = misses & 1u << i;

		if (miss)
			ok &= json_array_append_new(
				      list, json_string(miss_name(miss))) == 0;
	}
	return finish(list, ok);
}

static json_t *condition_to_json(const struct decision_record *record,
				 enum direction dir)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	json_t *out = NULL;

	if (!memory)
		return NULL;
	miss_text_write_condition(memory, record, dir,
				  record->explanation->sides[dir].nearest);
	if (fclose(memory) == 0)
		out = json_string(text);
	free(text);
	return out;
}

/* One rule, however many there are: a record stays of the size of a line. */
static json_t *nearest_to_json(const struct decision_record *record,
			       enum direction dir)
{
	const struct rule_result *nearest =
		record->explanation->sides[dir].nearest;
	json_t *out = json_object();
	bool ok = set(out, "policy", policy_to_json(nearest->policy));

	ok &= set(out, "rule", json_integer((json_int_t)nearest->rule + 1));
	ok &= set(out, "misses", misses_to_json(nearest->misses));
	ok &= set(out, "would_match_if", condition_to_json(record, dir));
	return finish(out, ok);
}

static json_t *side_to_json(const struct decision_record *record,
			    enum direction dir)
{
	const struct side_explanation *explained =
		&record->explanation->sides[dir];
	const struct side *side = &explained->side;
	json_t *out = json_object();
	bool ok = set(out, "verdict", json_string(verdict_name(side->verdict)));

	ok &= set(out, "reason", json_string(reason_name(side->reason)));
	if (side->reason == REASON_RULE) {
		ok &= set(out, "policy", policy_to_json(explained->policy));
		ok &= set(out, "rule",
			  json_integer((json_int_t)explained->rule + 1));
	}
	if (side->reason == REASON_NO_RULE_MATCHES) {
		ok &= set(out, "isolated_by", isolating_to_json(explained));
		if (explained->nearest)
			ok &= set(out, "nearest", nearest_to_json(record, dir));
	}
	return finish(out, ok);
}

static json_t *protocol_to_json(uint8_t protocol)
{
	const char *name = protocol_name(protocol);

	return name ? json_string(name) : json_sprintf("%u", protocol);
}

json_t *decision_record_to_json(const struct decision_record *record)
{
	const struct explanation *explanation = record->explanation;
	const struct flow_key *key = &record->key;
	json_t *out = json_object();
	bool ok;

	ok = set(out, "from",
		 end_to_json(explanation->sides[DIRECTION_EGRESS].pod,
			     &key->src, key->has_port && record->src_port,
			     record->src_port));
	ok &= set(out, "to",
		  end_to_json(explanation->sides[DIRECTION_INGRESS].pod,
			      &key->dst, key->has_port, key->dst_port));
	ok &= set(out, "protocol", protocol_to_json(key->protocol));
	ok &= set(out, "verdict",
		  json_string(verdict_name(explanation->decision.verdict)));
	ok &= set(out, "egress", side_to_json(record, DIRECTION_EGRESS));
	ok &= set(out, "ingress", side_to_json(record, DIRECTION_INGRESS));
	return finish(out, ok);
}
