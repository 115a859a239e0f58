/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/web_page.h"

#include <stdlib.h>
#include <string.h>

void web_page_say(struct web_page *out, unsigned int status, const char *line)
{
	out->status = status;
	out->content_type = "text/plain; charset=utf-8";
	out->len = strlen(line) + 1;
	out->body = malloc(out->len);
	if (!out->body)
		return;
	memcpy(out->body, line, out->len - 1);
	out->body[out->len - 1] = '\n';
}

void web_page_refuse(struct web_page *out, bool is_tried)
{
	web_page_say(out, 401,
		     is_tried
			     ? "expected another token"
			     : "expected a token: Authorization: Bearer TOKEN");
	out->authenticate =
		is_tried ? "Bearer realm=\"netpold\", error=\"invalid_token\""
			 : "Bearer realm=\"netpold\"";
}
