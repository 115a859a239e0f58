/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SETTINGS_H
#define NETPOLD_DAEMON_COMMAND_SETTINGS_H

#include <stddef.h>

#include "netpold/arena.h"
#include "netpold/err.h"

#include "command/setting.h"
#include "command/usage.h"
#include "controller.h"

/**
 * The settings of `netpold run`, and where they come from.
 *
 * There is one table of them. A row is at once an option of the command line
 * (--queue-base N), a key of the configuration file (queue-base: N), a variable
 * of the environment (NETPOLD_QUEUE_BASE) and an entry of --help, so that these
 * cannot drift apart. A value is a text, read in the same way wherever it comes
 * from; sources may be read in any order, because each value remembers which
 * source gave it, and only a higher one replaces it.
 */

/** The higher one counts. */
enum setting_source {
	SOURCE_FALLBACK = 0, /* the table */
	SOURCE_FILE,
	SOURCE_ENVIRONMENT,
	SOURCE_COMMAND_LINE,
};

#define SETTINGS_MAX 48 /* rows of the table */
#define SETTINGS_MAX_WORKERS 256

struct settings {
	struct controller_options controller;
	const char *config;	    /* the file to read, or NULL */
	const char *pod_cidr;	    /* as it was given, or NULL */
	const char *metrics_listen; /* likewise; "": nowhere */
	const char *page_listen;    /* likewise */
	const char *flow_log;	    /* likewise; "off": there is none */
	struct path_list manifests;
	struct arena texts;
	/* by setting, as in the table */
	struct {
		enum setting_source source;
		const char *subject; /* in messages: "--queue-base" */
	} given[SETTINGS_MAX];
};

/** The settings in the order of --help; NULL after the last one. */
const struct setting *setting_at(size_t index);

/** The reverse of setting_at(). */
size_t setting_index(const struct setting *setting);

/** NULL where no setting has this name. */
const struct setting *setting_find(const char *name);

/** Begin with what holds where nothing is said. */
int settings_init(struct settings *settings, struct err *err);
void settings_release(struct settings *settings);

/**
 * Take one value from one source. Also where a higher source has spoken
 * already, the value has to be one.
 *
 * Returns  0; -EINVAL with a message about @subject; -ENOMEM.
 */
int settings_take(struct settings *settings, const struct setting *setting,
		  enum setting_source source, const char *subject,
		  const char *text, struct err *err);

/**
 * When all sources are read: work out what nobody has said, and check what
 * depends on more than one setting. settings->controller is ready then.
 */
int settings_complete(struct settings *settings, struct err *err);

#endif
