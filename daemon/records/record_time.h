/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_RECORD_TIME_H
#define NETPOLD_DAEMON_RECORDS_RECORD_TIME_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Read a time of a record: "2006-01-02T15:04:05.000000000Z", RFC 3339 in UTC,
 * with up to nine digits behind the point, or neither.
 *
 * @out  Unix time in microseconds: what is finer is cut
 *
 * Returns  false where it is none, with @out untouched. Threads: any.
 */
bool record_time_read(const char *text, int64_t *out);

#endif
