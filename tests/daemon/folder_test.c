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

#include "source/folder.h"
#include "source/manifests.h"

/* Each test works in a folder of its own, which is the current one. */
static char workplace[64];

static int enter(void **state)
{
	(void)state;
	strcpy(workplace, "/tmp/netpold-folder-XXXXXX");
	return mkdtemp(workplace) && chdir(workplace) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", workplace);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct folder *watch(const char *path)
{
	struct folder *folder = NULL;
	struct err err;

	if (folder_open(&path, 1, &folder, &err) < 0)
		fail_msg("%s", err.message);
	assert_false(folder_changed(folder));
	return folder;
}

static void a_file_that_is_written_has_changed(void **state)
{
	struct folder *folder;

	(void)state;
	write_file("a.yaml", "old");
	write_file("b.yaml", "old");
	folder = watch("a.yaml");
	write_file("b.yaml", "new");
	assert_false(folder_changed(folder));
	write_file("a.yaml", "new");
	assert_true(folder_changed(folder));
	folder_close(folder);
}

static void a_file_behind_a_link_to_another_folder_is_seen(void **state)
{
	struct folder *folder;

	(void)state;
	assert_int_equal(0, mkdir("elsewhere", 0700));
	write_file("elsewhere/a.yaml", "old");
	assert_int_equal(0, symlink("elsewhere/a.yaml", "a.yaml"));
	folder = watch("a.yaml");
	write_file("elsewhere/a.yaml", "new");
	assert_true(folder_changed(folder));
	assert_false(folder_changed(folder));
	folder_close(folder);
}

static void a_config_maps_file_is_seen_when_its_folder_is_swapped(void **state)
{
	struct folder *folder;

	(void)state;
	assert_int_equal(0, mkdir("1", 0700));
	assert_int_equal(0, mkdir("2", 0700));
	write_file("1/a.yaml", "old");
	write_file("2/a.yaml", "new");
	assert_int_equal(0, symlink("1", "..data"));
	assert_int_equal(0, symlink("..data/a.yaml", "a.yaml"));
	folder = watch("a.yaml");
	assert_int_equal(0, symlink("2", "..data_tmp"));
	assert_int_equal(0, rename("..data_tmp", "..data"));
	assert_true(folder_changed(folder));
	folder_close(folder);
}

static void a_folder_made_anew_is_watched_again(void **state)
{
	struct folder *folder;

	(void)state;
	assert_int_equal(0, mkdir("m", 0700));
	folder = watch("m");
	assert_int_equal(0, rmdir("m"));
	assert_true(folder_changed(folder));
	assert_int_equal(0, mkdir("m", 0700));
	assert_true(folder_changed(folder));
	write_file("m/a.yaml", "new");
	assert_true(folder_changed(folder));
	folder_close(folder);
}

static void a_new_file_counts_when_its_writer_closes_it(void **state)
{
	struct folder *folder;
	FILE *file;

	(void)state;
	assert_int_equal(0, mkdir("m", 0700));
	folder = watch("m");
	file = fopen("m/a.yaml", "w");
	assert_non_null(file);
	assert_false(folder_changed(folder));
	fclose(file);
	assert_true(folder_changed(folder));
	folder_close(folder);
}

static int load(const char *path, bool watched, struct err *err)
{
	const struct manifests_options options = { .watched = watched };
	struct cluster *cluster = NULL;
	int r = manifests_load(&path, 1, &options, &cluster, NULL, err);

	cluster_free(cluster);
	return r;
}

static void an_empty_folder_is_no_order_to_open_everything(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(0, mkdir("m", 0700));
	assert_int_equal(-ENODATA, load("m", true, &err));
	assert_non_null(strstr(err.message, "'m' holds no"));
	assert_int_equal(0, load("m", false, &err));
}

static void a_file_that_is_being_written_is_not_read(void **state)
{
	struct err err;
	int fd;

	(void)state;
	fd = open("a.yaml", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(-EAGAIN, load("a.yaml", true, &err));
	assert_int_equal(0, load("a.yaml", false, &err));
	close(fd);
	assert_int_equal(0, load("a.yaml", true, &err));
}

static void an_object_may_be_declared_once(void **state)
{
	static const char twice[] = "apiVersion: v1\n"
				    "kind: Namespace\n"
				    "metadata: {name: shop}\n";
	struct err err;

	(void)state;
	assert_int_equal(0, mkdir("m", 0700));
	write_file("m/a.yaml", twice);
	assert_int_equal(0, load("m", false, &err));
	write_file("m/b.yaml", twice);
	assert_int_equal(-EINVAL, load("m", false, &err));
	assert_non_null(strstr(err.message, "m/b.yaml:1: Namespace shop"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_is_written_has_changed),
		TEST(a_file_behind_a_link_to_another_folder_is_seen),
		TEST(a_config_maps_file_is_seen_when_its_folder_is_swapped),
		TEST(a_folder_made_anew_is_watched_again),
		TEST(a_new_file_counts_when_its_writer_closes_it),
		TEST(an_empty_folder_is_no_order_to_open_everything),
		TEST(a_file_that_is_being_written_is_not_read),
		TEST(an_object_may_be_declared_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
