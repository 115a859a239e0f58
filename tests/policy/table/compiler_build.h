/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_COMPILER_BUILD_H
#define NETPOLD_TESTS_POLICY_TABLE_COMPILER_BUILD_H

#include "netpold/compiler.h"

#include "object_build.h"

/*
 * A cluster with a compiler that follows it, and the newest snapshot.
 *
 *	put(a_pod("shop", "web", "app=web", "10.0.0.1"));
 *	compile();
 *	assert_int_equal(1, update.n_identities);
 */
static struct cluster *cluster;
static struct compiler *compiler;
static struct snapshot *snapshot;
static struct update update;
static int64_t now_ms;

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* node_name NULL: every pod is local. */
static inline void follow(const char *node_name)
{
	const struct snapshot_options options = { .node_name = node_name };

	cluster = cluster_new();
	assert_non_null(cluster);
	assert_int_equal(0, compiler_new(cluster, &options, &compiler, NULL));
	now_ms = 0;
}

static inline void unfollow(void)
{
	snapshot_free(snapshot);
	snapshot = NULL;
	compiler_free(compiler);
	compiler = NULL;
	cluster_free(cluster);
	cluster = NULL;
}

static inline int begin_following(void **state)
{
	(void)state;
	follow("node-1");
	return 0;
}

static inline int end_following(void **state)
{
	(void)state;
	unfollow();
	arena_release(&build_arena);
	return 0;
}

static inline void put(struct object object)
{
	assert_true(cluster_put(cluster, &object, now_ms) >= 0);
}

static inline void del(struct object object)
{
	assert_true(cluster_delete(cluster, &object, now_ms) >= 0);
}

/* The one before is not needed any more. */
static inline void compile(void)
{
	struct snapshot *before = snapshot;

	assert_int_equal(0,
			 compiler_compile(compiler, &snapshot, &update, NULL));
	snapshot_free(before);
}

static inline struct flow_key flow(const char *src, const char *dst,
				   uint16_t port)
{
	return (struct flow_key){
		.src = an_addr(src),
		.dst = an_addr(dst),
		.protocol = PROTOCOL_TCP,
		.dst_port = port,
		.has_port = true,
	};
}

static inline bool allows(const struct snapshot *s, const char *src,
			  const char *dst, uint16_t port)
{
	struct flow_key key = flow(src, dst, port);

	return snapshot_decide(s, &key).verdict == VERDICT_ALLOW;
}

static inline size_t memory_in_use(void)
{
	struct compiler_memory m = compiler_memory(compiler);

	return m.addresses + m.identities + m.peers + m.rules + m.index +
	       cluster_memory(cluster).bytes;
}

#endif
