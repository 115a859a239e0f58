/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/suggest_flows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "command/suggest_counts.h"
#include "log.h"
#include "netpold/cleanup.h"
#include "netpold/judge.h"
#include "netpold/packet.h"
#include "netpold/track.h"
#include "records/record_reader.h"
#include "records/record_world.h"
#include "source/capture.h"

#define NS_PER_US 1000

/* So many lines that are none are told of; the others are counted. */
#define MAX_TOLD 8

struct suggest_flows {
	struct record_world world;
	suggest_flow_fn each;
	void *ctx;
	struct suggest_counts counts;
	uint32_t n_files; /* of them, the last is being read */
	int failed;	  /* inside of a callback that cannot say so */
};

/* ---- begin and end ------------------------------------------------------ */

int suggest_flows_new(const struct cluster *cluster,
		      const struct snapshot *snapshot, suggest_flow_fn each,
		      void *ctx, struct suggest_flows **out)
{
	struct suggest_flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return -ENOMEM;
	flows->each = each;
	flows->ctx = ctx;
	if (record_world_init(&flows->world, cluster, snapshot) < 0) {
		suggest_flows_free(flows);
		return -ENOMEM;
	}
	*out = flows;
	return 0;
}

void suggest_flows_free(struct suggest_flows *flows)
{
	if (!flows)
		return;
	record_world_release(&flows->world);
	free(flows);
}

void suggest_flows_freep(struct suggest_flows **flows)
{
	suggest_flows_free(*flows);
}

const struct suggest_counts *
suggest_flows_counts(const struct suggest_flows *flows)
{
	return &flows->counts;
}

/* ---- telling ------------------------------------------------------------ */

static int tell(struct suggest_flows *flows, const struct suggest_flow *flow,
		int64_t first_us)
{
	if (flow->to.pod && !flow->from.pod &&
	    snapshot_is_node_of(flows->world.snapshot, &flow->from.addr,
				flow->to.pod)) {
		flows->counts.own_node++;
		return 0;
	}
	flows->counts.flows++;
	suggest_counts_note_time(&flows->counts, first_us, flow->last_us);
	return flows->each(flows->ctx, flow);
}

static bool runs_backwards(bool picked_up, uint16_t src_port, uint16_t dst_port)
{
	return picked_up && src_port > 0 && src_port < dst_port;
}

/* ---- records ------------------------------------------------------------ */

/* What netpold lets pass is seen, and so is what a capture shows or an audit
   copies: that was on its way, whatever policies say. */
static bool was_dropped(const struct record_seen *record)
{
	return record->verdict == VERDICT_DENY && !record->is_audit &&
	       !record->is_kept;
}

static struct suggest_end end_of_record(const struct record_flow *found,
					enum direction side)
{
	const struct record_pod *pod = found->ends[side];

	return (struct suggest_end){
		.pod = pod ? pod->pod : NULL,
		.addr = side == DIRECTION_EGRESS ? found->key.src
						 : found->key.dst,
	};
}

/* As if the other end had opened it. */
static void turn_round(struct record_seen *record)
{
	const struct record_end from = record->from;
	bool by_sender = record->directions[DIRECTION_EGRESS];

	record->from = record->to;
	record->to = from;
	record->directions[DIRECTION_EGRESS] =
		record->directions[DIRECTION_INGRESS];
	record->directions[DIRECTION_INGRESS] = by_sender;
}

/* Whether it is, and counted. */
static bool is_left_out(struct suggest_counts *counts,
			const struct record_seen *record)
{
	const struct {
		bool applies;
		uint64_t *count;
	} rows[] = {
		{ record->is_end, &counts->ends },
		{ record->is_unasked, &counts->unasked },
		{ was_dropped(record), &counts->denied },
		{ record->from_own_node, &counts->own_node },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].applies) {
			++*rows[i].count;
			return true;
		}
	}
	return false;
}

static int tell_record(struct suggest_flows *flows, struct record_seen *record)
{
	struct record_flow found;
	enum direction lost;
	struct suggest_flow flow;

	flows->counts.has_log |= !record->is_kept;
	if (is_left_out(&flows->counts, record))
		return 0;
	if (record->has_port &&
	    runs_backwards(record->is_picked_up, record->from.port,
			   record->to.port))
		turn_round(record);
	if (!record_world_find(&flows->world, record, &found, &lost)) {
		suggest_counts_note_gone(
			&flows->counts,
			lost == DIRECTION_EGRESS ? &record->from : &record->to);
		return 0;
	}
	flow = (struct suggest_flow){
		.from = end_of_record(&found, DIRECTION_EGRESS),
		.to = end_of_record(&found, DIRECTION_INGRESS),
		.protocol = record->protocol,
		.has_port = record->has_port,
		.port = record->to.port,
		.told_at = { record->directions[0], record->directions[1] },
		.capture = record->is_kept ? flows->n_files : 0,
		.count = record->count,
		.last_us = record->last_us,
	};
	return tell(flows, &flow, record->first_us);
}

static void refuse_line(struct suggest_flows *flows, const struct err *err)
{
	if (++flows->counts.bad_lines <= MAX_TOLD)
		log_warning("%s", err->message);
	if (flows->counts.bad_lines == MAX_TOLD)
		log_warning("of more lines like that only the number is told");
}

static int tell_records(struct suggest_flows *flows,
			struct record_reader *reader, struct err *err)
{
	struct record_seen record;
	int r;

	for (;;) {
		r = record_reader_next(reader, &record, err);
		if (r == -EINVAL) {
			refuse_line(flows, err);
			continue;
		}
		if (r <= 0)
			return r;
		r = tell_record(flows, &record);
		if (r < 0)
			return err_set(err, r, "out of memory");
	}
}

static int read_records(struct suggest_flows *flows, FILE *in, const char *name,
			struct err *err)
{
	struct record_reader *reader = NULL;
	int r = record_reader_open(in, name, &reader, err);

	if (r == 0)
		r = tell_records(flows, reader, err);
	record_reader_close(reader);
	return r;
}

/* ---- captures ----------------------------------------------------------- */

static struct suggest_end end_of_address(const struct suggest_flows *flows,
					 const struct ip_addr *addr)
{
	return (struct suggest_end){
		.pod = snapshot_pod_by_address(flows->world.snapshot, addr),
		.addr = *addr,
	};
}

static void tell_flow(void *ctx, struct flow *seen)
{
	struct suggest_flows *flows = ctx;
	bool back =
		runs_backwards(seen->picked_up, seen->src_port, seen->dst_port);
	struct suggest_flow flow = {
		.from = end_of_address(flows, back ? &seen->dst : &seen->src),
		.to = end_of_address(flows, back ? &seen->src : &seen->dst),
		.protocol = seen->protocol,
		.has_port = seen->has_ports,
		.port = back ? seen->src_port : seen->dst_port,
		.capture = flows->n_files,
		.count = 1,
		.last_us = seen->last_ns / NS_PER_US,
	};
	int r = tell(flows, &flow, seen->first_ns / NS_PER_US);

	if (r < 0)
		flows->failed = r;
}

static int track_bytes(struct suggest_flows *flows, struct track *track,
		       const struct capture_packet *bytes)
{
	struct packet packet;
	enum packet_status status =
		packet_parse(bytes->ip, bytes->len, &packet);
	struct tracked tracked;
	int r;

	if (status != PACKET_OK && status != PACKET_FRAGMENT) {
		flows->counts.bad_packets++;
		return 0;
	}
	if (judge_begin(CLASS_ORIGINAL_NEW, status, &packet, bytes->ip,
			bytes->len, NODE_FORWARDS)
		    .note == NOTE_DISCOVERY)
		return 0; /* it passes, and is no flow (NP-72) */
	r = track_packet(track, status, &packet, bytes->ip, bytes->len,
			 bytes->time_ns, &tracked);
	return r < 0 ? r : flows->failed;
}

/* What is cut in its link header is no packet that anybody can judge. */
static int read_packet(struct suggest_flows *flows, struct track *track,
		       const struct capture_packet *packet)
{
	if (packet->kind == CAPTURE_CUT)
		flows->counts.bad_packets++;
	return packet->kind == CAPTURE_IP ? track_bytes(flows, track, packet)
					  : 0;
}

#define READ_AT_ONCE 64

static int read_packets(struct suggest_flows *flows, struct capture *capture,
			struct track *track, struct err *err)
{
	struct capture_packet packets[READ_AT_ONCE];
	size_t n;
	int r;

	do {
		r = capture_read(capture, packets, READ_AT_ONCE, &n, err);
		for (size_t i = 0; r == 0 && i < n; i++) {
			r = read_packet(flows, track, &packets[i]);
			if (r < 0)
				err_set(err, r, "out of memory");
		}
	} while (r == 0 && n > 0);
	return r;
}

/* @first  what was read of @in already
   @in     closed, unless it is standard input */
static int read_capture(struct suggest_flows *flows, FILE *in,
			const char *first, size_t n, const char *name,
			struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	CLEANUP(track_freep) struct track *track = NULL;
	struct track_options options = { .done = tell_flow, .done_ctx = flows };
	int r = capture_open_begun(in, first, n, name, &capture, err);

	if (r < 0)
		return r;
	if (getrandom(options.hash_key, sizeof(options.hash_key), 0) < 0)
		return err_set(err, -errno, "cannot get random bytes: %s",
			       strerror(errno));
	track = track_new(&options);
	if (!track)
		return err_set(err, -ENOMEM, "out of memory");
	r = read_packets(flows, capture, track, err);
	track_finish(track);
	if (r == 0 && flows->failed < 0)
		r = err_set(err, flows->failed, "out of memory");
	return r;
}

/* ---- either ------------------------------------------------------------- */

/* Most bytes that tell what a stream is. */
#define MAX_FIRST 4

/* The first bytes. A pipe gives them as they come. */
static int read_first(FILE *in, char out[MAX_FIRST], size_t *n)
{
	for (*n = 0; *n < MAX_FIRST;) {
		ssize_t r = read(fileno(in), out + *n, MAX_FIRST - *n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : 0;
		*n += (size_t)r;
	}
	return 0;
}

static void give_back(FILE *in, const char *first, size_t n)
{
	while (n > 0)
		ungetc((unsigned char)first[--n], in);
}

/* A record begins with a brace, and blank lines may come first. A capture
   begins with a number, which of pcapng looks like blank lines. */
static bool are_records(const char *first, size_t n)
{
	static const char begins[] = { '{', ' ', '\t', '\r', '\n' };
	static const char pcapng[MAX_FIRST] = { '\n', '\r', '\r', '\n' };

	if (n == MAX_FIRST && memcmp(first, pcapng, MAX_FIRST) == 0)
		return false;
	return n == 0 || memchr(begins, first[0], sizeof(begins));
}

/* @in  closed, unless it is standard input */
static int read_stream(struct suggest_flows *flows, FILE *in, const char *name,
		       struct err *err)
{
	char first[MAX_FIRST];
	size_t n;
	int r = read_first(in, first, &n);

	if (r == 0 && !are_records(first, n))
		return read_capture(flows, in, first, n, name, err);
	if (r == 0) {
		give_back(in, first, n);
		r = read_records(flows, in, name, err);
	} else {
		err_set(err, r, "cannot read '%s': %s", name, strerror(-r));
	}
	if (in != stdin)
		fclose(in);
	return r;
}

int suggest_flows_read(struct suggest_flows *flows, const char *path,
		       struct err *err)
{
	FILE *in;

	flows->n_files++;
	if (strcmp(path, "-") == 0)
		return read_stream(flows, stdin, "standard input", err);
	in = fopen(path, "rbe");
	if (!in)
		return err_set(err, -errno, "cannot read '%s': %s", path,
			       strerror(errno));
	return read_stream(flows, in, path, err);
}
