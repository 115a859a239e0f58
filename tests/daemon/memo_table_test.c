/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table against a list that is searched from its beginning. NETPOLD_SEED sets
   the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/memo.h"
#include "datapath/memo_table.h"
#include "netpold/object.h"
#include "policy/twin/random.h"

#define N_STEPS 60000
#define N_HOSTS 12
#define N_PORTS 40
#define MAX_MEMOS (N_HOSTS * N_HOSTS * N_PORTS)

static const uint64_t hash_key[2] = { 1, 2 };

struct list {
	struct memo memos[MAX_MEMOS];
	int64_t since_us[MAX_MEMOS];
	size_t n;
};

static size_t list_find(const struct list *list, const struct memo *memo)
{
	size_t i = 0;

	while (i < list->n && !memo_equal(&list->memos[i], memo))
		i++;
	return i;
}

static void list_remove(struct list *list, size_t i)
{
	size_t after = --list->n - i;

	memmove(&list->memos[i], &list->memos[i + 1],
		after * sizeof(list->memos[0]));
	memmove(&list->since_us[i], &list->since_us[i + 1],
		after * sizeof(list->since_us[0]));
}

static struct memo draw(struct random *random)
{
	const uint8_t src[4] = { 10, 0, 0,
				 (uint8_t)random_below(random, N_HOSTS) };
	const uint8_t dst[4] = { 10, 0, 1,
				 (uint8_t)random_below(random, N_HOSTS) };

	return (struct memo){
		.src = ip_addr_v4(src),
		.dst = ip_addr_v4(dst),
		.port = (uint16_t)random_below(random, N_PORTS),
		.protocol = PROTOCOL_TCP,
	};
}

static void put(struct memo_table *table, struct list *list,
		const struct memo *memo, int64_t now_us)
{
	size_t i = list_find(list, memo);
	bool failed = false;

	assert_int_equal(i == list->n,
			 memo_table_put(table, memo, now_us, &failed));
	assert_false(failed);
	if (i == list->n)
		list->memos[list->n++] = *memo;
	list->since_us[i] = now_us;
}

/* A third of them. */
static void remove_some(struct memo_table *table, struct list *list,
			struct random *random)
{
	struct memo_place *places;
	size_t n, n_wrong = 0;

	places = memo_table_places(table, &n);
	assert_int_equal(list->n, n);
	for (size_t i = n; i-- > 0;) {
		places[i].wrong = random_percent(random, 33);
		if (places[i].wrong) {
			list_remove(list, i);
			n_wrong++;
		}
	}
	assert_int_equal(n_wrong, memo_table_remove_wrong(table));
}

static void compare(struct memo_table *table, const struct list *list)
{
	struct memo_place *places;
	size_t n;

	places = memo_table_places(table, &n);
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_true(memo_equal(&list->memos[i], &places[i].memo));
		assert_int_equal(list->since_us[i], places[i].since_us);
		assert_true(memo_table_has(table, &list->memos[i]));
	}
}

static void a_table_is_a_list_in_order(void **state)
{
	struct random random = { random_setting("NETPOLD_SEED", 1) };
	struct memo_table *table = memo_table_new(hash_key);
	static struct list list;

	(void)state;
	assert_non_null(table);
	for (int64_t step = 0; step < N_STEPS; step++) {
		struct memo memo = draw(&random);

		if (random_percent(&random, 70))
			put(table, &list, &memo, step);
		else
			assert_int_equal(list_find(&list, &memo) < list.n,
					 memo_table_has(table, &memo));
		if (step % 4001 == 0)
			remove_some(table, &list, &random);
		if (step % 997 == 0)
			compare(table, &list);
	}
	memo_table_clear(table);
	list.n = 0;
	compare(table, &list);
	memo_table_free(table);
}

static void every_part_of_a_key_counts(void **state)
{
	struct memo_table *table = memo_table_new(hash_key);
	const uint8_t v4[4] = { 10, 0, 0, 1 };
	const uint8_t v6[16] = { 10, 0, 0, 1 };
	struct memo first = { .src = ip_addr_v4(v4),
			      .dst = ip_addr_v4(v4),
			      .port = 80,
			      .protocol = PROTOCOL_TCP };
	struct memo others[] = { first, first, first, first, first };
	bool failed = false;

	(void)state;
	others[0].src = ip_addr_v6(v6);
	others[1].dst = ip_addr_v6(v6);
	others[2].port = 81;
	others[3].protocol = PROTOCOL_UDP;
	others[4].src.bytes[3] = 2;
	assert_true(memo_table_put(table, &first, 0, &failed));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(memo_table_has(table, &others[i]));
		assert_true(memo_table_put(table, &others[i], 0, &failed));
	}
	assert_int_equal(6, memo_table_count(table));
	memo_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_a_list_in_order),
		cmocka_unit_test(every_part_of_a_key_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
