/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/grouping.h"

#include <string.h>

#include "command/command.h"
#include "command/usage.h"
#include "progress.h"

static const char *const names[] = {
	[GRID_BY_WORKLOAD] = "workload",
	[GRID_BY_POD] = "pod",
	[GRID_BY_NAMESPACE] = "namespace",
};

const char *grouping_name(enum grid_by by)
{
	return names[by];
}

int grouping_read(const char *command, const char *text, enum grid_by *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = i;
			return EXIT_OK;
		}
	}
	return usage_error(command,
			   "--by: '%s' is none of pod, workload and namespace",
			   text);
}

void grouping_tell_asked(void *ctx, size_t n_asked)
{
	progress_tell(ctx, n_asked, "destinations asked");
}
