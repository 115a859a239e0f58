/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_BOOT_H
#define NETPOLD_DAEMON_BOOT_H

#include "netpold/err.h"

/** The kernel's name for the time since it was started (random(4)): another one
 *  after each reboot, and on each machine. */
#define BOOT_ID_LEN 37 /* with its zero byte */

/** 0 or a negative errno with a message. Threads: any. */
int boot_id_read(char out[BOOT_ID_LEN], struct err *err);

#endif
