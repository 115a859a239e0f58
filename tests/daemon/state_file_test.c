/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "state_file.h"

/* ---- a folder ---------------------------------------------------------------
 */

static const struct state_kind kind = { "test", 7, 200000 };
static char folder[64], file[96];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/netpold-state-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/test", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder); /* nothing else is left in it */
}

static void write_contents(const char *text, size_t len, size_t piece)
{
	struct state_writer *writer;

	assert_int_equal(0, state_writer_open(folder, &kind, &writer, NULL));
	for (size_t i = 0; i < len; i += piece)
		state_writer_put(writer, text + i,
				 len - i < piece ? len - i : piece);
	assert_int_equal(0, state_writer_commit(writer, NULL));
}

/* Returns the length; what state_reader_open() says where that fails. */
static long read_contents(char *out, size_t size, struct err *err)
{
	struct state_reader *reader;
	long n, len = 0;
	int r = state_reader_open(folder, &kind, &reader, err);

	if (r < 0)
		return r;
	while ((n = state_reader_read(reader, out + len, size - (size_t)len)) >
	       0)
		len += n;
	assert_int_equal(0, n);
	state_reader_close(reader);
	return len;
}

static long read_err(struct err *err)
{
	char text[16];

	return read_contents(text, sizeof(text), err);
}

static void put_raw(const char *bytes, size_t len)
{
	FILE *out = fopen(file, "we");

	assert_non_null(out);
	assert_int_equal(len, fwrite(bytes, 1, len, out));
	assert_int_equal(0, fclose(out));
}

static size_t get_raw(char *bytes, size_t size)
{
	FILE *in = fopen(file, "re");
	size_t len;

	assert_non_null(in);
	len = fread(bytes, 1, size, in);
	fclose(in);
	return len;
}

/* ---- tests ------------------------------------------------------------------
 */

static void what_was_written_is_read(void **state)
{
	static const size_t lengths[] = { 0, 1, 65535, 65536, 65537, 200000 };
	char *text = malloc(200000), *again = malloc(200001);

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		text[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		write_contents(text, lengths[i], 40001);
		assert_int_equal(lengths[i],
				 read_contents(again, 200001, NULL));
		assert_memory_equal(text, again, lengths[i]);
	}
	free(text);
	free(again);
}

static void the_file_is_its_owners_alone(void **state)
{
	struct stat st;

	(void)state;
	write_contents("a", 1, 1);
	assert_int_equal(0, stat(file, &st));
	assert_int_equal(S_IFREG | 0600, st.st_mode);
	assert_int_equal(STATE_HEADER_LEN + 1, st.st_size);
}

static void every_changed_byte_is_found(void **state)
{
	char bytes[STATE_HEADER_LEN + 5];
	struct err err;

	(void)state;
	write_contents("hello", 5, 5);
	assert_int_equal(sizeof(bytes), get_raw(bytes, sizeof(bytes)));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		for (int bit = 0; bit < 8; bit++) {
			long r;

			bytes[i] ^= (char)(1 << bit);
			put_raw(bytes, sizeof(bytes));
			r = read_err(&err);
			if (r != -EBADMSG && r != -EPROTO)
				fail_msg("byte %zu, bit %d: %ld", i, bit, r);
			bytes[i] ^= (char)(1 << bit);
		}
	}
	put_raw(bytes, sizeof(bytes));
	assert_int_equal(5, read_err(&err));
}

static void every_other_length_is_found(void **state)
{
	char bytes[STATE_HEADER_LEN + 6] = "";
	struct err err;

	(void)state;
	write_contents("hello", 5, 5);
	get_raw(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		put_raw(bytes, len);
		assert_int_equal(len == STATE_HEADER_LEN + 5 ? 5 : -EBADMSG,
				 read_err(&err));
	}
	assert_non_null(strstr(err.message, "/test' is damaged"));
}

static void another_version_is_refused_by_its_number(void **state)
{
	static const struct state_kind later = { "test", 8, 100 };
	struct state_writer *writer;
	struct err err;

	(void)state;
	assert_int_equal(0, state_writer_open(folder, &later, &writer, NULL));
	assert_int_equal(0, state_writer_commit(writer, NULL));
	assert_int_equal(-EPROTO, read_err(&err));
	assert_non_null(
		strstr(err.message,
		       "has version 8, and this netpold reads version 7"));
}

static void what_others_may_have_written_is_refused(void **state)
{
	struct err err;

	(void)state;
	write_contents("a", 1, 1);
	assert_int_equal(0, chmod(file, 0620));
	assert_int_equal(-EPERM, read_err(&err));
	assert_int_equal(0, chmod(file, 0602));
	assert_int_equal(-EPERM, read_err(&err));
	assert_int_equal(0, chmod(file, 0644));
	assert_int_equal(1, read_err(&err));
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(-ENOENT, read_err(&err));
	assert_int_equal(0, mkfifo(file, 0600));
	assert_int_equal(-EBADMSG, read_err(&err));
	assert_int_equal(0, unlink(file));
	assert_int_equal(0, symlink("/etc/hostname", file));
	assert_int_equal(-ELOOP, read_err(&err));
}

static void who_gives_up_leaves_the_old_file(void **state)
{
	struct state_writer *writer;
	char text[8];

	(void)state;
	write_contents("old", 3, 3);
	assert_int_equal(0, state_writer_open(folder, &kind, &writer, NULL));
	state_writer_put(writer, "new", 3);
	state_writer_abort(writer);
	assert_int_equal(3, read_contents(text, sizeof(text), NULL));
	assert_memory_equal("old", text, 3);
}

static void who_died_in_the_middle_is_in_nobodys_way(void **state)
{
	char unfinished[96];

	(void)state;
	snprintf(unfinished, sizeof(unfinished), "%s/.test.new", folder);
	assert_int_equal(0, symlink("/etc/hostname", unfinished));
	write_contents("new", 3, 3);
	assert_int_equal(-1, access(unfinished, F_OK));
}

static void more_than_anybody_would_read_is_not_written(void **state)
{
	static const struct state_kind small = { "test", 7, 3 };
	struct state_writer *writer;
	struct err err;

	(void)state;
	write_contents("old", 3, 3);
	assert_int_equal(0, state_writer_open(folder, &small, &writer, NULL));
	state_writer_put(writer, "long", 4);
	assert_int_equal(-EFBIG, state_writer_commit(writer, &err));
	assert_int_equal(3, read_err(&err));
}

static void what_cannot_be_written_is_named(void **state)
{
	static const struct state_kind full = { "full", 1, 100 };
	struct state_writer *writer;
	struct err err;

	(void)state;
	/* Nothing can be made there, not even by root. */
	assert_true(state_writer_open("/proc/self/fdinfo", &full, &writer,
				      &err) < 0);
	assert_non_null(strstr(err.message, "/proc/self/fdinfo/full'"));
}

static void a_folder_is_made_and_its_parent_is_not(void **state)
{
	char one[96], two[112];
	struct state_writer *writer;
	struct stat st;

	(void)state;
	snprintf(one, sizeof(one), "%s/a", folder);
	snprintf(two, sizeof(two), "%s/b/c", folder);
	assert_int_equal(-ENOENT, state_writer_open(two, &kind, &writer, NULL));
	assert_int_equal(0, state_writer_open(one, &kind, &writer, NULL));
	assert_int_equal(0, state_writer_commit(writer, NULL));
	assert_int_equal(0, stat(one, &st));
	assert_int_equal(S_IFDIR | 0700, st.st_mode);
	assert_int_equal(0, state_file_remove(one, &kind, NULL));
	assert_int_equal(0, state_file_remove(one, &kind, NULL));
	assert_int_equal(0, rmdir(one));
	assert_int_equal(0, state_file_remove(one, &kind, NULL));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_read),
		TEST(the_file_is_its_owners_alone),
		TEST(every_changed_byte_is_found),
		TEST(every_other_length_is_found),
		TEST(another_version_is_refused_by_its_number),
		TEST(what_others_may_have_written_is_refused),
		TEST(what_is_no_file_is_refused_at_once),
		TEST(who_gives_up_leaves_the_old_file),
		TEST(who_died_in_the_middle_is_in_nobodys_way),
		TEST(more_than_anybody_would_read_is_not_written),
		TEST(what_cannot_be_written_is_named),
		TEST(a_folder_is_made_and_its_parent_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
