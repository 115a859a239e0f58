/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_CREDIT_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_CREDIT_H

#include <stdint.h>

#include "netpold/snapshot.h"

/**
 * Whom a record has named: the pods at its ends, and the policies behind what
 * was decided.
 *
 * Names are looked up when a record is written, which is long after the verdict
 * where it tells of repeats. By then an address may be another pod's, and a
 * policy may have taken the place of another one and decide the same. So what
 * the record before has named is kept, as numbers, to be compared.
 *
 * An all-zero one has named nobody.
 */
struct flow_credit {
	uint64_t pods[N_DIRECTIONS]; /* of the sender, of the receiver; 0: no
					pod */
	uint64_t policies;	     /* 0: not known */
};

/** The pods of an explanation. */
void flow_credit_pods(struct flow_credit *credit,
		      const struct explanation *explanation);

/** The policies of one, added to those that are there: those that are behind a
 *  side, in their order. */
void flow_credit_policies(struct flow_credit *credit,
			  const struct explanation *explanation);

#endif
