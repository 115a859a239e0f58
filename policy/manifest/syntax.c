/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patterns are small enough to be written out; no regular expressions are
 * needed to match them, only to print them.
 */
#include "syntax.h"

#include <stdbool.h>
#include <string.h>

#define MAX_SUBDOMAIN_LEN 253
#define MAX_DNS_LABEL_LEN 63
#define MAX_LABEL_KEY_NAME_LEN 63
#define MAX_LABEL_VALUE_LEN 63
#define MAX_PORT_NAME_LEN 15

#define SUBDOMAIN_DETAIL                                                       \
	"a lowercase RFC 1123 subdomain must consist of lower case "           \
	"alphanumeric characters, '-' or '.', and must start and end with "    \
	"an alphanumeric character (e.g. 'example.com', regex used for "       \
	"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?"                         \
	"(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define DNS_LABEL_DETAIL                                                       \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric "  \
	"characters or '-', and must start and end with an alphanumeric "      \
	"character (e.g. 'my-name',  or '123-abc', regex used for "            \
	"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_KEY_DETAIL                                                       \
	"must consist of alphanumeric characters, '-', '_' or '.', and must "  \
	"start and end with an alphanumeric character (e.g. 'MyName',  or "    \
	"'my.name',  or '123-abc', regex used for validation is "              \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define LABEL_VALUE_DETAIL                                                     \
	"a valid label must be an empty string or consist of alphanumeric "    \
	"characters, '-', '_' or '.', and must start and end with an "         \
	"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "         \
	"'12345', regex used for validation is "                               \
	"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

struct subject subject_of(struct report *report, const struct tree *value,
			  const struct path *path)
{
	return (struct subject){
		.report = report,
		.path = path,
		.line = value->line,
		.value = tree_text(value),
		.len = value->type == TREE_STRING ? value->len : 0,
	};
}

struct subject subject_of_key(struct report *report, const struct tree *entry,
			      const struct path *path)
{
	return (struct subject){
		.report = report,
		.path = path,
		.line = entry->line,
		.value = entry->key,
		.len = entry->key_len,
	};
}

static void invalid(const struct subject *subject, const char *prefix,
		    const char *detail)
{
	struct text *message = report_begin(subject->report);

	text_put(message, "Invalid value: ");
	text_put_quoted(message, subject->value, subject->len);
	text_put(message, ": %s%s", prefix, detail);
	report_send(subject->report, subject->line, subject->path);
}

void syntax_invalid(const struct subject *subject, const char *detail)
{
	invalid(subject, "", detail);
}

void syntax_unsupported(const struct subject *subject, const char *supported)
{
	struct text *message = report_begin(subject->report);

	text_put(message, "Unsupported value: ");
	text_put_quoted(message, subject->value, subject->len);
	text_put(message, ": supported values: %s", supported);
	report_send(subject->report, subject->line, subject->path);
}

/* ---- patterns ----------------------------------------------------------- */

static bool is_lower(char ch)
{
	return ch >= 'a' && ch <= 'z';
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_lower_or_digit(char ch)
{
	return is_lower(ch) || is_digit(ch);
}

static bool is_letter_or_digit(char ch)
{
	return is_lower_or_digit(ch) || (ch >= 'A' && ch <= 'Z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool is_dns_label(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_lower_or_digit(text[i]) && text[i] != '-')
			return false;
	}
	return len > 0 && text[0] != '-' && text[len - 1] != '-';
}

/* DNS labels with dots in between. */
static bool is_subdomain(const char *text, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (!is_dns_label(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool is_label_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_letter_or_digit(text[i]) && text[i] != '-' &&
		    text[i] != '_' && text[i] != '.')
			return false;
	}
	return len > 0 && is_letter_or_digit(text[0]) &&
	       is_letter_or_digit(text[len - 1]);
}

/* ---- names -------------------------------------------------------------- */

void syntax_check_subdomain(const struct subject *subject, const char *text,
			    size_t len)
{
	if (len > MAX_SUBDOMAIN_LEN)
		invalid(subject, "", "must be no more than 253 characters");
	if (!is_subdomain(text, len))
		invalid(subject, "", SUBDOMAIN_DETAIL);
}

void syntax_check_dns_label(const struct subject *subject)
{
	if (subject->len > MAX_DNS_LABEL_LEN)
		invalid(subject, "", "must be no more than 63 characters");
	if (is_dns_label(subject->value, subject->len))
		return;
	if (is_subdomain(subject->value, subject->len))
		invalid(subject, "", "must not contain dots");
	else
		invalid(subject, "", DNS_LABEL_DETAIL);
}

/* ---- labels ------------------------------------------------------------- */

static void check_key_prefix(const struct subject *subject, const char *text,
			     size_t len)
{
	if (len == 0) {
		invalid(subject, "prefix part ", "must be non-empty");
		return;
	}
	if (len > MAX_SUBDOMAIN_LEN)
		invalid(subject, "prefix part ",
			"must be no more than 253 bytes");
	if (!is_subdomain(text, len))
		invalid(subject, "prefix part ", SUBDOMAIN_DETAIL);
}

static void check_key_name(const struct subject *subject, const char *text,
			   size_t len)
{
	if (len == 0)
		invalid(subject, "name part ", "must be non-empty");
	else if (len > MAX_LABEL_KEY_NAME_LEN)
		invalid(subject, "name part ", "must be no more than 63 bytes");
	if (!is_label_text(text, len))
		invalid(subject, "name part ", LABEL_KEY_DETAIL);
}

void syntax_check_label_key(const struct subject *subject, const char *text,
			    size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t prefix_len = slash ? (size_t)(slash - text) : 0;

	if (!slash) {
		check_key_name(subject, text, len);
		return;
	}
	if (memchr(slash + 1, '/', len - prefix_len - 1)) {
		invalid(subject, "a valid label key ",
			LABEL_KEY_DETAIL
			" with an optional DNS subdomain prefix and '/' "
			"(e.g. 'example.com/MyName')");
		return;
	}
	check_key_prefix(subject, text, prefix_len);
	check_key_name(subject, slash + 1, len - prefix_len - 1);
}

void syntax_check_label_value(const struct subject *subject)
{
	if (subject->len > MAX_LABEL_VALUE_LEN)
		invalid(subject, "", "must be no more than 63 bytes");
	if (subject->len > 0 && !is_label_text(subject->value, subject->len))
		invalid(subject, "", LABEL_VALUE_DETAIL);
}

/* ---- ports -------------------------------------------------------------- */

void syntax_check_port_name(const struct subject *subject)
{
	const char *name = subject->value;
	size_t len = subject->len;
	bool only_allowed = len > 0, has_letter = false, has_pair = false;

	for (size_t i = 0; i < len; i++) {
		if (!is_lower_or_digit(name[i]) && name[i] != '-')
			only_allowed = false;
		if (is_lower(name[i]))
			has_letter = true;
		if (i > 0 && name[i] == '-' && name[i - 1] == '-')
			has_pair = true;
	}
	if (len > MAX_PORT_NAME_LEN)
		invalid(subject, "", "must be no more than 15 characters");
	if (!only_allowed)
		invalid(subject, "",
			"must contain only alpha-numeric characters (a-z, "
			"0-9), and hyphens (-)");
	if (!has_letter)
		invalid(subject, "", "must contain at least one letter (a-z)");
	if (has_pair)
		invalid(subject, "", "must not contain consecutive hyphens");
	if (len > 0 && (name[0] == '-' || name[len - 1] == '-'))
		invalid(subject, "", "must not begin or end with a hyphen");
}
