/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a set's counters, against a kernel that counts for us.
   NETPOLD_SEED sets the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/memo.h"
#include "datapath/memo_growth.h"
#include "datapath/memo_set.h"
#include "netpold/object.h"
#include "policy/twin/random.h"

#define US_PER_S 1000000

static const uint64_t hash_key[2] = { 1, 2 };

static struct memo memo_number(uint32_t number)
{
	const uint8_t src[4] = { 10, 0, (uint8_t)(number >> 8),
				 (uint8_t)number };
	const uint8_t dst[4] = { 10, 1, 0, 1 };

	return (struct memo){
		.src = ip_addr_v4(src),
		.dst = ip_addr_v4(dst),
		.port = 80,
		.protocol = PROTOCOL_TCP,
	};
}

/* One member, by walk: what the kernel says of it, and what has grown. */
struct walked {
	struct memo_counters counters; /* packets 0: it is not there */
	int64_t at_s;
	uint64_t packets, bytes;
};

static const struct {
	const char *name;
	struct walked walks[4];
} cases[] = {
	{ "what was answered before the first walk is not told of",
	  { { { 41, 4100, 30 }, 0, 0, 0 }, { { 43, 4300, 29 }, 1, 2, 200 } } },
	{ "the packet that put a member in was judged, and does not count",
	  { { .at_s = 0 },
	    { { 1, 60, 30 }, 1, 0, 0 },
	    { { 5, 300, 29 }, 2, 4, 240 } } },
	{ "nor does it where others came before the next walk",
	  { { .at_s = 0 }, { { 11, 660, 29 }, 1, 10, 600 } } },
	{ "one that answers nobody tells nothing",
	  { { { 7, 420, 30 }, 0, 0, 0 }, { { 7, 420, 29 }, 1, 0, 0 } } },
	{ "one that ran out and is in again with less has begun anew",
	  { { { 9, 540, 1 }, 0, 0, 0 }, { { 3, 180, 29 }, 2, 2, 120 } } },
	{ "so has one with more: it runs out later than the one before",
	  { { { 9, 540, 1 }, 0, 0, 0 }, { { 21, 1260, 29 }, 2, 20, 1200 } } },
	{ "a second that the kernel rounds off is no other end",
	  { { { 9, 540, 20 }, 0, 0, 0 }, { { 12, 720, 20 }, 1, 3, 180 } } },
	{ "one that is gone for a walk has begun anew",
	  { { { 9, 540, 1 }, 0, 0, 0 },
	    { .at_s = 2 },
	    { { 9, 540, 29 }, 3, 8, 480 } } },
};

static void walk_one(struct memo_growth *growth, const struct walked *walk,
		     const char *name)
{
	const struct memo memo = memo_number(1);
	struct memo_grown grown = { 0 };

	memo_growth_begin(growth, walk->at_s * US_PER_S);
	if (walk->counters.packets > 0)
		grown = memo_growth_see(growth, &memo, &walk->counters,
					walk->at_s * US_PER_S);
	memo_growth_end(growth);
	if (grown.packets != walk->packets || grown.bytes != walk->bytes)
		fail_msg("%s: at %ld s %lu packets and %lu bytes are told of, "
			 "not %lu and %lu",
			 name, walk->at_s, grown.packets, grown.bytes,
			 walk->packets, walk->bytes);
}

static void growth_is_told_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct memo_growth *growth = memo_growth_new(hash_key);

		for (size_t w = 0; w < 4; w++)
			if (w == 0 || cases[i].walks[w].at_s > 0)
				walk_one(growth, &cases[i].walks[w],
					 cases[i].name);
		memo_growth_free(growth);
	}
}

static void what_is_forgotten_is_as_before_the_first_walk(void **state)
{
	static const struct memo_counters before = { 5, 500, 30 },
					  after = { 7, 700, 28 },
					  later = { 10, 1000, 27 };
	struct memo_growth *growth = memo_growth_new(hash_key);
	const struct memo memo = memo_number(1);

	(void)state;
	memo_growth_begin(growth, 0);
	memo_growth_see(growth, &memo, &before, 0);
	memo_growth_end(growth);
	memo_growth_forget(growth);
	assert_int_equal(0, memo_growth_count(growth));
	memo_growth_begin(growth, US_PER_S);
	assert_int_equal(
		0, memo_growth_see(growth, &memo, &after, US_PER_S).packets);
	memo_growth_end(growth);
	memo_growth_begin(growth, 2 * US_PER_S);
	assert_int_equal(
		3,
		memo_growth_see(growth, &memo, &later, 2 * US_PER_S).packets);
	memo_growth_end(growth);
	memo_growth_free(growth);
}

static void a_walk_that_fails_forgets_nobody(void **state)
{
	static const struct memo_counters before = { 5, 500, 30 },
					  after = { 7, 700, 28 };
	struct memo_growth *growth = memo_growth_new(hash_key);
	const struct memo memo = memo_number(1);

	(void)state;
	memo_growth_begin(growth, 0);
	memo_growth_see(growth, &memo, &before, 0);
	memo_growth_end(growth);
	/* It ends before it has met anybody. */
	memo_growth_begin(growth, US_PER_S);
	memo_growth_begin(growth, 2 * US_PER_S);
	assert_int_equal(
		2,
		memo_growth_see(growth, &memo, &after, 2 * US_PER_S).packets);
	memo_growth_end(growth);
	memo_growth_free(growth);
}

static void a_walk_that_is_held_up_tells_nothing_twice(void **state)
{
	static const struct memo_counters before = { 41, 4100, 20 },
					  after = { 43, 4300, 20 },
					  another = { 50, 5000, 29 };
	struct memo_growth *growth = memo_growth_new(hash_key);
	const struct memo memo = memo_number(1);

	(void)state;
	memo_growth_begin(growth, 0);
	memo_growth_end(growth);
	memo_growth_begin(growth, US_PER_S);
	/* Nine seconds later the kernel is asked. */
	assert_int_equal(
		40,
		memo_growth_see(growth, &memo, &before, 10 * US_PER_S).packets);
	memo_growth_end(growth);
	memo_growth_begin(growth, 10 * US_PER_S);
	assert_int_equal(
		2,
		memo_growth_see(growth, &memo, &after, 10 * US_PER_S).packets);
	memo_growth_end(growth);
	/* It was held up, and so is this one; what it meets is another one. */
	memo_growth_begin(growth, 31 * US_PER_S);
	assert_int_equal(49,
			 memo_growth_see(growth, &memo, &another, 40 * US_PER_S)
				 .packets);
	memo_growth_end(growth);
	memo_growth_free(growth);
}

/* ---- a kernel ------------------------------------------------------------ */

#define N_MEMBERS 400
#define N_STEPS 3000
#define TIMEOUT_S 30

struct kernel_member {
	struct memo_counters counters; /* packets 0: it is not in */
	int64_t end_us;
	uint64_t unread; /* answered since it was last read */
};

struct kernel {
	struct kernel_member members[N_MEMBERS];
	int64_t now_us;
	uint64_t answered, never_read;
};

/* A packet comes: it is judged, and puts the member in, or it is answered. */
static void come(struct kernel *kernel, uint32_t number, uint64_t len)
{
	struct kernel_member *member = &kernel->members[number];

	if (member->counters.packets > 0 && member->end_us > kernel->now_us) {
		member->counters.packets++;
		member->counters.bytes += len;
		member->unread++;
		kernel->answered++;
		return;
	}
	kernel->never_read += member->unread;
	*member = (struct kernel_member){
		.counters = { .packets = 1, .bytes = len },
		.end_us = kernel->now_us + TIMEOUT_S * US_PER_S,
	};
}

/* Who walks is kept from it now and then, for seconds. */
static void time_goes_by(struct kernel *kernel, struct random *random)
{
	if (random_below(random, N_MEMBERS) == 0)
		kernel->now_us += (int64_t)random_below(random, 6 * US_PER_S);
}

/* As ip_set_timeout_get() rounds: 0 would be no end at all. */
static uint32_t left_s(int64_t left_us)
{
	return left_us < US_PER_S ? 1 : (uint32_t)(left_us / US_PER_S);
}

static uint64_t read_all(struct kernel *kernel, struct memo_growth *growth,
			 struct random *random)
{
	uint64_t told = 0;

	memo_growth_begin(growth, kernel->now_us);
	for (uint32_t i = 0; i < N_MEMBERS; i++) {
		struct kernel_member *member = &kernel->members[i];
		const struct memo memo = memo_number(i);

		time_goes_by(kernel, random);
		if (member->counters.packets == 0 ||
		    member->end_us <= kernel->now_us)
			continue;
		member->counters.left_s =
			left_s(member->end_us - kernel->now_us);
		time_goes_by(kernel, random);
		told += memo_growth_see(growth, &memo, &member->counters,
					kernel->now_us)
				.packets;
		member->unread = 0;
	}
	memo_growth_end(growth);
	return told;
}

static void all_that_is_read_is_told_of_once(void **state)
{
	struct memo_growth *growth = memo_growth_new(hash_key);
	struct kernel kernel = { .now_us = US_PER_S };
	struct random random = { random_setting("NETPOLD_SEED", 1) };
	uint64_t told = 0;

	(void)state;
	read_all(&kernel, growth, &random);
	for (int i = 0; i < N_STEPS; i++) {
		/* Few knock often. */
		size_t n = random_below(&random, 200),
		       among = random_below(&random, N_MEMBERS) + 1;

		while (n-- > 0)
			come(&kernel, (uint32_t)random_below(&random, among),
			     random_below(&random, 1400) + 60);
		kernel.now_us += (int64_t)random_below(&random, US_PER_S);
		if (random_below(&random, 3) == 0)
			told += read_all(&kernel, growth, &random);
	}
	told += read_all(&kernel, growth, &random);
	for (uint32_t i = 0; i < N_MEMBERS; i++)
		kernel.never_read += kernel.members[i].unread;
	assert_true(kernel.never_read > 0);
	assert_int_equal(kernel.answered - kernel.never_read, told);
	assert_true(memo_growth_count(growth) <= N_MEMBERS);
	memo_growth_free(growth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_told_of),
		cmocka_unit_test(what_is_forgotten_is_as_before_the_first_walk),
		cmocka_unit_test(a_walk_that_fails_forgets_nobody),
		cmocka_unit_test(a_walk_that_is_held_up_tells_nothing_twice),
		cmocka_unit_test(all_that_is_read_is_told_of_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
