/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_COMMAND_CHECK_SARIF_H
#define NETPOLD_DAEMON_COMMAND_CHECK_SARIF_H

#include <jansson.h>

#include "netpold/finding.h"

/**
 * Findings as SARIF 2.1.0 (OASIS), in the part of it that code scanning
 * services read: rules, results, and a file and line for each.
 */

/** One result; NULL without memory. */
json_t *check_sarif_result(const struct finding *finding);

/** The document around results, which stay the caller's; NULL without
 *  memory. */
json_t *check_sarif_document(json_t *results);

#endif
