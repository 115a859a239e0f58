/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TIME_TEXT_H
#define NETPOLD_DAEMON_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/** "2006-01-02T15:04:05.000Z": RFC 3339, UTC, in milliseconds. */
#define TIME_TEXT_LEN sizeof("2006-01-02T15:04:05.000Z")

/** A time of the wall clock, in microseconds since 1970. False where it is not
 *  in the years 0 to 9999. Threads: any. */
bool time_text_format(int64_t time_us, char out[TIME_TEXT_LEN]);

#endif
