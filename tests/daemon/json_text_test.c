/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "json_text.h"

/* What was written as a line; to be freed. */
static char *line_of(struct json_text *text)
{
	char *line = NULL;
	size_t len;
	FILE *out = open_memstream(&line, &len);

	assert_int_equal(0, json_text_write_line(text, out));
	fclose(out);
	return line;
}

static void expect(struct json_text *text, const char *expected)
{
	char *line = line_of(text);

	assert_string_equal(expected, line);
	free(line);
}

static void commas_come_by_themselves(void **state)
{
	struct json_text text = { 0 };

	(void)state;
	json_text_begin_object(&text);
	json_text_key(&text, "a");
	json_text_begin_array(&text);
	json_text_number(&text, 1);
	json_text_begin_array(&text);
	json_text_end_array(&text);
	json_text_begin_object(&text);
	json_text_end_object(&text);
	json_text_bool(&text, true);
	json_text_end_array(&text);
	json_text_key(&text, "b");
	json_text_begin_object(&text);
	json_text_key(&text, "c");
	json_text_string(&text, "d");
	json_text_end_object(&text);
	json_text_key(&text, "e");
	json_text_bool(&text, false);
	json_text_end_object(&text);
	expect(&text, "{\"a\":[1,[],{},true],\"b\":{\"c\":\"d\"},\"e\":false}"
		      "\n");
	json_text_begin_array(&text);
	json_text_end_array(&text);
	expect(&text, "[]\n");
	json_text_release(&text);
}

static void numbers_are_written_whole(void **state)
{
	struct json_text text = { 0 };

	(void)state;
	json_text_begin_array(&text);
	json_text_number(&text, 0);
	json_text_number(&text, 10);
	json_text_number(&text, UINT64_MAX);
	json_text_end_array(&text);
	expect(&text, "[0,10,18446744073709551615]\n");
	json_text_release(&text);
}

/* A reader of JSON gets back what was written, byte for byte. */
static void expect_read_back(struct json_text *text, const char *value)
{
	char *line = line_of(text);
	json_t *root = json_loads(line, 0, NULL);

	assert_non_null(root);
	assert_string_equal(value, json_string_value(json_array_get(root, 0)));
	assert_string_equal(value, json_string_value(json_array_get(root, 1)));
	json_decref(root);
	free(line);
}

static void what_is_special_is_escaped(void **state)
{
	static const char *const values[] = {
		"",	    "plain",	   "\"",
		"\\",	    "a\"b\\c\"\"", "\n\t",
		"\x01\x1f", "\x7f",	   "gr\xc3\xbc\xc3\x9f",
		"/",
	};
	struct json_text text = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		json_text_begin_array(&text);
		json_text_string(&text, values[i]);
		fputs(values[i], json_text_begin_words(&text));
		json_text_end_words(&text);
		json_text_end_array(&text);
		expect_read_back(&text, values[i]);
	}
	json_text_release(&text);
}

static void it_grows_as_it_has_to(void **state)
{
	struct json_text text = { 0 };
	char value[10000];

	(void)state;
	memset(value, '"', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		json_text_begin_array(&text);
		json_text_string(&text, value);
		fprintf(json_text_begin_words(&text), "%s", value);
		json_text_end_words(&text);
		json_text_end_array(&text);
		expect_read_back(&text, value);
	}
	json_text_release(&text);
}

static void a_text_that_failed_is_not_written(void **state)
{
	struct json_text text = { .failed = true };
	char *line = NULL;
	size_t len;
	FILE *out = open_memstream(&line, &len);

	(void)state;
	json_text_begin_array(&text);
	json_text_end_array(&text);
	assert_int_not_equal(0, json_text_write_line(&text, out));
	json_text_begin_array(&text);
	json_text_end_array(&text);
	assert_int_equal(0, json_text_write_line(&text, out));
	fclose(out);
	assert_string_equal("[]\n", line);
	free(line);
	json_text_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_come_by_themselves),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(what_is_special_is_escaped),
		cmocka_unit_test(it_grows_as_it_has_to),
		cmocka_unit_test(a_text_that_failed_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
