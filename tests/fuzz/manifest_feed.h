/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_FUZZ_MANIFEST_FEED_H
#define NETPOLD_TESTS_FUZZ_MANIFEST_FEED_H

/*
 * Feeds bytes to the reader of manifests, in pieces whose size depends on the
 * bytes, and looks at all that comes out, so that a sanitizer sees it too. What
 * comes out is written, and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/manifest.h"
#include "policy/manifest/rewriting.h"

struct feed {
	const char *before;
	size_t before_len;
	const uint8_t *data;
	size_t size;
	size_t at;
	size_t piece;
	size_t seen; /* a sum over what came out, so that it is not optimised
			away */
};

static inline long feed_read(void *ctx, char *buf, size_t size)
{
	struct feed *feed = ctx;
	size_t n = 0;

	while (n < size && n < feed->piece &&
	       feed->at < feed->before_len + feed->size) {
		buf[n++] =
			feed->at < feed->before_len
				? feed->before[feed->at]
				: (char)feed->data[feed->at - feed->before_len];
		feed->at++;
	}
	return (long)n;
}

static inline void feed_finding(void *ctx, const struct finding *finding)
{
	struct feed *feed = ctx;
	char line[512];

	feed->seen += (size_t)finding_format(finding, line, sizeof(line));
	feed->seen += strlen(line);
}

static inline void feed_labels(struct feed *feed, const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		feed->seen += strlen(labels->items[i].key);
		feed->seen += strlen(labels->items[i].value);
		if (i > 0 &&
		    strcmp(labels->items[i - 1].key, labels->items[i].key) >= 0)
			abort(); /* the promise of struct labels */
	}
}

static inline void feed_selector(struct feed *feed,
				 const struct selector *selector)
{
	for (size_t i = 0; selector && i < selector->n; i++) {
		const struct requirement *r = &selector->requirements[i];

		feed->seen += strlen(r->key) + r->op;
		for (size_t j = 0; j < r->n_values; j++)
			feed->seen += strlen(r->values[j]);
	}
}

static inline void feed_rule(struct feed *feed, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct peer *peer = &rule->peers[i];

		feed_selector(feed, peer->pod_selector);
		feed_selector(feed, peer->namespace_selector);
		if (peer->kind == PEER_PODS && !peer->pod_selector &&
		    !peer->namespace_selector)
			abort(); /* AV-50: would be every pod */
		for (size_t j = 0; j < peer->n_except; j++)
			feed->seen += peer->except[j].prefix_len;
	}
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct policy_port *port = &rule->ports[i];

		if (!protocol_has_ports(port->protocol) ||
		    port->first > port->last)
			abort(); /* AV-46, AV-49 */
		feed->seen += port->name ? strlen(port->name) : 0;
	}
}

static inline void feed_policy(struct feed *feed,
			       const struct network_policy *policy)
{
	feed->seen += strlen(policy->namespace) + strlen(policy->name);
	feed_selector(feed, &policy->pod_selector);
	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		for (size_t i = 0; i < policy->n_rules[dir]; i++)
			feed_rule(feed, &policy->rules[dir][i]);
	}
}

static inline void feed_object(struct feed *feed, const struct object *object)
{
	switch (object->kind) {
	case OBJECT_POD:
		feed_labels(feed, &object->pod.labels);
		for (size_t i = 0; i < object->pod.n_ports; i++)
			feed->seen += strlen(object->pod.ports[i].name);
		if (object->pod.n_addresses > POD_MAX_ADDRESSES)
			abort();
		break;
	case OBJECT_NAMESPACE:
		feed_labels(feed, &object->namespace.labels);
		break;
	case OBJECT_NETWORK_POLICY:
		feed_policy(feed, &object->policy);
		break;
	case OBJECT_NODE:
		for (size_t i = 0; i < object->node.n_addresses; i++)
			feed->seen += object->node.addresses[i].family;
		break;
	}
}

/* The first and the last second that a text can say (manifest_write()). */
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

static inline void feed_writer(const struct object *object)
{
	if (object->kind == OBJECT_POD &&
	    (object->pod.created_s < FIRST_S || object->pod.created_s > LAST_S))
		return;
	if (!survives_writing(object))
		abort();
}

static inline void feed_manifest(const char *before, const uint8_t *data,
				 size_t size)
{
	struct feed feed = {
		.before = before,
		.before_len = strlen(before),
		.data = data,
		.size = size,
		.piece = size % 61 + 1,
	};
	struct manifest_options options = {
		.file = "fuzz",
		.strict = size % 2,
		.read = feed_read,
		.read_ctx = &feed,
		.report = feed_finding,
		.report_ctx = &feed,
	};
	struct manifest *manifest = NULL;
	struct object object;
	struct err err;

	if (manifest_open(&options, &manifest) < 0)
		return;
	while (manifest_next(manifest, &object, &err) == 1) {
		feed_object(&feed, &object);
		feed_writer(&object);
	}
	manifest_close(manifest);
}

#endif
