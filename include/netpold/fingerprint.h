/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_FINGERPRINT_H
#define NETPOLD_FINGERPRINT_H

#include <stdint.h>

#include "netpold/object.h"

/**
 * A number that tells what a policy says from what another one says: its name,
 * selectors and rules, in their order, but not its generation.
 *
 * Two that say the same have the same number, always. Two that do not have
 * another one, unless somebody has searched for a pair with the same: this is
 * for telling people of a change, not for deciding anything.
 *
 * Threads  any.
 */
uint64_t fingerprint_policy(const struct network_policy *policy);

#endif
