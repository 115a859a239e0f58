/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers ask the newest snapshot all the time while the world changes and
 * snapshots are made and freed. Each snapshot comes with questions and the
 * answers that it gave when it was made; a reader that gets another answer, or
 * that ThreadSanitizer sees racing (make tsan), has found a part that changed.
 *
 *	this thread	change, compile, publish ─► wait for readers ─► free
 *	readers		load, ask, ask, … ─► pass a quiet moment ─► load, …
 *
 * NETPOLD_SEED and NETPOLD_CHANGES set the seed and how often it changes.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine.h"
#include "world.h"

#define N_READERS 2
#define N_QUESTIONS 64
#define CHANGES_PER_WORLD 200

struct published {
	struct snapshot *snapshot;
	struct flow_key keys[N_QUESTIONS];
	struct decision answers[N_QUESTIONS];
};

struct reader {
	pthread_t thread;
	_Atomic uint64_t quiet_moments;
	_Atomic uint64_t wrong;
	uint64_t asked;
};

static _Atomic(struct published *) newest;
static atomic_bool ending;
static struct reader readers[N_READERS];

static bool same(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict &&
	       memcmp(a->sides, b->sides, sizeof(a->sides)) == 0;
}

static void ask_all(struct reader *reader, const struct published *p)
{
	struct decision answers[N_QUESTIONS];

	snapshot_decide_batch(p->snapshot, p->keys, N_QUESTIONS, answers);
	for (size_t i = 0; i < N_QUESTIONS; i++) {
		struct decision single =
			snapshot_decide(p->snapshot, &p->keys[i]);

		if (!same(&answers[i], &p->answers[i]) ||
		    !same(&single, &p->answers[i]))
			atomic_fetch_add(&reader->wrong, 1);
	}
	reader->asked += N_QUESTIONS;
}

static void *read_on(void *ctx)
{
	struct reader *reader = ctx;

	while (!atomic_load(&ending)) {
		ask_all(reader,
			atomic_load_explicit(&newest, memory_order_acquire));
		atomic_fetch_add_explicit(&reader->quiet_moments, 1,
					  memory_order_release);
	}
	return NULL;
}

/* Until no reader can have what it loaded before. */
static void wait_for_readers(void)
{
	for (size_t i = 0; i < N_READERS; i++) {
		uint64_t since = atomic_load(&readers[i].quiet_moments);

		while (atomic_load_explicit(&readers[i].quiet_moments,
					    memory_order_acquire) <= since + 1)
			sched_yield();
	}
}

/* ---- the world ---------------------------------------------------------- */

struct writer_side {
	struct world world;
	struct cluster *cluster;
	struct compiler *compiler;
};

static void change(struct writer_side *w)
{
	struct random *r = &w->world.random;
	struct world_object *object =
		&w->world.objects[random_below(r, w->world.n_objects)];
	char *json = NULL, uid[24];

	if (random_percent(r, 35)) {
		engine_delete(w->cluster, object->json, 0);
		return;
	}
	if (object->kind == WORLD_POD) {
		snprintf(uid, sizeof(uid), "%016llx",
			 (unsigned long long)random_next(r));
		json = world_write_pod(&w->world, object->ns, object->name,
				       uid);
	} else if (object->kind == WORLD_POLICY) {
		json = world_write_policy(&w->world, object->ns, object->name);
	} else if (object->kind == WORLD_NAMESPACE) {
		json = world_write_namespace(&w->world, object->name, false);
	}
	if (json) {
		free(object->json);
		object->json = json;
	}
	engine_put(w->cluster, object->json, 0);
}

static struct published *publish(struct writer_side *w)
{
	struct published *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(
		0, compiler_compile(w->compiler, &p->snapshot, NULL, NULL));
	for (size_t i = 0; i < N_QUESTIONS; i++) {
		struct probe probe = world_probe(&w->world);

		p->keys[i] = engine_key(&probe);
		p->answers[i] = snapshot_decide(p->snapshot, &p->keys[i]);
	}
	return atomic_exchange_explicit(&newest, p, memory_order_acq_rel);
}

static void retire(struct published *p)
{
	if (!p)
		return;
	wait_for_readers();
	snapshot_free(p->snapshot);
	free(p);
}

static void live_through(uint64_t seed, size_t n_changes)
{
	struct writer_side w = { 0 };

	world_init(&w.world, seed);
	w.cluster = cluster_new();
	assert_non_null(w.cluster);
	w.compiler = engine_follow(w.cluster, w.world.node);
	for (size_t i = 0; i < w.world.n_objects; i++)
		engine_put(w.cluster, w.world.objects[i].json, 0);
	for (size_t i = 0; i < n_changes; i++) {
		change(&w);
		retire(publish(&w));
	}
	compiler_free(w.compiler);
	cluster_free(w.cluster);
	world_release(&w.world);
}

static void start_readers(uint64_t seed)
{
	struct writer_side w = { 0 };

	/* Something to read from the first moment on. */
	world_init(&w.world, seed);
	w.cluster = cluster_new();
	w.compiler = engine_follow(w.cluster, NULL);
	assert_null(publish(&w));
	compiler_free(w.compiler);
	cluster_free(w.cluster);
	world_release(&w.world);
	for (size_t i = 0; i < N_READERS; i++)
		assert_int_equal(0, pthread_create(&readers[i].thread, NULL,
						   read_on, &readers[i]));
}

static void stop_readers(void)
{
	struct published *last = atomic_load(&newest);

	atomic_store(&ending, true);
	for (size_t i = 0; i < N_READERS; i++)
		pthread_join(readers[i].thread, NULL);
	snapshot_free(last->snapshot);
	free(last);
}

static void readers_get_the_answers_of_their_snapshot(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	size_t left = random_setting("NETPOLD_CHANGES", 1000);

	(void)state; /* DEC-8 */
	print_message("# NETPOLD_SEED=%llu NETPOLD_CHANGES=%zu\n",
		      (unsigned long long)seed, left);
	start_readers(seed);
	while (left > 0) {
		size_t some =
			left < CHANGES_PER_WORLD ? left : CHANGES_PER_WORLD;

		live_through(seed++, some);
		left -= some;
	}
	stop_readers();
	for (size_t i = 0; i < N_READERS; i++) {
		print_message("# reader %zu asked %llu times\n", i,
			      (unsigned long long)readers[i].asked);
		assert_int_equal(0, atomic_load(&readers[i].wrong));
		assert_true(readers[i].asked > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_get_the_answers_of_their_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
