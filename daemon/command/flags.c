/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/flags.h"

#include <getopt.h>
#include <stdio.h>

#include "command/command.h"
#include "command/usage.h"

#define FLAG_LEN 64

/* What getopt_long(3) returns; above all characters. */
enum { ID_HELP = 1000, ID_CHECK, ID_FIRST_SETTING };

/* Beside the settings: --help, --check, and what ends the list. */
#define N_OTHER 3

/* A setting that is not built may come with a value or without: it is refused
   either way. */
static void list_options(struct option options[SETTINGS_MAX + N_OTHER])
{
	const struct setting *setting;
	struct option *option = options;

	*option++ = (struct option){ "help", no_argument, NULL, ID_HELP };
	*option++ = (struct option){ "check", no_argument, NULL, ID_CHECK };
	for (int i = 0; (setting = setting_at((size_t)i)); i++)
		*option++ = (struct option){ setting->name, required_argument,
					     NULL, ID_FIRST_SETTING + i };
	*option = (struct option){ 0 };
}

/* From the first argument on, whatever has been read before. */
static void rewind_arguments(void)
{
	opterr = 0;
	optind = 0;
}

static bool is_asked(int argc, char **argv, int wanted)
{
	struct option options[SETTINGS_MAX + N_OTHER];
	int id;

	list_options(options);
	rewind_arguments();
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == wanted)
			return true;
	}
	return false;
}

bool flags_ask_help(int argc, char **argv)
{
	return is_asked(argc, argv, ID_HELP);
}

bool flags_ask_check(int argc, char **argv)
{
	return is_asked(argc, argv, ID_CHECK);
}

int flags_read(int argc, char **argv, struct settings *settings)
{
	struct option options[SETTINGS_MAX + N_OTHER];
	const struct setting *setting;
	char flag[FLAG_LEN];
	struct err err;
	int id;

	list_options(options);
	rewind_arguments();
	while ((id = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (id == ID_CHECK)
			continue;
		if (id < ID_FIRST_SETTING)
			return usage_bad_option("run", argc, argv);
		setting = setting_at((size_t)(id - ID_FIRST_SETTING));
		snprintf(flag, sizeof(flag), "--%s", setting->name);
		if (settings_take(settings, setting, SOURCE_COMMAND_LINE, flag,
				  optarg ? optarg : "", &err) < 0)
			return usage_error("run", "%s", err.message);
	}
	if (optind < argc)
		return usage_error("run", "'%s' is not expected here",
				   argv[optind]);
	return EXIT_OK;
}
