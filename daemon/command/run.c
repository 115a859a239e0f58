/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "command/usage.h"
#include "controller.h"
#include "datapath/mark.h"
#include "log.h"
#include "privilege.h"

#define DEFAULT_QUEUE_BASE 17000
#define MAX_WORKERS 256

#define HOST_NAME_LEN 256

static const char help[] =
	"Usage: netpold run --manifests PATH [OPTION]...\n"
	"\n"
	"Enforce the NetworkPolicies found in PATH on the pods of this node, until\n"
	"SIGTERM. PATH is watched: a change is in force within a tenth of a second.\n"
	"A change with a mistake in it is refused as a whole, and what was in force\n"
	"stays in force.\n"
	"\n"
	"  --manifests PATH   file, or folder of .yaml, .yml and .json files, with\n"
	"                     Pods, Namespaces, Nodes and NetworkPolicies as\n"
	"                     `kubectl get -o yaml` prints them; repeatable\n"
	"  --node-name NAME   whose pods are local (default: $NODE_NAME, then the\n"
	"                     host name)\n"
	"  --workers N        queues and threads, one CPU each (default: one for\n"
	"                     each CPU)\n"
	"  --queue-base N     number of the first queue (default: 17000)\n"
	"  --mark-mask MASK   bits of packet and connection marks to use, at least\n"
	"                     four (default: 0x107f)\n"
	"  --iptables WHICH   auto, nft or legacy (default: auto, the one that the\n"
	"                     node uses already)\n"
	"\n"
	"Needs CAP_NET_ADMIN in the node's network namespace. When it stops, rules\n"
	"and sets stay and new flows pass unjudged; `netpold clean` removes them.\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 2 when it cannot start.\n"
	"\n"
	"Example:\n"
	"  kubectl get ns,pod,netpol,node -A -o yaml > dump/cluster.yaml\n"
	"  sudo netpold run --manifests dump/ --node-name node-1\n";

enum option_id {
	OPTION_HELP = 1,
	OPTION_IPTABLES,
	OPTION_MANIFESTS,
	OPTION_MARK_MASK,
	OPTION_NODE_NAME,
	OPTION_QUEUE_BASE,
	OPTION_WORKERS,
};

static const struct option options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "iptables", required_argument, NULL, OPTION_IPTABLES },
	{ "manifests", required_argument, NULL, OPTION_MANIFESTS },
	{ "mark-mask", required_argument, NULL, OPTION_MARK_MASK },
	{ "node-name", required_argument, NULL, OPTION_NODE_NAME },
	{ "queue-base", required_argument, NULL, OPTION_QUEUE_BASE },
	{ "workers", required_argument, NULL, OPTION_WORKERS },
	{ NULL, 0, NULL, 0 },
};

struct run_options {
	struct path_list manifests;
	struct controller_options controller;
	bool help;
};

static int read_option(struct run_options *run, int id, const char *value,
		       struct err *err)
{
	struct enforcement_options *enforcement = &run->controller.enforcement;
	uint64_t number = 0;
	int r = 0;

	switch (id) {
	case OPTION_HELP:
		run->help = true;
		return 0;
	case OPTION_IPTABLES:
		r = iptables_flavour_parse(value, &enforcement->flavour);
		return r < 0 ? err_set(err, r,
				       "--iptables: '%s' is none of auto, nft "
				       "and legacy",
				       value)
			     : 0;
	case OPTION_MANIFESTS:
		r = path_list_add(&run->manifests, value);
		return r < 0 ? err_set(err, r, "no memory") : 0;
	case OPTION_MARK_MASK:
		r = parse_number("--mark-mask", value, 1, UINT32_MAX, &number,
				 err);
		enforcement->mark_mask = (uint32_t)number;
		return r;
	case OPTION_NODE_NAME:
		run->controller.node_name = value;
		return 0;
	case OPTION_QUEUE_BASE:
		r = parse_number("--queue-base", value, 0, UINT16_MAX, &number,
				 err);
		enforcement->queue_base = (uint16_t)number;
		return r;
	case OPTION_WORKERS:
		r = parse_number("--workers", value, 1, MAX_WORKERS, &number,
				 err);
		enforcement->n_workers = (unsigned int)number;
		return r;
	}
	return err_set(err, -EINVAL, "unknown option");
}

/* What was not said on the command line. */
static int fill_in(struct run_options *run, char host_name[HOST_NAME_LEN],
		   struct err *err)
{
	struct enforcement_options *enforcement = &run->controller.enforcement;
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (run->manifests.n == 0)
		return err_set(err, -EINVAL,
			       "reading from an API server is not built yet: "
			       "name the objects with --manifests");
	run->controller.paths = run->manifests.items;
	run->controller.n_paths = run->manifests.n;
	if (!run->controller.node_name)
		run->controller.node_name = getenv("NODE_NAME");
	if (!run->controller.node_name) {
		gethostname(host_name, HOST_NAME_LEN - 1);
		run->controller.node_name = host_name;
	}
	if (enforcement->n_workers == 0)
		enforcement->n_workers = n_cpus < 1 ? 1
					 : n_cpus > MAX_WORKERS
						 ? MAX_WORKERS
						 : (unsigned int)n_cpus;
	if (enforcement->queue_base + enforcement->n_workers - 1 > UINT16_MAX)
		return err_set(err, -EINVAL,
			       "--queue-base %u: %u workers need queues up to "
			       "%u, and 65535 is the last",
			       enforcement->queue_base, enforcement->n_workers,
			       enforcement->queue_base +
				       enforcement->n_workers - 1);
	return 0;
}

static void run_options_release(struct run_options *run)
{
	path_list_release(&run->manifests);
}

int command_run(int argc, char **argv)
{
	CLEANUP(run_options_release) struct run_options run = {
		.controller.enforcement = {
			.queue_base = DEFAULT_QUEUE_BASE,
			.mark_mask = MARK_DEFAULT_MASK,
		},
	};
	char host_name[HOST_NAME_LEN] = "";
	struct err err;
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == '?' || id == ':')
			return usage_bad_option("run", argc, argv);
		if (read_option(&run, id, optarg, &err) < 0)
			return usage_error("run", "%s", err.message);
	}
	if (run.help) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (optind < argc)
		return usage_error("run", "'%s' is not expected here",
				   argv[optind]);
	if (fill_in(&run, host_name, &err) < 0)
		return usage_error("run", "%s", err.message);
	if (privilege_check("run", &err) < 0 ||
	    controller_run(&run.controller, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
