/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privilege.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- giving them up ------------------------------------------------------ */

#define N_WANTED 5

struct wanted {
	unsigned int capability;
	bool is_needed;
};

/* What is not there now cannot be kept. */
static void choose(const struct wanted wanted[N_WANTED])
{
	bool kept[N_WANTED];

	for (size_t i = 0; i < N_WANTED; i++)
		kept[i] = wanted[i].is_needed &&
			  capng_have_capability(CAPNG_PERMITTED,
						wanted[i].capability);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < N_WANTED; i++) {
		if (kept[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					     CAPNG_BOUNDING_SET,
				     wanted[i].capability);
	}
}

int privilege_limit(const struct privilege_needs *needs, struct err *err)
{
	const struct wanted wanted[N_WANTED] = {
		{ CAP_NET_ADMIN, true },
		{ CAP_NET_RAW, needs->raw },
		{ CAP_DAC_READ_SEARCH, needs->reads_any },
		{ CAP_DAC_OVERRIDE, needs->writes_any },
		{ CAP_NET_BIND_SERVICE, needs->binds_low },
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno,
			       "cannot do without new privileges: %s",
			       strerror(errno));
	if (capng_get_caps_process() < 0)
		return err_set(err, -EIO, "cannot read own capabilities");
	choose(wanted);
	/* Without CAP_SETPCAP, as in most containers, the set stays as wide as
	   whoever started us has left it; programs get no more than we have
	   in any case. */
	capng_apply(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(err, -EPERM, "cannot give up capabilities");
	return 0;
}

bool privilege_owns(const char *path)
{
	char text[PATH_MAX], *at = text;
	struct stat st;

	if (snprintf(text, sizeof(text), "%s", path) >= PATH_MAX)
		return false;
	if (stat(at, &st) == 0 && st.st_uid != geteuid())
		return false;
	/* "/" is its own folder, and "." that of a name alone. */
	do
		at = dirname(at);
	while (stat(at, &st) < 0 && strlen(at) > 1);
	return stat(at, &st) == 0 && st.st_uid == geteuid();
}
