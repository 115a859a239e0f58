/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netpold keeps follows from its options: daemon/README.md, "What is left
 * to it", has the table.
 */
#include "controller_parts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "netpold/cleanup.h"
#include "netpold/err.h"

#include "confine.h"
#include "controller.h"
#include "datapath/iptables.h"
#include "fault.h"
#include "flowlog/flow_target.h"
#include "observe/web_address.h"
#include "observe/web_options.h"
#include "privilege.h"
#include "process.h"

static bool is_path(const char *path)
{
	return path && *path;
}

/* Whoever names files may mean some that root reads as anybody's: a folder at
   home. The cluster that this is a pod of names none. */
static bool reads_any(const struct controller_options *options)
{
	const struct web_options *web = &options->web;

	return options->n_paths > 0 || options->cluster.kubeconfig ||
	       !getenv("KUBERNETES_SERVICE_HOST") || is_path(web->tls_cert) ||
	       is_path(web->token_file);
}

/* Standard output is opened anew (flow_stream.c), and may be a user's pipe. */
static bool writes_any(const struct controller_options *options)
{
	const struct flow_target *log = &options->flow_log.target;
	const char *const paths[] = {
		options->status_socket,
		options->state_dir,
		log->kind == FLOW_TARGET_STDOUT ? "/proc/self/fd/1" : log->path,
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (is_path(paths[i]) && !privilege_owns(paths[i]))
			return true;
	}
	return false;
}

void controller_load_tables(const struct controller_options *options)
{
	static const char *const argv[] = { "modprobe", "-aq", "ip_tables",
					    "ip6_tables", NULL };
	CLEANUP(process_result_release) struct process_result result = { 0 };
	struct err err;

	/* Tables and matches the kernel loads by itself, whoever asks. */
	if (options->enforcement.flavour != IPTABLES_NFT)
		process_run(argv, NULL, &result, &err);
}

int controller_give_up(const struct controller_options *options, pid_t helper,
		       struct err *err)
{
	const struct web_options *web = &options->web;
	const struct privilege_needs needs = {
		.raw = options->enforcement.reject,
		.reads_any = reads_any(options),
		.writes_any = writes_any(options),
		.binds_low = web_address_is_low(&web->address) ||
			     web_address_is_low(&web->page_address),
	};
	int r = privilege_limit(&needs, err);

	if (r == 0)
		r = confine_process(helper, err);
	fault_breach("control");
	return r;
}
