/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "controller_parts.h"

#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "kube/kube_status.h"
#include "log.h"

/* How often the observer is told how the source stands. */
#define SOURCE_INTERVAL_MS 500

/* A list comes object by object; to wake for each would cost more than the
   object. */
#define NAP_MS 20

bool controller_is_live(const struct controller *c)
{
	return c->options->n_paths == 0;
}

void controller_tick(struct controller *c)
{
	int64_t now_us = clock_us();
	struct kube_status status;

	observer_alive(c->observer);
	if (!controller_is_live(c) || now_us < c->source_due_us)
		return;
	c->source_due_us = now_us + SOURCE_INTERVAL_MS * 1000;
	intake_status(c->intake, &status);
	observer_source(c->observer, &status);
}

void controller_tell_of_unreadable(struct controller *c)
{
	const struct name_set *policies =
		c->intake ? intake_unreadable(c->intake) : NULL;

	if (policies)
		observer_unreadable(c->observer, policies,
				    intake_cluster(c->intake));
}

static int read_cluster(struct controller *c, bool hangup, struct err *err)
{
	controller_tick(c);
	intake_changed(c->intake);
	return controller_read(c, hangup, err);
}

/* Each turn that brings nothing new is silent: who fails says so by itself. */
static void say_what_is_missing(struct controller *c, const struct err *err)
{
	observer_refused(c->observer, err->message);
	if (c->told.code)
		return;
	c->told = *err;
	log_info("waiting for %s", intake_server(c->intake));
}

int controller_await_cluster(struct controller *c, int64_t until_us,
			     struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = intake_fd(c->intake), .events = POLLIN },
	};
	bool hangup = false;
	int r;

	while ((r = read_cluster(c, hangup, err)) == -EINPROGRESS) {
		say_what_is_missing(c, err);
		if (clock_us() >= until_us)
			return r;
		hangup = false;
		poll(fds, 1, NAP_MS);
		poll(fds, sizeof(fds) / sizeof(fds[0]), RETRY_MS);
		if (fds[0].revents && controller_take_signal(c, &hangup))
			return err_set(err, -EINTR,
				       "told to stop before anything was in "
				       "force");
	}
	return r;
}
