/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "build_facts.h"
#include "command/command.h"

static const char help[] =
	"Usage: netpold COMMAND [ARGUMENT]...\n"
	"\n"
	"Kubernetes NetworkPolicy: enforce it on a node, or try it out offline.\n"
	"\n"
	"On a node (root):\n"
	"  run      enforce policies on this node's pods\n"
	"  status   say how the netpold that runs here stands\n"
	"  top      show what is judged just now\n"
	"  wait     wait until a policy is in force on this node\n"
	"  pause    let everything pass on this node for a while\n"
	"  clean    remove every trace of netpold from this node\n"
	"\n"
	"Anywhere:\n"
	"  check    say what is wrong with manifests, as the API server would\n"
	"  diff     say which connections open or close between two sets of manifests\n"
	"  explain  say whether a flow may pass, and why\n"
	"  matrix   say who may reach whom, on which ports\n"
	"  replay   say what policies make of the packets in a capture\n"
	"  suggest  write the policies that allow what was seen\n"
	"  test     say whether policies do what their tests expect\n"
	"\n"
	"  netpold COMMAND --help tells more; netpold --version which one this is.\n"
	"\n"
	"Exit status of every command: 0 success; 1 a negative answer; 2 wrong usage\n"
	"or trouble.\n";

/* clang-format off */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "check", command_check },
	{ "clean", command_clean },
	{ "diff", command_diff },
	{ "explain", command_explain },
	{ "matrix", command_matrix },
	{ "pause", command_pause },
	{ "replay", command_replay },
	{ "run", command_run },
	{ "status", command_status },
	{ "suggest", command_suggest },
	{ "test", command_test },
	{ "top", command_top },
	{ "wait", command_wait },
};
/* clang-format on */

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs(help, stderr);
		return EXIT_TROUBLE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0)
		return build_facts_print(stdout) < 0 ? EXIT_TROUBLE : EXIT_OK;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr,
		"netpold: '%s' is no command of this version; see `netpold "
		"--help`\n",
		argv[1]);
	return EXIT_TROUBLE;
}
