/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_BENCH_QUESTIONS_H
#define NETPOLD_TESTS_BENCH_QUESTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "netpold/snapshot.h"

/** Flows to be judged, the same ones in every run. */
struct questions {
	struct flow_key *items;
	size_t n;
};

/**
 * Flows of W(n_namespaces): one end is a pod of the measured node, as source or
 * as destination, the other end is any pod, the port one of 8080, 9090, 9093,
 * 53 (UDP) and 443. No pair comes twice before all have come.
 */
struct questions questions_of_workload(size_t n_namespaces, size_t n);

/**
 * Flows of the wide workload: from one of the peers to the pod that all
 * policies select, or from that pod to one of the blocks. In half of them the
 * port is that of the policy which names the other end.
 */
struct questions questions_of_wide(size_t n_policies, size_t n);

void questions_release(struct questions *questions);

/** What came out: equal answers, with equal reasons, are an equal checksum. */
struct answers {
	size_t n;
	size_t n_allowed;
	uint64_t checksum;
};

/** Decisions, in the order of the questions. */
void answers_add(struct answers *answers, const struct decision *decisions,
		 size_t n);

/** Ask all, one by one. */
struct answers questions_ask(const struct questions *questions,
			     const struct snapshot *snapshot);

/** End the program where two that should be the same are not. @what  says
 *  whose answers these are. */
void answers_require_same(const struct answers *a, const struct answers *b,
			  const char *what);

#endif
