/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/orders.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* A worker is done with its round in well under a millisecond. */
#define PAUSE_NS 50000

/* Beside a number of 32 bits. */
#define RECLAIM (UINT64_C(1) << 32)

int orders_init(struct orders *orders, struct err *err)
{
	memset(orders, 0, sizeof(*orders));
	orders->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return orders->wake_fd < 0
		       ? err_set(err, -errno, "cannot start a worker: %s",
				 strerror(errno))
		       : 0;
}

void orders_release(struct orders *orders)
{
	if (orders->wake_fd >= 0)
		close(orders->wake_fd);
}

/* ---- the controller ----------------------------------------------------- */

void orders_wake(struct orders *orders)
{
	uint64_t one = 1;

	if (write(orders->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is full, and wakes the thread as well */
}

static void give(struct orders *orders)
{
	/* Pairs with the acquire in orders_obey(). */
	atomic_store_explicit(&orders->pending, true, memory_order_release);
	orders_wake(orders);
}

void orders_stop(struct orders *orders)
{
	atomic_store_explicit(&orders->stopping, true, memory_order_relaxed);
	give(orders);
}

static void change_rest(struct orders *orders)
{
	atomic_fetch_add_explicit(&orders->rest, 1, memory_order_relaxed);
	give(orders);
}

void orders_rest(struct orders *orders)
{
	change_rest(orders);
}

int orders_await_rest(const struct orders *orders, int patience_ms)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const int64_t until_us = clock_us() + patience_ms * INT64_C(1000);
	unsigned int order =
		atomic_load_explicit(&orders->rest, memory_order_relaxed);

	/* Pairs with the release in rest(). */
	while (atomic_load_explicit(&orders->rested, memory_order_acquire) !=
	       order) {
		if (clock_us() >= until_us)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

void orders_go_on(struct orders *orders)
{
	change_rest(orders);
}

void orders_reclaim(struct orders *orders, uint32_t last_id)
{
	atomic_store_explicit(&orders->reclaim, RECLAIM | last_id,
			      memory_order_relaxed);
	give(orders);
}

/* ---- the worker --------------------------------------------------------- */

static bool is_stopping(const struct orders *orders)
{
	return atomic_load_explicit(&orders->stopping, memory_order_relaxed);
}

void orders_woken(struct orders *orders)
{
	uint64_t n;

	if (read(orders->wake_fd, &n, sizeof(n)) < 0)
		return; /* nothing has */
}

static void rest(struct orders *orders)
{
	struct pollfd fd = { .fd = orders->wake_fd, .events = POLLIN };

	while (!is_stopping(orders)) {
		unsigned int order = atomic_load_explicit(&orders->rest,
							  memory_order_relaxed);

		if (!(order & 1))
			return;
		/* Pairs with the acquire in orders_await_rest(). */
		atomic_store_explicit(&orders->rested, order,
				      memory_order_release);
		poll(&fd, 1, -1);
		orders_woken(orders);
	}
}

bool orders_obey(struct orders *orders)
{
	/* Pairs with the release in give(). */
	atomic_exchange_explicit(&orders->pending, false, memory_order_acquire);
	rest(orders);
	return !is_stopping(orders);
}

bool orders_take_reclaim(struct orders *orders, uint32_t *last_id)
{
	uint64_t order = atomic_exchange_explicit(&orders->reclaim, 0,
						  memory_order_relaxed);

	*last_id = (uint32_t)order;
	return order != 0;
}
