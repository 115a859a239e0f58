/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "manifest/document.h"
#include "manifest/json_reader.h"
#include "reading.h"

/* All trees of a text as JSON, one behind the other; or the error. */
static void read_json(const char *text, size_t piece, struct text *out)
{
	struct pieces pieces = pieces_of(text, piece);
	struct json_reader *json = NULL;
	struct document *document = NULL;
	struct event_source source;
	struct err err = { 0 };
	struct part part = { 0 };
	int r;

	assert_int_equal(json_reader_new(pieces_read, &pieces, &json), 0);
	source = json_reader_source(json);
	assert_int_equal(document_new(&source, &document), 0);
	while ((r = document_next(document, &part, &err)) == 0 &&
	       part.type != PART_END) {
		text_put(out, "%s", out->len ? " " : "");
		dump_tree(part.tree, out);
	}
	if (r < 0)
		text_put(out, "%sline %u: %s", out->len ? " " : "",
			 document_line(document), err.message);
	document_free(document);
	json_reader_free(json);
}

static const struct {
	const char *name, *text, *expected;
} cases[] = {
	/* values */
	{ "words are booleans and null", "{\"a\": [true, false, null]}",
	  "{\"a\":[true,false,null]}" },
	{ "numbers without a fraction are integers",
	  "{\"a\":[0,-1,80,9223372036854775807,-9223372036854775808,-0]}",
	  "{\"a\":[0,-1,80,9223372036854775807,-9223372036854775808,0]}" },
	{ "other numbers are floats",
	  "{\"a\":[80.0,80.5,1e3,1E-2,-2.5e+3,9223372036854775808]}",
	  "{\"a\":[80,80.5,1000,0.01,-2500,9223372036854776000]}" },
	{ "empty lists and maps are fine", "{\"a\":[],\"b\":{},\"c\":[{},[]]}",
	  "{\"a\":[],\"b\":{},\"c\":[{},[]]}" },
	{ "blanks may stand anywhere between", " {\r\n\t\"a\" : [ 1 , 2 ] } ",
	  "{\"a\":[1,2]}" },
	{ "doubled keys are kept", "{\"a\":1,\"b\":2,\"a\":3}",
	  "{\"a\":1,\"b\":2,\"a\":3}" },
	/* strings */
	{ "all short escapes are known",
	  "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	  "{\"a\":\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"}" },
	{ "escapes by number are resolved",
	  "{\"\\u0061\":\"\\u00e9\\u20AC\\u0000\"}",
	  "{\"a\":\"\xc3\xa9\xe2\x82\xac\\u0000\"}" },
	{ "a surrogate pair is one character", "{\"a\":\"\\ud83d\\ude00x\"}",
	  "{\"a\":\"\xf0\x9f\x98\x80x\"}" },
	{ "half a pair becomes the replacement character",
	  "{\"a\":[\"\\ud83d\",\"\\ude00\",\"\\ud83dx\",\"\\ud83d\\n\","
	  "\"\\ud83d\\u0041\",\"\\ud83d\\ud83d\\ude00\"]}",
	  "{\"a\":[\"\xef\xbf\xbd\",\"\xef\xbf\xbd\",\"\xef\xbf\xbdx\","
	  "\"\xef\xbf\xbd\\n\",\"\xef\xbf\xbd"
	  "A\","
	  "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]}" },
	{ "UTF-8 passes as it is", "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
	  "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}" },
	{ "what looks like YAML stays text", "{\"a\":[\"on\",\"0x50\",\"<<\"]}",
	  "{\"a\":[\"on\",\"0x50\",\"\\u003c\\u003c\"]}" },
	/* documents */
	{ "documents follow one another", "{\"a\":1}\n{\"b\":2}{\"c\":3}",
	  "{\"a\":1} {\"b\":2} {\"c\":3}" },
	{ "null is an empty document", "null {\"a\":1} null", "{\"a\":1}" },
	{ "empty text holds no document", " \n ", "" },
	{ "items of a list come one by one, wherever they stand",
	  "{\"items\":[{\"a\":1},{\"a\":2}],\"kind\":\"List\"}",
	  "{\"a\":1} {\"a\":2} {\"items\":[],\"kind\":\"List\"}" },
	{ "the kind of a list may come first",
	  "{\"kind\":\"PodList\",\"items\":[{\"a\":1}]}",
	  "{\"a\":1} {\"kind\":\"PodList\",\"items\":[]}" },
	{ "items of what is no list stay where they are",
	  "{\"kind\":\"Shop\",\"items\":[1]}",
	  "{\"kind\":\"Shop\",\"items\":[1]}" },
	{ "managedFields are read past",
	  "{\"metadata\":{\"managedFields\":[{\"f\":{\"g\":[1]}},2],\"b\":1}}",
	  "{\"metadata\":{\"managedFields\":[],\"b\":1}}" },
	/* what is no JSON */
	{ "the text may not end early", "{\"a\":\n[1,",
	  "line 2: not JSON: the text ends where a value was expected" },
	{ "a string may not end early", "{\"a",
	  "line 1: not JSON: the text ends where a character of a string was "
	  "expected" },
	{ "a comma may not stand last in a list", "{\"a\":[1,]}",
	  "line 1: not JSON: ']' where a value was expected" },
	{ "a comma may not stand last in a map", "{\"a\":1,}",
	  "line 1: not JSON: '}' where a key in quotes was expected" },
	{ "brackets have to match", "{\"a\":[1}",
	  "line 1: not JSON: '}' where ',' or ']' was expected" },
	{ "a key needs its colon", "{\"a\" 1}",
	  "line 1: not JSON: '1' where a colon was expected" },
	{ "a key is in quotes", "{a:1}",
	  "line 1: not JSON: 'a' where a key in quotes was expected" },
	{ "comments are refused", "{\n// no\n}",
	  "line 2: not JSON: '/' where a key in quotes was expected" },
	{ "a number has no leading zero", "{\"a\":080}",
	  "line 1: not JSON: '8' where ',' or '}' was expected" },
	{ "a number has no plus", "{\"a\":+80}",
	  "line 1: not JSON: '+' where a value was expected" },
	{ "a number has digits behind its dot", "{\"a\":1.}",
	  "line 1: not JSON: '}' where a digit was expected" },
	{ "a number has digits behind its e", "{\"a\":1e}",
	  "line 1: not JSON: '}' where a digit was expected" },
	{ "a number that is too large is refused", "{\"a\":1e999}",
	  "line 1: the number 1e999 is too large" },
	{ "words have one spelling", "{\"a\":True}",
	  "line 1: not JSON: 'T' where a value was expected" },
	{ "half a word is refused", "{\"a\":nul}",
	  "line 1: not JSON: '}' where null was expected" },
	{ "a string has no bare line break", "{\"a\":\"b\nc\"}",
	  "line 1: not JSON: byte 0x0a where a character of a string was "
	  "expected" },
	{ "unknown escapes are refused", "{\"a\":\"\\x41\"}",
	  "line 1: not JSON: 'x' where an escape character was expected" },
	{ "an escape has four digits", "{\"a\":\"\\u12g4\"}",
	  "line 1: not JSON: 'g' where a hexadecimal digit was expected" },
	{ "a byte that begins no character is refused", "{\"a\":\"\xff\"}",
	  "line 1: not JSON: a string is not UTF-8" },
	{ "overlong UTF-8 is refused", "{\"a\":\"\xc0\xaf\"}",
	  "line 1: not JSON: a string is not UTF-8" },
	{ "surrogates in UTF-8 are refused", "{\"a\":\"\xed\xa0\x80\"}",
	  "line 1: not JSON: a string is not UTF-8" },
	{ "UTF-8 beyond U+10FFFF is refused", "{\"a\":\"\xf4\x90\x80\x80\"}",
	  "line 1: not JSON: a string is not UTF-8" },
	{ "a character that is cut short is refused", "{\"a\":\"\xe2\x82\"}",
	  "line 1: not JSON: a string is not UTF-8" },
	{ "what follows a document is a document", "{} x",
	  "{} line 1: not JSON: 'x' where a value was expected" },
};

static void check_texts(void **state)
{
	static const size_t piece_sizes[] = { 1, 7, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			struct text got = { 0 };

			read_json(cases[i].text, piece_sizes[j], &got);
			if (strcmp(text_string(&got), cases[i].expected) != 0)
				fail_msg("%s\n  expected %s\n  got      %s",
					 cases[i].name, cases[i].expected,
					 text_string(&got));
			text_release(&got);
		}
	}
}

static void lines_are_those_of_keys_and_items(void **state)
{
	struct pieces pieces =
		pieces_of("{\n\"a\":\n1,\n\n\"b\":[\n2,\n3]}", 3);
	struct json_reader *json = NULL;
	struct document *document = NULL;
	struct event_source source;
	struct part part;
	const struct tree *b;

	(void)state;
	assert_int_equal(json_reader_new(pieces_read, &pieces, &json), 0);
	source = json_reader_source(json);
	assert_int_equal(document_new(&source, &document), 0);
	assert_int_equal(document_next(document, &part, NULL), 0);
	b = tree_get(part.tree, "b");
	assert_int_equal(part.tree->line, 1);
	assert_int_equal(tree_get(part.tree, "a")->line, 2);
	assert_int_equal(b->line, 5);
	assert_int_equal(b->first->line, 6);
	assert_int_equal(b->first->next->line, 7);
	document_free(document);
	json_reader_free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_texts),
		cmocka_unit_test(lines_are_those_of_keys_and_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
