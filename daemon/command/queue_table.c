/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/queue_table.h"

#include <stdbool.h>
#include <stdint.h>

#include "command/hindrances.h"
#include "command/told.h"

/* 80 together. Numbers that are wider still have a space before them. */
#define FIRST_WIDTH 10
#define WIDTH 10

/* The kernel's counts are told by queue, the workers' by worker; queue i after
   the first is worker i's. */
static const struct {
	const char *heading;
	bool by_queue;
	bool is_bad;	      /* where it is not zero */
	const char *names[3]; /* of metrics to add up */
} columns[] = {
	{ "WAITING", true, true, { "netpold_queue_waiting_packets" } },
	{ "DROPPED",
	  true,
	  true,
	  { "netpold_queue_dropped_packets_total",
	    "netpold_queue_user_dropped_packets_total" } },
	{ "OVERRUNS", false, true, { "netpold_queue_overruns_total" } },
	{ "PACKETS", false, false, { "netpold_packets_total" } },
	{ "ALLOWED", false, false, { "netpold_packets_allowed_total" } },
	{ "PASSED", false, false, { "netpold_packets_passed_total" } },
	{ "DENIED", false, false, { "netpold_packets_denied_total" } },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static double sum_of_column(const json_t *metrics, size_t column)
{
	const char *const *names = columns[column].names;
	double sum = 0;

	for (size_t i = 0; names[i]; i++)
		sum += told_sum(metrics, names[i]);
	return sum;
}

static double read_cell(const json_t *metrics, size_t column, int first, int i)
{
	const char *const *names = columns[column].names;
	bool by_queue = columns[column].by_queue;
	double sum = 0;
	char label[16];

	snprintf(label, sizeof(label), "%d", by_queue ? first + i : i);
	for (size_t k = 0; names[k]; k++)
		sum += told_value(metrics, names[k],
				  by_queue ? "queue" : "worker", label);
	return sum;
}

/* Copies wait in no queue, and none drops their packets. */
static bool is_shown(size_t column, bool is_audit)
{
	return !is_audit || !columns[column].by_queue;
}

static void write_row(FILE *out, const double cells[N_COLUMNS], bool is_audit)
{
	for (size_t column = 0; column < N_COLUMNS; column++) {
		if (!is_shown(column, is_audit))
			continue;
		fputc(' ', out);
		told_write_number(out, WIDTH - 1, cells[column]);
	}
	fputc('\n', out);
}

/* A queue that keeps up is in the sum only. */
static void write_queue(FILE *out, const json_t *metrics, int first, int i)
{
	double cells[N_COLUMNS];
	bool keeps_up = true;

	for (size_t column = 0; column < N_COLUMNS; column++) {
		cells[column] = read_cell(metrics, column, first, i);
		keeps_up &= !columns[column].is_bad || !(cells[column] > 0);
	}
	if (keeps_up)
		return;
	fprintf(out, "%-*d", FIRST_WIDTH, first + i);
	write_row(out, cells, false);
}

void queue_table_write(FILE *out, const json_t *status, const json_t *metrics)
{
	const json_t *queues = json_object_get(status, "queues");
	double first = told_number(queues, "first");
	double count = told_number(queues, "count");
	bool is_audit = hindrances_audit(status);
	double sums[N_COLUMNS];

	fprintf(out, "%-*s", FIRST_WIDTH, is_audit ? "Copies" : "Queue");
	for (size_t column = 0; column < N_COLUMNS; column++) {
		if (is_shown(column, is_audit))
			fprintf(out, "%*s", WIDTH, columns[column].heading);
		sums[column] = sum_of_column(metrics, column);
	}
	fprintf(out, "\n%-*s", FIRST_WIDTH, "all");
	write_row(out, sums, is_audit);
	if (is_audit)
		return;
	/* Whatever was told: a queue's number has 16 bits. */
	for (int i = 0; first >= 0 && i < count && first + i <= UINT16_MAX; i++)
		write_queue(out, metrics, (int)first, i);
}
