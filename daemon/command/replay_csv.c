/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows for spreadsheets (RFC 4180). Names of objects and words of ours need no
 * quotes; reasons have commas, and stand in them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/replay_report.h"

static void begin(struct replay_report *report)
{
	(void)report;
	printf("time,from_namespace,from_pod,from_ip,from_port,to_namespace,"
	       "to_pod,to_ip,to_port,protocol,verdict,packets_there,"
	       "packets_back,icmp_errors,asked_both_ways,denied_alone,"
	       "allowed_alone,changes,why\r\n");
}

static void write_end(const struct pod *pod, const struct ip_addr *addr,
		      bool has_port, uint16_t port)
{
	char text[IP_ADDR_TEXT_LEN];

	printf("%s,%s,%s,", pod ? pod->namespace : "", pod ? pod->name : "",
	       ip_addr_format(addr, text));
	if (has_port)
		printf("%u", port);
	putchar(',');
}

static void write_protocol(uint8_t protocol)
{
	const char *name = protocol_name(protocol);

	if (name)
		printf("%s,", name);
	else
		printf("%u,", protocol);
}

static void write_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void write_why(struct replay_report *report,
		      const struct decision_record *record)
{
	char *text = NULL;
	size_t len = 0;
	FILE *words = open_memstream(&text, &len);

	if (words)
		decision_record_write_why(words, record);
	if (!words || fclose(words) != 0)
		report->failed = -ENOMEM;
	else
		write_quoted(text);
	free(text);
}

static size_t n_turns(const struct replay_line *line)
{
	size_t n = 0;

	for (const struct replay_turn *turn = line->first->next; turn;
	     turn = turn->next)
		n++;
	return n;
}

static void write_flow(struct replay_report *report,
		       const struct replay_line *line)
{
	const struct decision_record *record = &line->record;
	const struct explanation *explanation = record->explanation;
	const struct flow_key *key = &record->key;

	replay_write_time(stdout, line->flow->first_ns);
	putchar(',');
	write_end(explanation->sides[DIRECTION_EGRESS].pod, &key->src,
		  key->has_port, record->src_port);
	write_end(explanation->sides[DIRECTION_INGRESS].pod, &key->dst,
		  key->has_port, key->dst_port);
	write_protocol(key->protocol);
	printf("%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64
	       ",%zu,",
	       verdict_name(explanation->decision.verdict), line->there,
	       line->back, line->flow->errors,
	       line->both_ways ? "true" : "false", line->n_denied,
	       line->n_allowed, n_turns(line));
	write_why(report, record);
	printf("\r\n");
}

/* ---- the summary ----------------------------------------------------------
 */

static void write_row(const struct replay_row *row, void *ctx)
{
	const struct replay_count *allowed = &row->by_verdict[VERDICT_ALLOW];
	const struct replay_count *denied = &row->by_verdict[VERDICT_DENY];

	(void)ctx;
	printf("%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\r\n",
	       row->namespace, row->name,
	       *row->name ? direction_name(row->direction) : "", allowed->flows,
	       denied->flows, allowed->packets, denied->packets);
}

static void write_summary(struct replay_report *report)
{
	printf("namespace,policy,direction,allowed_flows,denied_flows,"
	       "allowed_packets,denied_packets\r\n");
	replay_summary_each(&report->summary, write_row, NULL);
}

const struct replay_format replay_csv = { "csv", begin, write_flow,
					  write_summary };
