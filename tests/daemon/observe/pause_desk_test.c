/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "observe/pause_desk.h"

static struct pause_desk *desk;

static int open_desk(void **state)
{
	(void)state;
	return pause_desk_new(&desk, NULL);
}

static int close_desk(void **state)
{
	(void)state;
	pause_desk_free(desk);
	return 0;
}

/* Its answer's "pause"; NULL where it is refused. */
static json_t *ask(const char *text, struct err *err)
{
	json_t *request = json_loads(text, 0, NULL), *answer, *inner;

	assert_non_null(request);
	*err = (struct err){ 0 };
	answer = pause_desk_answer(desk, request, err);
	json_decref(request);
	if (!answer) {
		assert_true(err->code < 0 && *err->message);
		return NULL;
	}
	inner = json_incref(json_object_get(answer, "pause"));
	json_decref(answer);
	return inner;
}

static void check_refused(const char *name, const char *text, const char *words)
{
	struct err err;
	json_t *answer = ask(text, &err);

	if (answer || !strstr(err.message, words))
		fail_msg("%s: expected '%s', found '%s'", name, words,
			 err.message);
}

static json_int_t number_of(const char *text)
{
	struct err err;
	json_t *answer = ask(text, &err);
	json_int_t number =
		json_integer_value(json_object_get(answer, "number"));

	assert_true(number > 0);
	assert_null(json_object_get(answer, "said"));
	json_decref(answer);
	return number;
}

static bool is_readable(void)
{
	struct pollfd fd = { .fd = pause_desk_fd(desk), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

#define PAUSE(members) "{\"pause\": {" members "}}"

static const struct {
	const char *name, *text, *words;
} refused[] = {
	{ "nothing is wanted", PAUSE(""), "takes \"for\"" },
	{ "a number is no object", "{\"pause\": 600}", "takes \"for\"" },
	{ "both at once", PAUSE("\"for\": 600, \"end\": true"), "takes" },
	{ "an end that is none", PAUSE("\"end\": false"), "takes" },
	{ "a text for a time", PAUSE("\"for\": \"10m\""), "takes" },
	{ "what is not known might matter", PAUSE("\"for\": 1, \"not\": 1"),
	  "takes" },
	{ "no time at all", PAUSE("\"for\": 0"), "from 1 to 86400 seconds" },
	{ "time that runs backwards", PAUSE("\"for\": -1"), "from 1 to 86400" },
	{ "more than a day", PAUSE("\"for\": 86401"), "from 1 to 86400" },
	{ "more than there is", PAUSE("\"for\": 9223372036854775807"),
	  "from 1 to 86400" },
	{ "a reason that forges lines",
	  PAUSE("\"for\": 1, \"reason\": \"a\\nb\""), "control characters" },
	{ "a number that was given to nobody", PAUSE("\"number\": 1"),
	  "another pause" },
	{ "no number at all", PAUSE("\"number\": 0"), "another pause" },
};

static void what_makes_no_sense_is_refused(void **state)
{
	struct pause_request request;

	(void)state;
	pause_desk_begin(desk);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check_refused(refused[i].name, refused[i].text,
			      refused[i].words);
	assert_false(is_readable());
	assert_false(pause_desk_take(desk, &request));
}

static void before_there_is_anything_to_pause_it_is_refused(void **state)
{
	(void)state;
	check_refused("starting", PAUSE("\"for\": 600"), "still starting");
	assert_false(is_readable());
}

static void a_request_is_taken_once_and_told_when_it_is_done(void **state)
{
	struct pause_request request;
	struct err err;
	json_t *answer;

	(void)state;
	pause_desk_begin(desk);
	assert_int_equal(1,
			 number_of(PAUSE("\"for\": 600, \"reason\": \"why\"")));
	assert_true(is_readable());
	assert_true(pause_desk_take(desk, &request));
	assert_false(request.end);
	assert_int_equal(600000000, request.for_us);
	assert_string_equal("why", request.reason);
	assert_false(is_readable());
	assert_false(pause_desk_take(desk, &request));
	assert_int_equal(1, number_of(PAUSE("\"number\": 1")));
	pause_desk_reply(desk, 0, "done");
	for (int i = 0; i < 2; i++) {
		answer = ask(PAUSE("\"number\": 1"), &err);
		assert_string_equal("done", json_string_value(json_object_get(
						    answer, "said")));
		json_decref(answer);
	}
}

static void what_could_not_be_done_is_an_error(void **state)
{
	struct pause_request request;

	(void)state;
	pause_desk_begin(desk);
	assert_int_equal(1, number_of(PAUSE("\"end\": true")));
	assert_true(pause_desk_take(desk, &request));
	assert_true(request.end);
	pause_desk_reply(desk, -ENOMEM, "no memory");
	check_refused("done", PAUSE("\"number\": 1"), "no memory");
}

static void two_at_once_do_not_mix(void **state)
{
	struct pause_request request;

	(void)state;
	pause_desk_begin(desk);
	assert_int_equal(1, number_of(PAUSE("\"for\": 1")));
	check_refused("not taken", PAUSE("\"for\": 2"), "try again");
	assert_true(pause_desk_take(desk, &request));
	check_refused("not done", PAUSE("\"for\": 2"), "try again");
	pause_desk_reply(desk, 0, "done");
	assert_int_equal(2, number_of(PAUSE("\"for\": 2")));
	check_refused("too late", PAUSE("\"number\": 1"), "another pause");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_makes_no_sense_is_refused),
		TEST(before_there_is_anything_to_pause_it_is_refused),
		TEST(a_request_is_taken_once_and_told_when_it_is_done),
		TEST(what_could_not_be_done_is_an_error),
		TEST(two_at_once_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
