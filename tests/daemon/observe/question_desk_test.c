/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/question_desk.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct question_desk *desk;
static int64_t now_us;

static int begin(void **state)
{
	(void)state;
	now_us = 1000000;
	return question_desk_new(&desk, NULL);
}

static int end(void **state)
{
	(void)state;
	question_desk_free(desk);
	return 0;
}

#define QUESTION                                                               \
	"{\"explain\": {\"from\": \"a/b\", \"to\": \"c/d\", \"port\": \"80\"}}"

/* The answer's "explain"; NULL where it is refused. */
static json_t *ask(const char *text, struct err *err)
{
	json_t *request = json_loads(text, 0, NULL), *answer, *inner;

	assert_non_null(request);
	*err = (struct err){ 0 };
	answer = question_desk_answer(desk, request, now_us, err);
	json_decref(request);
	if (!answer) {
		assert_true(err->code < 0 && *err->message);
		return NULL;
	}
	inner = json_incref(json_object_get(answer, "explain"));
	json_decref(answer);
	return inner;
}

static void expect(const char *sentence, const char *text, const char *expected)
{
	struct err err;
	json_t *said = ask(text, &err);
	char *got = said ? json_dumps(said, JSON_COMPACT) : NULL;

	if (!got || strcmp(got, expected) != 0)
		fail_msg("%s: expected %s, got %s", sentence, expected,
			 got ? got : err.message);
	free(got);
	json_decref(said);
}

static void expect_refused(const char *sentence, const char *text,
			   const char *words)
{
	struct err err;
	json_t *said = ask(text, &err);

	if (said || !strstr(err.message, words))
		fail_msg("%s: expected '%s', got '%s'", sentence, words,
			 err.message);
}

static bool is_readable(void)
{
	struct pollfd fd = { .fd = question_desk_fd(desk), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* The controller's turn. */
static void take(void)
{
	json_t *question;

	assert_true(is_readable());
	question = question_desk_take(desk);
	assert_non_null(question);
	assert_string_equal(
		"a/b", json_string_value(json_object_get(question, "from")));
	json_decref(question);
	assert_false(is_readable());
}

static void reply(const char *text)
{
	question_desk_reply(desk, json_loads(text, 0, NULL), NULL);
}

static void a_question_is_answered_once(void **state)
{
	(void)state;
	question_desk_begin(desk);
	expect("it is handed in", QUESTION, "{\"number\":1}");
	expect("nobody has taken it", "{\"explain\": {\"number\": 1}}",
	       "{\"number\":1}");
	take();
	assert_null(question_desk_take(desk));
	expect("nobody has answered", "{\"explain\": {\"number\": 1}}",
	       "{\"number\":1}");
	reply("{\"text\": \"x\"}");
	expect("it is answered", "{\"explain\": {\"number\": 1}}",
	       "{\"number\":1,\"answer\":{\"text\":\"x\"}}");
	expect_refused("once", "{\"explain\": {\"number\": 1}}",
		       "the answer was given");
	expect("the next one is another", QUESTION, "{\"number\":2}");
	expect_refused("whose number the first one is not",
		       "{\"explain\": {\"number\": 1}}",
		       "the answer was given");
}

static void a_question_may_be_refused(void **state)
{
	struct err why;

	(void)state;
	err_set(&why, -EINVAL, "there is no such pod");
	expect_refused("nobody answers yet", QUESTION, "still starting");
	question_desk_begin(desk);
	expect("it is handed in", QUESTION, "{\"number\":1}");
	take();
	question_desk_reply(desk, NULL, &why);
	expect_refused("it is refused", "{\"explain\": {\"number\": 1}}",
		       "there is no such pod");
	expect("the next one is another", QUESTION, "{\"number\":2}");
}

static void one_is_answered_at_a_time(void **state)
{
	(void)state;
	question_desk_begin(desk);
	expect("it is handed in", QUESTION, "{\"number\":1}");
	expect("another one waits", QUESTION, "{\"busy\":true}");
	take();
	expect("another one waits", QUESTION, "{\"busy\":true}");
	reply("{}");
	expect("until the answer is given", QUESTION, "{\"busy\":true}");
	now_us += 999999;
	expect("or a second is over", QUESTION, "{\"busy\":true}");
	now_us += 1;
	expect("then nobody comes for it", QUESTION, "{\"number\":2}");
	expect_refused("and who does is late", "{\"explain\": {\"number\": 1}}",
		       "was not come for in time");
	take();
}

static void what_is_no_question_is_refused(void **state)
{
	static const char *const rows[] = {
		"{\"explain\": 7}",
		"{\"explain\": {}}",
		"{\"explain\": {\"from\": \"a/b\", \"to\": \"c/d\"}}",
		"{\"explain\": {\"from\": 7, \"to\": \"c\", \"port\": \"1\"}}",
		"{\"explain\": {\"from\": \"a\", \"to\": \"c\", \"port\": 80}}",
		"{\"explain\": {\"from\": \"a\", \"to\": \"c\", \"port\": "
		"\"80\", \"family\": 5}}",
		"{\"explain\": {\"from\": \"a\", \"to\": \"c\", \"port\": "
		"\"80\", \"all\": 1}}",
		"{\"explain\": {\"from\": \"a\", \"to\": \"c\", \"port\": "
		"\"80\", \"more\": 1}}",
	};

	(void)state;
	question_desk_begin(desk);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refused(rows[i], rows[i], "explain takes");
	expect_refused("a number that nobody has got",
		       "{\"explain\": {\"number\": 1}}",
		       "the answer was given");
	assert_false(is_readable());
}

static void an_answer_is_kept_back_until_it_is_there(void **state)
{
	static const struct {
		const char *name, *request, *answer;
		int keep_ms;
	} rows[] = {
		{ "not yet", "{\"explain\": {\"number\": 1, \"keep_ms\": 70}}",
		  "{\"explain\": {\"number\": 1}}", 70 },
		{ "for so long at most",
		  "{\"explain\": {\"number\": 1, \"keep_ms\": 99999}}",
		  "{\"explain\": {\"number\": 1}}", QUESTION_KEEP_MAX_MS },
		{ "it is there",
		  "{\"explain\": {\"number\": 1, \"keep_ms\": 70}}",
		  "{\"explain\": {\"number\": 1, \"answer\": {}}}", 0 },
		{ "nobody wants to wait", QUESTION,
		  "{\"explain\": {\"number\": 1}}", 0 },
		{ "nor backwards",
		  "{\"explain\": {\"number\": 1, \"keep_ms\": -1}}",
		  "{\"explain\": {\"number\": 1}}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *request = json_loads(rows[i].request, 0, NULL);
		json_t *answer = json_loads(rows[i].answer, 0, NULL);
		int keep_ms = question_desk_keep_ms(request, answer);

		if (keep_ms != rows[i].keep_ms)
			fail_msg("%s: expected %d ms, got %d", rows[i].name,
				 rows[i].keep_ms, keep_ms);
		json_decref(request);
		json_decref(answer);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_answered_once),
		TEST(a_question_may_be_refused),
		TEST(one_is_answered_at_a_time),
		TEST(what_is_no_question_is_refused),
		TEST(an_answer_is_kept_back_until_it_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
