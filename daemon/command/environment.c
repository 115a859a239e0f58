/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netpold/cleanup.h"

#define PREFIX "NETPOLD_"
#define NAME_LEN 128 /* longer ones are cut, and are none of ours */

static const struct setting *find_setting(const char *name)
{
	const struct setting *setting;
	char ours[SETTING_VARIABLE_LEN];

	for (size_t i = 0; (setting = setting_at(i)); i++) {
		if (strcmp(setting_variable(setting, ours), name) == 0)
			return setting;
	}
	return NULL;
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* NETPOLD_SERVICE_HOST, …_SERVICE_PORT, …_SERVICE_PORT_HTTP, …_PORT,
   …_PORT_9100_TCP, …_PORT_9100_TCP_ADDR: what Kubernetes tells of Services. No
   setting of ours may have such a name. */
static bool is_service_link(const char *name)
{
	const char *port = strstr(name, "_PORT_");

	return ends_with(name, "_SERVICE_HOST") || ends_with(name, "_PORT") ||
	       strstr(name, "_SERVICE_PORT_") ||
	       (port && isdigit((unsigned char)port[strlen("_PORT_")]));
}

static void free_copy(char **copy)
{
	free(*copy);
}

static int take_paths(struct settings *settings, const struct setting *setting,
		      const char *name, const char *value, struct err *err)
{
	CLEANUP(free_copy) char *copy = strdup(value);
	char *rest = copy, *path;
	int r = copy ? 0 : err_set(err, -ENOMEM, "no memory for settings");

	while (r == 0 && (path = strsep(&rest, ":")))
		r = settings_take(settings, setting, SOURCE_ENVIRONMENT, name,
				  path, err);
	return r;
}

static int take(struct settings *settings, const char *name, const char *value,
		struct err *err)
{
	const struct setting *setting = find_setting(name);
	char quoted[SETTING_QUOTE_LEN];

	if (!setting && is_service_link(name))
		return 0;
	if (!setting)
		return err_set(err, -EINVAL,
			       "%s: expected the name of a setting after "
			       "%s, found none",
			       setting_quote(name, quoted), PREFIX);
	if (setting->type == SETTING_PATHS)
		return take_paths(settings, setting, name, value, err);
	return settings_take(settings, setting, SOURCE_ENVIRONMENT, name, value,
			     err);
}

int environment_read(char *const *variables, struct settings *settings,
		     struct err *err)
{
	for (; *variables; variables++) {
		const char *equals = strchr(*variables, '=');
		char name[NAME_LEN];
		int r;

		if (!equals || strncmp(*variables, PREFIX, strlen(PREFIX)) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(equals - *variables),
			 *variables);
		r = take(settings, name, equals + 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}
