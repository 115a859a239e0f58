/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_read.h"

#include <errno.h>
#include <poll.h>

#include "kube/kube_source.h"

/* What the source has to do of itself is on its descriptor; this is for a
   server that has failed, so that nobody waits until it is asked again. */
enum { LOOK_MS = 1000 };

static int await(struct kube_source *source, struct err *err)
{
	struct pollfd fd = { .fd = kube_source_fd(source), .events = POLLIN };

	for (;;) {
		const char *trouble;

		kube_source_work(source);
		if (kube_source_is_synced(source))
			return 0;
		trouble = kube_source_trouble(source);
		if (trouble)
			return err_set(err, -EIO, "cannot read from %s: %s",
				       kube_source_name(source), trouble);
		poll(&fd, 1, LOOK_MS);
	}
}

int kube_read(const struct kube_choice *choice, finding_fn report,
	      void *report_ctx, struct cluster **out, struct err *err)
{
	const struct kube_source_options options = {
		.choice = *choice,
		.is_asked_once = true,
		.report = report,
		.report_ctx = report_ctx,
	};
	struct kube_source *source;
	int r = kube_source_open(&options, &source, err);

	if (r < 0)
		return r;
	r = await(source, err);
	if (r == 0)
		*out = kube_source_leave(source);
	kube_source_close(source);
	return r;
}
