/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pause.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "netpold/cleanup.h"

#include "clock.h"
#include "state_file.h"

#define US_PER_S INT64_C(1000000)
#define TEXT_MAX 4096

static const struct state_kind kind = {
	.name = "pause",
	.version = 1,
	.max_len = TEXT_MAX,
};

int pause_check_reason(const char *reason, struct err *err)
{
	size_t most = sizeof(((struct pause *)0)->reason) - 1;

	for (const char *p = reason; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, -EINVAL,
				       "a reason is a line without control "
				       "characters");
	if (strlen(reason) > most)
		return err_set(err, -EINVAL,
			       "a reason has at most %zu bytes, this one has "
			       "%zu",
			       most, strlen(reason));
	return 0;
}

int64_t pause_until_wall_us(const struct pause *pause)
{
	return clock_wall_us() + (pause->until_us - clock_boot_us());
}

int64_t pause_left_us(const struct pause *pause)
{
	int64_t left_us = pause->until_us - clock_boot_us();

	return left_us > 0 ? left_us : 0;
}

/* ---- reading ------------------------------------------------------------- */

/* All of it, or it is not what was written. */
static int take_apart(json_t *json, const char **boot_id, const char **node,
		      struct pause *out)
{
	const char *reason;
	json_int_t until_us, since_us;

	if (json_unpack(json, "{ss ss sI sI ss !}", "boot_id", boot_id, "node",
			node, "until_us", &until_us, "since_us", &since_us,
			"reason", &reason) < 0 ||
	    pause_check_reason(reason, NULL) < 0)
		return -EBADMSG;
	out->until_us = until_us;
	out->since_us = since_us;
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
	return 0;
}

int pause_parse(const char *text, size_t len, const char boot_id[BOOT_ID_LEN],
		const char *node, struct pause *out, struct err *err)
{
	CLEANUP(json_decrefp)
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *its_boot, *its_node;
	struct pause pause;
	int64_t now_us = clock_boot_us();

	if (!json || take_apart(json, &its_boot, &its_node, &pause) < 0)
		return err_set(err, -EBADMSG, "the file of a pause is damaged");
	if (strcmp(its_node, node) != 0)
		return err_set(err, -EXDEV,
			       "the file of a pause is one of node '%.253s'",
			       its_node);
	if (strcmp(its_boot, boot_id) != 0 || pause.until_us <= now_us)
		return PAUSE_OVER;
	if (pause.until_us - now_us > PAUSE_MAX_S * US_PER_S)
		return err_set(err, -EBADMSG,
			       "the file of a pause says that it lasts longer "
			       "than any does");
	*out = pause;
	return PAUSE_STANDS;
}

int pause_load(const char *folder, const char *node, struct pause *out,
	       struct err *err)
{
	CLEANUP(state_reader_closep) struct state_reader *reader = NULL;
	char boot_id[BOOT_ID_LEN], text[TEXT_MAX];
	long n;
	int r;

	r = state_reader_open(folder, &kind, &reader, err);
	if (r == -ENOENT)
		return PAUSE_NONE;
	if (r == 0)
		r = boot_id_read(boot_id, err);
	if (r < 0)
		return r;
	n = state_reader_read(reader, text, sizeof(text));
	if (n < 0)
		return err_set(err, (int)n, "cannot read the file of a pause");
	return pause_parse(text, (size_t)n, boot_id, node, out, err);
}

/* ---- writing ------------------------------------------------------------- */

static char *write_text(const char *boot_id, const char *node,
			const struct pause *pause)
{
	CLEANUP(json_decrefp)
	json_t *json =
		json_pack("{ss ss sI sI ss}", "boot_id", boot_id, "node", node,
			  "until_us", (json_int_t)pause->until_us, "since_us",
			  (json_int_t)pause->since_us, "reason", pause->reason);

	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

static void free_text(char **text)
{
	free(*text);
}

int pause_save(const char *folder, const char *node, const struct pause *pause,
	       struct err *err)
{
	CLEANUP(free_text) char *text = NULL;
	struct state_writer *writer;
	char boot_id[BOOT_ID_LEN];
	int r;

	r = boot_id_read(boot_id, err);
	if (r < 0)
		return r;
	text = write_text(boot_id, node, pause);
	if (!text)
		return err_set(err, -EINVAL,
			       "the name of the node or the reason is no "
			       "UTF-8, or memory is short");
	r = state_writer_open(folder, &kind, &writer, err);
	if (r < 0)
		return r;
	state_writer_put(writer, text, strlen(text));
	return state_writer_commit(writer, err);
}

int pause_forget(const char *folder, struct err *err)
{
	return state_file_remove(folder, &kind, err);
}
