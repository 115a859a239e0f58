/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_UNREADABLE_H
#define NETPOLD_DAEMON_KUBE_UNREADABLE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The objects of one resource that an API server has and that nobody here can
 * read in full, as one with a field of a later version: what counts is a part
 * of it that allows less, or what was known of it before, or nothing. That must
 * not be silent (L23).
 *
 * A plain value that owns its strings; all-zero is empty. There are as many as
 * the server has of them, and few on any day but a bad one.
 */
struct unreadable {
	struct unreadable_name {
		char *namespace; /* "" where it has none */
		char *name;
	} * names; /* in order */
	size_t n;
	size_t capacity;
};

/** It cannot be read in full. 0, also where that is known; -ENOMEM. */
int unreadable_put(struct unreadable *set, const char *namespace,
		   const char *name);

/** It can, or it is gone. */
void unreadable_drop(struct unreadable *set, const char *namespace,
		     const char *name);

void unreadable_clear(struct unreadable *set);

/** Take over all of another one, which is empty then. */
void unreadable_move(struct unreadable *to, struct unreadable *from);

/** Put all of another one. 0; -ENOMEM, with some of it done. */
int unreadable_add(struct unreadable *to, const struct unreadable *from);

bool unreadable_has(const struct unreadable *set, const char *namespace,
		    const char *name);

/** Whether all of @part is in @set. */
bool unreadable_has_all(const struct unreadable *set,
			const struct unreadable *part);

#endif
