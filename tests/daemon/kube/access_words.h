/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TESTS_ACCESS_WORDS_H
#define NETPOLD_TESTS_ACCESS_WORDS_H

#include "kube/access.h"

#define ACCESS_WORDS_LEN 1024

/** What is in it, "server=https://… token=…", but for its origin; returns
 *  @out. */
const char *access_words(const struct kube_access *access,
			 char out[ACCESS_WORDS_LEN]);

#endif
