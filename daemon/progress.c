/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_MS = 1000,
	AGAIN_MS = 100,
};

/* Back to the beginning of the line, and wipe what stands there. */
#define WIPE "\r\033[K"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
	*progress = (struct progress){ .is_on = isatty(STDERR_FILENO) };
	if (progress->is_on)
		progress->next_ms = now_ms() + FIRST_MS;
}

/* Whether it is time to write again. */
static bool is_due(struct progress *progress)
{
	int64_t now;

	if (!progress->is_on)
		return false;
	now = now_ms();
	if (now < progress->next_ms)
		return false;
	progress->next_ms = now + AGAIN_MS;
	progress->is_shown = true;
	return true;
}

void progress_tell(struct progress *progress, size_t n, const char *what)
{
	if (!is_due(progress))
		return;
	fprintf(stderr, WIPE "netpold: %zu %s", n, what);
	fflush(stderr);
}

void progress_tell_part(struct progress *progress, size_t n, const char *what,
			double part)
{
	static const char bar[] = "##############################";
	const int width = (int)sizeof(bar) - 1;
	int done;

	if (part < 0) {
		progress_tell(progress, n, what);
		return;
	}
	if (!is_due(progress))
		return;
	done = (int)(part * width);
	fprintf(stderr, WIPE "netpold: [%-*.*s] %3d%%  %zu %s", width, done,
		bar, (int)(part * 100), n, what);
	fflush(stderr);
}

void progress_hide(struct progress *progress)
{
	if (!progress->is_shown)
		return;
	progress->is_shown = false;
	fputs(WIPE, stderr);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	progress_hide(progress);
	*progress = (struct progress){ 0 };
}
