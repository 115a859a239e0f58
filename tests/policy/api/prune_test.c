/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "api/prune.h"

/* API-41, API-40: what is left of an object. */
static const struct {
	const char *name;
	enum object_kind kind;
	const char *text, *left; /* NULL: it is no JSON */
} cases[] = {
	{ "of a pod what decides is kept, all of it", OBJECT_POD,
	  "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{"
	  "\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u\","
	  "\"resourceVersion\":\"1\",\"generation\":1,\"labels\":{\"a\":\"b\"},"
	  "\"creationTimestamp\":\"t\",\"deletionTimestamp\":null,"
	  "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"k\","
	  "\"name\":\"o\",\"uid\":\"v\",\"controller\":true}]},"
	  "\"spec\":{\"nodeName\":\"h\",\"hostNetwork\":true,\"containers\":["
	  "{\"ports\":[{\"name\":\"p\",\"containerPort\":1,\"protocol\":"
	  "\"TCP\"}]}],\"initContainers\":[{\"restartPolicy\":\"Always\","
	  "\"ports\":[]}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"i\","
	  "\"podIPs\":[{\"ip\":\"i\"}]}}",
	  "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{"
	  "\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u\","
	  "\"resourceVersion\":\"1\",\"generation\":1,\"labels\":{\"a\":\"b\"},"
	  "\"creationTimestamp\":\"t\",\"deletionTimestamp\":null,"
	  "\"ownerReferences\":[{\"kind\":\"k\",\"name\":\"o\","
	  "\"controller\":true}]},"
	  "\"spec\":{\"nodeName\":\"h\",\"hostNetwork\":true,\"containers\":["
	  "{\"ports\":[{\"name\":\"p\",\"containerPort\":1,\"protocol\":"
	  "\"TCP\"}]}],\"initContainers\":[{\"restartPolicy\":\"Always\","
	  "\"ports\":[]}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"i\","
	  "\"podIPs\":[{\"ip\":\"i\"}]}}" },
	{ "API-40: managedFields and annotations are left out", OBJECT_POD,
	  "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"f:a\":{\"}\":1}}}"
	  "],\"name\":\"a\",\"annotations\":{\"name\":\"b\"}}}",
	  "{\"metadata\":{\"name\":\"a\"}}" },
	{ "volumes, environments, conditions and statuses are left out",
	  OBJECT_POD,
	  "{\"spec\":{\"volumes\":[{\"name\":\"v\"}],\"containers\":[{\"env\":["
	  "{\"name\":\"e\"}],\"name\":\"c\",\"ports\":[{\"hostPort\":5,"
	  "\"containerPort\":6}]},{}],\"tolerations\":null},\"status\":{"
	  "\"conditions\":[{\"type\":\"Ready\"}],\"containerStatuses\":[],"
	  "\"podIPs\":null}}",
	  "{\"spec\":{\"containers\":[{\"ports\":[{\"containerPort\":6}]},{}]},"
	  "\"status\":{\"podIPs\":null}}" },
	{ "blanks between entries go, those within one stay", OBJECT_POD,
	  "{ \"metadata\" : {\n\"name\" : \"a b\" , \"labels\" : { \"a\" : 1 "
	  "} } }",
	  "{\"metadata\" : {\"name\" : \"a b\",\"labels\" : { \"a\" : 1 "
	  "}}}" },
	{ "what does not have its type is left to who checks types", OBJECT_POD,
	  "{\"metadata\":5,\"spec\":[{}],\"status\":{\"podIPs\":{\"ip\":\"a\","
	  "\"x\":1}}}",
	  "{\"metadata\":5,\"spec\":[{}],\"status\":{\"podIPs\":{\"ip\":\"a\"}}"
	  "}" },
	{ "keys with escapes are left to who understands them", OBJECT_POD,
	  "{\"met\\u0061data\":{\"x\":1},\"x\":1}",
	  "{\"met\\u0061data\":{\"x\":1}}" },
	{ "doubled fields are left to who refuses them", OBJECT_POD,
	  "{\"kind\":1,\"kind\":2}", "{\"kind\":1,\"kind\":2}" },
	{ "of a policy unknown fields of the spec are kept (AV-13)",
	  OBJECT_NETWORK_POLICY,
	  "{\"metadata\":{\"new\":1,\"generation\":2,\"annotations\":{}},"
	  "\"spec\":{\"podSelector\":{\"new\":2},\"new\":[3]},\"status\":{},"
	  "\"new\":4}",
	  "{\"metadata\":{\"generation\":2,\"annotations\":{}},"
	  "\"spec\":{\"podSelector\":{\"new\":2},\"new\":[3]}}" },
	{ "NP-8: of a policy's annotations the mode is kept",
	  OBJECT_NETWORK_POLICY,
	  "{\"metadata\":{\"annotations\":{\"a\":\"{}\","
	  "\"netpold.io/mode\":\"audit\",\"z\":\"b\"}}}",
	  "{\"metadata\":{\"annotations\":{\"netpold.io/mode\":\"audit\"}}}" },
	{ "NP-8: of a namespace's as well", OBJECT_NAMESPACE,
	  "{\"metadata\":{\"annotations\":{\"netpold.io/mode\":\"enforce\","
	  "\"a\":\"b\"},\"labels\":{}}}",
	  "{\"metadata\":{\"annotations\":{\"netpold.io/mode\":\"enforce\"},"
	  "\"labels\":{}}}" },
	{ "NP-8: pods have no mode", OBJECT_POD,
	  "{\"metadata\":{\"annotations\":{\"netpold.io/mode\":\"audit\"},"
	  "\"name\":\"a\"}}",
	  "{\"metadata\":{\"name\":\"a\"}}" },
	{ "of a namespace the phase is kept", OBJECT_NAMESPACE,
	  "{\"spec\":{\"finalizers\":[\"k\"]},\"status\":{\"phase\":\"P\","
	  "\"x\":1}}",
	  "{\"status\":{\"phase\":\"P\"}}" },
	{ "of a node addresses and ranges are kept", OBJECT_NODE,
	  "{\"spec\":{\"podCIDR\":\"a\",\"podCIDRs\":[\"a\",\"b\"]},"
	  "\"status\":{\"addresses\":[{\"type\":\"t\",\"address\":\"i\"}],"
	  "\"images\":[{\"names\":[]}]}}",
	  "{\"spec\":{\"podCIDRs\":[\"a\",\"b\"]},\"status\":{\"addresses\":["
	  "{\"address\":\"i\"}]}}" },
	{ "an empty object stays one", OBJECT_POD, "{}", "{}" },
	{ "a key without a value is no JSON", OBJECT_POD, "{\"a\"}", NULL },
	{ "a missing colon is no JSON", OBJECT_POD, "{\"kind\" 1}", NULL },
	{ "a missing comma is no JSON", OBJECT_POD, "{\"a\":1 \"b\":1}", NULL },
	{ "a key without quotes is no JSON", OBJECT_POD, "{a:1}", NULL },
	{ "a missing value is no JSON", OBJECT_POD, "{\"a\":,\"b\":1}", NULL },
	{ "a bracket that does not fit is no JSON", OBJECT_POD, "{\"a\":1]",
	  NULL },
	{ "brackets that do not fit within what counts are no JSON", OBJECT_POD,
	  "{\"spec\":{\"containers\":[{}}]}", NULL },
};

static void what_decides_is_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;
		struct text out = { 0 };
		int r = prune_object(schema_of_served(cases[i].kind),
				     (struct span){ text, text + strlen(text) },
				     &out);

		if (r != (cases[i].left ? 0 : -EBADMSG))
			fail_msg("%s\n  returned %d", cases[i].name, r);
		if (cases[i].left &&
		    strcmp(text_string(&out), cases[i].left) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 cases[i].name, cases[i].left,
				 text_string(&out));
		text_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_decides_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
