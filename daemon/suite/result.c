/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/result.h"

#include <errno.h>
#include <stdlib.h>

int suite_result_init(struct suite_result *result, const struct suite *suite)
{
	*result = (struct suite_result){
		.file = suite->file,
		.name = suite->name,
	};
	result->cases = arena_array(&result->arena, suite->n_cases,
				    sizeof(*result->cases));
	return result->cases ? 0 : -ENOMEM;
}

void suite_result_release(struct suite_result *result)
{
	arena_release(&result->arena);
	*result = (struct suite_result){ 0 };
}

void case_result_fail(struct case_result *result, const struct failure *failure)
{
	if (result->n_failures < RESULT_MAX_FAILURES)
		result->failures[result->n_failures] = *failure;
	result->n_failures++;
}

int suite_result_edit(struct suite_result *result, size_t begin, size_t end,
		      const char *word)
{
	struct edit *edits =
		arena_room(&result->arena, result->edits, result->n_edits,
			   &result->edit_room, sizeof(*edits));

	if (!edits)
		return -ENOMEM;
	result->edits = edits;
	edits[result->n_edits++] = (struct edit){ begin, end, word };
	return 0;
}

size_t case_result_n_told(const struct case_result *result)
{
	return result->n_failures < RESULT_MAX_FAILURES ? result->n_failures
							: RESULT_MAX_FAILURES;
}

/* ---- words --------------------------------------------------------------- */

void result_words_begin(struct result_words *words)
{
	*words = (struct result_words){ 0 };
	words->out = open_memstream(&words->text, &words->len);
}

const char *result_words_end(struct result_words *words, struct arena *arena)
{
	const char *copy = NULL;

	if (words->out && fclose(words->out) == 0)
		copy = arena_strndup(arena, words->text, words->len);
	free(words->text);
	*words = (struct result_words){ 0 };
	return copy;
}
