/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flowlog/flow_rows.h"
#include "netpold/object.h"

#define MAX 4

#define TIME_US INT64_C(1773457632345678)
static const struct flow_amount packet = { TIME_US, 1, 60 };

static struct flow_rows *rows;

static int make_rows(void **state)
{
	static const uint64_t hash_key[2] = { 1, 2 };

	(void)state;
	rows = flow_rows_new(MAX, hash_key);
	return rows ? 0 : -1;
}

static int free_rows(void **state)
{
	(void)state;
	flow_rows_free(rows);
	return 0;
}

static const struct flow_about some = {
	.from = "shop/web",
	.from_kind = "Deployment",
	.to = "shop/db",
	.to_kind = "StatefulSet",
	.why = "ingress: shop/p rule 1",
	.would_why = "",
	.port = 5432,
	.protocol = PROTOCOL_TCP,
	.has_port = true,
	.verdict = VERDICT_ALLOW,
	.would = VERDICT_ALLOW,
};

static uint64_t id_of(const struct flow_about *about, int64_t now_us)
{
	uint32_t place = flow_rows_place(rows, about, now_us);

	assert_true(place < flow_rows_n(rows));
	flow_rows_count(rows, place, &packet, now_us);
	return flow_rows_at(rows, place)->id;
}

static void change_sender(struct flow_about *about)
{
	about->from = "shop/web2";
}

static void change_kind(struct flow_about *about)
{
	about->from_kind = "DaemonSet";
}

static void change_receiver(struct flow_about *about)
{
	about->to = "shop/db2";
}

static void change_reason(struct flow_about *about)
{
	about->why = "ingress: shop/p rule 2";
}

static void change_plan(struct flow_about *about)
{
	about->would = VERDICT_DENY;
}

static void change_plan_reason(struct flow_about *about)
{
	about->would_why = "x";
}

static void change_verdict(struct flow_about *about)
{
	about->verdict = VERDICT_DENY;
}

static void change_port(struct flow_about *about)
{
	about->port = 5433;
}

static void change_protocol(struct flow_about *about)
{
	about->protocol = PROTOCOL_UDP;
}

static void change_no_port(struct flow_about *about)
{
	about->has_port = false;
}

static void change_audit(struct flow_about *about)
{
	about->is_audit = true;
}

/* The texts, one after the other, are the same (L25). */
static void change_bounds(struct flow_about *about)
{
	about->from = "shop/webDeployment";
	about->from_kind = "";
}

/* Each makes another row of it. */
static const struct {
	const char *name;
	void (*change)(struct flow_about *about);
} changes[] = {
	{ "another sender", change_sender },
	{ "a workload of its name, and of another kind", change_kind },
	{ "another receiver", change_receiver },
	{ "another reason", change_reason },
	{ "another plan", change_plan },
	{ "another reason of the plan", change_plan_reason },
	{ "another verdict", change_verdict },
	{ "another port", change_port },
	{ "another protocol", change_protocol },
	{ "no port", change_no_port },
	{ "an audit", change_audit },
	{ "texts that are parted otherwise", change_bounds },
};

static void rows_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct flow_about other = some;
		uint64_t id = id_of(&some, (int64_t)i);

		changes[i].change(&other);
		if (id_of(&other, (int64_t)i) == id)
			fail_msg("%s is the same row", changes[i].name);
		assert_int_equal(id, id_of(&some, (int64_t)i));
	}
}

static void a_row_keeps_its_texts(void **state)
{
	struct flow_about about = some;
	const struct flow_row *row;
	char name[] = "shop/web";

	(void)state;
	about.from = name;
	row = flow_rows_at(rows, flow_rows_place(rows, &about, 1));
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal("shop/web", row->about.from);
	assert_string_equal("Deployment", row->about.from_kind);
	assert_string_equal("shop/db", row->about.to);
	assert_string_equal("StatefulSet", row->about.to_kind);
	assert_string_equal("ingress: shop/p rule 1", row->about.why);
	assert_string_equal("", row->about.would_why);
	assert_int_equal(5432, row->about.port);
}

static void a_row_counts(void **state)
{
	uint32_t place = flow_rows_place(rows, &some, 1);
	const struct flow_amount of_another_worker = { TIME_US - 1000, 1, 60 },
				 many = { TIME_US + 4000, 40, 2400 };
	const struct flow_row *row;

	(void)state;
	flow_rows_count(rows, place, &packet, 1);
	flow_rows_count(rows, place, &of_another_worker, 2);
	flow_rows_count(rows, place, &many, 3);
	row = flow_rows_at(rows, place);
	assert_int_equal(42, row->count);
	assert_int_equal(42 * 60, row->bytes);
	assert_int_equal(TIME_US - 1000, row->first_us);
	assert_int_equal(TIME_US + 4000, row->last_us);
}

static uint32_t add(uint16_t port, int64_t now_us)
{
	struct flow_about about = some;
	uint32_t place;

	about.port = port;
	place = flow_rows_place(rows, &about, now_us);
	flow_rows_count(rows, place, &packet, now_us);
	return place;
}

static void the_one_seen_longest_ago_makes_room(void **state)
{
	uint64_t id;

	(void)state;
	for (uint16_t port = 1; port <= MAX; port++)
		add(port, port);
	id = flow_rows_at(rows, add(1, 100))->id;
	assert_int_equal(MAX, flow_rows_n(rows));
	assert_int_equal(0, flow_rows_n_gone(rows));
	/* That is 2: 1 was seen again. */
	assert_int_equal(add(3, 4), add(3, 50));
	add(9, 101);
	assert_int_equal(MAX, flow_rows_n(rows));
	assert_int_equal(1, flow_rows_n_gone(rows));
	assert_int_equal(id, flow_rows_at(rows, add(1, 102))->id);
	/* It comes back as another, and begins anew. */
	assert_int_equal(1, flow_rows_at(rows, add(2, 103))->count);
	assert_int_equal(2, flow_rows_n_gone(rows));
}

/* Chains of places that come and go stay whole. */
static void many_rows_come_and_go(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint16_t port = (uint16_t)(i * 7919 % 97);
		const struct flow_row *row = flow_rows_at(rows, add(port, i));

		assert_int_equal(port, row->about.port);
	}
	assert_int_equal(MAX, flow_rows_n(rows));
}

#define ROWS_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_rows, free_rows)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROWS_TEST(rows_are_told_apart),
		ROWS_TEST(a_row_keeps_its_texts),
		ROWS_TEST(a_row_counts),
		ROWS_TEST(the_one_seen_longest_ago_makes_room),
		ROWS_TEST(many_rows_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
