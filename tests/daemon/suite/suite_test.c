/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suite/result.h"
#include "suite/rewrite.h"
#include "suite/suite.h"

#define HEAD "apiVersion: netpold.io/v1alpha1\nkind: PolicyTest\n"
#define FLOW "{ from: a/b, to: a/c, port: 80, expect: allow }"

/* ---- what is refused ------------------------------------------------------
 */

static const struct {
	const char *name, *text, *message;
} refused[] = {
	{ "nothing is no suite", "",
	  "t:1: expected a PolicyTest, found nothing" },
	{ "text is no suite", "x", "t:1: expected a mapping, found 'x'" },
	{ "what is not closed is no YAML", "cases: [",
	  "t:2: not YAML: did not find expected node content" },
	{ "an anchor could make it something else", "cases: &a []",
	  "t:1: expected a plain value, found an anchor, an alias or a tag" },
	{ "there is one document", HEAD "cases: []\n---\nx: y\n",
	  "t:4: expected one document, found another" },
	{ "a field is there once", "kind: a\nkind: b\n",
	  "t:2: expected each field once, found one twice" },
	{ "a field is known", HEAD "case: []\n",
	  "t:3: 'case' is no field here; there are: apiVersion, kind, "
	  "metadata, manifests, pods, namespaces, staged, cases" },
	{ "it is a PolicyTest", "apiVersion: v1\nkind: Pod\n",
	  "t:2: kind: expected PolicyTest, found 'Pod'" },
	{ "it is of this version", "apiVersion: v1\nkind: PolicyTest\n",
	  "t:1: apiVersion: expected netpold.io/v1alpha1, found 'v1'" },
	{ "there are cases", HEAD, "t:1: cases: it is missing" },
	{ "there is at least one case", HEAD "cases: []\n",
	  "t:3: cases: expected cases, found none" },
	{ "a case has a name", HEAD "cases:\n- flows: [" FLOW "]\n",
	  "t:4: cases[0].name: it is missing" },
	{ "a name is on one line",
	  HEAD "cases:\n- name: \"a\\nb\"\n  flows: [" FLOW "]\n",
	  "t:4: cases[0].name: expected text on one line, found 'a?b'" },
	{ "names differ",
	  HEAD "cases:\n- name: a\n  flows: [" FLOW "]\n- name: a\n  flows: "
	       "[" FLOW "]\n",
	  "t:6: cases[1]: expected a name of its own, found that of the case "
	  "in line 4" },
	{ "a case is of some kind", HEAD "cases:\n- name: a\n",
	  "t:4: cases[0]: expected one of flows, matrix and pcap, found none" },
	{ "a case is of one kind",
	  HEAD "cases:\n- name: a\n  flows: [" FLOW "]\n  pcap: {}\n",
	  "t:4: cases[0]: expected one of flows, matrix and pcap, found "
	  "several" },
	{ "flows are there", HEAD "cases:\n- name: a\n  flows: []\n",
	  "t:5: cases[0].flows: expected flows, found none" },
	{ "a flow goes somewhere",
	  HEAD
	  "cases:\n- name: a\n  flows:\n  - { from: a/b, expect: allow }\n",
	  "t:6: cases[0].flows[0].to: it is missing" },
	{ "an end is a pod or an address",
	  HEAD "cases:\n- name: a\n  flows:\n  - from: a/b\n    to: web\n",
	  "t:7: cases[0].flows[0].to: expected NAMESPACE/POD or an IP address, "
	  "found 'web'" },
	{ "a port is a port",
	  HEAD "cases:\n- name: a\n  flows:\n  - from: a/b\n    to: a/c\n    "
	       "port: 70000\n    expect: deny\n",
	  "t:8: cases[0].flows[0].port: 70000 is no port: 65535 is the last "
	  "one" },
	{ "TCP needs a port",
	  HEAD "cases:\n- name: a\n  flows:\n  - from: a/b\n    to: a/c\n    "
	       "protocol: TCP\n    expect: deny\n",
	  "t:8: cases[0].flows[0].protocol: TCP needs a port, by number or by "
	  "name" },
	{ "a verdict is allow or deny",
	  HEAD "cases:\n- name: a\n  flows:\n  - from: a/b\n    to: a/c\n    "
	       "port: 80\n    expect: accept\n",
	  "t:9: cases[0].flows[0].expect: expected allow or deny, found "
	  "'accept'" },
	{ "a reason is a policy",
	  HEAD "cases:\n- name: a\n  flows:\n  - from: a/b\n    to: a/c\n    "
	       "port: 80\n    expect: deny\n    because: x\n",
	  "t:10: cases[0].flows[0].because: expected NAMESPACE/POLICY, found "
	  "'x'" },
	{ "a table is a block",
	  HEAD "cases:\n- name: a\n  matrix:\n    port: 80\n    table: x\n",
	  "t:7: cases[0].matrix.table: expected a table, line by line behind "
	  "|, found text that is written otherwise" },
	{ "a row has a word for each column",
	  HEAD "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	       "      from a/b a/c\n      a/d allow\n",
	  "t:9: cases[0].matrix.table: expected who opens flows and 2 words "
	  "behind it, one for each column, found 1" },
	{ "a table has a first line",
	  HEAD "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	       "      a/d a/b\n      a/d allow\n",
	  "t:8: cases[0].matrix.table: expected a first line of from and who "
	  "is reached" },
	{ "a cell is allow, deny or -",
	  HEAD "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	       "      from a/b\n      a/d X\n",
	  "t:9: cases[0].matrix.table: expected allow or deny, found 'X'" },
	{ "a table asks something",
	  HEAD "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	       "      from a/b\n      a/d -\n",
	  "t:7: cases[0].matrix.table: expected cells that are allow or deny, "
	  "found none" },
	{ "a capture is held against something",
	  HEAD "cases:\n- name: a\n  pcap: { file: x }\n",
	  "t:5: cases[0].pcap: expected expect, allow or deny, found none of "
	  "them" },
	{ "all flows or some",
	  HEAD "cases:\n- name: a\n  pcap: { file: x, expect: deny, allow: ip "
	       "}\n",
	  "t:5: cases[0].pcap.expect: expected either it, for all flows, or "
	  "allow and deny, found both" },
	{ "what is inside is asked for or not",
	  HEAD "cases:\n- name: a\n  pcap: { file: x, expect: deny, inner: "
	       "some }\n",
	  "t:5: cases[0].pcap.inner: expected true or false, found 'some'" },
	{ "a manifest is no standard input",
	  HEAD "manifests: [\"-\"]\ncases: []\n",
	  "t:3: manifests[0]: expected a file or a folder, found '-'" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct suite suite;
		struct err err = { 0 };
		int r = suite_parse("t", refused[i].text,
				    strlen(refused[i].text), &suite, &err);

		if (r >= 0 || strcmp(err.message, refused[i].message) != 0)
			fail_msg("%s: expected '%s', got '%s'", refused[i].name,
				 refused[i].message,
				 r < 0 ? err.message : "a suite");
		suite_release(&suite);
	}
}

/* ---- what is read ---------------------------------------------------------
 */

static void test_read(void **state)
{
	static const char text[] = HEAD
		"metadata: { name: all kinds }\n"
		"manifests: [a.yaml, /b]\n"
		"pods: [shop/web app=web]\n"
		"staged: true\n"
		"cases:\n"
		"- name: flows\n"
		"  flows:\n"
		"  - { from: a/b, to: 10.0.0.1, protocol: ICMP, expect: deny }\n"
		"- name: matrix\n"
		"  matrix:\n"
		"    port: 53/UDP\n"
		"    table: |\n"
		"\n"
		"      # a remark\n"
		"      from  a/b  a/c\n"
		"      a/b   -    deny\n"
		"      ::1 allow deny\n"
		"- name: pcap\n"
		"  pcap: { file: x.pcap, deny: udp }\n"
		"- name: tunnels\n"
		"  pcap: { file: x.pcap, expect: allow, inner: true }\n";
	const struct suite_case *cases;
	struct suite suite;
	struct err err = { 0 };

	(void)state;
	if (suite_parse("f/t.yaml", text, strlen(text), &suite, &err) < 0)
		fail_msg("%s", err.message);
	cases = suite.cases;
	assert_string_equal("all kinds", suite.name);
	assert_int_equal(2, suite.n_manifests);
	assert_string_equal("f/a.yaml", suite.manifests[0].text);
	assert_string_equal("/b", suite.manifests[1].text);
	assert_int_equal(1, suite.n_pods);
	assert_true(suite.staged);
	assert_int_equal(4, suite.n_cases);
	assert_int_equal(1, cases[0].n_flows);
	assert_int_equal(PROTOCOL_ICMP, cases[0].flows[0].words.protocol);
	assert_int_equal(3, cases[1].n_flows);
	assert_string_equal("a/b", cases[1].flows[0].words.from);
	assert_string_equal("a/c", cases[1].flows[0].words.to);
	assert_int_equal(VERDICT_DENY, cases[1].flows[0].expected);
	assert_string_equal("::1", cases[1].flows[1].words.from);
	assert_string_equal("a/b", cases[1].flows[1].words.to);
	assert_int_equal(VERDICT_ALLOW, cases[1].flows[1].expected);
	assert_int_equal(53, cases[1].flows[2].words.number);
	assert_int_equal(PROTOCOL_UDP, cases[1].flows[2].words.protocol);
	assert_int_equal(19, cases[1].flows[2].line);
	assert_string_equal("f/x.pcap", cases[2].capture.text);
	assert_int_equal(1, cases[2].n_filters);
	assert_string_equal("udp", cases[2].filters[0].text.text);
	assert_false(cases[2].inner);
	assert_true(cases[3].inner);
	suite_release(&suite);
}

static void test_kind(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
	} cases[] = {
		{ "kind: PolicyTest", true },
		{ "# x\nkind: 'PolicyTest'\n", true },
		{ "kind: \"PolicyTest\"\n", true },
		{ " kind: PolicyTest\n", false },
		{ "\xef\xbb\xbfkind: PolicyTest\n", true },
		{ "\"kind\": PolicyTest\n", true },
		{ "'kind' : PolicyTest\n", true },
		{ "kind :\tPolicyTest\r\n", true },
		{ "kind:\n  PolicyTest\n", true },
		{ "{kind: PolicyTest, cases: []}", true },
		{ "--- {\"a\": 1,\n \"kind\":\"PolicyTest\"}", true },
		{ "a: {kind: PolicyTest}\n", false },
		{ "kind: Policy\nspec:\n  kind: PolicyTest\n", false },
		{ "mankind: PolicyTest\n", false },
		{ "kind: PolicyTests\n", false },
		{ "kind PolicyTest\n", false },
		{ "PolicyTest", false },
		{ ": PolicyTest", false },
		{ "kind: PolicyTests\nkind: PolicyTest", true },
		{ "kind: Policy\n", false },
		{ "kind:", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			cases[i].is_one,
			suite_is_one(cases[i].text, strlen(cases[i].text)));
}

/* ---- writing anew ---------------------------------------------------------
 */

static const struct {
	const char *name, *before, *after;
} rewritten[] = {
	{ "comments and the order of fields stay",
	  "cases:\n- name: a # why\n  flows:\n  # one\n  - expect: allow # x\n"
	  "    from: a/b\n    to: a/c\n    port: 80\n",
	  "cases:\n- name: a # why\n  flows:\n  # one\n  - expect: deny # x\n"
	  "    from: a/b\n    to: a/c\n    port: 80\n" },
	{ "quotes go",
	  "cases:\n- name: a\n  flows: [{ from: a/b, to: a/c, port: 80, "
	  "expect: \"deny\" }]\n",
	  "cases:\n- name: a\n  flows: [{ from: a/b, to: a/c, port: 80, "
	  "expect: allow }]\n" },
	{ "places are bytes, not characters",
	  "cases:\n- name: \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\n  flows: [{ "
	  "from: a/b, to: a/c, port: 80, expect: deny }]\n",
	  "cases:\n- name: \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\n  flows: [{ "
	  "from: a/b, to: a/c, port: 80, expect: allow }]\n" },
	{ "columns of a table keep their places",
	  "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	  "      from a/b    a/c\n"
	  "      a/d  allow  deny\n"
	  "      # deny\n"
	  "\n"
	  "      a/e  deny   allow\n",
	  "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	  "      from a/b    a/c\n"
	  "      a/d  deny   allow\n"
	  "      # deny\n"
	  "\n"
	  "      a/e  allow  deny\n" },
	{ "words never meet",
	  "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	  "      from a/b a/c\n"
	  "      a/d deny deny\n",
	  "cases:\n- name: a\n  matrix:\n    port: 80\n    table: |\n"
	  "      from a/b a/c\n"
	  "      a/d allow allow\n" },
	{ "ends of lines stay as they are",
	  "cases:\r\n- name: a\r\n  matrix:\r\n    port: 80\r\n    table: |\r\n"
	  "      from a/b\r\n      a/d deny\r\n",
	  "cases:\r\n- name: a\r\n  matrix:\r\n    port: 80\r\n    table: |\r\n"
	  "      from a/b\r\n      a/d allow\r\n" },
	{ "a capture that is all otherwise is so from now on",
	  "cases:\n- name: a\n  pcap: { expect: allow, file: x }\n",
	  "cases:\n- name: a\n  pcap: { expect: deny, file: x }\n" },
};

static const char *other(enum verdict verdict)
{
	return verdict == VERDICT_ALLOW ? "deny" : "allow";
}

/* All that is expected is seen to be otherwise. */
static void turn(const struct suite *suite, struct suite_result *result)
{
	for (size_t i = 0; i < suite->n_cases; i++) {
		const struct suite_case *test = &suite->cases[i];

		for (size_t k = 0; k < test->n_flows; k++)
			assert_int_equal(
				0, suite_result_edit(
					   result, test->flows[k].begin,
					   test->flows[k].end,
					   other(test->flows[k].expected)));
		for (size_t k = 0; k < test->n_filters; k++)
			assert_int_equal(
				0, suite_result_edit(
					   result, test->filters[k].begin,
					   test->filters[k].end,
					   other(test->filters[k].expected)));
	}
}

static void check_rewritten(const char *name, const char *before,
			    const char *after)
{
	struct suite suite;
	struct suite_result result;
	struct err err = { 0 };
	char text[2048], expected[2048], *out = NULL;
	size_t len = 0;

	snprintf(text, sizeof(text), "%s%s", HEAD, before);
	snprintf(expected, sizeof(expected), "%s%s", HEAD, after);
	if (suite_parse("t", text, strlen(text), &suite, &err) < 0)
		fail_msg("%s: %s", name, err.message);
	assert_int_equal(0, suite_result_init(&result, &suite));
	turn(&suite, &result);
	assert_int_equal(0, suite_rewrite_text(&suite, &result, &out, &len));
	if (len != strlen(expected) || memcmp(out, expected, len) != 0)
		fail_msg("%s: expected\n%s\ngot\n%.*s", name, expected,
			 (int)len, out);
	free(out);
	suite_result_release(&result);
	suite_release(&suite);
}

static void test_rewritten(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rewritten) / sizeof(rewritten[0]); i++)
		check_rewritten(rewritten[i].name, rewritten[i].before,
				rewritten[i].after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
