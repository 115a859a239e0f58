/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L34: what a record says of an event, in the world of denied_world.h: shop/p
 * isolates web and db for ingress, and names nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "denied_world.h"
#include "flowlog/flow_fold.h"
#include "flowlog/flow_record.h"

#define G "10.1.0.1"
#define WEB "10.0.0.1"
#define DB "10.0.0.2"
#define STARTED_US INT64_C(1773457632345678)

static struct flow_credit credit;

static json_t *write(const struct flow_told *told,
		     const struct flow_credit *before,
		     const struct snapshot *snapshot,
		     const struct snapshot *planned, bool with_labels)
{
	struct flow_second second = { .second = 0 };
	const struct flow_record record = {
		.told = told,
		.before = before,
		.credit = &credit,
		.node = "node-1",
		.snapshot = snapshot,
		.planned = planned,
		.with_labels = with_labels,
		.second = &second,
	};
	struct json_text text = { 0 };
	struct arena scratch = { 0 };
	json_t *out;

	assert_int_equal(0, flow_record_write(&text, &record, &scratch));
	out = json_loadb(text.data, text.len, 0, NULL);
	assert_non_null(out);
	json_text_release(&text);
	arena_release(&scratch);
	return out;
}

/* What somebody who was judged is told of, and by what is looked up then. */
static json_t *record_of(const struct flow_told *told,
			 const struct snapshot *snapshot,
			 const struct snapshot *planned, bool with_labels)
{
	return write(told, NULL, snapshot, planned, with_labels);
}

static struct flow_told told_of(const struct denied_world *judge)
{
	const struct flow_event event = {
		.at_us = STARTED_US,
		.key = judge->key,
		.src_port = 40000,
		.len = 60,
		.tcp_flags = 0x12,
		.decision = judge->explanation.decision,
		.planned = judge->explanation.decision,
		.answer = judge->explanation.decision.verdict == VERDICT_ALLOW
				  ? ANSWER_ALLOW
				  : ANSWER_DENY,
	};

	return flow_told_once(&event);
}

/* "ingress.isolated_by.0" */
static const json_t *find(const json_t *record, const char *dotted)
{
	char copy[64], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", dotted);
	while (record && (name = strsep(&rest, ".")))
		record = json_is_array(record)
				 ? json_array_get(record,
						  strtoul(name, NULL, 10))
				 : json_object_get(record, name);
	return record;
}

/* @expected  the value; as JSON where it is no text; NULL: it is not there */
static void expect(const json_t *record, const char *dotted,
		   const char *expected)
{
	const json_t *value = find(record, dotted);
	char *text = NULL;
	bool differs;

	if (json_is_string(value))
		text = strdup(json_string_value(value));
	else if (value)
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (text && expected)
		differs = strcmp(text, expected) != 0;
	else
		differs = text || expected;
	if (differs)
		fail_msg("%s is %s, not %s", dotted, text ? text : "missing",
			 expected ? expected : "missing");
	free(text);
}

static void a_denial_names_the_policies_that_isolate(void **state)
{
	struct denied_world world;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&world, "ingress: []", G, WEB, "80/TCP");
	told = told_of(&world);
	record = record_of(&told, world.snapshot, NULL, false);
	expect(record, "time", "2026-03-14T03:07:12.345678000Z");
	expect(record, "node", "node-1");
	expect(record, "mode", "enforce");
	expect(record, "verdict", "deny");
	expect(record, "outcome", "dropped");
	expect(record, "from.namespace", "guests");
	expect(record, "from.port", "40000");
	expect(record, "from.labels", NULL);
	expect(record, "to.pod", "web");
	expect(record, "to.port", "80");
	expect(record, "protocol", "TCP");
	expect(record, "ingress.reason", "no-rule-matches");
	expect(record, "ingress.isolated_by", "[\"shop/p\"]");
	expect(record, "directions", "[\"egress\",\"ingress\"]");
	expect(record, "tcp_flags", "[\"SYN\",\"ACK\"]");
	expect(record, "icmp", NULL);
	expect(record, "count", "1");
	expect(record, "bytes", "60");
	expect(record, "packets", "{\"there\":1,\"back\":0,\"icmp_errors\":0}");
	expect(record, "would", NULL);
	expect(record, "policies_changed", NULL);
	json_decref(record);
	denied_world_release(&world);
}

#define N_POLICIES 1000
#define MAX_LINE 8192 /* of what is told twice: as it is, and as planned */

/* A pod may be isolated by as many policies as somebody likes to write. */
static char *many_policies(void)
{
	char *spec = NULL;
	size_t len;
	FILE *out = open_memstream(&spec, &len);

	assert_non_null(out);
	fprintf(out, "ingress: []");
	for (int i = 1; i < N_POLICIES; i++)
		fprintf(out,
			"}}\n---\n{apiVersion: networking.k8s.io/v1, "
			"kind: NetworkPolicy, metadata: {namespace: shop, "
			"name: q%d}, spec: {podSelector: {}, ingress: "
			"[{ports: [{port: %d}]}]",
			i, 1000 + i);
	fclose(out);
	return spec;
}

static void a_record_stays_a_line_whatever_isolates(void **state)
{
	char more[16], *spec = many_policies(), *text;
	struct denied_world many, open;
	struct flow_told told;
	json_t *record;

	(void)state;
	snprintf(more, sizeof(more), "%d", N_POLICIES - FLOW_RECORD_POLICIES);
	denied_world_init(&many, spec, G, WEB, "80/TCP");
	denied_world_init(&open, "ingress: [{}]", G, WEB, "80/TCP");
	told = told_of(&many);
	record = record_of(&told, many.snapshot, NULL, false);
	assert_int_equal(FLOW_RECORD_POLICIES,
			 json_array_size(find(record, "ingress.isolated_by")));
	expect(record, "ingress.isolated_by_more", more);
	expect(record, "ingress.nearest.misses", "[\"port\"]");
	expect(record, "policies_changed", NULL);
	json_decref(record);
	/* In the words of what is planned, too. */
	told = told_of(&open);
	told.event.planned = many.explanation.decision;
	record = record_of(&told, open.snapshot, many.snapshot, false);
	expect(record, "planned.ingress.isolated_by_more", more);
	text = json_dumps(record, 0);
	assert_true(strlen(text) < MAX_LINE);
	assert_non_null(strstr(text, ", 980 more and no rule matches"));
	free(text);
	json_decref(record);
	free(spec);
	denied_world_release(&many);
	denied_world_release(&open);
}

/* As many labels as somebody likes, too. */
static void a_record_that_gets_long_leaves_out_labels(void **state)
{
	struct denied_world world;
	struct flow_told told;
	char *spec = NULL, *text;
	json_t *record;
	size_t len;
	FILE *out = open_memstream(&spec, &len);

	(void)state;
	assert_non_null(out);
	fprintf(out, "ingress: []}}\n---\n{apiVersion: v1, kind: Pod, status: "
		     "{podIP: 10.0.0.9}, spec: {containers: []}, metadata: "
		     "{namespace: shop, name: many, labels: {a: b");
	for (int i = 0; i < 3000; i++)
		fprintf(out, ", label-%d: value-%d", i, i);
	fprintf(out, "}");
	fclose(out);
	denied_world_init(&world, spec, G, "10.0.0.9", "80/TCP");
	told = told_of(&world);
	record = record_of(&told, world.snapshot, NULL, true);
	expect(record, "to.pod", "many");
	expect(record, "to.labels", NULL);
	expect(record, "ingress.isolated_by", "[\"shop/p\"]");
	text = json_dumps(record, 0);
	assert_true(strlen(text) < FLOW_RECORD_BYTES);
	free(text);
	json_decref(record);
	free(spec);
	denied_world_release(&world);
}

static void labels_are_told_where_they_are_asked_for(void **state)
{
	struct denied_world world;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&world, "ingress: [{}]", G, WEB, "80/TCP");
	told = told_of(&world);
	record = record_of(&told, world.snapshot, NULL, true);
	expect(record, "from.labels", "{\"app\":\"web\",\"tier\":\"front\"}");
	expect(record, "to.labels", "{\"app\":\"web\"}");
	expect(record, "ingress.policy", "shop/p");
	expect(record, "ingress.rule", "1");
	expect(record, "outcome", "flow-allowed");
	json_decref(record);
	denied_world_release(&world);
}

/* It was denied by what is not in force any more. */
static void a_verdict_outlives_its_policies(void **state)
{
	struct denied_world judge, later;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&judge, "ingress: []", G, WEB, "80/TCP");
	denied_world_init(&later, "ingress: [{}]", G, WEB, "80/TCP");
	told = told_of(&judge);
	record = record_of(&told, later.snapshot, NULL, false);
	expect(record, "verdict", "deny");
	expect(record, "ingress.verdict", "deny");
	expect(record, "ingress.reason", "no-rule-matches");
	expect(record, "ingress.isolated_by", NULL);
	expect(record, "to.pod", "web");
	expect(record, "policies_changed", "true");
	json_decref(record);
	/* Nor does it need anything in force at all. */
	record = record_of(&told, NULL, NULL, false);
	expect(record, "verdict", "deny");
	expect(record, "to.pod", NULL);
	expect(record, "policies_changed", "true");
	json_decref(record);
	denied_world_release(&judge);
	denied_world_release(&later);
}

#define LATE "10.0.0.9"
#define OPEN "policyTypes: [Egress], egress: [{}]"
#define DENY(name, uid)                                                          \
	OPEN "}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, " \
	     "metadata: {namespace: shop, name: " name ", uid: u" uid            \
	     "}, spec: "                                                         \
	     "{podSelector: {}, ingress: []"
#define POD(name, uid)                                                         \
	"}}\n---\n{apiVersion: v1, kind: Pod, metadata: {namespace: shop, "    \
	"name: " name ", uid: u" uid "}, status: {podIP: " LATE "}, "          \
	"spec: {containers: []"

/* Who is denied by the first world is denied by the second for the same
   reason, within the interval of a fold. */
static const struct {
	const char *name;
	const char *before, *now;
	const char *pod;      /* the receiver that is named in the end */
	const char *policies; /* likewise */
	bool policies_changed, pods_changed;
} changes[] = {
	{ "nothing has changed", DENY("a", "1") POD("p", "1"),
	  DENY("a", "1") POD("p", "1"), "p", "[\"shop/a\"]", false, false },
	{ "what the policy asks has changed", DENY("a", "1") POD("p", "1"),
	  DENY("a", "1") ", egress: []" POD("p", "1"), "p", "[\"shop/a\"]",
	  false, false },
	{ "another policy has taken its place", DENY("a", "1") POD("p", "1"),
	  DENY("b", "2") POD("p", "1"), "p", NULL, true, false },
	{ "one of the same name has", DENY("a", "1") POD("p", "1"),
	  DENY("a", "2") POD("p", "1"), "p", NULL, true, false },
	{ "the address is another pod's", DENY("a", "1") POD("p", "1"),
	  DENY("a", "1") POD("q", "2"), NULL, NULL, false, true },
	{ "a pod of that name was made anew", DENY("a", "1") POD("p", "1"),
	  DENY("a", "1") POD("p", "2"), NULL, NULL, false, true },
	{ "the pod is gone", DENY("a", "1") POD("p", "1"), DENY("a", "1"), NULL,
	  NULL, true, true },
};

static void repeats_name_nobody_whom_the_first_has_not_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct denied_world before, now;
		struct flow_credit first;
		struct flow_told told;
		json_t *record;

		print_message("%s\n", changes[i].name);
		denied_world_init(&before, changes[i].before, G, LATE,
				  "80/TCP");
		denied_world_init(&now, changes[i].now, G, LATE, "80/TCP");
		told = told_of(&before);
		record = record_of(&told, before.snapshot, NULL, false);
		expect(record, "to.pod", "p");
		expect(record, "ingress.isolated_by", "[\"shop/a\"]");
		json_decref(record);
		first = credit;
		record = write(&told, &first, now.snapshot, NULL, false);
		expect(record, "verdict", "deny");
		expect(record, "ingress.reason", "no-rule-matches");
		expect(record, "from.pod", "g");
		expect(record, "to.pod", changes[i].pod);
		expect(record, "ingress.isolated_by", changes[i].policies);
		expect(record, "policies_changed",
		       changes[i].policies_changed ? "true" : NULL);
		expect(record, "pods_changed",
		       changes[i].pods_changed ? "true" : NULL);
		json_decref(record);
		/* What comes after that is named by it. */
		first = credit;
		record = write(&told, &first, now.snapshot, NULL, false);
		expect(record, "pods_changed", NULL);
		json_decref(record);
		denied_world_release(&before);
		denied_world_release(&now);
	}
}

static void so_it_is_with_what_is_planned(void **state)
{
	struct denied_world enforced, before, now;
	struct flow_credit first;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&enforced, OPEN POD("p", "1"), G, LATE, "80/TCP");
	denied_world_init(&before, DENY("a", "1") POD("p", "1"), G, LATE,
			  "80/TCP");
	denied_world_init(&now, DENY("b", "1") POD("p", "1"), G, LATE,
			  "80/TCP");
	told = told_of(&enforced);
	told.event.planned = before.explanation.decision;
	record = record_of(&told, enforced.snapshot, before.snapshot, false);
	expect(record, "planned.ingress.isolated_by", "[\"shop/a\"]");
	json_decref(record);
	first = credit;
	record = write(&told, &first, enforced.snapshot, now.snapshot, false);
	expect(record, "to.pod", "p");
	expect(record, "would", "deny");
	expect(record, "would_because", NULL);
	expect(record, "planned.ingress.isolated_by", NULL);
	expect(record, "policies_changed", "true");
	json_decref(record);
	denied_world_release(&enforced);
	denied_world_release(&before);
	denied_world_release(&now);
}

static void what_would_be_otherwise_names_the_policy_too(void **state)
{
	struct denied_world enforced, staged;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&enforced, "ingress: [{}]", G, WEB, "80/TCP");
	denied_world_init(&staged, "ingress: []", G, WEB, "80/TCP");
	told = told_of(&enforced);
	told.event.planned = staged.explanation.decision;
	record = record_of(&told, enforced.snapshot, staged.snapshot, false);
	expect(record, "verdict", "allow");
	expect(record, "would", "deny");
	expect(record, "would_because",
	       "ingress: shop/web is isolated by shop/p and no rule matches");
	expect(record, "planned.verdict", "deny");
	expect(record, "planned.ingress.isolated_by", "[\"shop/p\"]");
	expect(record, "policies_changed", NULL);
	json_decref(record);
	/* And where nothing is staged any more, it says so. */
	record = record_of(&told, enforced.snapshot, NULL, false);
	expect(record, "would", "deny");
	expect(record, "would_because", NULL);
	expect(record, "planned.verdict", "deny");
	expect(record, "policies_changed", "true");
	json_decref(record);
	denied_world_release(&enforced);
	denied_world_release(&staged);
}

static void what_asks_no_policy_says_why(void **state)
{
	struct denied_world world;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&world, "ingress: []", G, WEB, "ICMP");
	told = told_of(&world);
	told.event.note = NOTE_UNPARSABLE;
	told.event.decision = (struct decision){ 0 };
	record = record_of(&told, world.snapshot, NULL, false);
	expect(record, "verdict", "deny");
	expect(record, "ingress.reason", "not-asked");
	expect(record, "ingress.isolated_by", NULL);
	expect(record, "note", "unparsable");
	expect(record, "to.pod", "web");
	expect(record, "directions", "[]");
	expect(record, "icmp", "{\"type\":0,\"code\":0}");
	expect(record, "tcp_flags", NULL);
	expect(record, "would", NULL);
	json_decref(record);
	/* To who is only staged it passes. */
	told.event.answer = ANSWER_PASS;
	record = record_of(&told, world.snapshot, NULL, false);
	expect(record, "verdict", "allow");
	expect(record, "note", "unparsable");
	expect(record, "would", "deny");
	json_decref(record);
	/* What is discovered would do so in any case. */
	told.event.note = NOTE_DISCOVERY;
	record = record_of(&told, world.snapshot, NULL, false);
	expect(record, "would", NULL);
	json_decref(record);
	denied_world_release(&world);
}

static void repeats_are_told_with_their_times(void **state)
{
	struct denied_world world;
	struct flow_told told;
	json_t *record;

	(void)state;
	denied_world_init(&world, "ingress: []", G, DB, "53/UDP");
	told = told_of(&world);
	told.event.is_audit = true;
	told.event.reversed = true;
	told.count = 7;
	told.last_us = STARTED_US + 2000000;
	record = record_of(&told, world.snapshot, NULL, false);
	expect(record, "mode", "audit");
	expect(record, "reversed", "true");
	expect(record, "count", "7");
	expect(record, "time", "2026-03-14T03:07:14.345678000Z");
	expect(record, "first", "2026-03-14T03:07:12.345678000Z");
	expect(record, "last", "2026-03-14T03:07:14.345678000Z");
	expect(record, "tcp_flags", NULL);
	json_decref(record);
	denied_world_release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denial_names_the_policies_that_isolate),
		cmocka_unit_test(a_record_stays_a_line_whatever_isolates),
		cmocka_unit_test(a_record_that_gets_long_leaves_out_labels),
		cmocka_unit_test(labels_are_told_where_they_are_asked_for),
		cmocka_unit_test(a_verdict_outlives_its_policies),
		cmocka_unit_test(
			repeats_name_nobody_whom_the_first_has_not_named),
		cmocka_unit_test(so_it_is_with_what_is_planned),
		cmocka_unit_test(what_would_be_otherwise_names_the_policy_too),
		cmocka_unit_test(what_asks_no_policy_says_why),
		cmocka_unit_test(repeats_are_told_with_their_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
