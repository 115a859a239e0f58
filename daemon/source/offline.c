/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/offline.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "netpold/snapshot.h"

/* ---- counting ----------------------------------------------------------- */

static bool has_own_address(const struct snapshot *snapshot,
			    const struct pod *pod)
{
	for (size_t i = 0; i < pod->n_addresses; i++) {
		const struct pod *holder =
			snapshot_pod_by_address(snapshot, &pod->addresses[i]);

		if (holder && strcmp(holder->namespace, pod->namespace) == 0 &&
		    strcmp(holder->name, pod->name) == 0)
			return true;
	}
	return false;
}

static int count_pod(void *ctx, const struct object *object)
{
	struct offline *offline = ctx;
	const struct pod *pod = &object->pod;

	if (pod->finished)
		return 0;
	if (pod->host_network)
		offline->n_on_host++;
	else if (pod->n_addresses == 0)
		offline->n_without_address++;
	else if (has_own_address(offline->snapshot, pod))
		offline->n_pods++;
	else if (offline->n_displaced++ < OFFLINE_MAX_DISPLACED)
		offline->displaced[offline->n_displaced - 1] = pod;
	return 0;
}

static void count(struct offline *offline)
{
	struct snapshot_counts counts = snapshot_counts(offline->snapshot);

	offline->n_policies = counts.policies;
	offline->n_staged = counts.staged_policies;
	cluster_each(offline->cluster, OBJECT_POD, count_pod, offline);
}

static void write_pods(FILE *out, size_t n)
{
	fprintf(out, "%zu %s", n, n == 1 ? "pod" : "pods");
}

static void write_displaced(FILE *out, const struct offline *offline)
{
	for (size_t i = 0;
	     i < offline->n_displaced && i < OFFLINE_MAX_DISPLACED; i++)
		fprintf(out, "%s%s/%s", i > 0 ? ", " : ": ",
			offline->displaced[i]->namespace,
			offline->displaced[i]->name);
	if (offline->n_displaced > OFFLINE_MAX_DISPLACED)
		fprintf(out, " and %zu more",
			offline->n_displaced - OFFLINE_MAX_DISPLACED);
}

void offline_write_left_out(FILE *out, const struct offline *offline,
			    const char *where)
{
	if (offline->n_staged)
		fprintf(out,
			"%zu staged %s left out%s: --staged judges as if they "
			"were enforced\n",
			offline->n_staged,
			offline->n_staged == 1 ? "policy" : "policies", where);
	if (offline->n_without_address) {
		write_pods(out, offline->n_without_address);
		fprintf(out, " without an address left out%s\n", where);
	}
	if (offline->n_displaced) {
		write_pods(out, offline->n_displaced);
		fprintf(out,
			" whose address is another pod's or the node's left "
			"out%s",
			where);
		write_displaced(out, offline);
		fputc('\n', out);
	}
}

/* ---- compiling ---------------------------------------------------------- */

int offline_compile(struct cluster *cluster, bool enforce_staged,
		    struct offline *out, struct err *err)
{
	struct snapshot_options everywhere = {
		.node_name = NULL,
		.enforce_staged = enforce_staged,
	};
	int r;

	*out = (struct offline){ .cluster = cluster };
	if (getrandom(everywhere.hash_key, sizeof(everywhere.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	r = snapshot_compile(cluster, &everywhere, &out->snapshot, err);
	if (r == 0)
		count(out);
	return r;
}

void offline_release(struct offline *offline)
{
	snapshot_free(offline->snapshot);
	cluster_free(offline->cluster);
	*offline = (struct offline){ 0 };
}
