/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_REPORT_H
#define NETPOLD_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/finding.h"
#include "text.h"

/**
 * The way to a value in an object: "spec.ingress[0].ports[1]".
 *
 * Each step lies on the stack of the function that took it and points to the
 * step before; the object itself is NULL.
 */
struct path {
	const struct path *up;
	const char *field; /* NULL: an index */
	size_t field_len;
	size_t index;
};

struct path path_field(const struct path *up, const char *field);

/** A field whose name comes from outside. */
struct path path_key(const struct path *up, const char *key, size_t len);

struct path path_item(const struct path *up, size_t index);

enum path_form {
	PATH_WITH_INDEXES = 0, /* spec.ingress[0].ports */
	PATH_OF_FIELDS,	       /* spec.ingress.ports */
};

void path_put(const struct path *path, enum path_form form, struct text *text);

/**
 * Where the checks of one object put what they find.
 *
 * Set up by whoever runs the checks, which say where and what; which object it
 * is about is known here.
 */
struct report {
	finding_fn fn; /* may be NULL: findings are counted only */
	void *ctx;
	const char *file;
	const char *kind;
	const char *namespace;
	const char *name;
	enum finding_code code; /* of errors: which check is at work */
	size_t n_errors;
	bool failed; /* a finding was lost because there was no memory */
	struct text path;
	struct text message;
};

/** Free the scratch text. */
void report_release(struct report *report);

/** Begin a message: write it to what is returned, then send it. */
struct text *report_begin(struct report *report);

/** Send it as an error. @path  NULL for the object as a whole */
void report_send(struct report *report, unsigned int line,
		 const struct path *path);

/** Send it as a warning, whatever check is at work. */
void report_send_warning(struct report *report, enum finding_code code,
			 unsigned int line, const struct path *path);

/** Begin and send an error in one go. */
void report_error(struct report *report, unsigned int line,
		  const struct path *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
