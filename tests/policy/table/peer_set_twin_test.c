/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identities, peers and unions come and go as they do in a table, and every set
 * has to hold just those that its peers match.
 *
 * An identity that goes is a part that is thrown, and is taken out of the sets
 * when no reader is left who knows it. Readers are those of the last few
 * rounds: whoever they know, and whatever they have read of a set's bits so
 * far, their answers stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "peer_build.h"

/* ---- sets in use -------------------------------------------------------- */

#define N_SUBJECTS 50
#define MAX_LEAVES 60

/* A set, or a union, that somebody uses. */
struct subject {
	struct peer_set *set; /* NULL: unused */
	struct leaf leaves[MAX_LEAVES];
	size_t n_leaves;
};

static struct subject subjects[N_SUBJECTS];

static bool subject_matches(const struct subject *subject,
			    const struct identity *id)
{
	for (size_t i = 0; i < subject->n_leaves; i++) {
		if (leaf_matches(&subject->leaves[i], id->facts, &id->labels))
			return true;
	}
	return false;
}

static void compare(void)
{
	for (size_t i = 0; i < N_SUBJECTS; i++) {
		const struct subject *subject = &subjects[i];

		for (uint32_t k = 0; subject->set && k < N_NUMBERS; k++) {
			bool has = peer_set_has(subject->set, k);
			bool expected = ids[k].facts &&
					subject_matches(subject, &ids[k]);

			/* Who has gone may be in it or not. */
			if (!ids[k].thrown && has != expected)
				fail_msg("set %zu, identity %u: expected %d", i,
					 k, expected);
		}
		assert_false(subject->set &&
			     peer_set_has(subject->set, UINT32_MAX));
	}
}

static struct leaf random_leaf(struct random *random)
{
	struct peer peer = random_pod_peer(random, &build_arena);

	return keep_leaf(&peer, random_pick(random, facts).name);
}

static void use_peer(struct random *random, struct subject *subject)
{
	bool is_new;

	subject->leaves[0] = random_leaf(random);
	subject->n_leaves = 1;
	subject->set = get(&subject->leaves[0], &is_new);
	if (is_new)
		fill(subject->set, &subject->leaves[0]);
}

static void use_union(struct random *random, struct subject *subject)
{
	struct peer_set *members[4];
	size_t n = 0;

	subject->n_leaves = 0;
	for (size_t i = 0; i < N_SUBJECTS && n < 4; i++) {
		const struct subject *other = &subjects[i];
		bool known = !other->set || random_percent(random, 85);

		for (size_t k = 0; k < n; k++)
			known |= members[k] == other->set;
		if (known || subject->n_leaves + other->n_leaves > MAX_LEAVES)
			continue;
		members[n++] = other->set;
		for (size_t k = 0; k < other->n_leaves; k++)
			subject->leaves[subject->n_leaves++] =
				keep_leaf(&other->leaves[k].peer,
					  other->leaves[k].namespace);
	}
	if (n == 0)
		return;
	subject->set = peer_set_unite(&the_parts, members, n);
	assert_non_null(subject->set);
}

static void drop_subject(struct subject *subject)
{
	for (size_t i = 0; i < subject->n_leaves; i++)
		drop_leaf(&subject->leaves[i]);
	peer_set_drop(&the_parts, &sets, subject->set);
	subject->set = NULL;
}

/* ---- readers ------------------------------------------------------------ */

/* Somebody who holds a snapshot: the sets, the identities it knows, and what
   they have answered; and the bits of a set that it has just come to. */
struct reader {
	bool in_use;
	struct part *thrown;
	bool knows[N_NUMBERS];
	struct reading {
		const struct peer_set *set;
		const struct peer_bits *bits;
		bool answers[N_NUMBERS];
	} readings[N_SUBJECTS];
};

#define N_READERS 3
static struct reader readers[N_READERS];

static void read_again(struct random *random, struct reader *reader)
{
	for (size_t i = 0; i < N_SUBJECTS; i++) {
		struct reading *reading = &reader->readings[i];

		for (uint32_t k = 0; reading->set && k < N_NUMBERS; k++) {
			if (!reader->knows[k])
				continue;
			assert_int_equal(reading->answers[k],
					 peer_set_has(reading->set, k));
			assert_int_equal(reading->answers[k],
					 bits_have(reading->bits, k));
		}
		if (reading->set && random_percent(random, 30))
			reading->bits = reading->set->bits;
	}
}

static void begin_reading(struct reader *reader)
{
	*reader = (struct reader){ .in_use = true };
	for (size_t k = 0; k < N_NUMBERS; k++)
		reader->knows[k] = is_here(&ids[k]);
	for (size_t i = 0; i < N_SUBJECTS; i++) {
		struct reading *reading = &reader->readings[i];

		reading->set = subjects[i].set;
		if (!reading->set)
			continue;
		reading->bits = reading->set->bits;
		for (uint32_t k = 0; k < N_NUMBERS; k++)
			reading->answers[k] = peer_set_has(reading->set, k);
	}
}

/* The newest takes the place of the oldest. */
static void publish(size_t round)
{
	struct reader *reader = &readers[round % N_READERS];
	struct reader *before = &readers[(round + N_READERS - 1) % N_READERS];
	struct part *thrown = end_round();

	if (before->in_use)
		before->thrown = thrown;
	else
		parts_free_thrown(&the_parts, thrown);
	if (reader->in_use)
		parts_free_thrown(&the_parts, reader->thrown);
	begin_reading(reader);
}

/* ---- random contents ---------------------------------------------------- */

static void change_one(struct random *random)
{
	struct subject *subject = &random_pick(random, subjects);
	struct identity *id = &random_pick(random, ids);
	size_t what = random_below(random, 100);
	struct labels labels;

	if (what < 70 && !id->facts) {
		labels = random_labels(random, &build_arena);
		come(id, &random_pick(random, facts), &labels);
	} else if (what < 70) {
		if (!id->thrown && random_percent(random, 60))
			go(id);
	} else if (subject->set) {
		drop_subject(subject);
	} else if (what < 85) {
		use_peer(random, subject);
	} else {
		use_union(random, subject);
	}
}

static void end_all(void)
{
	for (size_t i = 0; i < N_SUBJECTS; i++) {
		if (subjects[i].set)
			drop_subject(&subjects[i]);
	}
	for (size_t k = 0; k < N_NUMBERS; k++) {
		if (is_here(&ids[k]))
			go(&ids[k]);
	}
	/* What was thrown last may be known to all. */
	for (size_t i = 0; i < N_READERS; i++) {
		parts_free_thrown(&the_parts, readers[i].thrown);
		readers[i] = (struct reader){ 0 };
	}
	pass_round();
}

static void sets_say_what_selectors_say(void **state)
{
	struct random random = { a_seed() };

	(void)state;
	make_facts(&random);
	for (size_t round = 0; round < PLAIN_OR_SANITIZED(200, 60); round++) {
		for (size_t n = random_below(&random, 40); n > 0; n--) {
			change_one(&random);
			if (random_percent(&random, 10))
				compare();
			for (size_t i = 0; i < N_READERS; i++)
				read_again(&random, &readers[i]);
		}
		publish(round);
		compare();
	}
	end_all();
	assert_int_equal(0, sets.index.n_entries);
	drop_facts();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_sets, free_sets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sets_say_what_selectors_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
