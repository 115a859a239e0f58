/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that are alike were named before, most of them: a cache leads from
 * what makes them alike to their row. It forgets by overwriting; what is
 * forgotten is named again. A name may have changed with the snapshot, so that
 * an answer is good for one snapshot only.
 *
 *	event ── likeness ──> cache ── place, id ──> row: count it
 *	                        └─ miss ─> names ─> place of the row
 */
#include "flowlog/flow_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "netpold/hash.h"
#include "netpold/snapshot.h"

#include "flowlog/flow_event.h"
#include "flowlog/flow_fold.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_likeness.h"
#include "flowlog/flow_namer.h"

#define US_PER_S INT64_C(1000000)
#define N_KNOWN 4096

/* Of an event like this, where its row is. */
struct known {
	struct flow_likeness likeness;
	uint64_t turn; /* of the snapshots: by which it was named, */
	uint64_t id;   /* as this row; 0: nothing is known here */
	uint32_t place;
};

/* What there is while somebody looks. */
struct view {
	struct flow_rows *rows;
	struct flow_namer namer;
	struct flow_watch_sum sum;
	uint64_t hash_key[2];
	uint64_t lost_before; /* when it began; UINT64_MAX: not told yet */
	/* What was in force last, to be compared only: it may be gone. */
	const struct snapshot *snapshot;
	uint64_t snapshot_number, turn;
	int64_t named_second; /* of the steady clock */
	unsigned int n_named; /* in that second */
	struct known known[N_KNOWN];
};

struct flow_watch {
	int wake_fd;
	flow_watch_turn *turn;
	void *ctx;
	/* Whose turn is next, and it. Who has had a turn stands behind who
	   waits: the logger has one turn after the other. */
	pthread_mutex_t next, lock;
	/* with the lock */
	struct view *view; /* NULL: nobody looks */
	int64_t until_us;  /* steady */
};

static void view_free(struct view *view)
{
	if (!view)
		return;
	flow_rows_free(view->rows);
	flow_namer_release(&view->namer);
	free(view);
}

static struct view *view_new(int64_t now_us)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	/* A key of zeroes is one that can be guessed, and no less fit. */
	if (getrandom(view->hash_key, sizeof(view->hash_key), 0) < 0)
		memset(view->hash_key, 0, sizeof(view->hash_key));
	view->rows = flow_rows_new(FLOW_WATCH_ROWS, view->hash_key);
	if (!view->rows) {
		free(view);
		return NULL;
	}
	view->sum.began_us = now_us;
	view->lost_before = UINT64_MAX;
	return view;
}

struct flow_watch *flow_watch_new(int wake_fd, flow_watch_turn *turn, void *ctx)
{
	struct flow_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->wake_fd = wake_fd;
	watch->turn = turn;
	watch->ctx = ctx;
	pthread_mutex_init(&watch->next, NULL);
	pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

void flow_watch_free(struct flow_watch *watch)
{
	if (!watch)
		return;
	view_free(watch->view);
	pthread_mutex_destroy(&watch->lock);
	pthread_mutex_destroy(&watch->next);
	free(watch);
}

/* ---- the logger's -------------------------------------------------------- */

static void note_lost(struct view *view, uint64_t n_lost)
{
	if (view->lost_before == UINT64_MAX)
		view->lost_before = n_lost;
	view->sum.n_lost = n_lost - view->lost_before;
}

bool flow_watch_is_on(struct flow_watch *watch, uint64_t n_lost, int64_t now_us)
{
	struct view *gone = NULL;
	bool is_on;

	flow_watch_lock(watch);
	if (watch->view && now_us > watch->until_us) {
		gone = watch->view;
		watch->view = NULL;
		watch->turn(watch->ctx, false);
	}
	is_on = watch->view;
	if (is_on)
		note_lost(watch->view, n_lost);
	flow_watch_unlock(watch);
	view_free(gone);
	return is_on;
}

void flow_watch_lock(struct flow_watch *watch)
{
	pthread_mutex_lock(&watch->next);
	pthread_mutex_lock(&watch->lock);
	pthread_mutex_unlock(&watch->next);
}

void flow_watch_unlock(struct flow_watch *watch)
{
	pthread_mutex_unlock(&watch->lock);
}

static struct known *known_of(struct view *view,
			      const struct flow_likeness *likeness)
{
	uint64_t hash = hash_keyed(view->hash_key, likeness, sizeof(*likeness));

	return &view->known[hash % N_KNOWN];
}

/* Numbers alone do not tell: those of two compilers may be the same. */
static void see_snapshot(struct view *view, const struct snapshot *snapshot)
{
	uint64_t number = snapshot ? snapshot_number(snapshot) : 0;

	if (view->snapshot == snapshot && view->snapshot_number == number)
		return;
	view->snapshot = snapshot;
	view->snapshot_number = number;
	view->turn++;
}

/* Rows come and go. */
static bool is_known(const struct view *view, const struct known *known,
		     const struct flow_likeness *likeness)
{
	return known->id != 0 && known->turn == view->turn &&
	       memcmp(&known->likeness, likeness, sizeof(*likeness)) == 0 &&
	       flow_rows_at(view->rows, known->place)->id == known->id;
}

static bool may_name(struct view *view, int64_t now_us)
{
	int64_t second = now_us / US_PER_S;

	if (view->named_second != second) {
		view->named_second = second;
		view->n_named = 0;
	}
	return view->n_named++ < FLOW_WATCH_NAMES;
}

/* False where it cannot be told of: then who was known there still is, or a
   flood of what is not named would make everybody forgotten. */
static bool name(struct view *view, const struct snapshot *snapshot,
		 const struct flow_event *event, int64_t now_us,
		 struct known *known)
{
	struct flow_about about;
	uint32_t place;

	if (!may_name(view, now_us) ||
	    flow_namer_say(&view->namer, snapshot, event, &about) < 0)
		return false;
	place = flow_rows_place(view->rows, &about, now_us);
	if (place == UINT32_MAX)
		return false;
	known->place = place;
	known->id = flow_rows_at(view->rows, place)->id;
	known->turn = view->turn;
	return true;
}

static void take(struct view *view, const struct snapshot *snapshot,
		 const struct flow_event *event,
		 const struct flow_amount *amount, int64_t now_us)
{
	const struct flow_likeness likeness = flow_likeness_of(event);
	struct known *known = known_of(view, &likeness);

	view->sum.n_seen += amount->packets;
	see_snapshot(view, snapshot);
	if (!is_known(view, known, &likeness)) {
		if (!name(view, snapshot, event, now_us, known)) {
			view->sum.n_unnamed += amount->packets;
			return;
		}
		known->likeness = likeness;
	}
	flow_rows_count(view->rows, known->place, amount, now_us);
}

void flow_watch_take(struct flow_watch *watch, const struct snapshot *snapshot,
		     const struct flow_event *event, int64_t now_us)
{
	const struct flow_amount amount = { event->at_us, 1, event->len };

	if (watch->view)
		take(watch->view, snapshot, event, &amount, now_us);
}

void flow_watch_take_hit(struct flow_watch *watch,
			 const struct snapshot *snapshot,
			 const struct flow_hit *hit, int64_t now_us)
{
	const struct flow_amount amount = { hit->at_us, hit->packets,
					    hit->bytes };
	struct flow_told told;

	if (!watch->view)
		return;
	told = flow_hit_told(hit, snapshot);
	take(watch->view, snapshot, &told.event, &amount, now_us);
}

/* ---- for who looks ------------------------------------------------------- */

static int visit_all(const struct view *view, int64_t now_us,
		     flow_watch_visit *visit, void *ctx)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < flow_rows_n(view->rows); i++) {
		const struct flow_row *row = flow_rows_at(view->rows, i);

		r = visit(ctx, row,
			  flow_rate_per_second(&row->rate, view->sum.began_us,
					       now_us));
	}
	return r;
}

static int begin(struct flow_watch *watch, int64_t now_us)
{
	watch->view = view_new(now_us);
	if (!watch->view)
		return -ENOMEM;
	watch->turn(watch->ctx, true);
	return 0;
}

/* With the lock. */
static int look(struct flow_watch *watch, int64_t now_us,
		flow_watch_visit *visit, void *ctx, struct flow_watch_sum *sum)
{
	if (!watch->view && begin(watch, now_us) < 0)
		return -ENOMEM;
	watch->until_us = now_us + FLOW_WATCH_S * US_PER_S;
	*sum = watch->view->sum;
	sum->n_gone = flow_rows_n_gone(watch->view->rows);
	return visit_all(watch->view, now_us, visit, ctx);
}

int flow_watch_look(struct flow_watch *watch, int64_t now_us,
		    flow_watch_visit *visit, void *ctx,
		    struct flow_watch_sum *sum)
{
	const uint64_t one = 1;
	int r;

	flow_watch_lock(watch);
	r = look(watch, now_us, visit, ctx, sum);
	flow_watch_unlock(watch);
	if (write(watch->wake_fd, &one, sizeof(one)) < 0)
		return r; /* it is awake */
	return r;
}
