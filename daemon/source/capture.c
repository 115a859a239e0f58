/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/capture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <pcap/pcap.h>
#include <pcap/sll.h>

#include "netpold/cleanup.h"

#define NS_PER_S INT64_C(1000000000)

/* Later than any real stamp (the year 2200), so that nanoseconds fit. */
#define LAST_S INT64_C(7258118400)

enum {
	ETHER_HEADER_LEN = 14,
	VLAN_TAG_LEN = 4, /* IEEE 802.1Q: two bytes of tag, the next type */
	FAMILY_LEN = 4,	  /* DLT_NULL and DLT_LOOP */
};

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_SERVICE_VLAN = 0x88a8, /* 802.1ad */
	ETHER_OLD_SERVICE_VLAN = 0x9100,
};

struct capture {
	pcap_t *pcap;
	char *path; /* as people call it */
	int link_type;
	uint64_t n_read;
};

/* What is left of a frame. */
struct frame {
	const uint8_t *at;
	size_t len;
};

static uint16_t be16_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool skip(struct frame *frame, size_t n)
{
	if (frame->len < n)
		return false;
	frame->at += n;
	frame->len -= n;
	return true;
}

/* ---- link headers ------------------------------------------------------- */

/* From an EtherType on; the frame begins behind it. */
static enum capture_kind read_type(struct frame *frame, uint16_t type)
{
	while (type == ETHER_VLAN || type == ETHER_SERVICE_VLAN ||
	       type == ETHER_OLD_SERVICE_VLAN) {
		const uint8_t *tag = frame->at;

		if (!skip(frame, VLAN_TAG_LEN))
			return CAPTURE_CUT;
		type = be16_at(tag + 2);
	}
	if (type == ETHER_IPV4 || type == ETHER_IPV6)
		return CAPTURE_IP;
	return CAPTURE_NOT_IP;
}

/* A header of fixed length with an EtherType somewhere in it. */
static enum capture_kind read_typed(struct frame *frame, size_t header_len,
				    size_t type_offset)
{
	const uint8_t *header = frame->at;

	if (!skip(frame, header_len))
		return CAPTURE_CUT;
	return read_type(frame, be16_at(header + type_offset));
}

/* The address family comes in the byte order, and by the number, of the
   machine that captured. The IP version says the same more plainly. */
static enum capture_kind read_raw(const struct frame *frame)
{
	uint8_t version;

	if (frame->len == 0)
		return CAPTURE_CUT;
	version = frame->at[0] >> 4;
	return version == 4 || version == 6 ? CAPTURE_IP : CAPTURE_NOT_IP;
}

static enum capture_kind read_loopback(struct frame *frame)
{
	if (!skip(frame, FAMILY_LEN))
		return CAPTURE_CUT;
	return read_raw(frame);
}

static enum capture_kind read_link(int link_type, struct frame *frame)
{
	switch (link_type) {
	case DLT_EN10MB:
		return read_typed(frame, ETHER_HEADER_LEN, 12);
	case DLT_LINUX_SLL:
		return read_typed(frame, SLL_HDR_LEN, 14);
	case DLT_LINUX_SLL2:
		return read_typed(frame, SLL2_HDR_LEN, 0);
	case DLT_NULL:
	case DLT_LOOP:
		return read_loopback(frame);
	default:
		return read_raw(frame);
	}
}

static bool is_known(int link_type)
{
	switch (link_type) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	default:
		return false;
	}
}

/* ---- opening ------------------------------------------------------------ */

static void close_filep(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

static int open_file(const char *path, FILE **out, struct err *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	struct stat status;

	if (!file)
		return err_set(err, -errno, "cannot open capture '%s': %s",
			       path, strerror(errno));
	*out = file;
	if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
		return err_set(err, -EISDIR,
			       "capture '%s' is a folder; name a pcap or "
			       "pcapng file",
			       path);
	return 0;
}

static int check_link_type(const struct capture *capture, struct err *err)
{
	const char *name = pcap_datalink_val_to_name(capture->link_type);

	if (is_known(capture->link_type))
		return 0;
	return err_set(err, -EINVAL,
		       "capture '%s' has link type %s (%d), which netpold "
		       "cannot read; it reads Ethernet, Linux cooked, loopback "
		       "and raw IP captures",
		       capture->path, name ? name : "unknown",
		       capture->link_type);
}

int capture_open(const char *path, struct capture **out, struct err *err)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	CLEANUP(close_filep) FILE *file = NULL;
	char why[PCAP_ERRBUF_SIZE] = "";
	int r;

	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return err_set(err, -ENOMEM, "out of memory");
	capture->path =
		strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (!capture->path)
		return err_set(err, -ENOMEM, "out of memory");
	r = open_file(path, &file, err);
	if (r < 0)
		return r;
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap)
		return err_set(err, -EINVAL,
			       "'%s' is no pcap or pcapng capture: %s",
			       capture->path, why);
	file = NULL; /* libpcap closes it from here on */
	capture->link_type = pcap_datalink(capture->pcap);
	r = check_link_type(capture, err);
	if (r < 0)
		return r;

	*out = capture;
	capture = NULL;
	return 0;
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
	kind = read_link(capture->link_type, &frame);
	*out = (struct capture_packet){
		.ip = frame.at,
		.len = frame.len,
		.time_ns = time_of(header),
	};
	return kind;
}
