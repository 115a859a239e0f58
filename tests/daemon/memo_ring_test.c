/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/memo.h"
#include "datapath/memo_ring.h"
#include "netpold/object.h"

#define N_NOTES 400000

static struct memo_gates gates;
static struct memo_ring *ring;
static int wake_fd;

static int make_ring(void **state)
{
	(void)state;
	wake_fd = eventfd(0, EFD_NONBLOCK);
	ring = memo_ring_new(&gates, wake_fd);
	atomic_store(&gates.open[VERDICT_ALLOW][0], true);
	atomic_store(&gates.open[VERDICT_DENY][0], false);
	return ring && wake_fd >= 0 ? 0 : -1;
}

static int free_ring(void **state)
{
	(void)state;
	memo_ring_free(ring);
	return close(wake_fd);
}

static struct flow_key key_of(uint32_t number)
{
	const uint8_t src[4] = { (uint8_t)(number >> 24),
				 (uint8_t)(number >> 16),
				 (uint8_t)(number >> 8), (uint8_t)number };

	return (struct flow_key){ .src = ip_addr_v4(src),
				  .dst = ip_addr_v4(src),
				  .dst_port = (uint16_t)number,
				  .protocol = PROTOCOL_TCP,
				  .has_port = true };
}

static bool put(uint32_t number, enum verdict verdict)
{
	struct flow_key key = key_of(number);

	return memo_ring_put(ring, &key, verdict);
}

static void expect_note(uint32_t number, const struct memo_note *note)
{
	struct flow_key key = key_of(number);
	struct memo memo = memo_of(&key);

	assert_true(memo_equal(&memo, &note->memo));
	assert_int_equal(VERDICT_ALLOW, note->verdict);
}

static bool is_awake(void)
{
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };

	return poll(&wake, 1, 0) > 0;
}

static void what_fits_in_comes_out_in_order(void **state)
{
	struct memo_note note;

	(void)state;
	for (uint32_t i = 0; i < MEMO_RING_SIZE; i++) {
		assert_int_equal(i >= MEMO_RING_SIZE / 2, is_awake());
		assert_true(put(i, VERDICT_ALLOW));
	}
	assert_false(put(0, VERDICT_ALLOW));
	assert_int_equal(1, memo_ring_discarded(ring));
	for (uint32_t i = 0; i < MEMO_RING_SIZE; i++) {
		assert_true(memo_ring_take(ring, &note));
		expect_note(i, &note);
	}
	assert_false(memo_ring_take(ring, &note));
	assert_true(put(7, VERDICT_ALLOW));
	assert_true(memo_ring_take(ring, &note));
	expect_note(7, &note);
}

static void a_closed_gate_takes_nothing(void **state)
{
	struct memo_note note;

	(void)state;
	assert_false(put(1, VERDICT_DENY));
	assert_int_equal(0, memo_ring_discarded(ring));
	assert_false(memo_ring_take(ring, &note));
}

/* What finds no room is written once more: none is left out. */
static void *write_notes(void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < N_NOTES; i++)
		while (!put(i, VERDICT_ALLOW))
			sched_yield();
	return NULL;
}

static void a_worker_and_the_controller_share_it(void **state)
{
	struct memo_note note;
	pthread_t worker;

	(void)state;
	assert_int_equal(0, pthread_create(&worker, NULL, write_notes, NULL));
	for (uint32_t i = 0; i < N_NOTES; i++) {
		while (!memo_ring_take(ring, &note))
			sched_yield();
		expect_note(i, &note);
	}
	pthread_join(worker, NULL);
	assert_false(memo_ring_take(ring, &note));
}

#define RING_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_ring, free_ring)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(what_fits_in_comes_out_in_order),
		RING_TEST(a_closed_gate_takes_nothing),
		RING_TEST(a_worker_and_the_controller_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
