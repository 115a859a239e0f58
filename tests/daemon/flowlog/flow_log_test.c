/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole log, with workers that write as fast as they can: whatever becomes
 * of an event, it is counted once, and the records say the same (L34).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "clock.h"
#include "flow_events.h"
#include "datapath/conntrack_ends.h"
#include "datapath/mark.h"
#include "datapath/memo.h"
#include "flowlog/flow_counts.h"
#include "flowlog/flow_hit.h"
#include "flowlog/flow_log.h"
#include "flowlog/flow_ring.h"
#include "flowlog/flow_watch.h"
#include "flowlog/hit_ring.h"

#define N_WORKERS 2
#define N_EVENTS 100000
#define N_TAKEN (N_WORKERS * N_EVENTS + N_HITS * N_HIT_PACKETS)

static char path[] = "/tmp/netpold-flows-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int empty_file(void **state)
{
	(void)state;
	return truncate(path, 0);
}

struct writer {
	struct flow_ring *ring;
	uint32_t first, n_flows;
};

static void *write_events(void *ctx)
{
	const struct writer *writer = ctx;

	for (uint32_t i = 0; i < N_EVENTS; i++) {
		struct flow_event event =
			event_of(writer->first + i % writer->n_flows);

		event.answer = i % 2 ? ANSWER_ALLOW : ANSWER_DENY;
		flow_ring_put(writer->ring, &event);
	}
	return NULL;
}

/* And the kernel answers. */
#define N_HITS 1000
#define N_HIT_PACKETS 300

static void *write_hits(void *ctx)
{
	for (uint32_t i = 0; i < N_HITS; i++) {
		const struct flow_event event = event_of(i % 10);
		const struct flow_hit hit = {
			.memo = memo_of(&event.key),
			.verdict = i % 2 ? VERDICT_ALLOW : VERDICT_DENY,
			.at_us = EVENT_TIME_US,
			.packets = N_HIT_PACKETS,
			.bytes = UINT64_C(60) * N_HIT_PACKETS,
		};

		hit_ring_put(ctx, &hit);
	}
	return NULL;
}

/* What the file tells. */
struct told {
	uint64_t lines, of_one, of_repeats, by_kernel;
};

static struct told read_file(void)
{
	FILE *file = fopen(path, "re");
	struct told told = { .lines = 0 };
	char *line = NULL;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		json_t *record = json_loads(line, 0, NULL);
		uint64_t count;

		assert_non_null(record);
		count = (uint64_t)json_integer_value(
			json_object_get(record, "count"));
		told.lines++;
		told.by_kernel += (uint64_t)json_integer_value(
			json_object_get(record, "by_kernel"));
		if (strcmp(json_string_value(json_object_get(record, "first")),
			   json_string_value(
				   json_object_get(record, "last"))) == 0 &&
		    count == 1)
			told.of_one++;
		else
			told.of_repeats += count;
		json_decref(record);
	}
	free(line);
	fclose(file);
	return told;
}

static const struct {
	const char *name;
	struct flow_log_options options;
	uint32_t n_flows; /* of each worker */
	bool all_told;	  /* nothing suppressed */
} cases[] = {
	{ "each flow is another one",
	  { .rate = 0, .fold_s = 60 },
	  N_EVENTS,
	  true },
	{ "nothing is folded", { .rate = 0 }, 1, true },
	{ "all is folded into one", { .rate = 0, .fold_s = 60 }, 1, true },
	{ "most is suppressed", { .rate = 5, .fold_s = 60 }, N_EVENTS, false },
	{ "half is not asked for",
	  { .rate = 0, .fold_s = 60, .only_denied = true },
	  100,
	  false },
};

static struct flow_totals run(const struct flow_log_options *given,
			      uint32_t n_flows)
{
	struct flow_log_options options = *given;
	struct writer writers[N_WORKERS];
	pthread_t threads[N_WORKERS], kernel;
	struct flow_totals totals;
	struct flow_log *log;
	struct err err;

	options.target.kind = FLOW_TARGET_FILE;
	options.target.path = path;
	options.rotate_bytes = UINT64_C(1) << 40;
	options.keep = 1;
	if (flow_log_start(&options, "node-1", N_WORKERS, &log, &err) < 0)
		fail_msg("%s", err.message);
	for (unsigned int i = 0; i < N_WORKERS; i++) {
		writers[i] = (struct writer){ .ring = flow_log_ring(log, i),
					      .first = i * N_EVENTS,
					      .n_flows = n_flows };
		pthread_create(&threads[i], NULL, write_events, &writers[i]);
	}
	pthread_create(&kernel, NULL, write_hits, flow_log_hits(log));
	pthread_join(kernel, NULL);
	for (unsigned int i = 0; i < N_WORKERS; i++)
		pthread_join(threads[i], NULL);
	flow_log_stop(log);
	totals = flow_counts_total(flow_log_counts(log));
	flow_log_free(log);
	return totals;
}

static void every_event_is_counted_once(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_totals n = run(&cases[i].options, cases[i].n_flows);
		struct told told = read_file();

		if (n.taken != N_TAKEN || n.on_the_way != 0)
			fail_msg("%s: of %d events %lu are known, and %lu are "
				 "on their way at the end",
				 cases[i].name, N_TAKEN, n.taken, n.on_the_way);
		if (n.by_kernel != N_HITS * N_HIT_PACKETS)
			fail_msg("%s: %lu are by the kernel, not %d",
				 cases[i].name, n.by_kernel,
				 N_HITS * N_HIT_PACKETS);
		if (told.by_kernel > n.by_kernel ||
		    (cases[i].all_told && n.lost == 0 &&
		     told.by_kernel != n.by_kernel))
			fail_msg("%s: the records tell of %lu by the kernel, "
				 "of %lu",
				 cases[i].name, told.by_kernel, n.by_kernel);
		if (told.of_one + told.of_repeats != n.logged + n.folded)
			fail_msg("%s: the records tell of %lu and %lu, the "
				 "counts of %lu and %lu",
				 cases[i].name, told.of_one, told.of_repeats,
				 n.logged, n.folded);
		if (cases[i].all_told != (n.suppressed == 0))
			fail_msg("%s: suppressed %lu", cases[i].name,
				 n.suppressed);
		if (n.logged == 0)
			fail_msg("%s: nothing is logged", cases[i].name);
		empty_file(state);
	}
}

/* ---- its end ------------------------------------------------------------- */

/* It waits for two seconds at most, for who stands still; but the machine may
   have other things to do. */
#define IN_TIME_S 30

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns how many seconds it took. */
static double stop(struct flow_log *log)
{
	double since = now_s();

	flow_log_stop(log);
	return now_s() - since;
}

static void a_log_without_a_reader_ends_in_time(void **state)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_UNIX, "/tmp/netpold-no-such-socket" },
		.rate = 0,
	};
	struct flow_event event = event_of(1);
	struct flow_totals n;
	struct flow_log *log;
	struct err err;
	double took_s;

	(void)state;
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	for (int i = 0; i < 1000; i++)
		assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	took_s = stop(log);
	if (took_s > IN_TIME_S)
		fail_msg("it has taken %.3f s", took_s);
	n = flow_counts_total(flow_log_counts(log));
	assert_int_equal(1000, n.taken);
	assert_int_equal(1000, n.lost);
	flow_log_free(log);
}

/* It waits for who listens and does not read, for half a second. */
static void a_log_whose_reader_sleeps_ends_in_time(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct flow_log_options options = { .rate = 0 };
	struct flow_event event = event_of(1);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct flow_totals n;
	struct flow_log *log;
	struct err err;
	double took_s;

	empty_file(state);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s.sock", path);
	options.target =
		(struct flow_target){ FLOW_TARGET_UNIX, address.sun_path };
	assert_int_equal(0, bind(listener, (struct sockaddr *)&address,
				 sizeof(address)));
	assert_int_equal(0, listen(listener, 1));
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	for (int i = 0; i < 1000; i++)
		assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	took_s = stop(log);
	if (took_s < 0.4 || took_s > IN_TIME_S)
		fail_msg("it has waited for %.3f s", took_s);
	n = flow_counts_total(flow_log_counts(log));
	assert_int_equal(1000, n.taken);
	assert_int_equal(1000, n.logged + n.lost);
	assert_true(n.lost > 0);
	flow_log_free(log);
	close(listener);
	unlink(address.sun_path);
}

/* ---- a file that stands still -------------------------------------------- */

#define SLOW_US 300000
#define N_SLOW 10

static atomic_bool stands_still;
static atomic_int n_slow; /* how many writes take SLOW_US from now on */
static sem_t arrived, goes_on;

/* As of a file on another machine that does not answer. */
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	struct stat info;

	if (atomic_load(&stands_still) && fd != STDERR_FILENO &&
	    fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
		sem_post(&arrived);
		while (sem_wait(&goes_on) < 0)
			;
	}
	if (fd != STDERR_FILENO && len > 8 && atomic_load(&n_slow) > 0) {
		atomic_fetch_sub(&n_slow, 1);
		usleep(SLOW_US);
	}
	return syscall(SYS_write, fd, data, len);
}

/* The next write to the file waits, until let_go_on(). */
static void stand_still(void)
{
	sem_init(&arrived, 0, 0);
	sem_init(&goes_on, 0, 0);
	atomic_store(&stands_still, true);
}

static void await_write(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IN_TIME_S;
	while (sem_timedwait(&arrived, &until) < 0)
		if (errno != EINTR)
			fail_msg("nobody has written in %d s", IN_TIME_S);
}

static void let_go_on(void)
{
	atomic_store(&stands_still, false);
	sem_post(&goes_on);
}

/* It takes longer than one that stands still is waited for. */
static void a_file_that_is_slow_gets_all_of_it(void **state)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_FILE, path },
		.rotate_bytes = UINT64_C(1) << 40,
		.keep = 1,
	};
	struct flow_event event = event_of(1);
	struct flow_totals n;
	struct flow_log *log;
	struct err err;
	double since;

	empty_file(state);
	stand_still();
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	await_write();
	for (int i = 0; i < FLOW_RING_SIZE; i++)
		assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	atomic_store(&n_slow, N_SLOW);
	since = now_s();
	let_go_on();
	flow_log_stop(log);
	n = flow_counts_total(flow_log_counts(log));
	flow_log_free(log);
	assert_int_equal(0, atomic_load(&n_slow));
	if (now_s() - since < 2 || n.logged != 1 + FLOW_RING_SIZE)
		fail_msg("in %.3f s it has told of %lu", now_s() - since,
			 n.logged);
}

/* While somebody writes. */
static unsigned int count_ends_of_lines(void)
{
	FILE *file = fopen(path, "re");
	unsigned int n = 0;
	int c;

	assert_non_null(file);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

#define N_MORE 5000 /* than what a ring holds */

static void
a_file_that_stands_still_hides_no_loss_and_holds_up_no_end(void **state)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_FILE, path },
		.rotate_bytes = UINT64_C(1) << 40,
		.keep = 1,
	};
	struct flow_event event = event_of(1);
	struct flow_totals n;
	struct flow_log *log;
	struct err err;
	double took_s;

	empty_file(state);
	stand_still();
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	assert_true(flow_ring_put(flow_log_ring(log, 0), &event));
	await_write();
	/* The logger is in write(2) from now on, and nobody counts for it. */
	for (int i = 0; i < FLOW_RING_SIZE + N_MORE; i++)
		flow_ring_put(flow_log_ring(log, 0), &event);
	n = flow_counts_total(flow_log_counts(log));
	assert_int_equal(1 + FLOW_RING_SIZE + N_MORE, n.taken);
	assert_int_equal(N_MORE, n.lost);
	assert_int_equal(1 + FLOW_RING_SIZE, n.on_the_way);
	took_s = stop(log);
	if (took_s > IN_TIME_S)
		fail_msg("who stops it has waited for %.3f s", took_s);
	flow_log_free(log);
	/* When it goes on after all, the log is its own. */
	let_go_on();
	for (double until = now_s() + IN_TIME_S;
	     count_ends_of_lines() < 1 + FLOW_RING_SIZE;) {
		if (now_s() > until)
			fail_msg("%u records are written, of %d",
				 count_ends_of_lines(), 1 + FLOW_RING_SIZE);
		usleep(10000);
	}
}

/* ---- ends of flows ------------------------------------------------------- */

#define N_ENDS 5000
#define OURS_EVERY 4 /* of them; the others have no mark of netpold's */
#define LEFT_OUT_EVERY 100

/* A kernel in which so many flows end; it cannot keep up with all of them. */
static unsigned int n_ended;

int __wrap_conntrack_ends_open(struct conntrack_ends **out, struct err *err);
int __wrap_conntrack_ends_open(struct conntrack_ends **out, struct err *err)
{
	(void)err;
	*out = (void *)&n_ended;
	n_ended = 0;
	return 0;
}

/* They are not told of before somebody listens. */
static atomic_bool somebody_listens;
static atomic_int fails; /* what reading fails with, for good */
static atomic_bool never_stops;

int __wrap_conntrack_ends_join(struct conntrack_ends *ends, struct err *err);
int __wrap_conntrack_ends_join(struct conntrack_ends *ends, struct err *err)
{
	(void)err;
	assert_ptr_equal(&n_ended, ends);
	atomic_store(&somebody_listens, true);
	return 0;
}

void __wrap_conntrack_ends_leave(struct conntrack_ends *ends);
void __wrap_conntrack_ends_leave(struct conntrack_ends *ends)
{
	assert_ptr_equal(&n_ended, ends);
	atomic_store(&somebody_listens, false);
}

void __wrap_conntrack_ends_close(struct conntrack_ends *ends);
void __wrap_conntrack_ends_close(struct conntrack_ends *ends)
{
	assert_true(!ends || ends == (void *)&n_ended);
}

int __wrap_conntrack_ends_read(struct conntrack_ends *ends,
			       conntrack_end_fn each, void *ctx);
int __wrap_conntrack_ends_read(struct conntrack_ends *ends,
			       conntrack_end_fn each, void *ctx)
{
	const uint8_t src[4] = { 10, 0, 0, 1 }, dst[4] = { 10, 0, 0, 2 };
	struct conntrack_end end = {
		.entry.original.src = ip_addr_v4(src),
		.entry.reply.src = ip_addr_v4(dst),
		.entry.protocol = PROTOCOL_UDP,
		.is_counted = true,
	};
	struct mark_layout marks;

	assert_ptr_equal(&n_ended, ends);
	if (atomic_load(&fails))
		return -atomic_load(&fails);
	if (!atomic_load(&somebody_listens) ||
	    (n_ended == N_ENDS && !atomic_load(&never_stops)))
		return 0;
	if (n_ended++ % LEFT_OUT_EVERY == 0)
		return -ENOBUFS;
	mark_layout_init(&marks, MARK_DEFAULT_MASK, NULL);
	if (n_ended % OURS_EVERY == 0)
		end.entry.mark = marks.allowed;
	each(ctx, &end);
	return 1;
}

static unsigned int count_records_of_ends(void)
{
	FILE *file = fopen(path, "re");
	unsigned int n = 0;
	char *line = NULL;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0)
		n += strstr(line, "\"end\":{\"packets\"") &&
		     !strstr(line, "\"count\"");
	free(line);
	fclose(file);
	return n;
}

static void await_ends(const struct flow_log *log, uint64_t n)
{
	const struct flow_counts *counts = flow_log_counts(log);

	for (double until = now_s() + IN_TIME_S;
	     flow_counts_get(&counts->ends) < n;) {
		if (now_s() > until)
			fail_msg("of %lu ends %lu are known", n,
				 flow_counts_get(&counts->ends));
		usleep(1000);
	}
}

static struct flow_log *start_with_ends(void)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_FILE, path },
		.rotate_bytes = UINT64_C(1) << 40,
		.keep = 1,
		.fold_s = 60,
		.with_ends = true,
		.mark_mask = MARK_DEFAULT_MASK,
	};
	struct flow_log *log;
	struct err err;

	atomic_store(&somebody_listens, false);
	if (flow_log_start(&options, "node-1", 1, &log, &err) < 0)
		fail_msg("%s", err.message);
	assert_false(atomic_load(&somebody_listens));
	return log;
}

static void ends_are_told_and_what_is_left_out_is_lost(void **state)
{
	const uint64_t n_left_out = N_ENDS / LEFT_OUT_EVERY,
		       n_ours = N_ENDS / OURS_EVERY;
	struct flow_log *log = start_with_ends();
	struct flow_totals n;

	(void)state;
	flow_log_hear_ends(log);
	await_ends(log, n_ours + n_left_out);
	flow_log_leave_ends(log);
	assert_false(atomic_load(&somebody_listens));
	stop(log);
	n = flow_counts_total(flow_log_counts(log));
	assert_int_equal(n_left_out, n.lost);
	assert_int_equal(n_ours, n.logged);
	assert_int_equal(n_ours + n_left_out, n.ends);
	assert_int_equal(n.ends, n.taken);
	assert_int_equal(n_ours, count_records_of_ends());
	assert_false(atomic_load(&flow_log_counts(log)->ends_fail));
	flow_log_free(log);
}

static uint64_t lost_ends(const struct flow_log *log)
{
	return flow_counts_result(flow_log_counts(log), FLOW_LOST_ENDS);
}

/* Of the last one it is not known whose it is, nor what comes after it. */
static void what_there_is_no_time_for_is_lost(void **state)
{
	struct flow_log *log = start_with_ends();
	uint64_t n_read;
	struct flow_totals n;

	(void)state;
	atomic_store(&never_stops, true);
	flow_log_hear_ends(log);
	await_ends(log, 1);
	stop(log);
	atomic_store(&never_stops, false);
	n_read = n_ended - 1;
	n = flow_counts_total(flow_log_counts(log));
	/* The first of every so many is lost, and with it what comes last. */
	assert_int_equal((n_read + LEFT_OUT_EVERY - 1) / LEFT_OUT_EVERY + 1,
			 lost_ends(log));
	assert_int_equal(n.ends, n.taken);
	assert_int_equal(0, n.on_the_way);
	flow_log_free(log);
}

static void ends_that_cannot_be_read_are_said_to_be_missing(void **state)
{
	struct flow_log *log = start_with_ends();
	const struct flow_counts *counts = flow_log_counts(log);
	struct flow_totals n;

	(void)state;
	atomic_store(&fails, ENOMEM);
	flow_log_hear_ends(log);
	for (double until = now_s() + IN_TIME_S;
	     !atomic_load(&counts->ends_fail);) {
		if (now_s() > until)
			fail_msg("nobody says that they cannot be read");
		usleep(1000);
	}
	atomic_store(&fails, 0);
	stop(log);
	n = flow_counts_total(counts);
	assert_int_equal(0, n.taken);
	flow_log_free(log);
}

/* ---- who looks ----------------------------------------------------------- */

static int add_count(void *ctx, const struct flow_row *row, double per_second)
{
	uint64_t *count = ctx;

	(void)per_second;
	*count += row->count;
	return 0;
}

static struct flow_watch_sum look_at(struct flow_log *log, int64_t now_us,
				     uint64_t *count)
{
	struct flow_watch_sum sum;

	*count = 0;
	assert_int_equal(0, flow_watch_look(flow_log_watch(log), now_us,
					    add_count, count, &sum));
	return sum;
}

static struct flow_watch_sum look(struct flow_log *log, uint64_t *count)
{
	return look_at(log, clock_us(), count);
}

static bool are_read(struct flow_log *log)
{
	bool is_read = flow_ring_is_read(flow_log_ring(log, 0));

	return is_read && hit_ring_is_read(flow_log_hits(log));
}

static bool are_not_read(struct flow_log *log)
{
	bool is_read = flow_ring_is_read(flow_log_ring(log, 0));

	return !is_read && !hit_ring_is_read(flow_log_hits(log));
}

static void await(struct flow_log *log, bool (*is_so)(struct flow_log *log))
{
	double until = now_s() + IN_TIME_S;

	while (!is_so(log) && now_s() < until)
		sched_yield();
	assert_true(is_so(log));
}

/* A ring holds all of them, so that none is lost. */
#define N_WRITTEN 1000
#define N_SEEN (N_WRITTEN + N_HIT_PACKETS)

/* Nor are the kernel's counters read. */
static void without_a_log_workers_write_only_for_who_looks(void **state)
{
	const struct flow_log_options options = { .rate = 0 };
	const struct flow_event event = event_of(1);
	const struct flow_hit hit = {
		.memo = memo_of(&event.key),
		.verdict = VERDICT_DENY,
		.packets = N_HIT_PACKETS,
	};
	double until = now_s() + IN_TIME_S;
	struct flow_watch_sum sum;
	struct flow_ring *ring;
	struct flow_log *log;
	uint64_t count;
	struct err err;

	(void)state;
	assert_int_equal(0, flow_log_start(&options, "node-1", 1, &log, &err));
	ring = flow_log_ring(log, 0);
	assert_null(flow_log_counts(log));
	assert_true(are_not_read(log));
	/* That of a round that was under way is of long ago. */
	assert_true(flow_ring_put(ring, &event));
	assert_true(hit_ring_put(flow_log_hits(log), &hit));
	look(log, &count);
	/* Not when the logger has woken: what is judged is told of from now on.
	 */
	assert_true(are_read(log));
	for (int i = 0; i < N_WRITTEN; i++)
		assert_true(flow_ring_put(ring, &event));
	assert_true(hit_ring_put(flow_log_hits(log), &hit));
	do
		sum = look(log, &count);
	while (count < N_SEEN && now_s() < until);
	assert_int_equal(N_SEEN, count);
	assert_int_equal(N_SEEN, sum.n_seen);
	assert_int_equal(0, sum.n_lost);
	/* The last look was long ago. */
	look_at(log, clock_us() - INT64_C(1000000) * (FLOW_WATCH_S + 1),
		&count);
	await(log, are_not_read);
	flow_log_stop(log);
	flow_log_free(log);
}

struct looker {
	struct flow_log *log;
	atomic_bool stops;
	atomic_uint n_looks;
};

static void *look_again_and_again(void *ctx)
{
	struct looker *looker = ctx;
	uint64_t count;

	while (!atomic_load(&looker->stops)) {
		look(looker->log, &count);
		atomic_fetch_add(&looker->n_looks, 1);
	}
	return NULL;
}

/* More of them than there were. */
static void await_looks(struct looker *looker, unsigned int n_more)
{
	double until = now_s() + IN_TIME_S;
	unsigned int n = atomic_load(&looker->n_looks) + n_more;

	while (atomic_load(&looker->n_looks) < n && now_s() < until)
		sched_yield();
	assert_true(atomic_load(&looker->n_looks) >= n);
}

/* Each has his turn, and the log has all its records. */
static void who_looks_does_not_disturb_the_log(void **state)
{
	struct flow_log_options options = {
		.target = { FLOW_TARGET_FILE, path },
		.rotate_bytes = UINT64_C(1) << 40,
		.keep = 1,
		.fold_s = 60,
	};
	struct looker looker = { .n_looks = 0 };
	pthread_t looks, writes;
	struct flow_totals n;
	struct writer writer;
	struct err err;

	(void)state;
	assert_int_equal(
		0, flow_log_start(&options, "node-1", 1, &looker.log, &err));
	writer = (struct writer){ .ring = flow_log_ring(looker.log, 0),
				  .n_flows = 1000 };
	pthread_create(&looks, NULL, look_again_and_again, &looker);
	await_looks(&looker, 1);
	pthread_create(&writes, NULL, write_events, &writer);
	pthread_join(writes, NULL);
	await_looks(&looker, 2); /* one may have been under way */
	flow_log_stop(looker.log);
	atomic_store(&looker.stops, true);
	pthread_join(looks, NULL);
	n = flow_counts_total(flow_log_counts(looker.log));
	assert_int_equal(N_EVENTS, n.taken);
	assert_int_equal(0, n.on_the_way);
	flow_log_free(looker.log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_event_is_counted_once, empty_file),
		cmocka_unit_test_setup(
			ends_are_told_and_what_is_left_out_is_lost, empty_file),
		cmocka_unit_test_setup(what_there_is_no_time_for_is_lost,
				       empty_file),
		cmocka_unit_test_setup(
			ends_that_cannot_be_read_are_said_to_be_missing,
			empty_file),
		cmocka_unit_test(a_log_without_a_reader_ends_in_time),
		cmocka_unit_test(a_log_whose_reader_sleeps_ends_in_time),
		cmocka_unit_test(a_file_that_is_slow_gets_all_of_it),
		cmocka_unit_test(
			a_file_that_stands_still_hides_no_loss_and_holds_up_no_end),
		cmocka_unit_test(
			without_a_log_workers_write_only_for_who_looks),
		cmocka_unit_test_setup(who_looks_does_not_disturb_the_log,
				       empty_file),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
