/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_DATAPATH_SOURCE_LIMIT_H
#define NETPOLD_DAEMON_DATAPATH_SOURCE_LIMIT_H

/**
 * A match for what one source may not ask any more, in the format of
 * restore_text_put(), with 4 or 6 for the family: more new flows a second than
 * any real one opens, and a fraction of what workers judge. Beyond
 * SOURCE_LIMIT_MAX the kernel takes what comes from new ones to be over it;
 * those that are quiet are soon forgotten, so that there would have to be that
 * many within a second or two.
 */
#define SOURCE_LIMIT_MAX "262144"
#define SOURCE_LIMIT                                                           \
	"-m hashlimit --hashlimit-name netpold-%d "                            \
	"--hashlimit-mode srcip --hashlimit-above 20000/sec "                  \
	"--hashlimit-burst 2000 --hashlimit-htable-max " SOURCE_LIMIT_MAX " "  \
	"--hashlimit-htable-expire 2000"

#endif
