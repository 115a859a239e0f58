/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The twin is an array of who has which address. A copy of the map's own struct
 * is what a snapshot has of it: copies of earlier rounds are kept in use for a
 * while and have to answer as they did, whatever became of the map since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "table/address_map.h"

#include "parts_build.h"

#define N_PODS 40

static const struct object *pods[N_PODS];

static int make_pods(void **state)
{
	if (make_parts(state) < 0)
		return -1;
	for (size_t i = 0; i < N_PODS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "pod-%zu", i);
		pods[i] = keep_object(a_pod("shop", name, "app=web", ""));
	}
	return 0;
}

/* Whatever the test did, every pod is as it was. */
static int free_pods(void **state)
{
	for (size_t i = 0; i < N_PODS; i++) {
		assert_int_equal(1, users_of(pods[i]));
		drop_object(pods[i]);
	}
	return free_parts(state);
}

/* ---- the twin ----------------------------------------------------------- */

#define N_ADDRESSES 6000

/* Who has the address of a number; pod NULL: nobody. */
struct model {
	struct placed placed[N_ADDRESSES];
	size_t n;
};

/* Numbers to addresses, so that each family has some that are alike at their
   beginnings, at their ends, and the first one of all. */
static struct ip_addr address_of(enum ip_family family, size_t i)
{
	uint8_t bytes[16] = { 0 };
	size_t last = family == IP_V4 ? 3 : 15;

	bytes[last] = (uint8_t)i;
	if (i % 3 == 0)
		bytes[last - 1] = (uint8_t)(i >> 8);
	else
		bytes[last - 2] = (uint8_t)(i >> 8);
	bytes[0] = (uint8_t)(i % 3);
	return family == IP_V4 ? ip_addr_v4(bytes) : ip_addr_v6(bytes);
}

struct walk {
	const struct model *model;
	enum ip_family family;
	size_t n_seen;
	uint8_t seen[N_ADDRESSES];
};

static int visit(void *ctx, const struct ip_addr *addr, struct placed placed)
{
	struct walk *walk = ctx;
	size_t i = addr->bytes[walk->family == IP_V4 ? 3 : 15];
	size_t last = walk->family == IP_V4 ? 3 : 15;

	i |= (size_t)addr->bytes[addr->bytes[0] ? last - 2 : last - 1] << 8;
	assert_int_equal(walk->family, addr->family);
	assert_true(i < N_ADDRESSES);
	assert_ptr_equal(walk->model->placed[i].pod, placed.pod);
	assert_int_equal(walk->model->placed[i].identity, placed.identity);
	assert_int_equal(0, walk->seen[i]++);
	walk->n_seen++;
	return 0;
}

static void compare(const struct address_map *map, const struct model *model,
		    enum ip_family family)
{
	struct walk walk = { .model = model, .family = family };

	for (size_t i = 0; i < N_ADDRESSES; i++) {
		struct ip_addr addr = address_of(family, i);
		struct placed placed = address_map_find(map, &addr);

		assert_ptr_equal(model->placed[i].pod, placed.pod);
		if (placed.pod)
			assert_int_equal(model->placed[i].identity,
					 placed.identity);
	}
	assert_int_equal(model->n, map->n);
	assert_int_equal(0, address_map_each(map, visit, &walk));
	assert_int_equal(model->n, walk.n_seen);
}

/* ---- random contents ---------------------------------------------------- */

static void change_one(struct random *random, struct address_map *map,
		       struct model *model, size_t n_addresses)
{
	size_t i = random_below(random, n_addresses);
	struct ip_addr addr = address_of(map->is_v6 ? IP_V6 : IP_V4, i);
	struct placed *placed = &model->placed[i];

	if (placed->pod && random_percent(random, 40)) {
		assert_int_equal(0, address_map_remove(&the_parts, map, &addr));
		*placed = (struct placed){ 0 };
		model->n--;
		return;
	}
	model->n += !placed->pod;
	placed->pod = random_pick(random, pods);
	placed->identity = (uint32_t)random_next(random);
	assert_int_equal(0, address_map_set(&the_parts, map, &addr, *placed));
}

/* A snapshot of an earlier round. */
struct older {
	struct address_map map;
	struct model model;
	struct part *thrown; /* when the round after it ended */
	bool in_use;
};
#define N_OLDER 4
#define N_ROUNDS PLAIN_OR_SANITIZED(100, 30)

/* The oldest makes room for the newest. */
static void keep_older(struct older *older, const struct address_map *map,
		       const struct model *model, size_t round)
{
	struct older *slot = &older[round % N_OLDER];
	struct older *before = &older[(round + N_OLDER - 1) % N_OLDER];
	struct part *thrown = end_round();

	if (before->in_use)
		before->thrown = thrown;
	else
		parts_free_thrown(&the_parts, thrown);
	if (slot->in_use)
		parts_free_thrown(&the_parts, slot->thrown);
	*slot = (struct older){ *map, *model, NULL, true };
}

static void run_rounds(uint64_t seed, enum ip_family family)
{
	static struct older older[N_OLDER];
	static struct model model;
	struct random random = { seed };
	const uint64_t secret[2] = { random_next(&random),
				     random_next(&random) };
	struct address_map map;
	size_t n_addresses = N_ADDRESSES;

	memset(older, 0, sizeof(older));
	memset(&model, 0, sizeof(model));
	address_map_init(&map, family, secret);
	for (size_t round = 0; round < N_ROUNDS; round++) {
		/* Few addresses come and go all the time, many now and then. */
		n_addresses = random_percent(&random, 50) ? 50 : N_ADDRESSES;
		for (size_t n = random_below(&random, 500); n > 0; n--)
			change_one(&random, &map, &model, n_addresses);
		keep_older(older, &map, &model, round);
		for (size_t i = 0; i < N_OLDER; i++) {
			if (older[i].in_use)
				compare(&older[i].map, &older[i].model, family);
		}
	}
	/* The newest is the map itself. */
	older[(N_ROUNDS - 1) % N_OLDER].in_use = false;
	for (size_t i = 0; i < N_OLDER; i++)
		parts_free_thrown(&the_parts, older[i].thrown);
	compare(&map, &model, family);
	address_map_release(&the_parts, &map);
}

static void a_map_says_what_an_array_says(void **state)
{
	uint64_t seed = a_seed();

	(void)state;
	run_rounds(seed, IP_V4);
	assert_int_equal(0, bytes_in_use());
	run_rounds(seed + 1, IP_V6);
}

/* ---- edges -------------------------------------------------------------- */

static const uint64_t some_secret[2] = { 0x9e3779b97f4a7c15,
					 0xc2b2ae3d27d4eb4f };

static void the_first_and_the_last_address_are_as_any_other(void **state)
{
	static const struct {
		const char *name, *addr, *neighbour;
	} rows[] = {
		{ "0.0.0.0 is no empty place", "0.0.0.0", "0.0.0.1" },
		{ "255.255.255.255 can be had", "255.255.255.255",
		  "255.255.255.254" },
		{ ":: is no empty place", "::", "::1" },
		{ "ffff:…:ffff can be had",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
		{ "both words of IPv6 count", "fd00:0:0:1::1", "fd00::1" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct ip_addr addr = an_addr(rows[i].addr);
		struct ip_addr neighbour = an_addr(rows[i].neighbour);
		struct placed found;
		struct address_map map;

		address_map_init(&map, addr.family, some_secret);
		found = address_map_find(&map, &addr);
		if (found.pod)
			fail_msg("%s: it is in an empty map", rows[i].name);
		address_map_set(&the_parts, &map, &neighbour,
				(struct placed){ pods[0], 7 });
		if (address_map_find(&map, &addr).pod)
			fail_msg("%s: it is there already", rows[i].name);
		address_map_set(&the_parts, &map, &addr,
				(struct placed){ pods[1], 8 });
		found = address_map_find(&map, &addr);
		if (found.pod != pods[1] || found.identity != 8)
			fail_msg("%s: it is not found", rows[i].name);
		assert_int_equal(0,
				 address_map_remove(&the_parts, &map, &addr));
		if (address_map_find(&map, &addr).pod ||
		    address_map_find(&map, &neighbour).pod != pods[0])
			fail_msg("%s: it is not gone", rows[i].name);
		address_map_release(&the_parts, &map);
	}
}

static int stop_at_two(void *ctx, const struct ip_addr *addr,
		       struct placed placed)
{
	size_t *n = ctx;

	(void)addr;
	(void)placed;
	return ++*n == 2 ? 42 : 0;
}

static void a_walk_ends_where_it_is_told_to(void **state)
{
	struct address_map map;
	size_t n = 0;

	(void)state;
	address_map_init(&map, IP_V4, some_secret);
	assert_int_equal(0, address_map_each(&map, stop_at_two, &n));
	for (size_t i = 0; i < 300; i++) {
		struct ip_addr addr = address_of(IP_V4, i);

		address_map_set(&the_parts, &map, &addr,
				(struct placed){ pods[0], 0 });
	}
	assert_int_equal(42, address_map_each(&map, stop_at_two, &n));
	assert_int_equal(2, n);
	address_map_release(&the_parts, &map);
}

/* ---- size --------------------------------------------------------------- */

#define N_MANY ((size_t)40000)

static struct ip_addr many_address(size_t i)
{
	const uint8_t bytes[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
				   (uint8_t)i };

	return ip_addr_v4(bytes);
}

static void fill_with_many(struct address_map *map)
{
	address_map_init(map, IP_V4, some_secret);
	for (size_t i = 0; i < N_MANY; i++) {
		struct ip_addr addr = many_address(i);

		assert_int_equal(
			0, address_map_set(&the_parts, map, &addr,
					   (struct placed){ pods[i % N_PODS],
							    (uint32_t)i }));
	}
}

static void a_change_costs_no_more_in_a_large_map(void **state)
{
	struct ip_addr addr = many_address(5);
	struct address_map map, before;
	struct part *thrown;
	size_t bytes;

	(void)state;
	fill_with_many(&map);
	/* At most a third of the places are in use where pages are just split,
	   a place being 16 bytes. */
	assert_in_range(map.directory->n, 2, 8);
	assert_true(bytes_in_use() < N_MANY * 16 * 3);
	pass_round();
	before = map;
	bytes = bytes_in_use();
	address_map_set(&the_parts, &map, &addr,
			(struct placed){ pods[1], 99 });
	assert_in_range(bytes_in_use() - bytes, 1, 6000);
	bytes = bytes_in_use();
	address_map_set(&the_parts, &map, &addr,
			(struct placed){ pods[2], 98 });
	assert_int_equal(bytes, bytes_in_use());
	assert_int_equal(98, address_map_find(&map, &addr).identity);
	assert_int_equal(5, address_map_find(&before, &addr).identity);
	thrown = end_round();
	parts_free_thrown(&the_parts, thrown);
	for (size_t i = 0; i < N_MANY; i++) {
		struct ip_addr other = many_address(i);

		assert_int_equal(i == 5 ? 98 : i,
				 address_map_find(&map, &other).identity);
	}
	address_map_release(&the_parts, &map);
}

/* ---- collisions --------------------------------------------------------- */

/* With what is known to make them: no secret at all, every IPv4 address has the
   same hash; and of IPv6 those whose first word is the secret. */
static struct ip_addr colliding(enum ip_family family, size_t i)
{
	uint8_t bytes[16] = { 0 };
	uint32_t word = (uint32_t)i;

	if (family == IP_V4) {
		memcpy(bytes, &word, sizeof(word));
		return ip_addr_v4(bytes);
	}
	memcpy(bytes, &some_secret[0], 8);
	memcpy(bytes + 8, &word, sizeof(word));
	return ip_addr_v6(bytes);
}

/* The last bits differ, the first twenty do not: the hash of an address is the
   address. */
static const uint64_t plain_secret[2] = { 0, 1 };

static const struct collision {
	const char *name;
	enum ip_family family;
	const uint64_t *secret;
	size_t n;
} collisions[] = {
	{ "IPv4, all bits alike", IP_V4, (const uint64_t[2]){ 0, 0 }, 700 },
	{ "IPv6, all bits alike", IP_V6, some_secret, 700 },
	{ "IPv4, the first bits alike", IP_V4, plain_secret, 4096 },
};

static void set_colliding(const struct collision *c, struct address_map *map,
			  size_t first, size_t last, uint32_t identity)
{
	for (size_t i = first; i < last; i++) {
		struct ip_addr addr = colliding(c->family, i);
		struct placed placed = { pods[i % N_PODS],
					 identity + (uint32_t)i };

		assert_int_equal(
			0, address_map_set(&the_parts, map, &addr, placed));
	}
}

static void expect_colliding(const struct collision *c,
			     const struct address_map *map, size_t first,
			     size_t last, uint32_t identity)
{
	for (size_t i = 0; i < c->n; i++) {
		struct ip_addr addr = colliding(c->family, i);
		struct placed placed = address_map_find(map, &addr);
		bool there = i >= first && i < last;

		if ((placed.pod != NULL) != there ||
		    (there && placed.identity != identity + i))
			fail_msg("%s: address %zu of %zu … %zu is wrong",
				 c->name, i, first, last);
	}
	assert_int_equal(last - first, map->n);
}

static void make_collide(const struct collision *c)
{
	struct address_map map, before;
	const struct address_page *page;
	struct ip_addr addr = colliding(c->family, 0);
	struct part *thrown;

	address_map_init(&map, c->family, c->secret);
	set_colliding(c, &map, 0, 96, 0);
	assert_int_equal(0, map.depth);
	before = map;
	assert_null(end_round());
	set_colliding(c, &map, 96, c->n, 0);
	expect_colliding(c, &before, 0, 96, 0);
	expect_colliding(c, &map, 0, c->n, 0);
	/* Twenty bits are as far as it goes; from there on the page grows. */
	assert_int_equal(20, map.depth);
	page = page_link_page(
		*address_slot(&map, address_hash(&map, address_key(&addr))));
	assert_int_equal(20, page->depth);
	assert_int_equal(c->n, page->n);
	assert_in_range(page->n_places, c->n + 1,
			2 * ADDRESS_PAGE_PLACES + c->n * 8 / 3);
	thrown = end_round();
	expect_colliding(c, &before, 0, 96, 0);
	parts_free_thrown(&the_parts, thrown);
	for (size_t i = 0; i < c->n / 2; i++) {
		addr = colliding(c->family, i);
		assert_int_equal(0,
				 address_map_remove(&the_parts, &map, &addr));
	}
	expect_colliding(c, &map, c->n / 2, c->n, 0);
	set_colliding(c, &map, 0, c->n, 7000);
	expect_colliding(c, &map, 0, c->n, 7000);
	pass_round();
	address_map_release(&the_parts, &map);
}

static void pages_that_cannot_be_split_grow(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(collisions); i++) {
		make_collide(&collisions[i]);
		assert_int_equal(0, bytes_in_use());
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pods, free_pods)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_map_says_what_an_array_says),
		TEST(the_first_and_the_last_address_are_as_any_other),
		TEST(a_walk_ends_where_it_is_told_to),
		TEST(a_change_costs_no_more_in_a_large_map),
		TEST(pages_that_cannot_be_split_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
