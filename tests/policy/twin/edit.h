/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_POLICY_EDIT_H
#define NETPOLD_TESTS_POLICY_EDIT_H

#include "world.h"

/**
 * Change one thing in a policy as a person would: a rule, a peer or a port more
 * or less.
 *
 * @other  a policy to take new things from
 *
 * Returns  JSON text, to be freed.
 */
char *edit_policy(struct random *random, const char *policy, const char *other);

#endif
