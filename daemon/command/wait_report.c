/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/wait_report.h"

#include <errno.h>
#include <inttypes.h>

#include "command/told.h"
#include "observe/request.h"

void wait_report_release(struct wait_report *report)
{
	json_decref(report->receipt);
	json_decref(report->status);
	report->receipt = report->status = NULL;
}

/* What the status has under a key, and what that means to who waits. */
static const struct {
	const char *key, *words;
} hindrances[] = {
	{ "paused", "enforcement is PAUSED: nothing is in force" },
	{ "warm", "objects cannot be read: what the last run has read is in "
		  "force" },
	{ "refused", "a change is REFUSED, what was in force stays" },
	{ "unsettled", "open connections do not obey the last change yet" },
};
#define N_HINDRANCES (sizeof(hindrances) / sizeof(hindrances[0]))

static bool has_started(const struct wait_report *report)
{
	return told_number(report->status, "generation") > 0;
}

static bool is_met(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "met"));
}

static bool is_in_force(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "in_force"));
}

/* Of the API server that netpold is fed from: the one at @i, where it has such
   trouble. */
static const json_t *unwatched(const struct wait_report *report, size_t i)
{
	const json_t *source = json_object_get(report->status, "source");
	const json_t *resource =
		json_array_get(json_object_get(source, "resources"), i);

	return json_object_get(resource, "trouble") ? resource : NULL;
}

static size_t n_resources(const struct wait_report *report)
{
	const json_t *source = json_object_get(report->status, "source");

	return json_array_size(json_object_get(source, "resources"));
}

/* ---- text ---------------------------------------------------------------- */

static void write_name(FILE *out, const struct wait_report *report)
{
	told_write_text(out, told_text(report->receipt, "namespace"));
	fputc('/', out);
	told_write_text(out, told_text(report->receipt, "name"));
}

/* "shop/web is in force at generation 3 since … (2 min 5 s)" */
static void write_receipt(FILE *out, const struct wait_report *report)
{
	const json_t *receipt = report->receipt;

	if (!is_in_force(report)) {
		fputs("no policy ", out);
		write_name(out, report);
		fputs(" is in force", out);
		return;
	}
	write_name(out, report);
	fputs(" is in force", out);
	if (json_object_get(receipt, "generation")) {
		fputs(" at generation ", out);
		told_write_number(out, 0, told_number(receipt, "generation"));
	}
	fputs(" since ", out);
	told_write_text(out, told_text(receipt, "in_force_since"));
	fputs(" (", out);
	told_write_duration(
		out, report->now_us - told_time_us(receipt, "in_force_since"));
	fputc(')', out);
}

static void write_hindrance(FILE *out, const json_t *hindrance,
			    const char *words)
{
	fprintf(out, "  %s, since ", words);
	told_write_text(out, told_text(hindrance, "since"));
	if (json_object_get(hindrance, "reason")) {
		fputs(": ", out);
		told_write_text(out, told_text(hindrance, "reason"));
	}
	fputc('\n', out);
}

static void write_hindrances(FILE *out, const struct wait_report *report)
{
	if (!has_started(report))
		fputs("  netpold is starting: nothing is in force yet\n", out);
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const json_t *hindrance =
			json_object_get(report->status, hindrances[i].key);

		if (hindrance)
			write_hindrance(out, hindrance, hindrances[i].words);
	}
	for (size_t i = 0; i < n_resources(report); i++) {
		const json_t *resource = unwatched(report, i);

		if (!resource)
			continue;
		fputs("  the API server does not tell of ", out);
		told_write_text(out, told_text(resource, "name"));
		fputs(" just now: ", out);
		told_write_text(out, told_text(resource, "trouble"));
		fputc('\n', out);
	}
}

int wait_report_write_text(FILE *out, const struct wait_report *report)
{
	const json_t *warm = json_object_get(report->status, "warm");

	if (!is_met(report))
		fprintf(out, "not within %" PRId64 " s: ", report->timeout_s);
	write_receipt(out, report);
	if (!is_met(report) && report->generation && is_in_force(report))
		fprintf(out, ", generation %" PRIu64 " is not",
			report->generation);
	fputc('\n', out);
	if (!is_met(report))
		write_hindrances(out, report);
	else if (warm)
		write_hindrance(out, warm,
				"objects cannot be read: that is "
				"what the last run has read");
	return 0;
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *hindrance_to_json(const json_t *hindrance, const char *key)
{
	json_t *out = json_pack("{ss}", "what", key);
	json_t *since = json_object_get(hindrance, "since");
	json_t *reason = json_object_get(hindrance, "reason");

	if (since)
		json_object_set(out, "since", since);
	if (reason)
		json_object_set(out, "reason", reason);
	return out;
}

static json_t *hindrances_to_json(const struct wait_report *report)
{
	json_t *out = json_array();

	if (!has_started(report))
		json_array_append_new(out, hindrance_to_json(NULL, "starting"));
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const char *key = hindrances[i].key;
		const json_t *hindrance = json_object_get(report->status, key);

		if (hindrance)
			json_array_append_new(
				out, hindrance_to_json(hindrance, key));
	}
	for (size_t i = 0; i < n_resources(report); i++) {
		const json_t *resource = unwatched(report, i);

		if (resource)
			json_array_append_new(
				out,
				json_pack(
					"{ss sO sO}", "what", "unwatched",
					"resource",
					json_object_get(resource, "name"),
					"reason",
					json_object_get(resource, "trouble")));
	}
	return out;
}

int wait_report_write_json(FILE *out, const struct wait_report *report)
{
	json_t *all = json_pack("{si sO so}", "version", REQUEST_VERSION,
				"receipt", report->receipt, "in_the_way",
				hindrances_to_json(report));
	int r = all ? json_dumpf(all, out, JSON_COMPACT) : -1;

	json_decref(all);
	fputc('\n', out);
	return r < 0 ? -ENOMEM : 0;
}
