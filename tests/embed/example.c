/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How to embed the engine: read manifests, compile them, ask.
 *
 *	example FILE SRC DST PORT/PROTOCOL
 *
 * Needs nothing but the headers in include/netpold and libnetpold.a. The
 * library opens no files; the bytes come through a callback.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/manifest.h"
#include "netpold/snapshot.h"

static long read_file(void *ctx, char *buf, size_t size)
{
	FILE *file = ctx;
	size_t n = fread(buf, 1, size, file);

	return ferror(file) ? -EIO : (long)n;
}

static void print_finding(void *ctx, const struct finding *finding)
{
	char text[1024];

	(void)ctx;
	finding_format(finding, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
}

/* Every object of a file into a new cluster; NULL when one is wrong. */
static struct cluster *read_cluster(const char *path)
{
	struct cluster *cluster = cluster_new();
	FILE *file = fopen(path, "r");
	struct manifest_options options = {
		.file = path,
		.read = read_file,
		.read_ctx = file,
		.report = print_finding,
	};
	struct manifest *manifest = NULL;
	struct object object;
	struct err err;
	int r = -1;

	if (file && cluster && manifest_open(&options, &manifest) == 0) {
		while ((r = manifest_next(manifest, &object, &err)) > 0)
			cluster_put(cluster, &object, 0);
		if (manifest_n_errors(manifest) > 0)
			r = -1;
	}
	manifest_close(manifest);
	if (file)
		fclose(file);
	if (r < 0) {
		cluster_free(cluster);
		return NULL;
	}
	return cluster;
}

static int read_key(char **argv, struct flow_key *key)
{
	char *slash = strchr(argv[4], '/');

	if (!slash || ip_addr_parse(argv[2], strlen(argv[2]), &key->src) < 0 ||
	    ip_addr_parse(argv[3], strlen(argv[3]), &key->dst) < 0)
		return -1;
	key->dst_port = (uint16_t)strtoul(argv[4], NULL, 10);
	key->protocol = protocol_from_name(slash + 1);
	key->has_port = protocol_has_ports(key->protocol);
	return 0;
}

static void print_policy(const struct network_policy *policy)
{
	printf(" %s/%s", policy->namespace, policy->name);
}

static void print_side(enum direction dir, const struct side_explanation *side)
{
	printf("%s: %s, %s", direction_name(dir),
	       verdict_name(side->side.verdict),
	       reason_name(side->side.reason));
	if (side->side.reason == REASON_RULE) {
		printf(" %zu of", side->rule + 1);
		print_policy(side->policy);
	}
	if (side->side.reason == REASON_NO_RULE_MATCHES) {
		printf(", isolated by");
		for (size_t i = 0; i < side->n_isolating; i++)
			print_policy(side->isolating[i]);
	}
	printf("\n");
}

/* snapshot_decide() would say as much as the verdict; who is behind it is for
   snapshot_explain() to tell. */
static int answer(const struct snapshot *snapshot, const struct flow_key *key)
{
	struct arena arena = { 0 };
	struct explanation why;
	int r = 2;

	if (snapshot_explain(snapshot, key, &arena, &why) == 0) {
		print_side(DIRECTION_EGRESS, &why.sides[DIRECTION_EGRESS]);
		print_side(DIRECTION_INGRESS, &why.sides[DIRECTION_INGRESS]);
		printf("%s\n", verdict_name(why.decision.verdict));
		r = why.decision.verdict == VERDICT_ALLOW ? 0 : 1;
	}
	arena_release(&arena);
	return r;
}

int main(int argc, char **argv)
{
	struct flow_key key = { .protocol = 0 };
	struct snapshot *snapshot = NULL;
	struct cluster *cluster;
	int r;

	if (argc != 5 || read_key(argv, &key) < 0) {
		fprintf(stderr, "usage: example FILE SRC DST PORT/PROTOCOL\n");
		return 2;
	}
	cluster = read_cluster(argv[1]);
	if (!cluster)
		return 2;
	r = snapshot_compile(cluster, NULL, &snapshot, NULL);
	cluster_free(cluster);
	if (r < 0)
		return 2;
	r = answer(snapshot, &key);
	snapshot_free(snapshot);
	return r;
}
