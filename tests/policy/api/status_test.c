/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netpold/api_reader.h"

/* API-45: what is left of the body of a failure. */
static const struct {
	const char *name, *body;
	size_t room;
	struct api_status expected;
} cases[] = {
	{ "a Status is read",
	  "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	  "\"status\":\"Failure\",\"message\":\"pods is forbidden: \\\"a\\\"\","
	  "\"reason\":\"Forbidden\",\"details\":{\"kind\":\"pods\"},"
	  "\"code\":403}\n",
	  256,
	  { 403, "Forbidden", "pods is forbidden: \"a\"", 0, false } },
	{ "a Status says how long to wait",
	  "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":7},"
	  "\"code\":429}",
	  256,
	  { 429, "", "", 7, false } },
	{ "API-14: a Status says that a version is too new",
	  "{\"kind\":\"Status\",\"reason\":\"Timeout\",\"details\":{\"causes\":"
	  "[{\"reason\":\"ResourceVersionTooLarge\"}]},\"code\":504}",
	  256,
	  { 504, "Timeout", "", 0, true } },
	{ "what does not fit its type is absent",
	  "{\"kind\":\"Status\",\"message\":5,\"reason\":null,\"details\":"
	  "{\"retryAfterSeconds\":-7,\"causes\":{}},\"code\":\"4\"}",
	  256,
	  { 0, "", "", 0, false } },
	{ "numbers beyond an int are cut",
	  "{\"kind\":\"Status\",\"code\":9999999999}",
	  256,
	  { INT32_MAX, "", "", 0, false } },
	{ "of other text the first line is told",
	  "\r\n Too many requests, please try again later.\nx\n",
	  256,
	  { 0, "", "Too many requests, please try again later.", 0, false } },
	{ "control characters do not reach a log",
	  "a\x1b[31mb\tc\x7f",
	  256,
	  { 0, "", "a [31mb c ", 0, false } },
	{ "JSON that is no Status is other text",
	  "{\"kind\":\"Pod\",\"code\":5}",
	  256,
	  { 0, "", "{\"kind\":\"Pod\",\"code\":5}", 0, false } },
	{ "JSON that breaks off is other text",
	  "{\"kind\":\"Status\",",
	  256,
	  { 0, "", "{\"kind\":\"Status\",", 0, false } },
	{ "an empty body has no message", "", 256, { 0, "", "", 0, false } },
	{ "what does not fit is cut",
	  "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too old\"}",
	  12,
	  { 0, "Expired", "too", 0, false } },
	{ "where nothing fits nothing is told",
	  "{\"kind\":\"Status\",\"reason\":\"Expired\",\"code\":410}",
	  1,
	  { 410, "", "", 0, false } },
};

static void bodies_are_read_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct api_status *expected = &cases[i].expected;
		char *buf = malloc(cases[i].room);
		struct api_status got;

		assert_non_null(buf);
		api_status_read(cases[i].body, strlen(cases[i].body), buf,
				cases[i].room, &got);
		if (strcmp(got.reason, expected->reason) != 0 ||
		    strcmp(got.message, expected->message) != 0)
			fail_msg("%s\n  expected '%s' '%s'\n  got      '%s' "
				 "'%s'",
				 cases[i].name, expected->reason,
				 expected->message, got.reason, got.message);
		if (got.code != expected->code ||
		    got.retry_after_s != expected->retry_after_s ||
		    got.is_too_large != expected->is_too_large)
			fail_msg("%s: got %d, %d, %d", cases[i].name, got.code,
				 got.retry_after_s, got.is_too_large);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_as_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
