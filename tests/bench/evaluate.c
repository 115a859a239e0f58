/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one decision costs when nothing of it is in the cache yet: the flows are
 * of a million pairs, and each is asked about once in a round.
 *
 * Flows are judged in batches, as many as a worker takes from its queue at
 * once, and only the judging is timed: a worker, too, has just written the
 * batch that it judges. A sample is the median of a round's batches, which are
 * all of a kind: what lies far beyond it is another program that ran meanwhile.
 *
 * In every round all answers have to be those that snapshot_decide() gives, and
 * some of them those of the oracle; and nothing may be allocated.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "agreement.h"
#include "allocations.h"
#include "engine.h"
#include "questions.h"
#include "stopwatch.h"
#include "workload.h"

#define BATCH 64 /* QUEUE_BATCH of daemon/datapath/queue.h */

#define MOST_FOR_ORACLE 2000

/* A cluster, and questions about it. */
struct subject {
	struct cluster *cluster;
	struct snapshot *snapshot;
	struct questions questions;
	struct answers answers; /* one by one */
	double *batches_ns;	/* of the last round, per flow */
};

static void subject_release(struct subject *subject)
{
	free(subject->batches_ns);
	questions_release(&subject->questions);
	snapshot_free(subject->snapshot);
	cluster_free(subject->cluster);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Nanoseconds for a flow. */
static double judge_batch(const struct subject *subject, size_t first, size_t n,
			  struct answers *answers)
{
	struct decision decisions[BATCH];
	struct flow_key keys[BATCH];
	double begin_ns, end_ns;

	memcpy(keys, subject->questions.items + first, n * sizeof(*keys));
	begin_ns = stopwatch_wall_ns();
	snapshot_decide_batch(subject->snapshot, keys, n, decisions);
	end_ns = stopwatch_wall_ns();
	answers_add(answers, decisions, n);
	return (end_ns - begin_ns) / (double)n;
}

static double round_in_batches(const struct subject *subject)
{
	const size_t n = subject->questions.n;
	struct answers answers = { 0 };
	size_t before = allocations();
	size_t n_batches = 0;

	for (size_t i = 0; i < n; i += BATCH)
		subject->batches_ns[n_batches++] = judge_batch(
			subject, i, n - i < BATCH ? n - i : BATCH, &answers);
	if (allocations() != before)
		errx(2, "%zu decisions took %zu allocations", n,
		     allocations() - before);
	answers_require_same(&answers, &subject->answers,
			     "decided in batches, not one by one");
	qsort(subject->batches_ns, n_batches, sizeof(double), compare_doubles);
	return subject->batches_ns[n_batches / 2];
}

/* One by one, with a clock around all of it: what is noted beside. */
static double round_of_singles(const struct subject *subject)
{
	const struct questions *questions = &subject->questions;
	double begin_ns = stopwatch_cpu_ns();
	unsigned int n_allowed = 0;

	for (size_t i = 0; i < questions->n; i++)
		n_allowed +=
			snapshot_decide(subject->snapshot, &questions->items[i])
				.verdict;
	if (n_allowed != subject->answers.n_allowed)
		errx(2, "the same flows, decided again, have other verdicts");
	return (stopwatch_cpu_ns() - begin_ns) / (double)questions->n;
}

static void subject_prepare(struct subject *subject, const char *manifests,
			    struct report *report)
{
	const struct snapshot_options node = { .node_name = WORKLOAD_NODE };
	struct err trouble;
	size_t asked;

	if (snapshot_compile(subject->cluster, &node, &subject->snapshot,
			     &trouble) < 0)
		errx(2, "%s", trouble.message);
	if (allocations() == 0)
		errx(2, "allocations are not counted");
	subject->batches_ns = calloc(subject->questions.n / BATCH + 1,
				     sizeof(*subject->batches_ns));
	if (!subject->batches_ns)
		errx(2, "no memory for the times");
	subject->answers =
		questions_ask(&subject->questions, subject->snapshot);
	asked = agreement_check(subject->cluster, subject->snapshot,
				WORKLOAD_NODE, &subject->questions, manifests,
				MOST_FOR_ORACLE);
	report_note(report,
		    "%zu of %zu allowed, checksum %016llx, the same in "
		    "batches and one by one; the oracle agrees on %zu",
		    subject->answers.n_allowed, subject->answers.n,
		    (unsigned long long)subject->answers.checksum, asked);
	/* The first round meets pages that nobody has touched. */
	round_in_batches(subject);
	report_note(report, "one by one %.0f ns on average",
		    round_of_singles(subject));
}

static struct subject make_workload(size_t n, size_t n_questions)
{
	return (struct subject){
		.cluster = workload_cluster(n),
		.questions = questions_of_workload(n, n_questions),
	};
}

static void measure(struct subject *subject, size_t n_samples,
		    const char *manifests, struct report *report)
{
	subject_prepare(subject, manifests, report);
	for (size_t i = 0; i < n_samples; i++)
		report_add(report, round_in_batches(subject));
	subject_release(subject);
}

void evaluate_cold(const struct engine_options *options, struct report *report)
{
	struct subject subject =
		make_workload(options->n, options->n_questions);

	measure(&subject, options->n_samples, options->manifests, report);
}

void evaluate_wide(const struct engine_options *options, struct report *report)
{
	struct subject subject = {
		.cluster = wide_cluster(options->n),
		.questions =
			questions_of_wide(options->n, options->n_questions),
	};

	measure(&subject, options->n_samples, options->manifests, report);
}

/* One right after the other, in turns which goes first. */
static double ratio(const struct subject *large, const struct subject *small,
		    bool large_first)
{
	double large_ns = large_first ? round_in_batches(large) : 0;
	double small_ns = round_in_batches(small);

	if (!large_first)
		large_ns = round_in_batches(large);
	return large_ns / small_ns;
}

void evaluate_growth(const struct engine_options *options,
		     struct report *report)
{
	struct subject large = make_workload(options->n, options->n_questions);
	struct subject small =
		make_workload(ENGINE_SMALL_N, options->n_questions);

	subject_prepare(&large, options->manifests, report);
	subject_prepare(&small, options->small_manifests, report);
	for (size_t i = 0; i < options->n_samples; i++)
		report_add(report, ratio(&large, &small, i % 2 == 0));
	subject_release(&large);
	subject_release(&small);
}
