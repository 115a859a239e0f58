/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_SCALAR_H
#define NETPOLD_SCALAR_H

#include <stddef.h>

#include "netpold/err.h"
#include "tree.h"

/**
 * Decide what an unquoted word in YAML is: `on` is true, `0x50` is 80, `1:30`
 * stays text (AV-14).
 *
 * @tag  the explicit tag in its long form, or NULL for a plain scalar
 * @out  type and value are set; text points to @text
 *
 * Returns  0, or -EBADMSG where the text does not fit its tag or cannot be a
 *          value of a Kubernetes object.
 */
int scalar_resolve(const char *tag, const char *text, size_t len,
		   struct tree *out, struct err *err);

/** Room for any number that scalar_format_real() writes. */
#define SCALAR_REAL_LEN 48

/**
 * Write a float the way Go's JSON encoder does, shortest form that reads back
 * as the same number; returns @text.
 */
char *scalar_format_real(double value, char text[SCALAR_REAL_LEN]);

/** The same for a float that is a key in YAML, which kubectl's YAML library
 *  writes in single precision. */
char *scalar_format_real_key(double value, char text[SCALAR_REAL_LEN]);

#endif
