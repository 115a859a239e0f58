/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RULE_TEXT_H
#define NETPOLD_DAEMON_RULE_TEXT_H

#include <stdio.h>

#include "netpold/object.h"
#include "netpold/snapshot.h"

#include "port_text.h"

/**
 * A rule in words, for somebody who has not written it:
 *
 *	from pods with app=client in namespace shop, to port http/TCP, which is
 *	8080 on shop/web
 *
 * on one line. What a policy can make long (peers, labels, values, exceptions,
 * ports) is listed up to a bound and then counted.
 */

/** Write "rule 2 of shop/allow-web". @rule is counted from 0. */
void rule_text_write_name(FILE *out, const struct network_policy *policy,
			  size_t rule);

/**
 * Write what a rule allows.
 *
 * @receiver  whose port names are looked up; an empty one for nobody's
 */
void rule_text_write(FILE *out, const struct network_policy *policy,
		     enum direction dir, size_t rule,
		     const struct receiver *receiver);

/**
 * Write by which of its entries a rule allowed a flow, and which those are
 * where it has several: "from pods with app=client in namespace shop (peer 2
 * of 3), to port 80/TCP (port 1 of 2)".
 *
 * @result  of a rule that misses nothing
 */
void rule_text_write_match(FILE *out, enum direction dir,
			   const struct rule_result *result,
			   const struct receiver *receiver);

#endif
