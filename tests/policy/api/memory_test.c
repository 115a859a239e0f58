/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory runs out at every call for it. Reading then fails with -ENOMEM and
 * nothing else, and what was told before is what is told with enough memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "failing_memory.h"
#include "netpold/api_reader.h"

#define POLICY                                                                 \
	"{\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":\"b\",\"c\":\"d\"}},"

static const struct {
	const char *name;
	enum api_form form;
	const char *text;
	size_t n_events;
	size_t n_objects;
} cases[] = {
	{ "a list", API_LIST,
	  "{\"kind\":\"NetworkPolicyList\",\"apiVersion\":"
	  "\"networking.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"7\","
	  "\"continue\":\"t\"},\"items\":[" POLICY
	  "\"spec\":{\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}},"
	  "\"policyTypes\":[\"Ingress\"],\"ingress\":[{\"from\":[{\"ipBlock\":{"
	  "\"cidr\":\"010.0.0.0/8\"}}]}]}}]}",
	  2, 1 },
	{ "a policy that is narrowed", API_WATCH,
	  "{\"type\":\"ADDED\",\"object\":" POLICY
	  "\"spec\":{\"podSelector\":{},\"new\":1,\"policyTypes\":[\"Ingress\"]"
	  ",\"ingress\":[{\"new\":1},{\"from\":[{}]}]}}}",
	  1, 1 },
	{ "an object that makes no sense", API_WATCH,
	  "{\"type\":\"ADDED\",\"object\":" POLICY "\"spec\":5}}", 1, 0 },
	{ "a bookmark", API_WATCH,
	  "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
	  "\"resourceVersion\":\"9\"}}}",
	  1, 0 },
	{ "an error", API_WATCH,
	  "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}",
	  1, 0 },
};

struct told {
	size_t n_events;
	size_t n_objects;
};

static int count(void *ctx, const struct api_event *event)
{
	struct told *told = ctx;

	told->n_events++;
	told->n_objects += event->object != NULL;
	return 0;
}

/* In two pieces, so that a value is kept. */
static int read_case(size_t i, struct told *told)
{
	const struct api_reader_options options = {
		.form = cases[i].form,
		.kind = OBJECT_NETWORK_POLICY,
		.source = "f",
		.event = count,
		.event_ctx = told,
	};
	const char *text = cases[i].text;
	size_t half = strlen(text) * 2 / 3;
	struct api_reader *reader = NULL;
	struct err err = { 0 };
	int r = api_reader_new(&options, &reader);

	if (r == 0)
		r = api_reader_feed(reader, text, half, &err);
	if (r == 0)
		r = api_reader_feed(reader, text + half, strlen(text + half),
				    &err);
	if (r == 0)
		r = api_reader_end(reader, &err);
	/* There is always something to say. */
	if (r < 0 && reader && !err.message[0])
		r = -EINVAL;
	api_reader_free(reader);
	return r;
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = -ENOMEM;
		long calls = -1;

		while (r == -ENOMEM) {
			struct told told = { 0 };

			memory_fails_after(++calls);
			r = read_case(i, &told);
			memory_fails_after(-1);
			if (told.n_events > cases[i].n_events ||
			    (r == 0 && (told.n_events < cases[i].n_events ||
					told.n_objects != cases[i].n_objects)))
				fail_msg("%s, without call %ld: %zu events, "
					 "%zu objects",
					 cases[i].name, calls, told.n_events,
					 told.n_objects);
		}
		if (r != 0)
			fail_msg("%s, without call %ld: %d", cases[i].name,
				 calls, r);
		assert_true(calls > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
