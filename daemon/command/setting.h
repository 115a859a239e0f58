/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_SETTING_H
#define NETPOLD_DAEMON_COMMAND_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * One setting of `netpold run`: its name, what it takes, and where that goes.
 * All of them are in settings.h.
 */
struct settings;

enum setting_type {
	SETTING_NUMBER = 0,
	SETTING_TEXT,
	SETTING_WORD,  /* one of a few */
	SETTING_SIZE,  /* one of a few words, or a number beyond them */
	SETTING_PATHS, /* may be given more than once */
};

struct setting_value {
	uint64_t
		number; /* SETTING_NUMBER, …_SIZE; a word: which of the words */
	const char *text; /* as it was given; lives as long as the settings */
	bool first;	  /* of those that this source gives */
};

/** A row of the table. */
struct setting {
	const char *name;     /* "queue-base" */
	const char *argument; /* "N", as --help shows it */
	const char *help;     /* what it does */
	enum setting_type type;
	uint64_t min, max;	  /* of a number; of the length of a text */
	const char *const *words; /* of SETTING_WORD, up to a NULL */
	const char *fallback; /* what holds otherwise, where that is fixed */
	bool names_file;      /* the file, which cannot name itself */
	/* 0 or -ENOMEM. */
	int (*take)(struct settings *settings,
		    const struct setting_value *value);
};

#define SETTING_VARIABLE_LEN 64
#define SETTING_QUOTE_LEN 64

/** Its variable in the environment: "NETPOLD_QUEUE_BASE". */
const char *setting_variable(const struct setting *setting,
			     char name[SETTING_VARIABLE_LEN]);

/** A text as messages show it: not too long, without control characters. */
const char *setting_quote(const char *text, char quoted[SETTING_QUOTE_LEN]);

/**
 * What a setting would have taken: "expected a number from 1 to 256, found …".
 *
 * @subject  what the message is about: "--workers", "NETPOLD_WORKERS" or
 *           "netpold.yaml:3: workers"
 *
 * Returns  -EINVAL.
 */
int setting_mismatch(const struct setting *setting, const char *subject,
		     const char *found, struct err *err);

/**
 * Read a value.
 *
 * @subject  as above
 * @value    gets its number, where it has one
 *
 * Returns  0; -EINVAL with a message about @subject.
 */
int setting_read(const struct setting *setting, const char *subject,
		 const char *text, struct setting_value *value,
		 struct err *err);

#endif
