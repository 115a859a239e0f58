/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reading.h"
#include "rewriting.h"

/* The only object of a text. It lives until the reader is closed. */
static struct manifest *read_one(const char *name, const char *text,
				 struct object *out)
{
	/* The reader keeps a pointer to it. */
	static struct pieces pieces;
	struct manifest_options options = {
		.file = "test",
		.read = pieces_read,
		.read_ctx = &pieces,
	};
	struct manifest *manifest;
	struct err err;

	pieces = pieces_of(text, 4096);
	if (manifest_open(&options, &manifest) < 0 ||
	    manifest_next(manifest, out, &err) != 1 ||
	    manifest_n_errors(manifest) > 0)
		fail_msg("%s: the test's own text cannot be read", name);
	return manifest;
}

/* ---- what is read again ---------------------------------------------------
 */

#define POD "{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
#define POLICY                                                                 \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\"," \
	"\"metadata\":{\"name\":\"p\"},\"spec\":{\"podSelector\":{},"

static const struct {
	const char *name, *text;
} objects[] = {
	{ "a pod with nothing", POD "\"metadata\":{\"name\":\"a\"}}" },
	{ "a pod with everything", POD
	  "\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u-1\","
	  "\"creationTimestamp\":\"2024-02-29T23:59:59Z\","
	  "\"deletionTimestamp\":\"2025-01-01T00:00:00Z\","
	  "\"labels\":{\"b\":\"2\",\"a\":\"1\",\"c\":\"\"},"
	  "\"ownerReferences\":[{\"kind\":\"X\",\"name\":\"x\"},"
	  "{\"kind\":\"ReplicaSet\",\"name\":\"r\",\"controller\":true}]},"
	  "\"spec\":{\"nodeName\":\"m\",\"hostNetwork\":true,\"containers\":"
	  "[{\"ports\":[{\"name\":\"http\",\"containerPort\":80},"
	  "{\"containerPort\":1}]},{\"ports\":[{\"name\":\"dns\","
	  "\"containerPort\":53,\"protocol\":\"UDP\"}]}]},"
	  "\"status\":{\"phase\":\"Succeeded\",\"podIPs\":"
	  "[{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}]}}" },
	{ "texts that JSON has to escape",
	  POD "\"metadata\":{\"name\":\"a\",\"uid\":\"\\\"\\\\/\\u20ac\","
	      "\"ownerReferences\":[{\"kind\":\"ä\",\"name\":\"{\\\"}\"}]}}" },
	{ "a time before 1970",
	  POD "\"metadata\":{\"name\":\"a\","
	      "\"creationTimestamp\":\"1969-12-31T23:59:59Z\"}}" },
	{ "the first second of all",
	  POD "\"metadata\":{\"name\":\"a\","
	      "\"creationTimestamp\":\"0001-01-01T00:00:00Z\"}}" },
	{ "the last one",
	  POD "\"metadata\":{\"name\":\"a\","
	      "\"creationTimestamp\":\"9999-12-31T23:59:59Z\"}}" },
	{ "a namespace",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"a\",\"labels\":{\"z\":\"\"}}}" },
	{ "a namespace that goes away (NP-66)",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"a\",\"deletionTimestamp\":\"2024-01-01T00:00:00Z\"}}" },
	{ "a namespace of a server",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"a\",\"uid\":\"u-1\"}}" },
	{ "a namespace with a mode (NP-8)",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"a\",\"annotations\":{\"b\":\"c\","
	  "\"netpold.io/mode\":\"audit\"}}}" },
	{ "a node (NP-53)",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":"
	  "{\"name\":\"a\"},\"status\":{\"addresses\":["
	  "{\"type\":\"Hostname\",\"address\":\"a\"},"
	  "{\"type\":\"InternalIP\",\"address\":\"::ffff:10.0.0.1\"},"
	  "{\"type\":\"ExternalIP\",\"address\":\"fe80::1\"}]}}" },
	{ "a node with blocks for its pods (NP-67)",
	  "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":"
	  "{\"name\":\"a\"},\"spec\":{\"podCIDRs\":"
	  "[\"10.1.0.0/24\",\"fd00:1::/64\"]}}" },
	{ "a policy of a server",
	  "{\"apiVersion\":\"networking.k8s.io/v1\","
	  "\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"p\","
	  "\"uid\":\"u-1\",\"generation\":3},"
	  "\"spec\":{\"podSelector\":{}}}" },
	{ "a policy with a mode (NP-8)",
	  "{\"apiVersion\":\"networking.k8s.io/v1\","
	  "\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"p\","
	  "\"annotations\":{\"netpold.io/mode\":\"enforce\"}},"
	  "\"spec\":{\"podSelector\":{}}}" },
	{ "a policy without types (NP-3)", POLICY "\"egress\":[{}]}}" },
	{ "a policy with rules that its types leave out",
	  POLICY "\"policyTypes\":[\"Ingress\"],\"egress\":[{}]}}" },
	{ "a policy that allows nothing",
	  POLICY "\"policyTypes\":[\"Egress\",\"Ingress\"]}}" },
	{ "every kind of port (NP-45)", POLICY
	  "\"ingress\":[{\"ports\":[{},{\"protocol\":\"SCTP\"},"
	  "{\"port\":80},{\"port\":\"http\",\"protocol\":\"UDP\"},"
	  "{\"port\":1,\"endPort\":65535},{\"port\":7,\"endPort\":7}]}]}}" },
	{ "every kind of peer (NP-1)",
	  POLICY "\"ingress\":[{\"from\":[{\"podSelector\":{}},"
		 "{\"namespaceSelector\":{}},{\"podSelector\":{},"
		 "\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}},"
		 "{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\","
		 "\"except\":[\"10.1.0.0/16\",\"10.2.3.4/32\"]}},"
		 "{\"ipBlock\":{\"cidr\":\"fd00::/8\"}}]}]}}" },
	{ "a block that is excepted whole, as servers let it be (AV-58)",
	  POLICY "\"ingress\":[{\"from\":[{\"ipBlock\":{"
		 "\"cidr\":\"10.0.0.0/26\","
		 "\"except\":[\"::ffff:10.0.0.70/121\","
		 "\"::ffff:10.0.0.7/122\",\"10.0.0.7/27\"]}}]}]}}" },
	{ "every operator (NP-22)",
	  POLICY "\"ingress\":[{\"from\":[{\"podSelector\":{"
		 "\"matchLabels\":{\"z\":\"1\",\"a\":\"\"},"
		 "\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"In\","
		 "\"values\":[\"b\",\"a\",\"b\"]},"
		 "{\"key\":\"k\",\"operator\":\"NotIn\",\"values\":[\"\"]},"
		 "{\"key\":\"k\",\"operator\":\"Exists\"},"
		 "{\"key\":\"k\",\"operator\":\"DoesNotExist\"}]}}]}]}}" },
};

static void what_is_written_is_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct object object;
		struct manifest *manifest =
			read_one(objects[i].name, objects[i].text, &object);

		if (!survives_writing(&object))
			fail_msg("%s: is not read again", objects[i].name);
		manifest_close(manifest);
	}
}

/* ---- how it looks -----------------------------------------------------------
 */

static void an_object_is_a_line(void **state)
{
	static const char expected[] =
		"{\"apiVersion\":\"networking.k8s.io/v1\","
		"\"kind\":\"NetworkPolicy\",\"metadata\":"
		"{\"namespace\":\"default\",\"name\":\"p\"},\"spec\":"
		"{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],"
		"\"egress\":[],\"ingress\":[{\"from\":[{\"podSelector\":"
		"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\","
		"\"values\":[\"b\"]}]}}],\"ports\":[{\"protocol\":\"TCP\","
		"\"port\":80}]}]}}\n";
	struct object object;
	struct manifest *manifest =
		read_one("a policy",
			 POLICY "\"ingress\":[{\"from\":[{\"podSelector\":"
				"{\"matchLabels\":{\"a\":\"b\"}}}],"
				"\"ports\":[{\"port\":80}]}]}}",
			 &object);
	struct written written = write_object(&object);

	(void)state;
	assert_string_equal(expected, written.text);
	free(written.text);
	manifest_close(manifest);
}

static void a_time_that_is_none_is_left_out(void **state)
{
	const struct object object = {
		.kind = OBJECT_POD,
		.pod = { .namespace = "n",
			 .name = "a",
			 .uid = "",
			 .node_name = "",
			 .owner_kind = "",
			 .owner_name = "",
			 .created_s = INT64_MAX },
	};
	struct written written = write_object(&object);

	(void)state;
	assert_null(strstr(written.text, "creationTimestamp"));
	free(written.text);
}

/* Passed over, it would make a policy wider (NP-25). */
static void what_nobody_can_evaluate_is_refused_again(void **state)
{
	const struct requirement unknown = { .key = "k" };
	const struct object object = {
		.kind = OBJECT_NETWORK_POLICY,
		.policy = { .namespace = "n",
			    .name = "a",
			    .uid = "",
			    .pod_selector = { &unknown, 1 },
			    .isolates = { true, true } },
	};
	struct written written = write_object(&object);

	(void)state;
	assert_non_null(strstr(written.text, "\"operator\":\"Unknown\""));
	free(written.text);
	assert_false(survives_writing(&object));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(an_object_is_a_line),
		cmocka_unit_test(a_time_that_is_none_is_left_out),
		cmocka_unit_test(what_nobody_can_evaluate_is_refused_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
