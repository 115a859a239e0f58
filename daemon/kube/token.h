/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NETPOLD_DAEMON_KUBE_TOKEN_H
#define NETPOLD_DAEMON_KUBE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "netpold/err.h"

/**
 * The secret word by which the API server knows who asks (API-61).
 *
 * One in a file lives for about an hour, and is replaced in its place long
 * before. It is read again when it is asked for and a minute has gone by; where
 * that fails, or finds nothing of use, the old one stays.
 *
 * Threads  one at a time.
 */
struct token;

#define TOKEN_MAX_LEN 65536	/* bytes; real ones have about a thousand */
#define TOKEN_AGE_US 60000000LL /* how old it may become unread */

/**
 * @path   its file, or NULL
 * @fixed  where there is no file: the token itself, or NULL for none at all
 * @now_us clock_us()
 *
 * Returns  0; -EBADMSG where it is empty, too long, or has bytes in it that
 *          would break the line that it stands in; another negative errno where
 *          it cannot be read; with a message that does not tell it.
 */
int token_open(const char *path, const char *fixed, int64_t now_us,
	       struct token **out, struct err *err);

/** NULL is fine. */
void token_close(struct token *token);

/** NULL where there is none. Valid until the next call. */
const char *token_get(struct token *token, int64_t now_us);

/** It was refused: read it again. True where it has changed. */
bool token_renew(struct token *token, int64_t now_us);

/** Which token it is: another number once it has changed. */
unsigned int token_edition(const struct token *token);

#endif
