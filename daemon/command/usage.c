/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/usage.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/command.h"

int path_list_add(struct path_list *list, const char *path)
{
	size_t n = list->n;
	const char **grown;

	/* There is room for the next power of two. */
	if ((n & (n - 1)) == 0) {
		grown = reallocarray(list->items, n ? 2 * n : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
	}
	list->items[list->n++] = path;
	return 0;
}

void path_list_release(struct path_list *list)
{
	free(list->items);
	*list = (struct path_list){ 0 };
}

/* strtoull(3) would also take spaces, signs, and 010 for eight. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	bool hex = strncasecmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t len =
		strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long long value;

	if (len == 0 || digits[len] != '\0')
		return false;
	errno = 0;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno || value < min || value > max)
		return false;
	*out = value;
	return true;
}

int parse_number(const char *what, const char *text, uint64_t min, uint64_t max,
		 uint64_t *out, struct err *err)
{
	if (number_parse(text, min, max, out))
		return 0;
	return err_set(err, -EINVAL,
		       "%s: expected a number from %llu to %llu, found '%s'",
		       what, (unsigned long long)min, (unsigned long long)max,
		       text);
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
