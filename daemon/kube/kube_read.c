/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kube_read.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "kube/kube_source.h"
#include "log.h"

/* What the source has to do of itself is on its descriptor; this is for a
   server that has failed, so that nobody waits until it is asked again. */
enum { LOOK_MS = 1000 };

/* A list comes object by object; to wake for each would cost more than the
   object. */
enum { NAP_MS = 5 };

static void tell(const struct kube_reading *reading,
		 const struct kube_source *source)
{
	const struct cluster *cluster = kube_source_cluster(source);
	size_t n = 0;

	if (!reading->tell)
		return;
	for (int kind = 0; kind < N_OBJECT_KINDS; kind++)
		n += cluster_count(cluster, kind);
	reading->tell(reading->tell_ctx, n);
}

static int await(struct kube_source *source, const struct kube_reading *reading,
		 struct err *err)
{
	struct pollfd fd = { .fd = kube_source_fd(source), .events = POLLIN };

	for (;;) {
		const char *trouble;

		kube_source_work(source);
		tell(reading, source);
		if (kube_source_is_synced(source) &&
		    kube_source_knows_extra(source))
			return 0;
		trouble = kube_source_trouble(source);
		if (trouble)
			return err_set(err, -EIO, "cannot read from %s: %s",
				       kube_source_name(source), trouble);
		poll(NULL, 0, NAP_MS);
		poll(&fd, 1, LOOK_MS);
	}
}

/* That there are some, the source itself has said. */
static void tell_of_extra(const struct kube_source *source)
{
	const char *trouble = kube_source_extra_trouble(source);

	if (trouble)
		log_warning("it is not known whether %s has "
			    "ClusterNetworkPolicies, which netpold does not "
			    "enforce: %s",
			    kube_source_name(source), trouble);
}

int kube_read(const struct kube_choice *choice,
	      const struct kube_reading *reading, struct cluster **out,
	      struct err *err)
{
	const struct kube_source_options options = {
		.choice = *choice,
		.is_asked_once = true,
		.report = reading->report,
		.report_ctx = reading->report_ctx,
	};
	struct kube_source *source;
	struct sigaction before;
	int r = kube_source_open(&options, &source, err);

	if (r < 0)
		return r;
	/* OpenSSL may write to a server that has hung up. */
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN },
		  &before);
	r = await(source, reading, err);
	if (r == 0) {
		tell_of_extra(source);
		*out = kube_source_leave(source);
	}
	kube_source_close(source);
	sigaction(SIGPIPE, &before, NULL);
	return r;
}
