/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_POLICY_SUGGEST_LABEL_H
#define NETPOLD_POLICY_SUGGEST_LABEL_H

#include <stdbool.h>

#include "netpold/object.h"

/**
 * Which labels say what a pod is, and which say only which one, or which
 * version of it.
 */

/** False for what a controller puts on the pods of one version, or on one pod:
 *  the next roll-out has other values, or none; of keys that nobody knows, for
 *  those that end in hash, checksum, revision or uid. And for what is no key at
 * all: pods in manifests may have anything. */
bool label_is_stable(const char *key);

/** Whether a selector may ask for this value. */
bool label_can_match(const char *value);

/** The less, the better it says what a pod is. What LABEL_RANK_UNKNOWN says is
 *  anybody's guess; from LABEL_RANK_PASSING on it goes with a release. */
int label_rank(const char *key);
#define LABEL_RANK_UNKNOWN 200
#define LABEL_RANK_PASSING 1000

/** The value of the label that people name things by; NULL without one. */
const char *label_of_name(const struct labels *labels);

#endif
