/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_JSON_SCANNER_H
#define NETPOLD_JSON_SCANNER_H

#include <stdbool.h>
#include <stddef.h>

#include "netpold/err.h"
#include "netpold/manifest.h"
#include "text.h"
#include "tree.h"

/**
 * The words of JSON text: strings, numbers, names, and the characters between.
 *
 * Functions that read return 0; -EBADMSG where the text is wrong; another
 * negative errno where it cannot be read.
 */
struct json_scanner {
	manifest_read_fn read;
	void *read_ctx;
	int read_error; /* negative errno */
	unsigned int line;
	struct text token; /* the string or number read last */

	bool at_end;
	size_t at;
	size_t filled;
	char buffer[1 << 16];
};

/** Begin a new text; what the old one left unread is forgotten. */
void json_scanner_restart(struct json_scanner *scanner);

void json_scanner_release(struct json_scanner *scanner);

#define END_OF_TEXT (-1)

/** json_scanner_peek() where the buffer is used up. */
int json_scanner_refill(struct json_scanner *scanner);

/** The next byte, which stays; END_OF_TEXT also where reading has failed. */
static inline int json_scanner_peek(struct json_scanner *scanner)
{
	if (scanner->at == scanner->filled)
		return json_scanner_refill(scanner);
	return (unsigned char)scanner->buffer[scanner->at];
}

/** Move over blanks, counting lines. */
void json_scanner_skip_blanks(struct json_scanner *scanner);

/** Move over one character; an error where another stands. */
int json_scanner_skip(struct json_scanner *scanner, char wanted,
		      const char *expected, struct err *err);

/** Say that something else was expected where the scanner stands. */
int json_scanner_error(struct json_scanner *scanner, const char *expected,
		       struct err *err);

/** The rest of a string, whose opening quote has been read, into the token. */
int json_scanner_string(struct json_scanner *scanner, struct err *err);

/** A number: an integer where it fits, else a float. */
int json_scanner_number(struct json_scanner *scanner, struct tree *out,
			struct err *err);

/** Exactly this word. */
int json_scanner_word(struct json_scanner *scanner, const char *word,
		      struct err *err);

#endif
