/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L34: what a row says of an event, in the world of denied_world.h: shop/p
 * isolates web and db.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "denied_world.h"
#include "flowlog/flow_event.h"
#include "flowlog/flow_namer.h"

#define G "10.1.0.1"
#define WEB "10.0.0.1"
#define OUTSIDE "192.0.2.1"

static struct flow_event event_in(const struct denied_world *judge)
{
	const struct decision *decision = &judge->explanation.decision;

	return (struct flow_event){
		.key = judge->key,
		.decision = *decision,
		.planned = *decision,
		.answer = decision->verdict == VERDICT_ALLOW ? ANSWER_ALLOW
							     : ANSWER_DENY,
	};
}

/* In the spec of one. */
#define ANOTHER_POLICY(name)                                                   \
	"}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "    \
	"metadata: {namespace: shop, name: " name                              \
	"}, spec: {podSelector: {}, ingress: []"

static const struct {
	const char *name;
	const char *spec, *src, *dst, *port; /* judged by this */
	const char *later;		     /* NULL: and told by it, too */
	const char *from, *from_kind, *to, *why;
	enum verdict verdict;
} cases[] = {
	{ "a denial names the policy that isolates", "ingress: []", G, WEB,
	  "80/TCP", NULL, "guests/g", "Pod", "shop/web",
	  "ingress: isolated by shop/p, no rule matches", VERDICT_DENY },
	{ "of many policies that isolate some are named",
	  "ingress: []" ANOTHER_POLICY("q1") ANOTHER_POLICY("q2")
		  ANOTHER_POLICY("q3") ANOTHER_POLICY("q4"),
	  G, WEB, "80/TCP", NULL, "guests/g", "Pod", "shop/web",
	  "ingress: isolated by shop/p, shop/q1, shop/q2 and 2 more, no rule "
	  "matches",
	  VERDICT_DENY },
	{ "who is allowed is told the rule", "ingress: [{}]", G, WEB, "80/TCP",
	  NULL, "guests/g", "Pod", "shop/web",
	  "egress: not isolated; ingress: shop/p rule 1", VERDICT_ALLOW },
	{ "who is outside is an address", "ingress: []", OUTSIDE, WEB, "ICMP",
	  NULL, OUTSIDE, "", "shop/web",
	  "ingress: isolated by shop/p, no rule matches", VERDICT_DENY },
	{ "a denial outlives its policy", "ingress: []", G, WEB, "80/TCP",
	  "ingress: [{}]", "guests/g", "Pod", "shop/web",
	  "ingress: isolated, no rule matches (policies have changed since)",
	  VERDICT_DENY },
};

static void a_row_says_who_and_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_namer namer = { .from = "" };
		struct denied_world judge, later;
		struct flow_event event;
		struct flow_about about;

		denied_world_init(&judge, cases[i].spec, cases[i].src,
				  cases[i].dst, cases[i].port);
		denied_world_init(
			&later, cases[i].later ? cases[i].later : cases[i].spec,
			cases[i].src, cases[i].dst, cases[i].port);
		event = event_in(&judge);
		assert_int_equal(0, flow_namer_say(&namer, later.snapshot,
						   &event, &about));
		if (strcmp(cases[i].from, about.from) != 0 ||
		    strcmp(cases[i].from_kind, about.from_kind) != 0 ||
		    strcmp(cases[i].to, about.to) != 0 ||
		    strcmp(cases[i].why, about.why) != 0 ||
		    strcmp("", about.would_why) != 0 ||
		    cases[i].verdict != about.verdict ||
		    about.would != about.verdict)
			fail_msg("%s: '%s' ('%s') to '%s': %s '%s', staged "
				 "'%s'",
				 cases[i].name, about.from, about.from_kind,
				 about.to, verdict_name(about.verdict),
				 about.why, about.would_why);
		flow_namer_release(&namer);
		denied_world_release(&judge);
		denied_world_release(&later);
	}
}

static void nobody_has_a_name_where_nothing_is_in_force(void **state)
{
	struct flow_namer namer = { .from = "" };
	struct denied_world judge;
	struct flow_event event;
	struct flow_about about;

	(void)state;
	denied_world_init(&judge, "ingress: []", G, WEB, "80/TCP");
	event = event_in(&judge);
	assert_int_equal(0, flow_namer_say(&namer, NULL, &event, &about));
	assert_string_equal(G, about.from);
	assert_string_equal("", about.from_kind);
	assert_string_equal(WEB, about.to);
	assert_int_equal(80, about.port);
	flow_namer_release(&namer);
	denied_world_release(&judge);
}

static void what_is_staged_has_a_reason_of_its_own(void **state)
{
	struct flow_namer namer = { .from = "" };
	struct denied_world enforced, staged;
	struct flow_event event;
	struct flow_about about;

	(void)state;
	denied_world_init(&enforced, "ingress: [{}]", G, WEB, "80/TCP");
	denied_world_init(&staged, "ingress: []", G, WEB, "80/TCP");
	event = event_in(&enforced);
	event.planned = staged.explanation.decision;
	assert_int_equal(
		0, flow_namer_say(&namer, enforced.snapshot, &event, &about));
	assert_int_equal(VERDICT_ALLOW, about.verdict);
	assert_int_equal(VERDICT_DENY, about.would);
	assert_string_equal("egress: not isolated; ingress: shop/p rule 1",
			    about.why);
	/* Nothing is staged any more. */
	assert_string_equal("ingress: isolated, no rule matches (policies have "
			    "changed since)",
			    about.would_why);
	flow_namer_release(&namer);
	denied_world_release(&enforced);
	denied_world_release(&staged);
}

static void what_asks_no_policy_says_so(void **state)
{
	struct flow_namer namer = { .from = "" };
	struct denied_world world;
	struct flow_event event;
	struct flow_about about;

	(void)state;
	denied_world_init(&world, "ingress: [{}]", G, WEB, "ICMP");
	event = event_in(&world);
	event.note = NOTE_UNPARSABLE;
	event.answer = ANSWER_DENY;
	event.decision = event.planned = (struct decision){ 0 };
	event.key.src.family = IP_NONE;
	assert_int_equal(
		0, flow_namer_say(&namer, world.snapshot, &event, &about));
	assert_int_equal(VERDICT_DENY, about.verdict);
	assert_string_equal("its headers cannot be read", about.why);
	assert_string_equal("?", about.from);
	assert_string_equal("shop/web", about.to);
	event.note = NOTE_UNCLAIMED;
	assert_int_equal(
		0, flow_namer_say(&namer, world.snapshot, &event, &about));
	assert_int_equal(VERDICT_DENY, about.verdict);
	assert_string_equal("no pod had the address in time", about.why);
	event.note = FLOW_NOTE_REMEMBERED;
	assert_int_equal(
		0, flow_namer_say(&namer, world.snapshot, &event, &about));
	assert_int_equal(VERDICT_DENY, about.verdict);
	assert_string_equal(
		"the kernel remembers it (policies have changed since)",
		about.why);
	event.note = NOTE_DISCOVERY;
	event.answer = ANSWER_PASS;
	assert_int_equal(
		0, flow_namer_say(&namer, world.snapshot, &event, &about));
	assert_int_equal(VERDICT_ALLOW, about.verdict);
	assert_int_equal(VERDICT_ALLOW, about.would);
	assert_string_equal("neighbour discovery", about.why);
	flow_namer_release(&namer);
	denied_world_release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_says_who_and_why),
		cmocka_unit_test(nobody_has_a_name_where_nothing_is_in_force),
		cmocka_unit_test(what_is_staged_has_a_reason_of_its_own),
		cmocka_unit_test(what_asks_no_policy_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
