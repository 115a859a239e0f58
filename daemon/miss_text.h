/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_MISS_TEXT_H
#define NETPOLD_DAEMON_MISS_TEXT_H

#include <stdio.h>

#include "decision_record.h"
#include "netpold/object.h"

/**
 * A near miss in words: what would have to be different for a rule of a denied
 * side to allow the flow.
 *
 * What a policy can make long (labels, values, ports) is listed up to a bound
 * and then counted.
 *
 * @dir     a side that denies
 * @result  of one of its rules
 */

/** Write "rule 2 of shop/allow-web would match if pod shop/x had tier=web", or
 *  "rule 2 of shop/allow-web names only pods, and 192.0.2.1 is no pod's
 *  address". */
void miss_text_write(FILE *out, const struct decision_record *record,
		     enum direction dir, const struct rule_result *result);

/** Write the condition alone: "pod shop/x had tier=web and the port were
 *  80/TCP (not 81/TCP)". */
void miss_text_write_condition(FILE *out, const struct decision_record *record,
			       enum direction dir,
			       const struct rule_result *result);

#endif
