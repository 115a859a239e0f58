/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_OBJECT_EQUAL_H
#define NETPOLD_POLICY_OBJECT_EQUAL_H

#include "netpold/object.h"

/** True when no decision and no message can tell the two objects apart. */
bool object_equal(const struct object *a, const struct object *b);

#endif
