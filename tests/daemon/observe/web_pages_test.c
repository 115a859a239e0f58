/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "observe/metrics.h"
#include "observe/status_board.h"
#include "observe/web_pages.h"
#include "observe/web_token.h"

static struct status_board board;
static _Atomic int64_t alive_us;
static struct web_pages pages;
static uint64_t n_collected;

static void collect(void *ctx)
{
	(void)ctx;
	n_collected++;
}

static uint64_t read_collected(const void *ctx)
{
	(void)ctx;
	return n_collected;
}

static int enter(void **state)
{
	static const struct metric metric = { .name = "netpold_n_total",
					      .unit = "things",
					      .help = "N.",
					      .read.counter = read_collected };

	(void)state;
	n_collected = 0;
	alive_us = clock_us();
	status_board_init(&board);
	pages = (struct web_pages){ .board = &board,
				    .metrics = metrics_new(),
				    .alive_us = &alive_us };
	metrics_add_collector(pages.metrics, collect, NULL);
	return metrics_add(pages.metrics, &metric);
}

static int leave(void **state)
{
	(void)state;
	metrics_free(pages.metrics);
	web_pages_release(&pages);
	status_board_release(&board);
	return 0;
}

/* A page whose body holds these words. */
static void expect_of(const struct web_request *request, unsigned int status,
		      const char *words)
{
	struct web_page page = { 0 };

	web_pages_get(&pages, request, &page);
	assert_int_equal(status, page.status);
	assert_int_equal(status == 401, page.authenticate != NULL);
	assert_non_null(page.body);
	assert_non_null(memmem(page.body, page.len, words, strlen(words)));
	assert_int_equal('\n', page.body[page.len - 1]);
	free(page.body);
}

static void expect(const char *path, unsigned int status, const char *words)
{
	const struct web_request request = { .path = path };

	expect_of(&request, status, words);
}

static void each_question_has_its_page(void **state)
{
	struct status status = { .started_us = 1 };

	(void)state;
	status_board_put(&board, &status);
	expect("/livez", 200, "alive: ");
	expect("/healthz", 200, "alive: ");
	expect("/readyz", 503, "not ready: starting");
	expect("/metrics", 200, "netpold_n_total 1\n");
	expect("/", 404, "expected /healthz, /livez, /readyz or /metrics\n");
	expect("/livez/", 404, "expected ");
	expect("", 404, "expected ");
	status.ready_since_us = 1;
	status_board_put(&board, &status);
	expect("/readyz", 200, "ready since 1970-01-01");
	alive_us -= INT64_C(61) * 1000000;
	expect("/livez", 503, "stuck: ");
	expect("/readyz", 200, "ready since ");
}

static void metrics_are_collected_once_a_second_at_most(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		expect("/metrics", 200, "netpold_n_total 1\n");
	pages.collected_us -= 1000000;
	expect("/metrics", 200, "netpold_n_total 2\n");
}

static void metrics_are_for_who_knows_the_token(void **state)
{
	static const struct {
		const char *path, *authorization;
		unsigned int status;
		const char *words;
	} rows[] = {
		{ "/metrics", NULL, 401, "expected a token: Authorization: " },
		{ "/metrics", "Bearer wrong", 401, "expected another token" },
		{ "/metrics", "Bearer secret", 200, "netpold_n_total" },
		{ "/livez", NULL, 200, "alive: " },
		{ "/healthz", "Bearer wrong", 200, "alive: " },
		{ "/readyz", NULL, 503, "not ready: " },
		{ "/metrics/", NULL, 404, "expected /healthz" },
	};
	char path[] = "/tmp/netpold-token-XXXXXX";
	int fd = mkstemp(path);
	struct err err;

	(void)state;
	assert_int_equal(7, write(fd, "secret\n", 7));
	close(fd);
	assert_int_equal(0,
			 web_token_open(path, clock_us(), &pages.token, &err));
	unlink(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct web_request request = {
			.path = rows[i].path,
			.authorization = rows[i].authorization,
		};

		expect_of(&request, rows[i].status, rows[i].words);
	}
	web_token_close(pages.token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_question_has_its_page,
						enter, leave),
		cmocka_unit_test_setup_teardown(
			metrics_are_collected_once_a_second_at_most, enter,
			leave),
		cmocka_unit_test_setup_teardown(
			metrics_are_for_who_knows_the_token, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
