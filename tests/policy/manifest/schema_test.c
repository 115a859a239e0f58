/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reading.h"

#define POLICY(rest)                                                           \
	"{\"apiVersion\": \"networking.k8s.io/v1\", "                          \
	"\"kind\": \"NetworkPolicy\", " rest "}"
#define SPEC(spec) POLICY("\"metadata\": {\"name\": \"p\"}, \"spec\": " spec)
#define METADATA(rest) POLICY("\"metadata\": {\"name\": \"p\", " rest "}")
#define PORT(port) SPEC("{\"ingress\": [{\"ports\": [" port "]}]}")
#define PEER(peer) SPEC("{\"ingress\": [{\"from\": [" peer "]}]}")
#define POD(rest)                                                              \
	"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", "                         \
	"\"metadata\": {\"name\": \"p\"}, " rest "}"

#define AT "f:1: NetworkPolicy default/p: "
#define CANNOT "json: cannot unmarshal "
#define INTO " into Go struct field "
#define PORTS_AT "spec.ingress[0].ports[0]"
#define STRICT AT "strict decoding error: "

/* All of the text is one line, so that the line is 1 throughout. */
static const struct {
	const char *name, *text, *findings;
} cases[] = {
	/* AV-11: types, worded as the server words them */
	{ "AV-11: a port is no boolean", PORT("{\"port\": true}"),
	  AT PORTS_AT
	  ".port: " CANNOT "bool" INTO
	  "NetworkPolicyPort.spec.ingress.ports.port of type int32" },
	{ "AV-11: a port has no fraction", PORT("{\"port\": 80.5}"),
	  AT PORTS_AT
	  ".port: " CANNOT "number 80.5" INTO
	  "NetworkPolicyPort.spec.ingress.ports.port of type int32" },
	{ "AV-11: a port fits in 32 bits", PORT("{\"port\": 4294967376}"),
	  AT PORTS_AT
	  ".port: " CANNOT "number 4294967376" INTO
	  "NetworkPolicyPort.spec.ingress.ports.port of type int32" },
	{ "AV-11: 80.0 and 1e3 are fine as ports",
	  PORT("{\"port\": 80.0}, {\"port\": 1e3, \"endPort\": 2.0e3}"), "" },
	{ "AV-11: a port is no list", PORT("{\"port\": [1]}"),
	  AT PORTS_AT
	  ".port: " CANNOT "array" INTO
	  "NetworkPolicyPort.spec.ingress.ports.port of type int32" },
	{ "AV-11: endPort is no string", PORT("{\"endPort\": \"80\"}"),
	  AT PORTS_AT
	  ".endPort: " CANNOT "string" INTO
	  "NetworkPolicyPort.spec.ingress.ports.endPort of type int32" },
	{ "AV-11: a protocol is no number", PORT("{\"protocol\": 6}"),
	  AT PORTS_AT ".protocol: " CANNOT "number" INTO
		      "NetworkPolicyPort.spec.ingress.ports.protocol of type "
		      "v1.Protocol" },
	{ "AV-11: ports is a list", SPEC("{\"ingress\": [{\"ports\": {}}]}"),
	  AT "spec.ingress[0].ports: " CANNOT "object" INTO
	     "NetworkPolicyIngressRule.spec.ingress.ports of type "
	     "[]v1.NetworkPolicyPort" },
	{ "AV-11: ingress is a list", SPEC("{\"ingress\": {}}"),
	  AT "spec.ingress: " CANNOT "object" INTO
	     "NetworkPolicySpec.spec.ingress of type "
	     "[]v1.NetworkPolicyIngressRule" },
	{ "AV-11: a rule is a map", SPEC("{\"ingress\": [5]}"),
	  AT "spec.ingress[0]: " CANNOT "number" INTO
	     "NetworkPolicySpec.spec.ingress of type "
	     "v1.NetworkPolicyIngressRule" },
	{ "AV-11: a selector is a map", SPEC("{\"podSelector\": []}"),
	  AT "spec.podSelector: " CANNOT "array" INTO
	     "NetworkPolicySpec.spec.podSelector of type v1.LabelSelector" },
	{ "AV-11: a label value is a string",
	  SPEC("{\"podSelector\": {\"matchLabels\": {\"a\": true}}}"),
	  AT "spec.podSelector.matchLabels: " CANNOT "bool" INTO
	     "LabelSelector.spec.podSelector.matchLabels of type string" },
	{ "AV-11: matchLabels is a map",
	  SPEC("{\"podSelector\": {\"matchLabels\": [\"a\"]}}"),
	  AT "spec.podSelector.matchLabels: " CANNOT "array" INTO
	     "LabelSelector.spec.podSelector.matchLabels of type "
	     "map[string]string" },
	{ "AV-11: values is a list of strings",
	  SPEC("{\"podSelector\": {\"matchExpressions\": "
	       "[{\"key\": \"a\", \"operator\": \"In\", \"values\": [1]}]}}"),
	  AT "spec.podSelector.matchExpressions[0].values[0]: " CANNOT
	     "number" INTO "LabelSelectorRequirement.spec.podSelector."
	     "matchExpressions.values of type string" },
	{ "AV-11: values is no string",
	  SPEC("{\"podSelector\": {\"matchExpressions\": "
	       "[{\"key\": \"a\", \"operator\": \"In\", "
	       "\"values\": \"x\"}]}}"),
	  AT "spec.podSelector.matchExpressions[0].values: " CANNOT
	     "string" INTO "LabelSelectorRequirement.spec.podSelector."
	     "matchExpressions.values of type []string" },
	{ "AV-11: ipBlock is a map", PEER("{\"ipBlock\": 5}"),
	  AT "spec.ingress[0].from[0].ipBlock: " CANNOT "number" INTO
	     "NetworkPolicyPeer.spec.ingress.from.ipBlock of type "
	     "v1.IPBlock" },
	{ "AV-11: all wrong types of an object are told",
	  PEER("{\"ipBlock\": {\"cidr\": 5, \"except\": 5}}"),
	  AT "spec.ingress[0].from[0].ipBlock.cidr: " CANNOT "number" INTO
	     "IPBlock.spec.ingress.from.ipBlock.cidr of type string\n" AT
	     "spec.ingress[0].from[0].ipBlock.except: " CANNOT "number" INTO
	     "IPBlock.spec.ingress.from.ipBlock.except of type []string" },
	{ "AV-11: policyTypes is a list of strings",
	  SPEC("{\"policyTypes\": [5]}"),
	  AT "spec.policyTypes[0]: " CANNOT "number" INTO
	     "NetworkPolicySpec.spec.policyTypes of type v1.PolicyType" },
	{ "AV-11: spec is a map", SPEC("5"),
	  AT "spec: " CANNOT "number" INTO
	     "NetworkPolicy.spec of type v1.NetworkPolicySpec" },
	{ "AV-14: a name that YAML reads as a boolean is a wrong type",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata:\n  name: n\n",
	  "f:4: NetworkPolicy: metadata.name: " CANNOT "bool" INTO
	  "ObjectMeta.metadata.name of type string" },
	{ "AV-11: labels are strings", METADATA("\"labels\": {\"a\": 5}"),
	  AT "metadata.labels: " CANNOT "number" INTO
	     "ObjectMeta.metadata.labels of type string" },
	{ "AV-11: generation is a number", METADATA("\"generation\": \"x\""),
	  AT "metadata.generation: " CANNOT "string" INTO
	     "ObjectMeta.metadata.generation of type int64" },
	{ "AV-11: controller is a boolean",
	  METADATA("\"ownerReferences\": [{\"controller\": 5}]"),
	  AT "metadata.ownerReferences[0].controller: " CANNOT "number" INTO
	     "OwnerReference.metadata.ownerReferences.controller of type "
	     "bool" },
	{ "AV-11: a time is in RFC 3339",
	  METADATA("\"creationTimestamp\": \"2020-01-01\""),
	  AT "metadata.creationTimestamp: parsing time \"2020-01-01\": must "
	     "be in RFC 3339, like \"2006-01-02T15:04:05Z\"" },
	{ "AV-11: a time is a string", METADATA("\"creationTimestamp\": 5"),
	  AT "metadata.creationTimestamp: " CANNOT "number" INTO
	     "ObjectMeta.metadata.creationTimestamp of type string" },
	/* NP-1 */
	{ "NP-1: null is absent in all fields",
	  POLICY("\"metadata\": {\"name\": \"p\", \"labels\": null, "
		 "\"creationTimestamp\": null, \"finalizers\": null, "
		 "\"ownerReferences\": null, \"generation\": null}, \"spec\": "
		 "{\"podSelector\": null, \"ingress\": null, "
		 "\"egress\": [{\"ports\": null, \"to\": null}], "
		 "\"policyTypes\": null}, \"status\": null"),
	  "" },
	{ "NP-1: a rule that is null is an empty one",
	  SPEC("{\"ingress\": [null]}"), "" },
	{ "NP-22: a label value that is null is empty",
	  SPEC("{\"podSelector\": {\"matchLabels\": {\"a\": null}}}"), "" },
	/* AV-12, AV-13 */
	{ "AV-12: an unknown field is named with its path",
	  SPEC("{\"ingress\": [{\"from\": [{\"podselector\": {}}]}]}"),
	  STRICT "unknown field \"spec.ingress[0].from[0].podselector\"" },
	{ "AV-13: a misspelt list of peers does not widen the policy",
	  SPEC("{\"ingress\": [{\"form\": []}]}"),
	  STRICT "unknown field \"spec.ingress[0].form\"" },
	{ "AV-12: `to` is unknown in ingress, `from` in egress",
	  SPEC("{\"ingress\": [{\"to\": []}], \"egress\": [{\"from\": []}]}"),
	  STRICT "unknown field \"spec.ingress[0].to\", unknown field "
		 "\"spec.egress[0].from\"" },
	{ "AV-12: a doubled field is named",
	  SPEC("{\"podSelector\": {}, "
	       "\"podSelector\": {}}"),
	  STRICT "duplicate field \"spec.podSelector\"" },
	{ "AV-12: a field three times is one error",
	  SPEC("{\"egress\": [], \"egress\": [], \"egress\": []}"),
	  STRICT "duplicate field \"spec.egress\"" },
	{ "AV-12: a doubled label is named",
	  SPEC("{\"podSelector\": {\"matchLabels\": "
	       "{\"a\": \"1\", \"b\": \"1\", \"a\": \"2\"}}}"),
	  STRICT "duplicate field \"spec.podSelector.matchLabels.a\"" },
	{ "AV-12: several are joined, in the order of the text",
	  POLICY("\"metadata\": {\"name\": \"p\", \"clusterName\": \"x\", "
		 "\"namespace\": \"default\", \"namespace\": \"default\"}, "
		 "\"Spec\": {}"),
	  STRICT "unknown field \"metadata.clusterName\", duplicate field "
		 "\"metadata.namespace\", unknown field \"Spec\"" },
	{ "AV-12: an unknown field twice is one error",
	  SPEC("{\"x\": 1, \"x\": 2}"), STRICT "unknown field \"spec.x\"" },
	{ "AV-12: names of fields are quoted", SPEC("{\"a\\n\\\"b\": 1}"),
	  STRICT "unknown field \"spec.a\\n\\\"b\"" },
	{ "AV-12: a zero byte does not make an unknown field known",
	  SPEC("{\"ingress\\u0000\": []}"),
	  STRICT "unknown field \"spec.ingress\\x00\"" },
	{ "AV-14: a key doubled by YAML's conversions is doubled",
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	  "metadata: {name: p}\nspec:\n  podSelector:\n    matchLabels:\n"
	  "      on: a\n      'true': b\n",
	  "f:8: NetworkPolicy default/p: strict decoding error: duplicate "
	  "field \"spec.podSelector.matchLabels.true\"" },
	{ "all fields of metadata are known",
	  METADATA("\"generateName\": \"p-\", \"namespace\": \"default\", "
		   "\"selfLink\": \"x\", \"uid\": \"x\", "
		   "\"resourceVersion\": \"1\", \"generation\": 1, "
		   "\"creationTimestamp\": \"2024-05-17T09:41:00Z\", "
		   "\"deletionTimestamp\": \"2024-05-17T09:41:00+02:00\", "
		   "\"deletionGracePeriodSeconds\": 30, "
		   "\"labels\": {\"a\": \"b\"}, "
		   "\"annotations\": {\"a\": \"b c\"}, "
		   "\"ownerReferences\": [{\"apiVersion\": \"v1\", "
		   "\"kind\": \"Pod\", \"name\": \"x\", \"uid\": \"y\", "
		   "\"controller\": true, \"blockOwnerDeletion\": false}], "
		   "\"finalizers\": [\"x/y\"], "
		   "\"managedFields\": [{\"any\": {\"thing\": [1]}}]"),
	  "" },
	{ "status of older servers is let through",
	  POLICY("\"metadata\": {\"name\": \"p\"}, "
		 "\"status\": {\"conditions\": [1]}"),
	  "" },
	{ "status is a map",
	  POLICY("\"metadata\": {\"name\": \"p\"}, \"status\": 5"),
	  AT "status: " CANNOT "number" INTO
	     "NetworkPolicy.status of type v1.NetworkPolicyStatus" },
	/* open kinds */
	{ "fields of pods that decide nothing are free",
	  POD("\"spec\": {\"anything\": [1, {}], \"containers\": "
	      "[{\"image\": 5, \"ports\": [{\"hostIP\": {}, "
	      "\"containerPort\": 80}]}]}"),
	  "" },
	{ "fields of pods that decide have a type",
	  POD("\"spec\": {\"hostNetwork\": \"yes\"}"),
	  "f:1: Pod default/p: spec.hostNetwork: " CANNOT "string" INTO
	  "PodSpec.spec.hostNetwork of type bool" },
	{ "fields of pods that decide are not doubled",
	  POD("\"status\": {\"podIP\": \"10.0.0.1\", "
	      "\"podIP\": \"10.0.0.2\"}"),
	  "f:1: Pod default/p: strict decoding error: duplicate field "
	  "\"status.podIP\"" },
	{ "fields of pods that decide have no zero byte",
	  POD("\"spec\": {\"nodeName\": \"a\\u0000b\"}"),
	  "f:1: Pod default/p: spec.nodeName: Invalid value: \"a\\x00b\": "
	  "must not contain a zero byte" },
};

static void findings_are_those_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pieces pieces = pieces_of(cases[i].text, 1 << 20);
		struct reading got = { 0 };

		read_pieces(&pieces, false, NULL, NULL, &got);
		if (strcmp(text_string(&got.findings), cases[i].findings) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 cases[i].name, cases[i].findings,
				 text_string(&got.findings));
		if (got.n_objects != (*cases[i].findings ? 0 : 1))
			fail_msg("%s\n  got %zu objects", cases[i].name,
				 got.n_objects);
		reading_release(&got);
	}
}

static void no_more_than_a_hundred_fields_are_listed(void **state)
{
	struct text text = { 0 };
	struct reading got = { 0 };
	struct pieces pieces;
	size_t n = 0;

	(void)state;
	text_put(&text, "{\"apiVersion\": \"networking.k8s.io/v1\", "
			"\"kind\": \"NetworkPolicy\"");
	for (int i = 0; i < 5000; i++)
		text_put(&text, ", \"x%d\": 1", i);
	text_put(&text, "}");
	pieces = pieces_of(text_string(&text), 1 << 20);
	read_pieces(&pieces, false, NULL, NULL, &got);
	for (const char *p = text_string(&got.findings);
	     (p = strstr(p, "unknown field")); p++)
		n++;
	assert_int_equal(n, 100);
	assert_non_null(strstr(text_string(&got.findings), ", and 4900 more"));
	reading_release(&got);
	text_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_those_expected),
		cmocka_unit_test(no_more_than_a_hundred_fields_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
