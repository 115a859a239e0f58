/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pause_switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "time_text.h"

#define US_PER_S INT64_C(1000000)
#define REMIND_US (60 * US_PER_S)

struct pause_switch {
	const char *folder, *node_name;
	struct pause_desk *desk;
	bool on;
	struct pause pause;
	int64_t told_us; /* when the log was told last */
};

/* ---- telling ------------------------------------------------------------- */

static void tell(struct pause_switch *sw, const char *word)
{
	const struct pause *pause = &sw->pause;
	char until[TIME_TEXT_LEN];

	time_text_format(pause_until_wall_us(pause), until);
	log_warning(
		"enforcement %s until %s, for %lld s: nothing is denied "
		"on this node%s%s",
		word, until,
		(long long)((pause_left_us(pause) + US_PER_S / 2) / US_PER_S),
		*pause->reason ? "; reason: " : "", pause->reason);
	sw->told_us = clock_us();
}

void pause_switch_remind(struct pause_switch *sw)
{
	if (sw->on && clock_us() - sw->told_us >= REMIND_US)
		tell(sw, "is still PAUSED");
}

/* ---- begin and end ------------------------------------------------------- */

static int keep(const struct pause_switch *sw, struct err *err)
{
	if (!*sw->folder)
		return err_set(err, -ENOENT, "--state-dir is empty");
	return pause_save(sw->folder, sw->node_name, &sw->pause, err);
}

int pause_switch_begin(struct pause_switch *sw,
		       const struct pause_request *request, struct err *err)
{
	int r;

	if (!sw->on)
		sw->pause.since_us = clock_wall_us();
	sw->on = true;
	sw->pause.until_us = clock_boot_us() + request->for_us;
	snprintf(sw->pause.reason, sizeof(sw->pause.reason), "%s",
		 request->reason);
	tell(sw, "is PAUSED");
	r = keep(sw, err);
	if (r < 0) {
		err_prefix(err, "the pause does not outlive a restart of "
				"netpold: ");
		log_warning("%s", err->message);
	}
	return r;
}

static int forget(const struct pause_switch *sw, struct err *err)
{
	int r = *sw->folder ? pause_forget(sw->folder, err) : 0;

	if (r < 0) {
		err_prefix(err, "after a restart of netpold the pause may be "
				"back: ");
		log_warning("%s", err->message);
	}
	return r;
}

int pause_switch_cut(struct pause_switch *sw, struct err *err)
{
	sw->pause.until_us = clock_boot_us();
	return forget(sw, err);
}

/* Where its time has passed, a file that cannot be taken away does no harm. */
void pause_switch_ended(struct pause_switch *sw)
{
	sw->on = false;
	sw->pause = (struct pause){ 0 };
	if (*sw->folder)
		pause_forget(sw->folder, NULL);
}

/* ---- a start ------------------------------------------------------------- */

static void look(struct pause_switch *sw)
{
	struct err err;
	int found;

	if (!*sw->folder)
		return;
	found = pause_load(sw->folder, sw->node_name, &sw->pause, &err);
	sw->on = found == PAUSE_STANDS;
	if (sw->on) {
		tell(sw, "stays PAUSED");
	} else if (found == PAUSE_OVER) {
		log_info("a pause that an earlier run has begun is over");
		forget(sw, &err);
	} else if (found < 0) {
		log_warning("%s: it is ignored, nothing is paused",
			    err.message);
	}
}

int pause_switch_open(const char *folder, const char *node_name,
		      struct pause_switch **out, struct err *err)
{
	struct pause_switch *sw = calloc(1, sizeof(*sw));
	int r;

	if (!sw)
		return err_set(err, -ENOMEM, "no memory to start");
	sw->folder = folder;
	sw->node_name = node_name;
	r = pause_desk_new(&sw->desk, err);
	if (r < 0) {
		free(sw);
		return r;
	}
	look(sw);
	*out = sw;
	return 0;
}

void pause_switch_close(struct pause_switch *sw)
{
	if (!sw)
		return;
	pause_desk_free(sw->desk);
	free(sw);
}

/* ---- what it says -------------------------------------------------------- */

struct pause_desk *pause_switch_desk(const struct pause_switch *sw)
{
	return sw->desk;
}

const struct pause *pause_switch_pause(const struct pause_switch *sw)
{
	return sw->on ? &sw->pause : NULL;
}

bool pause_switch_is_due(const struct pause_switch *sw)
{
	return sw->on && pause_left_us(&sw->pause) == 0;
}
