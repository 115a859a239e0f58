/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "records/record_reader.h"

/* A stream of some bytes, and who reads it. */
struct source {
	FILE *in;
	struct record_reader *reader;
};

static struct source open_bytes(const char *text, size_t len)
{
	struct source source = { .in = tmpfile() };

	assert_non_null(source.in);
	assert_int_equal(len, fwrite(text, 1, len, source.in));
	rewind(source.in);
	assert_int_equal(
		0, record_reader_open(source.in, "log", &source.reader, NULL));
	return source;
}

static struct source open_text(const char *text)
{
	return open_bytes(text, strlen(text));
}

static void close_source(struct source *source)
{
	record_reader_close(source->reader);
	fclose(source->in);
}

static struct record_seen read_one(const char *text)
{
	struct source source = open_text(text);
	struct record_seen seen;
	struct err err = { .message = "" };

	if (record_reader_next(source.reader, &seen, &err) != 1)
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(0, record_reader_next(source.reader, &seen, &err));
	close_source(&source);
	return seen;
}

/* ---- what is said is read ----------------------------------------------- */

#define ENDS                                                                   \
	"\"from\":{\"ip\":\"10.0.0.1\"},"                                      \
	"\"to\":{\"ip\":\"10.0.0.2\","                                         \
	"\"port\":80},\"protocol\":\"TCP\","

static void a_record_of_the_flow_log_is_read_whole(void **state)
{
	struct record_seen seen = read_one(
		"{\"time\":\"2026-03-14T03:07:13.000000000Z\",\"node\":\"n\","
		"\"mode\":\"audit\",\"from\":{\"ip\":\"10.0.0.4\",\"port\":"
		"40000,\"namespace\":\"guests\",\"pod\":\"guest\",\"labels\":{}"
		"},\"to\":{\"ip\":\"10.0.0.3\",\"port\":8080,\"namespace\":"
		"\"shop\",\"pod\":\"web\",\"owner\":{\"kind\":\"ReplicaSet\","
		"\"name\":\"web-7d4b\"}},\"protocol\":\"TCP\",\"verdict\":"
		"\"deny\",\"egress\":{\"verdict\":\"allow\",\"reason\":"
		"\"not-isolated\"},\"ingress\":{\"verdict\":\"deny\","
		"\"reason\":\"no-rule-matches\"},\"would\":\"allow\","
		"\"directions\":[\"ingress\"],\"count\":7,"
		"\"first\":\"2026-03-14T03:07:12.345678000Z\","
		"\"last\":\"2026-03-14T03:07:13.000000000Z\","
		"\"packets\":{\"there\":7,\"back\":2,\"icmp_errors\":1},"
		"\"bytes\":420,\"a field of another day\":[]}\n");

	(void)state;
	assert_int_equal(1, seen.line);
	assert_string_equal("guests", seen.from.namespace);
	assert_string_equal("guest", seen.from.pod);
	assert_string_equal("", seen.from.owner_kind);
	assert_int_equal(40000, seen.from.port);
	assert_string_equal("web", seen.to.pod);
	assert_string_equal("ReplicaSet", seen.to.owner_kind);
	assert_string_equal("web-7d4b", seen.to.owner_name);
	assert_true(seen.has_port);
	assert_int_equal(8080, seen.to.port);
	assert_int_equal(PROTOCOL_TCP, seen.protocol);
	assert_int_equal(VERDICT_DENY, seen.verdict);
	assert_true(seen.has_would && seen.would == VERDICT_ALLOW);
	assert_true(seen.is_audit);
	assert_false(seen.is_kept || seen.is_unasked || seen.from_own_node);
	assert_false(seen.directions[DIRECTION_EGRESS]);
	assert_true(seen.directions[DIRECTION_INGRESS]);
	assert_int_equal(7, seen.count);
	assert_int_equal(9, seen.packets);
	assert_int_equal(420, seen.bytes);
	assert_true(seen.first_us == INT64_C(1773457632345678));
	assert_true(seen.last_us == INT64_C(1773457633000000));
}

static void what_is_not_said_is_zero(void **state)
{
	struct record_seen seen = read_one("{" ENDS "\"verdict\":\"allow\"}");

	(void)state;
	assert_string_equal("", seen.to.pod);
	assert_false(seen.has_would || seen.is_audit || seen.is_kept ||
		     seen.is_unasked || seen.from_own_node ||
		     seen.is_picked_up || seen.pods_changed);
	assert_true(seen.directions[0] && seen.directions[1]);
	assert_int_equal(1, seen.count);
	assert_int_equal(0, seen.packets);
	assert_true(seen.first_us == 0 && seen.last_us == 0);
}

static void the_kind_of_a_record_is_known(void **state)
{
	struct record_seen seen = read_one(
		"{" ENDS "\"verdict\":\"allow\",\"time\":"
		"\"1970-01-01T00:00:01.5Z\",\"asked_both_ways\":false}");

	(void)state;
	assert_true(seen.is_kept);
	assert_false(seen.is_picked_up);
	assert_true(seen.first_us == 1500000 && seen.last_us == 1500000);
	seen = read_one("{" ENDS "\"verdict\":\"allow\",\"ingress\":"
			"{\"reason\":\"own-node\"}}");
	assert_true(seen.from_own_node);
	seen = read_one("{\"from\":{\"ip\":\"none\"},\"to\":{\"ip\":\"none\"},"
			"\"protocol\":\"0\",\"verdict\":\"deny\","
			"\"note\":\"unparsable\"}");
	assert_true(seen.is_unasked);
	assert_int_equal(IP_NONE, seen.from.addr.family);
	seen = read_one("{" ENDS
			"\"verdict\":\"deny\",\"note\":\"unclaimed\"}");
	assert_true(seen.is_unasked);
	assert_false(seen.is_end);
	seen = read_one("{" ENDS
			"\"verdict\":\"deny\",\"note\":\"of another day\"}");
	assert_true(seen.is_unasked);
	seen = read_one("{" ENDS
			"\"verdict\":\"deny\",\"note\":\"remembered\"}");
	assert_false(seen.is_unasked);
	seen = read_one("{" ENDS "\"verdict\":\"allow\",\"end\":{}}");
	assert_true(seen.is_end);
	seen = read_one("{" ENDS "\"verdict\":\"allow\","
			"\"asked_both_ways\":true}");
	assert_true(seen.is_kept && seen.is_picked_up);
	seen = read_one("{" ENDS "\"verdict\":\"allow\","
			"\"outcome\":\"flow-picked-up\"}");
	assert_true(seen.is_picked_up && !seen.is_kept);
	seen = read_one("{" ENDS "\"verdict\":\"allow\","
			"\"outcome\":\"flow-allowed\","
			"\"pods_changed\":true}");
	assert_true(seen.pods_changed && !seen.is_picked_up);
}

/* ---- what is wrong is told ---------------------------------------------- */

#define TO "\"to\":{\"ip\":\"10.0.0.2\"},"
#define REST "\"protocol\":\"ICMP\",\"verdict\":\"allow\""
#define WITH(field) "{" ENDS "\"verdict\":\"allow\"," field "}"

static const struct {
	const char *name, *line, *message;
} refused[] = {
	{ "what is no JSON", "x", "log:1: not JSON: " },
	{ "a line that breaks off", "{" ENDS, "log:1: not JSON: " },
	{ "a field twice", WITH("\"count\":1,\"count\":2"), "not JSON: " },
	{ "what is no object", "[]", "a record is a JSON object" },
	{ "another object", "{\"line\":1,\"error\":\"x\"}", "from is missing" },
	{ "no sender's address", "{\"from\":{}," TO REST "}",
	  "from.ip is missing" },
	{ "a sender that is a name", "{\"from\":\"a/b\"," TO REST "}",
	  "from is not an object" },
	{ "what is no address", "{\"from\":{\"ip\":\"10.0.0.\"}," TO REST "}",
	  "from.ip: '10.0.0.' is no IP address" },
	{ "no address where there should be one",
	  "{\"from\":{\"ip\":\"none\"}," TO REST "}", "from.ip is no address" },
	{ "two families", "{\"from\":{\"ip\":\"fd00::1\"}," TO REST "}",
	  "from.ip and to.ip are not of one family" },
	{ "a pod without its namespace",
	  "{\"from\":{\"ip\":\"10.0.0.1\",\"pod\":\"p\"}," TO REST "}",
	  "from.namespace is missing" },
	{ "an owner without a kind",
	  "{\"from\":{\"ip\":\"10.0.0.1\",\"owner\":{\"name\":\"x\"}}," TO REST
	  "}",
	  "from.owner.kind is missing" },
	{ "a port of a protocol that has none",
	  "{\"from\":{\"ip\":\"10.0.0.1\"},\"to\":{\"ip\":\"10.0.0.2\","
	  "\"port\":1}," REST "}",
	  "to.port is there, but the protocol has none" },
	{ "a port that is too large",
	  "{\"from\":{\"ip\":\"10.0.0.1\"},\"to\":{\"ip\":\"10.0.0.2\","
	  "\"port\":65536}," REST "}",
	  "to.port is not an integer between 0 and 65535" },
	{ "an unknown protocol",
	  "{\"from\":{\"ip\":\"10.0.0.1\"}," TO
	  "\"protocol\":\"256\",\"verdict\":\"deny\"}",
	  "'256' is no protocol" },
	{ "an unknown verdict", "{" ENDS "\"verdict\":\"maybe\"}",
	  "verdict is neither deny nor allow" },
	{ "no verdict", "{" ENDS "\"count\":1}", "verdict is missing" },
	{ "a count of nothing", WITH("\"count\":0"),
	  "count is not an integer between 1 and" },
	{ "a count that is no whole number", WITH("\"count\":1.5"),
	  "count is not an integer" },
	{ "an unknown mode", WITH("\"mode\":\"off\""),
	  "mode is neither enforce nor audit" },
	{ "an answer that is neither", WITH("\"asked_both_ways\":1"),
	  "asked_both_ways is neither true nor false" },
	{ "a change that is neither", WITH("\"pods_changed\":\"yes\""),
	  "pods_changed is neither true nor false" },
	{ "an outcome that is no text", WITH("\"outcome\":true"),
	  "outcome is not a string" },
	{ "an end that is none", WITH("\"end\":true"), "end is not an object" },
	{ "what is remembered of nobody",
	  "{\"from\":{\"ip\":\"none\"},\"to\":{\"ip\":\"none\"},"
	  "\"note\":\"remembered\"," REST "}",
	  "from.ip is no address" },
	{ "a note that is no text", WITH("\"note\":1"),
	  "note is not a string" },
	{ "an unknown direction", WITH("\"directions\":[\"up\"]"),
	  "directions has what is neither egress nor ingress" },
	{ "a month that there is not",
	  WITH("\"first\":\"2026-13-01T00:00:00Z\""), "first is no time like" },
	{ "a time of another place",
	  WITH("\"last\":\"2026-01-01T00:00:00+01:00\""),
	  "last is no time like" },
	{ "a time that breaks off", WITH("\"time\":\"2026-01-01T00:0\""),
	  "time is no time like" },
	{ "a byte that a terminal obeys",
	  "{\"from\":{\"ip\":\"\\u001b[31m\"}," TO REST "}",
	  "from.ip: '?[31m' is no IP address" },
};

static void what_is_no_record_is_told_and_passed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char text[2048];
		struct source source;
		struct record_seen seen = { .line = 77 };
		struct err err = { .message = "" };

		snprintf(text, sizeof(text),
			 "%s\n\n{" ENDS "\"verdict\":\"deny\"}\n",
			 refused[i].line);
		source = open_text(text);
		if (record_reader_next(source.reader, &seen, &err) != -EINVAL ||
		    strncmp(err.message, "log:1: ", 7) != 0 ||
		    !strstr(err.message, refused[i].message))
			fail_msg("%s: expected '%s', got '%s'", refused[i].name,
				 refused[i].message, err.message);
		assert_int_equal(77, seen.line);
		assert_int_equal(
			1, record_reader_next(source.reader, &seen, &err));
		assert_int_equal(3, seen.line);
		assert_int_equal(
			0, record_reader_next(source.reader, &seen, &err));
		close_source(&source);
	}
}

/* A name that is as long as it can be, and one that is longer. */
static void names_have_a_bound(void **state)
{
	struct record_seen seen;
	char name[255] = "", text[1024];
	struct source source;
	struct err err;

	(void)state;
	for (size_t len = 253; len <= 254; len++) {
		memset(name, 'x', len);
		snprintf(text, sizeof(text),
			 "{\"from\":{\"ip\":\"10.0.0.1\",\"namespace\":\"a\","
			 "\"pod\":\"%s\"}," TO REST "}",
			 name);
		source = open_text(text);
		assert_int_equal(
			len == 253 ? 1 : -EINVAL,
			record_reader_next(source.reader, &seen, &err));
		close_source(&source);
	}
	assert_string_equal("log:1: from.pod is longer than 253 bytes",
			    err.message);
}

/* A record with so many blanks behind it, and one on the next line. */
static void expect_length(size_t len, int expected)
{
	static const char record[] = "{" ENDS "\"verdict\":\"deny\"}";
	char *text = malloc(len + sizeof("\n") + sizeof(record));
	struct record_seen seen;
	struct source source;
	struct err err;

	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, record, strlen(record));
	text[len] = '\n';
	memcpy(text + len + 1, record, strlen(record));
	source = open_bytes(text, len + 1 + strlen(record));
	assert_int_equal(expected,
			 record_reader_next(source.reader, &seen, &err));
	assert_int_equal(1, record_reader_next(source.reader, &seen, &err));
	assert_int_equal(2, seen.line);
	close_source(&source);
	free(text);
}

static void lines_have_a_bound(void **state)
{
	(void)state;
	expect_length(RECORD_LINE_MAX, 1);
	expect_length(RECORD_LINE_MAX + 1, -EINVAL);
	expect_length((size_t)RECORD_LINE_MAX * 3, -EINVAL);
}

static void a_stream_that_cannot_be_read_ends(void **state)
{
	FILE *in = fopen("/", "r");
	struct record_reader *reader;
	struct record_seen seen;
	struct err err;

	(void)state;
	assert_non_null(in);
	assert_int_equal(0, record_reader_open(in, "a folder", &reader, &err));
	assert_int_equal(-EISDIR, record_reader_next(reader, &seen, &err));
	assert_string_equal("cannot read 'a folder': Is a directory",
			    err.message);
	record_reader_close(reader);
	record_reader_close(NULL);
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_of_the_flow_log_is_read_whole),
		cmocka_unit_test(what_is_not_said_is_zero),
		cmocka_unit_test(the_kind_of_a_record_is_known),
		cmocka_unit_test(what_is_no_record_is_told_and_passed_over),
		cmocka_unit_test(names_have_a_bound),
		cmocka_unit_test(lines_have_a_bound),
		cmocka_unit_test(a_stream_that_cannot_be_read_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
