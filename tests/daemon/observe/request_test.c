/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/request.h"

static json_t *answer_get(void *ctx, const json_t *request, struct err *err)
{
	const char *what = json_string_value(json_object_get(request, "get"));

	(void)ctx;
	if (what && strcmp(what, "one") == 0)
		return json_pack("{si}", "one", 1);
	err_set(err, -EINVAL, "get takes \"one\"");
	return NULL;
}

static json_t *answer_echo(void *ctx, const json_t *request, struct err *err)
{
	(void)ctx;
	(void)err;
	return json_pack("{sO}", "echo", json_object_get(request, "echo"));
}

/* {"late": 7}: for so long. */
static int keep_ms(const json_t *request, const json_t *answer)
{
	assert_true(json_is_true(json_object_get(answer, "late")));
	return (int)json_integer_value(json_object_get(request, "late"));
}

static json_t *answer_late(void *ctx, const json_t *request, struct err *err)
{
	(void)ctx;
	if (json_is_integer(json_object_get(request, "late")))
		return json_pack("{sb}", "late", 1);
	err_set(err, -EINVAL, "late takes a number");
	return NULL;
}

static const struct request_handler handlers[] = {
	{ .verb = "get", .answer = answer_get },
	{ .verb = "echo", .answer = answer_echo },
	{ .verb = "late", .answer = answer_late, .keep_ms = keep_ms },
};

static const struct request_table table = {
	.handlers = handlers,
	.n_handlers = sizeof(handlers) / sizeof(handlers[0]),
	.passed_on = "echo",
};

#define NO_SUCH                                                                \
	"{\"version\":1,\"error\":"                                            \
	"\"this version of netpold knows no such request\"}\n"
#define NO_OBJECT "{\"version\":1,\"error\":\"a request is an object\"}\n"

static const struct {
	const char *name, *line, *answer;
} lines[] = {
	{ "a verb is answered", "{\"get\": \"one\"}",
	  "{\"version\":1,\"one\":1}\n" },
	{ "spaces do not matter", "\t{ \"get\" :\"one\" } \r",
	  "{\"version\":1,\"one\":1}\n" },
	{ "another verb has another handler", "{\"echo\": [1, \"ä\"]}",
	  "{\"version\":1,\"echo\":[1,\"ä\"]}\n" },
	{ "what a handler does not know is an error", "{\"get\": \"two\"}",
	  "{\"version\":1,\"error\":\"get takes \\\"one\\\"\"}\n" },
	{ "a verb may have a value of any kind", "{\"get\": {\"one\": 1}}",
	  "{\"version\":1,\"error\":\"get takes \\\"one\\\"\"}\n" },
	{ "an unknown verb is an error", "{\"put\": \"one\"}", NO_SUCH },
	{ "no verb is an error", "{}", NO_SUCH },
	{ "a list is no request", "[{\"get\": \"one\"}]", NO_OBJECT },
	{ "malformed JSON is an error", "{\"get\": one}",
	  "{\"version\":1,\"error\":\"malformed JSON at byte 11\"}\n" },
	{ "an empty line is an error", "",
	  "{\"version\":1,\"error\":\"malformed JSON at byte 0\"}\n" },
	{ "a verb counts once", "{\"get\": \"one\", \"get\": \"one\"}",
	  "{\"version\":1,\"error\":\"malformed JSON at byte 20\"}\n" },
	{ "one line is one request", "{\"get\": \"one\"}{\"get\": \"one\"}",
	  "{\"version\":1,\"error\":\"malformed JSON at byte 15\"}\n" },
};

static void every_line_has_an_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct request_next next = { true, -1 };
		size_t len = 0;
		char *answer =
			request_answer(&table, lines[i].line,
				       strlen(lines[i].line), &len, &next);

		assert_non_null(answer);
		if (strcmp(answer, lines[i].answer) != 0)
			fail_msg("%s: expected %sgot %s", lines[i].name,
				 lines[i].answer, answer);
		assert_int_equal(strlen(answer), len);
		if (next.pass_on != (strstr(answer, "\"echo\":") != NULL))
			fail_msg("%s: only what is answered to one verb is "
				 "passed on",
				 lines[i].name);
		assert_int_equal(0, next.keep_ms);
		free(answer);
	}
}

static void only_some_answers_are_kept_back(void **state)
{
	static const struct {
		const char *name, *line;
		int keep_ms;
	} rows[] = {
		{ "one is, for as long as its verb says", "{\"late\": 7}", 7 },
		{ "or not", "{\"late\": 0}", 0 },
		{ "an error never is", "{\"late\": \"7\"}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct request_next next = { true, -1 };
		size_t len;
		char *answer =
			request_answer(&table, rows[i].line,
				       strlen(rows[i].line), &len, &next);

		assert_non_null(answer);
		if (next.keep_ms != rows[i].keep_ms)
			fail_msg("%s: expected %d ms, got %d", rows[i].name,
				 rows[i].keep_ms, next.keep_ms);
		free(answer);
	}
}

static void expect_error(const char *line, size_t len)
{
	struct request_next next = { true, -1 };
	size_t out_len = 0;
	char *answer = request_answer(&table, line, len, &out_len, &next);

	assert_false(next.pass_on);
	assert_int_equal(0, next.keep_ms);

	assert_non_null(answer);
	assert_non_null(strstr(answer, "\"error\":"));
	assert_int_equal(out_len, strlen(answer));
	assert_ptr_equal(answer + out_len - 1, strchr(answer, '\n'));
	free(answer);
}

static void bytes_that_are_no_text_are_an_error(void **state)
{
	static const char zero[] = "{\"get\": \"o\0e\"}";

	(void)state;
	expect_error(zero, sizeof(zero) - 1);
	expect_error("\xff\xfe{}", 4);
	expect_error("{\"get\": \"\xc3\"}", 11);
	expect_error("\"\xf0\x9f\x98\"", 5);
}

static void what_is_nested_deeply_is_an_error(void **state)
{
	static char line[65536];

	(void)state;
	memset(line, '[', sizeof(line));
	expect_error(line, sizeof(line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_has_an_answer),
		cmocka_unit_test(only_some_answers_are_kept_back),
		cmocka_unit_test(bytes_that_are_no_text_are_an_error),
		cmocka_unit_test(what_is_nested_deeply_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
