/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TIMESTAMP_H
#define NETPOLD_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read a time as the API server writes it (RFC 3339): "2024-05-17T09:41:00Z".
 *
 * @out  Unix seconds; fractions are cut off
 *
 * Returns  0, or -EINVAL with @out untouched.
 */
int timestamp_parse(const char *text, size_t len, int64_t *out);

#endif
