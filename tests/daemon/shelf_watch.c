/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shelf_watch.h"

#include "netpold/manifest.h"

size_t n_manifests_opened;
time_t clock_ahead_s;

int __real_manifest_open(const struct manifest_options *options,
			 struct manifest **out);
int __wrap_manifest_open(const struct manifest_options *options,
			 struct manifest **out);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_manifest_open(const struct manifest_options *options,
			 struct manifest **out)
{
	n_manifests_opened++;
	return __real_manifest_open(options, out);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int r = __real_clock_gettime(clock, now);

	now->tv_sec += clock_ahead_s;
	return r;
}

void wait_a_tick(void)
{
	struct timespec then, now;

	__real_clock_gettime(CLOCK_REALTIME_COARSE, &then);
	do {
		__real_clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec);
}
