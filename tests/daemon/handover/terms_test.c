/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handover/terms.h"

static const struct enforcement_options options = {
	.queue_base = 17000,
	.n_workers = 2,
	.mark_mask = 0x107f,
};

static void init(struct terms *terms)
{
	struct err err;

	if (terms_init(terms, &options, IPTABLES_NFT, "node-a", &err) < 0)
		fail_msg("%s", err.message);
}

/* One key with another value, as JSON, and what the refusal says. */
static const struct {
	const char *name, *key, *value, *words;
} differences[] = {
	{ "another node", "node-name", "\"node-b\"",
	  "--node-name node-a, and this one has node-b" },
	{ "other queues", "queue-base", "\"17001\"",
	  "--queue-base 17000, and this one has 17001" },
	{ "another number of workers", "workers", "\"3\"",
	  "--workers 2, and this one has 3" },
	{ "other marks", "mark-mask", "\"0xff\"",
	  "--mark-mask 0x107f, and this one has 0xff" },
	{ "the other mode", "mode", "\"audit\"",
	  "--mode enforce, and this one has audit" },
	{ "the other flavour", "iptables", "\"legacy\"",
	  "--iptables nft, and this one has legacy" },
	{ "another network namespace", "network-namespace", "\"1\"",
	  "another network namespace" },
	{ "a value that only begins the same", "queue-base", "\"1700\"",
	  "has 1700" },
	{ "a number is no text", "workers", "2", "has none" },
	{ "nothing is no text", "node-name", "null", "has none" },
};

static void equal_terms_agree(void **state)
{
	struct terms ours, theirs;
	json_t *json;

	(void)state;
	init(&ours);
	init(&theirs);
	json = terms_to_json(&theirs);
	json_object_set_new(json, "a-later-version", json_string("says more"));
	assert_int_equal(0, terms_agree(&ours, json, NULL));
	json_decref(json);
}

static void every_difference_is_named(void **state)
{
	struct terms terms;

	(void)state;
	init(&terms);
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]);
	     i++) {
		json_t *json = terms_to_json(&terms);
		struct err err = { 0 };

		json_object_set_new(json, differences[i].key,
				    json_loads(differences[i].value,
					       JSON_DECODE_ANY, NULL));
		if (terms_agree(&terms, json, &err) != -EINVAL ||
		    !strstr(err.message, differences[i].words))
			fail_msg("%s: expected … %s …, got %s",
				 differences[i].name, differences[i].words,
				 err.message);
		json_decref(json);
	}
}

/* Nor is it meant to. */
static void who_does_not_say_its_mode_enforces(void **state)
{
	struct terms terms;
	json_t *json;

	(void)state;
	init(&terms);
	json = terms_to_json(&terms);
	json_object_del(json, "mode");
	assert_int_equal(0, terms_agree(&terms, json, NULL));
	json_decref(json);
}

static void what_is_no_object_does_not_agree(void **state)
{
	static const char *const texts[] = { "{}", "[]", "\"hand-over\"", "1",
					     "null" };
	struct terms terms;

	(void)state;
	init(&terms);
	assert_int_equal(-EINVAL, terms_agree(&terms, NULL, NULL));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);

		assert_int_equal(-EINVAL, terms_agree(&terms, json, NULL));
		json_decref(json);
	}
}

static void what_is_long_is_cut_in_the_message(void **state)
{
	char name[2000];
	struct terms terms;
	struct err err;
	json_t *json;

	(void)state;
	init(&terms);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	json = terms_to_json(&terms);
	json_object_set_new(json, "node-name", json_string(name));
	assert_int_equal(-EINVAL, terms_agree(&terms, json, &err));
	assert_non_null(strstr(err.message, "two would fight"));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_terms_agree),
		cmocka_unit_test(every_difference_is_named),
		cmocka_unit_test(who_does_not_say_its_mode_enforces),
		cmocka_unit_test(what_is_no_object_does_not_agree),
		cmocka_unit_test(what_is_long_is_cut_in_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
