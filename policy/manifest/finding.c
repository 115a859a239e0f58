/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of a finding goes to terminals and log files. Names in it come from
 * outside and may be anything before they are checked; control characters in
 * them must neither break the line nor steer the terminal.
 */
#include "netpold/finding.h"

#include <stddef.h>
#include <stdio.h>

/* Writes behind each other into a buffer of fixed size; counts what would
   have been written. */
struct writer {
	char *text;
	size_t size;
	size_t len;
};

static void put(struct writer *w, const char *text)
{
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;
		char escaped[8];
		size_t n = 1;

		if (ch < 0x20 || ch == 0x7f)
			n = (size_t)snprintf(escaped, sizeof(escaped),
					     "\\x%02x", ch);
		else
			escaped[0] = *text;
		for (size_t i = 0; i < n; i++, w->len++) {
			if (w->len + 1 < w->size)
				w->text[w->len] = escaped[i];
		}
	}
}

static void put_object(struct writer *w, const struct finding *finding)
{
	if (!*finding->kind && !*finding->name)
		return;
	put(w, *finding->kind ? finding->kind : "object");
	if (*finding->name) {
		put(w, " ");
		if (*finding->namespace) {
			put(w, finding->namespace);
			put(w, "/");
		}
		put(w, finding->name);
	}
	put(w, ": ");
}

const char *finding_code_name(enum finding_code code)
{
	static const char *const names[N_FINDING_CODES] = {
		[FINDING_INVALID] = "invalid",
		[FINDING_DECODING] = "decoding",
		[FINDING_NO_OBJECT] = "no-object",
		[FINDING_UNSUPPORTED_KIND] = "unsupported-kind",
		[FINDING_UNREADABLE] = "unreadable",
		[FINDING_UNKNOWN_MODE] = "unknown-mode",
		[FINDING_ODD_CIDR] = "odd-cidr",
		[FINDING_SELECTS_NO_POD] = "selects-no-pod",
		[FINDING_MISSING_PORT] = "missing-port",
		[FINDING_REDUNDANT_RULE] = "redundant-rule",
		[FINDING_MATCHES_NO_NAMESPACE] = "matches-no-namespace",
		[FINDING_EXCEPTS_ALL] = "excepts-all",
		[FINDING_INCOMPLETE] = "incomplete",
	};

	return names[code];
}

int finding_format(const struct finding *finding, char *text,
		   unsigned long size)
{
	struct writer w = { .text = text, .size = size };
	char line[16];

	if (*finding->file) {
		put(&w, finding->file);
		if (finding->line) {
			snprintf(line, sizeof(line), ":%u", finding->line);
			put(&w, line);
		}
		put(&w, ": ");
	}
	put_object(&w, finding);
	if (finding->severity == FINDING_WARNING)
		put(&w, "warning: ");
	if (*finding->path) {
		put(&w, finding->path);
		put(&w, ": ");
	}
	put(&w, finding->message);
	if (size)
		text[w.len < size ? w.len : size - 1] = '\0';
	return (int)w.len;
}
