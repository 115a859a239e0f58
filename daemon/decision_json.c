/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decision_record.h"

#include <stdbool.h>

#include "miss_text.h"

static void write_string(struct json_text *out, const char *key,
			 const char *value)
{
	json_text_key(out, key);
	json_text_string(out, value);
}

static void write_number(struct json_text *out, const char *key, uint64_t value)
{
	json_text_key(out, key);
	json_text_number(out, value);
}

static void write_owner(struct json_text *out, const struct pod *pod)
{
	if (!*pod->owner_name)
		return;
	json_text_key(out, "owner");
	json_text_begin_object(out);
	write_string(out, "kind", pod->owner_kind);
	write_string(out, "name", pod->owner_name);
	json_text_end_object(out);
}

static void write_labels(struct json_text *out, const struct pod *pod)
{
	json_text_key(out, "labels");
	json_text_begin_object(out);
	for (size_t i = 0; i < pod->labels.n; i++) {
		json_text_name(out, pod->labels.items[i].key);
		json_text_string(out, pod->labels.items[i].value);
	}
	json_text_end_object(out);
}

static void write_pod(struct json_text *out,
		      const struct decision_record *record,
		      const struct pod *pod)
{
	write_string(out, "namespace", pod->namespace);
	write_string(out, "pod", pod->name);
	if (record->with_owners)
		write_owner(out, pod);
	if (record->with_labels)
		write_labels(out, pod);
}

/* @side  whose rules are those of its pod */
static void write_end(struct json_text *out,
		      const struct decision_record *record, const char *key,
		      enum direction side, const struct ip_addr *addr,
		      bool has_port, uint16_t port)
{
	const struct pod *pod = record->explanation->sides[side].pod;
	char text[IP_ADDR_TEXT_LEN];

	json_text_key(out, key);
	json_text_begin_object(out);
	write_string(out, "ip", ip_addr_format(addr, text));
	if (has_port)
		write_number(out, "port", port);
	if (pod)
		write_pod(out, record, pod);
	json_text_end_object(out);
}

static void write_policy(struct json_text *out,
			 const struct network_policy *policy)
{
	FILE *words = json_text_begin_words(out);

	if (!words)
		return;
	fputs(policy->namespace, words);
	putc('/', words);
	fputs(policy->name, words);
	json_text_end_words(out);
}

static void write_isolating(struct json_text *out,
			    const struct side_explanation *explained)
{
	json_text_key(out, "isolated_by");
	json_text_begin_array(out);
	for (size_t i = 0; i < explained->n_isolating; i++)
		write_policy(out, explained->isolating[i]);
	json_text_end_array(out);
	if (explained->n_unlisted > 0)
		write_number(out, "isolated_by_more", explained->n_unlisted);
}

static void write_misses(struct json_text *out, unsigned int misses)
{
	json_text_key(out, "misses");
	json_text_begin_array(out);
	for (int i = 0; i < N_MISSES; i++) {
		unsigned int miss = misses & 1u << i;

		if (miss)
			json_text_string(out, miss_name(miss));
	}
	json_text_end_array(out);
}

static void write_condition(struct json_text *out,
			    const struct decision_record *record,
			    enum direction dir)
{
	FILE *words;

	json_text_key(out, "would_match_if");
	words = json_text_begin_words(out);
	if (!words)
		return;
	miss_text_write_condition(words, record, dir,
				  record->explanation->sides[dir].nearest);
	json_text_end_words(out);
}

/* One rule, however many there are: a record stays of the size of a line. */
static void write_nearest(struct json_text *out,
			  const struct decision_record *record,
			  enum direction dir)
{
	const struct rule_result *nearest =
		record->explanation->sides[dir].nearest;

	json_text_key(out, "nearest");
	json_text_begin_object(out);
	json_text_key(out, "policy");
	write_policy(out, nearest->policy);
	write_number(out, "rule", nearest->rule + 1);
	write_misses(out, nearest->misses);
	write_condition(out, record, dir);
	json_text_end_object(out);
}

static void write_side(struct json_text *out,
		       const struct decision_record *record, enum direction dir)
{
	const struct side_explanation *explained =
		&record->explanation->sides[dir];
	const struct side *side = &explained->side;

	json_text_key(out, direction_name(dir));
	json_text_begin_object(out);
	write_string(out, "verdict", verdict_name(side->verdict));
	write_string(out, "reason", reason_name(side->reason));
	if (side->reason == REASON_RULE && explained->policy) {
		json_text_key(out, "policy");
		write_policy(out, explained->policy);
		write_number(out, "rule", explained->rule + 1);
	}
	if (side->reason == REASON_NO_RULE_MATCHES &&
	    explained->n_isolating > 0) {
		write_isolating(out, explained);
		if (explained->nearest)
			write_nearest(out, record, dir);
	}
	json_text_end_object(out);
}

static void write_protocol(struct json_text *out, uint8_t protocol)
{
	const char *name = protocol_name(protocol);
	char number[sizeof("255")];

	if (!name) {
		snprintf(number, sizeof(number), "%u", protocol);
		name = number;
	}
	write_string(out, "protocol", name);
}

void decision_record_write_ends(struct json_text *out,
				const struct decision_record *record)
{
	const struct flow_key *key = &record->key;

	write_end(out, record, "from", DIRECTION_EGRESS, &key->src,
		  key->has_port && record->src_port, record->src_port);
	write_end(out, record, "to", DIRECTION_INGRESS, &key->dst,
		  key->has_port, key->dst_port);
	write_protocol(out, key->protocol);
}

void decision_record_write_verdict(struct json_text *out,
				   const struct decision_record *record)
{
	write_string(out, "verdict",
		     verdict_name(record->explanation->decision.verdict));
	write_side(out, record, DIRECTION_EGRESS);
	write_side(out, record, DIRECTION_INGRESS);
}

void decision_record_write_json(struct json_text *out,
				const struct decision_record *record)
{
	decision_record_write_ends(out, record);
	decision_record_write_verdict(out, record);
}
