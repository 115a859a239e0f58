/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AV-13: what becomes of policies that a server has let in, and that would not
 * be let in here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

#define BOTH "\"policyTypes\":[\"Ingress\",\"Egress\"]"
#define KEPT "\"podSelector\":{}," BOTH
#define POLICY                                                                 \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\"," \
	"\"metadata\":{\"namespace\":\"n\",\"name\":\"p\"},\"spec\":{"         \
	"\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"],"

static const struct {
	const char *name, *spec;
	const char *findings;
	const char *left; /* as it is written; NULL: no object */
} cases[] = {
	/* taken as it is */
	{ "AV-57: odd forms of blocks are taken by their meaning",
	  KEPT ",\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"010.0.0.5/8\"}}]"
	       "}]",
	  "",
	  POLICY "\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\"}}]"
		 "}],\"ingress\":[]}}" },
	{ "NP-25: a value that no label may have is compared like any other",
	  "\"podSelector\":{}," BOTH
	  ",\"ingress\":[{\"from\":[{\"podSelector\":{\"matchLabels\":{\"a\":"
	  "\"-\"}}}]}]",
	  "",
	  POLICY "\"egress\":[],\"ingress\":[{\"from\":[{\"podSelector\":{"
		 "\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\","
		 "\"values\":[\"-\"]}]}}]}]}}" },
	/* a rule that is not understood */
	{ "a rule with a peer of an unknown kind lets nothing in",
	  KEPT ",\"ingress\":[{\"from\":[{\"new\":{}}]},{\"ports\":[{\"port\":"
	       "80}]}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.ingress[0].from[0].new\"\n",
	  POLICY "\"egress\":[],\"ingress\":[{\"ports\":[{\"protocol\":\"TCP\","
		 "\"port\":80}]}]}}" },
	{ "and is left out as a whole, the peers that are known with it",
	  KEPT ",\"egress\":[{\"to\":[{\"podSelector\":{}},{\"new\":{}}]}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.egress[0].to[1].new\"\n",
	  POLICY "\"egress\":[],\"ingress\":[]}}" },
	{ "so is one with a protocol that nobody knows",
	  KEPT ",\"ingress\":[{},{\"ports\":[{\"protocol\":\"QUIC\"}]}]",
	  "f: NetworkPolicy n/p: spec.ingress[1].ports[0].protocol: "
	  "Unsupported value: \"QUIC\": supported values: \"TCP\", \"UDP\", "
	  "\"SCTP\"\n",
	  POLICY "\"egress\":[],\"ingress\":[{}]}}" },
	{ "so is one whose peer is empty, and was not for the server",
	  KEPT ",\"ingress\":[{\"from\":[{}]}]",
	  "f: NetworkPolicy n/p: spec.ingress[0].from[0]: Required value: must "
	  "specify a peer\n",
	  POLICY "\"egress\":[],\"ingress\":[]}}" },
	{ "so is one with a field of another type",
	  KEPT ",\"ingress\":[{\"ports\":[{\"port\":true}]},{\"from\":5}]",
	  "f: NetworkPolicy n/p: spec.ingress[0].ports[0].port: json: cannot "
	  "unmarshal bool into Go struct field "
	  "NetworkPolicyPort.spec.ingress.ports.port of type int32\n"
	  "f: NetworkPolicy n/p: spec.ingress[1].from: json: cannot unmarshal "
	  "number into Go struct field "
	  "NetworkPolicyIngressRule.spec.ingress.from of type "
	  "[]v1.NetworkPolicyPeer\n",
	  POLICY "\"egress\":[],\"ingress\":[]}}" },
	/* beside the rules */
	{ "an unknown field beside the rules is read over",
	  KEPT ",\"new\":{\"a\":1},\"ingress\":[{}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.new\"\n",
	  POLICY "\"egress\":[],\"ingress\":[{}]}}" },
	/* no policy is left */
	{ "a selector that is not understood selects nobody",
	  "\"podSelector\":{\"new\":1}," BOTH ",\"ingress\":[{}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.podSelector.new\"\n",
	  NULL },
	{ "a type that nobody knows keeps no way open that another closes",
	  "\"podSelector\":{},\"policyTypes\":[\"Both\",\"Ingress\",7,"
	  "\"Egress\",\"\"],\"ingress\":[{}]",
	  "f: NetworkPolicy n/p: spec.policyTypes[2]: json: cannot unmarshal "
	  "number into Go struct field NetworkPolicySpec.spec.policyTypes of "
	  "type v1.PolicyType\n",
	  POLICY "\"egress\":[],\"ingress\":[{}]}}" },
	{ "and closes none itself",
	  "\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Both\"],"
	  "\"egress\":[{}]",
	  "f: NetworkPolicy n/p: spec.policyTypes[1]: Unsupported value: "
	  "\"Both\": supported values: \"Ingress\", \"Egress\"\n",
	  "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
	  "\"metadata\":{\"namespace\":\"n\",\"name\":\"p\"},\"spec\":{"
	  "\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"egress\":[{}],"
	  "\"ingress\":[]}}" },
	{ "beside it, a rule that is not understood lets nothing in",
	  "\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\","
	  "\"Both\"],\"ingress\":[{\"from\":[{\"new\":{}}]}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.ingress[0].from[0].new\"\n",
	  POLICY "\"egress\":[],\"ingress\":[]}}" },
	{ "a policy of such types alone is none",
	  "\"podSelector\":{},\"policyTypes\":[\"Both\"]",
	  "f: NetworkPolicy n/p: spec.policyTypes[0]: Unsupported value: "
	  "\"Both\": supported values: \"Ingress\", \"Egress\"\n",
	  NULL },
	{ "NP-3: without types, rules cannot be left out",
	  "\"podSelector\":{},\"egress\":[{\"new\":1}]",
	  "f: NetworkPolicy n/p: strict decoding error: unknown field "
	  "\"spec.egress[0].new\"\n",
	  NULL },
	{ "zero bytes cut no value short",
	  "\"podSelector\":{\"matchLabels\":{\"a\":\"b\\u0000c\"}}," BOTH,
	  "f: NetworkPolicy n/p: Invalid value: must not contain a zero byte\n",
	  NULL },
};

static void policies_are_closed_rather_than_open(void **state)
{
	const struct api_reader_options how = { .form = API_WATCH,
						.kind = OBJECT_NETWORK_POLICY };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer got = { .has_texts = true };
		struct text text = { 0 }, expected = { 0 };

		text_put(&text,
			 "{\"type\":\"ADDED\",\"object\":{\"metadata\":{"
			 "\"name\":\"p\",\"namespace\":\"n\"},\"spec\":{%s}}}",
			 cases[i].spec);
		text_put(&expected, "%sadded n/p%s\n%s%s", cases[i].findings,
			 !cases[i].left	      ? ""
			 : *cases[i].findings ? " narrowed object"
					      : " object",
			 cases[i].left ? cases[i].left : "",
			 cases[i].left ? "\n" : "");
		answer_read_whole(&how, text.data, text.len, &got);
		if (got.result != 0 ||
		    strcmp(text_string(&got.told), expected.data) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 cases[i].name, expected.data,
				 text_string(&got.told));
		text_release(&text);
		text_release(&expected);
		answer_release(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_are_closed_rather_than_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
