/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an answer gets into the kernel, and out of it:
 *
 *	worker		a note into its ring, then the verdict, with REMEMBER
 *			or DENIED in the packet's mark
 *	NETPOLD-MARKED	the packet comes back: its answer goes into the set
 *	controller	takes the note out of the ring, into the table
 *
 *	a change	publish; wait until all verdicts of the older snapshot
 *			are sent; take out all notes; ask the new snapshot about
 *			each answer in the tables; take out of the sets what is
 *			wrong, or would be if what is staged were enforced
 *
 * Why nothing wrong stays. What is in a set was put in by a verdict, within the
 * system call that sends it, which is inside the worker's read-side section. So
 * once the grace period is over, an answer of the older snapshot is in the set
 * already, or never will be, and its note was written before. And what is in a
 * set is in its table, or in a ring: an answer is only taken out of a table
 *
 *	with the set's member, when it is wrong	no worker asks for it any more
 *	with the set's member, to make room	after another grace period: no
 *						verdict that puts it in again
 *						is on its way
 *	when the kernel has let it run out	TIMEOUT_MARGIN_S later
 *
 * Why a table of our own: the kernel needs 50 ms and more to list 65,536
 * members, a snapshot 6 ms to judge them (NF-95). It costs some 70 bytes for
 * each.
 *
 * What denied packets fill is the set of denials, which is let run out, not
 * cleared: when it is full, the rest is judged by the workers. The other one is
 * filled by what policies allow; there the oldest make room.
 */
#include "datapath/recall.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h> // IWYU pragma: keep
#include <time.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "datapath/ipset.h"
#include "datapath/memo.h"
#include "datapath/memo_ring.h"
#include "datapath/memo_set.h"
#include "datapath/memo_table.h"
#include "datapath/memory.h"
#include "datapath/rules.h"
#include "fault.h"
#include "log.h"

/* Memory is all that a long time costs: what is in a set is right. Denials are
   many, and of little use when their sender has given up. */
static const unsigned int timeouts_s[2] = {
	[VERDICT_DENY] = 30,
	[VERDICT_ALLOW] = 600,
};

#define WORK_INTERVAL_US 1000000
#define EXPIRY_INTERVAL_US (8 * 1000000)

/* Where a kernel cannot be waited for: packets pass a hook within this time. */
#define BARRIER_MS 100

#define MAX_TARGETS 16

enum scope { SCOPE_NONE, SCOPE_TARGETS, SCOPE_ALL };

/* By verdict, and IPv4, IPv6. */
static const enum ip_family families[] = { IP_V4, IP_V6 };
#define N_SETS 4

static enum verdict verdict_of_set(size_t set)
{
	return set < 2 ? VERDICT_DENY : VERDICT_ALLOW;
}

static const char *name_of_set(size_t set)
{
	return rules_answers_name(verdict_of_set(set), families[set % 2]);
}

struct recall {
	struct recall_options options;
	struct ipset *ipset;
	struct memory memories[N_SETS];
	struct memo_ring **rings; /* by worker */
	int wake_fd;
	bool begun;
	/* What is to be judged before a change is in force. */
	enum scope scope;
	struct ip_addr targets[MAX_TARGETS];
	size_t n_targets;
	bool started; /* packets may have met the sets of an earlier run */
	int64_t work_due_us, expiry_due_us, settle_us;
	struct memo_gates gates; /* read by workers */
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to remember answers");
}

/* ---- opening ------------------------------------------------------------ */

static void describe(struct recall *recall, size_t set)
{
	enum verdict verdict = verdict_of_set(set);

	recall->memories[set] = (struct memory){
		.verdict = verdict,
		.set = {
			.name = name_of_set(set),
			.family = families[set % 2],
			.max = recall->options.size,
			.timeout_s = fault_number("timeout",
						  timeouts_s[verdict]),
		},
	};
}

static int open_rings(struct recall *recall, struct err *err)
{
	unsigned int n = recall->options.n_workers;

	recall->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (recall->wake_fd < 0)
		return err_set(err, -errno, "cannot remember answers: %s",
			       strerror(errno));
	recall->rings = calloc(n, sizeof(struct memo_ring *));
	if (!recall->rings)
		return no_memory(err);
	for (unsigned int i = 0; i < n; i++) {
		recall->rings[i] =
			memo_ring_new(&recall->gates, recall->wake_fd);
		if (!recall->rings[i])
			return no_memory(err);
	}
	return 0;
}

static void recall_undop(struct recall **recall)
{
	recall_undo(*recall);
}

int recall_new(const struct recall_options *options, struct recall **out,
	       struct err *err)
{
	CLEANUP(recall_undop) struct recall *recall = NULL;
	int r;

	recall = calloc(1, sizeof(*recall));
	if (!recall)
		return no_memory(err);
	recall->options = *options;
	recall->wake_fd = -1;
	recall->scope = SCOPE_ALL;
	for (size_t i = 0; i < N_SETS; i++)
		describe(recall, i);
	r = open_rings(recall, err);
	if (r < 0)
		return r;
	*out = recall;
	recall = NULL;
	return 0;
}

int recall_make_sets(struct recall *recall, struct err *err)
{
	int r = ipset_open(&recall->ipset, err);

	for (size_t i = 0; r == 0 && i < N_SETS; i++)
		if (recall->options.remember[verdict_of_set(i)])
			r = memory_open(&recall->memories[i], recall->ipset,
					err);
	return r;
}

int recall_open(const struct recall_options *options, struct recall **out,
		struct err *err)
{
	CLEANUP(recall_undop) struct recall *recall = NULL;
	int r = recall_new(options, &recall, err);

	if (r == 0)
		r = recall_make_sets(recall, err);
	if (r < 0)
		return r;
	*out = recall;
	recall = NULL;
	return 0;
}

void recall_undo(struct recall *recall)
{
	for (size_t i = 0; recall && i < N_SETS; i++)
		memory_undo(&recall->memories[i]);
	recall_close(recall);
}

void recall_close(struct recall *recall)
{
	if (!recall)
		return;
	for (size_t i = 0; i < N_SETS; i++)
		memory_release(&recall->memories[i]);
	for (unsigned int i = 0; recall->rings && i < recall->options.n_workers;
	     i++)
		memo_ring_free(recall->rings[i]);
	free(recall->rings);
	if (recall->wake_fd >= 0)
		close(recall->wake_fd);
	ipset_close(recall->ipset);
	free(recall);
}

struct memo_ring *recall_ring(struct recall *recall, unsigned int worker)
{
	return recall->rings[worker];
}

int recall_fd(const struct recall *recall)
{
	return recall->wake_fd;
}

/* ---- what workers ask for ----------------------------------------------- */

static void take_note(struct recall *recall, const struct memo_note *note,
		      int64_t now_us)
{
	size_t set = note->verdict == VERDICT_ALLOW ? 2 : 0;

	set += note->memo.src.family == IP_V6;
	memory_note(&recall->memories[set], &note->memo, now_us);
}

/* All that were there at the beginning; a worker may be writing all the
   time. */
static void take_notes(struct recall *recall)
{
	int64_t now_us = clock_us();
	struct memo_note note;

	for (unsigned int i = 0; i < recall->options.n_workers; i++)
		for (unsigned int n = 0;
		     n < MEMO_RING_SIZE &&
		     memo_ring_take(recall->rings[i], &note);
		     n++)
			take_note(recall, &note, now_us);
}

static void set_gates(struct recall *recall)
{
	for (size_t i = 0; i < N_SETS; i++)
		atomic_store_explicit(
			&recall->gates.open[verdict_of_set(i)][i % 2],
			recall->begun && memory_has_room(&recall->memories[i]),
			memory_order_relaxed);
}

/* ---- a change ----------------------------------------------------------- */

static void add_targets(struct recall *recall, const struct ip_addr *addresses,
			size_t n)
{
	if (n > MAX_TARGETS - recall->n_targets)
		recall->scope = SCOPE_ALL;
	if (n == 0 || recall->scope == SCOPE_ALL)
		return;
	memcpy(&recall->targets[recall->n_targets], addresses,
	       n * sizeof(*addresses));
	recall->n_targets += n;
	recall->scope = SCOPE_TARGETS;
}

void recall_owe(struct recall *recall, const struct update *update)
{
	if (update->from_nothing || update->planned_from_nothing)
		recall->scope = SCOPE_ALL;
	add_targets(recall, update->addresses, update->n_addresses);
	add_targets(recall, update->planned_addresses,
		    update->n_planned_addresses);
}

void recall_owe_all(struct recall *recall)
{
	recall->scope = SCOPE_ALL;
}

void recall_mistrust(struct recall *recall)
{
	recall->scope = SCOPE_ALL;
	for (size_t i = 0; i < N_SETS; i++)
		recall->memories[i].unknown = true;
}

int recall_settle(struct recall *recall, const struct snapshot *snapshot,
		  const struct unclaimed *unclaimed, struct err *err)
{
	bool all = recall->scope == SCOPE_ALL;
	int64_t began_us = clock_us();
	int result = 0;

	if (recall->scope == SCOPE_NONE)
		return 0;
	take_notes(recall);
	for (size_t i = 0; i < N_SETS && fault_stands("rejudge"); i++) {
		struct memory *memory = &recall->memories[i];
		int r = 0;

		if (memory->table)
			r = memory_settle(memory, snapshot, unclaimed,
					  all ? NULL : recall->targets,
					  recall->n_targets, err);
		/* One that fails does not keep the others. */
		if (r < 0 && result == 0)
			result = r;
	}
	if (result < 0) {
		recall->scope = SCOPE_ALL;
		return result;
	}
	recall->scope = SCOPE_NONE;
	recall->n_targets = 0;
	set_gates(recall);
	recall->settle_us = clock_us() - began_us;
	return 0;
}

/* Was anything that allows taken out since somebody has waited last? */
static bool has_let_go(struct recall *recall)
{
	bool let_go = !recall->started;

	recall->started = true;
	for (size_t i = 0; i < N_SETS; i++) {
		let_go |= recall->memories[i].let_go &&
			  verdict_of_set(i) == VERDICT_ALLOW;
		recall->memories[i].let_go = false;
	}
	return let_go;
}

void recall_wait(struct recall *recall)
{
	const struct timespec pause = { .tv_nsec = BARRIER_MS * 1000000 };

	if (!has_let_go(recall))
		return;
	/* A grace period of the kernel's RCU: packets are inside a section of
	   it from the first of a hook's rules to the end of the hook, where
	   their connection is confirmed. A nohz_full kernel refuses. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&pause, NULL);
}

/* ---- keeping within bounds ---------------------------------------------- */

static void keep_bounds(struct memory *memory, bool expiry_is_due)
{
	struct err err;

	if (expiry_is_due)
		memory_expire(memory, clock_us());
	if (memory_make_room(memory, &err) < 0)
		log_error("%s; trying again", err.message);
}

void recall_work(struct recall *recall)
{
	int64_t now_us = clock_us();
	bool expiry_is_due = now_us >= recall->expiry_due_us;
	uint64_t ignored;

	/* It has been written to: a ring is half full. */
	if (read(recall->wake_fd, &ignored, sizeof(ignored)) < 0 &&
	    now_us < recall->work_due_us)
		return;
	recall->work_due_us = now_us + WORK_INTERVAL_US;
	if (expiry_is_due)
		recall->expiry_due_us = now_us + EXPIRY_INTERVAL_US;
	take_notes(recall);
	for (size_t i = 0; i < N_SETS; i++)
		if (recall->memories[i].table)
			keep_bounds(&recall->memories[i], expiry_is_due);
	set_gates(recall);
}

/* ---- what stands -------------------------------------------------------- */

/* No rule names it any more. Where the kernel is slow to notice that, it is
   left empty. */
static void abandon(struct recall *recall, const char *name)
{
	if (memo_set_flush(recall->ipset, name, NULL) == 0)
		ipset_destroy(recall->ipset, name, NULL);
}

void recall_begin(struct recall *recall)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (!recall->memories[i].table)
			abandon(recall, name_of_set(i));
	recall->begun = true;
	set_gates(recall);
}

/* Each member has been written down before it was one. */
static int mend(struct recall *recall, struct memory *memory, size_t *n_foreign,
		struct err *err)
{
	int r = memory_renew(memory, err);
	size_t n;

	if (r == 0)
		r = memory_count(memory, &n, err);
	if (r < 0)
		return r;
	take_notes(recall);
	return memory_check(memory, n, n_foreign, err);
}

int recall_renew(struct recall *recall, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < N_SETS; i++)
		if (recall->memories[i].table)
			r = memory_renew(&recall->memories[i], err);
	return r;
}

int recall_mend(struct recall *recall, size_t *n_moved, struct err *err)
{
	int r = 0;

	*n_moved = 0;
	for (size_t i = 0; r == 0 && i < N_SETS; i++) {
		size_t n_foreign = 0;

		if (recall->memories[i].table)
			r = mend(recall, &recall->memories[i], &n_foreign, err);
		*n_moved += n_foreign;
	}
	set_gates(recall);
	return r;
}

bool recall_adopted(const struct recall *recall, enum ip_family family)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (verdict_of_set(i) == VERDICT_ALLOW &&
		    recall->memories[i].set.family == family)
			return recall->memories[i].adopted;
	return false;
}

struct recall_counts recall_counts(const struct recall *recall)
{
	struct recall_counts counts = { .settle_us = recall->settle_us };

	for (size_t i = 0; i < N_SETS; i++) {
		const struct memory *memory = &recall->memories[i];
		struct recall_kept *kept = &counts.kept[verdict_of_set(i)];

		if (!memory->table)
			continue;
		kept->size += memo_table_count(memory->table);
		kept->max += memory->set.max;
		kept->insertions += memory->insertions;
		kept->evictions += memory->evictions;
		kept->deletions += memory->deletions;
		counts.rejudged += memory->rejudged;
		counts.flushes += memory->flushes;
	}
	for (unsigned int i = 0; i < recall->options.n_workers; i++)
		counts.discards += memo_ring_discarded(recall->rings[i]);
	return counts;
}

int recall_destroy_sets(struct err *err)
{
	struct ipset *ipset;
	int r = ipset_open(&ipset, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < N_SETS; i++)
		r = ipset_destroy(ipset, name_of_set(i), err);
	ipset_close(ipset);
	return r;
}
