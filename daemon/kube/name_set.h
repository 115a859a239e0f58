/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_NAME_SET_H
#define NETPOLD_DAEMON_KUBE_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The names of objects that an API server has and that do not decide here, or
 * not in full: those with a field that nobody here can read (what counts is a
 * part of it that allows less, or what was known of it before, or nothing), and
 * those of a kind that is not enforced. Neither must be silent (L23).
 *
 * A plain value that owns its strings; all-zero is empty. There are as many as
 * the server has of them, and few on any day but a bad one.
 */
struct name_set {
	struct object_name {
		char *namespace; /* "" where it has none */
		char *name;
	} * names; /* in order */
	size_t n;
	size_t capacity;
};

/** 0, also where it is there already; -ENOMEM. */
int name_set_put(struct name_set *set, const char *namespace, const char *name);

/** Nothing where it is not there. */
void name_set_drop(struct name_set *set, const char *namespace,
		   const char *name);

void name_set_clear(struct name_set *set);

/** Take over all of another one, which is empty then. */
void name_set_move(struct name_set *to, struct name_set *from);

/** Put all of another one. 0; -ENOMEM, with some of it done. */
int name_set_add(struct name_set *to, const struct name_set *from);

bool name_set_has(const struct name_set *set, const char *namespace,
		  const char *name);

/** Whether all of @part is in @set. */
bool name_set_has_all(const struct name_set *set, const struct name_set *part);

#endif
