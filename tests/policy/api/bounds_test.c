/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items and events that are large, larger than may be, or never end. Memory is
 * asked of malloc as everywhere; how much there is at most is seen in how much
 * of the text is taken before it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "answer.h"

#define PIECE (64 << 10)

/* What comes before the bytes that are many. */
static const char list_head[] =
	"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":"
	"[{\"metadata\":{\"name\":\"a\",\"managedFields\":[\"";
static const char event_head[] =
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\","
	"\"managedFields\":[\"";
static const char label_head[] =
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\","
	"\"labels\":{\"a\":\"";
static const char key_head[] = "{\"";
static const struct {
	const char *name;
	enum api_form form;
	const char *head;
	char filler;
	size_t n; /* how often the filler comes */
	const char *tail;
	const char *told;
	int result;
	const char *message;
} cases[] = {
	{ "API-46: an item of 5 MiB is taken", API_LIST, list_head, 'x',
	  5 << 20, "\"]}}]}", "item /a object\nend\n", 0, "" },
	{ "API-46: an event of 5 MiB is taken", API_WATCH, event_head, 'x',
	  5 << 20, "\"]}}}", "added /a object\n", 0, "" },
	{ "API-46: so is one with that much in a label", API_WATCH, label_head,
	  'x', 5 << 20, "\"}}}}", "added /a object\n", 0, "" },
	{ "an item that never ends is refused", API_LIST, list_head, 'x',
	  9 << 20, "", "", -EBADMSG,
	  "f: a single object is longer than 8 MiB" },
	{ "an event that never ends is refused", API_WATCH, event_head, 'x',
	  9 << 20, "", "", -EBADMSG,
	  "f: a single object is longer than 8 MiB" },
	{ "an item that is too large is refused, whole or not", API_LIST,
	  list_head, 'x', 9 << 20, "\"]}}]}", "", -EBADMSG,
	  "f: a single object is longer than 8 MiB" },
	{ "a key that never ends is refused", API_LIST, key_head, 'x', 9 << 20,
	  "", "", -EBADMSG, "f: a single object is longer than 8 MiB" },
	{ "blanks may go on as long as they like", API_WATCH, "", '\n', 9 << 20,
	  "", "", 0, "" },
	{ "brackets that never close are refused", API_WATCH, event_head, '[',
	  9 << 20, "", "", -EBADMSG,
	  "f: a single object is longer than 8 MiB" },
};

static char *text_of(size_t i, size_t *len)
{
	size_t head = strlen(cases[i].head), tail = strlen(cases[i].tail);
	char *text = malloc(head + cases[i].n + tail + 1);

	assert_non_null(text);
	memcpy(text, cases[i].head, head);
	memset(text + head, cases[i].filler, cases[i].n);
	memcpy(text + head + cases[i].n, cases[i].tail, tail + 1);
	*len = head + cases[i].n + tail;
	return text;
}

static void check(size_t i, size_t piece)
{
	const struct api_reader_options how = { .form = cases[i].form,
						.kind = OBJECT_POD };
	struct answer got = { 0 };
	size_t len, n = 1;
	char *text = text_of(i, &len);
	size_t *marks = calloc(len / piece + 2, sizeof(*marks));

	assert_non_null(marks);
	for (size_t at = 0; at < len; n++) {
		at = len - at > piece ? at + piece : len;
		marks[n] = at;
	}
	answer_read(&how, text, marks, n, &got);
	if (strcmp(text_string(&got.told), cases[i].told) != 0 ||
	    got.result != cases[i].result ||
	    strcmp(got.err.message, cases[i].message) != 0)
		fail_msg("%s\n  got %d '%s' '%s'", cases[i].name, got.result,
			 text_string(&got.told), got.err.message);
	answer_release(&got);
	free(marks);
	free(text);
}

static void large_values_are_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check(i, PIECE);
		check(i, SIZE_MAX / 2);
	}
}

/* ---- nesting --------------------------------------------------------------
 */

static const struct {
	const char *name, *field;
	size_t depth;
	const char *told;
	int result;
	const char *message;
} nestings[] = {
	{ "what is passed over may be nested as deep as it likes",
	  "managedFields", 100000, "added /a object\n", 0, "" },
	{ "what is kept may not", "labels", 100000, "", -EBADMSG,
	  "f: values are nested more than 256 levels deep" },
	{ "where it is nested a little it is a wrong type only", "labels", 200,
	  "f: Pod a: metadata.labels: json: cannot unmarshal array into Go "
	  "struct field ObjectMeta.metadata.labels of type map[string]string\n"
	  "added /a\n",
	  0, "" },
};

static void nesting_is_bounded(void **state)
{
	const struct api_reader_options how = { .form = API_WATCH,
						.kind = OBJECT_POD };

	(void)state;
	for (size_t i = 0; i < sizeof(nestings) / sizeof(nestings[0]); i++) {
		struct answer got = { 0 };
		struct text text = { 0 };

		text_put(&text,
			 "{\"type\":\"ADDED\",\"object\":{\"metadata\":{"
			 "\"name\":\"a\",\"%s\":",
			 nestings[i].field);
		for (size_t n = 0; n < nestings[i].depth; n++)
			text_put_bytes(&text, "[", 1);
		for (size_t n = 0; n < nestings[i].depth; n++)
			text_put_bytes(&text, "]", 1);
		text_put(&text, "}}}");
		answer_read_whole(&how, text.data, text.len, &got);
		if (strcmp(text_string(&got.told), nestings[i].told) != 0 ||
		    got.result != nestings[i].result ||
		    strcmp(got.err.message, nestings[i].message) != 0)
			fail_msg("%s\n  got %d '%s' '%s'", nestings[i].name,
				 got.result, text_string(&got.told),
				 got.err.message);
		text_release(&text);
		answer_release(&got);
	}
}

/* ---- ends ------------------------------------------------------------------
 */

/* No more than the bound is taken before an item is refused. */
static void an_item_without_end_is_refused_at_the_bound(void **state)
{
	const struct api_reader_options options = {
		.form = API_WATCH,
		.kind = OBJECT_POD,
		.source = "f",
		.event = answer_event,
	};
	struct api_reader *reader = NULL;
	char *piece = malloc(PIECE);
	size_t taken = 0;
	int r;

	(void)state;
	assert_non_null(piece);
	memset(piece, 'x', PIECE);
	assert_int_equal(0, api_reader_new(&options, &reader));
	r = api_reader_feed(reader, event_head, strlen(event_head), NULL);
	while (r == 0 && taken < 2 * (size_t)API_MAX_ITEM) {
		r = api_reader_feed(reader, piece, PIECE, NULL);
		taken += PIECE;
	}
	assert_int_equal(-EBADMSG, r);
	assert_int_equal(API_MAX_ITEM, taken);
	api_reader_free(reader);
	free(piece);
}

/* Whatever a caller's function returns ends the reading. */
static void an_event_function_ends_the_reading(void **state)
{
	static const char text[] =
		"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":["
		"{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":"
		"\"b\"}}]}";
	const struct api_reader_options how = { .form = API_LIST,
						.kind = OBJECT_POD };

	(void)state;
	for (size_t stop_at = 1; stop_at <= 3; stop_at++) {
		struct answer got = { .stop_at = stop_at };

		answer_read_whole(&how, text, strlen(text), &got);
		assert_int_equal(77, got.result);
		assert_int_equal(stop_at, got.n_events);
		answer_release(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_values_are_bounded),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(an_item_without_end_is_refused_at_the_bound),
		cmocka_unit_test(an_event_function_ends_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
