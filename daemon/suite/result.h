/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_RESULT_H
#define NETPOLD_DAEMON_SUITE_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netpold/arena.h"

#include "suite/suite.h"

/**
 * What came of a suite: for the reports, and for who writes it anew.
 *
 * Of a case that goes wrong a thousand times the first failures are kept, and
 * the others counted.
 */
#define RESULT_MAX_FAILURES 20

/** One expectation that is not met. */
struct failure {
	unsigned int line;    /* of the suite's file */
	const char *what;     /* "shop/web -> shop/db:5432/TCP" */
	const char *expected; /* "allow", "deny because of shop/deny-all" */
	const char *got;
	const char *why; /* "" where there is no more to say */
};

struct case_result {
	const struct suite_case *test;
	struct failure failures[RESULT_MAX_FAILURES];
	size_t n_failures; /* those that were not kept included */
	size_t n_checked;  /* flows */
	/* Of a capture: flows that no filter matches, and packets that cannot
	   be read where all of it is to be allowed: these are a failure. */
	size_t n_unmatched;
	uint64_t n_unreadable;
	int64_t took_ns;
};

/** An expectation in the file that is otherwise. */
struct edit {
	size_t begin, end; /* bytes of the file */
	const char *word;
};

struct suite_result {
	struct arena arena; /* of what follows */
	const char *file;
	const char *name;
	struct case_result *cases;
	size_t n_cases;
	size_t n_failed; /* cases */
	/* Why it could not be run: then there are no cases. NULL: it was. */
	const char *error;
	struct edit *edits; /* by place */
	size_t n_edits;
	size_t edit_room;
	int64_t took_ns;
};

/** Begin the result of a suite. 0 or -ENOMEM; to be released in either case. */
int suite_result_init(struct suite_result *result, const struct suite *suite);
void suite_result_release(struct suite_result *result);

/** Add a failure to a case; its strings are the result's (result_words_end()).
 */
void case_result_fail(struct case_result *result,
		      const struct failure *failure);

/** 0 or -ENOMEM. */
int suite_result_edit(struct suite_result *result, size_t begin, size_t end,
		      const char *word);

/** How many of a case's failures are there to be told. */
size_t case_result_n_told(const struct case_result *result);

/* ---- words --------------------------------------------------------------- */

/** A text that is written with stdio and becomes the result's. */
struct result_words {
	FILE *out; /* NULL without memory */
	char *text;
	size_t len;
};

void result_words_begin(struct result_words *words);

/** Returns  the text; NULL without memory. */
const char *result_words_end(struct result_words *words, struct arena *arena);

#endif
