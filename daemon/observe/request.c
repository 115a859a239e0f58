/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first member of an answer is the version, so that people see it first.
   @members is taken over, and may be NULL. */
static char *write_answer(json_t *members, size_t *out_len)
{
	json_t *answer = json_pack("{si}", "version", REQUEST_VERSION);
	char *text = NULL, *line = NULL;

	if (json_object_update(answer, members) == 0)
		text = json_dumps(answer, JSON_COMPACT);
	json_decref(members);
	json_decref(answer);
	if (!text)
		return NULL;
	*out_len = strlen(text) + 1;
	line = realloc(text, *out_len + 1);
	if (!line) {
		free(text);
		return NULL;
	}
	line[*out_len - 1] = '\n';
	line[*out_len] = '\0';
	return line;
}

char *request_refuse(const char *why, size_t *out_len)
{
	return write_answer(json_pack("{ss}", "error", why), out_len);
}

static const struct request_handler *
find_handler(const struct request_table *table, const json_t *request)
{
	for (size_t i = 0; i < table->n_handlers; i++) {
		if (json_object_get(request, table->handlers[i].verb))
			return &table->handlers[i];
	}
	return NULL;
}

static json_t *answer_object(const struct request_table *table,
			     const json_t *request, struct request_next *next,
			     struct err *err)
{
	json_t *members;

	const struct request_handler *handler;

	if (!json_is_object(request)) {
		err_set(err, -EINVAL, "a request is an object");
		return NULL;
	}
	handler = find_handler(table, request);
	if (!handler) {
		err_set(err, -EINVAL,
			"this version of netpold knows no such request");
		return NULL;
	}
	members = handler->answer(table->ctx, request, err);
	next->pass_on = members && table->passed_on &&
			strcmp(handler->verb, table->passed_on) == 0;
	if (members && handler->keep_ms)
		next->keep_ms = handler->keep_ms(request, members);
	return members;
}

char *request_answer(const struct request_table *table, const char *line,
		     size_t len, size_t *out_len, struct request_next *next)
{
	struct err err = { .message = "no memory for an answer" };
	json_error_t error;
	json_t *request, *members;

	*next = (struct request_next){ 0 };
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!request) {
		/* What jansson says may quote bytes that are no UTF-8. */
		err_set(&err, -EINVAL, "malformed JSON at byte %d",
			error.position);
		return request_refuse(err.message, out_len);
	}
	members = answer_object(table, request, next, &err);
	json_decref(request);
	if (!members)
		return request_refuse(err.message, out_len);
	return write_answer(members, out_len);
}
