/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of random clusters, in every spelling that a server accepts, are
 * written and read again: nothing changes. The store's copies are what is
 * written, as a daemon does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netpold/cluster.h"

#include "engine.h"
#include "manifest/rewriting.h"
#include "world.h"

#define WORLDS 200

static int check(void *ctx, const struct object *object)
{
	struct object written = *object;
	size_t *n = ctx;

	/* Whether it is staged is what the cluster makes of it. */
	if (written.kind == OBJECT_NETWORK_POLICY)
		written.policy.staged = false;
	assert_true(survives_writing(&written));
	++*n;
	return 0;
}

static size_t check_world(uint64_t seed)
{
	struct cluster *cluster = cluster_new();
	struct world world;
	size_t n = 0;

	assert_non_null(cluster);
	world_init(&world, seed);
	for (size_t i = 0; i < world.n_objects; i++)
		engine_put(cluster, world.objects[i].json, 0);
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
		assert_int_equal(0, cluster_each(cluster, kind, check, &n));
	world_release(&world);
	cluster_free(cluster);
	return n;
}

static void what_is_written_is_read_again(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		n += check_world(seed);
	assert_true(n > 10 * WORLDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
