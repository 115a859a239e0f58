/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole log, with workers that write as fast as they can: whatever becomes
 * of an event, it is counted once, and the records say the same (L34).
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "flow_events.h"
#include "flowlog/flow_counts.h"
#include "flowlog/flow_log.h"
#include "flowlog/flow_ring.h"

#define N_WORKERS 2
#define N_EVENTS 100000

static char path[] = "/tmp/netpold-flows-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int empty_file(void **state)
{
	(void)state;
	return truncate(path, 0);
}

struct writer {
	struct flow_ring *ring;
	uint32_t first, n_flows;
};

static void *write_events(void *ctx)
{
	const struct writer *writer = ctx;

	for (uint32_t i = 0; i < N_EVENTS; i++) {
		struct flow_event event =
			event_of(writer->first + i % writer->n_flows);

		event.answer = i % 2 ? ANSWER_ALLOW : ANSWER_DENY;
		flow_ring_put(writer->ring, &event);
	}
	return NULL;
}

/* What the file tells. */
struct told {
	uint64_t lines, of_one, of_repeats;
};

static struct told read_file(void)
{
	FILE *file = fopen(path, "re");
	struct told told = { .lines = 0 };
	char *line = NULL;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		json_t *record = json_loads(line, 0, NULL);
		uint64_t count;

		assert_non_null(record);
		count = (uint64_t)json_integer_value(
			json_object_get(record, "count"));
		told.lines++;
		if (strcmp(json_string_value(json_object_get(record, "first")),
			   json_string_value(
				   json_object_get(record, "last"))) == 0 &&
		    count == 1)
			told.of_one++;
		else
			told.of_repeats += count;
		json_decref(record);
	}
	free(line);
	fclose(file);
	return told;
}

static const struct {
	const char *name;
	struct flow_log_options options;
	uint32_t n_flows; /* of each worker */
	bool all_told;	  /* nothing suppressed */
} cases[] = {
	{ "each flow is another one",
	  { .rate = 0, .fold_s = 60 },
	  N_EVENTS,
	  true },
	{ "nothing is folded", { .rate = 0 }, 1, true },
	{ "all is folded into one", { .rate = 0, .fold_s = 60 }, 1, true },
	{ "most is suppressed", { .rate = 5, .fold_s = 60 }, N_EVENTS, false },
	{ "half is not asked for",
	  { .rate = 0, .fold_s = 60, .only_denied = true },
	  100,
	  false },
};

static struct flow_totals run(const struct flow_log_options *given,
			      uint32_t n_flows)
{
	struct flow_log_options options = *given;
	struct writer writers[N_WORKERS];
	pthread_t threads[N_WORKERS];
	struct flow_totals totals;
	struct flow_log *log;
	struct err err;

	options.target.kind = FLOW_TARGET_FILE;
	options.target.path = path;
	options.rotate_bytes = UINT64_C(1) << 40;
	options.keep = 1;
	if (flow_log_start(&options, "node-1", N_WORKERS, &log, &err) < 0)
		fail_msg("%s", err.message);
	for (unsigned int i = 0; i < N_WORKERS; i++) {
		writers[i] = (struct writer){ .ring = flow_log_ring(log, i),
					      .first = i * N_EVENTS,
					      .n_flows = n_flows };
		pthread_create(&threads[i], NULL, write_events, &writers[i]);
	}
	for (unsigned int i = 0; i < N_WORKERS; i++)
		pthread_join(threads[i], NULL);
	flow_log_stop(log);
	totals = flow_counts_total(flow_log_counts(log));
	flow_log_free(log);
	return totals;
}

static void every_event_is_counted_once(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_totals n = run(&cases[i].options, cases[i].n_flows);
		struct told told = read_file();

		if (n.taken != N_WORKERS * N_EVENTS || n.on_the_way != 0)
			fail_msg("%s: of %d events %lu are known, and %lu are "
				 "on their way at the end",
				 cases[i].name, N_WORKERS * N_EVENTS, n.taken,
				 n.on_the_way);
		if (told.of_one + told.of_repeats != n.logged + n.folded)
			fail_msg("%s: the records tell of %lu and %lu, the "
				 "counts of %lu and %lu",
				 cases[i].name, told.of_one, told.of_repeats,
				 n.logged, n.folded);
		if (cases[i].all_told != (n.suppressed == 0))
			fail_msg("%s: suppressed %lu", cases[i].name,
				 n.suppressed);
		if (n.logged == 0)
			fail_msg("%s: nothing is logged", cases[i].name);
		empty_file(state);
	}
}

/* The workers' way is as long as ever. */
static void a_log_without_a_reader_ends_in_time(void **state)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_UNIX, "/tmp/netpold-no-such-socket" },
		.rate = 0,
	};
	struct flow_event event = event_of(1);
	struct flow_totals n;
	struct flow_log *log;
	struct err err;

	(void)state;
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	for (int i = 0; i < 1000; i++)
		assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	flow_log_stop(log);
	n = flow_counts_total(flow_log_counts(log));
	assert_int_equal(1000, n.taken);
	assert_int_equal(1000, n.lost);
	flow_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_event_is_counted_once, empty_file),
		cmocka_unit_test(a_log_without_a_reader_ends_in_time),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
