/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_TABLE_EFFORT_H
#define NETPOLD_TESTS_POLICY_TABLE_EFFORT_H

/**
 * How much of the same a test does: sanitizers make everything slower, so that
 * less of it has to do.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLAIN_OR_SANITIZED(plain, sanitized) (sanitized)
#else
#define PLAIN_OR_SANITIZED(plain, sanitized) (plain)
#endif

#endif
