/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_FLOWLOG_FLOW_TARGET_H
#define NETPOLD_DAEMON_FLOWLOG_FLOW_TARGET_H

#include "netpold/err.h"

/** Where the flow log goes, as --flow-log names it. */
enum flow_target_kind {
	FLOW_TARGET_OFF = 0, /* there is none: "off" */
	FLOW_TARGET_STDOUT,  /* "stdout" */
	FLOW_TARGET_FILE,    /* "file:PATH" */
	FLOW_TARGET_UNIX, /* "unix:PATH": a socket that somebody listens at */
};

struct flow_target {
	enum flow_target_kind kind;
	const char *path; /* in the text; NULL: it has none */
};

/** Longest path of a socket: sun_path, without the zero byte (unix(7)). */
#define FLOW_TARGET_MAX_SOCKET 107

/**
 * Read it; @out points into @text.
 *
 * Returns  0; -EINVAL with what was expected.
 */
int flow_target_parse(const char *text, struct flow_target *out,
		      struct err *err);

#endif
