/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory_text.h"

#include <stdlib.h>

bool memory_text_open(struct memory_text *text)
{
	*text = (struct memory_text){ 0 };
	text->out = open_memstream(&text->text, &text->len);
	return text->out != NULL;
}

const char *memory_text_close(struct memory_text *text)
{
	int r = fclose(text->out);

	text->out = NULL;
	return r == 0 ? text->text : NULL;
}

void memory_text_release(struct memory_text *text)
{
	if (text->out)
		fclose(text->out);
	free(text->text);
	*text = (struct memory_text){ 0 };
}
