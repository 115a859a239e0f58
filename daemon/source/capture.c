/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/capture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <pcap/pcap.h>

#include "netpold/cleanup.h"
#include "source/capture_record.h"
#include "source/frame.h"
#include "source/pcap_file.h"
#include "source/pcapng_file.h"
#include "source/window.h"

/* Tunnels in tunnels: more than anybody has. */
#define MAX_TUNNELS 4

struct capture {
	struct window window;
	char *path; /* as people call it */
	bool is_pcapng;
	struct pcap_file pcap;
	struct pcapng_file pcapng;
	bool knows_some;       /* of the link types of packets */
	int unknown_link_type; /* the first that was met; valid where n_read > 0
				  and knows_some is not set */
	bool looks_inside;
	uint64_t n_read;
	uint64_t size; /* of the file, in bytes; 0 where it is none */
};

/* ---- opening ------------------------------------------------------------ */

static int open_file(const char *path, FILE **out, struct err *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");

	if (!file)
		return err_set(err, -errno, "cannot open capture '%s': %s",
			       path, strerror(errno));
	*out = file;
	return 0;
}

static int look_at_file(struct capture *capture, struct err *err)
{
	int fd = fileno(capture->window.file);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return 0;
	if (S_ISDIR(status.st_mode))
		return err_set(err, -EISDIR,
			       "capture '%s' is a folder; name a pcap or "
			       "pcapng file",
			       capture->path);
	if (S_ISREG(status.st_mode))
		capture->size = (uint64_t)status.st_size;
	return 0;
}

static int unknown_link_type(const struct capture *capture, int link_type,
			     struct err *err)
{
	const char *name = pcap_datalink_val_to_name(link_type);

	return err_set(err, -EINVAL,
		       "capture '%s' has link type %s (%d), which netpold "
		       "cannot read; it reads Ethernet, Linux cooked, loopback "
		       "and raw IP captures",
		       capture->path, name ? name : "unknown", link_type);
}

static int cannot_read(const struct capture *capture, int code, struct err *err)
{
	return err_set(err, code, "cannot read capture '%s': %s", capture->path,
		       strerror(-code));
}

static int no_capture(const struct capture *capture, const char *why,
		      struct err *err)
{
	return err_set(err, -EINVAL, "'%s' is no pcap or pcapng capture: %s",
		       capture->path, why);
}

static int begin_pcap(struct capture *capture, struct err *err)
{
	struct window *window = &capture->window;
	const char *wrong;
	int r = window_need(window, PCAP_FILE_HEADER_LEN);

	if (r < 0)
		return cannot_read(capture, r, err);
	if (window_len(window) < PCAP_FILE_HEADER_LEN)
		return no_capture(capture, "it ends inside its header", err);
	wrong = pcap_file_begin(&capture->pcap, window_at(window));
	if (wrong)
		return no_capture(capture, wrong, err);
	window_pass(window, PCAP_FILE_HEADER_LEN);
	if (!frame_knows(capture->pcap.link_type))
		return unknown_link_type(capture, capture->pcap.link_type, err);
	return 0;
}

/* Which format it is, by its first four bytes. */
static int begin(struct capture *capture, struct err *err)
{
	struct window *window = &capture->window;
	int r = window_need(window, 4);

	if (r < 0)
		return cannot_read(capture, r, err);
	if (window_len(window) < 4)
		return no_capture(capture, "it has less than four bytes", err);
	if (pcap_file_is_one(window_at(window)))
		return begin_pcap(capture, err);
	capture->is_pcapng = pcapng_file_is_one(window_at(window));
	return capture->is_pcapng
		       ? 0
		       : no_capture(capture, "it begins as none does", err);
}

int capture_open_begun(FILE *file, const void *first, size_t len,
		       const char *path, struct capture **out, struct err *err)
{
	CLEANUP(capture_closep)
	struct capture *capture = calloc(1, sizeof(*capture));
	int r;

	if (!capture) {
		if (file != stdin)
			fclose(file);
		return err_set(err, -ENOMEM, "out of memory");
	}
	capture->window.file = file;
	capture->path = strdup(path);
	if (!capture->path || window_begin(&capture->window, first, len) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = look_at_file(capture, err);
	if (r == 0)
		r = begin(capture, err);
	if (r < 0)
		return r;

	*out = capture;
	capture = NULL;
	return 0;
}

int capture_open_file(FILE *file, const char *path, struct capture **out,
		      struct err *err)
{
	return capture_open_begun(file, NULL, 0, path, out, err);
}

int capture_open(const char *path, struct capture **out, struct err *err)
{
	FILE *file = NULL;
	int r = open_file(path, &file, err);

	if (r < 0)
		return r;
	return capture_open_file(file, file == stdin ? "standard input" : path,
				 out, err);
}

void capture_look_inside(struct capture *capture)
{
	capture->looks_inside = true;
}

double capture_part(const struct capture *capture)
{
	if (capture->size == 0)
		return -1;
	if (capture->window.passed > capture->size)
		return 1;
	return (double)capture->window.passed / (double)capture->size;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->window.file != stdin)
		fclose(capture->window.file);
	window_release(&capture->window);
	pcapng_file_release(&capture->pcapng);
	free(capture->path);
	free(capture);
}

void capture_closep(struct capture **capture)
{
	capture_close(*capture);
	*capture = NULL;
}

/* ---- packets --------------------------------------------------------------
 */

/* What stands in a frame, or in what it carries. */
static enum capture_kind look_at(const struct capture *capture, int link_type,
				 struct frame *frame)
{
	static const enum capture_kind kinds[] = {
		[FRAME_IP] = CAPTURE_IP,
		[FRAME_NOT_IP] = CAPTURE_NOT_IP,
		[FRAME_CUT] = CAPTURE_CUT,
	};
	enum frame_kind kind = frame_read(link_type, frame);

	for (int i = 0; i < MAX_TUNNELS && capture->looks_inside; i++) {
		if (kind != FRAME_IP || !frame_enter(frame, &kind))
			break;
	}
	return kinds[kind];
}

/* What captures in no way that is known has an interface of its own in a
   pcapng file, beside others, whose packets may come first. */
static void take_packet(struct capture *capture,
			const struct capture_record *record,
			struct capture_packet *out)
{
	struct frame frame = { record->frame, record->frame_len };
	bool is_known = frame_knows(record->link_type);
	enum capture_kind kind = CAPTURE_CUT;

	if (capture->n_read == 0)
		capture->unknown_link_type = record->link_type;
	capture->knows_some |= is_known;
	if (is_known)
		kind = look_at(capture, record->link_type, &frame);
	*out = (struct capture_packet){
		.ip = frame.at,
		.frame = record->frame,
		.time_ns = record->time_ns,
		.len = (uint32_t)frame.len, /* no more than of the frame */
		.frame_len = record->frame_len,
		.wire_len = record->wire_len,
		.link_type = record->link_type,
		.kind = kind,
	};
	capture->n_read++;
}

/* ---- reading ---------------------------------------------------------------
 */

static int broken_off(const struct capture *capture, struct err *err)
{
	return err_set(err, -EIO,
		       "capture '%s' is cut short: it ends inside packet %llu",
		       capture->path, (unsigned long long)capture->n_read + 1);
}

static int wrong(const struct capture *capture,
		 const struct capture_record *record, struct err *err)
{
	if (record->kind == RECORD_NO_MEMORY)
		return err_set(err, -ENOMEM, "out of memory");
	return err_set(err, -EIO,
		       "capture '%s' cannot be read beyond packet %llu: %s",
		       capture->path, (unsigned long long)capture->n_read,
		       record->why);
}

static int skip(struct capture *capture, uint64_t size, struct err *err)
{
	int r = window_skip(&capture->window, size);

	if (r < 0)
		return cannot_read(capture, r, err);
	return r == 0 ? 0 : broken_off(capture, err);
}

static struct capture_record next(struct capture *capture)
{
	const struct window *window = &capture->window;

	if (capture->is_pcapng)
		return pcapng_file_next(&capture->pcapng, window_at(window),
					window_len(window));
	return pcap_file_next(&capture->pcap, window_at(window),
			      window_len(window));
}

/* A record that changes what comes after it (an interface) is there as a whole.
   What is met once more by the next call changes nothing. */
static bool is_there(const struct capture *capture,
		     const struct capture_record *record)
{
	return record->kind == RECORD_PACKET ||
	       (record->kind == RECORD_OTHER &&
		record->size <= window_len(&capture->window));
}

/* Takes what is there already, as long as nothing has to be moved for it.
   Returns what it ended at; no matter what where there is room for no more. */
static struct capture_record take_what_is_there(struct capture *capture,
						struct capture_packet *out,
						size_t max, size_t *n)
{
	struct capture_record record = { 0 };

	while (*n < max) {
		record = next(capture);
		if (!is_there(capture, &record))
			break;
		if (record.kind == RECORD_PACKET)
			take_packet(capture, &record, &out[(*n)++]);
		window_pass(&capture->window, (size_t)record.size);
	}
	return record;
}

/* Gets over what stands in the way of the next packet. */
static int go_on(struct capture *capture, const struct capture_record *stop,
		 bool *at_end, struct err *err)
{
	struct window *window = &capture->window;
	int r;

	if (stop->kind == RECORD_OTHER)
		return skip(capture, stop->size, err);
	if (stop->kind != RECORD_SHORT)
		return wrong(capture, stop, err);
	r = window_need(window, (size_t)stop->size);
	if (r < 0)
		return cannot_read(capture, r, err);
	if (window_len(window) >= stop->size)
		return 0;
	*at_end = window_len(window) == 0;
	return *at_end ? 0 : broken_off(capture, err);
}

int capture_read(struct capture *capture, struct capture_packet *out,
		 size_t max, size_t *n, struct err *err)
{
	struct capture_record stop;
	bool at_end = false;
	int r = 0;

	*n = 0;
	while (r == 0 && *n == 0 && !at_end) {
		stop = take_what_is_there(capture, out, max, n);
		if (*n == 0)
			r = go_on(capture, &stop, &at_end, err);
	}
	if (at_end && capture->is_pcapng && capture->n_read > 0 &&
	    !capture->knows_some)
		return unknown_link_type(capture, capture->unknown_link_type,
					 err);
	return r;
}
