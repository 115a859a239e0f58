/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <errno.h>

#include <cmocka.h>

#include "answer.h"

/* ---- what is told of answers --------------------------------------------- */

#define LIST                                                                   \
	{                                                                      \
		.form = API_LIST, .kind = OBJECT_POD                           \
	}
#define LIST_OF(k)                                                             \
	{                                                                      \
		.form = API_LIST, .kind = (k)                                  \
	}
#define LIST_NAMES                                                             \
	{                                                                      \
		.form = API_LIST, .names_only = true                           \
	}
#define WATCH                                                                  \
	{                                                                      \
		.form = API_WATCH, .kind = OBJECT_POD                          \
	}
#define WATCH_OF(k)                                                            \
	{                                                                      \
		.form = API_WATCH, .kind = (k)                                 \
	}

#define PODS "\"kind\":\"PodList\",\"apiVersion\":\"v1\""
#define RV7 "\"metadata\":{\"resourceVersion\":\"7\"}"
#define META(name, rv)                                                         \
	"\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\",\"uid\":"     \
	"\"u\",\"resourceVersion\":\"" rv "\"}"
#define ITEM(name) "{" META(name, "5") "}"
#define POD(name, rv)                                                          \
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," META(name, rv) "}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define NO_LIST "f: this is no list of Kubernetes objects"
#define NO_EVENT                                                                  \
	"f: this is no event of a watch: {\"type\": …, \"object\": {…}} was " \
	"expected"

#define SUBDOMAIN                                                              \
	"a lowercase RFC 1123 subdomain must consist of lower case "           \
	"alphanumeric characters, '-' or '.', and must start and end with an " \
	"alphanumeric character (e.g. 'example.com', regex used for "          \
	"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?"                         \
	"(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

static const struct {
	const char *name;
	struct api_reader_options how;
	const char *text, *told;
	int result;
	const char *message; /* of a failure */
} cases[] = {
	/* lists */
	{ "a list is told item by item, and then its version", LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a") "," ITEM("b") "]}\n",
	  "item n/a uid=u rv=5 object\nitem n/b uid=u rv=5 object\nend rv=7\n",
	  0, NULL },
	{ "API-16: items of a typed list do not say what they are, others do",
	  LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a") "," POD("b", "6") "]}",
	  "item n/a uid=u rv=5 object\nitem n/b uid=u rv=6 object\nend rv=7\n",
	  0, NULL },
	{ "metadata and kind may come behind the items", LIST,
	  "{\"items\":[" ITEM("a") "]," RV7 "," PODS "}",
	  "item n/a uid=u rv=5 object\nend rv=7\n", 0, NULL },
	{ "a page says how to go on", LIST,
	  "{" PODS ",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":"
	  "\"ey=/+\",\"remainingItemCount\":3},\"items\":[]}",
	  "end rv=7 continue=ey=/+\n", 0, NULL },
	{ "items may be null", LIST, "{" PODS "," RV7 ",\"items\":null}",
	  "end rv=7\n", 0, NULL },
	{ "blanks may be anywhere between values", LIST,
	  " \r\n{\n " PODS " ,\t" RV7
	  "\n, \"items\" : [ " ITEM("a") " , " ITEM("b") " ] } \n ",
	  "item n/a uid=u rv=5 object\nitem n/b uid=u rv=5 object\nend rv=7\n",
	  0, NULL },
	{ "unknown fields of a list are passed over, whatever they hold", LIST,
	  "{\"a\":1,\"b\":-1.5e3,\"c\":true,\"d\":null,\"e\":\"]}\\\"\","
	  "\"f\":[{},[\"}\"]]," PODS "," RV7 ",\"items\":[]}",
	  "end rv=7\n", 0, NULL },
	{ "of doubled fields of a list the last counts", LIST,
	  "{\"kind\":\"x\"," PODS ",\"metadata\":{\"resourceVersion\":\"6\"},"
	  "" RV7 ",\"items\":[]}",
	  "end rv=7\n", 0, NULL },
	{ "brackets and quotes in strings are none", LIST,
	  "{" PODS "," RV7
	  ",\"items\":[{\"x\":\"]}\\\\\\\"{\"," META("a", "5") "}]}",
	  "item n/a uid=u rv=5 object\nend rv=7\n", 0, NULL },
	{ "escapes in what is kept are understood", LIST,
	  "{" PODS "," RV7 ",\"items\":[{\"metadata\":{\"n\\u0061me\":"
	  "\"\\u0061\\u002db\"}}]}",
	  "item /a-b object\nend rv=7\n", 0, NULL },
	{ "half a pair of surrogates becomes U+FFFD", LIST_NAMES,
	  "{\"kind\":\"XList\",\"items\":[{\"metadata\":{\"name\":"
	  "\"a\\ud800\"}}]}",
	  "item /a\xef\xbf\xbd\nend\n", 0, NULL },
	{ "API-40: namespaces may come with their metadata only",
	  LIST_OF(OBJECT_NAMESPACE),
	  "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
	  "\"meta.k8s.io/v1\"," RV7 ",\"items\":[{\"kind\":"
	  "\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
	  "\"metadata\":{\"name\":\"a\"}}]}",
	  "item /a object\nend rv=7\n", 0, NULL },
	{ "API-40: pods may not, for they would have no addresses", LIST,
	  "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
	  "\"meta.k8s.io/v1\"," RV7 ",\"items\":[" ITEM("a") "]}",
	  "", -EBADMSG,
	  "f: a list was expected, not a PartialObjectMetadataList of version "
	  "meta.k8s.io/v1" },
	{ "of kinds that decide nothing names are told", LIST_NAMES,
	  "{\"apiVersion\":\"x.io/v1\",\"items\":[{\"apiVersion\":\"x.io/v1\","
	  "\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},"
	  "\"spec\":{\"name\":5}}],\"kind\":\"XList\",\"metadata\":{}}",
	  "item /a uid=u\nend\n", 0, NULL },
	/* lists that are none */
	{ "a list of another kind is refused", LIST,
	  "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\"," RV7 ",\"items\":["
	  "{}]}",
	  "", -EBADMSG,
	  "f: a list was expected, not a NodeList of version v1" },
	{ "a list of another version is refused",
	  LIST_OF(OBJECT_NETWORK_POLICY),
	  "{\"kind\":\"NetworkPolicyList\",\"apiVersion\":\"v1\"," RV7
	  ",\"items\":[]}",
	  "", -EBADMSG,
	  "f: a list was expected, not a NetworkPolicyList of version v1" },
	{ "a list that turns out to be of another kind has no end", LIST,
	  "{\"items\":[" ITEM(
		  "a") "]," RV7 ",\"kind\":\"NodeList\",\"apiVersion\":\"v1\"}",
	  "item n/a uid=u rv=5 object\n", -EBADMSG,
	  "f: a list was expected, not a NodeList of version v1" },
	{ "a Status is no list", LIST,
	  "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
	  "\"status\":\"Failure\",\"code\":500}",
	  "", -EBADMSG, "f: a list was expected, not a Status of version v1" },
	{ "a single object is no list", LIST, POD("a", "1"), "", -EBADMSG,
	  "f: a list was expected, not a Pod of version v1" },
	{ "a list without items is none", LIST, "{" PODS "," RV7 "}", "",
	  -EBADMSG, NO_LIST },
	{ "an empty map is no list", LIST, "{}", "", -EBADMSG, NO_LIST },
	{ "a page of a proxy is no list", LIST, "<html>busy</html>", "",
	  -EBADMSG, NO_LIST },
	{ "items twice are no list", LIST,
	  "{" PODS "," RV7 ",\"items\":[],\"items\":[]}", "", -EBADMSG,
	  NO_LIST },
	{ "items that are no list are refused", LIST,
	  "{" PODS "," RV7 ",\"items\":{}}", "", -EBADMSG, NO_LIST },
	{ "an item that is no map is refused", LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a") ",5]}",
	  "item n/a uid=u rv=5 object\n", -EBADMSG, NO_LIST },
	{ "a comma too many is refused", LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a") ",]}",
	  "item n/a uid=u rv=5 object\n", -EBADMSG, NO_LIST },
	{ "a missing value is refused", LIST, "{\"a\":,\"b\":1}", "", -EBADMSG,
	  NO_LIST },
	{ "what follows a list is refused", LIST,
	  "{" PODS "," RV7 ",\"items\":[]}\n{", "end rv=7\n", -EBADMSG,
	  NO_LIST },
	{ "a string that is not UTF-8 is refused where it counts", LIST,
	  "{" PODS "," RV7 ",\"items\":[{\"metadata\":{\"name\":\"\xff\"}}]}",
	  "", -EBADMSG, "f: not JSON: a string is not UTF-8" },
	{ "text in an item that is no JSON is refused where it counts", LIST,
	  "{" PODS "," RV7 ",\"items\":[{\"metadata\":{\"name\":tru}}]}", "",
	  -EBADMSG, "f: not JSON: '}' where true was expected" },
	{ "an item that is no JSON is refused", LIST,
	  "{" PODS "," RV7 ",\"items\":[{\"metadata\" 5}]}", "", -EBADMSG,
	  "f: an object is no JSON" },
	{ "a list that breaks off is not whole", LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a") ",{\"metadata\":{\"na",
	  "item n/a uid=u rv=5 object\n", -EPIPE,
	  "f: the answer ends in the middle" },
	{ "a list that breaks off between items is not whole", LIST,
	  "{" PODS "," RV7 ",\"items\":[" ITEM("a"),
	  "item n/a uid=u rv=5 object\n", -EPIPE,
	  "f: the answer ends in the middle" },
	{ "an answer to a list that is empty is no list", LIST, " \n", "",
	  -EPIPE, "f: the answer is empty" },
	/* watches */
	{ "API-21: a watch adds, changes and deletes", WATCH,
	  EVENT("ADDED", POD("a", "1")) EVENT("MODIFIED", POD("a", "2"))
		  EVENT("DELETED", POD("a", "3")),
	  "added n/a uid=u rv=1 object\nmodified n/a uid=u rv=2 object\n"
	  "deleted n/a uid=u rv=3 object\n",
	  0, NULL },
	{ "API-20: events are cut by their structure, not by lines", WATCH,
	  "{\"type\":\n\"ADDED\",\n\"object\":" POD(
		  "a", "1") "}"
			    "{\"object\":" POD("b",
					       "2") ",\"type\":\"ADDED\"} ",
	  "added n/a uid=u rv=1 object\nadded n/b uid=u rv=2 object\n", 0,
	  NULL },
	{ "API-21, API-22: a bookmark is a version, and no object", WATCH,
	  EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
			    "\"metadata\":{\"resourceVersion\":\"9\","
			    "\"creationTimestamp\":null},\"spec\":{"
			    "\"containers\":null},\"status\":{}}"),
	  "bookmark rv=9\n", 0, NULL },
	{ "API-30: a bookmark may end the initial events", WATCH,
	  EVENT("BOOKMARK",
		"{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\","
		"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}")
		  EVENT("BOOKMARK",
			"{\"metadata\":{\"resourceVersion\":\"9\","
			"\"annotations\":{\"k8s.io/initial-events-end\":"
			"\"false\"}}}"),
	  "bookmark rv=9 initial-end\nbookmark rv=9\n", 0, NULL },
	{ "API-26: an error is a Status", WATCH,
	  EVENT("ERROR",
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
		"\"status\":\"Failure\",\"message\":\"too old resource "
		"version: 1 (9)\",\"reason\":\"Expired\",\"code\":410}"),
	  "error 410 Expired 'too old resource version: 1 (9)' after 0\n", 0,
	  NULL },
	{ "API-14: a version that is too new is said in a cause", WATCH,
	  EVENT("ERROR",
		"{\"kind\":\"Status\",\"message\":\"Too large resource "
		"version\",\"reason\":\"Timeout\",\"code\":504,\"details\":{"
		"\"causes\":[{\"reason\":\"x\"},{\"reason\":"
		"\"ResourceVersionTooLarge\",\"message\":\"m\"}],"
		"\"retryAfterSeconds\":1}}"),
	  "error 504 Timeout 'Too large resource version' after 1 too-large\n",
	  0, NULL },
	{ "API-21: events of an unknown type are passed over", WATCH,
	  EVENT("RENAMED", "{\"a\":1}") EVENT("ADDED", POD("a", "1")),
	  "unknown\nadded n/a uid=u rv=1 object\n", 0, NULL },
	{ "API-40: a watch of namespaces may have their metadata only",
	  WATCH_OF(OBJECT_NAMESPACE),
	  EVENT("ADDED", "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":"
			 "\"meta.k8s.io/v1\",\"metadata\":{\"name\":\"a\"}}"),
	  "added /a object\n", 0, NULL },
	{ "of doubled fields of an event the last counts", WATCH,
	  "{\"type\":\"DELETED\",\"type\":\"ADDED\",\"object\":{},\"object\":"
	  "" POD("a", "1") "}",
	  "added n/a uid=u rv=1 object\n", 0, NULL },
	{ "an empty watch is fine", WATCH, "\n \n", "", 0, NULL },
	/* watches that are none */
	{ "API-27: a watch that ends in an event is not whole", WATCH,
	  EVENT("ADDED", POD("a", "1")) "{\"type\":\"ADDED\",\"object\":{",
	  "added n/a uid=u rv=1 object\n", -EPIPE,
	  "f: the answer ends in the middle" },
	{ "what is between events is blank", WATCH,
	  EVENT("ADDED", POD("a", "1")) ",", "added n/a uid=u rv=1 object\n",
	  -EBADMSG, NO_EVENT },
	{ "an event without a type is none", WATCH,
	  "{\"object\":" POD("a", "1") "}", "", -EBADMSG, NO_EVENT },
	{ "an event without an object is none", WATCH, "{\"type\":\"ADDED\"}",
	  "", -EBADMSG, NO_EVENT },
	{ "an event whose object is no map is none", WATCH,
	  EVENT("ADDED", "[]"), "", -EBADMSG, NO_EVENT },
	{ "an event whose brackets do not fit is none", WATCH,
	  "{\"type\":\"ADDED\",\"object\":{}]", "", -EBADMSG, NO_EVENT },
	/* objects that cannot be decoded */
	{ "an object that makes no sense is told by its names, and the next is "
	  "read",
	  LIST,
	  "{" PODS "," RV7 ",\"items\":[{" META(
		  "a",
		  "5") ",\"status\":{"
		       "\"podIPs\":[{\"ip\":\"10.0.0\"}]}}," ITEM("b") "]}",
	  "f: Pod n/a: status.podIPs[0].ip: Invalid value: \"10.0.0\": must be "
	  "a valid IP address\n"
	  "item n/a uid=u rv=5\nitem n/b uid=u rv=5 object\nend rv=7\n",
	  0, NULL },
	{ "a field of a wrong type is reported", WATCH,
	  EVENT("ADDED",
		"{" META("a", "5") ",\"spec\":{\"hostNetwork\":\"yes\"}}"),
	  "f: Pod n/a: spec.hostNetwork: json: cannot unmarshal string into "
	  "Go struct field PodSpec.spec.hostNetwork of type bool\n"
	  "added n/a uid=u rv=5\n",
	  0, NULL },
	{ "a doubled field that counts is reported", WATCH,
	  EVENT("ADDED", "{" META("a", "5") ",\"spec\":{\"nodeName\":\"x\","
					    "\"nodeName\":\"y\"}}"),
	  "f: Pod n/a: strict decoding error: duplicate field "
	  "\"spec.nodeName\"\nadded n/a uid=u rv=5\n",
	  0, NULL },
	{ "an object of another kind is reported", WATCH,
	  EVENT("ADDED", "{\"kind\":\"Node\"," META("a", "5") "}"),
	  "f: Pod n/a: this is a Node, not a Pod\nadded n/a uid=u rv=5\n", 0,
	  NULL },
	{ "an object without a name is reported", WATCH,
	  EVENT("ADDED", "{\"kind\":\"Pod\"}"),
	  "f: Pod: Required value: an object has a name\nadded\n", 0, NULL },
	{ "zero bytes cut no name short", WATCH,
	  EVENT("ADDED",
		"{\"metadata\":{\"name\":\"a\\u0000b\",\"uid\":\"u\"}}"),
	  "f: Pod: metadata.name: Invalid value: \"a\\x00b\": " SUBDOMAIN
	  "\nadded uid=u\n",
	  0, NULL },
	{ "nor any other text", WATCH,
	  EVENT("ADDED", "{\"metadata\":{\"name\":\"a\",\"uid\":\"\\u0000\"}}"),
	  "f: Pod a: metadata.uid: Invalid value: \"\\x00\": must not contain "
	  "a zero byte\nadded /a\n",
	  0, NULL },
	{ "a name is text", WATCH,
	  EVENT("ADDED", "{\"metadata\":{\"name\":[\"a\"],\"namespace\":{"
			 "\"a\":1}}}"),
	  "f: Pod: Required value: an object has a name\nadded\n", 0, NULL },
};

/* ---- cut anywhere -----------------------------------------------------------
 */

static void check(const char *name, const struct answer *got,
		  const char *expected, int result)
{
	if (strcmp(text_string(&got->told), expected) != 0)
		fail_msg("%s\n  expected %s\n  got      %s", name, expected,
			 text_string(&got->told));
	if (got->result != result)
		fail_msg("%s\n  expected result %d, got %d", name, result,
			 got->result);
}

static void check_case(size_t i, const size_t *marks, size_t n_marks)
{
	struct answer got = { 0 };
	const char *message = cases[i].message ? cases[i].message : "";

	answer_read(&cases[i].how, cases[i].text, marks, n_marks, &got);
	check(cases[i].name, &got, cases[i].told, cases[i].result);
	if (strcmp(got.err.message, message) != 0)
		fail_msg("%s\n  expected '%s'\n  got      '%s'", cases[i].name,
			 message, got.err.message);
	answer_release(&got);
}

static void answers_are_told_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t marks[] = { 0, strlen(cases[i].text) };

		check_case(i, marks, 2);
	}
}

/* API-20. */
static void it_does_not_matter_where_an_answer_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			size_t marks[] = { 0, cut, len };

			check_case(i, marks, 3);
		}
	}
}

static void an_answer_may_come_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		size_t *marks = calloc(len + 1, sizeof(*marks));

		assert_non_null(marks);
		for (size_t at = 0; at <= len; at++)
			marks[at] = at;
		check_case(i, marks, len + 1);
		free(marks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_told_as_expected),
		cmocka_unit_test(it_does_not_matter_where_an_answer_is_cut),
		cmocka_unit_test(an_answer_may_come_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
