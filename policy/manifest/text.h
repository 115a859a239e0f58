/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_TEXT_H
#define NETPOLD_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/**
 * Text that grows as it is written to.
 *
 * When there is no memory, what follows is lost and `failed` stays set until
 * the text is cleared, so that a message of many parts needs one check. An
 * all-zero struct is empty text.
 */
struct text {
	char *data;
	size_t len;
	size_t size;
	bool failed;
};

void text_clear(struct text *text);
void text_release(struct text *text);

/** What has been written, with a zero byte after it; never NULL. */
const char *text_string(const struct text *text);

void text_put(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void text_vput(struct text *text, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/** Room for n bytes more and a zero byte; false without memory, now or
 *  before. */
bool text_make_room(struct text *text, size_t n);

static inline void text_put_bytes(struct text *text, const char *bytes,
				  size_t n)
{
	if ((text->failed || text->len + n >= text->size) &&
	    !text_make_room(text, n))
		return;
	memcpy(text->data + text->len, bytes, n);
	text->len += n;
	text->data[text->len] = '\0';
}

/** In quotes, with Go's %q escapes (AV-2). */
void text_put_quoted(struct text *text, const char *bytes, size_t n);

/** As a JSON string, the way Go writes it. */
void text_put_json_string(struct text *text, const char *bytes, size_t n);

#endif
