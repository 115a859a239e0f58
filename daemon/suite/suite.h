/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_SUITE_SUITE_H
#define NETPOLD_DAEMON_SUITE_SUITE_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/err.h"
#include "netpold/snapshot.h"

#include "flow_words.h"

/**
 * A suite: what a file of `kind: PolicyTest` says
 * (schema/policy-test.schema.json), checked for its form. Whether the pods it
 * names are there is known once its world is (suite/world.h).
 *
 * Strings and arrays live in the suite's arena.
 */

/** A text of a suite, and where it stands, for messages. */
struct suite_text {
	const char *text;
	unsigned int line;
	const char *path; /* "pods[2]" */
};

/** A flow, and what is expected of it. A matrix is one for each of its cells.
 */
struct suite_flow {
	unsigned int line;
	const char *path; /* "cases[0].flows[1]" */
	struct flow_words words;
	enum verdict expected;
	size_t begin, end; /* bytes of the file in which that is said */
	/* NAMESPACE/NAME of the policy that has to be the reason; NULL: any */
	const char *because;
};

/** Flows of a capture that have to come out alike. */
struct suite_filter {
	struct suite_text text; /* text NULL: all flows */
	enum verdict expected;
	size_t begin, end; /* as above; both 0 where it cannot be rewritten */
};

#define SUITE_MAX_FILTERS 2

enum suite_kind { SUITE_FLOWS = 0, SUITE_MATRIX, SUITE_PCAP };

struct suite_case {
	const char *name; /* one line, printable */
	unsigned int line;
	const char *path; /* "cases[0]" */
	enum suite_kind kind;
	/* SUITE_FLOWS, SUITE_MATRIX */
	struct suite_flow *flows;
	size_t n_flows;
	/* SUITE_PCAP */
	struct suite_text capture; /* a path */
	bool inner;		   /* of what its tunnels carry */
	struct suite_filter filters[SUITE_MAX_FILTERS];
	size_t n_filters;
};

struct suite {
	struct arena arena;
	const char *file; /* as it was named */
	const char *name;
	char *text; /* of the file, for who writes it anew */
	size_t len;
	struct suite_text *manifests; /* paths, relative to the caller */
	size_t n_manifests;
	struct suite_text *pods; /* lines (suite/pod_line.h) */
	size_t n_pods;
	struct suite_text *namespaces; /* lines */
	size_t n_namespaces;
	bool staged; /* enforce what is staged, too */
	struct suite_case *cases;
	size_t n_cases;
};

/**
 * Read a suite from a text.
 *
 * @file  where it was; what it names is found from there
 *
 * Returns  0; -EINVAL with "FILE:LINE: FIELD: …"; -ENOMEM. @out is to be
 *          released in either case.
 */
int suite_parse(const char *file, const char *text, size_t len,
		struct suite *out, struct err *err);

/** The same from a file. Returns as above; another negative errno where it
 *  cannot be read. */
int suite_read(const char *file, struct suite *out, struct err *err);

/** Whether a text says of itself that it is a PolicyTest: a look at its lines,
 *  without reading it. */
bool suite_is_one(const char *text, size_t len);

void suite_release(struct suite *suite);

/** Say what is wrong at a line: "FILE:LINE: PATH: …". Returns -EINVAL. */
int suite_refuse(const struct suite *suite, unsigned int line, const char *path,
		 struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** Put "FILE:LINE: PATH: " in front of what is wrong; returns its code. */
int suite_place(const struct suite *suite, unsigned int line, const char *path,
		struct err *err);

#endif
