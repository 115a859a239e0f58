/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/intern.h"

static void equal_strings_are_kept_once(void **state)
{
	struct intern_pool pool = { 0 };
	char twin[] = "app";
	const char *app = intern(&pool, "app");

	(void)state;
	assert_ptr_equal(app, intern(&pool, twin));
	assert_ptr_not_equal(app, twin);
	assert_ptr_not_equal(app, intern(&pool, "apps"));
	assert_string_equal("", intern(&pool, ""));
	assert_int_equal(3, pool.n_strings);
	intern_release(&pool);
}

static void a_string_goes_with_its_last_user(void **state)
{
	struct intern_pool pool = { 0 };
	const char *first = intern(&pool, "tier"), *second;

	(void)state;
	second = intern(&pool, "tier");
	intern_drop(&pool, first);
	assert_int_equal(1, pool.n_strings);
	assert_string_equal("tier", second);
	intern_drop(&pool, second);
	assert_int_equal(0, pool.n_strings);
	assert_int_equal(0, pool.n_bytes);
	intern_drop(&pool, NULL);
	intern_release(&pool);
}

static void many_strings_are_found_again(void **state)
{
	static const char *strings[3000];
	struct intern_pool pool = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++) {
			const char *string;
			char text[24];

			snprintf(text, sizeof(text), "value-%d", i);
			string = intern(&pool, text);
			assert_true(round == 0 || string == strings[i]);
			strings[i] = string;
		}
	}
	assert_int_equal(3000, pool.n_strings);
	for (int i = 0; i < 3000; i++) {
		intern_drop(&pool, strings[i]);
		intern_drop(&pool, strings[i]);
	}
	assert_int_equal(0, pool.n_strings);
	assert_int_equal(0, pool.n_bytes);
	intern_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_strings_are_kept_once),
		cmocka_unit_test(a_string_goes_with_its_last_user),
		cmocka_unit_test(many_strings_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
