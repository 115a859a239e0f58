/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/usage.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"

int path_list_add(struct path_list *list, const char *path)
{
	const char **grown;

	grown = reallocarray(list->items, list->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->n++] = path;
	return 0;
}

void path_list_release(struct path_list *list)
{
	free(list->items);
	*list = (struct path_list){ 0 };
}

int parse_number(const char *what, const char *text, uint64_t min, uint64_t max,
		 uint64_t *out, struct err *err)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < min ||
	    value > max)
		return err_set(err, -EINVAL,
			       "%s: '%s' is not a number between %llu and "
			       "%llu",
			       what, text, (unsigned long long)min,
			       (unsigned long long)max);
	*out = value;
	return 0;
}

int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "netpold: error: %s: ", command);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; see `netpold %s --help`\n", command);
	return EXIT_TROUBLE;
}

int usage_bad_option(const char *command, int argc, char **argv)
{
	int at = optind > 0 && optind <= argc ? optind - 1 : 0;

	return usage_error(command,
			   "'%s' is no option here, or lacks its value",
			   argv[at]);
}
