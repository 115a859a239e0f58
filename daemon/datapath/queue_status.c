/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/queue_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line of nfnetlink_queue.c, seq_show():
 *
 *	17000  41234     3 2   512     0     7       81  1
 *	number portid waiting mode range dropped user_dropped last_id 1
 */
bool queue_status_parse(const char *line, uint16_t *number,
			struct queue_status *out)
{
	struct queue_status status = { .known = true };
	unsigned long values[8];
	const char *p = line;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char *end;

		/* strtoul(3) takes signs, too. */
		p += strspn(p, " ");
		if (*p < '0' || *p > '9')
			return false;
		errno = 0;
		values[i] = strtoul(p, &end, 10);
		if (errno || values[i] > UINT32_MAX ||
		    (*end != ' ' && *end != '\n' && *end != '\0'))
			return false;
		p = end;
	}
	if (values[0] > UINT16_MAX)
		return false;
	*number = (uint16_t)values[0];
	status.waiting = (uint32_t)values[2];
	status.dropped = (uint32_t)values[5];
	status.user_dropped = (uint32_t)values[6];
	status.last_id = (uint32_t)values[7];
	*out = status;
	return true;
}

int queue_status_read(const char *path, uint16_t base,
		      struct queue_status *queues, size_t n)
{
	char line[256];
	FILE *list;
	int r = 0;

	memset(queues, 0, n * sizeof(*queues));
	list = fopen(path, "re");
	if (!list)
		return -errno;
	/* Longer lines than the kernel writes fall apart into lines that are
	   none. */
	while (fgets(line, sizeof(line), list)) {
		struct queue_status status;
		uint16_t number;

		if (queue_status_parse(line, &number, &status) &&
		    number >= base && number - base < (int)n)
			queues[number - base] = status;
	}
	if (ferror(list)) {
		memset(queues, 0, n * sizeof(*queues));
		r = -EIO;
	}
	fclose(list);
	return r;
}
