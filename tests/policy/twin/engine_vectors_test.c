/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine in small worlds whose answers are known: the upstream end-to-end
 * tests, and a vector for each fact that is easy to get wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "twin.h"
#include "vectors.h"

struct engine {
	struct twin twin;
	bool stale;
};

static void put(void *ctx, const char *json)
{
	struct engine *engine = ctx;

	twin_put(&engine->twin, json);
	engine->stale = true;
}

static void delete (void *ctx, const char *json)
{
	struct engine *engine = ctx;

	twin_delete(&engine->twin, json);
	engine->stale = true;
}

static bool allows(void *ctx, const struct probe *probe)
{
	struct engine *engine = ctx;
	struct flow_key key = engine_key(probe);

	if (engine->stale)
		twin_compile(&engine->twin);
	engine->stale = false;
	return snapshot_decide(engine->twin.snapshot, &key).verdict ==
	       VERDICT_ALLOW;
}

static void every_vector(void **state)
{
	size_t failures = 0;

	(void)state;
	for (size_t i = 0; i < n_vectors; i++) {
		struct engine engine = { .stale = true };
		struct vectors_subject subject = { &engine, put, delete,
						   allows };

		twin_init(&engine.twin, NULL);
		failures += vectors_run(i, &subject);
		twin_release(&engine.twin);
	}
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
