/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/run.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "decision_record.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int run_fail(struct run *run, const struct run_failure *failure,
	     struct err *err)
{
	const struct decision_record record = {
		.key = *failure->key,
		.src_port = failure->src_port,
		.explanation = failure->explanation,
	};
	struct arena *arena = &run->result->arena;
	struct failure out = {
		.line = failure->line,
		.expected = failure->expected,
		.got = verdict_name(failure->got),
	};
	struct result_words words;

	/* Others are only counted. */
	if (run->now->n_failures >= RESULT_MAX_FAILURES) {
		case_result_fail(run->now, &out);
		return 0;
	}
	result_words_begin(&words);
	if (words.out)
		decision_record_write_flow(words.out, &record);
	out.what = result_words_end(&words, arena);
	result_words_begin(&words);
	if (words.out) {
		decision_record_write_why(words.out, &record);
		if (failure->note && *failure->note)
			fprintf(words.out, " (%s)", failure->note);
	}
	out.why = result_words_end(&words, arena);
	if (!out.what || !out.why || !out.expected)
		return err_set(err, -ENOMEM, "out of memory");
	case_result_fail(run->now, &out);
	return 0;
}

static int run_case(struct run *run, const struct suite_case *test,
		    struct err *err)
{
	if (test->kind == SUITE_PCAP)
		return run_pcap(run, test, err);
	return run_flows(run, test, err);
}

int suite_run(const struct suite *suite, const struct world *world,
	      struct coverage *coverage, struct suite_result *result,
	      struct err *err)
{
	struct run run = {
		.suite = suite,
		.world = world,
		.coverage = coverage,
		.result = result,
	};
	int64_t begin_ns = now_ns(), case_ns;
	int r = 0;

	for (size_t i = 0; i < suite->n_cases && r == 0; i++) {
		run.now = &result->cases[i];
		run.now->test = &suite->cases[i];
		case_ns = now_ns();
		r = run_case(&run, run.now->test, err);
		run.now->took_ns = now_ns() - case_ns;
		result->n_failed += run.now->n_failures > 0;
		result->n_cases++;
	}
	result->took_ns = now_ns() - begin_ns;
	arena_release(&run.scratch);
	return r;
}
