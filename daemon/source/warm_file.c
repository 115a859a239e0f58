/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/warm_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"
#include "netpold/cluster.h"
#include "netpold/manifest.h"
#include "netpold/manifest_write.h"

#include "clock.h"

/* A whole cluster: 100,000 pods are 40 MB. */
static const struct state_kind kind = {
	.name = "warm",
	.version = 1,
	.max_len = UINT64_C(1) << 30,
};

/* The first line; the names of some hundred paths. */
#define FIRST_LINE_MAX 65536

static void free_text(char **text)
{
	free(*text);
}

char *warm_source_of_paths(const char *const *paths, size_t n_paths)
{
	CLEANUP(json_decrefp) json_t *list = json_pack("[s]", "manifests");
	bool ok = list;

	for (size_t i = 0; ok && i < n_paths; i++)
		ok = json_array_append_new(list, json_string(paths[i])) == 0;
	return ok ? json_dumps(list, JSON_COMPACT) : NULL;
}

void warm_state_release(struct warm_state *state)
{
	cluster_free(state->cluster);
	*state = (struct warm_state){ 0 };
}

/* ---- writing ------------------------------------------------------------- */

static void put(void *ctx, const char *text, size_t len)
{
	state_writer_put(ctx, text, len);
}

void warm_file_put(struct state_writer *writer, const struct object *object)
{
	manifest_write(object, put, writer);
}

static int put_first_line(struct state_writer *writer,
			  const struct warm_owner *owner, struct err *err)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	CLEANUP(free_text) char *text = NULL;
	char boot_id[BOOT_ID_LEN];
	int r = boot_id_read(boot_id, err);

	if (r < 0)
		return r;
	json = json_pack("{ss ss ss sI}", "boot_id", boot_id, "node",
			 owner->node, "source", owner->source, "written_us",
			 (json_int_t)clock_wall_us());
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text || strlen(text) >= FIRST_LINE_MAX)
		return err_set(err, -EINVAL,
			       "the name of the node is no UTF-8, or those of "
			       "manifests are too long");
	put(writer, text, strlen(text));
	put(writer, "\n", 1);
	return 0;
}

int warm_file_begin(const char *folder, const struct warm_owner *owner,
		    struct state_writer **out, struct err *err)
{
	struct state_writer *writer;
	int r;

	r = state_writer_open(folder, &kind, &writer, err);
	if (r < 0)
		return r;
	r = put_first_line(writer, owner, err);
	if (r < 0) {
		state_writer_abort(writer);
		return r;
	}
	*out = writer;
	return 0;
}

int warm_file_remove(const char *folder, struct err *err)
{
	return state_file_remove(folder, &kind, err);
}

/* ---- the first line ------------------------------------------------------ */

/* Contents that come in pieces, and what has come beyond the first line. */
struct contents {
	long (*read)(void *ctx, char *buf, size_t size);
	void *ctx;
	size_t at,
		n; /* of the bytes in @first: what is still to be given out */
	char first[FIRST_LINE_MAX];
};

static int damaged(struct err *err)
{
	return err_set(err, -EBADMSG, "the warm file is damaged");
}

/* The length of the line, whose end is passed over; negative errno. */
static long read_first_line(struct contents *c, struct err *err)
{
	const char *end = NULL;

	while (!end && c->n < sizeof(c->first)) {
		long n = c->read(c->ctx, c->first + c->n,
				 sizeof(c->first) - c->n);

		if (n < 0)
			return err_set(err, (int)n,
				       "cannot read the warm file: %s",
				       strerror((int)-n));
		if (n == 0)
			break;
		end = memchr(c->first + c->n, '\n', (size_t)n);
		c->n += (size_t)n;
	}
	if (!end)
		return damaged(err);
	c->at = (size_t)(end - c->first) + 1;
	return end - c->first;
}

static int check_owner(const char *node, const char *source,
		       const struct warm_owner *owner, struct err *err)
{
	if (strcmp(node, owner->node) != 0)
		return err_set(err, -EXDEV,
			       "the warm file is one of node "
			       "'%.253s'",
			       node);
	if (strcmp(source, owner->source) != 0)
		return err_set(err, -EXDEV,
			       "the warm file is of another source, %.600s",
			       source);
	return 0;
}

static int take_first_line(struct contents *c, const char *boot_id,
			   const struct warm_owner *owner,
			   struct warm_state *state, struct err *err)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	const char *its_boot, *its_node, *its_source;
	json_int_t written_us;
	long len = read_first_line(c, err);

	if (len < 0)
		return (int)len;
	json = json_loadb(c->first, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	if (!json || json_unpack(json, "{ss ss ss sI !}", "boot_id", &its_boot,
				 "node", &its_node, "source", &its_source,
				 "written_us", &written_us) < 0)
		return damaged(err);
	state->rebooted = strcmp(its_boot, boot_id) != 0;
	state->written_us = written_us;
	return check_owner(its_node, its_source, owner, err);
}

/* ---- the objects --------------------------------------------------------- */

static long read_on(void *ctx, char *buf, size_t size)
{
	struct contents *c = ctx;
	size_t left = c->n - c->at;

	if (left == 0)
		return c->read(c->ctx, buf, size);
	if (size > left)
		size = left;
	memcpy(buf, c->first + c->at, size);
	c->at += size;
	return (long)size;
}

static void take_finding(void *ctx, const struct finding *finding)
{
	struct err *first = ctx;
	char line[sizeof(first->message)];

	if (finding->severity != FINDING_ERROR || first->code < 0)
		return;
	finding_format(finding, line, sizeof(line));
	err_set(first, -EBADMSG, "%.900s", line);
}

/* Whoever was rebooted gives his pods new addresses. */
static bool lost_its_address(const struct object *object, const char *node)
{
	return object->kind == OBJECT_POD &&
	       strcmp(object->pod.node_name, node) == 0;
}

static int take_objects(struct manifest *manifest, const char *node,
			struct warm_state *state, struct err *err)
{
	struct object object;
	int r;

	while ((r = manifest_next(manifest, &object, err)) > 0) {
		if (state->rebooted && lost_its_address(&object, node))
			object.pod.n_addresses = 0;
		if (cluster_put(state->cluster, &object, 0) < 0)
			return err_set(err, -ENOMEM,
				       "not enough memory for the warm file");
	}
	return r;
}

static int read_objects(struct contents *c, const char *node,
			struct warm_state *state, struct err *err)
{
	CLEANUP(manifest_closep) struct manifest *manifest = NULL;
	struct err first = { 0 };
	struct manifest_options options = {
		.file = kind.name,
		.read = read_on,
		.read_ctx = c,
		.report = take_finding,
		.report_ctx = &first,
	};
	int r;

	if (manifest_open(&options, &manifest) < 0)
		return err_set(err, -ENOMEM,
			       "not enough memory for the warm file");
	r = take_objects(manifest, node, state, err);
	if (first.code < 0)
		return err_set(err, -EBADMSG,
			       "the warm file holds what this netpold cannot "
			       "read: %.800s",
			       first.message);
	return r;
}

int warm_file_parse(long (*read)(void *ctx, char *buf, size_t size), void *ctx,
		    const char boot_id[BOOT_ID_LEN],
		    const struct warm_owner *owner, struct warm_state *out,
		    struct err *err)
{
	CLEANUP(warm_state_release)
	struct warm_state state = { .cluster = cluster_new() };
	struct contents *contents = calloc(1, sizeof(*contents));
	int r;

	if (!contents || !state.cluster) {
		free(contents);
		return err_set(err, -ENOMEM,
			       "not enough memory for the warm file");
	}
	contents->read = read;
	contents->ctx = ctx;
	r = take_first_line(contents, boot_id, owner, &state, err);
	if (r == 0)
		r = read_objects(contents, owner->node, &state, err);
	free(contents);
	if (r < 0)
		return r;
	*out = state;
	state = (struct warm_state){ 0 };
	return 0;
}

int warm_file_read(const char *folder, const struct warm_owner *owner,
		   struct warm_state *out, struct err *err)
{
	CLEANUP(state_reader_closep) struct state_reader *reader = NULL;
	char boot_id[BOOT_ID_LEN];
	int r;

	r = state_reader_open(folder, &kind, &reader, err);
	if (r == 0)
		r = boot_id_read(boot_id, err);
	return r < 0 ? r
		     : warm_file_parse(state_reader_read, reader, boot_id,
				       owner, out, err);
}
