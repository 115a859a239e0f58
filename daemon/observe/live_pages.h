/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_OBSERVE_LIVE_PAGES_H
#define NETPOLD_DAEMON_OBSERVE_LIVE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "observe/live_policy.h"
#include "observe/live_state.h"
#include "observe/web_page.h"

struct web_token;

/**
 * The page for people (--page-listen), and what it asks for while it is looked
 * at:
 *
 *	/		the page: the same for everybody, with no data in it
 *	/state.json	live_state.h
 *	/pods.json	live_pods.h
 *
 * Data name pods and policies. Where there is a token they are for who knows
 * it; the page asks for it. Where there is none, the address is the node's
 * alone; then whoever asks has to call it by its number or "localhost": a page
 * of somebody else's in the same browser, which can have its own name mean this
 * address, calls it by that name (DNS rebinding).
 *
 * Data are collected twice a second at most, whoever asks, and pods only where
 * something else is in force.
 */
struct live_pages {
	struct live_state state;
	struct web_token *token;      /* NULL: there is none */
	char policy[LIVE_POLICY_LEN]; /* of the page */
	/* of who asks, one at a time */
	struct live_text {
		char *data; /* NULL: none yet */
		size_t len;
	} told, pods;
	int64_t told_us;      /* steady: when it was collected */
	uint64_t pods_number; /* current_number() before they were */
};

/** @ctx  a struct live_pages */
void live_pages_get(void *ctx, const struct web_request *request,
		    struct web_page *out);

void live_pages_release(struct live_pages *pages);

#endif
