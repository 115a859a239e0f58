/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBECONFIG_PARTS_H
#define NETPOLD_DAEMON_KUBE_KUBECONFIG_PARTS_H

#include "kube/kubeconfig.h"

/** kubeconfig.c and its reader: nobody else's. */

/** Read YAML; @file lives as long as @config. 0 or a negative errno with a
 *  message: FILE:LINE: FIELD: what was expected, what was found. */
int kubeconfig_read_text(struct kubeconfig *config, const char *file,
			 const char *text, size_t len, struct err *err);

/** NULL is fine. */
void kubeconfig_entry_free(struct kubeconfig_entry *entry);

#endif
