/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kube/token.h"

#define RENEW_EVERY_US INT64_C(1000000)

static const char scheme[] = "Bearer ";

struct web_token {
	struct token *token;
	int64_t renewed_us;
};

/* A longer one would be asked for, and nobody could say it. */
static int check_length(struct web_token *token, const char *path,
			int64_t now_us, struct err *err)
{
	const char *text = token_get(token->token, now_us);
	size_t len = text ? strlen(text) : 0;

	if (len <= WEB_TOKEN_MAX)
		return 0;
	return err_set(err, -E2BIG,
		       "%s: expected a token of at most %d bytes, which fits "
		       "into a request, found %zu",
		       path, WEB_TOKEN_MAX, len);
}

int web_token_open(const char *path, int64_t now_us, struct web_token **out,
		   struct err *err)
{
	struct web_token *token = calloc(1, sizeof(*token));
	int r;

	if (!token)
		return err_set(err, -ENOMEM, "no memory for a token");
	r = token_open(path, NULL, now_us, &token->token, err);
	if (r == 0)
		r = check_length(token, path, now_us, err);
	if (r < 0) {
		web_token_close(token);
		return r;
	}
	token->renewed_us = now_us;
	*out = token;
	return 0;
}

void web_token_close(struct web_token *token)
{
	if (!token)
		return;
	token_close(token->token);
	free(token);
}

/* Goes through all of @given, whose length its sender knows anyway. */
static bool is_same(const char *given, const char *expected)
{
	size_t given_len = strlen(given), len = strlen(expected);
	unsigned char differs = given_len != len;

	for (size_t i = 0; i < given_len; i++)
		differs |= (unsigned char)(given[i] ^ expected[i % len]);
	return differs == 0;
}

static bool fits(struct web_token *token, const char *given, int64_t now_us)
{
	const char *expected = token_get(token->token, now_us);

	return expected && is_same(given, expected);
}

bool web_token_fits(struct web_token *token, const char *authorization,
		    int64_t now_us)
{
	const char *given;

	if (!authorization ||
	    strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return false;
	given = authorization + strlen(scheme);
	given += strspn(given, " ");
	if (fits(token, given, now_us))
		return true;
	if (now_us - token->renewed_us < RENEW_EVERY_US)
		return false;
	token->renewed_us = now_us;
	return token_renew(token->token, now_us) && fits(token, given, now_us);
}
