/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow_events.h"
#include "flowlog/flow_limit.h"

#define SECOND_US INT64_C(1000000)

static const uint64_t hash_key[2] = { 1, 2 };

/* How many of @n records get through, all at once. */
static int take(struct flow_limit *limit, const char *pod, int n,
		int64_t now_us)
{
	const struct ip_addr addr = addr_of(pod);
	int taken = 0;

	for (int i = 0; i < n; i++)
		taken += flow_limit_take(limit, &addr, now_us);
	return taken;
}

static void a_pod_has_so_many_a_second(void **state)
{
	struct flow_limit *limit = flow_limit_new(10, hash_key);

	(void)state;
	assert_int_equal(10, take(limit, "10.0.0.1", 100, SECOND_US));
	assert_int_equal(0, take(limit, "10.0.0.1", 100, SECOND_US + 99999));
	assert_int_equal(1, take(limit, "10.0.0.1", 100, SECOND_US + 100000));
	assert_int_equal(5, take(limit, "10.0.0.1", 100, SECOND_US + 600000));
	/* What was not used is gone. */
	assert_int_equal(10, take(limit, "10.0.0.1", 100, 60 * SECOND_US));
	flow_limit_free(limit);
}

static void one_pod_takes_nothing_from_another(void **state)
{
	struct flow_limit *limit = flow_limit_new(3, hash_key);

	(void)state;
	assert_int_equal(3, take(limit, "10.0.0.1", 100, SECOND_US));
	assert_int_equal(3, take(limit, "10.0.0.2", 100, SECOND_US));
	assert_int_equal(3, take(limit, "fd00::1", 100, SECOND_US));
	assert_int_equal(0, take(limit, "10.0.0.1", 100, SECOND_US));
	flow_limit_free(limit);
}

static void without_a_limit_all_get_through(void **state)
{
	struct flow_limit *limit = flow_limit_new(0, hash_key);

	(void)state;
	assert_int_equal(100000, take(limit, "10.0.0.1", 100000, SECOND_US));
	flow_limit_free(limit);
}

/* Those of a node. */
static void many_pods_have_their_share_each(void **state)
{
	struct flow_limit *limit = flow_limit_new(2, hash_key);

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint8_t i = 0; i < 250; i++) {
			const uint8_t bytes[4] = { 10, 0, 1, i };
			const struct ip_addr pod = ip_addr_v4(bytes);

			assert_true(flow_limit_take(limit, &pod, SECOND_US));
		}
	}
	assert_int_equal(0, take(limit, "10.0.1.7", 10, SECOND_US));
	flow_limit_free(limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_has_so_many_a_second),
		cmocka_unit_test(one_pod_takes_nothing_from_another),
		cmocka_unit_test(without_a_limit_all_get_through),
		cmocka_unit_test(many_pods_have_their_share_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
