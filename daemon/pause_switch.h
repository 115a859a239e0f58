/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_PAUSE_SWITCH_H
#define NETPOLD_DAEMON_PAUSE_SWITCH_H

#include <stdbool.h>

#include "netpold/err.h"

#include "observe/pause_desk.h"

/**
 * The emergency switch: whether there is a pause, what an operator wants of it,
 * and its file. It stops nothing itself (enforcement_pause()), and is loud: the
 * log is told again each minute.
 *
 * Threads  controller only, its desk aside.
 */
struct pause_switch;

/**
 * Look whether a pause of an earlier run stands. What is wrong with its file is
 * logged, and there is none.
 *
 * @folder     --state-dir; "": nothing outlives a restart
 * @node_name  as @folder, has to outlive it
 *
 * Returns  0 or a negative errno with a message.
 */
int pause_switch_open(const char *folder, const char *node_name,
		      struct pause_switch **out, struct err *err);

/** NULL is fine. The pause stays. */
void pause_switch_close(struct pause_switch *sw);

struct pause_desk *pause_switch_desk(const struct pause_switch *sw);

/** The pause; NULL where there is none. */
const struct pause *pause_switch_pause(const struct pause_switch *sw);

/** Whether its time has passed. */
bool pause_switch_is_due(const struct pause_switch *sw);

/**
 * There is a pause from now on, or it has another end.
 *
 * Returns  0; a negative errno with a message where it would not outlive a
 *          restart of netpold: it is there all the same.
 */
int pause_switch_begin(struct pause_switch *sw,
		       const struct pause_request *request, struct err *err);

/** It is over before its time: due, and not to come back with a restart. 0 or
 *  a negative errno with a message. */
int pause_switch_cut(struct pause_switch *sw, struct err *err);

/** There is none any more. */
void pause_switch_ended(struct pause_switch *sw);

/** Tell the log that there is one, when it is time to. */
void pause_switch_remind(struct pause_switch *sw);

#endif
