/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "denied_world.h"
#include "rule_text.h"

#define WEB "10.0.0.1"
#define DB "10.0.0.2"
#define OUTSIDE "192.0.2.1"

#define FROM(peers) "ingress: [{from: [" peers "]}]"
#define PODS(selector) FROM("{podSelector: " selector "}")
#define EXPRESSION(key, operator, values)                                      \
	"{matchExpressions: [{key: " key ", operator: " operator values "}]}"
#define PORTS(ports) "ingress: [{ports: [" ports "]}]"
#define TO(peers, ports)                                                       \
	"policyTypes: [Egress], egress: [{to: [" peers "], ports: [" ports "]}]"
#define NAMESPACES(selector) FROM("{namespaceSelector: " selector "}")
#define NAME "kubernetes.io/metadata.name"

enum told_of {
	OF_NOBODY,   /* no receiver */
	OF_RECEIVER, /* the flow's */
};

/* Rules of shop/p in the world of denied_world.h. */
static const struct {
	const char *name;
	const char *spec;
	enum told_of told_of;
	const char *text;
} cases[] = {
	/* ---- peers ---- */
	{ "NP-14: an empty rule", "ingress: [{}]", OF_NOBODY,
	  "from anywhere, any protocol and port" },
	{ "an empty rule for egress", "egress: [{}], policyTypes: [Egress]",
	  OF_NOBODY, "to anywhere, any protocol and port" },
	{ "NP-30: pods of the policy's namespace",
	  PODS("{matchLabels: {app: client}}"), OF_NOBODY,
	  "from pods with app=client in namespace shop, any protocol and "
	  "port" },
	{ "NP-30: all of them", PODS("{}"), OF_NOBODY,
	  "from any pod in namespace shop, any protocol and port" },
	{ "NP-31: all pods", NAMESPACES("{}"), OF_NOBODY,
	  "from any pod in any namespace, any protocol and port" },
	{ "NP-31: all pods of some namespaces",
	  NAMESPACES("{matchLabels: {team: a, env: b}}"), OF_NOBODY,
	  "from any pod in namespaces with env=b and team=a, any protocol and "
	  "port" },
	{ "NP-32: some pods of some namespaces",
	  FROM("{podSelector: {matchLabels: {app: x}}, "
	       "namespaceSelector: {matchLabels: {team: a}}}"),
	  OF_NOBODY,
	  "from pods with app=x in namespaces with team=a, any protocol and "
	  "port" },
	{ "NP-32: some pods of all namespaces",
	  FROM("{podSelector: {matchLabels: {app: x}}, "
	       "namespaceSelector: {}}"),
	  OF_NOBODY,
	  "from pods with app=x in any namespace, any protocol and port" },
	{ "NP-41: a namespace by its name",
	  NAMESPACES("{matchLabels: {" NAME ": guests}}"), OF_NOBODY,
	  "from any pod in namespace guests, any protocol and port" },
	{ "several by their names",
	  NAMESPACES(EXPRESSION(NAME, "In", ", values: [a, b, c]")), OF_NOBODY,
	  "from any pod in namespace a, b or c, any protocol and port" },
	{ "all others",
	  NAMESPACES(EXPRESSION(NAME, "NotIn", ", values: [a, b]")), OF_NOBODY,
	  "from any pod in namespaces other than a and b, any protocol and "
	  "port" },
	{ "a name and labels",
	  NAMESPACES("{matchLabels: {" NAME ": a, team: x}}"), OF_NOBODY,
	  "from any pod in namespace a with team=x, any protocol and port" },
	{ "a name that is only there",
	  NAMESPACES(EXPRESSION(NAME, "Exists", "")), OF_NOBODY,
	  "from any pod in namespaces with the label " NAME
	  ", any protocol and port" },
	{ "NP-33: a block", FROM("{ipBlock: {cidr: 10.0.0.0/8}}"), OF_NOBODY,
	  "from 10.0.0.0/8, any protocol and port" },
	{ "a block with exceptions",
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, "
	       "10.2.0.0/16]}}"),
	  OF_NOBODY,
	  "from 10.0.0.0/8 except 10.1.0.0/16 and 10.2.0.0/16, any protocol "
	  "and port" },
	{ "NP-37: every address of a family",
	  FROM("{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}"),
	  OF_NOBODY,
	  "from any IPv4 address or from any IPv6 address, any protocol and "
	  "port" },
	{ "several peers",
	  FROM("{podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8}}, "
	       "{namespaceSelector: {}}"),
	  OF_NOBODY,
	  "from any pod in namespace shop, from 10.0.0.0/8 or from any pod in "
	  "any namespace, any protocol and port" },
	{ "more peers than a line has room for",
	  FROM("{ipBlock: {cidr: 10.1.0.0/16}}, {ipBlock: {cidr: 10.2.0.0/16}},"
	       "{ipBlock: {cidr: 10.3.0.0/16}}, {ipBlock: {cidr: 10.4.0.0/16}},"
	       "{ipBlock: {cidr: 10.5.0.0/16}}, {ipBlock: {cidr: 10.6.0.0/16}},"
	       "{ipBlock: {cidr: 10.7.0.0/16}}, {ipBlock: {cidr: 10.8.0.0/16}},"
	       "{ipBlock: {cidr: 10.9.0.0/16}}, {ipBlock: {cidr: 10.10.0.0/16}}"),
	  OF_NOBODY,
	  "from 10.1.0.0/16, from 10.2.0.0/16, from 10.3.0.0/16, from "
	  "10.4.0.0/16, from 10.5.0.0/16, from 10.6.0.0/16, from 10.7.0.0/16, "
	  "from 10.8.0.0/16 or 2 more, any protocol and port" },

	/* ---- labels ---- */
	{ "what has to be there, and what must not",
	  PODS("{matchLabels: {a: b, c: d}, matchExpressions: [{key: e, "
	       "operator: NotIn, values: [f]}, {key: g, operator: "
	       "DoesNotExist}, {key: h, operator: Exists}]}"),
	  OF_NOBODY,
	  "from pods with a=b, c=d, without e=f, the label g and with the "
	  "label h in namespace shop, any protocol and port" },
	{ "values", PODS(EXPRESSION("a", "In", ", values: [b, c]")), OF_NOBODY,
	  "from pods with a in (b,c) in namespace shop, any protocol and "
	  "port" },
	{ "values that must not be there",
	  PODS(EXPRESSION("a", "NotIn", ", values: [b, c]")), OF_NOBODY,
	  "from pods without a in (b,c) in namespace shop, any protocol and "
	  "port" },
	{ "more labels than a line has room for",
	  PODS("{matchLabels: {a: x, b: x, c: x, d: x, e: x, f: x, g: x, h: x, "
	       "i: x, j: x}}"),
	  OF_NOBODY,
	  "from pods with a=x, b=x, c=x, d=x, e=x, f=x, g=x, h=x and 2 more in "
	  "namespace shop, any protocol and port" },

	/* ---- ports ---- */
	{ "a port", PORTS("{port: 80}"), OF_NOBODY,
	  "from anywhere, to port 80/TCP" },
	{ "ports", PORTS("{port: 80}, {port: 53, protocol: UDP}, {port: 1}"),
	  OF_NOBODY, "from anywhere, to port 80/TCP, 53/UDP or 1/TCP" },
	{ "a range", PORTS("{port: 8000, endPort: 8100}"), OF_NOBODY,
	  "from anywhere, to port 8000-8100/TCP" },
	{ "NP-7: any port of a protocol", PORTS("{}"), OF_NOBODY,
	  "from anywhere, to any TCP port" },
	{ "any port of one and a port of another",
	  PORTS("{}, {port: 53, protocol: UDP}, {protocol: SCTP}, {port: 9}"),
	  OF_NOBODY,
	  "from anywhere, to any TCP port, port 53/UDP, any SCTP port or port "
	  "9/TCP" },
	{ "more ports than a line has room for",
	  PORTS("{port: 1}, {port: 2}, {port: 3}, {port: 4}, {port: 5}, "
		"{port: 6}, {port: 7}, {port: 8}, {port: 9}"),
	  OF_NOBODY,
	  "from anywhere, to port 1/TCP, 2/TCP, 3/TCP, 4/TCP, 5/TCP, 6/TCP, "
	  "7/TCP, 8/TCP or 1 more" },
	{ "a name, of nobody in particular", PORTS("{port: http}"), OF_NOBODY,
	  "from anywhere, to port http/TCP" },
	{ "NP-45: a name, and what it stands for", PORTS("{port: http}"),
	  OF_RECEIVER,
	  "from anywhere, to port http/TCP, which is 8080 on shop/web" },
	{ "NP-47: a name that the receiver does not have", PORTS("{port: dns}"),
	  OF_RECEIVER,
	  "from anywhere, to port dns/TCP, a name that shop/web does not "
	  "have" },

	/* ---- egress ---- */
	{ "whom it reaches, and on which port",
	  TO("{podSelector: {matchLabels: {app: db}}}, {ipBlock: {cidr: "
	     "10.0.0.0/8}}",
	     "{port: 5432}, {protocol: UDP}"),
	  OF_NOBODY,
	  "to pods with app=db in namespace shop or to 10.0.0.0/8, port "
	  "5432/TCP or any UDP port" },
};

static char *text_of_rule(const struct side_explanation *side,
			  enum direction dir, const struct receiver *receiver)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(1, side->n_rules);
	rule_text_write(out, side->rules[0].policy, dir, side->rules[0].rule,
			receiver);
	fclose(out);
	return text;
}

static void a_rule_says_whom_it_lets_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct side_explanation *sides;
		struct receiver receiver = { 0 };
		enum direction dir = DIRECTION_INGRESS;
		struct denied_world world;
		char *text;

		denied_world_init(&world, cases[i].spec, DB, WEB, "81/TCP");
		sides = world.explanation.sides;
		if (sides[DIRECTION_EGRESS].n_rules > 0)
			dir = DIRECTION_EGRESS;
		if (cases[i].told_of == OF_RECEIVER)
			receiver.pod = sides[DIRECTION_INGRESS].pod;
		text = text_of_rule(&sides[dir], dir, &receiver);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name,
				 cases[i].text, text);
		free(text);
		denied_world_release(&world);
	}
}

/* Flows that the one rule of shop/p allows, and by which of its entries. */
static const struct {
	const char *name;
	const char *spec;
	const char *src, *dst, *port;
	const char *text;
} matches[] = {
	{ "the rule that lists nothing", "ingress: [{}]", DB, WEB, "ICMP",
	  "from anywhere, any protocol and port" },
	{ "the only entries need no number",
	  "ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}]", DB,
	  WEB, "8080/TCP",
	  "from any pod in namespace shop, to port http/TCP, which is 8080 on "
	  "shop/web" },
	{ "of several the first that fits is told",
	  "ingress: [{from: [{podSelector: {matchLabels: {a: b}}}, "
	  "{podSelector: {matchLabels: {app: db}}}, {podSelector: {}}], "
	  "ports: [{port: 80}, {}, {port: 8080}]}]",
	  DB, WEB, "8080/TCP",
	  "from pods with app=db in namespace shop (peer 2 of 3), to any TCP "
	  "port (port 2 of 3)" },
	{ "a block, and any port",
	  "ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: "
	  "192.0.2.0/24}}]}]",
	  OUTSIDE, WEB, "81/TCP",
	  "from 192.0.2.0/24 (peer 2 of 2), any protocol and port" },
	{ "egress, and a name of the receiver's",
	  TO("{podSelector: {}}", "{port: 53}, {port: http}"), DB, WEB,
	  "8080/TCP",
	  "to any pod in namespace shop, port http/TCP, which is 8080 on "
	  "shop/web (port 2 of 2)" },
};

static void a_match_says_by_which_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		const struct side_explanation *sides;
		enum direction dir = DIRECTION_INGRESS;
		struct receiver receiver;
		struct denied_world world;
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		denied_world_init(&world, matches[i].spec, matches[i].src,
				  matches[i].dst, matches[i].port);
		sides = world.explanation.sides;
		if (sides[DIRECTION_EGRESS].n_rules > 0)
			dir = DIRECTION_EGRESS;
		assert_int_equal(REASON_RULE, sides[dir].side.reason);
		receiver = (struct receiver){ sides[DIRECTION_INGRESS].pod,
					      &world.key.dst };
		rule_text_write_match(out, dir, &sides[dir].rules[0],
				      &receiver);
		fclose(out);
		if (strcmp(text, matches[i].text) != 0)
			fail_msg("%s: expected '%s', got '%s'", matches[i].name,
				 matches[i].text, text);
		free(text);
		denied_world_release(&world);
	}
}

static void a_rule_has_a_name(void **state)
{
	const struct network_policy policy = { .namespace = "shop",
					       .name = "allow-web" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	rule_text_write_name(out, &policy, 1);
	fclose(out);
	assert_string_equal("rule 2 of shop/allow-web", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_says_whom_it_lets_through),
		cmocka_unit_test(a_match_says_by_which_entries),
		cmocka_unit_test(a_rule_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
