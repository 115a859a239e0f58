/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest/document.h"
#include "reading.h"
#include "manifest/yaml_reader.h"

/* All trees of a text as JSON, one behind the other; or the error. */
static void read_yaml(const char *text, size_t piece, struct text *out)
{
	struct pieces pieces = pieces_of(text, piece);
	struct yaml_reader *yaml = NULL;
	struct document *document = NULL;
	struct event_source source;
	struct err err = { 0 };
	struct part part = { 0 };
	int r;

	assert_int_equal(yaml_reader_new(pieces_read, &pieces, &yaml), 0);
	source = yaml_reader_source(yaml);
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
	yaml_reader_free(yaml);
}

/* What is expected is what kubectl makes of the same text. */
static const struct {
	const char *name, *text, *expected;
} cases[] = {
	/* AV-14: words */
	{ "all spellings of yes and no are booleans",
	  "a: [y, Y, yes, Yes, YES, n, N, no, No, NO]",
	  "{\"a\":[true,true,true,true,true,false,false,false,false,false]}" },
	{ "all spellings of on and off are booleans",
	  "a: [on, On, ON, off, Off, OFF]",
	  "{\"a\":[true,true,true,false,false,false]}" },
	{ "all spellings of true and false are booleans",
	  "a: [true, True, TRUE, false, False, FALSE]",
	  "{\"a\":[true,true,true,false,false,false]}" },
	{ "odd mixtures of case are text", "a: [yEs, oN, tRue, nUll]",
	  "{\"a\":[\"yEs\",\"oN\",\"tRue\",\"nUll\"]}" },
	{ "null has four spellings", "a: [~, null, Null, NULL]",
	  "{\"a\":[null,null,null,null]}" },
	{ "a missing value is null", "a:\nb: 1", "{\"a\":null,\"b\":1}" },
	/* AV-14: numbers */
	{ "integers have prefixes for their base",
	  "a: [0x50, 017, 0o17, 0b101, 0B101, 0X1F, 0O17]",
	  "{\"a\":[80,15,15,5,5,31,15]}" },
	{ "what is no octal number is read as a decimal one",
	  "a: [080, 09, 08_0]", "{\"a\":[80,9,80]}" },
	{ "underscores in numbers are ignored",
	  "a: [1_000, 1_, 0_1, 0x_5, 1__0, -_1, 0b_1, 1_e3]",
	  "{\"a\":[1000,1,1,5,10,-1,1,1000]}" },
	{ "an underscore in front makes text", "a: [_1, ._5]",
	  "{\"a\":[\"_1\",\"._5\"]}" },
	{ "numbers have signs",
	  "a: [+80, -80, -0b101, +0b101, -0x10, -017, +.5, -.5]",
	  "{\"a\":[80,-80,-5,5,-16,-15,0.5,-0.5]}" },
	{ "a float without a fraction is written like an integer",
	  "a: [1e3, 80.0, 1., 1.0e2]", "{\"a\":[1000,80,1,100]}" },
	{ "floats stay floats", "a: [80.5, .5, .1e3, 1.5e-9, .5_0]",
	  "{\"a\":[80.5,0.5,100,1.5e-09,0.5]}" },
	{ "times and dates are text",
	  "a: [1:30, 2020-01-01, 2020-01-01T00:00:00Z]",
	  "{\"a\":[\"1:30\",\"2020-01-01\",\"2020-01-01T00:00:00Z\"]}" },
	{ "half a number is text", "a: [0x, 0xg, 0b, 0b2, 0o8, 1e, ., .e3]",
	  "{\"a\":[\"0x\",\"0xg\",\"0b\",\"0b2\",\"0o8\",\"1e\",\".\","
	  "\".e3\"]}" },
	{ "the ends of 64 bits are kept",
	  "a: [9223372036854775807, -9223372036854775808, "
	  "0x7fffffffffffffff]",
	  "{\"a\":[9223372036854775807,-9223372036854775808,"
	  "9223372036854775807]}" },
	{ "larger numbers are floats", "a: [18446744073709551616, 1e21]",
	  "{\"a\":[18446744073709552000,1e+21]}" },
	{ "numbers beyond floats are text", "a: [1e400, 1.8e308]",
	  "{\"a\":[\"1e400\",\"1.8e308\"]}" },
	{ "infinity is refused", "a: .inf",
	  "line 1: '.inf' cannot be a value of a Kubernetes object" },
	{ "no number is refused", "a:\n- .NaN",
	  "line 2: '.NaN' cannot be a value of a Kubernetes object" },
	/* quotes and tags */
	{ "quoted words are text", "a: ['on', \"80\", '', \"null\"]",
	  "{\"a\":[\"on\",\"80\",\"\",\"null\"]}" },
	{ "escapes are resolved", "a: \"\\u00e9\\x41\\n\\0b\"",
	  "{\"a\":\"\xc3\xa9\x41\\n\\u0000b\"}" },
	{ "block scalars are text", "a: |\n  on\nb: >-\n  1\n  2\n",
	  "{\"a\":\"on\\n\",\"b\":\"1 2\"}" },
	{ "a tag decides against the looks",
	  "a: [!!str 5, !!int \"0x10\", !!float 5, !!bool \"on\", "
	  "!!null '', ! 5, !own 5]",
	  "{\"a\":[\"5\",16,5,true,null,\"5\",\"5\"]}" },
	{ "a tag that does not fit is refused", "a: !!int x",
	  "line 1: 'x' has the tag !!int but is none" },
	{ "a tag for booleans refuses numbers", "a: !!bool 5",
	  "line 1: '5' has the tag !!bool but is none" },
	/* keys */
	{ "keys that are no strings become strings",
	  "{1: a, 1.5: b, on: c, 0x10: d, 1e3: e, 1.5e10: f, 1.1: g}",
	  "{\"1\":\"a\",\"1.5\":\"b\",\"true\":\"c\",\"16\":\"d\","
	  "\"1000\":\"e\",\"1.5e+10\":\"f\",\"1.1\":\"g\"}" },
	{ "null is no key", "{~: a}",
	  "line 1: the key of a map must be a string, not null" },
	{ "a list is no key", "a: 1\n? [b]\n: c",
	  "line 2: the key of a map must be a string, not a list or a map" },
	{ "doubled keys are kept", "a: 1\nb: 2\na: 3",
	  "{\"a\":1,\"b\":2,\"a\":3}" },
	/* anchors, aliases, merge keys */
	{ "an alias repeats a value", "a: &x {b: [1]}\nc: *x\nd: [*x]",
	  "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":[{\"b\":[1]}]}" },
	{ "an anchor may be given again", "a: &x 1\nb: *x\nc: &x 2\nd: *x",
	  "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}" },
	{ "a key may have an anchor or be an alias", "&k a: 1\nb: {*k : 2}",
	  "{\"a\":1,\"b\":{\"a\":2}}" },
	{ "an alias without an anchor is refused", "a: 1\nb: *x",
	  "line 2: the alias '*x' has no anchor '&x' before it" },
	{ "a value cannot hold itself", "a: &x [*x]",
	  "line 1: the alias '*x' stands inside the value that it stands "
	  "for" },
	{ "nor one that had the same name before", "a: &x 1\nb: &x [*x]",
	  "line 2: the alias '*x' stands inside the value that it stands "
	  "for" },
	{ "an anchor given again inside is the later one",
	  "a: &x {b: &x 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":1}" },
	{ "a merge key needs its list written out",
	  "a: &x [{b: 1}]\nc: {<<: *x}",
	  "line 2: a merge key ('<<') needs a map or a list of maps" },
	{ "an anchor ends with its document", "a: &x 1\n---\nb: *x",
	  "{\"a\":1} line 3: the alias '*x' has no anchor '&x' before it" },
	{ "entries behind a merge key win",
	  "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}",
	  "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":3,\"c\":2}}" },
	{ "entries before a merge key lose, as they do for kubectl",
	  "a: &x {b: 1, c: 2}\nd: {b: 3, <<: *x}",
	  "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":2}}" },
	{ "of merged maps the earlier wins", "d: {<<: [{b: 1}, {b: 2, c: 3}]}",
	  "{\"d\":{\"b\":1,\"c\":3}}" },
	{ "a key doubled beside a merge key stays doubled",
	  "d: {<<: {b: 1}, c: 1, c: 2}", "{\"d\":{\"b\":1,\"c\":1,\"c\":2}}" },
	{ "a merge key overwrites the first of doubled keys",
	  "d: {c: 1, c: 2, <<: {c: 3}}", "{\"d\":{\"c\":3,\"c\":2}}" },
	{ "a merge key works at the top level", "<<: {a: 1, b: 2}\nb: 3",
	  "{\"a\":1,\"b\":3}" },
	{ "a kind that was merged is known before the items",
	  "x: &x {kind: Shop}\n<<: *x\nitems: [1]",
	  "{\"x\":{\"kind\":\"Shop\"},\"kind\":\"Shop\",\"items\":[1]}" },
	{ "one that is written out behind it wins",
	  "x: &x {kind: Shop}\n<<: *x\nkind: List\nitems: [1]",
	  "1 {\"x\":{\"kind\":\"Shop\"},\"kind\":\"List\",\"items\":[]}" },
	{ "a merge key of nothing changes nothing", "a: 1\n<<: {}\nb: 2",
	  "{\"a\":1,\"b\":2}" },
	{ "an explicit tag makes a merge key", "d: {!!merge \"<<\": {a: 1}}",
	  "{\"d\":{\"a\":1}}" },
	{ "a quoted merge key is a key", "d: {\"<<\": {a: 1}}",
	  "{\"d\":{\"\\u003c\\u003c\":{\"a\":1}}}" },
	{ "a merge key needs a map", "d:\n  <<: 5",
	  "line 2: a merge key ('<<') needs a map or a list of maps" },
	{ "a merge key needs a list of maps", "d:\n  <<: [5]",
	  "line 2: a merge key ('<<') needs a map or a list of maps" },
	/* documents */
	{ "documents follow one another", "a: 1\n---\nb: 2\n...\n---\nc: 3",
	  "{\"a\":1} {\"b\":2} {\"c\":3}" },
	{ "empty documents are passed over",
	  "---\n# nothing\n---\n\n---\na: 1\n---\n", "{\"a\":1}" },
	{ "empty text holds no document", "", "" },
	{ "text of comments holds no document", "# a\n# b\n", "" },
	{ "a byte order mark is passed over",
	  "\xef\xbb\xbf"
	  "a: 1",
	  "{\"a\":1}" },
	{ "items of a list come one by one before the list",
	  "items: [{a: 1}, {a: 2}]\nkind: List",
	  "{\"a\":1} {\"a\":2} {\"items\":[],\"kind\":\"List\"}" },
	{ "the kind of a list may come first",
	  "kind: PodList\nitems:\n- a: 1\n- a: 2\n",
	  "{\"a\":1} {\"a\":2} {\"kind\":\"PodList\",\"items\":[]}" },
	{ "items of what is no list stay where they are",
	  "kind: Shop\nitems: [1]", "{\"kind\":\"Shop\",\"items\":[1]}" },
	{ "an anchor in one item can be used in another",
	  "items: [{a: &x {b: 1}}, {c: *x}]",
	  "{\"a\":{\"b\":1}} {\"c\":{\"b\":1}} {\"items\":[]}" },
	{ "a list with an anchor is a list all the same",
	  "kind: List\nitems: &x [{a: 1}]",
	  "{\"kind\":\"List\",\"items\":[{\"a\":1}]} {\"a\":1}" },
	/* what is no YAML */
	{ "a tab in the indentation is refused with its line", "a:\n\tb: 1",
	  "line 2: not YAML: found character that cannot start any token "
	  "while scanning for the next token that began on line 2" },
	{ "an open bracket is refused with the line where it began",
	  "a: 1\nb: [1",
	  "line 3: not YAML: did not find expected ',' or ']' while parsing "
	  "a flow sequence that began on line 2" },
	{ "bytes that are no UTF-8 are refused", "a: \xff",
	  "line 1: not YAML: invalid leading UTF-8 octet at byte 3" },
};

static void check_texts(void **state)
{
	static const size_t piece_sizes[] = { 1, 7, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			struct text got = { 0 };

			read_yaml(cases[i].text, piece_sizes[j], &got);
			if (strcmp(text_string(&got), cases[i].expected) != 0)
				fail_msg("%s\n  expected %s\n  got      %s",
					 cases[i].name, cases[i].expected,
					 text_string(&got));
			text_release(&got);
		}
	}
}

/* ---- merge keys, one entry after the other ------------------------------ */

/* The naive way: every entry that comes is looked for in the map. */
struct naive {
	struct {
		char key;
		unsigned int value;
		bool merged;
	} entries[64];
	size_t n;
};

static void naive_add(struct naive *naive, char key, unsigned int value,
		      bool merged)
{
	size_t at = 0;

	while (at < naive->n && naive->entries[at].key != key)
		at++;
	if (at < naive->n && !merged && !naive->entries[at].merged)
		at = naive->n;
	if (at == naive->n)
		naive->n++;
	naive->entries[at].key = key;
	naive->entries[at].value = value;
	naive->entries[at].merged = merged;
}

static void naive_dump(const struct naive *naive, struct text *out)
{
	text_put(out, "{");
	for (size_t i = 0; i < naive->n; i++)
		text_put(out, "%s\"%c\":%u", i > 0 ? "," : "",
			 naive->entries[i].key, naive->entries[i].value);
	text_put(out, "}");
}

static unsigned int below(uint64_t *seed, unsigned int n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(*seed >> 33) % n;
}

#define MAX_MERGED 3

/* A merge key with a map or some; those of a list are added from its end. */
static void make_merge(uint64_t *seed, unsigned int *value, struct text *yaml,
		       struct naive *naive)
{
	char keys[MAX_MERGED][2];
	unsigned int n = below(seed, MAX_MERGED + 1);
	unsigned int first = *value;

	text_put(yaml, "<<: [");
	for (unsigned int i = 0; i < n; i++) {
		keys[i][0] = (char)('a' + below(seed, 3));
		keys[i][1] = (char)('d' + below(seed, 2));
		text_put(yaml, "%s{%c: %u, %c: %u}", i > 0 ? ", " : "",
			 keys[i][0], *value, keys[i][1], *value + 1);
		*value += 2;
	}
	text_put(yaml, "]");
	while (n-- > 0) {
		naive_add(naive, keys[n][0], first + 2 * n, true);
		naive_add(naive, keys[n][1], first + 2 * n + 1, true);
	}
}

static void make_map(uint64_t seed, struct text *yaml, struct text *expected)
{
	struct naive naive = { .n = 0 };
	unsigned int value = 1;

	text_put(yaml, "{");
	for (unsigned int n = below(&seed, 8); n > 0; n--) {
		char key = (char)('a' + below(&seed, 5));

		if (below(&seed, 3) == 0) {
			make_merge(&seed, &value, yaml, &naive);
		} else {
			naive_add(&naive, key, value, false);
			text_put(yaml, "%c: %u", key, value++);
		}
		text_put(yaml, "%s", n > 1 ? ", " : "");
	}
	text_put(yaml, "}");
	naive_dump(&naive, expected);
}

static void merging_is_adding_one_entry_after_the_other(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20000; seed++) {
		struct text yaml = { 0 }, expected = { 0 }, got = { 0 };

		text_put(&yaml, "%s", seed % 2 ? "x: " : "");
		text_put(&expected, "%s", seed % 2 ? "{\"x\":" : "");
		make_map(seed, &yaml, &expected);
		text_put(&expected, "%s", seed % 2 ? "}" : "");
		read_yaml(text_string(&yaml), 1 << 20, &got);
		if (strcmp(text_string(&got), text_string(&expected)) != 0)
			fail_msg("seed %zu, %s\n  expected %s\n  got      %s",
				 (size_t)seed, text_string(&yaml),
				 text_string(&expected), text_string(&got));
		text_release(&yaml);
		text_release(&expected);
		text_release(&got);
	}
}

/* ---- at the bounds ------------------------------------------------------- */

/*
 * As much as a tree may hold (TREE_MAX_NODES), with distinct keys. Where each
 * entry or each alias were to cost the number of the others, these would run
 * for minutes or hours.
 */
static const struct {
	const char *name;
	const char *begin, *again, *between, *more, *end; /* %zu counts */
	size_t n_again, n_more;
	size_t n_entries; /* of the last value at the top, or of the top */
	bool of_top;
} large[] = {
	{ "entries behind a merge key at the top", "<<: {z: 1}\n", "k%zu: 1\n",
	  "", "", "", 999990, 0, 999991, true },
	{ "entries behind a merge key below it", "a: {<<: {z: 1}", ", k%zu: 1",
	  "}", "", "", 999980, 0, 999981, false },
	{ "merge keys at the top", "", "<<: {k%zu: 1}\n", "", "", "", 499990, 0,
	  499990, true },
	{ "a list of maps in a merge key", "a: {<<: [{z: 1}", ", {k%zu: 1}",
	  "]}", "", "", 499980, 0, 499981, false },
	{ "a map merged over itself, and over others", "a: &a {z: 1",
	  ", k%zu: 1", "}\nb: {x: 1", ", j%zu: 1", ", <<: [*a, *a]}", 249900,
	  249900, 499802, false },
	{ "aliases of a thousand anchors", "a:\n", "- &k%zu 1\n",
	  "b: [*k0, *k999", ", *k500", "]", 1000, 998900, 998902, false },
};

static void put_numbered(struct text *text, const char *again, size_t n)
{
	const char *number = strstr(again, "%zu");
	int head = (int)(number ? number - again : 0);

	for (size_t i = 0; i < n; i++) {
		if (number)
			text_put(text, "%.*s%zu%s", head, again, i,
				 number + strlen("%zu"));
		else
			text_put(text, "%s", again);
	}
}

static size_t count_entries(const char *yaml_text, bool of_top)
{
	struct pieces pieces = pieces_of(yaml_text, 1 << 20);
	struct yaml_reader *yaml = NULL;
	struct document *document = NULL;
	struct event_source source;
	struct err err = { 0 };
	struct part part = { 0 };
	const struct tree *tree;
	size_t n = 0;

	assert_int_equal(yaml_reader_new(pieces_read, &pieces, &yaml), 0);
	source = yaml_reader_source(yaml);
	assert_int_equal(document_new(&source, &document), 0);
	if (document_next(document, &part, &err) < 0)
		fail_msg("line %u: %s", document_line(document), err.message);
	tree = part.tree;
	if (!of_top) {
		tree = tree->first;
		while (tree->next)
			tree = tree->next;
	}
	for (const struct tree *e = tree->first; e; e = e->next)
		n++;
	assert_int_equal(tree->len, n);
	document_free(document);
	yaml_reader_free(yaml);
	return n;
}

static void merging_and_aliases_cost_no_square(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		struct text text = { 0 };
		size_t n;

		text_put(&text, "%s", large[i].begin);
		put_numbered(&text, large[i].again, large[i].n_again);
		text_put(&text, "%s", large[i].between);
		put_numbered(&text, large[i].more, large[i].n_more);
		text_put(&text, "%s", large[i].end);
		n = count_entries(text_string(&text), large[i].of_top);
		if (n != large[i].n_entries)
			fail_msg("%s\n  expected %zu\n  got      %zu",
				 large[i].name, large[i].n_entries, n);
		text_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_texts),
		cmocka_unit_test(merging_is_adding_one_entry_after_the_other),
		cmocka_unit_test(merging_and_aliases_cost_no_square),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
