/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privilege.h"

#include <errno.h>

#include <cap-ng.h>

int privilege_check(const char *command, struct err *err)
{
	if (capng_get_caps_process() == 0 &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return 0;
	return err_set(err, -EPERM,
		       "netpold %s needs CAP_NET_ADMIN in the node's network "
		       "namespace: run it as root, or add NET_ADMIN to the "
		       "container's capabilities",
		       command);
}
