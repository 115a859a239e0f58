/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How one asks whether a policy is in force (L36), and for how long an answer
 * waits for a better one.
 */
#include "observe/receipt_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/name_set.h"
#include "observe/receipts.h"

#include "../../policy/object_build.h"

static struct receipts *receipts;

/* shop/a is in force at generation 3, and shop/plain without one; of shop/odd a
   part is, and of shop/new nothing. Of shop/trial, at generation 5, all that is
   in force is that it is staged. */
static int begin(void **state)
{
	struct object a = a_policy("shop", "a", "", DIRECTION_INGRESS);
	struct object plain = a_policy("shop", "plain", "", DIRECTION_INGRESS);
	struct object odd = a_policy("shop", "odd", "", DIRECTION_INGRESS);
	struct object trial = a_policy("shop", "trial", "", DIRECTION_INGRESS);
	struct name_set unreadable = { 0 };

	(void)state;
	trial.policy.generation = 5;
	trial.policy.staged = true;
	a.policy.generation = 3;
	a.policy.uid = "u-2";
	assert_int_equal(0, receipts_new(&receipts, NULL));
	assert_int_equal(0, receipts_put(receipts, &a.policy));
	assert_int_equal(0, receipts_put(receipts, &plain.policy));
	assert_int_equal(0, receipts_put(receipts, &odd.policy));
	assert_int_equal(0, receipts_put(receipts, &trial.policy));
	assert_int_equal(0, name_set_put(&unreadable, "shop", "odd"));
	assert_int_equal(0, name_set_put(&unreadable, "shop", "new"));
	assert_int_equal(1, receipts_unreadable(receipts, &unreadable, true));
	name_set_clear(&unreadable);
	receipts_published(receipts);
	receipts_in_force(receipts, 1000000);
	return 0;
}

static int end(void **state)
{
	(void)state;
	receipts_free(receipts);
	arena_release(&build_arena);
	return 0;
}

#define A "\"namespace\": \"shop\", \"name\": \"a\""
#define PLAIN "\"namespace\": \"shop\", \"name\": \"plain\""
#define ODD "\"namespace\": \"shop\", \"name\": \"odd\""
#define NEW "\"namespace\": \"shop\", \"name\": \"new\""
#define TRIAL "\"namespace\": \"shop\", \"name\": \"trial\""
#define NONE "\"namespace\": \"shop\", \"name\": \"none\""

static const struct {
	const char *name, *wish;
	bool in_force, met;
	int keep_ms;
} wishes[] = {
	{ "any generation is met", A, true, true, 0 },
	{ "the one in force is met", A ", \"generation\": 3", true, true, 0 },
	{ "an earlier one is met", A ", \"generation\": 2", true, true, 0 },
	{ "a later one is not", A ", \"generation\": 4", true, false, 0 },
	{ "and waits", A ", \"generation\": 4, \"keep_ms\": 70", true, false,
	  70 },
	{ "but not for long", A ", \"generation\": 4, \"keep_ms\": 99999", true,
	  false, RECEIPT_KEEP_MAX_MS },
	{ "what is met does not wait", A ", \"keep_ms\": 70", true, true, 0 },
	{ "without a generation any is met", PLAIN, true, true, 0 },
	{ "and none in particular", PLAIN ", \"generation\": 1", true, false,
	  0 },
	{ "the very one is met", A ", \"uid\": \"u-2\", \"generation\": 3",
	  true, true, 0 },
	{ "API-25: its predecessor is not, whose generations were others",
	  A ", \"uid\": \"u-1\", \"generation\": 1", true, false, 0 },
	{ "API-25: nor its successor", A ", \"uid\": \"u-3\", \"keep_ms\": 70",
	  true, false, 70 },
	{ "API-25: its predecessor is gone",
	  A ", \"uid\": \"u-1\", \"gone\": true", true, true, 0 },
	{ "it is not itself", A ", \"uid\": \"u-2\", \"gone\": true", true,
	  false, 0 },
	{ "who has no UID is none that is asked for",
	  PLAIN ", \"uid\": \"u-1\"", true, false, 0 },
	{ "L23: a part is not met", ODD ", \"keep_ms\": 70", true, false, 70 },
	{ "L23: nor is it gone", ODD ", \"gone\": true", true, false, 0 },
	{ "L23: what cannot be read is not met", NEW ", \"keep_ms\": 70", false,
	  false, 70 },
	{ "but nothing of it is in force", NEW ", \"gone\": true", false, true,
	  0 },
	{ "NP-8: who is staged is not enforced, and waits",
	  TRIAL ", \"keep_ms\": 70", true, false, 70 },
	{ "NP-8: whatever the generation", TRIAL ", \"generation\": 5", true,
	  false, 0 },
	{ "NP-8: it is staged", TRIAL ", \"staged\": true, \"generation\": 5",
	  true, true, 0 },
	{ "NP-8: but not at every generation",
	  TRIAL ", \"staged\": true, \"generation\": 6", true, false, 0 },
	{ "NP-8: who is enforced is not staged, and waits",
	  A ", \"staged\": true, \"keep_ms\": 70", true, false, 70 },
	{ "who is staged is not gone", TRIAL ", \"gone\": true", true, false,
	  0 },
	{ "who is not there is not met", NONE ", \"keep_ms\": 70", false, false,
	  70 },
	{ "but gone", NONE ", \"gone\": true, \"keep_ms\": 70", false, true,
	  0 },
	{ "who is there is not gone", A ", \"gone\": true, \"keep_ms\": 70",
	  true, false, 70 },
};

static json_t *request_of(const char *wish)
{
	char *text;
	json_t *request;

	assert_true(asprintf(&text, "{\"receipt\": {%s}}", wish) > 0);
	request = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(request);
	return request;
}

static bool is_true(const json_t *answer, const char *key)
{
	return json_is_true(
		json_object_get(json_object_get(answer, "receipt"), key));
}

static void wishes_are_met_or_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		json_t *request = request_of(wishes[i].wish);
		struct err err = { 0 };
		json_t *answer =
			receipt_request_answer(receipts, false, request, &err);
		int keep_ms;

		if (!answer)
			fail_msg("%s: %s", wishes[i].name, err.message);
		keep_ms = receipt_request_keep_ms(request, answer);
		if (is_true(answer, "in_force") != wishes[i].in_force ||
		    is_true(answer, "met") != wishes[i].met ||
		    keep_ms != wishes[i].keep_ms)
			fail_msg("%s: %s, kept for %d ms", wishes[i].name,
				 json_dumps(answer, 0), keep_ms);
		json_decref(request);
		json_decref(answer);
	}
}

/* Nothing is enforced, and who waits for that is to be told so at once. */
static void in_an_audit_what_is_staged_is_gone_by(void **state)
{
	static const struct {
		const char *wish;
		bool met;
	} rows[] = {
		{ TRIAL, true },
		{ TRIAL ", \"generation\": 5", true },
		{ TRIAL ", \"generation\": 6", false },
		{ TRIAL ", \"staged\": true", true },
		{ TRIAL ", \"gone\": true", false },
		{ A, true },
		{ A ", \"staged\": true", false },
		{ ODD, false },
		{ NONE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *request = request_of(rows[i].wish);
		json_t *answer =
			receipt_request_answer(receipts, true, request, NULL);

		if (is_true(answer, "met") != rows[i].met)
			fail_msg("%s: %s", rows[i].wish, json_dumps(answer, 0));
		json_decref(request);
		json_decref(answer);
	}
}

/* L23 */
static void what_cannot_be_read_is_said_to_be(void **state)
{
	static const struct {
		const char *wish;
		bool is_unreadable;
	} rows[] = {
		{ A, false }, { ODD, true }, { NEW, true }, { NONE, false }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *request = request_of(rows[i].wish);
		json_t *answer =
			receipt_request_answer(receipts, false, request, NULL);

		assert_int_equal(rows[i].is_unreadable,
				 is_true(answer, "unreadable"));
		json_decref(request);
		json_decref(answer);
	}
}

/* NP-8: no generation tells of it. */
static void a_mode_that_changes_is_waited_for(void **state)
{
	struct object trial = a_policy("shop", "trial", "", DIRECTION_INGRESS);
	static const struct {
		bool staged;
		const char *wish;
	} rows[] = {
		{ false, TRIAL ", \"generation\": 5" },
		{ true, TRIAL ", \"generation\": 5, \"staged\": true" },
	};

	(void)state;
	trial.policy.generation = 5;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *request = request_of(rows[i].wish), *before, *after;

		trial.policy.staged = rows[i].staged;
		assert_int_equal(0, receipts_put(receipts, &trial.policy));
		receipts_published(receipts);
		before = receipt_request_answer(receipts, false, request, NULL);
		receipts_in_force(receipts, 2000000);
		after = receipt_request_answer(receipts, false, request, NULL);
		assert_false(is_true(before, "met"));
		assert_true(is_true(after, "met"));
		json_decref(request);
		json_decref(before);
		json_decref(after);
	}
}

static void in_a_pause_nothing_is_met(void **state)
{
	json_t *request = request_of(NONE ", \"gone\": true"), *answer;

	(void)state;
	receipts_suspend(receipts);
	answer = receipt_request_answer(receipts, false, request, NULL);
	assert_false(is_true(answer, "met"));
	json_decref(request);
	json_decref(answer);
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const rows[] = {
		"\"name\": \"a\"",
		"\"namespace\": \"shop\"",
		"\"namespace\": \"shop\", \"name\": 7",
		A ", \"generation\": \"3\"",
		A ", \"generation\": -1",
		A ", \"generation\": 1.5",
		A ", \"keep_ms\": -1",
		A ", \"uid\": 1",
		A ", \"uid\": \"0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef\"",
		A ", \"gone\": 1",
		A ", \"gone\": true, \"generation\": 1",
		A ", \"gone\": true, \"staged\": true",
		A ", \"staged\": 1",
		A ", \"other\": 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *request = request_of(rows[i]);
		struct err err = { 0 };

		if (receipt_request_answer(receipts, false, request, &err))
			fail_msg("%s is answered", rows[i]);
		assert_non_null(strstr(err.message, "receipt takes"));
		json_decref(request);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wishes_are_met_or_wait),
		TEST(in_an_audit_what_is_staged_is_gone_by),
		TEST(what_cannot_be_read_is_said_to_be),
		TEST(a_mode_that_changes_is_waited_for),
		TEST(in_a_pause_nothing_is_met),
		TEST(what_is_no_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
