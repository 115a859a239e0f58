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
#include "miss_text.h"

#define WEB "10.0.0.1"
#define DB "10.0.0.2"
#define GUEST "10.1.0.1"
#define LOST "10.2.0.1"
#define OUTSIDE "192.0.2.1"

#define PODS(selector) "ingress: [{from: [{podSelector: " selector "}]}]"
#define NAMESPACES(selector)                                                   \
	"ingress: [{from: [{namespaceSelector: " selector "}]}]"
#define NAME(operator, values)                                                 \
	NAMESPACES("{matchExpressions: [{key: kubernetes.io/metadata.name, "   \
		   "operator: "                                                \
		   operator", values: [" values "]}]}")
#define EXPRESSION(key, operator)                                              \
	"{matchExpressions: [{key: " key ", operator: " operator"}]}"
#define BLOCK(block) "ingress: [{from: [{ipBlock: " block "}]}]"
#define PORTS(ports) "ingress: [{ports: [" ports "]}]"
#define EGRESS_PORTS(ports)                                                    \
	"policyTypes: [Egress], egress: [{ports: [" ports "]}]"

/* Flows in the world of denied_world.h, and what the nearest rule wants. */
static const struct {
	const char *name;
	const char *spec; /* of shop/p */
	const char *src, *dst, *port;
	const char *condition;
} cases[] = {
	/* ---- labels of pods ---- */
	{ "a label that the pod lacks", PODS("{matchLabels: {tier: web}}"), DB,
	  WEB, "80/TCP", "pod shop/db had tier=web" },
	{ "a label with another value", PODS("{matchLabels: {app: x}}"), DB,
	  WEB, "80/TCP", "pod shop/db had app=x" },
	{ "one of several values",
	  PODS("{matchExpressions: [{key: app, operator: In, values: [x, z]}]}"),
	  DB, WEB, "80/TCP", "pod shop/db had app in (x,z)" },
	{ "a value that the pod must not have",
	  PODS("{matchExpressions: "
	       "[{key: app, operator: NotIn, values: [db]}]}"),
	  DB, WEB, "80/TCP", "pod shop/db did not have app=db" },
	{ "values that the pod must not have",
	  PODS("{matchExpressions: "
	       "[{key: app, operator: NotIn, values: [db, x]}]}"),
	  DB, WEB, "80/TCP", "pod shop/db did not have app in (db,x)" },
	{ "a label that has to be there", PODS(EXPRESSION("tier", "Exists")),
	  DB, WEB, "80/TCP", "pod shop/db had the label tier" },
	{ "a label that must not be there",
	  PODS(EXPRESSION("app", "DoesNotExist")), DB, WEB, "80/TCP",
	  "pod shop/db did not have the label app" },
	{ "two labels", PODS("{matchLabels: {a: b, c: d}}"), DB, WEB, "80/TCP",
	  "pod shop/db had a=b and had c=d" },
	{ "three labels", PODS("{matchLabels: {a: b, c: d, e: f}}"), DB, WEB,
	  "80/TCP", "pod shop/db had a=b, had c=d and had e=f" },
	{ "more labels than a line has room for",
	  PODS("{matchLabels: {a: x, b: x, c: x, d: x, e: x, f: x, g: x, h: x, "
	       "i: x, j: x}}"),
	  DB, WEB, "80/TCP",
	  "pod shop/db had a=x, had b=x, had c=x, had d=x, had e=x, had f=x, "
	  "had g=x, had h=x and 2 more" },
	{ "more values than a line has room for",
	  PODS("{matchExpressions: [{key: app, operator: In, "
	       "values: [a, b, c, d, e, f, g, h, i, j, k]}]}"),
	  DB, WEB, "80/TCP",
	  "pod shop/db had app in (a,b,c,d,e,f,g,h) or 3 more" },
	{ "the receiver's labels, for egress",
	  "policyTypes: [Egress], egress: "
	  "[{to: [{podSelector: {matchLabels: {tier: web}}}]}]",
	  DB, WEB, "80/TCP", "pod shop/web had tier=web" },

	/* ---- namespaces ---- */
	{ "NP-30: the policy's own namespace", PODS("{}"), GUEST, WEB, "80/TCP",
	  "pod guests/g were in namespace shop" },
	{ "a label of the namespace", NAMESPACES("{matchLabels: {team: a}}"),
	  GUEST, WEB, "80/TCP", "namespace guests had team=a" },
	{ "a label that the namespace must not have",
	  NAMESPACES(EXPRESSION("team", "DoesNotExist")), GUEST, WEB, "80/TCP",
	  "namespace guests did not have the label team" },
	{ "NP-41: the label that is a namespace's name", NAME("In", "shop"),
	  GUEST, WEB, "80/TCP", "pod guests/g were in namespace shop" },
	{ "one of several names", NAME("In", "shop, a, b"), GUEST, WEB,
	  "80/TCP", "pod guests/g were in namespace shop, a or b" },
	{ "names that it must not be", NAME("NotIn", "guests, a"), GUEST, WEB,
	  "80/TCP", "pod guests/g were not in namespace guests or a" },
	{ "NP-42: a namespace that is not known",
	  NAMESPACES("{matchLabels: {team: a}}"), LOST, WEB, "80/TCP",
	  "namespace lost were known and had team=a" },
	{ "NP-42: what an unknown namespace may lack as well",
	  NAMESPACES(EXPRESSION("team", "DoesNotExist")), LOST, WEB, "80/TCP",
	  "namespace lost were known and did not have the label team" },
	{ "NP-42: the name of an unknown namespace is known",
	  NAME("In", "shop"), LOST, WEB, "80/TCP",
	  "pod lost/stray were in namespace shop" },
	{ "name, labels and pod together",
	  "ingress: [{from: [{namespaceSelector: {matchLabels: "
	  "{kubernetes.io/metadata.name: shop, team: a, x: z}}, "
	  "podSelector: {matchLabels: {app: z}}}], ports: [{port: 81}]}]",
	  GUEST, WEB, "80/TCP",
	  "pod guests/g were in namespace shop and namespace guests had team=a "
	  "and had x=z and pod guests/g had app=z and the port were 81/TCP "
	  "(not 80/TCP)" },

	/* ---- addresses ---- */
	{ "NP-34: what is no pod", PODS("{}"), OUTSIDE, WEB, "80/TCP",
	  "192.0.2.1 were the address of a pod that it names" },
	{ "a block", BLOCK("{cidr: 10.0.0.0/8}"), OUTSIDE, WEB, "80/TCP",
	  "192.0.2.1 were in 10.0.0.0/8" },
	{ "a block, and a pod's address", BLOCK("{cidr: 172.16.0.0/12}"), DB,
	  WEB, "80/TCP", "10.0.0.2 were in 172.16.0.0/12" },
	{ "a block, and IPv6", BLOCK("{cidr: 'fd00::/16'}"), "fd01::1",
	  "fd00::1", "80/TCP", "fd01::1 were in fd00::/16" },
	{ "an exception",
	  BLOCK("{cidr: 10.0.0.0/8, except: [10.9.0.0/16, 10.1.0.0/16]}"),
	  GUEST, WEB, "80/TCP", "10.1.0.1 were not excepted by 10.1.0.0/16" },
	{ "all exceptions that have the address",
	  BLOCK("{cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.0.0.0/9]}"), GUEST,
	  WEB, "80/TCP",
	  "10.1.0.1 were not excepted by 10.1.0.0/16 and 10.0.0.0/9" },

	/* ---- ports ---- */
	{ "a port", PORTS("{port: 81}"), DB, WEB, "80/TCP",
	  "the port were 81/TCP (not 80/TCP)" },
	{ "NP-49: another protocol", PORTS("{port: 80, protocol: UDP}"), DB,
	  WEB, "80/TCP", "the port were 80/UDP (not 80/TCP)" },
	{ "any port of another protocol", PORTS("{protocol: SCTP}"), DB, WEB,
	  "80/TCP", "the port were any SCTP port (not 80/TCP)" },
	{ "a range", PORTS("{port: 8000, endPort: 8100}"), DB, WEB, "80/TCP",
	  "the port were 8000-8100/TCP (not 80/TCP)" },
	{ "several ports", PORTS("{port: 1}, {port: 2}, {port: 3}"), DB, WEB,
	  "80/TCP", "the port were 1/TCP, 2/TCP or 3/TCP (not 80/TCP)" },
	{ "more ports than a line has room for",
	  PORTS("{port: 1}, {port: 2}, {port: 3}, {port: 4}, {port: 5}, "
		"{port: 6}, {port: 7}, {port: 8}, {port: 9}"),
	  DB, WEB, "80/TCP",
	  "the port were 1/TCP, 2/TCP, 3/TCP, 4/TCP, 5/TCP, 6/TCP, 7/TCP, "
	  "8/TCP or 1 more (not 80/TCP)" },
	{ "NP-45: a name, and what it stands for", PORTS("{port: http}"), DB,
	  WEB, "80/TCP",
	  "the port were http/TCP, which is 8080 on shop/web (not 80/TCP)" },
	{ "NP-46: a name that stands for two numbers",
	  PORTS("{port: dns, protocol: UDP}"), WEB, DB, "80/UDP",
	  "the port were dns/UDP, which is 53 or 5353 on shop/db (not 80/UDP)" },
	{ "NP-47: a name that the receiver does not have", PORTS("{port: dns}"),
	  DB, WEB, "80/TCP",
	  "the port were dns/TCP, a name that shop/web does not have "
	  "(not 80/TCP)" },
	{ "NP-49: nor under this protocol",
	  PORTS("{port: 81}, {port: http, protocol: UDP}"), DB, WEB, "80/TCP",
	  "the port were 81/TCP or http/UDP, a name that shop/web does not "
	  "have (not 80/TCP)" },
	{ "for egress the receiver is asked, too", EGRESS_PORTS("{port: http}"),
	  DB, GUEST, "80/TCP",
	  "the port were http/TCP, a name that guests/g does not have "
	  "(not 80/TCP)" },
	{ "NP-47: a name, and a receiver that is no pod",
	  EGRESS_PORTS("{port: http}"), DB, OUTSIDE, "80/TCP",
	  "the port were http/TCP, a name that 192.0.2.1 has not, being no "
	  "pod's address (not 80/TCP)" },
	{ "NP-70: ports, and a protocol that has none", PORTS("{port: 80}"), DB,
	  WEB, "ICMP", "the rule listed no ports (ICMP has none)" },
	{ "NP-70: and a protocol without a name", PORTS("{port: 80}"), DB, WEB,
	  "protocol 47", "the rule listed no ports (protocol 47 has none)" },
	{ "NP-74: a later fragment", PORTS("{port: 80}"), DB, WEB, "/TCP",
	  "the port were 80/TCP (a later fragment has none)" },
	{ "a rule without ports, and a ping: the label alone",
	  PODS("{matchLabels: {tier: web}}"), DB, WEB, "ICMP",
	  "pod shop/db had tier=web" },
	{ "no pod, and the port",
	  "ingress: [{from: [{podSelector: {}}], ports: [{port: 81}]}]",
	  OUTSIDE, WEB, "80/TCP",
	  "192.0.2.1 were the address of a pod that it names and the port were "
	  "81/TCP (not 80/TCP)" },
};

typedef void (*write_fn)(FILE *out, const struct decision_record *record,
			 enum direction dir, const struct rule_result *result);

/* What is written of the side that denies; to be freed. */
static char *text_of(const struct denied_world *world, write_fn write)
{
	const struct side_explanation *sides = world->explanation.sides;
	const struct decision_record record = {
		.key = world->key,
		.explanation = &world->explanation,
	};
	enum direction dir = DIRECTION_INGRESS;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (sides[DIRECTION_EGRESS].side.verdict == VERDICT_DENY)
		dir = DIRECTION_EGRESS;
	assert_non_null(sides[dir].nearest);
	write(out, &record, dir, sides[dir].nearest);
	fclose(out);
	return text;
}

static void a_condition_says_what_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct denied_world world;
		char *text;

		denied_world_init(&world, cases[i].spec, cases[i].src,
				  cases[i].dst, cases[i].port);
		text = text_of(&world, miss_text_write_condition);
		if (strcmp(text, cases[i].condition) != 0)
			fail_msg("%s: expected '%s', got '%s'", cases[i].name,
				 cases[i].condition, text);
		free(text);
		denied_world_release(&world);
	}
}

static void expect_sentence(const char *spec, const char *src,
			    const char *sentence)
{
	struct denied_world world;
	char *text;

	denied_world_init(&world, spec, src, WEB, "80/TCP");
	text = text_of(&world, miss_text_write);
	assert_string_equal(sentence, text);
	free(text);
	denied_world_release(&world);
}

static void a_sentence_names_the_rule(void **state)
{
	(void)state;
	expect_sentence("ingress: [{from: [{podSelector: {matchLabels: "
			"{a: b, c: d}}}]}, "
			"{from: [{podSelector: {matchLabels: {a: b}}}]}]",
			DB,
			"rule 2 of shop/p would match if pod shop/db had a=b");
	expect_sentence(PODS("{}"), OUTSIDE,
			"rule 1 of shop/p names only pods, and 192.0.2.1 is no "
			"pod's address");
	expect_sentence("ingress: [{from: [{podSelector: {}}], "
			"ports: [{port: 81}]}]",
			OUTSIDE,
			"rule 1 of shop/p would match if 192.0.2.1 were the "
			"address of a pod that it names and the port were "
			"81/TCP (not 80/TCP)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_says_what_is_missing),
		cmocka_unit_test(a_sentence_names_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
