/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "warm.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "log.h"
#include "state_file.h"

#define US_PER_S INT64_C(1000000)

/* When to write: a second after the last of several changes, and not in the
   middle of many, so that none of them waits for it. */
#define QUIET_US US_PER_S
#define NOISE_US (30 * US_PER_S)
#define INTERVAL_US (5 * US_PER_S)

/* Writing takes one in so many of the controller's microseconds at most. */
#define SHARE 100

/* Objects to write before looking for something else to do: some
   milliseconds. */
#define SLICE 500

/* What is being written. */
struct slices {
	struct state_writer *writer; /* NULL: nothing is */
	const struct object **items; /* of the store, while it stays as it is */
	size_t n, size, at;
	int64_t changed_us; /* the first change that it holds */
	int64_t began_us, took_us;
};

struct warm {
	const char *folder;
	struct warm_owner owner;
	char *source;
	/* Steady times. */
	int64_t changed_us; /* the first change that is not written; 0: none */
	int64_t last_us;    /* the last one */
	int64_t not_before_us;
	bool failing; /* and that was logged */
	struct slices slices;
	/* the thread that waits for the disk */
	bool started;
	pthread_t thread;
	struct state_writer *writer; /* its own until it is done */
	struct err err;
	atomic_bool done; /* what it has written is read after this */
};

int warm_open(const char *folder, const char *node_name,
	      const char *const *paths, size_t n_paths, struct warm **out,
	      struct err *err)
{
	struct warm *warm = calloc(1, sizeof(*warm));

	if (!warm)
		return err_set(err, -ENOMEM, "no memory to start");
	warm->folder = folder;
	warm->source = warm_source_of_paths(paths, n_paths);
	warm->owner = (struct warm_owner){ node_name, warm->source };
	if (!warm->source)
		log_warning("the name of where objects come from is no "
			    "UTF-8: they are not kept for a start without "
			    "it");
	*out = warm;
	return 0;
}

static bool is_used(const struct warm *warm)
{
	return *warm->folder && warm->source;
}

/* ---- the disk ------------------------------------------------------------ */

static void report(struct warm *warm, int r, const struct err *err)
{
	if (r < 0 && !warm->failing)
		log_warning("%s: where objects cannot be read at a start, "
			    "netpold will not know what they said last; "
			    "trying again",
			    err->message);
	if (r == 0 && warm->failing)
		log_info("the warm file can be written again");
	warm->failing = r < 0;
	/* Nothing of it is on the disk. */
	if (r < 0)
		warm_changed(warm);
}

static void *commit(void *ctx)
{
	struct warm *warm = ctx;

	warm->err.code = state_writer_commit(warm->writer, &warm->err);
	atomic_store_explicit(&warm->done, true, memory_order_release);
	return NULL;
}

static void join(struct warm *warm)
{
	if (!warm->started)
		return;
	pthread_join(warm->thread, NULL);
	warm->started = false;
	report(warm, warm->err.code, &warm->err);
}

/* Without a thread the controller waits itself. */
static void start_commit(struct warm *warm)
{
	atomic_store_explicit(&warm->done, false, memory_order_relaxed);
	warm->err.code = 0;
	warm->started = pthread_create(&warm->thread, NULL, commit, warm) == 0;
	if (warm->started) {
		pthread_setname_np(warm->thread, "warm-file");
		return;
	}
	commit(warm);
	report(warm, warm->err.code, &warm->err);
}

/* ---- keeping ------------------------------------------------------------- */

void warm_changed(struct warm *warm)
{
	warm->last_us = clock_us();
	if (!warm->changed_us)
		warm->changed_us = warm->last_us;
}

static bool is_noisy(const struct warm *warm, int64_t now_us)
{
	return now_us - warm->changed_us >= NOISE_US;
}

static bool is_due(const struct warm *warm, int64_t now_us)
{
	return warm->changed_us && now_us >= warm->not_before_us &&
	       (now_us - warm->last_us >= QUIET_US || is_noisy(warm, now_us));
}

static int list_object(void *ctx, const struct object *object)
{
	struct slices *slices = ctx;

	if (slices->n == slices->size) {
		size_t size = slices->size ? 2 * slices->size : SLICE;
		const struct object **grown = reallocarray(
			slices->items, size, sizeof(struct object *));

		if (!grown)
			return -ENOMEM;
		slices->items = grown;
		slices->size = size;
	}
	slices->items[slices->n++] = object;
	return 0;
}

static void drop_slices(struct slices *slices)
{
	state_writer_abort(slices->writer);
	free(slices->items);
	*slices = (struct slices){ 0 };
}

static int open_slices(struct warm *warm, const struct cluster *cluster,
		       struct err *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < N_OBJECT_KINDS; i++)
		r = cluster_each(cluster, i, list_object, &warm->slices);
	if (r < 0)
		return err_set(err, r, "no memory for the warm file");
	return warm_file_begin(warm->folder, &warm->owner, &warm->slices.writer,
			       err);
}

static void begin(struct warm *warm, const struct cluster *cluster)
{
	struct err err;
	int r;

	warm->slices.changed_us = warm->changed_us;
	warm->slices.began_us = clock_us();
	warm->not_before_us = warm->slices.began_us + INTERVAL_US;
	warm->changed_us = 0;
	r = open_slices(warm, cluster, &err);
	if (r < 0) {
		drop_slices(&warm->slices);
		report(warm, r, &err);
	}
}

static void finish(struct warm *warm)
{
	struct slices *slices = &warm->slices;
	int64_t pause_us = slices->took_us * SHARE;

	if (pause_us > INTERVAL_US)
		warm->not_before_us = slices->began_us + pause_us;
	warm->writer = slices->writer;
	slices->writer = NULL;
	drop_slices(slices);
	start_commit(warm);
}

static void write_slice(struct warm *warm, size_t n)
{
	struct slices *slices = &warm->slices;
	int64_t since_us = clock_us();

	for (; n > 0 && slices->at < slices->n; n--)
		warm_file_put(slices->writer, slices->items[slices->at++]);
	slices->took_us += clock_us() - since_us;
	if (slices->at == slices->n)
		finish(warm);
}

bool warm_is_busy(const struct warm *warm)
{
	return warm->slices.writer;
}

/* It is written again when it has been quiet, but no later than it would have
   been. */
void warm_interrupt(struct warm *warm)
{
	if (!warm_is_busy(warm))
		return;
	warm_changed(warm);
	warm->changed_us = warm->slices.changed_us;
	warm->not_before_us = 0;
	drop_slices(&warm->slices);
}

void warm_work(struct warm *warm, const struct cluster *cluster)
{
	int64_t now_us = clock_us();
	size_t slice = SLICE;

	if (warm_is_busy(warm)) {
		write_slice(warm, slice);
		return;
	}
	if (warm->started &&
	    !atomic_load_explicit(&warm->done, memory_order_acquire))
		return;
	join(warm);
	if (!is_used(warm) || !cluster || !is_due(warm, now_us))
		return;
	if (is_noisy(warm, now_us))
		slice = SIZE_MAX;
	begin(warm, cluster);
	if (warm_is_busy(warm))
		write_slice(warm, slice);
}

void warm_finish(struct warm *warm, const struct cluster *cluster)
{
	join(warm);
	if (is_used(warm) && cluster && warm->changed_us)
		begin(warm, cluster);
	if (warm_is_busy(warm))
		write_slice(warm, SIZE_MAX);
	join(warm);
}

void warm_close(struct warm *warm)
{
	if (!warm)
		return;
	join(warm);
	drop_slices(&warm->slices);
	free(warm->source);
	free(warm);
}

/* ---- a start ------------------------------------------------------------- */

int warm_read(const struct warm *warm, struct warm_state *out)
{
	struct err err;
	int r;

	if (!is_used(warm))
		return 0;
	r = warm_file_read(warm->folder, &warm->owner, out, &err);
	if (r < 0 && r != -ENOENT)
		log_warning("%s: it is ignored", err.message);
	return r == 0;
}

int warm_compile(const struct warm *warm, const struct warm_state *state,
		 struct snapshot **out, struct err *err)
{
	struct snapshot_options options = { .node_name = warm->owner.node };

	if (getrandom(options.hash_key, sizeof(options.hash_key), 0) !=
	    sizeof(options.hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	return snapshot_compile(state->cluster, &options, out, err);
}
