/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_TOP_TOP_SAMPLE_H
#define NETPOLD_DAEMON_TOP_TOP_SAMPLE_H

#include <stdint.h>

#include <jansson.h>

/** What a daemon has told at one moment. An all-zero struct is nothing. */
struct top_sample {
	/* Owned. NULL: it did not tell. */
	json_t *status, *metrics; /* schema/status.schema.json */
	json_t *flows;		  /* schema/flows.schema.json */
	int64_t at_us;		  /* steady */
};

static inline void top_sample_release(struct top_sample *sample)
{
	json_decref(sample->status);
	json_decref(sample->metrics);
	json_decref(sample->flows);
	*sample = (struct top_sample){ .at_us = 0 };
}

#endif
