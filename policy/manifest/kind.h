/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_KIND_H
#define NETPOLD_KIND_H

#include <stdbool.h>

#include "netpold/object.h"

/**
 * What becomes of an object, by its apiVersion and kind.
 *
 * Most kinds decide nothing about packets and are passed over. But a policy of
 * a kind or version that is not known here would be passed over too, and then
 * not be enforced without anybody noticing (AV-10, L23): everything that looks
 * like one is refused.
 */
enum kind_fate {
	KIND_REFUSED = 0,
	KIND_IGNORED,
	KIND_READ,
};

/** @out  set for KIND_READ only */
enum kind_fate kind_lookup(const char *api_version, const char *kind,
			   enum object_kind *out);

/** Of kinds that are passed over: may such an object lead to pods, as a
 *  Deployment does? */
bool kind_may_make_pods(const char *api_version, const char *kind);

#endif
