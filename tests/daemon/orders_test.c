/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/orders.h"

#define MANY 2000
#define PATIENT_MS 10000
#define IMPATIENT_MS 20

/* A worker whose work is to count; it sleeps where there is none. */
struct worker {
	struct orders orders;
	atomic_bool busy; /* never sleeps */
	atomic_uint n_rounds, n_reclaimed, last_id;
	pthread_t thread;
};

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	struct pollfd fd = { .fd = worker->orders.wake_fd, .events = POLLIN };
	bool goes_on = true;

	while (goes_on) {
		uint32_t last_id;

		if (orders_pending(&worker->orders)) {
			goes_on = orders_obey(&worker->orders);
			if (orders_take_reclaim(&worker->orders, &last_id)) {
				worker->last_id = last_id;
				worker->n_reclaimed++;
			}
			continue;
		}
		worker->n_rounds++;
		if (!worker->busy) {
			poll(&fd, 1, -1);
			orders_woken(&worker->orders);
		}
	}
	return NULL;
}

static void start(struct worker *worker, bool busy)
{
	*worker = (struct worker){ .busy = busy };
	assert_int_equal(0, orders_init(&worker->orders, NULL));
	assert_int_equal(0, pthread_create(&worker->thread, NULL, run, worker));
}

static void end(struct worker *worker)
{
	orders_stop(&worker->orders);
	pthread_join(worker->thread, NULL);
	orders_release(&worker->orders);
}

/* Asleep and busy, over and over, without a pause in between. */
static void who_rests_does_nothing(void **state)
{
	struct worker worker;

	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		start(&worker, busy);
		for (int i = 0; i < MANY; i++) {
			unsigned int n;

			orders_rest(&worker.orders);
			assert_int_equal(0, orders_await_rest(&worker.orders,
							      PATIENT_MS));
			n = worker.n_rounds;
			if (i % 100 == 0)
				poll(NULL, 0, 1);
			assert_int_equal(n, worker.n_rounds);
			orders_go_on(&worker.orders);
		}
		end(&worker);
	}
}

static void who_rests_can_be_ended(void **state)
{
	struct worker worker;

	(void)state;
	start(&worker, false);
	orders_rest(&worker.orders);
	assert_int_equal(0, orders_await_rest(&worker.orders, PATIENT_MS));
	end(&worker);
}

/* Nobody obeys: there is no thread. */
static void who_stands_still_is_not_waited_for_without_end(void **state)
{
	struct orders orders;

	(void)state;
	assert_int_equal(0, orders_init(&orders, NULL));
	orders_rest(&orders);
	assert_int_equal(-ETIMEDOUT, orders_await_rest(&orders, IMPATIENT_MS));
	orders_go_on(&orders);
	assert_false(orders_resting(&orders));
	orders_release(&orders);
}

static void what_is_to_be_reclaimed_comes_once(void **state)
{
	struct worker worker;

	(void)state;
	start(&worker, false);
	orders_reclaim(&worker.orders, 0);
	orders_rest(&worker.orders);
	assert_int_equal(0, orders_await_rest(&worker.orders, PATIENT_MS));
	assert_true(worker.n_reclaimed <= 1);
	orders_reclaim(&worker.orders, UINT32_MAX);
	orders_go_on(&worker.orders);
	end(&worker);
	assert_int_equal(UINT32_MAX, worker.last_id);
	assert_in_range(worker.n_reclaimed, 1, 2);
}

static void who_is_asleep_is_woken_to_end(void **state)
{
	struct worker worker;

	(void)state;
	for (int i = 0; i < 100; i++) {
		start(&worker, false);
		end(&worker);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_rests_does_nothing),
		cmocka_unit_test(who_rests_can_be_ended),
		cmocka_unit_test(
			who_stands_still_is_not_waited_for_without_end),
		cmocka_unit_test(what_is_to_be_reclaimed_comes_once),
		cmocka_unit_test(who_is_asleep_is_woken_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
