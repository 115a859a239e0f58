/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_VECTORS_TABLE_H
#define NETPOLD_TESTS_POLICY_VECTORS_TABLE_H

#include <stdbool.h>

/**
 * What happens in a stage, one event per string, ' standing for ":
 *
 *	"x/name SPEC"           put a policy
 *	"gone x/name"           delete it
 *	"pod x/a key=value"     give the pod one more label
 *	"ports x/a PORTS"       its container ports, as JSON
 *	"status x/a STATUS"     its status, as JSON
 *	"spec x/a FIELDS"       more fields of its spec
 *	"ns y key=value"        give the namespace one more label
 *	"terminating y"         the namespace goes away
 *	"nons y"                it is deleted
 *	"without y"             it was never there; the first event only
 *	"nopod x/a"             the pod is deleted
 *
 * What is expected then, clauses that end in ";", the last that fits counts,
 * yes where none does: "FROM > TO [PROTOCOL/PORT] yes|no". Patterns are those
 * of the shell. A pod to itself is not asked.
 */
struct stage {
	const char *events[4];
	const char *expect;
};

struct vector {
	const char *name;
	bool outside; /* "ext" and "node" take part as well */
	struct stage stages[3];
};

extern const struct vector vectors[];

#endif
