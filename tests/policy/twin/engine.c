/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/manifest.h"

struct reading {
	const char *text;
	size_t left;
};

static long read_text(void *ctx, char *buf, size_t size)
{
	struct reading *reading = ctx;
	size_t n = reading->left < size ? reading->left : size;

	memcpy(buf, reading->text, n);
	reading->text += n;
	reading->left -= n;
	return (long)n;
}

static void print_finding(void *ctx, const struct finding *finding)
{
	char line[1024];

	if (finding->severity == FINDING_WARNING)
		return;
	finding_format(finding, line, sizeof(line));
	fprintf(stderr, "%s\n%s\n", line, (const char *)ctx);
}

void engine_each(const char *json,
		 void (*fn)(void *ctx, const struct object *object), void *ctx)
{
	struct reading reading = { json, strlen(json) };
	struct manifest_options options = {
		.file = "world",
		.read = read_text,
		.read_ctx = &reading,
		.report = print_finding,
		.report_ctx = (void *)(uintptr_t)json,
	};
	struct manifest *manifest;
	struct object object;
	struct err err = { 0 };
	int r;

	if (manifest_open(&options, &manifest) < 0)
		abort();
	while ((r = manifest_next(manifest, &object, &err)) > 0)
		fn(ctx, &object);
	if (r < 0 || manifest_n_errors(manifest) > 0) {
		fprintf(stderr, "refused: %s\n", err.message);
		abort();
	}
	manifest_close(manifest);
}

struct target {
	struct cluster *cluster;
	int64_t now_ms;
};

static void put_one(void *ctx, const struct object *object)
{
	struct target *target = ctx;

	if (cluster_put(target->cluster, object, target->now_ms) < 0)
		abort();
}

static void delete_one(void *ctx, const struct object *object)
{
	struct target *target = ctx;

	if (cluster_delete(target->cluster, object, target->now_ms) < 0)
		abort();
}

void engine_put(struct cluster *cluster, const char *json, int64_t now_ms)
{
	struct target target = { cluster, now_ms };

	engine_each(json, put_one, &target);
}

void engine_delete(struct cluster *cluster, const char *json, int64_t now_ms)
{
	struct target target = { cluster, now_ms };

	engine_each(json, delete_one, &target);
}

struct snapshot *engine_compile(const struct cluster *cluster, const char *node)
{
	struct snapshot_options options = { .node_name = node };
	struct snapshot *snapshot;

	if (snapshot_compile(cluster, &options, &snapshot, NULL) < 0)
		abort();
	return snapshot;
}

struct compiler *engine_follow(struct cluster *cluster, const char *node)
{
	struct snapshot_options options = { .node_name = node };
	struct compiler *compiler;

	if (compiler_new(cluster, &options, &compiler, NULL) < 0)
		abort();
	return compiler;
}

struct flow_key engine_key(const struct probe *probe)
{
	bool v4 = probe->family == 4;

	return (struct flow_key){
		.src = v4 ? ip_addr_v4(probe->src) : ip_addr_v6(probe->src),
		.dst = v4 ? ip_addr_v4(probe->dst) : ip_addr_v6(probe->dst),
		.dst_port = probe->port,
		.protocol = probe->protocol,
		.has_port = probe->has_port,
		.from_own_node = probe->from_own_node,
	};
}
