/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow_events.h"
#include "flowlog/flow_ring.h"

#define N_EVENTS 400000

static struct flow_ring *ring;
static int wake_fd;

static int make_ring(void **state)
{
	(void)state;
	wake_fd = eventfd(0, EFD_NONBLOCK);
	ring = flow_ring_new(wake_fd);
	return ring && wake_fd >= 0 ? 0 : -1;
}

static int free_ring(void **state)
{
	(void)state;
	flow_ring_free(ring);
	return close(wake_fd);
}

static bool put(uint32_t number)
{
	const struct flow_event event = event_of(number);

	return flow_ring_put(ring, &event);
}

static void expect_event(uint32_t number, const struct flow_event *event)
{
	const struct flow_event expected = event_of(number);

	assert_true(ip_addr_equal(&expected.key.src, &event->key.src));
	assert_int_equal(expected.key.dst_port, event->key.dst_port);
	assert_int_equal(expected.len, event->len);
}

static bool is_awake(void)
{
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };

	return poll(&wake, 1, 0) > 0;
}

static void what_fits_in_comes_out_in_order(void **state)
{
	struct flow_event event;

	(void)state;
	for (uint32_t i = 0; i < FLOW_RING_SIZE; i++) {
		assert_int_equal(i >= FLOW_RING_SIZE / 2, is_awake());
		assert_true(put(i));
	}
	for (uint32_t i = 0; i < FLOW_RING_SIZE; i++) {
		assert_true(flow_ring_take(ring, &event));
		expect_event(i, &event);
	}
	assert_false(flow_ring_take(ring, &event));
	assert_int_equal(0, flow_ring_lost(ring));
}

static void what_finds_no_room_is_lost_and_counted(void **state)
{
	struct flow_event event;

	(void)state;
	for (uint32_t i = 0; i < FLOW_RING_SIZE; i++)
		assert_true(put(i));
	assert_false(put(7));
	assert_false(put(8));
	assert_int_equal(2, flow_ring_lost(ring));
	assert_true(flow_ring_take(ring, &event));
	assert_true(put(9));
	assert_int_equal(2, flow_ring_lost(ring));
}

static void who_has_slept_is_woken_again(void **state)
{
	struct flow_event event;
	uint64_t times;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < FLOW_RING_SIZE / 2; i++)
			assert_true(put(i));
		assert_int_equal(sizeof(times),
				 read(wake_fd, &times, sizeof(times)));
		while (flow_ring_take(ring, &event))
			;
		assert_false(is_awake());
	}
}

/* What finds no room is written once more: none is left out. */
static void *write_events(void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < N_EVENTS; i++)
		while (!put(i))
			sched_yield();
	return NULL;
}

static void a_worker_and_the_logger_share_it(void **state)
{
	struct flow_event event;
	pthread_t worker;

	(void)state;
	assert_int_equal(0, pthread_create(&worker, NULL, write_events, NULL));
	for (uint32_t i = 0; i < N_EVENTS; i++) {
		while (!flow_ring_take(ring, &event))
			sched_yield();
		expect_event(i, &event);
	}
	pthread_join(worker, NULL);
	assert_false(flow_ring_take(ring, &event));
}

#define RING_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_ring, free_ring)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(what_fits_in_comes_out_in_order),
		RING_TEST(what_finds_no_room_is_lost_and_counted),
		RING_TEST(who_has_slept_is_woken_again),
		RING_TEST(a_worker_and_the_logger_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
