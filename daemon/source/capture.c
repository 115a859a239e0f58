/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/capture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <pcap/pcap.h>

#include "netpold/cleanup.h"
#include "source/frame.h"

#define NS_PER_S INT64_C(1000000000)

/* Later than any real stamp (the year 2200), so that nanoseconds fit. */
#define LAST_S INT64_C(7258118400)

/* Tunnels in tunnels: more than anybody has. */
#define MAX_TUNNELS 4

struct capture {
	pcap_t *pcap;
	char *path; /* as people call it */
	int link_type;
	bool looks_inside;
	uint64_t n_read;
	uint64_t size; /* of the file, in bytes; 0 where it is none */
};

/* ---- opening ------------------------------------------------------------ */

static void close_filep(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

static int open_file(const char *path, FILE **out, struct err *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");

	if (!file)
		return err_set(err, -errno, "cannot open capture '%s': %s",
			       path, strerror(errno));
	*out = file;
	return 0;
}

static int look_at_file(struct capture *capture, FILE *file, struct err *err)
{
	struct stat status;

	if (fileno(file) < 0 || fstat(fileno(file), &status) < 0)
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

static int check_link_type(const struct capture *capture, struct err *err)
{
	const char *name = pcap_datalink_val_to_name(capture->link_type);

	if (frame_knows(capture->link_type))
		return 0;
	return err_set(err, -EINVAL,
		       "capture '%s' has link type %s (%d), which netpold "
		       "cannot read; it reads Ethernet, Linux cooked, loopback "
		       "and raw IP captures",
		       capture->path, name ? name : "unknown",
		       capture->link_type);
}

int capture_open_file(FILE *file_, const char *path, struct capture **out,
		      struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	CLEANUP(close_filep) FILE *file = file_;
	char why[PCAP_ERRBUF_SIZE] = "";
	int r;

	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return err_set(err, -ENOMEM, "out of memory");
	capture->path = strdup(path);
	if (!capture->path)
		return err_set(err, -ENOMEM, "out of memory");
	r = look_at_file(capture, file, err);
	if (r < 0)
		return r;
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap)
		return err_set(err, -EINVAL,
			       "'%s' is no pcap or pcapng capture: %s",
			       capture->path, why);
	file = NULL; /* libpcap closes it from here on */
	/* It reads each packet in two calls, and nobody else does. */
	__fsetlocking(pcap_file(capture->pcap), FSETLOCKING_BYCALLER);
	capture->link_type = pcap_datalink(capture->pcap);
	r = check_link_type(capture, err);
	if (r < 0)
		return r;

	*out = capture;
	capture = NULL;
	return 0;
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

int capture_link_type(const struct capture *capture)
{
	return capture->link_type;
}

double capture_part(const struct capture *capture)
{
	off_t at = capture->size > 0 ? ftello(pcap_file(capture->pcap)) : -1;

	if (at < 0)
		return -1;
	if ((uint64_t)at > capture->size)
		return 1;
	return (double)at / (double)capture->size;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->path);
	free(capture);
}

void capture_closep(struct capture **capture)
{
	capture_close(*capture);
	*capture = NULL;
}

/* ---- reading ------------------------------------------------------------ */

/* Any stamp may stand in a file. */
static int64_t time_of(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec;
	int64_t ns = header->ts.tv_usec; /* opened with nanoseconds */

	if (seconds < 0)
		seconds = 0;
	if (seconds > LAST_S)
		seconds = LAST_S;
	if (ns < 0 || ns >= NS_PER_S)
		ns = 0;
	return seconds * NS_PER_S + ns;
}

/* libpcap tells a file that ends too early from one that is wrong only in
   words. */
static int broken(const struct capture *capture, struct err *err)
{
	const char *why = pcap_geterr(capture->pcap);

	if (strncmp(why, "truncated ", strlen("truncated ")) == 0)
		return err_set(err, -EIO,
			       "capture '%s' is cut short: it ends inside "
			       "packet %llu",
			       capture->path,
			       (unsigned long long)capture->n_read + 1);
	return err_set(err, -EIO,
		       "capture '%s' cannot be read beyond packet %llu: %s",
		       capture->path, (unsigned long long)capture->n_read, why);
}

/* What stands in a frame, or in what it carries. */
static enum capture_kind look_at(const struct capture *capture,
				 struct frame *frame)
{
	static const enum capture_kind kinds[] = {
		[FRAME_IP] = CAPTURE_IP,
		[FRAME_NOT_IP] = CAPTURE_NOT_IP,
		[FRAME_CUT] = CAPTURE_CUT,
	};
	enum frame_kind kind = frame_read(capture->link_type, frame);

	for (int i = 0; i < MAX_TUNNELS && capture->looks_inside; i++) {
		if (kind != FRAME_IP || !frame_enter(frame, &kind))
			break;
	}
	return kinds[kind];
}

int capture_next(struct capture *capture, struct capture_packet *out,
		 struct err *err)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	struct frame frame;
	enum capture_kind kind;
	int r;

	r = pcap_next_ex(capture->pcap, &header, &data);
	if (r == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	if (r != 1)
		return broken(capture, err);
	capture->n_read++;
	frame = (struct frame){ data, header->caplen };
	kind = look_at(capture, &frame);
	*out = (struct capture_packet){
		.ip = frame.at,
		.len = frame.len,
		.time_ns = time_of(header),
		.frame = data,
		.frame_len = header->caplen,
		.wire_len = header->len,
	};
	return kind;
}
