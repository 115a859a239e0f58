/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "command/usage.h"
#include "datapath/recall.h"
#include "datapath/divert.h"
#include "datapath/mark.h"
#include "datapath/rules.h"
#include "datapath/sweep.h"
#include "instance.h"
#include "log.h"
#include "pause.h"
#include "privilege.h"
#include "source/warm_file.h"
#include "state_file.h"

static const char help[] =
	"Usage: netpold clean [--mark-mask MASK] [--state-dir DIR]\n"
	"\n"
	"Remove every trace of netpold from this network namespace: the jumps and\n"
	"chains NETPOLD… in the mangle table of both iptables flavours, the sets\n"
	"netpold-…, and netpold's bits in the marks of open connections; and what\n"
	"netpold has kept in DIR. Nothing that is not netpold's is touched. Stop\n"
	"netpold first.\n"
	"\n"
	"  --mark-mask MASK   as given to `netpold run` (default: 0x107f)\n"
	"  --state-dir DIR    as given to `netpold run` (default:\n"
	"                     " STATE_FILE_DIR ")\n"
	"\n"
	"Needs CAP_NET_ADMIN and CAP_NET_RAW. Exit status: 0 when nothing is left,\n"
	"2 on trouble.\n";

/* Sets are free once no rule names them. */
static int clean(uint32_t mask, struct err *err)
{
	struct mark_layout marks;
	struct sweep *sweep;
	int r;

	r = mark_layout_init(&marks, mask, err);
	if (r < 0)
		return r;
	for (int i = IPTABLES_NFT; i <= IPTABLES_LEGACY; i++) {
		r = rules_remove(i, err);
		if (r < 0)
			return r;
	}
	r = divert_destroy_sets(err);
	if (r == 0)
		r = recall_destroy_sets(err);
	if (r < 0)
		return r;
	r = sweep_open(&sweep, &marks, err);
	if (r < 0)
		return r;
	r = sweep_clear(sweep, err);
	sweep_close(sweep);
	return r;
}

/* The folder, too, where nothing else is in it. */
static int forget(const char *folder, struct err *err)
{
	int r = *folder ? pause_forget(folder, err) : 0;

	if (r == 0 && *folder)
		r = warm_file_remove(folder, err);
	if (r == 0)
		rmdir(folder);
	return r;
}

/* Not under a running netpold, which would go on believing that it enforces. */
static int clean_alone(uint32_t mask, const char *folder, struct err *err)
{
	int lock = instance_lock(err), r;

	if (lock < 0)
		return lock;
	r = clean(mask, err);
	if (r == 0)
		r = forget(folder, err);
	close(lock);
	return r;
}

int command_clean(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "mark-mask", required_argument, NULL, 'm' },
		{ "state-dir", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	const char *folder = STATE_FILE_DIR;
	uint64_t mask = MARK_DEFAULT_MASK;
	struct err err;
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (id != 'm' && id != 's')
			return usage_bad_option("clean", argc, argv);
		if (id == 's')
			folder = optarg;
		else if (parse_number("--mark-mask", optarg, 1, UINT32_MAX,
				      &mask, &err) < 0)
			return usage_error("clean", "%s", err.message);
	}
	if (optind < argc)
		return usage_error("clean", "'%s' is not expected here",
				   argv[optind]);
	signal(SIGPIPE, SIG_IGN);
	if (privilege_check("clean", &err) < 0 ||
	    clean_alone((uint32_t)mask, folder, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
