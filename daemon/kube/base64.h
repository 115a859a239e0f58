/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_BASE64_H
#define NETPOLD_DAEMON_KUBE_BASE64_H

/**
 * Decode base64 (RFC 4648, section 4). Blanks and line breaks are passed over,
 * as they stand in folded YAML.
 *
 * @out  text with a zero byte at its end, to be freed
 *
 * Returns  0; -EINVAL where it is no base64, or holds a zero byte; -ENOMEM.
 */
int base64_decode(const char *text, char **out);

#endif
