/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "datapath/memo_table.h"
#include "datapath/rejudge.h"
#include "datapath/unclaimed.h"
#include "rcu.h"

/* From the note of an answer to its member in the set: as long as a worker can
   stand still between two system calls. */
#define TIMEOUT_MARGIN_S 10

/* A full set makes room for so many at a time: 1/8. */
#define EVICTED_PART 8

/* One member is taken out in a microsecond, and all of them at once in a
   millisecond or two. */
#define FLUSH_WORTH 1024
#define FLUSH_PART 10

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to remember answers");
}

/* ---- opening ------------------------------------------------------------ */

static int adopt(void *ctx, const struct memo *member,
		 const struct memo_counters *counters)
{
	struct memory *memory = ctx;
	bool failed = false;

	(void)counters;
	memory->adopted = true;
	memo_table_put(memory->table, member, clock_us(), &failed);
	return failed ? -ENOMEM : 0;
}

int memory_open(struct memory *memory, struct ipset *ipset, struct err *err)
{
	uint64_t hash_key[2];
	size_t n;
	int r;

	memory->ipset = ipset;
	if (getrandom(hash_key, sizeof(hash_key), 0) != sizeof(hash_key))
		return err_set(err, -errno, "cannot draw a random key: %s",
			       strerror(errno));
	memory->table = memo_table_new(hash_key);
	if (!memory->table)
		return no_memory(err);
	memory->made = memory_count(memory, &n, NULL) == -ENOENT;
	r = memory_renew(memory, err);
	if (r < 0) {
		memory->made = false;
		return r;
	}
	r = memo_set_walk(ipset, memory->set.name, adopt, memory, err);
	return r == -ENOMEM ? no_memory(err) : r;
}

void memory_undo(struct memory *memory)
{
	if (memory->made)
		ipset_destroy(memory->ipset, memory->set.name, NULL);
	memory->made = false;
}

void memory_release(struct memory *memory)
{
	memo_table_free(memory->table);
	memory->table = NULL;
}

int memory_renew(struct memory *memory, struct err *err)
{
	return memo_set_create(memory->ipset, &memory->set, err);
}

/* ---- noting ------------------------------------------------------------- */

void memory_note(struct memory *memory, const struct memo *memo, int64_t now_us)
{
	bool failed = false;

	if (memo_table_put(memory->table, memo, now_us, &failed))
		memory->insertions++;
	memory->unknown |= failed;
}

bool memory_has_room(const struct memory *memory)
{
	return memory->table && !memory->unknown &&
	       memo_table_count(memory->table) < memory->set.max;
}

/* ---- taking out --------------------------------------------------------- */

/* Everything. The grace period: what the table knows is in the set by then,
   and what is noted after it cannot be known to the table yet. */
static int forget_all(struct memory *memory, struct err *err)
{
	int r;

	rcu_grace_period();
	memory->let_go = true;
	r = memo_set_flush(memory->ipset, memory->set.name, err);
	if (r < 0)
		return r;
	memo_table_clear(memory->table);
	memory->unknown = false;
	memory->flushes++;
	return 0;
}

/* What is wrong, member by member. */
static int forget_wrong(struct memory *memory, size_t n_wrong, struct err *err)
{
	struct memo *wrong = calloc(n_wrong, sizeof(*wrong));
	struct memo_place *places;
	size_t n, k = 0;
	int r;

	if (!wrong)
		return no_memory(err);
	places = memo_table_places(memory->table, &n);
	for (size_t i = 0; i < n && k < n_wrong; i++)
		if (places[i].wrong)
			wrong[k++] = places[i].memo;
	memory->let_go = true;
	r = memo_set_remove(memory->ipset, memory->set.name, wrong, k, err);
	free(wrong);
	if (r == 0)
		memo_table_remove_wrong(memory->table);
	return r;
}

/* ---- judging again ------------------------------------------------------ */

/* Places whose answers are to be asked for. */
struct batch {
	const struct memo *memos[REJUDGE_BATCH];
	struct memo_place *places[REJUDGE_BATCH];
	size_t n;
};

/* Who asks has to wait for a pod (NP-67), whatever was answered before. */
static bool waits(const struct unclaimed *unclaimed,
		  const struct snapshot *snapshot, const struct memo *memo)
{
	return unclaimed && (unclaimed_has(unclaimed, snapshot, &memo->src) ||
			     unclaimed_has(unclaimed, snapshot, &memo->dst));
}

/* Returns how many are wrong. */
static size_t judge_batch(struct batch *batch, const struct snapshot *snapshot,
			  const struct unclaimed *unclaimed,
			  enum verdict expected)
{
	bool holds[REJUDGE_BATCH];
	size_t n_wrong = 0;

	rejudge_memos(snapshot, batch->memos, batch->n, expected, holds);
	for (size_t i = 0; i < batch->n; i++) {
		batch->places[i]->wrong =
			!holds[i] ||
			waits(unclaimed, snapshot, batch->memos[i]);
		n_wrong += batch->places[i]->wrong;
	}
	batch->n = 0;
	return n_wrong;
}

static bool is_about(const struct memo *memo, const struct ip_addr *targets,
		     size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_addr_equal(&targets[i], &memo->src) ||
		    ip_addr_equal(&targets[i], &memo->dst))
			return true;
	return false;
}

/* Returns how many are wrong. */
static size_t judge_places(struct memory *memory,
			   const struct snapshot *snapshot,
			   const struct unclaimed *unclaimed,
			   const struct ip_addr *targets, size_t n_targets)
{
	struct batch batch = { .n = 0 };
	struct memo_place *places;
	size_t n, n_wrong = 0;

	places = memo_table_places(memory->table, &n);
	for (size_t i = 0; i < n; i++) {
		places[i].wrong = false;
		if (targets && !is_about(&places[i].memo, targets, n_targets))
			continue;
		memory->rejudged++;
		batch.memos[batch.n] = &places[i].memo;
		batch.places[batch.n++] = &places[i];
		if (batch.n == REJUDGE_BATCH)
			n_wrong += judge_batch(&batch, snapshot, unclaimed,
					       memory->verdict);
	}
	return n_wrong +
	       judge_batch(&batch, snapshot, unclaimed, memory->verdict);
}

int memory_settle(struct memory *memory, const struct snapshot *snapshot,
		  const struct unclaimed *unclaimed,
		  const struct ip_addr *targets, size_t n_targets,
		  struct err *err)
{
	size_t n_wrong =
		judge_places(memory, snapshot, unclaimed, targets, n_targets);
	size_t n = memo_table_count(memory->table);
	int r = 0;

	if (memory->unknown ||
	    (n_wrong > FLUSH_WORTH && n_wrong > n / FLUSH_PART))
		r = forget_all(memory, err);
	else if (n_wrong)
		r = forget_wrong(memory, n_wrong, err);
	if (r == 0)
		memory->deletions += n_wrong;
	return r;
}

/* ---- keeping within bounds ---------------------------------------------- */

void memory_expire(struct memory *memory, int64_t now_us)
{
	int64_t age_us =
		((int64_t)memory->set.timeout_s + TIMEOUT_MARGIN_S) * 1000000;
	struct memo_place *places;
	size_t n;

	places = memo_table_places(memory->table, &n);
	for (size_t i = 0; i < n; i++)
		places[i].wrong = now_us - places[i].since_us > age_us;
	memo_table_remove_wrong(memory->table);
}

/* The oldest. Those that were noted while it was full may be more than fit. */
static int evict(struct memory *memory, struct err *err)
{
	size_t max = memory->set.max, n, n_evicted = max / EVICTED_PART;
	struct memo_place *places = memo_table_places(memory->table, &n);
	int r;

	if (n > max)
		n_evicted += n - max;
	for (size_t i = 0; i < n; i++)
		places[i].wrong = i < n_evicted;
	rcu_grace_period(); /* as in forget_all() */
	r = forget_wrong(memory, n_evicted, err);
	if (r == 0)
		memory->evictions += n_evicted;
	return r;
}

/* Denials run out soon. Were they to make room for each other, a flood of them
   would keep us busy. */
int memory_make_room(struct memory *memory, struct err *err)
{
	size_t max = memory->set.max, n = memo_table_count(memory->table);

	if (memory->unknown)
		return forget_all(memory, err);
	if (memory->verdict == VERDICT_DENY || n < max - max / EVICTED_PART)
		return 0;
	return evict(memory, err);
}

/* ---- what stands -------------------------------------------------------- */

int memory_count(const struct memory *memory, size_t *n, struct err *err)
{
	return memo_set_count(memory->ipset, memory->set.name, n, err);
}

int memory_check(struct memory *memory, size_t n, size_t *n_foreign,
		 struct err *err)
{
	size_t n_known = memo_table_count(memory->table);

	*n_foreign = n > n_known ? n - n_known : 0;
	return *n_foreign ? forget_all(memory, err) : 0;
}
