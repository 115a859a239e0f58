/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_ENGINE_H
#define NETPOLD_TESTS_BENCH_ENGINE_H

#include <stddef.h>

#include "report.h"

/**
 * The rows that measure the engine alone. Each adds its samples to a report,
 * and ends the program where an answer is wrong, so that nothing is fast by
 * being wrong.
 */
struct engine_options {
	size_t n;	    /* W(n), or the wide workload of n policies */
	size_t n_questions; /* asked, or asked to see that all is right */
	size_t n_samples;
	/* Manifests for the oracle: of some namespaces of W(n) or all of the
	   wide workload; and of W(10). */
	const char *manifests;
	const char *small_manifests;
};

#define ENGINE_SMALL_N 10

/* evaluate.c */
void evaluate_cold(const struct engine_options *options, struct report *report);
void evaluate_growth(const struct engine_options *options,
		     struct report *report);
void evaluate_wide(const struct engine_options *options, struct report *report);

/* compile.c */
void compile_node(const struct engine_options *options, struct report *report);
void compile_all(const struct engine_options *options, struct report *report);

/* change.c */
void pod_known(const struct engine_options *options, struct report *report);
void pod_new(const struct engine_options *options, struct report *report);
void policy_change(const struct engine_options *options, struct report *report);

#endif
