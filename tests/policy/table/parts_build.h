/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_PARTS_BUILD_H
#define NETPOLD_TESTS_POLICY_TABLE_PARTS_BUILD_H

#include <time.h>

#include "store/policy_copy.h"
#include "store/record.h"
#include "table/parts.h"

#include "effort.h"
#include "object_build.h"
#include "twin/random.h"

/*
 * What one structure of a table needs around it, and nothing else of the table:
 * parts, and a pool with objects, names, labels and selectors.
 *
 *	end_round() publishes what was made: it returns what was thrown in the
 *	round, for parts_free_thrown() when no reader is left.
 *
 * A test is set up by make_parts() and torn down by free_parts(), which insists
 * that nothing is left, in the accounts or in the pool.
 */
static struct parts the_parts;

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline int make_parts(void **state)
{
	(void)state;
	the_parts = (struct parts){ .pool = intern_pool_new(), .round = 1 };
	return the_parts.pool ? 0 : -1;
}

static inline size_t bytes_in_use(void)
{
	size_t sum = 0;

	for (int kind = 0; kind < N_PART_KINDS; kind++)
		sum += the_parts.bytes[kind];
	return sum;
}

static inline int free_parts(void **state)
{
	struct intern_counts counts = intern_pool_counts(the_parts.pool);

	(void)state;
	assert_null(the_parts.thrown);
	for (int kind = 0; kind < N_PART_KINDS; kind++)
		assert_int_equal(0, the_parts.bytes[kind]);
	assert_int_equal(0, counts.strings);
	assert_int_equal(0, counts.lists);
	assert_int_equal(0, counts.bytes);
	intern_pool_release(the_parts.pool);
	arena_release(&build_arena);
	return 0;
}

static inline struct part *end_round(void)
{
	struct part *thrown = the_parts.thrown;

	the_parts.thrown = NULL;
	the_parts.round++;
	return thrown;
}

/* A round that nobody reads. */
static inline void pass_round(void)
{
	parts_free_thrown(&the_parts, end_round());
}

/* ---- the pool ----------------------------------------------------------- */

/* An object as the store keeps it, for drop_object(). */
static inline const struct object *keep_object(struct object object)
{
	struct record *record = record_new(the_parts.pool, &object);

	assert_non_null(record);
	return &record->object;
}

static inline void drop_object(const struct object *object)
{
	record_drop(the_parts.pool, object);
}

static inline size_t users_of(const struct object *object)
{
	return record_of(object)->n_users;
}

/* A selector whose strings are the pool's, for selector_drop(). */
static inline struct selector keep_selector(const struct selector *selector)
{
	struct selector copy;
	void *memory = arena_alloc(&build_arena, selector_copy_size(selector));

	assert_int_equal(
		0, selector_copy(the_parts.pool, selector, memory, &copy));
	return copy;
}

static inline struct labels keep_labels(const struct labels *labels)
{
	struct labels copy;

	assert_int_equal(0, intern_labels(the_parts.pool, labels, &copy));
	return copy;
}

/* ---- selectors as text -------------------------------------------------- */

/* "app in (web,api)", "tier notin (a)", "tier exists", "tier absent"; "tier ?"
   is an operator that nobody knows. */
static inline struct requirement a_requirement(char *text)
{
	static const char *const words[] = {
		[SELECTOR_IN] = "in",
		[SELECTOR_NOT_IN] = "notin",
		[SELECTOR_EXISTS] = "exists",
		[SELECTOR_DOES_NOT_EXIST] = "absent",
	};
	const char **values = arena_array(&build_arena, 8, sizeof(*values));
	char *save = NULL, *word;
	struct requirement r = { .values = values };

	r.key = strtok_r(text, " ", &save);
	word = strtok_r(NULL, " (", &save);
	for (size_t op = SELECTOR_IN; op < N_OF(words); op++) {
		if (strcmp(word, words[op]) == 0)
			r.op = (enum selector_operator)op;
	}
	while ((word = strtok_r(NULL, "(,)", &save)))
		values[r.n_values++] = strcmp(word, "''") == 0 ? "" : word;
	return r;
}

/* Requirements, separated by semicolons. */
static inline struct selector selector_of(const char *text)
{
	struct requirement *items =
		arena_array(&build_arena, 4, sizeof(*items));
	char *copy = arena_strdup(&build_arena, text), *save = NULL;
	size_t n = 0;

	for (char *part = strtok_r(copy, ";", &save); part;
	     part = strtok_r(NULL, ";", &save))
		items[n++] = a_requirement(part);
	return (struct selector){ items, n };
}

/* ---- random contents ---------------------------------------------------- */

/* Once for each run of a test program. */
static inline uint64_t a_seed(void)
{
	uint64_t seed = random_setting("NETPOLD_SEED", (uint64_t)time(NULL));

	print_message("# NETPOLD_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

#endif
