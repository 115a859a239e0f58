/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/usage.h"

#define EXPECTED_LEN 128

const char *setting_variable(const struct setting *setting,
			     char name[SETTING_VARIABLE_LEN])
{
	snprintf(name, SETTING_VARIABLE_LEN, "NETPOLD_%s", setting->name);
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return name;
}

/* What would end a line, or colour a terminal. */
static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool has_control(const char *text)
{
	while (*text && !is_control(*text))
		text++;
	return *text;
}

const char *setting_quote(const char *text, char quoted[SETTING_QUOTE_LEN])
{
	static const char more[] = "…";
	size_t len = strlen(text);
	bool cut = len >= SETTING_QUOTE_LEN;

	if (cut) {
		len = SETTING_QUOTE_LEN - sizeof(more);
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--; /* not in the middle of a character */
	}
	snprintf(quoted, SETTING_QUOTE_LEN, "%.*s%s", (int)len, text,
		 cut ? more : "");
	for (char *p = quoted; *p; p++) {
		if (is_control(*p))
			*p = '?';
	}
	return quoted;
}

/* ---- what it takes ------------------------------------------------------- */

/* "auto, nft or legacy" */
/* Returns their length. */
static size_t list_words(const char *const *words, char text[EXPECTED_LEN])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; words[i] && len < EXPECTED_LEN; i++) {
		const char *before = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(text + len, EXPECTED_LEN - len, "%s%s",
					before, words[i]);
	}
	return len < EXPECTED_LEN ? len : EXPECTED_LEN - 1;
}

static void describe(const struct setting *setting, char text[EXPECTED_LEN])
{
	unsigned long long min = setting->min, max = setting->max;
	size_t len;

	switch (setting->type) {
	case SETTING_NUMBER:
		snprintf(text, EXPECTED_LEN, "a number from %llu to %llu", min,
			 max);
		return;
	case SETTING_TEXT:
		snprintf(text, EXPECTED_LEN, "a text of %llu to %llu bytes",
			 min, max);
		return;
	case SETTING_WORD:
		list_words(setting->words, text);
		return;
	case SETTING_PATHS:
		snprintf(text, EXPECTED_LEN, "a path, or a list of paths");
		return;
	case SETTING_SIZE:
		len = list_words(setting->words, text);
		snprintf(text + len, EXPECTED_LEN - len,
			 ", or a number from %llu to %llu", min, max);
		return;
	}
	text[0] = '\0';
}

int setting_mismatch(const struct setting *setting, const char *subject,
		     const char *found, struct err *err)
{
	char expected[EXPECTED_LEN];

	describe(setting, expected);
	return err_set(err, -EINVAL, "%s: expected %s, found %s", subject,
		       expected, found);
}

static bool find_word(const char *const *words, const char *text,
		      uint64_t *which)
{
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*which = i;
			return true;
		}
	}
	return false;
}

static bool read_value(const struct setting *setting, const char *text,
		       struct setting_value *value)
{
	size_t len = strlen(text);

	switch (setting->type) {
	case SETTING_NUMBER:
		return number_parse(text, setting->min, setting->max,
				    &value->number);
	case SETTING_WORD:
		return find_word(setting->words, text, &value->number);
	case SETTING_SIZE:
		return find_word(setting->words, text, &value->number) ||
		       number_parse(text, setting->min, setting->max,
				    &value->number);
	case SETTING_TEXT:
	case SETTING_PATHS:
		return len >= setting->min && len <= setting->max;
	}
	return false;
}

int setting_read(const struct setting *setting, const char *subject,
		 const char *text, struct setting_value *value, struct err *err)
{
	char quoted[SETTING_QUOTE_LEN], found[SETTING_QUOTE_LEN + 2];

	if (has_control(text))
		return setting_mismatch(setting, subject, "a control character",
					err);
	if (read_value(setting, text, value))
		return 0;
	snprintf(found, sizeof(found), "'%s'", setting_quote(text, quoted));
	return setting_mismatch(setting, subject, found, err);
}
