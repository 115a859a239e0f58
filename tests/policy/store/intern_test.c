/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/intern.h"

static struct intern_pool *pool;

static int make_pool(void **state)
{
	(void)state;
	pool = intern_pool_new();
	return pool ? 0 : -1;
}

static int free_pool(void **state)
{
	(void)state;
	intern_pool_release(pool);
	return 0;
}

static void nothing_is_left(void)
{
	assert_int_equal(0, intern_pool_counts(pool).strings);
	assert_int_equal(0, intern_pool_counts(pool).lists);
	assert_int_equal(0, intern_pool_counts(pool).bytes);
}

static void equal_strings_are_kept_once(void **state)
{
	char twin[] = "app";
	const char *app = intern(pool, "app");

	(void)state;
	assert_ptr_equal(app, intern(pool, twin));
	assert_ptr_not_equal(app, twin);
	assert_ptr_not_equal(app, intern(pool, "apps"));
	assert_ptr_not_equal(app, intern(pool, "a-string-of-many-words-app"));
	assert_string_equal("", intern(pool, ""));
	assert_int_equal(4, intern_pool_counts(pool).strings);
}

static void a_string_is_found_without_using_it(void **state)
{
	const char *app;

	(void)state;
	assert_null(intern_find(pool, "app"));
	app = intern(pool, "app");
	assert_ptr_equal(app, intern_find(pool, "app"));
	intern_drop(pool, app);
	nothing_is_left();
}

static void a_string_goes_with_its_last_user(void **state)
{
	const char *first = intern(pool, "tier");

	(void)state;
	assert_ptr_equal(first, intern_again(first));
	intern_drop(pool, first);
	assert_string_equal("tier", first);
	intern_drop(pool, first);
	nothing_is_left();
	intern_drop(pool, NULL);
}

static void many_strings_are_found_again(void **state)
{
	static const char *strings[3000];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++) {
			const char *string;
			char text[24];

			snprintf(text, sizeof(text), "value-%d", i);
			string = intern(pool, text);
			assert_true(round == 0 || string == strings[i]);
			strings[i] = string;
		}
	}
	assert_int_equal(3000, intern_pool_counts(pool).strings);
	for (int i = 0; i < 3000; i++) {
		intern_drop(pool, strings[i]);
		intern_drop(pool, strings[i]);
	}
	nothing_is_left();
}

static void equal_label_lists_are_kept_once(void **state)
{
	const struct label items[] = { { "app", "web" }, { "tier", "a" } };
	const struct label others[] = { { "app", "web" }, { "tier", "b" } };
	const struct labels labels = { items, 2 }, other = { others, 2 };
	const struct labels shorter = { items, 1 }, none = { NULL, 0 };
	struct labels a, b, c, d, e;

	(void)state;
	assert_int_equal(0, intern_labels(pool, &labels, &a));
	assert_int_equal(0, intern_labels(pool, &labels, &b));
	assert_int_equal(0, intern_labels(pool, &other, &c));
	assert_int_equal(0, intern_labels(pool, &shorter, &d));
	assert_int_equal(0, intern_labels(pool, &none, &e));
	assert_ptr_equal(a.items, b.items);
	assert_ptr_not_equal(a.items, c.items);
	assert_ptr_not_equal(a.items, d.items);
	assert_null(e.items);
	assert_ptr_equal(a.items[0].value, c.items[0].value);
	intern_labels_again(&e);
	intern_labels_drop(pool, &e);
	intern_labels_again(&a);
	intern_labels_drop(pool, &a);
	intern_labels_drop(pool, &a);
	assert_string_equal("web", b.items[0].value);
	intern_labels_drop(pool, &b);
	intern_labels_drop(pool, &c);
	intern_labels_drop(pool, &d);
	nothing_is_left();
}

static void port_lists_are_sorted_and_kept_once(void **state)
{
	const struct container_port items[] = {
		{ "web", 8080, PROTOCOL_TCP },
		{ "dns", 53, PROTOCOL_UDP },
		{ "alt", 8080, PROTOCOL_TCP },
		{ "ssh", 22, PROTOCOL_TCP },
	};
	const struct container_port sorted[] = {
		{ "ssh", 22, PROTOCOL_TCP },
		{ "alt", 8080, PROTOCOL_TCP },
		{ "web", 8080, PROTOCOL_TCP },
		{ "dns", 53, PROTOCOL_UDP },
	};
	const struct named_ports ports = { items, 4 }, same = { sorted, 4 };
	struct named_ports a, b;

	(void)state;
	assert_int_equal(0, intern_ports(pool, &ports, &a));
	assert_int_equal(0, intern_ports(pool, &same, &b));
	assert_ptr_equal(a.items, b.items);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(sorted[i].name, a.items[i].name);
	intern_ports_again(&a);
	for (size_t i = 0; i < 3; i++)
		intern_ports_drop(pool, &a);
	nothing_is_left();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pool, free_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_strings_are_kept_once),
		TEST(a_string_is_found_without_using_it),
		TEST(a_string_goes_with_its_last_user),
		TEST(many_strings_are_found_again),
		TEST(equal_label_lists_are_kept_once),
		TEST(port_lists_are_sorted_and_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
