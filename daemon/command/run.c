/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#include "command/config.h"
#include "command/environment.h"
#include "command/flags.h"
#include "command/settings.h"
#include "command/usage.h"
#include "controller.h"
#include "log.h"
#include "privilege.h"
#include "probe.h"

/* ---- help ---------------------------------------------------------------- */

static const char help_before[] =
	"Usage: netpold run [OPTION]...\n"
	"       netpold run --manifests PATH [OPTION]...\n"
	"\n"
	"Enforce the NetworkPolicies of a cluster on the pods of this node, until\n"
	"SIGTERM: those that its API server has, or those found in PATH. Either is\n"
	"watched: a change is in force within a tenth of a second. A change of PATH\n"
	"with a mistake in it is refused as a whole, and what was in force stays in\n"
	"force, as it does while the API server is away. Where netpold runs already,\n"
	"the new one takes over.\n"
	"\n";

static const char help_check[] =
	"  --check              do not run: say what a run would find missing on\n"
	"                       this node, and who else uses its marks; settings\n"
	"                       for bridges depend on the pods, and are not seen\n";

static const char help_after[] =
	"\n"
	"Each option but --config and --check is also a key of FILE (queue-base: 17000;\n"
	"manifests may be a list), and each is a variable (NETPOLD_QUEUE_BASE;\n"
	"NETPOLD_MANIFESTS with colons between paths). The command line counts\n"
	"before the environment, and that before FILE.\n"
	"\n"
	"Needs CAP_NET_ADMIN and CAP_NET_RAW in the node's network namespace. When\n"
	"it stops, rules and sets stay and new flows pass unjudged; `netpold clean`\n"
	"removes them.\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, or when another netpold has taken\n"
	"over, 2 when it cannot start, or could not (--check), or has lost the process\n"
	"that runs iptables for it, and is to be started again.\n"
	"\n"
	"Examples:\n"
	"  sudo netpold run --kubeconfig admin.conf --node-name node-1\n"
	"  kubectl get ns,pod,netpol,node -A -o yaml > dump/cluster.yaml\n"
	"  sudo netpold run --manifests dump/ --node-name node-1\n"
	"  sudo netpold run --mode=audit --kubeconfig admin.conf\n";

#define HELP_WIDTH 78
#define HELP_COLUMN 24 /* where the text of an option begins */
#define HELP_TEXT_LEN 512

/* Words, broken into lines; the first is continued at @column. */
static void print_words(const char *text, int column)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + 1 + len > HELP_WIDTH) {
			printf("\n%*s", HELP_COLUMN - 1, "");
			column = HELP_COLUMN - 1;
		}
		column += printf(" %.*s", len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void print_setting(const struct setting *setting)
{
	bool has_default = setting->fallback && *setting->fallback;
	char text[HELP_TEXT_LEN];
	int column;

	snprintf(text, sizeof(text), "%s%s%s%s", setting->help,
		 has_default ? " (default: " : "",
		 has_default ? setting->fallback : "", has_default ? ")" : "");
	column = printf("  --%s %s", setting->name, setting->argument);
	column += printf("%*s", HELP_COLUMN - 1 - column, "");
	print_words(text, column);
}

static void print_help(void)
{
	const struct setting *setting;

	fputs(help_before, stdout);
	for (size_t i = 0; (setting = setting_at(i)); i++)
		print_setting(setting);
	fputs(help_check, stdout);
	fputs(help_after, stdout);
}

/* ---- the command --------------------------------------------------------- */

/* Which file to read is itself a setting: it comes last. */
static int read_settings(int argc, char **argv, struct settings *settings)
{
	struct err err;
	int status;

	if (settings_init(settings, &err) < 0)
		return usage_error("run", "%s", err.message);
	status = flags_read(argc, argv, settings);
	if (status != EXIT_OK)
		return status;
	if (environment_read(environ, settings, &err) < 0 ||
	    config_read(settings, &err) < 0 ||
	    settings_complete(settings, &err) < 0)
		return usage_error("run", "%s", err.message);
	return EXIT_OK;
}

static void print_finding(void *ctx, const struct finding *finding)
{
	static const char *const words[] = {
		[FINDING_GOOD] = "good",
		[FINDING_WARNING] = "warning",
		[FINDING_MISSING] = "missing",
	};
	bool *missing = ctx;

	printf("%-8s %s\n", words[finding->kind], finding->text);
	*missing |= finding->kind == FINDING_MISSING;
}

static int check_node(const struct controller_options *options)
{
	bool missing = false;

	probe_node(&options->enforcement, print_finding, &missing);
	if (options->flow_log.with_ends)
		probe_ends(print_finding, &missing);
	if (options->seccomp)
		probe_filters(print_finding, &missing);
	return missing ? EXIT_TROUBLE : EXIT_OK;
}

int command_run(int argc, char **argv)
{
	CLEANUP(settings_release) struct settings settings = { 0 };
	struct err err;

	if (flags_ask_help(argc, argv)) {
		print_help();
		return EXIT_OK;
	}
	if (read_settings(argc, argv, &settings) != EXIT_OK)
		return EXIT_TROUBLE;
	if (privilege_check("run", &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	if (flags_ask_check(argc, argv))
		return check_node(&settings.controller);
	if (controller_run(&settings.controller, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_TROUBLE;
	}
	return EXIT_OK;
}
