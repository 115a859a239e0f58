/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SYNTAX_H
#define NETPOLD_SYNTAX_H

#include <stddef.h>

#include "report.h"
#include "tree.h"

/**
 * How names, label keys, label values and port names may be spelt, and what
 * the API server says of those that are not (AV-21 … AV-26, AV-30 … AV-38,
 * AV-48).
 *
 * Each function reports "Invalid value: VALUE: DETAIL" for every rule that is
 * broken, in the order of the server.
 */

/** A value that is being checked, and where complaints about it belong. */
struct subject {
	struct report *report;
	const struct path *path;
	unsigned int line;
	const char *value; /* as it is shown */
	size_t len;
};

/** What is no string is shown as "". */
struct subject subject_of(struct report *report, const struct tree *value,
			  const struct path *path);

/** The key of an entry, at the path of its map (AV-3). */
struct subject subject_of_key(struct report *report, const struct tree *entry,
			      const struct path *path);

/** Report one error about a subject. */
void syntax_invalid(const struct subject *subject, const char *detail);

/** @supported  the values that are, as AV-3 lists them */
void syntax_unsupported(const struct subject *subject, const char *supported);

/** AV-21, AV-22. @text is what is checked; usually the value itself. */
void syntax_check_subdomain(const struct subject *subject, const char *text,
			    size_t len);

/** AV-24 … AV-26. */
void syntax_check_dns_label(const struct subject *subject);

/** AV-30 … AV-36. @text: as above; annotations are checked in lower case. */
void syntax_check_label_key(const struct subject *subject, const char *text,
			    size_t len);

/** AV-37, AV-38. */
void syntax_check_label_value(const struct subject *subject);

/** AV-48. */
void syntax_check_port_name(const struct subject *subject);

#endif
