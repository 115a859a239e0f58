/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_JSON_TEXT_H
#define NETPOLD_DAEMON_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * JSON, written piece by piece as it is told, for what is written by the
 * hundred thousand: no tree is made of it first.
 *
 * Commas come by themselves. Where memory runs out, what follows is lost and
 * `failed` stays set until the text is cleared, so that a record needs one
 * check. An all-zero struct is empty text; its memory is kept from one record
 * to the next.
 */
struct json_text {
	char *data;
	size_t len;
	size_t size;
	bool failed;
	bool is_begun; /* the value that is open has something in it */
	FILE *words;   /* what json_text_begin_words() returned */
};

void json_text_clear(struct json_text *text);
void json_text_release(struct json_text *text);

void json_text_begin_object(struct json_text *text);
void json_text_end_object(struct json_text *text);
void json_text_begin_array(struct json_text *text);
void json_text_end_array(struct json_text *text);

/** Inside an object: the next value is that of @key, which needs no escapes. */
void json_text_key(struct json_text *text, const char *key);

/** The same, for a key that may need them: UTF-8. */
void json_text_name(struct json_text *text, const char *key);

/** @value is UTF-8. */
void json_text_string(struct json_text *text, const char *value);
void json_text_number(struct json_text *text, uint64_t value);
void json_text_bool(struct json_text *text, bool value);

/**
 * A string that is written with stdio.
 *
 * Returns  a stream, which stays the text's; NULL without memory, and then
 *          there is no string to be ended.
 */
FILE *json_text_begin_words(struct json_text *text);
void json_text_end_words(struct json_text *text);

/** Put an end of line, for who writes it out himself. 0; -ENOMEM where it is
 *  not whole. */
int json_text_end_line(struct json_text *text);

/**
 * Write it out as a line, and clear it. Whether the stream took it is for
 * ferror(3) to say.
 *
 * Returns  0; -ENOMEM where it was not whole, and nothing is written.
 */
int json_text_write_line(struct json_text *text, FILE *out);

#endif
