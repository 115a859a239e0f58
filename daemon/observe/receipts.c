/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/receipts.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"
#include "netpold/fingerprint.h"

#include "kube/name_set.h"
#include "observe/receipt_table.h"
#include "time_text.h"

/* A change of a policy on its way to be in force. */
struct step {
	struct receipt_entry *entry;
	char uid[RECEIPT_UID_SIZE];
	int64_t generation;
	uint64_t fingerprint;
	bool staged;
	bool gone;
};

struct steps {
	struct step *items;
	size_t n, capacity;
};

struct receipts {
	/* controller only */
	struct steps noted, published;
	uint64_t round, turn;
	bool is_whole; /* all that was noted is */
	/* under the lock; the controller alone writes */
	pthread_mutex_t lock;
	struct receipt_table table;
	struct name_set unreadable;
	bool lost; /* the table is not what is in force */
	bool suspended;
	int64_t resumed_us; /* 0: it never was suspended */
};

/* ---- steps --------------------------------------------------------------- */

static int steps_reserve(struct steps *steps, size_t n)
{
	size_t capacity = steps->capacity ? steps->capacity : 16;
	struct step *grown;

	if (steps->n + n <= steps->capacity)
		return 0;
	while (capacity < steps->n + n)
		capacity *= 2;
	grown = reallocarray(steps->items, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	steps->items = grown;
	steps->capacity = capacity;
	return 0;
}

static void steps_clear(struct steps *steps)
{
	free(steps->items);
	*steps = (struct steps){ 0 };
}

static void set_lost(struct receipts *receipts, bool lost)
{
	pthread_mutex_lock(&receipts->lock);
	receipts->lost = lost;
	pthread_mutex_unlock(&receipts->lock);
}

static int lose(struct receipts *receipts)
{
	receipts->is_whole = false;
	set_lost(receipts, true);
	return -ENOMEM;
}

static int note(struct receipts *receipts, struct step step)
{
	if (steps_reserve(&receipts->noted, 1) < 0)
		return lose(receipts);
	receipts->noted.items[receipts->noted.n++] = step;
	step.entry->n_steps++;
	return 0;
}

static bool is_in_force(const struct step *step)
{
	const struct receipt_entry *entry = step->entry;

	return entry->in_force && strcmp(entry->uid, step->uid) == 0 &&
	       entry->generation == step->generation &&
	       entry->staged == step->staged &&
	       entry->fingerprint == step->fingerprint;
}

int receipts_put(struct receipts *receipts, const struct network_policy *policy)
{
	struct step step = {
		.entry = receipt_table_find(&receipts->table, policy->namespace,
					    policy->name),
		.generation = policy->generation,
		.fingerprint = fingerprint_policy(policy),
		.staged = policy->staged,
	};

	snprintf(step.uid, sizeof(step.uid), "%s", policy->uid);
	if (!step.entry) {
		pthread_mutex_lock(&receipts->lock);
		step.entry = receipt_table_add(&receipts->table,
					       policy->namespace, policy->name);
		pthread_mutex_unlock(&receipts->lock);
	}
	if (!step.entry)
		return lose(receipts);
	step.entry->round = receipts->round;
	if (step.entry->n_steps == 0 && is_in_force(&step))
		return 0;
	return note(receipts, step);
}

int receipts_drop(struct receipts *receipts, const char *namespace,
		  const char *name)
{
	struct receipt_entry *entry =
		receipt_table_find(&receipts->table, namespace, name);
	const struct step step = { .entry = entry, .gone = true };

	return entry ? note(receipts, step) : 0;
}

static int assign_policy(void *ctx, const struct object *object)
{
	return receipts_put(ctx, &object->policy);
}

static int drop_unseen(struct receipts *receipts)
{
	int r = 0;

	for (size_t i = 0; i < receipts->table.n_buckets; i++) {
		struct receipt_entry *entry = receipts->table.buckets[i];

		for (; entry && r == 0; entry = entry->next) {
			const struct step gone = { .entry = entry,
						   .gone = true };

			if (entry->round != receipts->round)
				r = note(receipts, gone);
		}
	}
	return r;
}

int receipts_assign(struct receipts *receipts, const struct cluster *cluster)
{
	int r;

	receipts->round++;
	r = cluster_each(cluster, OBJECT_NETWORK_POLICY, assign_policy,
			 receipts);
	if (r == 0)
		r = drop_unseen(receipts);
	receipts->is_whole = r == 0;
	return r;
}

int receipts_follow(struct receipts *receipts, const struct update *update,
		    const struct cluster *cluster)
{
	int r = 0;

	if (update->from_nothing || !receipts->is_whole)
		return receipts_assign(receipts, cluster);
	for (size_t i = 0; i < update->n_policies && r == 0; i++) {
		const struct policy_change *change = &update->policies[i];

		r = change->gone
			    ? receipts_drop(receipts, change->policy->namespace,
					    change->policy->name)
			    : receipts_put(receipts, change->policy);
	}
	return r;
}

/* ---- how far it is ------------------------------------------------------- */

void receipts_published(struct receipts *receipts)
{
	struct steps *noted = &receipts->noted;
	struct steps *published = &receipts->published;

	if (noted->n == 0)
		return;
	if (steps_reserve(published, noted->n) < 0) {
		lose(receipts);
		return;
	}
	memcpy(published->items + published->n, noted->items,
	       noted->n * sizeof(*noted->items));
	published->n += noted->n;
	steps_clear(noted);
}

/* Under the lock. */
static void apply(const struct step *step, int64_t since_us)
{
	struct receipt_entry *entry = step->entry;

	if (!step->gone && !is_in_force(step)) {
		memcpy(entry->uid, step->uid, sizeof(entry->uid));
		entry->generation = step->generation;
		entry->fingerprint = step->fingerprint;
		entry->staged = step->staged;
		entry->since_us = since_us;
	}
	entry->in_force = !step->gone;
}

/* Of a policy that has changed several times the last word counts, which is the
   first one here. Under the lock. */
static void take_steps_backwards(struct receipts *receipts, int64_t since_us)
{
	uint64_t turn = ++receipts->turn;

	for (size_t i = receipts->published.n; i > 0; i--) {
		const struct step *step = &receipts->published.items[i - 1];
		struct receipt_entry *entry = step->entry;

		if (entry->turn != turn)
			apply(step, since_us);
		entry->turn = turn;
		entry->n_steps--;
		if (!entry->in_force && entry->n_steps == 0)
			receipt_table_remove(&receipts->table, entry);
	}
}

void receipts_in_force(struct receipts *receipts, int64_t since_us)
{
	pthread_mutex_lock(&receipts->lock);
	take_steps_backwards(receipts, since_us);
	if (receipts->suspended)
		receipts->resumed_us = since_us;
	receipts->suspended = false;
	receipts->lost = !receipts->is_whole;
	pthread_mutex_unlock(&receipts->lock);
	steps_clear(&receipts->published);
}

void receipts_suspend(struct receipts *receipts)
{
	pthread_mutex_lock(&receipts->lock);
	receipts->suspended = true;
	pthread_mutex_unlock(&receipts->lock);
}

/* ---- what cannot be read --------------------------------------------------
 */

static bool is_under_way(const struct receipts *receipts)
{
	return receipts->noted.n > 0 || receipts->published.n > 0;
}

static int add_unreadable(struct receipts *receipts,
			  const struct name_set *names)
{
	int r;

	pthread_mutex_lock(&receipts->lock);
	r = name_set_add(&receipts->unreadable, names);
	pthread_mutex_unlock(&receipts->lock);
	return r < 0 ? lose(receipts) : 1;
}

static int assign_unreadable(struct receipts *receipts,
			     const struct name_set *names)
{
	struct name_set copy = { 0 };

	if (name_set_add(&copy, names) < 0) {
		name_set_clear(&copy);
		return lose(receipts);
	}
	pthread_mutex_lock(&receipts->lock);
	name_set_move(&receipts->unreadable, &copy);
	pthread_mutex_unlock(&receipts->lock);
	return 1;
}

int receipts_unreadable(struct receipts *receipts, const struct name_set *names,
			bool is_settled)
{
	bool has_all = name_set_has_all(&receipts->unreadable, names);

	if (has_all && receipts->unreadable.n == names->n)
		return 0;
	if (is_settled && !is_under_way(receipts))
		return assign_unreadable(receipts, names);
	return has_all ? 0 : add_unreadable(receipts, names);
}

/* ---- telling ------------------------------------------------------------- */

/* Under the lock. */
static bool tells(const struct receipts *receipts)
{
	return !receipts->suspended && !receipts->lost;
}

static struct receipt receipt_of(const struct receipts *receipts,
				 const struct receipt_entry *entry)
{
	int64_t since_us = entry->since_us;
	struct receipt receipt = {
		.generation = entry->generation,
		.staged = entry->staged,
		.since_us = since_us > receipts->resumed_us
				    ? since_us
				    : receipts->resumed_us,
	};

	memcpy(receipt.uid, entry->uid, sizeof(receipt.uid));
	receipt.is_unreadable = name_set_has(&receipts->unreadable,
					     receipt_entry_namespace(entry),
					     receipt_entry_name(entry));
	return receipt;
}

enum receipt_state receipts_find(struct receipts *receipts,
				 const char *namespace, const char *name,
				 struct receipt *out)
{
	enum receipt_state state = RECEIPT_ABSENT;
	const struct receipt_entry *entry;

	pthread_mutex_lock(&receipts->lock);
	entry = receipt_table_find(&receipts->table, namespace, name);
	if (!tells(receipts))
		state = RECEIPT_UNKNOWN;
	else if (entry && entry->in_force)
		state = RECEIPT_IN_FORCE;
	if (state == RECEIPT_IN_FORCE)
		*out = receipt_of(receipts, entry);
	else if (state == RECEIPT_ABSENT)
		out->is_unreadable =
			name_set_has(&receipts->unreadable, namespace, name);
	pthread_mutex_unlock(&receipts->lock);
	return state;
}

/* One of the list. */
struct row {
	char *namespace, *name;
	struct receipt receipt;
};

struct list {
	struct row *rows;
	size_t n;
};

static void list_release(struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->rows[i].namespace);
		free(list->rows[i].name);
	}
	free(list->rows);
}

/* Under the lock. */
static int list_add(struct list *list, const struct receipts *receipts,
		    const struct receipt_entry *entry)
{
	struct row *row = &list->rows[list->n];

	*row = (struct row){
		.namespace = strdup(receipt_entry_namespace(entry)),
		.name = strdup(receipt_entry_name(entry)),
		.receipt = receipt_of(receipts, entry),
	};
	list->n++;
	return row->namespace && row->name ? 0 : -ENOMEM;
}

/* A copy, so that nobody waits while it is written. Under the lock. */
static int copy_list(const struct receipts *receipts, struct list *out)
{
	int r = 0;

	out->rows = calloc(receipts->table.n_entries + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (size_t i = 0; i < receipts->table.n_buckets && tells(receipts);
	     i++) {
		const struct receipt_entry *entry = receipts->table.buckets[i];

		for (; entry && r == 0; entry = entry->next) {
			if (entry->in_force)
				r = list_add(out, receipts, entry);
		}
	}
	return r;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *p = a, *q = b;
	int order = strcmp(p->namespace, q->namespace);

	return order ? order : strcmp(p->name, q->name);
}

json_t *receipt_to_json(const char *namespace, const char *name,
			const struct receipt *receipt)
{
	json_t *out =
		json_pack("{ss ss}", "namespace", namespace, "name", name);
	char since[TIME_TEXT_LEN];
	int r = out ? 0 : -1;

	if (r == 0 && *receipt->uid)
		r = json_object_set_new(out, "uid", json_string(receipt->uid));
	if (r == 0 && receipt->generation)
		r = json_object_set_new(out, "generation",
					json_integer(receipt->generation));
	if (r == 0 && receipt->since_us &&
	    time_text_format(receipt->since_us, since))
		r = json_object_set_new(out, "in_force_since",
					json_string(since));
	if (r == 0 && receipt->staged)
		r = json_object_set_new(out, "staged", json_true());
	if (r == 0 && receipt->is_unreadable)
		r = json_object_set_new(out, "unreadable", json_true());
	if (r == 0)
		return out;
	json_decref(out);
	return NULL;
}

json_t *receipts_to_json(struct receipts *receipts)
{
	CLEANUP(list_release) struct list list = { 0 };
	json_t *out = json_array();
	int r;

	pthread_mutex_lock(&receipts->lock);
	r = copy_list(receipts, &list);
	pthread_mutex_unlock(&receipts->lock);
	if (r == 0)
		qsort(list.rows, list.n, sizeof(*list.rows), compare_rows);
	for (size_t i = 0; i < list.n && r == 0; i++)
		r = json_array_append_new(
			out, receipt_to_json(list.rows[i].namespace,
					     list.rows[i].name,
					     &list.rows[i].receipt));
	if (r == 0)
		return out;
	json_decref(out);
	return NULL;
}

/* ---- life ---------------------------------------------------------------- */

int receipts_new(struct receipts **out, struct err *err)
{
	struct receipts *receipts = calloc(1, sizeof(*receipts));
	int r;

	if (!receipts)
		return err_set(err, -ENOMEM, "no memory for receipts");
	r = receipt_table_init(&receipts->table, err);
	if (r < 0) {
		free(receipts);
		return r;
	}
	pthread_mutex_init(&receipts->lock, NULL);
	receipts->is_whole = receipts->suspended = true;
	*out = receipts;
	return 0;
}

void receipts_free(struct receipts *receipts)
{
	if (!receipts)
		return;
	receipt_table_release(&receipts->table);
	name_set_clear(&receipts->unreadable);
	steps_clear(&receipts->noted);
	steps_clear(&receipts->published);
	pthread_mutex_destroy(&receipts->lock);
	free(receipts);
}
