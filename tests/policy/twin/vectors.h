/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_VECTORS_H
#define NETPOLD_TESTS_POLICY_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle.h"

/**
 * Small worlds with known answers: those of the upstream end-to-end tests of
 * NetworkPolicy (E2E-n), and one for each fact that is easy to get wrong. Both
 * the engine and the oracle have to get them right, so that the two cannot
 * agree on something wrong.
 *
 *	namespaces x y z, each with pods a b c      (label pod=<name>)
 *	each pod: ports 80 and 81 of TCP, UDP and SCTP, named serve-80-tcp …
 *	addresses 10.244.<ns>.<pod> and fd00:10:244:<ns>::<pod>, from 1
 */
struct vectors_subject {
	void *ctx;
	void (*put)(void *ctx, const char *json);
	void (*remove)(void *ctx, const char *json);
	bool (*allows)(void *ctx, const struct probe *probe);
};

/** How many vectors there are. */
extern const size_t n_vectors;

/**
 * Run one vector on a subject that knows nothing yet.
 *
 * Returns  how many of its probes came out wrong; prints one for each pair
 *          of ends.
 */
size_t vectors_run(size_t i, const struct vectors_subject *subject);

#endif
