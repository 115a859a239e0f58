/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/check_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/check_sarif.h"

int check_report_init(struct check_report *report, enum check_format format)
{
	*report = (struct check_report){ .format = format };
	if (format == CHECK_TEXT)
		return 0;
	report->findings = json_array();
	return report->findings ? 0 : -ENOMEM;
}

void check_report_release(struct check_report *report)
{
	json_decref(report->findings);
	report->findings = NULL;
}

/* ---- findings ----------------------------------------------------------- */

static bool print_line(const struct finding *finding)
{
	int n = finding_format(finding, NULL, 0);
	char *line = malloc((size_t)n + 1);

	if (!line)
		return false;
	finding_format(finding, line, (size_t)n + 1);
	puts(line);
	free(line);
	return true;
}

/* A file may have any name; JSON is UTF-8. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *finding_to_json(const struct finding *finding)
{
	bool is_error = finding->severity == FINDING_ERROR;

	return json_pack("{ss ss so si so so so so so}", "severity",
			 is_error ? "error" : "warning", "code",
			 finding_code_name(finding->code), "file",
			 json_text(finding->file), "line", (int)finding->line,
			 "kind", json_text(finding->kind), "namespace",
			 json_text(finding->namespace), "name",
			 json_text(finding->name), "path",
			 json_text(finding->path), "message",
			 json_text(finding->message));
}

void check_report_add(struct check_report *report,
		      const struct finding *finding)
{
	json_t *item;

	if (report->format == CHECK_TEXT) {
		report->failed |= !print_line(finding);
		return;
	}
	item = report->format == CHECK_JSON ? finding_to_json(finding)
					    : check_sarif_result(finding);
	/* It fails for NULL, too. */
	if (json_array_append_new(report->findings, item) < 0)
		report->failed = true;
}

/* ---- documents ---------------------------------------------------------- */

static json_t *json_document(const struct check_report *report,
			     const struct manifests_report *counts)
{
	return json_pack(
		"{sI sI sI sI sI sO}", "files", (json_int_t)counts->n_files,
		"objects", (json_int_t)counts->n_objects, "ignored",
		(json_int_t)counts->n_ignored, "errors",
		(json_int_t)counts->n_errors, "warnings",
		(json_int_t)counts->n_warnings, "findings", report->findings);
}

static int write_document(json_t *document)
{
	int r;

	if (!document)
		return -ENOMEM;
	r = json_dumpf(document, stdout, JSON_INDENT(2));
	json_decref(document);
	putchar('\n');
	return r < 0 ? -EIO : 0;
}

int check_report_end(const struct check_report *report,
		     const struct manifests_report *counts)
{
	int r = 0;

	if (report->failed)
		return -ENOMEM;
	if (report->format == CHECK_JSON)
		r = write_document(json_document(report, counts));
	else if (report->format == CHECK_SARIF)
		r = write_document(check_sarif_document(report->findings));
	if (r < 0)
		return r;
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}
