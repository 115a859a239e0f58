/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_ENGINE_H
#define NETPOLD_TESTS_POLICY_ENGINE_H

#include <stdint.h>

#include "netpold/cluster.h"
#include "netpold/compiler.h"
#include "netpold/snapshot.h"

#include "oracle.h"

/**
 * The engine, told and asked in the words of the oracle: JSON text and probes.
 * Text that it refuses ends the test.
 */

/** Decode text and call @fn for each object in it. */
void engine_each(const char *json,
		 void (*fn)(void *ctx, const struct object *object), void *ctx);

/** Tell a cluster of one object, or of each in a List. */
void engine_put(struct cluster *cluster, const char *json, int64_t now_ms);
void engine_delete(struct cluster *cluster, const char *json, int64_t now_ms);

/** Never fails. */
struct snapshot *engine_compile(const struct cluster *cluster,
				const char *node);

struct compiler *engine_follow(struct cluster *cluster, const char *node);

struct flow_key engine_key(const struct probe *probe);

#endif
