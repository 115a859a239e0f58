/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is done to the files of a folder, reading those that changed ends as
 * reading all of them from nothing does: in the same store, or in the same
 * refusal. Where memory runs out on the way, doing it again makes it whole.
 *
 * The folder:	a.yaml … d.yaml, f0.json	made, written, replaced, removed
 *		link.yaml -> ..data/m.yaml	..data -> ..0 or ..1, swapped
 *		sub.yaml/			a subfolder, there or not
 * beside it:	../beside.yaml			a path of its own
 *
 * NETPOLD_SEED and NETPOLD_HISTORIES set the seed and how many are played.
 * History n of a run is that of seed + n.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "netpold/cluster.h"
#include "failing_memory.h"
#include "policy/twin/random.h"
#include "shelf_watch.h"
#include "source/manifests.h"
#include "source/shelf.h"
#include "store/object_equal.h"

/* ---- files --------------------------------------------------------------- */

#define STEPS_PER_HISTORY 40

static const char *const paths[] = { ".", "../beside.yaml" };
#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

static const char *const plain_files[] = {
	"a.yaml", "b.yaml", "c.yaml", "d.yaml", "f0.json", "../beside.yaml"
};
static const char *const map_folders[] = { "..0", "..1" };

/* Each object has a favourite file, so that a set without duplicates is common
   enough. */
static const struct {
	const char *text; /* #: a digit, so that sizes say little */
	size_t favourite;
} objects[] = {
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"a\",\"labels\":{\"v\":\"#\"}}}",
	  0 },
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	  "{\"name\":\"b\",\"labels\":{\"v\":\"#\"}},"
	  "\"status\":{\"phase\":\"Terminating\"}}",
	  1 },
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":"
	  "{\"name\":\"node\"},\"status\":{\"addresses\":[{\"type\":"
	  "\"InternalIP\",\"address\":\"10.1.0.#\"}]}}",
	  2 },
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":"
	  "{\"namespace\":\"a\",\"name\":\"x\",\"labels\":{\"v\":\"#\"}},"
	  "\"spec\":{\"nodeName\":\"node\"}}",
	  3 },
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":"
	  "{\"namespace\":\"b\",\"name\":\"x\",\"labels\":{\"v\":\"#\"}},"
	  "\"spec\":{\"nodeName\":\"node\"}}",
	  4 },
	{ "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
	  "\"metadata\":{\"namespace\":\"a\",\"name\":\"p\"},\"spec\":"
	  "{\"podSelector\":{\"matchLabels\":{\"v\":\"#\"}}}}",
	  5 },
	{ "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
	  "\"metadata\":{\"namespace\":\"b\",\"name\":\"p\"},\"spec\":"
	  "{\"podSelector\":{\"matchLabels\":{\"v\":\"#\"}}}}",
	  0 },
	{ "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":"
	  "{\"namespace\":\"a\",\"name\":\"y\",\"labels\":{\"v\":\"#\"}},"
	  "\"spec\":{\"nodeName\":\"node\"}}",
	  6 },
};
#define N_OBJECTS (sizeof(objects) / sizeof(objects[0]))

static const char *const mistakes[] = {
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{}}",
	"{\"apiVersion\":\"v1\"",
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
	"\"metadata\":{\"namespace\":\"a\",\"name\":\"q\"},\"spec\":"
	"{\"podSelector\":{},\"policyTypes\":[\"Both\"]}}",
};

struct history {
	struct random random;
	uint64_t seed;
	struct shelf *shelf;
	struct cluster *naive; /* all that is read is assigned to it */
	int64_t now_ms;
	bool memory_fails;
	size_t n_failures, n_steps, n_changes, n_refusals, n_opened,
		n_opened_by_naive;
};

/* Which of plain_files it is; the file of the map is one more. */
static size_t number_of(const char *path)
{
	for (size_t i = 0; i < sizeof(plain_files) / sizeof(*plain_files);
	     i++) {
		if (strcmp(plain_files[i], path) == 0)
			return i;
	}
	return sizeof(plain_files) / sizeof(*plain_files);
}

/* Random objects, one on each line; with odd ones among them where @odd. */
static void write_objects(struct history *h, const char *path, size_t number,
			  bool odd)
{
	struct random *r = &h->random;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < N_OBJECTS; i++) {
		const char *text = objects[i].text, *digit = strchr(text, '#');
		bool favourite = objects[i].favourite == number;

		if (random_percent(r, favourite ? 80 : odd ? 2 : 0))
			fprintf(file, "---\n%.*s%zu%s\n", (int)(digit - text),
				text, random_below(r, 10), digit + 1);
	}
	if (odd && random_percent(r, 5))
		fprintf(file, "---\n%s\n", random_pick(r, mistakes));
	fclose(file);
}

static void write_in_place(struct history *h)
{
	const char *path = random_pick(&h->random, plain_files);

	write_objects(h, path, number_of(path), true);
}

static void write_beside_then_rename(struct history *h)
{
	const char *path = random_pick(&h->random, plain_files);

	write_objects(h, "new~", number_of(path), true);
	assert_int_equal(0, rename("new~", path));
}

static void append_nothing(struct history *h)
{
	FILE *file = fopen(random_pick(&h->random, plain_files), "a");

	assert_non_null(file);
	fputs("\n", file);
	fclose(file);
}

/* Times say that it is as it was. */
static void set_times_back(struct history *h)
{
	static const struct timespec times[2] = { { .tv_sec = 1000000000 },
						  { .tv_sec = 1000000000 } };
	const char *path = random_pick(&h->random, plain_files);

	if (access(path, F_OK) < 0)
		return;
	if (random_percent(&h->random, 50))
		write_objects(h, path, number_of(path), true);
	assert_int_equal(0, utimensat(AT_FDCWD, path, times, 0));
}

static void remove_file(struct history *h)
{
	unlink(random_pick(&h->random, plain_files));
}

static void rename_file(struct history *h)
{
	rename(random_pick(&h->random, plain_files),
	       random_pick(&h->random, plain_files));
}

/* Two names of one file. */
static void link_file(struct history *h)
{
	const char *to = random_pick(&h->random, plain_files);

	if (link(random_pick(&h->random, plain_files), "new~") == 0)
		assert_int_equal(0, rename("new~", to));
	unlink("new~"); /* renaming to itself leaves it */
}

static void swap_map(struct history *h)
{
	const char *folder = random_pick(&h->random, map_folders);
	char path[32];

	snprintf(path, sizeof(path), "%s/m.yaml", folder);
	if (random_percent(&h->random, 60)) {
		unlink(path);
		write_objects(h, path, number_of(path), true);
	}
	assert_int_equal(0, symlink(folder, "new~"));
	assert_int_equal(0, rename("new~", "..data"));
}

static void make_or_remove_subfolder(struct history *h)
{
	if (mkdir("sub.yaml", 0700) == 0) {
		write_objects(h, "sub.yaml/a.yaml", 0, true);
	} else {
		assert_int_equal(0, unlink("sub.yaml/a.yaml"));
		assert_int_equal(0, rmdir("sub.yaml"));
	}
}

/* Some of the files, and nothing that is wrong. */
static void mend(struct history *h)
{
	for (size_t i = 0; i < sizeof(plain_files) / sizeof(*plain_files);
	     i++) {
		if (random_percent(&h->random, 80))
			write_objects(h, plain_files[i], i, false);
		else if (plain_files[i][0] != '.')
			unlink(plain_files[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%s/m.yaml", map_folders[i]);
		write_objects(h, path, number_of(path), false);
	}
}

static void edit(struct history *h)
{
	static void (*const edits[])(struct history *) = {
		write_in_place,
		write_in_place,
		write_beside_then_rename,
		append_nothing,
		set_times_back,
		remove_file,
		rename_file,
		link_file,
		swap_map,
		make_or_remove_subfolder,
	};

	random_pick(&h->random, edits)(h);
}

static void make_folder(struct history *h)
{
	for (size_t i = 0; i < 2; i++) {
		char path[32];

		assert_int_equal(0, mkdir(map_folders[i], 0700));
		snprintf(path, sizeof(path), "%s/m.yaml", map_folders[i]);
		write_objects(h, path, number_of(path), true);
	}
	assert_int_equal(0, symlink("..0", "..data"));
	assert_int_equal(0, symlink("..data/m.yaml", "link.yaml"));
	write_objects(h, "../beside.yaml", number_of("../beside.yaml"), true);
}

/* ---- comparing ----------------------------------------------------------- */

struct comparison {
	const struct history *history;
	const struct cluster *other;
	size_t n;
};

static int compare_object(void *ctx, const struct object *object)
{
	struct comparison *comparison = ctx;
	const struct history *h = comparison->history;
	const char *namespace = "", *name = NULL;
	const struct object *other;

	switch (object->kind) {
	case OBJECT_NAMESPACE:
		name = object->namespace.name;
		break;
	case OBJECT_NODE:
		name = object->node.name;
		break;
	case OBJECT_POD:
		namespace
		= object->pod.namespace;
		name = object->pod.name;
		break;
	case OBJECT_NETWORK_POLICY:
		namespace
		= object->policy.namespace;
		name = object->policy.name;
		break;
	}
	other = cluster_find(comparison->other, object->kind, namespace, name);
	if (!other || !object_equal(object, other))
		fail_msg("seed %llu, step %zu: %s %s/%s differs",
			 (unsigned long long)h->seed, h->n_steps,
			 object_kind_name(object->kind), namespace, name);
	comparison->n++;
	return 0;
}

static size_t compare_one_way(const struct history *h, enum object_kind kind,
			      const struct cluster *a, const struct cluster *b)
{
	struct comparison comparison = { h, b, 0 };

	cluster_each(a, kind, compare_object, &comparison);
	return comparison.n;
}

static void check_equal(const struct history *h)
{
	const struct cluster *cluster = shelf_cluster(h->shelf);

	for (int kind = 0; kind < N_OBJECT_KINDS; kind++) {
		assert_int_equal(compare_one_way(h, kind, h->naive, cluster),
				 compare_one_way(h, kind, cluster, h->naive));
		assert_int_equal(cluster_count(h->naive, kind),
				 cluster_count(cluster, kind));
	}
}

/* ---- histories ----------------------------------------------------------- */

static int read_naively(struct history *h, struct err *err)
{
	static const struct manifests_options watched = { .watched = true };
	struct cluster *read;
	int r = manifests_load(paths, N_PATHS, &watched, &read, NULL, err);

	if (r < 0)
		return r;
	r = cluster_assign(h->naive, read, h->now_ms);
	cluster_free(read);
	return r;
}

/* Where memory runs out it has to be done again; whether anything changed is
   lost then. */
static int read_and_take_without_memory(struct history *h, bool everything,
					struct err *err)
{
	int r;

	memory_fails_after((long)random_below(&h->random, 60));
	r = shelf_read(h->shelf, everything, err);
	if (r == 0 && random_percent(&h->random, 70))
		memory_fails_after((long)random_below(&h->random, 15));
	if (r == 0)
		r = shelf_take(h->shelf, h->now_ms);
	memory_fails_after(-1);
	if (r != -ENOMEM)
		return r;
	h->n_failures++;
	r = shelf_read(h->shelf, false, err);
	if (r < 0)
		return r;
	assert_in_range(shelf_take(h->shelf, h->now_ms), 0, 1);
	return -ENOMEM;
}

/* Sometimes more than one reading comes before a taking: things changed while
   they were read. */
static int read_and_take(struct history *h, struct err *err)
{
	bool everything;
	int r;

	while (random_percent(&h->random, 10)) {
		shelf_read(h->shelf, false, err);
		if (clock_ahead_s)
			wait_a_tick();
		edit(h);
	}
	n_manifests_opened = 0;
	everything = random_percent(&h->random, 2);
	if (h->memory_fails && random_percent(&h->random, 50))
		return read_and_take_without_memory(h, everything, err);
	r = shelf_read(h->shelf, everything, err);
	return r < 0 ? r : shelf_take(h->shelf, h->now_ms);
}

static void step(struct history *h)
{
	struct err err = { 0 }, expected_err = { 0 };
	bool first = !shelf_cluster(h->shelf);
	int r, expected;
	size_t n;

	h->n_steps++;
	for (n = random_below(&h->random, 3); n > 0; n--)
		edit(h);
	h->now_ms += (int64_t)random_below(
		&h->random, random_percent(&h->random, 20) ? 70000 : 3000);
	clock_ahead_s = random_percent(&h->random, 50) ? 10 : 0;
	r = read_and_take(h, &err);
	n = n_manifests_opened;
	n_manifests_opened = 0;
	expected = read_naively(h, &expected_err);
	if (expected < 0) {
		assert_int_equal(expected, r);
		assert_string_equal(expected_err.message, err.message);
		h->n_refusals++;
		if (random_percent(&h->random, 50))
			mend(h);
	} else {
		/* The first is a change even where nothing is there. */
		if (r != -ENOMEM && (r < 0 || (r != expected && !first)))
			fail_msg("seed %llu, step %zu: %d instead of %d: %s",
				 (unsigned long long)h->seed, h->n_steps, r,
				 expected, err.message);
		h->n_changes += r > 0;
		h->n_opened += n;
		h->n_opened_by_naive += n_manifests_opened;
		check_equal(h);
	}
	if (clock_ahead_s)
		wait_a_tick();
}

static void play(uint64_t seed, struct history *sum)
{
	char workplace[] = "/tmp/netpold-shelf-XXXXXX", command[64];
	struct history h = {
		.random = { seed },
		.seed = seed,
		.shelf = shelf_new(paths, N_PATHS),
		.naive = cluster_new(),
		.memory_fails = seed % 2 == 0,
	};

	assert_true(h.shelf && h.naive && mkdtemp(workplace));
	assert_int_equal(0, chdir(workplace));
	assert_int_equal(0, mkdir("folder", 0700));
	assert_int_equal(0, chdir("folder"));
	make_folder(&h);
	for (int i = 0; i < STEPS_PER_HISTORY; i++)
		step(&h);
	shelf_free(h.shelf);
	cluster_free(h.naive);
	snprintf(command, sizeof(command), "rm -r %s", workplace);
	assert_int_equal(0, chdir("/"));
	assert_int_equal(0, system(command));
	sum->n_failures += h.n_failures;
	sum->n_steps += h.n_steps;
	sum->n_changes += h.n_changes;
	sum->n_refusals += h.n_refusals;
	sum->n_opened += h.n_opened;
	sum->n_opened_by_naive += h.n_opened_by_naive;
}

static void reading_what_changed_is_reading_everything(void **state)
{
	uint64_t seed =
		random_setting("NETPOLD_SEED", (uint64_t)time(NULL) << 20);
	uint64_t n = random_setting("NETPOLD_HISTORIES", 40);
	struct history sum = { 0 };

	(void)state;
	signal(SIGIO, SIG_IGN);
	print_message("# NETPOLD_SEED=%llu NETPOLD_HISTORIES=%llu\n",
		      (unsigned long long)seed, (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++)
		play(seed + i, &sum);
	print_message(
		"# %zu steps: %zu changes, %zu refusals, memory ran out %zu times; where nothing was "
		"refused, %zu files were read, from nothing it would "
		"have been %zu\n",
		sum.n_steps, sum.n_changes, sum.n_refusals, sum.n_failures,
		sum.n_opened, sum.n_opened_by_naive);
	if (n < 20)
		return;
	assert_true(sum.n_changes > n && sum.n_refusals > n &&
		    sum.n_failures > 0);
	assert_true(sum.n_opened < sum.n_opened_by_naive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_what_changed_is_reading_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
