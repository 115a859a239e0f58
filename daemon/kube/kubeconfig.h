/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_KUBECONFIG_H
#define NETPOLD_DAEMON_KUBE_KUBECONFIG_H

#include <stddef.h>

#include "netpold/err.h"

#include "kube/access.h"

/**
 * What kubeconfig files say (API-63): clusters, users, and contexts that put
 * one of each together.
 *
 *	current-context: lab
 *	contexts: [ { name: lab, context: { cluster: lab, user: me } } ]
 *	clusters: [ { name: lab, cluster: { server: "https://…:6443" } } ]
 *	users: [ { name: me, user: { token: … } } ]
 *
 * Of several files the first one that names a thing wins, all of it: what a
 * later one says of the same cluster is not looked at, nor mixed in.
 *
 * Files are untrusted as to their form: at most KUBECONFIG_MAX_SIZE bytes, at
 * most KUBECONFIG_MAX_ENTRIES things, and no aliases, so that reading takes a
 * bounded time. What nobody here asks for is passed over, as kubectl does.
 *
 * All-zero is one without any file.
 */
#define KUBECONFIG_MAX_SIZE (4 << 20)
#define KUBECONFIG_MAX_ENTRIES 4096

enum kubeconfig_section {
	KUBECONFIG_CLUSTER,
	KUBECONFIG_CONTEXT,
	KUBECONFIG_USER,
};

struct kubeconfig_value {
	struct kubeconfig_value *next;
	const char *field; /* "server"; "exec", too, with an empty text */
	char *text;
	unsigned int line;
};

struct kubeconfig_entry {
	struct kubeconfig_entry *next; /* in the order of the files */
	enum kubeconfig_section section;
	char *name;
	const char *file;
	unsigned int line;
	struct kubeconfig_value *values;
};

struct kubeconfig {
	struct kubeconfig_entry *entries, **end;
	size_t n_entries;
	char *current_context;
	const char *current_file; /* where that stands */
	unsigned int current_line;
	struct kubeconfig_file *files; /* keeps their names */
};

/**
 * Read one more file.
 *
 * Returns  0; -ENOENT where there is none; another negative errno; with a
 *          message. After a failure there is only kubeconfig_release().
 */
int kubeconfig_read(struct kubeconfig *config, const char *path,
		    struct err *err);

/** The same for a text in memory; @path is absolute. */
int kubeconfig_parse(struct kubeconfig *config, const char *path,
		     const char *text, size_t len, struct err *err);

/** All-zero is fine. */
void kubeconfig_release(struct kubeconfig *config);

/** The one that was read first, or NULL. */
const char *kubeconfig_file(const struct kubeconfig *config);

/** "cluster", "context", "user" */
const char *kubeconfig_section_name(enum kubeconfig_section section);

/** NULL where there is none. */
const struct kubeconfig_entry *kubeconfig_find(const struct kubeconfig *config,
					       enum kubeconfig_section section,
					       const char *name);

/** NULL where it is absent, null or empty. */
const struct kubeconfig_value *
kubeconfig_get(const struct kubeconfig_entry *entry, const char *field);

/**
 * The way that the current context names.
 *
 * @out  to be released where it succeeds
 *
 * Returns  0, -EINVAL or -ENOMEM, with a message.
 */
int kubeconfig_access(const struct kubeconfig *config, struct kube_access *out,
		      struct err *err);

#endif
