/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privilege.h"

#include <errno.h>
#include <stdbool.h>

#include <cap-ng.h>

static bool have(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

int privilege_check(const char *command, struct err *err)
{
	bool known = capng_get_caps_process() == 0;
	bool admin = known && have(CAP_NET_ADMIN);
	bool raw = known && have(CAP_NET_RAW);

	if (admin && raw)
		return 0;
	return err_set(err, -EPERM,
		       "netpold %s needs %s%s%s in the node's network "
		       "namespace: run it as root, or add %s%s%s to the "
		       "container's capabilities",
		       command, admin ? "" : "CAP_NET_ADMIN",
		       admin || raw ? "" : " and ", raw ? "" : "CAP_NET_RAW",
		       admin ? "" : "NET_ADMIN", admin || raw ? "" : " and ",
		       raw ? "" : "NET_RAW");
}
