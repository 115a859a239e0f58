/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_RECORDS_RECORD_FIELDS_H
#define NETPOLD_DAEMON_RECORDS_RECORD_FIELDS_H

#include <jansson.h>

#include "netpold/err.h"

#include "records/record_reader.h"

/**
 * Read the fields of one decision record, as record_reader.h says.
 *
 * @out  all-zero but for the line; of no use on failure
 *
 * Returns  0; -EINVAL with a message of printable ASCII, whatever @root holds.
 */
int record_fields_read(const json_t *root, struct record_seen *out,
		       struct err *err);

#endif
