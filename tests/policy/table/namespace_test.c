/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/namespace.h"

#include "parts_build.h"

static struct namespaces namespaces;

static int make_namespaces(void **state)
{
	if (make_parts(state) < 0)
		return -1;
	return namespaces_init(&the_parts, &namespaces);
}

static int free_namespaces(void **state)
{
	namespaces_release(&the_parts, &namespaces);
	return free_parts(state);
}

static struct table_namespace *get(const char *text)
{
	const char *name = intern(the_parts.pool, text);
	struct table_namespace *namespace =
		namespaces_get(&the_parts, &namespaces, name);

	assert_non_null(namespace);
	/* It uses its name itself. */
	intern_drop(the_parts.pool, name);
	return namespace;
}

static struct table_namespace *find(const char *text)
{
	return namespaces_find(&namespaces, intern_find(the_parts.pool, text));
}

/* Returns as namespaces_learn(); NULL: there is no object. */
static int learn(struct table_namespace *namespace, const char *text)
{
	struct labels labels = { 0 };
	int r;

	if (!text)
		return namespaces_learn(&the_parts, &namespaces, namespace,
					NULL);
	labels = some_labels(text);
	labels = keep_labels(&labels);
	r = namespaces_learn(&the_parts, &namespaces, namespace, &labels);
	/* And its labels. */
	intern_labels_drop(the_parts.pool, &labels);
	return r;
}

static void drop_unused(struct table_namespace *namespace)
{
	namespaces_drop_unused(&the_parts, &namespaces, namespace);
}

static void a_namespace_is_made_once(void **state)
{
	static const char *const same = "shop";
	char text[16];

	(void)state;
	assert_null(namespaces_find(&namespaces, NULL));
	assert_ptr_equal(get(same), get(same));
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "ns-%d", i);
		assert_string_equal(text, get(text)->name);
	}
	assert_int_equal(1001, namespaces.n);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "ns-%d", i);
		assert_string_equal(text, find(text)->name);
		drop_unused(find(text));
		assert_null(intern_find(the_parts.pool, text));
	}
	assert_int_equal(1, namespaces.n);
}

/* NP-42 */
static void without_an_object_only_the_name_is_known(void **state)
{
	const struct namespace_facts *facts = get("shop")->facts;

	(void)state;
	assert_false(facts->known);
	assert_int_equal(1, facts->labels.n);
	assert_string_equal(NAMESPACE_NAME_LABEL, facts->labels.items[0].key);
	assert_string_equal("shop", facts->labels.items[0].value);
	assert_ptr_equal(facts->name, facts->labels.items[0].value);
	assert_ptr_equal(namespaces.name_key, facts->labels.items[0].key);
}

static void facts_change_when_the_object_does(void **state)
{
	struct table_namespace *shop = get("shop");
	const struct namespace_facts *facts;

	(void)state;
	assert_int_equal(0, learn(shop, NULL));
	assert_int_equal(1, learn(shop, NAMESPACE_NAME_LABEL "=shop"));
	assert_true(shop->facts->known);
	facts = shop->facts;
	assert_int_equal(0, learn(shop, NAMESPACE_NAME_LABEL "=shop"));
	assert_ptr_equal(facts, shop->facts);
	assert_int_equal(1, learn(shop, NAMESPACE_NAME_LABEL "=shop,team=a"));
	assert_int_equal(1, learn(shop, ""));
	assert_true(shop->facts->known);
	assert_int_equal(0, shop->facts->labels.n);
	assert_int_equal(0, learn(shop, ""));
	assert_int_equal(1, learn(shop, NULL));
	assert_false(shop->facts->known);
	assert_string_equal("shop", shop->facts->labels.items[0].value);
}

/* Identities know what was true when they were made. */
static void facts_never_change_themselves(void **state)
{
	struct table_namespace *shop = get("shop");
	struct namespace_facts *before;

	(void)state;
	learn(shop, NAMESPACE_NAME_LABEL "=shop,team=a");
	before = facts_use(shop->facts);
	learn(shop, NAMESPACE_NAME_LABEL "=shop,team=b");
	assert_ptr_not_equal(before, shop->facts);
	assert_string_equal("a", labels_get(&before->labels, "team"));
	assert_string_equal("b", labels_get(&shop->facts->labels, "team"));
	learn(shop, NULL);
	drop_unused(shop);
	assert_int_equal(0, namespaces.n);
	assert_string_equal("shop", before->name);
	facts_drop(&the_parts, before);
	facts_drop(&the_parts, NULL);
}

static void a_namespace_goes_when_nothing_is_left_of_it(void **state)
{
	struct table_namespace *shop = get("shop");

	(void)state;
	learn(shop, "team=a");
	drop_unused(shop);
	assert_ptr_equal(shop, find("shop"));
	learn(shop, NULL);
	shop->n_identities = 1;
	drop_unused(shop);
	assert_ptr_equal(shop, find("shop"));
	shop->n_identities = 0;
	shop->n_policies = 1;
	drop_unused(shop);
	assert_ptr_equal(shop, find("shop"));
	shop->n_policies = 0;
	shop->dirty = true;
	drop_unused(shop);
	assert_ptr_equal(shop, find("shop"));
	shop->dirty = false;
	drop_unused(shop);
	assert_null(find("shop"));
}

/* With the last snapshot the table goes, and nobody says which policies it
   had. */
static void a_namespace_uses_its_policies(void **state)
{
	const struct object *policies[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		policies[i] = keep_object(
			a_policy("shop", "p", "", DIRECTION_INGRESS));
		assert_int_equal(0,
				 namespace_add_policy(&the_parts, get("shop"),
						      policies[i]));
		assert_int_equal(2, users_of(policies[i]));
	}
	namespace_remove_policy(&the_parts, get("shop"), policies[1]);
	namespace_remove_policy(&the_parts, get("shop"), policies[4]);
	assert_int_equal(3, get("shop")->n_policies);
	assert_int_equal(1, users_of(policies[1]));
	namespaces_release(&the_parts, &namespaces);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(1, users_of(policies[i]));
		drop_object(policies[i]);
	}
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, make_namespaces, free_namespaces)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_namespace_is_made_once),
		TEST(without_an_object_only_the_name_is_known),
		TEST(facts_change_when_the_object_does),
		TEST(facts_never_change_themselves),
		TEST(a_namespace_goes_when_nothing_is_left_of_it),
		TEST(a_namespace_uses_its_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
