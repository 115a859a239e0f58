/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store behind an API server: the test is the server, and answers requests
 * by the resource that they are for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netpold/cluster.h"
#include "netpold/object.h"

#include "kube/http.h"
#include "kube/kube_source.h"

/* ---- the server ---------------------------------------------------------- */

struct http_call {
	struct http_get get;
	bool is_open;
};

static struct http_call calls[N_KUBE_RESOURCES];
static int nothing_to_do[2];

static const char *const paths[N_KUBE_RESOURCES] = {
	[KUBE_NAMESPACES] = "/namespaces?",
	[KUBE_POLICIES] = "/networkpolicies?",
	[KUBE_PODS] = "/pods?",
	[KUBE_NODE] = "/nodes?",
	[KUBE_CLUSTER_POLICIES] = "/clusternetworkpolicies?",
};

int http_open(const struct kube_access *access, struct http **out,
	      struct err *err)
{
	(void)access, (void)out, (void)err;
	return pipe(nothing_to_do);
}

void http_close(struct http *http)
{
	(void)http;
	close(nothing_to_do[0]);
	close(nothing_to_do[1]);
}

int http_fd(const struct http *http)
{
	(void)http;
	return nothing_to_do[0];
}

size_t http_work(struct http *http)
{
	(void)http;
	return 0;
}

struct http_call *http_begin(struct http *http, const struct http_get *get)
{
	(void)http;
	for (int i = 0; i < N_KUBE_RESOURCES; i++) {
		if (strstr(get->path, paths[i])) {
			calls[i] = (struct http_call){ *get, true };
			return &calls[i];
		}
	}
	fail_msg("nobody answers %s", get->path);
	return NULL;
}

void http_cancel(struct http_call *call)
{
	if (call)
		call->is_open = false;
}

bool http_renew_token(struct http *http)
{
	(void)http;
	return false;
}

unsigned int http_token_edition(const struct http *http)
{
	(void)http;
	return 1;
}

int kube_access_find(const struct kube_choice *choice, struct kube_access *out,
		     struct err *err)
{
	(void)choice, (void)err;
	*out = (struct kube_access){ .server = strdup("https://server") };
	return 0;
}

void kube_access_release(struct kube_access *access)
{
	free(access->server);
}

/* ---- a conversation ------------------------------------------------------ */

static struct kube_source *source;
static int n_changes_announced;

static void announce(void *ctx)
{
	(void)ctx;
	n_changes_announced++;
}

static void say(enum kube_resource which, const char *text)
{
	struct http_get *get = &calls[which].get;

	assert_true(calls[which].is_open);
	assert_int_equal(0, get->body(get->ctx, text, strlen(text)));
}

static void answer(enum kube_resource which)
{
	struct http_get *get = &calls[which].get;

	assert_true(calls[which].is_open);
	assert_int_equal(0, get->begin(get->ctx, "application/json"));
}

static void end(enum kube_resource which, int status, int error)
{
	struct http_get get = calls[which].get;
	struct http_end end = { .status = status,
				.error = error,
				.retry_after_s = -1 };

	calls[which].is_open = false;
	get.end(get.ctx, &end, "", 0);
}

#define META(name, uid, version)                                               \
	"\"metadata\":{\"namespace\":\"shop\",\"name\":\"" name                \
	"\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version "\"}"
#define POD(type, name, uid, ip)                                               \
	"{\"type\":\"" type "\",\"object\":{\"kind\":\"Pod\","                 \
	"\"apiVersion\":\"v1\"," META(                                         \
		name, uid, "5") ",\"status\":{\"podIP\":\"" ip "\"}}}\n"
#define POLICY(type, name, port)                                                              \
	"{\"type\":\"" type "\",\"object\":{\"kind\":\"NetworkPolicy\","                      \
	"\"apiVersion\":\"networking.k8s.io/v1\"," META(                                      \
		name, "u",                                                                    \
		"5") ",\"spec\":{\"podSelector\":{},\"ingress\":[{\"ports\":[{\"port\":" port \
		     "}]}]}}}\n"
/* Objects of which it matters who they are. */
#define DENIAL(type, uid)                                                      \
	"{\"type\":\"" type "\",\"object\":{\"kind\":\"NetworkPolicy\","       \
	"\"apiVersion\":\"networking.k8s.io/v1\"," META(                       \
		"deny", uid, "5") ",\"spec\":{\"podSelector\":{}}}}\n"
#define NAMESPACE(type, uid)                                                   \
	"{\"type\":\"" type "\",\"object\":{\"kind\":\"Namespace\","           \
	"\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"shop\",\"uid\":\"" uid \
	"\",\"resourceVersion\":\"5\"}}}\n"
#define EXTRA(type, name)                                                      \
	"{\"type\":\"" type "\",\"object\":{\"kind\":"                         \
	"\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","         \
	"\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"5\"}}}\n"
#define MARK                                                                   \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"                    \
	"\"resourceVersion\":\"7\",\"annotations\":{"                          \
	"\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define GONE                                                                   \
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","                 \
	"\"apiVersion\":\"v1\",\"code\":410,\"reason\":\"Expired\","           \
	"\"message\":\"too old\"}}\n"

static int begin(void **state)
{
	const struct kube_source_options options = {
		.node_name = "node-1",
		.before_change = announce,
	};
	struct err err;

	(void)state;
	assert_int_equal(0, kube_source_open(&options, &source, &err));
	kube_source_work(source);
	for (int i = 0; i < N_KUBE_RESOURCES; i++)
		answer(i);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	kube_source_close(source);
	memset(calls, 0, sizeof(calls));
	return 0;
}

static void sync_with(const char *pods, const char *policies)
{
	say(KUBE_NAMESPACES, MARK);
	say(KUBE_NODE, MARK);
	say(KUBE_POLICIES, policies);
	say(KUBE_POLICIES, MARK);
	say(KUBE_PODS, pods);
	say(KUBE_PODS, MARK);
	assert_true(kube_source_is_synced(source));
	assert_true(kube_source_take_change(source));
}

static bool has(enum object_kind kind, const char *name)
{
	return cluster_find(kube_source_cluster(source), kind, "shop", name);
}

static const char *uid_of(const char *pod)
{
	const struct object *object = cluster_find(kube_source_cluster(source),
						   OBJECT_POD, "shop", pod);

	return object ? object->pod.uid : "none";
}

/* History is gone: the resource is listed anew. */
static void break_watch(enum kube_resource which)
{
	struct http_get *get = &calls[which].get;
	int r = get->body(get->ctx, GONE, strlen(GONE));

	assert_true(r < 0);
	end(which, 200, r);
	kube_source_hurry(source);
	kube_source_work(source);
	answer(which);
}

static void break_pods(void)
{
	break_watch(KUBE_PODS);
}

/* ---- tests --------------------------------------------------------------- */

/* API-18, L30 */
static void it_is_synced_when_each_resource_has_come_whole(void **state)
{
	char missing[256];

	(void)state;
	say(KUBE_PODS, POD("ADDED", "web", "1", "10.0.0.1") MARK);
	say(KUBE_NAMESPACES, MARK);
	say(KUBE_NODE, MARK);
	say(KUBE_POLICIES, POLICY("ADDED", "p", "80"));
	kube_source_missing(source, missing, sizeof(missing));
	assert_string_equal("networkpolicies", missing);
	assert_false(kube_source_is_synced(source));
	say(KUBE_POLICIES, MARK);
	assert_true(kube_source_is_synced(source));
	assert_true(kube_source_take_change(source));
	assert_false(kube_source_take_change(source));
}

/* A policy that cannot be read at all, and one that can in part. */
#define ODD(name)                                                              \
	"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"NetworkPolicy\","       \
	"\"apiVersion\":\"networking.k8s.io/v1\"," META(                       \
		name, "u", "6") ",\"spec\":{\"podSelector\":7}}}\n"
#define LATER(name)                                                            \
	"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"NetworkPolicy\","       \
	"\"apiVersion\":\"networking.k8s.io/v1\"," META(                       \
		name, "u",                                                     \
		"6") ",\"spec\":{\"podSelector\":{},\"policyTypes\":["         \
		     "\"Ingress\"],\"ingress\":[{\"tomorrow\":1}]}}}\n"

static void expect_unreadable(size_t n, const char *first)
{
	struct kube_status status;

	kube_source_status(source, &status);
	assert_int_equal(n, status.resources[KUBE_POLICIES].n_unreadable);
	assert_string_equal(first, status.resources[KUBE_POLICIES].unreadable);
}

/* L23 */
static void what_cannot_be_read_is_told_until_it_can(void **state)
{
	(void)state;
	sync_with("", POLICY("ADDED", "p", "80"));
	expect_unreadable(0, "");
	say(KUBE_POLICIES, ODD("q") LATER("p"));
	say(KUBE_POLICIES, ODD("q"));
	assert_true(has(OBJECT_NETWORK_POLICY, "p"));
	assert_false(has(OBJECT_NETWORK_POLICY, "q"));
	expect_unreadable(2, "shop/p");
	say(KUBE_POLICIES, POLICY("MODIFIED", "p", "81"));
	expect_unreadable(1, "shop/q");
	say(KUBE_POLICIES, POLICY("DELETED", "q", "80"));
	expect_unreadable(0, "");
}

/* L23 */
static void a_list_says_anew_what_cannot_be_read(void **state)
{
	(void)state;
	sync_with("", POLICY("ADDED", "p", "80") ODD("q"));
	expect_unreadable(1, "shop/q");
	break_watch(KUBE_POLICIES);
	say(KUBE_POLICIES, LATER("p"));
	expect_unreadable(1, "shop/q");
	say(KUBE_POLICIES, MARK);
	expect_unreadable(1, "shop/p");
	assert_true(has(OBJECT_NETWORK_POLICY, "p"));
}

/* API-17, API-32 */
static void a_new_list_replaces_its_resource_at_its_end(void **state)
{
	(void)state;
	sync_with(POD("ADDED", "web", "1", "10.0.0.1")
			  POD("ADDED", "db", "2", "10.0.0.2"),
		  POLICY("ADDED", "p", "80"));
	break_pods();
	say(KUBE_PODS, POD("ADDED", "web", "9", "10.0.0.1")
			       POD("ADDED", "new", "3", "10.0.0.3"));
	assert_false(has(OBJECT_POD, "new"));
	assert_string_equal("1", uid_of("web"));
	assert_false(kube_source_take_change(source));
	say(KUBE_PODS, MARK);
	assert_true(has(OBJECT_POD, "new"));
	assert_false(has(OBJECT_POD, "db"));
	assert_string_equal("9", uid_of("web"));
	assert_true(has(OBJECT_NETWORK_POLICY, "p"));
	assert_true(kube_source_take_change(source));
}

/* What happens while a list is streamed stands before its mark. */
static void a_stream_of_a_list_may_have_ends_in_it(void **state)
{
	(void)state;
	sync_with(POD("ADDED", "web", "1", "10.0.0.1")
			  POD("DELETED", "web", "1", "10.0.0.1"),
		  "");
	assert_false(has(OBJECT_POD, "web"));
	say(KUBE_PODS, POD("ADDED", "db", "2", "10.0.0.2"));
	break_pods();
	say(KUBE_PODS, POD("ADDED", "db", "2", "10.0.0.2")
			       POD("ADDED", "new", "3", "10.0.0.3")
				       POD("DELETED", "new", "3", "10.0.0.3"));
	assert_false(kube_source_take_change(source) && !has(OBJECT_POD, "db"));
	say(KUBE_PODS, MARK);
	assert_true(has(OBJECT_POD, "db"));
	assert_false(has(OBJECT_POD, "new"));
}

/* L30: nor does one that begins before all have come. */
static void half_of_a_second_list_never_counts(void **state)
{
	(void)state;
	say(KUBE_PODS, POD("ADDED", "web", "1", "10.0.0.1") MARK);
	break_pods();
	say(KUBE_PODS, POD("ADDED", "new", "3", "10.0.0.3"));
	say(KUBE_NAMESPACES, MARK);
	say(KUBE_NODE, MARK);
	say(KUBE_POLICIES, MARK);
	assert_true(kube_source_is_synced(source));
	assert_true(has(OBJECT_POD, "web"));
	assert_false(has(OBJECT_POD, "new"));
}

/* API-32 */
static void a_new_list_that_breaks_changes_nothing(void **state)
{
	(void)state;
	sync_with(POD("ADDED", "web", "1", "10.0.0.1"), "");
	break_pods();
	say(KUBE_PODS, POD("ADDED", "new", "3", "10.0.0.3"));
	end(KUBE_PODS, 200, -ECONNRESET);
	assert_true(has(OBJECT_POD, "web"));
	assert_false(has(OBJECT_POD, "new"));
	assert_false(kube_source_take_change(source));
	/* The next one does. */
	kube_source_hurry(source);
	kube_source_work(source);
	answer(KUBE_PODS);
	say(KUBE_PODS, POD("ADDED", "new", "3", "10.0.0.3") MARK);
	assert_false(has(OBJECT_POD, "web"));
	assert_true(has(OBJECT_POD, "new"));
}

/* API-25, API-24 */
static void events_are_taken_as_they_come(void **state)
{
	static const struct {
		const char *name;
		const char *event;
		const char *uid; /* of web, afterwards */
		bool changes;
	} events[] = {
		{ "what is added again is as it was",
		  POD("ADDED", "web", "1", "10.0.0.1"), "1", false },
		{ "added with another address it is changed",
		  POD("ADDED", "web", "1", "10.0.0.7"), "1", true },
		{ "modified, what is not known is new",
		  POD("MODIFIED", "db", "2", "10.0.0.2"), "1", true },
		{ "deleted, what is not known is nothing",
		  POD("DELETED", "cache", "8", "10.0.0.8"), "1", false },
		{ "another UID is another pod",
		  POD("ADDED", "web", "4", "10.0.0.7"), "4", true },
		{ "whose predecessor's end is none of its own",
		  POD("DELETED", "web", "1", "10.0.0.7"), "4", false },
		{ "what stops to match the selector is deleted",
		  POD("DELETED", "web", "4", "10.0.0.7"), "none", true },
	};

	(void)state;
	sync_with(POD("ADDED", "web", "1", "10.0.0.1"), "");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		print_message("%s\n", events[i].name);
		say(KUBE_PODS, events[i].event);
		assert_string_equal(events[i].uid, uid_of("web"));
		assert_int_equal(events[i].changes,
				 kube_source_take_change(source));
	}
}

/* API-25 */
static void a_late_deletion_of_a_predecessor_is_nothing(void **state)
{
	static const struct {
		enum kube_resource which;
		enum object_kind kind;
		const char *namespace, *name;
		const char *successor, *late, *end;
	} cases[] = {
		{ KUBE_POLICIES, OBJECT_NETWORK_POLICY, "shop", "deny",
		  DENIAL("ADDED", "2"), DENIAL("DELETED", "1"),
		  DENIAL("DELETED", "2") },
		{ KUBE_NAMESPACES, OBJECT_NAMESPACE, "", "shop",
		  NAMESPACE("ADDED", "2"), NAMESPACE("DELETED", "1"),
		  NAMESPACE("DELETED", "2") },
	};

	(void)state;
	sync_with("", DENIAL("ADDED", "1"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct cluster *store = kube_source_cluster(source);

		print_message("%s\n", kube_resource_name(cases[i].which));
		say(cases[i].which, cases[i].successor);
		assert_true(kube_source_take_change(source));
		say(cases[i].which, cases[i].late);
		assert_false(kube_source_take_change(source));
		assert_non_null(cluster_find(store, cases[i].kind,
					     cases[i].namespace,
					     cases[i].name));
		say(cases[i].which, cases[i].end);
		assert_null(cluster_find(store, cases[i].kind,
					 cases[i].namespace, cases[i].name));
	}
}

static void what_cannot_be_read_stays_as_it_was(void **state)
{
	(void)state;
	sync_with("", POLICY("ADDED", "p", "80"));
	say(KUBE_POLICIES, POLICY("MODIFIED", "p", "99999"));
	assert_true(has(OBJECT_NETWORK_POLICY, "p"));
	assert_false(kube_source_take_change(source));
	/* And in a list. */
	end(KUBE_POLICIES, 410, 0);
	kube_source_hurry(source);
	kube_source_work(source);
	answer(KUBE_POLICIES);
	say(KUBE_POLICIES, POLICY("ADDED", "p", "99999") MARK);
	assert_true(has(OBJECT_NETWORK_POLICY, "p"));
}

static void who_walks_the_store_is_warned_before_it_changes(void **state)
{
	int before;

	(void)state;
	sync_with(POD("ADDED", "web", "1", "10.0.0.1"), "");
	before = n_changes_announced;
	say(KUBE_PODS, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
		       "\"resourceVersion\":\"9\"}}}\n");
	assert_int_equal(before, n_changes_announced);
	say(KUBE_PODS, POD("DELETED", "web", "1", "10.0.0.1"));
	assert_int_equal(before + 1, n_changes_announced);
}

static void policies_that_are_not_enforced_are_counted(void **state)
{
	static const struct {
		const char *event;
		size_t n;
	} events[] = {
		{ EXTRA("ADDED", "a") EXTRA("ADDED", "b"), 0 },
		{ MARK, 2 },
		{ EXTRA("ADDED", "c"), 3 },
		{ EXTRA("MODIFIED", "c"), 3 },
		{ EXTRA("ADDED", "c"), 3 },
		{ EXTRA("DELETED", "a"), 2 },
		{ EXTRA("DELETED", "a"), 2 },
	};
	struct kube_status status;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		say(KUBE_CLUSTER_POLICIES, events[i].event);
		kube_source_status(source, &status);
		assert_int_equal(
			events[i].n,
			status.resources[KUBE_CLUSTER_POLICIES].n_objects);
	}
	assert_false(kube_source_is_synced(source));
	/* API-3 */
	end(KUBE_CLUSTER_POLICIES, 200, -ECONNRESET);
	kube_source_hurry(source);
	kube_source_work(source);
	end(KUBE_CLUSTER_POLICIES, 404, 0);
	kube_source_status(source, &status);
	assert_int_equal(0, status.resources[KUBE_CLUSTER_POLICIES].n_objects);
	assert_false(status.resources[KUBE_CLUSTER_POLICIES].is_served);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_synced_when_each_resource_has_come_whole),
		TEST(what_cannot_be_read_is_told_until_it_can),
		TEST(a_list_says_anew_what_cannot_be_read),
		TEST(a_new_list_replaces_its_resource_at_its_end),
		TEST(a_stream_of_a_list_may_have_ends_in_it),
		TEST(half_of_a_second_list_never_counts),
		TEST(a_new_list_that_breaks_changes_nothing),
		TEST(events_are_taken_as_they_come),
		TEST(a_late_deletion_of_a_predecessor_is_nothing),
		TEST(what_cannot_be_read_stays_as_it_was),
		TEST(who_walks_the_store_is_warned_before_it_changes),
		TEST(policies_that_are_not_enforced_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
