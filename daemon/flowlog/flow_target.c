/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flowlog/flow_target.h"

#include <errno.h>
#include <string.h>

/* What follows a prefix; NULL: it has another one. */
static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Of a daemon, whose folder is anybody's guess. */
static int check_path(const struct flow_target *target, struct err *err)
{
	size_t len = strlen(target->path);

	if (target->path[0] != '/')
		return err_set(err, -EINVAL,
			       "expected a path from / on, found '%s'",
			       target->path);
	if (target->kind == FLOW_TARGET_UNIX && len > FLOW_TARGET_MAX_SOCKET)
		return err_set(err, -EINVAL,
			       "expected at most %d bytes for the path of a "
			       "socket, found %zu",
			       FLOW_TARGET_MAX_SOCKET, len);
	return 0;
}

int flow_target_parse(const char *text, struct flow_target *out,
		      struct err *err)
{
	struct flow_target target = { .kind = FLOW_TARGET_OFF };
	int r;

	if (strcmp(text, "off") == 0) {
		*out = target;
		return 0;
	}
	if (strcmp(text, "stdout") == 0) {
		*out = (struct flow_target){ .kind = FLOW_TARGET_STDOUT };
		return 0;
	}
	if ((target.path = after(text, "file:")))
		target.kind = FLOW_TARGET_FILE;
	else if ((target.path = after(text, "unix:")))
		target.kind = FLOW_TARGET_UNIX;
	else
		return err_set(err, -EINVAL,
			       "expected off, stdout, file:PATH or unix:PATH, "
			       "found '%s'",
			       text);
	r = check_path(&target, err);
	if (r == 0)
		*out = target;
	return r;
}
