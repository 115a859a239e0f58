/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "instance.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char name[] = "netpold";

/* Whoever is killed leaves a helper behind, which ends when its round is over
   (datapath/repair.h). */
#define PATIENCE_MS 1000
#define RETRY_MS 10

int instance_try_lock(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd, code;

	/* A zero byte in front makes it abstract (unix(7)). */
	memcpy(address.sun_path + 1, name, sizeof(name) - 1);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  sizeof(name));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0)
		return fd;
	code = -errno;
	if (fd >= 0)
		close(fd);
	return code;
}

int instance_lock(struct err *err)
{
	int code = instance_try_lock();

	for (int ms = 0; code == -EADDRINUSE && ms < PATIENCE_MS;
	     ms += RETRY_MS) {
		poll(NULL, 0, RETRY_MS);
		code = instance_try_lock();
	}
	if (code >= 0)
		return code;
	if (code == -EADDRINUSE)
		return err_set(err, code,
			       "another netpold runs in this network "
			       "namespace: stop it first");
	return err_set(err, code, "cannot see whether another netpold runs: %s",
		       strerror(-code));
}
