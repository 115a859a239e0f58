/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The twin asks cidr_contains() about each block and each exception (NP-33). An
 * answer can only change at the first and the last address of one of them, so
 * these are asked about, and those next to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/block_set.h"

#include "parts_build.h"
#include "random_objects.h"

static struct block_sets sets;
static struct arena scratch;

static int make_sets(void **state)
{
	sets = (struct block_sets){ 0 };
	return make_parts(state);
}

static int free_sets(void **state)
{
	assert_int_equal(0, sets.n);
	block_sets_release(&the_parts, &sets);
	arena_release(&scratch);
	return free_parts(state);
}

/* ---- the twin ----------------------------------------------------------- */

static bool peer_has(const struct peer *peer, const struct ip_addr *addr)
{
	if (!cidr_contains(&peer->block, addr))
		return false;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (cidr_contains(&peer->except[i], addr))
			return false;
	}
	return true;
}

static bool any_has(const struct peer *const *peers, size_t n,
		    const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (peer_has(peers[i], addr))
			return true;
	}
	return false;
}

/* The address before, or after; round and round. */
static struct ip_addr beside(struct ip_addr addr, int step)
{
	size_t i = ip_addr_len(&addr);

	while (i-- > 0) {
		addr.bytes[i] = (uint8_t)(addr.bytes[i] + step);
		if (addr.bytes[i] != (step > 0 ? 0 : UINT8_MAX))
			break;
	}
	return addr;
}

static struct ip_addr last_of(const struct cidr *block)
{
	struct ip_addr addr = block->addr;

	for (size_t i = block->prefix_len; i < ip_addr_len(&addr) * 8; i++)
		addr.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return addr;
}

static void compare_at(const struct block_set *set,
		       const struct peer *const *peers, size_t n,
		       struct ip_addr addr)
{
	char text[IP_ADDR_TEXT_LEN];

	for (int step = -1; step <= 1; step++) {
		struct ip_addr at = step ? beside(addr, step) : addr;
		bool expected = any_has(peers, n, &at);

		if (block_set_has(set, &at) != expected)
			fail_msg("%s: expected %d", ip_addr_format(&at, text),
				 expected);
	}
}

static void compare_around(const struct block_set *set,
			   const struct peer *const *peers, size_t n,
			   const struct cidr *block)
{
	compare_at(set, peers, n, block->addr);
	compare_at(set, peers, n, last_of(block));
}

/* Sorted, and something between each and the next. */
static void expect_apart(const struct block_set *set)
{
	for (size_t i = 0; i < set->n_v4; i++) {
		assert_true(set->v4[i].first <= set->v4[i].last);
		assert_true(i == 0 ||
			    (set->v4[i].first > set->v4[i - 1].last &&
			     set->v4[i].first - set->v4[i - 1].last > 1));
	}
	for (size_t i = 0; i < set->n_v6; i++) {
		assert_true(set->v6[i].first <= set->v6[i].last);
		assert_true(i == 0 ||
			    (set->v6[i].first > set->v6[i - 1].last &&
			     set->v6[i].first - set->v6[i - 1].last > 1));
	}
}

static void compare(struct random *random, const struct block_set *set,
		    const struct peer *const *peers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		compare_around(set, peers, n, &peers[i]->block);
		for (size_t k = 0; k < peers[i]->n_except; k++)
			compare_around(set, peers, n, &peers[i]->except[k]);
	}
	for (int i = 0; i < 8; i++)
		compare_at(set, peers, n,
			   random_address(random, i % 2 ? IP_V4 : IP_V6));
	assert_false(block_set_has(set, &(struct ip_addr){ 0 }));
	expect_apart(set);
}

/* ---- random contents ---------------------------------------------------- */

static struct block_set *get(const struct peer *const *peers, size_t n)
{
	struct block_set *set =
		block_sets_get(&the_parts, &sets, &scratch, peers, n);

	assert_non_null(set);
	arena_clear(&scratch);
	return set;
}

#define MAX_PEERS 6
#define MAX_SETS 3

/* Some sets, and their union. */
static void compare_some(struct random *random)
{
	struct peer peers[MAX_SETS][MAX_PEERS];
	const struct peer *all[MAX_SETS * MAX_PEERS];
	const struct block_set *members[MAX_SETS];
	struct block_set *each[MAX_SETS], *whole;
	size_t n_sets = 1 + random_below(random, MAX_SETS), n_all = 0;

	for (size_t i = 0; i < n_sets; i++) {
		size_t n = 1 + random_below(random, MAX_PEERS);

		for (size_t k = 0; k < n; k++) {
			peers[i][k] = random_block_peer(random, &build_arena);
			all[n_all + k] = &peers[i][k];
		}
		members[i] = each[i] = get(all + n_all, n);
		compare(random, each[i], all + n_all, n);
		n_all += n;
	}
	whole = block_sets_unite(&the_parts, &sets, &scratch, members, n_sets);
	compare(random, whole, all, n_all);
	/* However they are put together, what is equal is one. */
	assert_ptr_equal(whole, get(all, n_all));
	block_sets_drop(&the_parts, &sets, whole);
	for (size_t i = 0; i < n_sets; i++)
		block_sets_drop(&the_parts, &sets, each[i]);
	block_sets_drop(&the_parts, &sets, whole);
	assert_int_equal(0, sets.n);
	pass_round();
	arena_clear(&build_arena);
}

static void ranges_say_what_blocks_say(void **state)
{
	struct random random = { a_seed() };

	(void)state;
	for (int i = 0; i < PLAIN_OR_SANITIZED(20000, 3000); i++)
		compare_some(&random);
}

/* ---- one fact per row --------------------------------------------------- */

static const struct {
	const char *name;
	const char *blocks; /* "CIDR but CIDR but CIDR, CIDR" */
	const char *in, *out;
	size_t n_ranges;
} cases[] = {
	{ "NP-33: a block ends where it ends", "10.0.0.0/24",
	  "10.0.0.0 10.0.0.255", "9.255.255.255 10.0.1.0", 1 },
	{ "NP-33: what is excepted is not in it", "10.0.0.0/8 but 10.1.0.0/16",
	  "10.0.255.255 10.2.0.0", "10.1.0.0 10.1.255.255", 2 },
	{ "an exception at the beginning", "10.0.0.0/8 but 10.0.0.0/16",
	  "10.1.0.0", "10.0.255.255 9.255.255.255", 1 },
	{ "an exception at the end", "10.0.0.0/8 but 10.255.0.0/16",
	  "10.254.255.255", "10.255.0.0 10.255.255.255 11.0.0.0", 1 },
	{ "an exception of all leaves nothing", "10.0.0.0/8 but 10.0.0.0/8", "",
	  "10.0.0.0 10.255.255.255", 0 },
	{ "and so does one of more than all", "10.0.0.0/8 but 0.0.0.0/0", "",
	  "10.0.0.0", 0 },
	{ "an exception outside takes nothing", "10.0.0.0/8 but 11.0.0.0/8",
	  "10.255.255.255", "11.0.0.0", 1 },
	{ "exceptions overlap", "10.0.0.0/8 but 10.1.0.0/16 but 10.1.128.0/17",
	  "10.0.255.255 10.2.0.0", "10.1.0.0 10.1.128.0 10.1.255.255", 2 },
	{ "exceptions touch", "10.0.0.0/8 but 10.1.0.0/17 but 10.1.128.0/17",
	  "10.0.255.255 10.2.0.0", "10.1.127.255 10.1.128.0", 2 },
	{ "NP-37: an exception of the other family takes nothing",
	  "10.0.0.0/8 but ::/0", "10.0.0.0", "::a00:0", 1 },
	{ "blocks that touch are one range", "10.0.0.0/25, 10.0.0.128/25",
	  "10.0.0.127 10.0.0.128", "10.0.1.0", 1 },
	{ "blocks with one address between are two", "10.0.0.0/32, 10.0.0.2/32",
	  "10.0.0.0 10.0.0.2", "10.0.0.1", 2 },
	{ "a block in another one adds nothing", "10.0.0.0/8, 10.1.0.0/16",
	  "10.1.0.0", "11.0.0.0", 1 },
	{ "NP-36: an exception takes from its own block only",
	  "10.0.0.0/8 but 10.1.0.0/16, 10.1.1.0/24", "10.1.1.0 10.1.1.255",
	  "10.1.0.255 10.1.2.0", 3 },
	{ "all of IPv4 begins and ends", "0.0.0.0/0", "0.0.0.0 255.255.255.255",
	  "::", 1 },
	{ "but the last address", "0.0.0.0/0 but 255.255.255.255/32",
	  "255.255.255.254", "255.255.255.255", 1 },
	{ "but the first", "0.0.0.0/0 but 0.0.0.0/32", "0.0.0.1", "0.0.0.0",
	  1 },
	{ "the last address alone", "255.255.255.255/32", "255.255.255.255",
	  "255.255.255.254 0.0.0.0", 1 },
	{ "two halves are all of it", "128.0.0.0/1, 0.0.0.0/1",
	  "127.255.255.255 128.0.0.0", "::", 1 },
	{ "NP-37: all of IPv6 holds no IPv4", "::/0",
	  ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0", 1 },
	{ "but the last address",
	  "::/0 but ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1 },
	{ "the last address alone, after all the others",
	  "::/0 but ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128, "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0", 1 },
	{ "a carry goes through all of IPv6", "fd00::/65, fd00:0:0:0:8000::/65",
	  "fd00::7fff:ffff:ffff:ffff fd00::8000:0:0:0", "fd00:0:0:1::", 1 },
	{ "both families are in one set", "10.0.0.0/8, fd00::/8",
	  "10.0.0.0 fd00::", "11.0.0.0 fe00::", 2 },
	{ "a block is named twice", "10.0.0.0/8, 10.0.0.0/8", "10.0.0.0",
	  "11.0.0.0", 1 },
};

static struct cidr a_block(const char *text)
{
	struct cidr block;

	assert_int_equal(0, cidr_parse(text, strlen(text), &block, NULL));
	return block;
}

static struct peer a_block_peer(char *text)
{
	struct cidr *except = arena_array(&build_arena, 4, sizeof(*except));
	struct peer peer = { .kind = PEER_IP_BLOCK, .except = except };
	char *save = NULL, *word = strtok_r(text, " ", &save);

	peer.block = a_block(word);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (strcmp(word, "but") != 0)
			except[peer.n_except++] = a_block(word);
	}
	return peer;
}

static size_t block_peers(const char *text, const struct peer **out)
{
	struct peer *peers = arena_array(&build_arena, 4, sizeof(*peers));
	char *copy = arena_strdup(&build_arena, text), *save = NULL;
	size_t n = 0;

	for (char *part = strtok_r(copy, ",", &save); part;
	     part = strtok_r(NULL, ",", &save)) {
		peers[n] = a_block_peer(part);
		out[n] = &peers[n];
		n++;
	}
	return n;
}

static void expect_all(const char *name, const struct block_set *set,
		       const char *addresses, bool expected)
{
	char *copy = arena_strdup(&build_arena, addresses), *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		struct ip_addr addr = an_addr(word);

		if (block_set_has(set, &addr) != expected)
			fail_msg("%s: %s: expected %d", name, word, expected);
	}
}

static void each_set_is_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		const struct peer *peers[4];
		size_t n = block_peers(cases[i].blocks, peers);
		struct block_set *set = get(peers, n);

		expect_all(cases[i].name, set, cases[i].in, true);
		expect_all(cases[i].name, set, cases[i].out, false);
		if (set->n_v4 + set->n_v6 != cases[i].n_ranges)
			fail_msg("%s: expected %zu ranges, got %u",
				 cases[i].name, cases[i].n_ranges,
				 set->n_v4 + set->n_v6);
		expect_apart(set);
		block_sets_drop(&the_parts, &sets, set);
	}
}

/* ---- many --------------------------------------------------------------- */

/* Every second address of a block, as many blocks, so that none can be merged;
   and as many sets. */
static void many_ranges_and_many_sets_are_found(void **state)
{
	static struct peer peers[500];
	static const struct peer *pointers[N_OF(peers)];
	static struct block_set *each[N_OF(peers)];
	struct block_set *all;

	(void)state;
	for (size_t i = 0; i < N_OF(peers); i++) {
		const uint8_t bytes[4] = { 10, 0, (uint8_t)(2 * i >> 8),
					   (uint8_t)(2 * i) };

		peers[i] = (struct peer){ .kind = PEER_IP_BLOCK,
					  .block = { ip_addr_v4(bytes), 32 } };
		pointers[N_OF(peers) - 1 - i] = &peers[i];
		each[i] = get((const struct peer *[]){ &peers[i] }, 1);
	}
	all = get(pointers, N_OF(peers));
	assert_int_equal(N_OF(peers), all->n_v4);
	assert_int_equal(N_OF(peers) + 1, sets.n);
	expect_apart(all);
	for (size_t i = 0; i < N_OF(peers); i++) {
		struct ip_addr addr = peers[i].block.addr;
		struct ip_addr next = beside(addr, 1);

		assert_true(block_set_has(all, &addr));
		assert_false(block_set_has(all, &next));
		assert_ptr_equal(each[i],
				 get((const struct peer *[]){ &peers[i] }, 1));
		block_sets_drop(&the_parts, &sets, each[i]);
		block_sets_drop(&the_parts, &sets, each[i]);
	}
	block_sets_drop(&the_parts, &sets, all);
}

/* Readers of an older round may be using it. */
static void a_published_set_is_thrown(void **state)
{
	const struct peer *peers[4];
	struct block_set *set = get(peers, block_peers("10.0.0.0/8", peers));
	struct ip_addr addr = an_addr("10.0.0.1");
	struct part *thrown;

	(void)state;
	assert_null(end_round());
	block_sets_drop(&the_parts, &sets, set);
	assert_int_equal(0, sets.n);
	thrown = end_round();
	assert_ptr_equal(&set->part, thrown);
	assert_true(block_set_has(set, &addr));
	parts_free_thrown(&the_parts, thrown);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_sets, free_sets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_say_what_blocks_say),
		TEST(each_set_is_what_the_table_says),
		TEST(many_ranges_and_many_sets_are_found),
		TEST(a_published_set_is_thrown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
