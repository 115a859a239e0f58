/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover/terms.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "datapath/iptables.h"

/* The option that says it, as far as there is one. */
static const struct {
	const char *key, *option;
	const char *unsaid; /* by a netpold that is too old to know of it */
} rows[N_TERMS] = {
	[TERM_NETWORK] = { "network-namespace", NULL, "none" },
	[TERM_MODE] = { "mode", "--mode", "enforce" },
	[TERM_NODE_NAME] = { "node-name", "--node-name", "none" },
	[TERM_QUEUE_BASE] = { "queue-base", "--queue-base", "none" },
	[TERM_WORKERS] = { "workers", "--workers", "none" },
	[TERM_MARK_MASK] = { "mark-mask", "--mark-mask", "none" },
	[TERM_IPTABLES] = { "iptables", "--iptables", "none" },
};

#define VALUE_LEN sizeof(((struct terms *)0)->values[0])

int terms_init(struct terms *terms,
	       const struct enforcement_options *enforcement,
	       enum iptables_flavour flavour, const char *node_name,
	       struct err *err)
{
	char(*values)[VALUE_LEN] = terms->values;
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return err_set(err, -errno,
			       "cannot see which network namespace this is: %s",
			       strerror(errno));
	snprintf(values[TERM_NETWORK], VALUE_LEN, "%ju", (uintmax_t)st.st_ino);
	snprintf(values[TERM_NODE_NAME], VALUE_LEN, "%s", node_name);
	snprintf(values[TERM_QUEUE_BASE], VALUE_LEN, "%u",
		 enforcement->queue_base);
	snprintf(values[TERM_WORKERS], VALUE_LEN, "%u", enforcement->n_workers);
	snprintf(values[TERM_MARK_MASK], VALUE_LEN, "%#x",
		 enforcement->mark_mask);
	snprintf(values[TERM_IPTABLES], VALUE_LEN, "%s",
		 iptables_flavour_name(flavour));
	snprintf(values[TERM_MODE], VALUE_LEN, "%s",
		 enforcement->audit ? "audit" : "enforce");
	return 0;
}

json_t *terms_to_json(const struct terms *terms)
{
	json_t *object = json_object();

	for (size_t i = 0; i < N_TERMS; i++) {
		if (json_object_set_new(object, rows[i].key,
					json_string(terms->values[i])) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static int refuse(const struct terms *terms, size_t i, const char *theirs,
		  struct err *err)
{
	if (i == TERM_NETWORK)
		return err_set(err, -EINVAL,
			       "another netpold listens there, which runs in "
			       "another network namespace: choose another path "
			       "with --status-socket");
	return err_set(err, -EINVAL,
		       "another netpold runs here with %s %s, and this one has "
		       "%.64s: two would fight, so stop that one first, or "
		       "give both the same",
		       rows[i].option, terms->values[i], theirs);
}

int terms_agree(const struct terms *terms, const json_t *theirs,
		struct err *err)
{
	for (size_t i = 0; i < N_TERMS; i++) {
		const char *value =
			json_string_value(json_object_get(theirs, rows[i].key));

		if (!value)
			value = rows[i].unsaid;
		if (strcmp(value, terms->values[i]) != 0)
			return refuse(terms, i, value, err);
	}
	return 0;
}
