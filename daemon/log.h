/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_LOG_H
#define NETPOLD_DAEMON_LOG_H

/**
 * What netpold tells the operator: whole lines on standard error, each written
 * at once, so that lines of several threads do not mix.
 *
 * Threads  any; workers do not log per packet.
 */

/** Something that happened as it should. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Something that an operator should look at; netpold goes on. */
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Something that netpold could not do. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
