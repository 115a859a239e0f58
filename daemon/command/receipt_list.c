/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/receipt_list.h"

#include "command/told.h"

/* Names come last: they are the longest, and of any length. */
static void write_row(FILE *out, const json_t *receipt, int64_t now_us)
{
	if (json_object_get(receipt, "generation"))
		told_write_number(out, 10, told_number(receipt, "generation"));
	else
		fprintf(out, "%10s", "-");
	fputs("  ", out);
	told_write_text(out, told_text(receipt, "in_force_since"));
	fputs("  ", out);
	told_write_text(out, told_text(receipt, "namespace"));
	fputc('/', out);
	told_write_text(out, told_text(receipt, "name"));
	fputs(" (", out);
	told_write_duration(out,
			    now_us - told_time_us(receipt, "in_force_since"));
	fputc(')', out);
	if (json_is_true(json_object_get(receipt, "staged")))
		fputs(", staged", out);
	if (json_is_true(json_object_get(receipt, "unreadable")))
		fputs(", NOT READ in full", out);
	fputc('\n', out);
}

void receipt_list_write(FILE *out, const json_t *receipts, int64_t now_us)
{
	const json_t *receipt;
	size_t i;

	fprintf(out, "\n%10s  %-24s  %s\n", "GENERATION", "IN FORCE SINCE",
		"POLICY");
	json_array_foreach(receipts, i, receipt)
	{
		write_row(out, receipt, now_us);
	}
}
