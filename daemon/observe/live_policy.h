/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_POLICY_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_POLICY_H

/** As long as it is, and more. */
#define LIVE_POLICY_LEN 512

/**
 * Write the Content-Security-Policy of the live page: it runs its own script
 * and no other, which it knows by its hash, and asks nobody but who has served
 * it. Should a name ever become markup after all, it can run nothing, load
 * nothing and tell nobody.
 *
 * Returns  0; -ENOMEM.
 */
int live_policy_write(char out[LIVE_POLICY_LEN]);

#endif
