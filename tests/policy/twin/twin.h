/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TWIN_H
#define NETPOLD_TESTS_POLICY_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "oracle.h"
#include "random.h"

/**
 * The engine and the oracle, side by side.
 *
 * Both are told the same events as the same text and asked the same questions;
 * a check says what is different. Each reads the text by itself.
 */
struct twin {
	const char *node; /* whose pods are local; NULL: all are */
	struct cluster *cluster;
	struct compiler *compiler;
	struct snapshot *snapshot; /* NULL until twin_compile() */
	struct update update;	   /* what twin_compile() has done */
	struct oracle *oracle;
	int64_t now_ms;
};

void twin_init(struct twin *twin, const char *node);
void twin_release(struct twin *twin);

/** One JSON object, or a List. The text must be one that is accepted. */
void twin_put(struct twin *twin, const char *json);
void twin_delete(struct twin *twin, const char *json);
void twin_replace(struct twin *twin, enum object_kind kind, const char *list);

/** Take in what has happened; before questions. */
void twin_compile(struct twin *twin);

/**
 * Ask both: verdict and reason of each side, the policies and rules named, and
 * with @explain how near each rule came.
 *
 * Returns  true when they agree; else @complaint says what is different.
 */
bool twin_agrees(struct twin *twin, const struct probe *probe, bool explain,
		 struct writer *complaint);

/** The same for what has to be diverted. */
bool twin_diverts_alike(struct twin *twin, struct writer *complaint);

/** A probe and both answers in words. */
void twin_tell(struct twin *twin, const struct probe *probe,
	       struct writer *out);

#endif
