/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <stdarg.h>
#include <string.h>

struct path path_field(const struct path *up, const char *field)
{
	return path_key(up, field, strlen(field));
}

struct path path_key(const struct path *up, const char *key, size_t len)
{
	return (struct path){ .up = up, .field = key, .field_len = len };
}

struct path path_item(const struct path *up, size_t index)
{
	return (struct path){ .up = up, .index = index };
}

void path_put(const struct path *path, enum path_form form, struct text *text)
{
	if (!path)
		return;
	path_put(path->up, form, text);
	if (path->field) {
		if (path->up)
			text_put_bytes(text, ".", 1);
		text_put_bytes(text, path->field, path->field_len);
	} else if (form == PATH_WITH_INDEXES) {
		text_put(text, "[%zu]", path->index);
	}
}

void report_release(struct report *report)
{
	text_release(&report->path);
	text_release(&report->message);
}

struct text *report_begin(struct report *report)
{
	text_clear(&report->message);
	return &report->message;
}

static void send(struct report *report, enum finding_severity severity,
		 enum finding_code code, unsigned int line,
		 const struct path *path)
{
	struct finding finding = {
		.severity = severity,
		.code = code,
		.file = report->file,
		.line = line,
		.kind = report->kind,
		.namespace = report->namespace,
		.name = report->name,
	};

	text_clear(&report->path);
	path_put(path, PATH_WITH_INDEXES, &report->path);
	if (report->path.failed || report->message.failed)
		report->failed = true;
	if (!report->fn)
		return;
	finding.path = text_string(&report->path);
	finding.message = text_string(&report->message);
	report->fn(report->ctx, &finding);
}

void report_send(struct report *report, unsigned int line,
		 const struct path *path)
{
	report->n_errors++;
	send(report, FINDING_ERROR, report->code, line, path);
}

void report_send_warning(struct report *report, enum finding_code code,
			 unsigned int line, const struct path *path)
{
	send(report, FINDING_WARNING, code, line, path);
}

void report_error(struct report *report, unsigned int line,
		  const struct path *path, const char *fmt, ...)
{
	struct text *message = report_begin(report);
	va_list args;

	va_start(args, fmt);
	text_vput(message, fmt, args);
	va_end(args);
	report_send(report, line, path);
}
