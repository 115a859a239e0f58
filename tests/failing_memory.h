/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_FAILING_MEMORY_H
#define NETPOLD_TESTS_FAILING_MEMORY_H

/**
 * Memory that runs out when a test says so: one call for it fails. A test that
 * uses this is named in FAILING_MEMORY (Makefile).
 *
 * @calls  how many succeed before the one that fails, from now on; negative:
 *         all do
 */
void memory_fails_after(long calls);

#endif
