/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes become lines, lines become flows, and flows questions about a small
 * cluster. The lines have to be those that memchr(3) finds, in whatever pieces
 * the bytes come; what is read of a flow has to be whole; and what is said of a
 * line that is no flow has to be fit for a terminal.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cluster.h"
#include "netpold/snapshot.h"

#include "question.h"
#include "source/flow_line.h"
#include "source/lines.h"

struct feed {
	const uint8_t *data;
	size_t size;
	size_t at;
	size_t piece;
};

static long feed_read(void *ctx, char *buf, size_t size)
{
	struct feed *feed = ctx;
	size_t n = feed->size - feed->at;

	if (n > size)
		n = size;
	if (n > feed->piece)
		n = feed->piece;
	if (n > 0)
		memcpy(buf, feed->data + feed->at, n);
	feed->at += n;
	return (long)n;
}

/* ---- the cluster -------------------------------------------------------- */

static struct asker asker;

static void put_pod(struct cluster *cluster, const char *name,
		    const char *address, bool finished)
{
	static const struct container_port ports[] = {
		{ "http", 8080, PROTOCOL_TCP },
		{ "http", 53, PROTOCOL_UDP },
		{ "two", 1, PROTOCOL_TCP },
		{ "two", 2, PROTOCOL_TCP },
	};
	struct object object = {
		.kind = OBJECT_POD,
		.pod = { .namespace = "a",
			 .name = name,
			 .uid = "",
			 .node_name = "",
			 .owner_kind = "",
			 .owner_name = "",
			 .ports = ports,
			 .n_ports = 4,
			 .finished = finished },
	};

	if (ip_addr_parse(address, strlen(address), &object.pod.addresses[0]) ==
	    0)
		object.pod.n_addresses = 1;
	if (cluster_put(cluster, &object, 0) < 0)
		abort();
}

static void make_cluster(void)
{
	struct cluster *cluster = cluster_new();
	struct snapshot *snapshot;

	if (!cluster)
		abort();
	put_pod(cluster, "b", "10.0.0.1", false);
	put_pod(cluster, "c", "fd00::1", false);
	put_pod(cluster, "d", "10.0.0.2", true);
	put_pod(cluster, "e", "", false);
	if (snapshot_compile(cluster, NULL, &snapshot, NULL) < 0)
		abort();
	asker = (struct asker){ cluster, snapshot, .suggests = true };
}

/* ---- what has to hold --------------------------------------------------- */

static void check_message(const struct err *err)
{
	if (!err->message[0])
		abort();
	for (const char *p = err->message; *p; p++) {
		if (*p < ' ' || *p > '~')
			abort();
	}
}

static void check_question(const struct question *question)
{
	const struct flow_key *key = &question->key;

	if (key->src.family == IP_NONE || key->src.family != key->dst.family ||
	    key->has_port != protocol_has_ports(key->protocol))
		abort();
}

static void ask(const struct flow_words *words)
{
	struct arena arena = { 0 };
	struct question question;
	struct err err;
	int r;

	if (!words->from || !words->to || flow_words_check_port(words, &err) ||
	    (words->has_number && words->port_name))
		abort();
	r = question_resolve(&asker, words, &arena, &question, &err);
	if (r == 0)
		check_question(&question);
	else if (r == -EINVAL)
		check_message(&err);
	arena_release(&arena);
}

static void check_flow(const struct line *line)
{
	struct flow_line flow;
	struct err err;

	if (flow_line_read(line->text, line->len, &flow, &err) < 0) {
		check_message(&err);
		return;
	}
	ask(&flow.words);
	flow_line_release(&flow);
}

/* @rest  what has not been read yet; moved on */
static void check_line(const struct line *line, int status,
		       const uint8_t **rest, size_t *n)
{
	const uint8_t *newline = *n > 0 ? memchr(*rest, '\n', *n) : NULL;
	size_t len = newline ? (size_t)(newline - *rest) : *n;

	if ((status == LINES_LINE) != (len <= LINES_MAX) ||
	    (status == LINES_LINE &&
	     (line->len != len || memcmp(line->text, *rest, len) != 0)))
		abort();
	*rest += len + (newline ? 1 : 0);
	*n -= len + (newline ? 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed feed = { data, size, 0, size % 61 + 1 };
	struct lines *lines = lines_new(feed_read, &feed);
	struct line line;
	size_t number = 0;
	int status;

	if (!asker.cluster)
		make_cluster();
	if (!lines)
		return 0;
	while ((status = lines_next(lines, &line)) > 0) {
		if (line.number != ++number)
			abort();
		check_line(&line, status, &data, &size);
		if (status == LINES_LINE)
			check_flow(&line);
	}
	if (status < 0 || size > 0)
		abort();
	lines_free(lines);
	return 0;
}
