/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kube/resource.h"

#define FINISHED                                                               \
	"fieldSelector=status.phase%21%3DSucceeded%2C"                         \
	"status.phase%21%3DFailed"

static const struct {
	const char *name;
	enum kube_resource which;
	struct resource_query query;
	const char *request;
} requests[] = {
	{ "the first list may be of any version, in pages (API-10, API-15)",
	  KUBE_POLICIES,
	  { .version = "0", .continue_token = "", .limit = 500 },
	  "/apis/networking.k8s.io/v1/networkpolicies?limit=500"
	  "&resourceVersion=0" },
	{ "a later one is not older than what was seen (API-15)",
	  KUBE_POLICIES,
	  { .version = "77",
	    .continue_token = "",
	    .limit = 500,
	    .not_older = true },
	  "/apis/networking.k8s.io/v1/networkpolicies?limit=500"
	  "&resourceVersion=77&resourceVersionMatch=NotOlderThan" },
	{ "a list that continues says no version, and its token is encoded "
	  "(API-10)",
	  KUBE_PODS,
	  { .version = "77",
	    .continue_token = "a+b/c==",
	    .limit = 500,
	    .not_older = true },
	  "/api/v1/pods?limit=500&continue=a%2Bb%2Fc%3D%3D&" FINISHED },
	{ "a list of the latest version says none (API-12)",
	  KUBE_NAMESPACES,
	  { .version = "", .continue_token = "" },
	  "/api/v1/namespaces" },
	{ "a watch has bookmarks and an end (API-20)",
	  KUBE_PODS,
	  { .is_watch = true,
	    .version = "77",
	    .continue_token = "",
	    .timeout_s = 321 },
	  "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=77"
	  "&timeoutSeconds=321&" FINISHED },
	{ "a streaming list has all that it needs (API-30)",
	  KUBE_NAMESPACES,
	  { .is_watch = true,
	    .initial_events = true,
	    .version = "",
	    .continue_token = "",
	    .timeout_s = 321 },
	  "/api/v1/namespaces?watch=1&allowWatchBookmarks=true"
	  "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
	  "&resourceVersion=&timeoutSeconds=321" },
	{ "of nodes, this one is asked for (API-42)",
	  KUBE_NODE,
	  { .version = "", .continue_token = "" },
	  "/api/v1/nodes?fieldSelector=metadata.name%3Dnode-1" },
	{ "a name cannot become another question",
	  KUBE_NODE,
	  { .version = "1&x=2", .continue_token = "" },
	  "/api/v1/nodes?resourceVersion=1%26x%3D2"
	  "&fieldSelector=metadata.name%3Dnode-1" },
};

static void a_request_says_what_the_protocol_asks_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char *request = resource_request(resource_of(requests[i].which),
						 "node-1", &requests[i].query);

		print_message("%s\n", requests[i].name);
		assert_string_equal(requests[i].request, request);
		free(request);
	}
}

/* API-40 */
static void of_namespaces_only_the_metadata_is_asked_for(void **state)
{
	const struct resource *namespaces = resource_of(KUBE_NAMESPACES);

	(void)state;
	assert_string_equal("application/json;as=PartialObjectMetadataList;"
			    "g=meta.k8s.io;v=v1,application/json",
			    resource_accept(namespaces, true));
	assert_string_equal("application/json;as=PartialObjectMetadata;"
			    "g=meta.k8s.io;v=v1,application/json",
			    resource_accept(namespaces, false));
	assert_string_equal("application/json",
			    resource_accept(resource_of(KUBE_PODS), true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_the_protocol_asks_for),
		cmocka_unit_test(of_namespaces_only_the_metadata_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
