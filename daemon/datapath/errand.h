/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_ERRAND_H
#define NETPOLD_DAEMON_DATAPATH_ERRAND_H

#include <stdbool.h>

#include "netpold/addr.h"
#include "netpold/err.h"

#include "datapath/iptables.h"
#include "process.h"

/**
 * One run of an iptables program, from start to end: the few that netpold ever
 * asks for. There is no way to name another program, or an option.
 */
enum errand_kind {
	ERRAND_VERSION = 0, /* `iptables -V`, whatever the flavour */
	ERRAND_SAVE,	    /* all tables that there are */
	ERRAND_SAVE_MANGLE, /* that one, which is made where it is not */
	ERRAND_LIST_CHAIN,  /* a chain of mangle, with its counters */
	ERRAND_RESTORE,	    /* a text, in one transaction, without a flush */
};

#define ERRAND_CHAIN_LEN 32
#define ERRAND_PROGRAM_LEN 32
#define ERRAND_LOCK_WAIT "10" /* seconds that a restore waits for the lock */

/** A plain value, which may come from another process of netpold's. */
struct errand {
	enum errand_kind kind;
	enum iptables_flavour flavour; /* not IPTABLES_AUTO */
	enum ip_family family;
	char chain[ERRAND_CHAIN_LEN]; /* of ERRAND_LIST_CHAIN */
};

/** The program that it runs: "ip6tables-nft-restore". */
const char *errand_program(const struct errand *errand,
			   char name[ERRAND_PROGRAM_LEN]);

/**
 * Whether it is one of those above, word for word.
 *
 * @text  what a restore is to read; may be NULL
 *
 * A line of a restore is a command line of iptables(8), and iptables has an
 * option that names a program to run (--modprobe). So a text may hold no short
 * option but those that netpold's rules are written with, no long one that
 * begins like that, and nothing that is quoted.
 */
bool errand_is_allowed(const struct errand *errand, const char *text);

/**
 * Run it, in this process.
 *
 * Returns  0 when it ran, whatever its exit status; -EPERM where it is not
 *          allowed; as process_run() else.
 * Threads  any.
 */
int errand_run(const struct errand *errand, const char *text,
	       struct process_result *result, struct err *err);

#endif
