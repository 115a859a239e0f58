/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/wait_report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "command/hindrances.h"
#include "command/told.h"
#include "observe/request.h"

void wait_report_release(struct wait_report *report)
{
	json_decref(report->receipt);
	json_decref(report->status);
	report->receipt = report->status = NULL;
}

static bool is_met(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "met"));
}

static bool is_in_force(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "in_force"));
}

/* That a policy is gone is so in an audit, too. */
bool wait_report_is_audit(const struct wait_report *report)
{
	return !report->deleted && hindrances_audit(report->status);
}

/* The API server has more of it than can be read. */
static bool is_unreadable(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "unreadable"));
}

/* It is judged by, and that is all of it that is in force. */
static bool is_staged(const struct wait_report *report)
{
	return json_is_true(json_object_get(report->receipt, "staged"));
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
		if (is_unreadable(report))
			fputs(": it can NOT be READ, the log says why", out);
		return;
	}
	write_name(out, report);
	fputs(wait_report_is_audit(report) ? " is audited, and NOT enforced,"
	      : is_staged(report)	   ? " is staged, and not enforced,"
					   : " is in force",
	      out);
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

static bool is_another(const struct wait_report *report)
{
	const char *uid = told_text(report->receipt, "uid");

	return report->uid && strcmp(report->uid, uid) != 0;
}

static bool is_late_enough(const struct wait_report *report)
{
	return told_number(report->receipt, "generation") >=
	       (double)report->generation;
}

/* Why what is in force is not what was waited for. */
static void write_difference(FILE *out, const struct wait_report *report)
{
	if (!is_in_force(report))
		return;
	if (is_another(report)) {
		fputs(", and is another one: its UID is ", out);
		told_write_text(out, told_text(report->receipt, "uid"));
	} else if (is_unreadable(report)) {
		fputs(", and NOT READ in full: the log says why", out);
	} else if (report->staged && !is_staged(report)) {
		fputs(", and is not staged", out);
	} else if (report->generation && !is_late_enough(report)) {
		fprintf(out, ", generation %" PRIu64 " is not",
			report->generation);
	}
}

int wait_report_write_text(FILE *out, const struct wait_report *report)
{
	const json_t *warm = json_object_get(report->status, "warm");

	if (!is_met(report))
		fprintf(out, "not within %" PRId64 " s: ", report->timeout_s);
	write_receipt(out, report);
	if (!is_met(report) || report->deleted)
		write_difference(out, report);
	fputc('\n', out);
	if (!is_met(report) || wait_report_is_audit(report)) {
		hindrances_write(out, report->status);
		return 0;
	}
	if (warm)
		hindrance_write(out, warm,
				"objects cannot be read: that is "
				"what the last run has read");
	hindrances_write_unreadable(out, report->status);
	return 0;
}

/* ---- JSON ---------------------------------------------------------------- */

int wait_report_write_json(FILE *out, const struct wait_report *report)
{
	json_t *all = json_pack("{si sO so}", "version", REQUEST_VERSION,
				"receipt", report->receipt, "in_the_way",
				hindrances_to_json(report->status));
	int r = all ? json_dumpf(all, out, JSON_COMPACT) : -1;

	json_decref(all);
	fputc('\n', out);
	return r < 0 ? -ENOMEM : 0;
}
