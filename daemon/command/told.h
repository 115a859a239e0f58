/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_TOLD_H
#define NETPOLD_DAEMON_COMMAND_TOLD_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/**
 * Reading what a daemon has told, which may be of another version: what is not
 * there is "?", and never an error.
 */

/** The text of a member; "?" where it has none. @object may be NULL, here and
 *  below. */
const char *told_text(const json_t *object, const char *key);

/** A number; NAN where there is none. */
double told_number(const json_t *object, const char *key);

/** A time, in microseconds since 1970; 0 where there is none. */
int64_t told_time_us(const json_t *object, const char *key);

/** The sum of all values of a metric; NAN where it has none. */
double told_sum(const json_t *metrics, const char *name);

/** The value with a label; NAN where there is none. */
double told_value(const json_t *metrics, const char *name, const char *label,
		  const char *label_value);

/** Write a text. Names in manifests are no orders to a terminal: control
 *  characters come out as '?'. */
void told_write_text(FILE *out, const char *text);

/** Write a number without a fraction, "?" for NAN, right-aligned. */
void told_write_number(FILE *out, int width, double number);

/** Write a duration in the two units that matter: "2 min 5 s". */
void told_write_duration(FILE *out, int64_t duration_us);

#endif
