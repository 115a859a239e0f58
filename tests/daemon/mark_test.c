/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/mark.h"

static const uint32_t masks[] = { MARK_DEFAULT_MASK, 0xf, 0xf0000000,
				  0x80402010, 0xffffffff };

static void expect_apart(const uint32_t *values, size_t n, uint32_t mask)
{
	for (size_t a = 0; a < n; a++) {
		assert_true(values[a] != 0);
		assert_int_equal(0, values[a] & ~mask);
		for (size_t b = 0; b < a; b++)
			assert_true(values[a] != values[b]);
	}
}

/* Those of packets, and those of connections. */
static void values_stay_under_the_mask_and_apart(void **state)
{
	(void)state; /* NF-60 */
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		uint32_t values[5 + N_PACKET_CLASSES];
		struct mark_layout m;

		assert_int_equal(0, mark_layout_init(&m, masks[i], NULL));
		values[0] = m.allowed;
		values[1] = m.picked_up;
		values[2] = m.own_node;
		values[3] = m.to_node;
		expect_apart(values, 4, masks[i]);
		values[2] = m.bypass;
		values[3] = m.remember;
		values[4] = m.denied;
		for (int k = 0; k < N_PACKET_CLASSES; k++)
			values[5 + k] = m.class[k];
		expect_apart(values, 5 + N_PACKET_CLASSES, masks[i]);
	}
}

static void one_match_finds_exactly_the_judged_values(void **state)
{
	struct mark_layout m;

	(void)state;
	assert_int_equal(0, mark_layout_init(&m, 0xff, NULL));
	for (uint32_t mark = 0; mark < 0x100; mark++) {
		bool judged = mark == m.allowed || mark == m.picked_up;

		assert_int_equal(judged, (mark & m.judged_mask) == m.allowed);
	}
}

static void one_match_finds_what_netpold_sends_on_and_no_class(void **state)
{
	struct mark_layout m;

	(void)state;
	assert_int_equal(0, mark_layout_init(&m, MARK_DEFAULT_MASK, NULL));
	assert_int_equal(m.allowed, m.allowed & m.told_mask);
	assert_int_equal(m.allowed, m.picked_up & m.told_mask);
	assert_int_equal(m.allowed, m.bypass & m.told_mask);
	assert_int_equal(m.allowed, m.remember & m.told_mask);
	assert_int_equal(m.allowed, m.denied & m.told_mask);
	assert_int_not_equal(m.allowed, 0);
	for (int k = 0; k < N_PACKET_CLASSES; k++)
		assert_int_not_equal(m.allowed, m.class[k] & m.told_mask);
	/* Bits of the mask that no value uses: somebody else's. */
	assert_int_not_equal(m.allowed, (m.allowed | 1) & m.told_mask);
}

static void classes_are_read_back_whatever_else_is_set(void **state)
{
	const uint32_t foreign = 0x4000 | 0x80000000;
	struct mark_layout m;
	enum packet_class class;

	(void)state;
	assert_int_equal(0, mark_layout_init(&m, MARK_DEFAULT_MASK, NULL));
	for (int i = 0; i < N_PACKET_CLASSES; i++) {
		assert_true(mark_to_class(&m, m.class[i] | foreign, &class));
		assert_int_equal(i, class);
	}
	assert_false(mark_to_class(&m, foreign, &class));
	assert_false(mark_to_class(&m, m.allowed | foreign, &class));
	assert_int_equal(foreign | m.allowed,
			 mark_replace(&m, foreign | m.class[2], m.allowed));
}

static void a_mask_of_three_bits_is_refused(void **state)
{
	struct mark_layout m;
	struct err err;

	(void)state;
	assert_int_equal(-EINVAL, mark_layout_init(&m, 0x7, &err));
	assert_non_null(strstr(err.message, "0x7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stay_under_the_mask_and_apart),
		cmocka_unit_test(one_match_finds_exactly_the_judged_values),
		cmocka_unit_test(
			one_match_finds_what_netpold_sends_on_and_no_class),
		cmocka_unit_test(classes_are_read_back_whatever_else_is_set),
		cmocka_unit_test(a_mask_of_three_bits_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
