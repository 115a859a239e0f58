/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_DENIED_WORLD_H
#define NETPOLD_TESTS_POLICY_DENIED_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/arena.h"
#include "netpold/cluster.h"
#include "netpold/snapshot.h"

#include "manifest/reading.h"

/*
 * A small cluster whose one policy, shop/p, selects every pod of shop. A test
 * writes its spec as people do, and asks why a flow is denied.
 *
 *	shop	team=shop	web 10.0.0.1 fd00::1  app=web   http 8080/TCP
 *				db  10.0.0.2          app=db    dns 53, 5353/UDP
 *	guests	team=guests	g   10.1.0.1          app=web,tier=front
 *	lost	no Namespace	stray 10.2.0.1        app=web
 */
static const char denied_objects[] =
	"---\n"
	"{apiVersion: v1, kind: Namespace,"
	" metadata: {name: shop, labels: {team: shop}}}\n"
	"---\n"
	"{apiVersion: v1, kind: Namespace,"
	" metadata: {name: guests, labels: {team: guests}}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod,"
	" metadata: {namespace: shop, name: web, labels: {app: web}},"
	" spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]},"
	" status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod,"
	" metadata: {namespace: shop, name: db, labels: {app: db}},"
	" spec: {containers: ["
	"  {ports: [{name: dns, containerPort: 53, protocol: UDP}]},"
	"  {ports: [{name: dns, containerPort: 5353, protocol: UDP}]}]},"
	" status: {podIP: 10.0.0.2}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {namespace: guests, name: g,"
	" labels: {app: web, tier: front}}, status: {podIP: 10.1.0.1}}\n"
	"---\n"
	"{apiVersion: v1, kind: Pod, metadata: {namespace: lost, name: stray,"
	" labels: {app: web}}, status: {podIP: 10.2.0.1}}\n"
	"---\n";

struct denied_world {
	struct snapshot *snapshot;
	struct arena arena;
	struct flow_key key;
	struct explanation explanation;
};

static inline void denied_put(void *ctx, const struct object *object)
{
	if (cluster_put(ctx, object, 0) < 0)
		abort();
}

/* "80/TCP", "/UDP" for a later fragment, "ICMP", or "protocol 47". */
static inline struct flow_key denied_key(const char *src, const char *dst,
					 const char *port)
{
	const char *slash = strchr(port, '/');
	struct flow_key key = { .has_port = slash && slash != port };

	if (ip_addr_parse(src, strlen(src), &key.src) < 0 ||
	    ip_addr_parse(dst, strlen(dst), &key.dst) < 0)
		abort();
	key.dst_port = (uint16_t)strtoul(port, NULL, 10);
	key.protocol = protocol_from_name(slash ? slash + 1 : port);
	if (strncmp(port, "protocol ", 9) == 0)
		key.protocol = (uint8_t)strtoul(port + 9, NULL, 10);
	return key;
}

/* @spec  fields of shop/p's spec in YAML's flow style: "ingress: [{}]" */
static inline void denied_world_init(struct denied_world *world,
				     const char *spec, const char *src,
				     const char *dst, const char *port)
{
	struct cluster *cluster = cluster_new();
	struct reading reading = { 0 };
	struct text text = { 0 };
	struct pieces pieces;

	*world = (struct denied_world){ .key = denied_key(src, dst, port) };
	text_put(&text,
		 "%s{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,"
		 " metadata: {namespace: shop, name: p},"
		 " spec: {podSelector: {}, %s}}\n",
		 denied_objects, spec);
	pieces = pieces_of(text_string(&text), 1 << 20);
	read_pieces(&pieces, false, denied_put, cluster, &reading);
	if (reading.n_errors > 0) {
		fprintf(stderr, "%s\n", text_string(&reading.findings));
		abort();
	}
	if (snapshot_compile(cluster, NULL, &world->snapshot, NULL) < 0 ||
	    snapshot_explain(world->snapshot, &world->key, &world->arena,
			     &world->explanation) < 0)
		abort();
	reading_release(&reading);
	text_release(&text);
	cluster_free(cluster);
}

static inline void denied_world_release(struct denied_world *world)
{
	arena_release(&world->arena);
	snapshot_free(world->snapshot);
}

#endif
