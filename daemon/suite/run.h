/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_RUN_H
#define NETPOLD_DAEMON_SUITE_RUN_H

#include <stdint.h>

#include "netpold/arena.h"
#include "netpold/err.h"

#include "suite/coverage.h"
#include "suite/result.h"
#include "suite/suite.h"
#include "suite/world.h"

/**
 * Ask what the cases of a suite ask, by the code that decides about packets,
 * and compare.
 */
struct run {
	const struct suite *suite;
	const struct world *world;
	struct coverage *coverage; /* NULL: nobody asks for it */
	struct suite_result *result;
	struct case_result *now; /* the case that runs */
	struct arena scratch;
};

/**
 * Run all cases.
 *
 * @result  initialised
 *
 * Returns  0, whatever came of them; -EINVAL where a case cannot be asked (a
 *          pod that is not there, a capture that is none), with its place in
 *          the message; another negative errno.
 */
int suite_run(const struct suite *suite, const struct world *world,
	      struct coverage *coverage, struct suite_result *result,
	      struct err *err);

/* ---- parts, one file each ------------------------------------------------ */

/** SUITE_FLOWS, SUITE_MATRIX */
int run_flows(struct run *run, const struct suite_case *test, struct err *err);

/** SUITE_PCAP */
int run_pcap(struct run *run, const struct suite_case *test, struct err *err);

/**
 * What a flow came out as, and why.
 */
struct run_failure {
	unsigned int line;
	const struct flow_key *key;
	uint16_t src_port;		       /* 0 where it is not known */
	const struct explanation *explanation; /* of the key */
	enum verdict got;
	const char *expected; /* the result's; NULL: there was no memory */
	const char *note;     /* said behind the reason; NULL: nothing */
};

/** Add it to the case that runs. Returns 0 or -ENOMEM. */
int run_fail(struct run *run, const struct run_failure *failure,
	     struct err *err);

#endif
