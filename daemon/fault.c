/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The value of "name=" in FAULT_POINTS; NULL where it is not there. */
static const char *find(const char *name)
{
	const char *points = getenv("FAULT_POINTS");
	size_t len = strlen(name);

	while (points && *points) {
		if (strncmp(points, name, len) == 0 && points[len] == '=')
			return points + len + 1;
		points = strchr(points, ',');
		points += points != NULL;
	}
	return NULL;
}

void fault_delay(const char *point)
{
	const char *ms = find(point);
	struct timespec delay;

	if (!ms)
		return;
	delay.tv_sec = strtol(ms, NULL, 10) / 1000;
	delay.tv_nsec = strtol(ms, NULL, 10) % 1000 * 1000000;
	nanosleep(&delay, NULL);
}

bool fault_stands(const char *guard)
{
	const char *missing = find("without");

	return !missing || strncmp(missing, guard, strlen(guard)) != 0;
}

void fault_strike(const char *step)
{
	const char *how = find(step);

	if (how && strncmp(how, "kill", strlen("kill")) == 0)
		kill(getpid(), SIGKILL);
	if (how && strncmp(how, "stop", strlen("stop")) == 0)
		kill(getpid(), SIGSTOP);
}

unsigned int fault_number(const char *name, unsigned int otherwise)
{
	const char *number = find(name);

	return number ? (unsigned int)strtoul(number, NULL, 10) : otherwise;
}
