/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "top/top_rows.h"

static const char told[] =
	"{\"rows\": ["
	/* fine */
	"{\"from\": {\"name\": \"shop/web\"}, \"to\": {\"name\": \"shop/db\"},"
	" \"protocol\": \"TCP\", \"port\": 5432, \"mode\": \"enforce\","
	" \"verdict\": \"allow\", \"why\": \"ingress: shop/p rule 1\","
	" \"count\": 100, \"per_second\": 2.5, \"last\": \"2026-01-01T00:00:03Z\"},"
	/* denied */
	"{\"from\": {\"name\": \"guests/cat\"}, \"to\": {\"name\": \"shop/db\"},"
	" \"protocol\": \"TCP\", \"port\": 22, \"mode\": \"enforce\","
	" \"verdict\": \"deny\", \"why\": \"ingress: isolated by shop/p\","
	" \"count\": 7, \"per_second\": 9, \"last\": \"2026-01-01T00:00:01Z\"},"
	/* would be */
	"{\"from\": {\"name\": \"guests/dog\"}, \"to\": {\"name\": \"shop/web\"},"
	" \"protocol\": \"ICMP\", \"mode\": \"enforce\","
	" \"verdict\": \"allow\", \"why\": \"not isolated\","
	" \"would\": \"deny\", \"would_because\": \"isolated by shop/staged\","
	" \"count\": 1, \"per_second\": 0, \"last\": \"2026-01-01T00:00:02Z\"},"
	/* is, and would not be */
	"{\"from\": {\"name\": \"guests/pig\"}, \"to\": {\"name\": \"shop/web\"},"
	" \"protocol\": \"UDP\", \"port\": 53, \"mode\": \"enforce\","
	" \"verdict\": \"deny\", \"why\": \"isolated\","
	" \"would\": \"allow\", \"would_because\": \"shop/staged rule 1\","
	" \"count\": 2, \"per_second\": 0, \"last\": \"2026-01-01T00:00:00Z\"},"
	/* an audit */
	"{\"from\": {\"name\": \"guests/cow\"}, \"to\": {\"name\": \"shop/web\"},"
	" \"protocol\": \"SCTP\", \"port\": 9, \"mode\": \"audit\","
	" \"verdict\": \"deny\", \"why\": \"isolated by shop/p\","
	" \"count\": 3, \"per_second\": 0, \"last\": \"2026-01-01T00:00:04Z\"}"
	"]}";

#define CAT "guests/cat shop/db 22/TCP deny ingress: isolated by shop/p"
#define COW "guests/cow shop/web 9/SCTP would deny isolated by shop/p"
#define DOG "guests/dog shop/web ICMP would deny isolated by shop/staged"
#define PIG "guests/pig shop/web 53/UDP deny isolated"
#define WEB "shop/web shop/db 5432/TCP allow ingress: shop/p rule 1"

static const struct {
	const char *name;
	struct top_choice choice;
	const char *rows[6];
} cases[] = {
	{ "all, by their rates, then by their counts",
	  { .view = TOP_FLOWS },
	  { CAT, WEB, COW, PIG, DOG } },
	{ "by their counts",
	  { .sort = TOP_BY_COUNT },
	  { WEB, CAT, COW, PIG, DOG } },
	{ "by when they were seen last",
	  { .sort = TOP_BY_TIME },
	  { COW, WEB, DOG, CAT, PIG } },
	{ "what is denied", { .view = TOP_DENIALS }, { CAT, PIG } },
	{ "what would be", { .view = TOP_WOULD_DENIALS }, { COW, DOG } },
	{ "a filter is of any case", { .filter = "GUESTS/c" }, { CAT, COW } },
	{ "of ports and protocols", { .filter = "53/udp" }, { PIG } },
	{ "of verdicts", { .filter = "would" }, { COW, DOG } },
	{ "of reasons", { .filter = "rule 1" }, { WEB } },
	{ "and within a view",
	  { .view = TOP_DENIALS, .filter = "isolated by" },
	  { CAT } },
	{ "and may find nothing", { .filter = "nobody" }, { NULL } },
};

static void rows_are_those_that_are_asked_for(void **state)
{
	json_t *flows = json_loads(told, 0, NULL);

	(void)state;
	assert_non_null(flows);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct top_rows rows = { .n = 0 };
		char got[512];

		assert_int_equal(0,
				 top_rows_read(&rows, flows, &cases[i].choice));
		assert_int_equal(5, rows.n_all);
		for (size_t k = 0; k < rows.n; k++) {
			const struct top_row *row = &rows.items[k];

			snprintf(got, sizeof(got), "%s %s %s %s %s", row->from,
				 row->to, row->port, row->fate, row->why);
			if (!cases[i].rows[k] ||
			    strcmp(got, cases[i].rows[k]) != 0)
				fail_msg("%s: row %zu is %s", cases[i].name, k,
					 got);
		}
		if (cases[i].rows[rows.n])
			fail_msg("%s: there are %zu rows only", cases[i].name,
				 rows.n);
		top_rows_release(&rows);
	}
	json_decref(flows);
}

static const struct {
	const char *name, *flows;
	size_t n;
} strange[] = {
	{ "no answer", "null", 0 },
	{ "no rows", "{}", 0 },
	{ "rows that are none", "{\"rows\": 7}", 0 },
	{ "rows without anything", "{\"rows\": [{}, 7, null, []]}", 4 },
	{ "members of other types",
	  "{\"rows\": [{\"from\": 7, \"to\": {\"name\": []}, \"port\": \"x\", "
	  "\"protocol\": 6, \"count\": \"many\", \"per_second\": null}]}",
	  1 },
	{ "names that a terminal would obey",
	  "{\"rows\": [{\"from\": {\"name\": \"a\\u001b[31m\"}, \"why\": "
	  "\"\\u0007\\u00e4\\u009b\", \"protocol\": \"\\n\"}]}",
	  1 },
};

static void what_is_not_there_is_no_trouble(void **state)
{
	const struct top_choice choice = { .view = TOP_FLOWS };

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		json_t *flows =
			json_loads(strange[i].flows, JSON_DECODE_ANY, NULL);
		struct top_rows rows = { .n = 0 };

		assert_int_equal(0, top_rows_read(&rows, flows, &choice));
		if (rows.n != strange[i].n)
			fail_msg("%s: %zu rows", strange[i].name, rows.n);
		for (size_t k = 0; k < rows.n; k++) {
			const struct top_row *row = &rows.items[k];

			for (const char *p = row->from; *p; p++)
				assert_true(*p >= ' ' && *p <= '~');
			for (const char *p = row->why; *p; p++)
				assert_true(*p >= ' ' && *p <= '~');
			for (const char *p = row->port; *p; p++)
				assert_true(*p >= ' ' && *p <= '~');
			assert_true(row->rate >= 0 && row->count >= 0);
		}
		top_rows_release(&rows);
		json_decref(flows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_those_that_are_asked_for),
		cmocka_unit_test(what_is_not_there_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
