/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"

#define BLOCK_LEN 65536
#define HEADER_FORMAT "netpold-state %03u %-5s %016" PRIx64 " %016" PRIx64 "\n"
#define VERSION_AT 14
#define LEN_AT 24
#define SUM_AT 41

/* ---- the checksum -------------------------------------------------------- */

/* FNV-1a, of 64 bits (Fowler, Noll and Vo): each step can be undone, so that no
   damage of one byte goes unnoticed. */
#define CHECKSUM_BASIS UINT64_C(0xcbf29ce484222325)
#define CHECKSUM_PRIME UINT64_C(0x100000001b3)

static void checksum_add(uint64_t *sum, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ bytes[i]) * CHECKSUM_PRIME;
}

/* ---- the place ----------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int cannot(const char *what, const char *folder,
		  const struct state_kind *kind, int code, struct err *err)
{
	return err_set(err, code, "cannot %s '%s/%s': %s", what, folder,
		       kind->name, strerror(-code));
}

static int open_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int state_file_remove(const char *folder, const struct state_kind *kind,
		      struct err *err)
{
	CLEANUP(close_fd) int fd = open_folder(folder);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return cannot("take away", folder, kind, fd, err);
	if (unlinkat(fd, kind->name, 0) < 0)
		return errno == ENOENT
			       ? 0
			       : cannot("take away", folder, kind, -errno, err);
	/* Back after a loss of power, it would count again. */
	return fsync(fd) < 0 ? cannot("take away", folder, kind, -errno, err)
			     : 0;
}

/* ---- writing ------------------------------------------------------------- */

struct state_writer {
	const struct state_kind *kind;
	char *folder; /* its path */
	int folder_fd, fd;
	int code;	   /* the first failure */
	uint64_t sum, len; /* of what is written */
	size_t n;	   /* in the block, and not written */
	char temporary[NAME_MAX];
	unsigned char block[BLOCK_LEN];
};

static void writer_free(struct state_writer *writer)
{
	close_fd(&writer->fd);
	close_fd(&writer->folder_fd);
	free(writer->folder);
	free(writer);
}

void state_writer_abort(struct state_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		unlinkat(writer->folder_fd, writer->temporary, 0);
	writer_free(writer);
}

static void write_all(struct state_writer *writer, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0 && writer->code == 0) {
		ssize_t n = write(writer->fd, rest, len);

		if (n < 0 && errno != EINTR)
			writer->code = -errno;
		if (n > 0) {
			rest += n;
			len -= (size_t)n;
		}
	}
}

/* Room for the line that comes first, and is known last. */
static int open_files(struct state_writer *writer)
{
	const char *folder = writer->folder;
	char blank[STATE_HEADER_LEN];

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	writer->folder_fd = open_folder(folder);
	if (writer->folder_fd < 0)
		return writer->folder_fd;
	snprintf(writer->temporary, sizeof(writer->temporary), ".%s.new",
		 writer->kind->name);
	/* One that a netpold has left unfinished is in the way of O_EXCL, which
	   follows nobody's link. */
	unlinkat(writer->folder_fd, writer->temporary, 0);
	writer->fd = openat(writer->folder_fd, writer->temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return -errno;
	memset(blank, ' ', sizeof(blank));
	write_all(writer, blank, sizeof(blank));
	return writer->code;
}

int state_writer_open(const char *folder, const struct state_kind *kind,
		      struct state_writer **out, struct err *err)
{
	struct state_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return cannot("write", folder, kind, -ENOMEM, err);
	writer->kind = kind;
	writer->sum = CHECKSUM_BASIS;
	writer->fd = writer->folder_fd = -1;
	writer->folder = strdup(folder);
	r = writer->folder ? open_files(writer) : -ENOMEM;
	if (r < 0) {
		state_writer_abort(writer);
		return cannot("write", folder, kind, r, err);
	}
	*out = writer;
	return 0;
}

static void flush_block(struct state_writer *writer)
{
	checksum_add(&writer->sum, writer->block, writer->n);
	write_all(writer, writer->block, writer->n);
	writer->len += writer->n;
	writer->n = 0;
}

void state_writer_put(struct state_writer *writer, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0) {
		size_t room = BLOCK_LEN - writer->n;
		size_t some = len < room ? len : room;

		memcpy(writer->block + writer->n, rest, some);
		writer->n += some;
		rest += some;
		len -= some;
		if (writer->n == BLOCK_LEN)
			flush_block(writer);
	}
}

static int put_in_place(struct state_writer *writer)
{
	char header[STATE_HEADER_LEN + 1];

	flush_block(writer);
	if (writer->code < 0)
		return writer->code;
	if (writer->len > writer->kind->max_len)
		return -EFBIG; /* nobody would read it */
	snprintf(header, sizeof(header), HEADER_FORMAT, writer->kind->version,
		 writer->kind->name, writer->len, writer->sum);
	if (pwrite(writer->fd, header, STATE_HEADER_LEN, 0) != STATE_HEADER_LEN)
		return -EIO;
	if (fsync(writer->fd) < 0 ||
	    renameat(writer->folder_fd, writer->temporary, writer->folder_fd,
		     writer->kind->name) < 0 ||
	    fsync(writer->folder_fd) < 0)
		return -errno;
	return 0;
}

int state_writer_commit(struct state_writer *writer, struct err *err)
{
	int r = put_in_place(writer);

	if (r < 0) {
		cannot("write", writer->folder, writer->kind, r, err);
		state_writer_abort(writer);
		return r;
	}
	writer_free(writer);
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

struct state_reader {
	int fd;
	uint64_t left;
};

struct header {
	unsigned int version;
	uint64_t len, sum;
};

void state_reader_close(struct state_reader *reader)
{
	if (!reader)
		return;
	close_fd(&reader->fd);
	free(reader);
}

void state_reader_closep(struct state_reader **reader)
{
	state_reader_close(*reader);
}

long state_reader_read(void *ctx, char *buf, size_t size)
{
	struct state_reader *reader = ctx;
	ssize_t n;

	if (size > reader->left)
		size = (size_t)reader->left;
	do {
		n = read(reader->fd, buf, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	reader->left -= (uint64_t)n;
	return (long)n;
}

/* As it was written, to the byte, or not at all: it is written again, of what
   was found in it, and compared. */
static bool header_parse(const char *text, const struct state_kind *kind,
			 struct header *out)
{
	char again[STATE_HEADER_LEN + 1];

	out->version = (unsigned int)strtoul(text + VERSION_AT, NULL, 10);
	out->len = strtoull(text + LEN_AT, NULL, 16);
	out->sum = strtoull(text + SUM_AT, NULL, 16);
	return snprintf(again, sizeof(again), HEADER_FORMAT, out->version,
			kind->name, out->len, out->sum) == STATE_HEADER_LEN &&
	       memcmp(text, again, STATE_HEADER_LEN) == 0;
}

/* Nobody but root, or whoever runs this, has written it. */
static int check_file(int fd, uint64_t *len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	*len = (uint64_t)st.st_size;
	return 0;
}

static int check_contents(struct state_reader *reader,
			  const struct header *header)
{
	uint64_t sum = CHECKSUM_BASIS;
	char *block = malloc(BLOCK_LEN);
	long n;

	if (!block)
		return -ENOMEM;
	reader->left = header->len;
	while ((n = state_reader_read(reader, block, BLOCK_LEN)) > 0)
		checksum_add(&sum, block, (size_t)n);
	free(block);
	if (n < 0)
		return (int)n;
	if (sum != header->sum)
		return -EBADMSG;
	reader->left = header->len;
	return lseek(reader->fd, STATE_HEADER_LEN, SEEK_SET) < 0 ? -errno : 0;
}

static int check(struct state_reader *reader, const struct state_kind *kind,
		 unsigned int *version)
{
	char text[STATE_HEADER_LEN + 1] = "";
	struct header header;
	uint64_t len = 0;
	int r;

	r = check_file(reader->fd, &len);
	if (r < 0)
		return r;
	reader->left = STATE_HEADER_LEN;
	if (len < STATE_HEADER_LEN ||
	    state_reader_read(reader, text, STATE_HEADER_LEN) !=
		    STATE_HEADER_LEN ||
	    !header_parse(text, kind, &header))
		return -EBADMSG;
	*version = header.version;
	if (header.version != kind->version)
		return -EPROTO;
	if (len - STATE_HEADER_LEN != header.len || header.len > kind->max_len)
		return -EBADMSG;
	return check_contents(reader, &header);
}

static int explain(int code, const char *folder, const struct state_kind *kind,
		   unsigned int version, struct err *err)
{
	switch (-code) {
	case EBADMSG:
		return err_set(err, code, "'%s/%s' is damaged", folder,
			       kind->name);
	case EPROTO:
		return err_set(err, code,
			       "'%s/%s' has version %u, and this netpold reads "
			       "version %u",
			       folder, kind->name, version, kind->version);
	case EPERM:
		return err_set(err, code,
			       "'%s/%s' may have been written by others than "
			       "root",
			       folder, kind->name);
	}
	return cannot("read", folder, kind, code, err);
}

static int open_file(const char *folder, const char *name)
{
	CLEANUP(close_fd) int folder_fd = open_folder(folder);
	int fd;

	if (folder_fd < 0)
		return folder_fd;
	/* Neither to hang at a FIFO nor to follow a link. */
	fd = openat(folder_fd, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int state_reader_open(const char *folder, const struct state_kind *kind,
		      struct state_reader **out, struct err *err)
{
	CLEANUP(state_reader_closep)
	struct state_reader *reader = calloc(1, sizeof(*reader));
	unsigned int version = 0;
	int r;

	if (!reader)
		return explain(-ENOMEM, folder, kind, version, err);
	reader->fd = open_file(folder, kind->name);
	r = reader->fd < 0 ? reader->fd : check(reader, kind, &version);
	if (r < 0)
		return explain(r, folder, kind, version, err);
	*out = reader;
	reader = NULL;
	return 0;
}
