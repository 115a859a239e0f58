/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "list_text.h"

bool list_text_begin_item(FILE *out, size_t i, size_t n, const char *joint)
{
	if (i == LIST_TEXT_MAX) {
		fprintf(out, "%s%zu more", joint, n - i);
		return false;
	}
	if (i > 0 && i + 1 < n)
		fprintf(out, ", ");
	else if (i > 0)
		fprintf(out, "%s", joint);
	return true;
}
