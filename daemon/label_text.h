/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_LABEL_TEXT_H
#define NETPOLD_DAEMON_LABEL_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "netpold/object.h"

/**
 * Requirements of selectors in words: what labels have to be there, or, of
 * negative ones, must not be there.
 */

/** NotIn and DoesNotExist: what label_text_write() says must not be there. */
bool label_text_is_negative(const struct requirement *requirement);

/** Write "tier=web", "tier in (a,b)" or "the label tier". Of many values the
 *  first are listed, and the others counted. */
void label_text_write(FILE *out, const struct requirement *requirement);

/** Whether a requirement of a namespaceSelector lists names of namespaces: a
 *  namespace's name is a label, too (NP-41), and more readily said. */
bool label_text_is_name(const struct requirement *requirement);

/** Write these names: "a, b or c", with " or " for @joint. */
void label_text_write_names(FILE *out, const struct requirement *requirement,
			    const char *joint);

#endif
