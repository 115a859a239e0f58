/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the test's own, which say when they are freed. The twin of a
 * snapshot is the list of parts that were reachable when it was published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/snapshot_parts.h"

#include "parts_build.h"

/* ---- accounts ----------------------------------------------------------- */

static void memory_is_accounted_for(void **state)
{
	size_t capacity = 0;
	void *a, *b, *items;

	(void)state;
	a = parts_alloc(&the_parts, PART_RULES, 100);
	b = parts_alloc_line(&the_parts, PART_PEERS, 10);
	assert_int_equal(0, (uintptr_t)b % 64);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(0, ((unsigned char *)a)[i]);
	assert_int_equal(100, the_parts.bytes[PART_RULES]);
	assert_int_equal(10, the_parts.bytes[PART_PEERS]);
	items = parts_grow(&the_parts, PART_INDEX, NULL, 0, &capacity, 8);
	assert_int_equal(capacity * 8, the_parts.bytes[PART_INDEX]);
	assert_ptr_equal(items, parts_grow(&the_parts, PART_INDEX, items,
					   capacity - 1, &capacity, 8));
	items = parts_grow(&the_parts, PART_INDEX, items, capacity, &capacity,
			   8);
	assert_int_equal(capacity * 8, the_parts.bytes[PART_INDEX]);
	parts_free(&the_parts, PART_RULES, a, 100);
	parts_free(&the_parts, PART_PEERS, b, 10);
	parts_free(&the_parts, PART_INDEX, items, capacity * 8);
	parts_free(&the_parts, PART_INDEX, NULL, 7);
}

static void what_cannot_be_counted_is_not_had(void **state)
{
	size_t capacity = SIZE_MAX / 4 + 1;
	int item;

	(void)state;
	assert_null(parts_grow(&the_parts, PART_INDEX, &item, capacity,
			       &capacity, 8));
	assert_int_equal(SIZE_MAX / 4 + 1, capacity);
}

/* ---- parts of the test's own -------------------------------------------- */

struct witness {
	struct part part;
	size_t number;
};

#define N_WITNESSES 2000
static bool is_freed[N_WITNESSES];

static void witness_free(struct parts *parts, struct part *part)
{
	struct witness *witness = (struct witness *)part;

	assert_false(is_freed[witness->number]);
	is_freed[witness->number] = true;
	parts_free(parts, PART_RULES, witness, sizeof(*witness));
}

static struct part *a_witness(struct parts *parts, size_t number)
{
	struct witness *witness =
		parts_new(parts, PART_RULES, sizeof(*witness), witness_free);

	assert_non_null(witness);
	is_freed[number] = false;
	witness->number = number;
	return &witness->part;
}

static void a_part_of_this_round_goes_at_once(void **state)
{
	struct part *part = a_witness(&the_parts, 0);

	(void)state;
	assert_true(part_is_ours(&the_parts, part));
	parts_throw(&the_parts, part);
	assert_true(is_freed[0]);
	parts_throw(&the_parts, NULL);
	assert_null(the_parts.thrown);
}

static void a_part_of_an_older_round_is_thrown(void **state)
{
	struct part *part = a_witness(&the_parts, 0);

	(void)state;
	assert_null(end_round());
	assert_false(part_is_ours(&the_parts, part));
	parts_throw(&the_parts, part);
	assert_false(is_freed[0]);
	assert_ptr_equal(part, the_parts.thrown);
	pass_round();
	assert_true(is_freed[0]);
}

static void in_the_end_everything_is_ours(void **state)
{
	struct part *part = a_witness(&the_parts, 0);

	(void)state;
	assert_null(end_round());
	the_parts.ending = true;
	parts_throw(&the_parts, part);
	assert_true(is_freed[0]);
}

/* ---- a table and its snapshots ------------------------------------------ */

struct world {
	struct table *table;
	/* by part: the rounds in which it was made and thrown; 0: not yet */
	size_t n, made[N_WITNESSES], thrown[N_WITNESSES];
	struct part *parts[N_WITNESSES];
	/* by round: the snapshot that ended it; NULL: it was freed */
	struct snapshot *snapshots[N_WITNESSES];
	size_t round;
};

/* A snapshot may lead to a part that was made by its time, and not thrown yet;
   so does the round that is going on. */
static bool is_needed(const struct world *w, size_t part)
{
	for (size_t r = w->made[part]; r < w->round; r++) {
		if (w->snapshots[r] &&
		    (w->thrown[part] == 0 || r < w->thrown[part]))
			return true;
	}
	return w->thrown[part] == 0;
}

/* Just those are there that somebody needs; those thrown in this round, which
   has not ended, may be. */
static void compare(const struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		bool needed = is_needed(w, i);

		if (w->thrown[i] == w->round && !needed)
			continue;
		if (is_freed[i] == needed)
			fail_msg("round %zu: part %zu, made in %zu and thrown "
				 "in %zu: %s",
				 w->round, i, w->made[i], w->thrown[i],
				 needed ? "is freed too early"
					: "is not freed");
	}
}

static void make_part(struct world *w)
{
	w->parts[w->n] = a_witness(&w->table->parts, w->n);
	w->made[w->n] = w->round;
	w->thrown[w->n++] = 0;
}

static void throw_part(struct world *w, size_t i)
{
	if (w->thrown[i])
		return;
	w->thrown[i] = w->round;
	parts_throw(&w->table->parts, w->parts[i]);
}

static void publish(struct world *w)
{
	w->snapshots[w->round] = table_publish(w->table, w->round);
	assert_non_null(w->snapshots[w->round++]);
}

static void free_snapshot(struct world *w, size_t round)
{
	snapshot_free(w->snapshots[round]);
	w->snapshots[round] = NULL;
}

static void world_begin(struct world *w)
{
	*w = (struct world){ .round = 1 };
	w->table = table_new(the_parts.pool, NULL);
	assert_non_null(w->table);
}

/* What is not thrown in the end belongs to the test. */
static void world_end(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		throw_part(w, i);
	for (size_t r = 1; r < w->round; r++)
		free_snapshot(w, r);
	table_abandon(w->table);
	for (size_t i = 0; i < w->n; i++)
		assert_true(is_freed[i]);
}

static struct world world;

/* One part is made in each of three rounds, and thrown in the next. The order
   in which the three snapshots are freed, and what has gone after each. */
static const struct {
	const char *name;
	size_t order[3];
	const char *gone[3];
} orders[] = {
	{ "the oldest first", { 1, 2, 3 }, { "1", "12", "123" } },
	{ "the newest first", { 3, 2, 1 }, { "3", "23", "123" } },
	{ "the one in the middle first", { 2, 1, 3 }, { "2", "12", "123" } },
	{ "the one in the middle last", { 3, 1, 2 }, { "3", "13", "123" } },
};

static void a_part_goes_with_the_last_who_may_lead_to_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(orders); i++) {
		world_begin(&world);
		for (size_t r = 1; r <= 4; r++) {
			if (r > 1)
				throw_part(&world, r - 2);
			if (r < 4)
				make_part(&world);
			publish(&world);
		}
		for (size_t k = 0; k < 3; k++) {
			char gone[4] = "", *at = gone;

			free_snapshot(&world, orders[i].order[k]);
			for (size_t n = 0; n < 3; n++) {
				if (is_freed[n])
					*at++ = (char)('1' + n);
			}
			*at = '\0';
			if (strcmp(gone, orders[i].gone[k]) != 0)
				fail_msg("%s: after %zu of 3: expected %s, "
					 "got %s",
					 orders[i].name, k + 1,
					 orders[i].gone[k], gone);
		}
		world_end(&world);
	}
}

static void parts_are_freed_exactly_when_nobody_leads_to_them(void **state)
{
	struct random random = { a_seed() };

	(void)state;
	for (int i = 0; i < 30; i++) {
		world_begin(&world);
		while (world.n < 300) {
			size_t what = random_below(&random, 100);
			size_t r = random_below(&random, world.round);

			if (what < 40)
				make_part(&world);
			else if (what < 65 && world.n > 0)
				throw_part(&world,
					   random_below(&random, world.n));
			else if (what < 80)
				publish(&world);
			else
				free_snapshot(&world, r);
			compare(&world);
		}
		world_end(&world);
	}
}

static void a_table_goes_with_its_last_snapshot(void **state)
{
	struct snapshot *a, *b;

	(void)state;
	world_begin(&world);
	make_part(&world);
	publish(&world);
	throw_part(&world, 0);
	publish(&world);
	a = world.snapshots[1];
	b = world.snapshots[2];
	table_abandon(world.table);
	snapshot_free(b);
	assert_false(is_freed[0]);
	snapshot_free(a);
	assert_true(is_freed[0]);
	snapshot_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_parts, free_parts)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_accounted_for),
		TEST(what_cannot_be_counted_is_not_had),
		TEST(a_part_of_this_round_goes_at_once),
		TEST(a_part_of_an_older_round_is_thrown),
		TEST(in_the_end_everything_is_ours),
		TEST(a_part_goes_with_the_last_who_may_lead_to_it),
		TEST(parts_are_freed_exactly_when_nobody_leads_to_them),
		TEST(a_table_goes_with_its_last_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
