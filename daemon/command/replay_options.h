/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_REPLAY_OPTIONS_H
#define NETPOLD_DAEMON_COMMAND_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "command/usage.h"

/** What `netpold replay` is asked for. */
struct replay_options {
	struct path_list manifests;
	const char *kubeconfig; /* NULL: no cluster is asked */
	const char *timeline;	/* NULL: objects do not change */
	const char *capture;
	const char *write_allowed; /* NULL: nowhere */
	const char *write_denied;
	const struct replay_format *format;
	size_t max_flows; /* at a time; 0: TRACK_MAX_FLOWS_DEFAULT */
	bool inner;
	bool staged;
	bool summary;
	bool help;
};

/**
 * Read a command line.
 *
 * @out  initialised with the format that is the default; to be released
 *
 * Returns  EXIT_OK; EXIT_TROUBLE after telling why. With @out->help the rest
 *          was not looked at.
 */
int replay_options_read(int argc, char **argv, struct replay_options *out);

/** Write what `--help` says. */
void replay_options_write_help(void);

void replay_options_release(struct replay_options *options);

#endif
