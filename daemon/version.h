/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_VERSION_H
#define NETPOLD_DAEMON_VERSION_H

/* The Makefile hands the version over as it is, without quotes. */
#define VERSION_QUOTE(text) #text
#define VERSION_TEXT_OF(macro) VERSION_QUOTE(macro)

/** "0.1.0" */
#define VERSION_TEXT VERSION_TEXT_OF(NETPOLD_VERSION)

#endif
