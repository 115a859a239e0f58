/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_HANDOVER_PATIENCE_H
#define NETPOLD_DAEMON_HANDOVER_PATIENCE_H

/**
 * How long one netpold waits for the other at the steps of a hand-over, in
 * milliseconds. Each step takes some milliseconds, but for these two: the old
 * one may be in the middle of a change when it is asked, and the new one puts
 * up rules, for which others may hold a lock, and goes through all connections.
 */
#define HANDOVER_ANSWER_MS 10000
#define HANDOVER_IN_FORCE_MS 30000

/** For its workers to be done with what they hold. */
#define HANDOVER_ROUND_MS 3000

/** For the end of the old one, when all is said. */
#define HANDOVER_END_MS 2000

/** For its helper to be done with rules: less than the new one waits. */
#define HANDOVER_REST_MS 8000

#endif
