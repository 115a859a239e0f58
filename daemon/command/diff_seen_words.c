/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "command/diff_seen.h"
#include "plain_text.h"
#include "source/offline.h"
#include "time_text.h"

/* Pods that nobody stands for; more are counted. */
#define MAX_LOST_TOLD 8

const char *seen_change_word(const struct seen_change *change)
{
	return change->key.opens ? "opens" : "closes";
}

/* ---- ends --------------------------------------------------------------- */

struct seen_unit seen_unit_of(const struct seen *seen,
			      const struct seen_change *change,
			      enum direction end)
{
	uint32_t at = change->key.ends[end];
	const struct record_pod *pod;

	if (at == SEEN_OUTSIDE)
		return (struct seen_unit){ "", "", "", 0 };
	pod = &seen->places[REACH_NEW].pods[at];
	if (seen->by == GRID_BY_NAMESPACE)
		return (struct seen_unit){ "Namespace", pod->pod->namespace, "",
					   0 };
	if (seen->by == GRID_BY_POD)
		return (struct seen_unit){ "Pod", pod->pod->namespace,
					   pod->pod->name,
					   (int)strlen(pod->pod->name) };
	return (struct seen_unit){ pod->workload.kind, pod->workload.namespace,
				   pod->workload.name,
				   (int)pod->workload.name_len };
}

static void write_outside(FILE *out, const struct seen_change *change)
{
	char text[IP_ADDR_TEXT_LEN];

	for (size_t i = 0; i < change->n_outside; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			ip_addr_format(&change->outside[i], text));
	if (change->has_more_outside)
		fputs(", and others", out);
}

void seen_write_end(FILE *out, const struct seen *seen,
		    const struct seen_change *change, enum direction end)
{
	struct seen_unit unit = seen_unit_of(seen, change, end);

	if (!*unit.kind)
		write_outside(out, change);
	else if (seen->by == GRID_BY_NAMESPACE)
		fprintf(out, "%s/*", unit.namespace);
	else
		fprintf(out, "%s/%.*s", unit.namespace, unit.name_len,
			unit.name);
}

/* ---- ports and times ---------------------------------------------------- */

void seen_write_port(FILE *out, const struct seen_change *change)
{
	const struct seen_key *key = &change->key;
	const char *protocol = protocol_name(key->protocol);

	if (!protocol)
		fprintf(out, "protocol %u", key->protocol);
	else if (key->has_port)
		fprintf(out, "%u/%s", key->port, protocol);
	else if (protocol_has_ports(key->protocol))
		fprintf(out, "%s, port not known", protocol);
	else
		fputs(protocol, out);
}

static void write_time(FILE *out, const char *word, int64_t time_us)
{
	char text[TIME_TEXT_LEN];

	if (time_us && time_text_format(time_us, text))
		fprintf(out, ", %s %s", word, text);
}

void seen_write_times(FILE *out, const struct seen_change *change)
{
	uint64_t times = seen_times(change->times);
	uint64_t denied = seen_times(change->denied);

	fprintf(out, "%" PRIu64 " %s", times, times == 1 ? "time" : "times");
	if (denied)
		fprintf(out, " (%" PRIu64 " denied)", denied);
	if (change->first_us != change->last_us)
		write_time(out, "first", change->first_us);
	write_time(out, times == 1 ? "at" : "last", change->last_us);
}

/* ---- all of it ---------------------------------------------------------- */

void seen_write_summary(FILE *out, const struct seen *seen)
{
	if (seen->n == 0)
		fputs("No connection that was seen opens or closes", out);
	else
		fprintf(out,
			"Groups of connections that were seen and open: %zu, "
			"that close: %zu",
			seen->n_opens, seen->n - seen->n_opens);
	fprintf(out, " (judged: %" PRIu64 " %s)", seen->counts.judged,
		seen->counts.judged == 1 ? "record" : "records");
}

static void write_count(FILE *out, uint64_t n, const char *one,
			const char *many, const char *what)
{
	if (n > 0)
		fprintf(out, "%" PRIu64 " %s %s\n", n, n == 1 ? one : many,
			what);
}

/* A name from outside is no line of its own. */
static void write_lost(FILE *out, const struct seen *seen)
{
	char plain[PLAIN_TEXT_LEN];

	if (seen->counts.lost == 0)
		return;
	fprintf(out,
		"%" PRIu64 " %s left out, of pods that OLD or NEW does not "
		"have: ",
		seen->counts.lost,
		seen->counts.lost == 1 ? "record" : "records");
	for (size_t i = 0; i < seen->n_lost && i < MAX_LOST_TOLD; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			plain_text(seen->lost[i], plain));
	fprintf(out, "%s\n",
		seen->n_lost > MAX_LOST_TOLD ? ", and others" : "");
}

void seen_write_left_out(FILE *out, const struct seen *seen)
{
	const struct seen_counts *counts = &seen->counts;

	write_lost(out, seen);
	write_count(out, counts->unasked, "record", "records",
		    "left out, of packets that no policy judges");
	write_count(out, counts->ends, "record", "records",
		    "passed over, of flows that have ended: they count when "
		    "they are opened");
	write_count(out, counts->refused, "line", "lines",
		    "left out: no decision records");
	write_count(out, counts->beyond, "record", "records",
		    "of more changes than are told");
	offline_write_left_out(out, &seen->worlds[REACH_OLD], " of OLD");
	offline_write_left_out(out, &seen->worlds[REACH_NEW], " of NEW");
}
