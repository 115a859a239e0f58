/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PORT_TEXT_H
#define NETPOLD_DAEMON_PORT_TEXT_H

#include <stdio.h>

#include "netpold/object.h"

/**
 * The ports of rules in words: "80/TCP", "8000-8100/TCP", "any UDP port",
 * "http/TCP, which is 8080 on shop/web".
 */

/** Who is reached: the end of a flow whose port names count (NP-45). */
struct receiver {
	const struct pod *pod;	    /* NULL: no pod, or it is not known */
	const struct ip_addr *addr; /* NULL: it is not known */
};

/** What a name stands for is said where the receiver is known. */
void port_text_write(FILE *out, const struct policy_port *port,
		     const struct receiver *receiver);

/** What joins the last two ports of a rule that are told one after the other,
 *  for list_text.h: " or ", with a comma behind clauses that begin with one. */
const char *port_text_joint(const struct rule *rule,
			    const struct receiver *receiver);

#endif
