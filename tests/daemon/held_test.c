/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holding on a simulated clock: told fact by fact, and at random against a twin
 * that is a plain list of packets with their times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/held.h"
#include "policy/twin/random.h"

#define HOLD_MS 900
#define ROUNDS 200
#define STEPS 400

/* A packet whose bytes say who it is. */
static struct queue_packet a_packet(uint32_t id, uint8_t bytes[4])
{
	memcpy(bytes, &id, 4);
	return (struct queue_packet){
		.id = id, .mark = id * 7, .hook = 4, .data = bytes, .len = 4
	};
}

static struct ip_addr an_address(size_t number)
{
	const uint8_t bytes[4] = { 10, 66, (uint8_t)(number >> 8),
				   (uint8_t)number };

	return ip_addr_v4(bytes);
}

static bool hold(struct held *held, uint32_t id, size_t address,
		 uint32_t due_ms)
{
	uint8_t bytes[4];
	struct queue_packet packet = a_packet(id, bytes);
	struct ip_addr addr = an_address(address);

	return held_add(held, &packet, &addr, due_ms);
}

/* The ids of all that is held: "1 2 3". */
static const char *list(const struct held *held)
{
	static char text[HELD_MAX * 12];
	struct queue_packet packets[HELD_MAX];
	size_t n = held_look(held, 0, packets, HELD_MAX), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
					i ? " " : "", packets[i].id);
	}
	return text;
}

/* ---- fact by fact ------------------------------------------------------- */

static void packets_come_out_as_they_went_in(void **state)
{
	struct held *held = held_new();
	struct queue_packet packet;

	(void)state;
	assert_true(hold(held, 71, 1, HOLD_MS));
	assert_int_equal(1, held_look(held, 0, &packet, 1));
	assert_int_equal(71, packet.id);
	assert_int_equal(71 * 7, packet.mark);
	assert_int_equal(4, packet.hook);
	assert_int_equal(4, packet.len);
	assert_int_equal(0, memcmp(packet.data, &packet.id, 4));
	held_free(held);
}

static void a_long_packet_is_cut_to_what_is_ever_copied(void **state)
{
	static const uint8_t bytes[QUEUE_COPY_RANGE + 1] = { 0x45 };
	struct queue_packet packet = { .id = 1,
				       .data = bytes,
				       .len = sizeof(bytes) };
	struct ip_addr addr = an_address(1);
	struct held *held = held_new();

	(void)state;
	assert_true(held_add(held, &packet, &addr, HOLD_MS));
	assert_int_equal(1, held_look(held, 0, &packet, 1));
	assert_int_equal(QUEUE_COPY_RANGE, packet.len);
	held_free(held);
}

static void those_that_stay_keep_their_order(void **state)
{
	static const bool stays[] = { true, false, false, true };
	struct held *held = held_new();

	(void)state;
	for (uint32_t id = 1; id <= 6; id++)
		assert_true(hold(held, id, id, HOLD_MS));
	assert_int_equal(2, held_sort_out(held, 1, stays, 4));
	assert_string_equal("1 2 5 6", list(held));
	assert_true(hold(held, 7, 7, HOLD_MS));
	assert_string_equal("1 2 5 6 7", list(held));
	held_free(held);
}

static void the_last_packet_of_an_address_is_known(void **state)
{
	struct held *held = held_new();

	(void)state;
	assert_true(hold(held, 1, 1, HOLD_MS));
	assert_true(hold(held, 2, 2, HOLD_MS));
	assert_true(hold(held, 3, 1, HOLD_MS));
	assert_true(held_is_followed(held, 0));
	assert_false(held_is_followed(held, 1));
	assert_false(held_is_followed(held, 2));
	held_free(held);
}

static void one_address_takes_no_more_than_its_share(void **state)
{
	struct held *held = held_new();

	(void)state;
	for (uint32_t id = 0; id < HELD_MAX_PER_ADDRESS; id++)
		assert_true(hold(held, id, 1, HOLD_MS));
	assert_false(hold(held, 100, 1, HOLD_MS));
	assert_true(hold(held, 101, 2, HOLD_MS));
	assert_int_equal(HELD_MAX_PER_ADDRESS + 1, held_count(held));
	held_free(held);
}

static void all_addresses_take_no_more_than_there_is(void **state)
{
	const bool first_goes = false;
	struct held *held = held_new();

	(void)state;
	for (uint32_t id = 0; id < HELD_MAX; id++)
		assert_true(hold(held, id, id, HOLD_MS));
	assert_false(hold(held, HELD_MAX, HELD_MAX, HOLD_MS));
	held_sort_out(held, 0, &first_goes, 1);
	assert_true(hold(held, HELD_MAX, HELD_MAX, HOLD_MS));
	assert_int_equal(HELD_MAX, held_count(held));
	held_free(held);
}

static void what_has_waited_long_enough_goes_and_nothing_else(void **state)
{
	struct held *held = held_new();
	struct queue_packet gone[4];

	(void)state;
	assert_int_equal(-1, held_wait_ms(held, 0));
	assert_true(hold(held, 1, 1, 100));
	assert_true(hold(held, 2, 2, 150));
	assert_true(hold(held, 3, 1, 100));
	assert_int_equal(60, held_wait_ms(held, 40));
	assert_int_equal(0, held_expire(held, 99, gone, 4));
	assert_int_equal(2, held_expire(held, 100, gone, 4));
	assert_int_equal(1, gone[0].id);
	assert_int_equal(3, gone[1].id);
	assert_string_equal("2", list(held));
	assert_int_equal(0, held_wait_ms(held, 170));
	held_free(held);
}

static void no_more_go_than_the_caller_can_take(void **state)
{
	struct held *held = held_new();
	struct queue_packet gone[2];

	(void)state;
	for (uint32_t id = 1; id <= 5; id++)
		assert_true(hold(held, id, 1, 10));
	assert_int_equal(2, held_expire(held, 10, gone, 2));
	assert_string_equal("3 4 5", list(held));
	assert_int_equal(0, held_wait_ms(held, 10));
	held_free(held);
}

static void a_clock_that_wraps_around_is_still_a_clock(void **state)
{
	uint32_t now_ms = UINT32_MAX - 10;
	struct held *held = held_new();
	struct queue_packet gone;

	(void)state;
	assert_true(hold(held, 1, 1, now_ms + 100));
	assert_int_equal(100, held_wait_ms(held, now_ms));
	assert_int_equal(0, held_expire(held, now_ms + 99, &gone, 1));
	assert_int_equal(1, held_wait_ms(held, now_ms + 99));
	assert_int_equal(1, held_expire(held, now_ms + 100, &gone, 1));
	held_free(held);
}

/* ---- against a twin ----------------------------------------------------- */

struct twin {
	struct {
		uint32_t id, due_ms;
		size_t address;
	} items[HELD_MAX];
	size_t n;
};

static void twin_remove(struct twin *twin, size_t at)
{
	twin->n--;
	for (size_t i = at; i < twin->n; i++)
		twin->items[i] = twin->items[i + 1];
}

static bool twin_has_room(const struct twin *twin, size_t address)
{
	size_t n = 0;

	for (size_t i = 0; i < twin->n; i++)
		n += twin->items[i].address == address;
	return twin->n < HELD_MAX && n < HELD_MAX_PER_ADDRESS;
}

static void add_one(struct random *random, struct held *held, struct twin *twin,
		    uint32_t id, uint32_t now_ms, size_t n_addresses)
{
	size_t address = random_below(random, n_addresses);
	uint32_t due_ms = now_ms + HOLD_MS;
	bool room = twin_has_room(twin, address);

	assert_int_equal(room, hold(held, id, address, due_ms));
	if (!room)
		return;
	twin->items[twin->n].id = id;
	twin->items[twin->n].due_ms = due_ms;
	twin->items[twin->n++].address = address;
}

static void sort_out_some(struct random *random, struct held *held,
			  struct twin *twin)
{
	size_t from = random_below(random, twin->n + 1);
	size_t n = random_below(random, twin->n - from + 1), n_stay = 0;
	bool stays[HELD_MAX];

	for (size_t i = 0; i < n; i++) {
		stays[i] = random_percent(random, 50);
		n_stay += stays[i];
	}
	assert_int_equal(n_stay, held_sort_out(held, from, stays, n));
	for (size_t i = n; i > 0; i--) {
		if (!stays[i - 1])
			twin_remove(twin, from + i - 1);
	}
}

static void expire_some(struct random *random, struct held *held,
			struct twin *twin, uint32_t now_ms)
{
	size_t max = random_between(random, 1, QUEUE_BATCH), at = 0;
	struct queue_packet gone[QUEUE_BATCH];
	size_t n = held_expire(held, now_ms, gone, max);

	for (size_t i = 0; i < n; i++) {
		while (twin->items[at].due_ms > now_ms)
			at++;
		assert_int_equal(twin->items[at].id, gone[i].id);
		twin_remove(twin, at);
	}
	for (; n < max && at < twin->n; at++)
		assert_true(twin->items[at].due_ms > now_ms);
}

static void compare(const struct held *held, const struct twin *twin,
		    uint32_t now_ms)
{
	struct queue_packet packets[HELD_MAX];
	int wait_ms = -1;

	assert_int_equal(twin->n, held_count(held));
	assert_int_equal(twin->n, held_look(held, 0, packets, HELD_MAX));
	for (size_t i = 0; i < twin->n; i++) {
		int ms = (int)(twin->items[i].due_ms - now_ms);

		assert_int_equal(twin->items[i].id, packets[i].id);
		assert_int_equal(0, memcmp(packets[i].data, &packets[i].id, 4));
		ms = ms < 0 ? 0 : ms;
		wait_ms = wait_ms < 0 || ms < wait_ms ? ms : wait_ms;
	}
	assert_int_equal(wait_ms, held_wait_ms(held, now_ms));
}

static void a_plain_list_holds_the_same(void **state)
{
	uint64_t seed = random_setting("SEED", 20261126);
	struct random random = { .state = seed };
	uint32_t now_ms = 5000, id = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (int round = 0; round < ROUNDS; round++) {
		size_t n_addresses = random_between(&random, 1, 400);
		struct held *held = held_new();
		struct twin twin = { .n = 0 };

		for (int step = 0; step < STEPS; step++) {
			now_ms += (uint32_t)random_below(&random, 10);
			if (random_percent(&random, 80))
				add_one(&random, held, &twin, id++, now_ms,
					n_addresses);
			else if (random_percent(&random, 20))
				sort_out_some(&random, held, &twin);
			else
				expire_some(&random, held, &twin, now_ms);
			compare(held, &twin, now_ms);
		}
		held_free(held);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_come_out_as_they_went_in),
		cmocka_unit_test(a_long_packet_is_cut_to_what_is_ever_copied),
		cmocka_unit_test(those_that_stay_keep_their_order),
		cmocka_unit_test(the_last_packet_of_an_address_is_known),
		cmocka_unit_test(one_address_takes_no_more_than_its_share),
		cmocka_unit_test(all_addresses_take_no_more_than_there_is),
		cmocka_unit_test(
			what_has_waited_long_enough_goes_and_nothing_else),
		cmocka_unit_test(no_more_go_than_the_caller_can_take),
		cmocka_unit_test(a_clock_that_wraps_around_is_still_a_clock),
		cmocka_unit_test(a_plain_list_holds_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
