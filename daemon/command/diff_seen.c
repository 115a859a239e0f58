/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/diff_seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "netpold/hash.h"
#include "progress.h"
#include "records/record_reader.h"
#include "records/workload_name.h"
#include "source/offline.h"

#define N_BUCKETS 16384 /* a power of two */

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* ---- counting ----------------------------------------------------------- */

/* Whoever writes records writes any number. */
static void add(uint64_t *sum, uint64_t n)
{
	*sum = *sum > UINT64_MAX - n ? UINT64_MAX : *sum + n;
}

uint64_t seen_times(const uint64_t by[N_DIRECTIONS])
{
	return by[0] > by[1] ? by[0] : by[1];
}

static void note_times(struct seen_change *change,
		       const struct record_seen *record)
{
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (!record->directions[dir])
			continue;
		add(&change->times[dir], record->count);
		if (record->verdict == VERDICT_DENY)
			add(&change->denied[dir], record->count);
	}
	if (record->first_us &&
	    (!change->first_us || record->first_us < change->first_us))
		change->first_us = record->first_us;
	if (record->last_us &&
	    (!change->last_us || record->last_us > change->last_us))
		change->last_us = record->last_us;
}

static void note_outside(struct seen_change *change, const struct ip_addr *addr)
{
	for (size_t i = 0; i < change->n_outside; i++) {
		if (ip_addr_equal(&change->outside[i], addr))
			return;
	}
	if (change->n_outside < SEEN_MAX_OUTSIDE)
		change->outside[change->n_outside++] = *addr;
	else
		change->has_more_outside = true;
}

/* ---- changes ------------------------------------------------------------ */

static uint32_t unit_of(const struct seen *seen, const struct record_pod *pod)
{
	if (!pod)
		return SEEN_OUTSIDE;
	if (seen->by == GRID_BY_NAMESPACE)
		return pod->namespace_at;
	if (seen->by == GRID_BY_WORKLOAD)
		return pod->workload_at;
	return (uint32_t)(pod - seen->places[REACH_NEW].pods);
}

static struct seen_change *find_change(struct seen_change *bucket,
				       const struct seen_key *key)
{
	while (bucket && memcmp(&bucket->key, key, sizeof(*key)) != 0)
		bucket = bucket->next;
	return bucket;
}

static int add_change(struct seen *seen, const struct seen_key *key,
		      struct seen_change **bucket, struct seen_change **out)
{
	struct seen_change **changes =
		arena_room(&seen->arena, seen->changes, seen->n,
			   &seen->capacity, sizeof(void *));
	struct seen_change *change = arena_alloc(&seen->arena, sizeof(*change));

	if (!changes || !change)
		return -ENOMEM;
	change->key = *key;
	change->next = *bucket;
	*bucket = change;
	seen->changes = changes;
	seen->changes[seen->n++] = change;
	seen->n_opens += key->opens;
	*out = change;
	return 0;
}

/* Returns 1; 0 where there are too many already; -ENOMEM. */
static int get_change(struct seen *seen, const struct seen_key *key,
		      const struct record_flow flows[REACH_MAX_VIEWS],
		      const struct record_seen *record,
		      struct seen_change **out)
{
	uint64_t hash = hash_keyed(seen->hash_key, key, sizeof(*key));
	struct seen_change **bucket = &seen->buckets[hash & (N_BUCKETS - 1)];
	int r;

	*out = find_change(*bucket, key);
	if (*out)
		return 1;
	if (seen->n == SEEN_MAX_CHANGES)
		return 0;
	r = add_change(seen, key, bucket, out);
	if (r < 0)
		return r;
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		(*out)->example[v] = flows[v].key;
	(*out)->example_port = record->from.port;
	return 1;
}

static int take_change(struct seen *seen, const struct record_seen *record,
		       const struct record_flow flows[REACH_MAX_VIEWS],
		       bool opens)
{
	const struct record_flow *now = &flows[REACH_NEW];
	struct seen_key key = {
		.opens = opens,
		.protocol = record->protocol,
		.has_port = record->has_port,
		.port = record->to.port,
	};
	struct seen_change *change;
	int r;

	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		key.ends[dir] = unit_of(seen, now->ends[dir]);
	r = get_change(seen, &key, flows, record, &change);
	if (r < 0)
		return r;
	if (r == 0) {
		seen->counts.beyond++;
		return 0;
	}
	note_times(change, record);
	if (key.ends[DIRECTION_EGRESS] == SEEN_OUTSIDE)
		note_outside(change, &now->key.src);
	if (key.ends[DIRECTION_INGRESS] == SEEN_OUTSIDE)
		note_outside(change, &now->key.dst);
	return 0;
}

/* ---- records ------------------------------------------------------------ */

/* The first few of those that are not there any more, each once. */
static int take_lost(struct seen *seen, const struct record_end *end)
{
	char text[WORKLOAD_NAME_LEN];
	const char *copy;

	seen->counts.lost++;
	workload_name_write(end, text);
	for (size_t i = 0; i < seen->n_lost; i++) {
		if (strcmp(seen->lost[i], text) == 0)
			return 0;
	}
	if (seen->n_lost == SEEN_MAX_LOST)
		return 0;
	copy = arena_strdup(&seen->arena, text);
	if (!copy)
		return -ENOMEM;
	seen->lost[seen->n_lost++] = copy;
	return 0;
}

static int take_record(struct seen *seen, const struct record_seen *record)
{
	struct record_flow flows[REACH_MAX_VIEWS];
	enum verdict verdicts[REACH_MAX_VIEWS];
	enum direction lost;

	if (record->is_end) {
		seen->counts.ends++;
		return 0;
	}
	if (record->is_unasked) {
		seen->counts.unasked++;
		return 0;
	}
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		if (!record_world_find(&seen->places[v], record, &flows[v],
				       &lost))
			return take_lost(seen, lost == DIRECTION_EGRESS
						       ? &record->from
						       : &record->to);
		verdicts[v] =
			snapshot_decide(seen->worlds[v].snapshot, &flows[v].key)
				.verdict;
	}
	seen->counts.judged++;
	if (verdicts[REACH_OLD] == verdicts[REACH_NEW])
		return 0;
	return take_change(seen, record, flows,
			   verdicts[REACH_NEW] == VERDICT_ALLOW);
}

/* ---- files -------------------------------------------------------------- */

struct file {
	const struct seen_from *from;
	struct seen *seen;
	size_t n_records, n_refused;
};

static void refuse(struct file *file, const struct err *why)
{
	file->seen->counts.refused++;
	if (++file->n_refused > SEEN_MAX_REFUSED)
		return;
	progress_hide(file->from->progress);
	log_warning("%s; the line is passed over", why->message);
}

static int read_records(struct file *file, struct record_reader *reader,
			struct err *err)
{
	struct record_seen record;
	struct err why;
	int r;

	while ((r = record_reader_next(reader, &record, &why)) != 0) {
		if (r == -EINVAL) {
			refuse(file, &why);
			continue;
		}
		if (r < 0) {
			*err = why;
			return r;
		}
		file->n_records++;
		if (take_record(file->seen, &record) < 0)
			return no_memory(err);
		progress_tell(file->from->progress, file->seen->counts.judged,
			      "records judged");
	}
	return 0;
}

static int read_stream(struct file *file, FILE *in, const char *path,
		       struct err *err)
{
	struct record_reader *reader;
	int r = record_reader_open(in, path, &reader, err);

	if (r < 0)
		return r;
	r = read_records(file, reader, err);
	record_reader_close(reader);
	if (r == 0 && file->n_records == 0 && file->n_refused > 0)
		return err_set(err, -EINVAL, "'%s' holds no decision record",
			       path);
	return r;
}

static int read_file(struct file *file, const char *path, struct err *err)
{
	FILE *in = stdin;
	int r;

	if (strcmp(path, "-") != 0)
		in = fopen(path, "re");
	if (!in) {
		r = -errno;
		return err_set(err, r, "cannot read '%s': %s", path,
			       strerror(-r));
	}
	r = read_stream(file, in, path, err);
	if (in != stdin)
		fclose(in);
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static int compare_changes(const void *a, const void *b)
{
	const struct seen_change *one = *(struct seen_change *const *)a;
	const struct seen_change *other = *(struct seen_change *const *)b;
	uint64_t times = seen_times(one->times);
	uint64_t other_times = seen_times(other->times);

	if (one->key.opens != other->key.opens)
		return one->key.opens ? -1 : 1;
	if (times != other_times)
		return times > other_times ? -1 : 1;
	for (int dir = N_DIRECTIONS - 1; dir >= 0; dir--) {
		if (one->key.ends[dir] != other->key.ends[dir])
			return one->key.ends[dir] < other->key.ends[dir] ? -1
									 : 1;
	}
	if (one->key.protocol != other->key.protocol)
		return one->key.protocol - other->key.protocol;
	if (one->key.has_port != other->key.has_port)
		return one->key.has_port - other->key.has_port;
	return one->key.port - other->key.port;
}

static int prepare(const struct seen_from *from, struct seen *out,
		   struct err *err)
{
	*out = (struct seen){ .worlds = from->worlds, .by = from->by };
	for (int v = 0; v < REACH_MAX_VIEWS; v++) {
		const struct offline *world = &from->worlds[v];

		if (record_world_init(&out->places[v], world->cluster,
				      world->snapshot) < 0)
			return no_memory(err);
	}
	out->buckets = arena_array(&out->arena, N_BUCKETS, sizeof(void *));
	if (!out->buckets)
		return no_memory(err);
	if (getrandom(out->hash_key, sizeof(out->hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	return 0;
}

int seen_gather(const struct seen_from *from, struct seen *out, struct err *err)
{
	int r = prepare(from, out, err);

	for (size_t i = 0; i < from->n_paths && r == 0; i++) {
		struct file file = { .from = from, .seen = out };

		r = read_file(&file, from->paths[i], err);
	}
	if (r == 0 && out->n > 1)
		qsort(out->changes, out->n, sizeof(void *), compare_changes);
	return r;
}

void seen_release(struct seen *seen)
{
	for (int v = 0; v < REACH_MAX_VIEWS; v++)
		record_world_release(&seen->places[v]);
	arena_release(&seen->arena);
	*seen = (struct seen){ 0 };
}

bool seen_has_changes(const struct seen *seen)
{
	return seen->n > 0;
}

int seen_example_make(const struct seen *seen, const struct seen_change *change,
		      struct arena *arena, struct diff_example *out)
{
	int r = 0;

	for (int v = 0; v < REACH_MAX_VIEWS && r == 0; v++) {
		out->records[v] = (struct decision_record){
			.key = change->example[v],
			.src_port = change->example_port,
			.explanation = &out->explanations[v],
		};
		r = snapshot_explain(seen->worlds[v].snapshot,
				     &change->example[v], arena,
				     &out->explanations[v]);
	}
	return r;
}
