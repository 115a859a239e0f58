/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_PRUNE_H
#define NETPOLD_PRUNE_H

#include "manifest/schema.h"
#include "manifest/text.h"
#include "span.h"

/**
 * Leave out of the text of an object what decides nothing: most of it.
 *
 * What decides is what its table in schema_kinds.c names, and no second list
 * does (API-41). So the values of managedFields, annotations, volumes and
 * conditions are passed over without being read (API-40). Of a NetworkPolicy,
 * whose table is closed, fields that nobody knows are kept: whoever checks it
 * has to see them (AV-13). In metadata they are not: a newer server may well
 * say more about an object than we know.
 *
 * @object  begins with '{'
 * @out     what is left is written behind what is there
 *
 * Returns  0; -EBADMSG where the text is no JSON.
 */
int prune_object(const struct schema *schema, struct span object,
		 struct text *out);

#endif
