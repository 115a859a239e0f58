/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only files that changed are read, and nobody can tell. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_memory.h"
#include "shelf_watch.h"
#include "source/manifests.h"
#include "source/shelf.h"

/* ---- helpers ------------------------------------------------------------- */

#define POD(name, label)                                                          \
	"---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: shop, name: " name \
	", labels: {app: " label "}}\nspec: {nodeName: node}\n"

static const char *const here[] = { "." };
static char workplace[64];
static struct shelf *shelf;

/* Each test works in a folder of its own, which is the current one. */
static int enter(void **state)
{
	(void)state;
	signal(SIGIO, SIG_IGN);
	strcpy(workplace, "/tmp/netpold-shelf-XXXXXX");
	shelf = shelf_new(here, 1);
	clock_ahead_s = 10;
	return shelf && mkdtemp(workplace) && chdir(workplace) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)state;
	shelf_free(shelf);
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

/* How many files were read. */
static size_t read_well(bool everything)
{
	struct err err;

	n_manifests_opened = 0;
	if (shelf_read(shelf, everything, &err) < 0)
		fail_msg("%s", err.message);
	wait_a_tick();
	return n_manifests_opened;
}

static int take(void)
{
	return shelf_take(shelf, 0);
}

/* It is refused in these words, and in those of a full reading. */
static void assert_refused(int code, const char *words)
{
	static const struct manifests_options watched = { .watched = true };
	struct cluster *cluster;
	struct err err, full;

	assert_int_equal(code, shelf_read(shelf, false, &err));
	assert_int_equal(
		code, manifests_load(here, 1, &watched, &cluster, NULL, &full));
	assert_string_equal(full.message, err.message);
	if (!strstr(err.message, words))
		fail_msg("%s: not in '%s'", words, err.message);
}

/* Its app label, or NULL where it is not there. */
static const char *app_of(const char *pod)
{
	const struct object *object =
		cluster_find(shelf_cluster(shelf), OBJECT_POD, "shop", pod);

	return object ? object->pod.labels.items[0].value : NULL;
}

static void three_files(void)
{
	write_file("a.yaml", POD("a1", "one") POD("a2", "one"));
	write_file("b.yaml", POD("b1", "one") POD("b2", "one"));
	write_file("c.yaml", POD("c1", "one"));
	assert_int_equal(3, read_well(false));
	assert_int_equal(1, take());
}

/* ---- facts --------------------------------------------------------------- */

static void nothing_is_read_where_nothing_changed(void **state)
{
	(void)state;
	three_files();
	assert_int_equal(0, read_well(false));
	assert_int_equal(0, take());
	assert_int_equal(5, cluster_count(shelf_cluster(shelf), OBJECT_POD));
}

static void only_a_file_that_changed_is_read(void **state)
{
	(void)state;
	three_files();
	write_file("b.yaml", POD("b2", "two"));
	assert_int_equal(1, read_well(false));
	assert_string_equal("one", app_of("b2")); /* not taken yet */
	assert_int_equal(1, take());
	assert_null(app_of("b1"));
	assert_string_equal("two", app_of("b2"));
	assert_string_equal("one", app_of("a1"));
}

static void a_file_that_is_gone_takes_its_objects_with_it(void **state)
{
	(void)state;
	three_files();
	assert_int_equal(0, unlink("a.yaml"));
	assert_int_equal(0, read_well(false));
	assert_int_equal(1, take());
	assert_null(app_of("a1"));
	assert_string_equal("one", app_of("b1"));
}

static void a_file_that_is_renamed_changes_nothing(void **state)
{
	(void)state;
	three_files();
	assert_int_equal(0, rename("a.yaml", "d.yaml"));
	assert_int_equal(1, read_well(false));
	assert_int_equal(0, take());
	assert_string_equal("one", app_of("a1"));
	assert_int_equal(0, rename("d.yaml", "b.yaml"));
	assert_int_equal(1, read_well(false));
	assert_int_equal(1, take());
	assert_null(app_of("b1"));
}

static void a_subfolder_is_not_read(void **state)
{
	(void)state;
	three_files();
	assert_int_equal(0, mkdir("d.yaml", 0700));
	write_file("d.yaml/d.yaml", POD("d1", "one"));
	assert_int_equal(0, read_well(false));
	assert_int_equal(0, take());
}

static void a_config_map_is_read_when_its_link_is_swapped(void **state)
{
	(void)state;
	three_files();
	assert_int_equal(0, mkdir("..1", 0700));
	assert_int_equal(0, mkdir("..2", 0700));
	write_file("..1/m.yaml", POD("m", "one"));
	write_file("..2/m.yaml", POD("m", "two"));
	assert_int_equal(0, symlink("..1", "..data"));
	assert_int_equal(0, symlink("..data/m.yaml", "m.yaml"));
	assert_int_equal(1, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("one", app_of("m"));
	assert_int_equal(0, symlink("..2", "..new"));
	assert_int_equal(0, rename("..new", "..data"));
	assert_int_equal(1, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("two", app_of("m"));
}

static void a_file_just_written_is_read_again(void **state)
{
	(void)state;
	clock_ahead_s = 0;
	three_files();
	/* Of the same size, and in the same tick, for all that anyone knows. */
	write_file("b.yaml", POD("b1", "two") POD("b2", "two"));
	assert_int_equal(3, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("two", app_of("b2"));
	clock_ahead_s = 10;
	assert_int_equal(3, read_well(false));
	assert_int_equal(0, take());
	assert_int_equal(0, read_well(false));
}

static void times_that_are_set_back_hide_nothing(void **state)
{
	struct stat before;
	struct timespec times[2];

	(void)state;
	three_files();
	assert_int_equal(0, stat("b.yaml", &before));
	write_file("b.yaml", POD("b1", "two") POD("b2", "two"));
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	assert_int_equal(0, utimensat(AT_FDCWD, "b.yaml", times, 0));
	assert_int_equal(1, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("two", app_of("b1"));
}

static void a_mistake_leaves_everything_as_it_was(void **state)
{
	(void)state;
	three_files();
	write_file("a.yaml", POD("a1", "two"));
	write_file("b.yaml", POD("b1", "two") "---\nkind: [\n");
	assert_refused(-EINVAL, "b.yaml:");
	assert_string_equal("one", app_of("a1"));
	write_file("b.yaml", POD("b1", "one") POD("b2", "one"));
	assert_int_equal(2, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("two", app_of("a1"));
}

static void a_duplicate_is_told_where_a_full_reading_finds_it(void **state)
{
	(void)state;
	three_files();
	/* The second of the two is in a file that has not changed. */
	write_file("a.yaml", POD("b2", "two"));
	assert_refused(-EINVAL, "./b.yaml:7: ");
	write_file("a.yaml", POD("a1", "one"));
	write_file("c.yaml", POD("c1", "one") POD("b1", "two"));
	assert_refused(-EINVAL, "./c.yaml:7: ");
	assert_string_equal("one", app_of("b1"));
	/* It has only moved. */
	write_file("b.yaml", POD("b2", "one"));
	assert_int_equal(3, read_well(false));
	assert_int_equal(1, take());
	assert_string_equal("two", app_of("b1"));
}

static void mistakes_are_counted_in_all_files(void **state)
{
	(void)state;
	three_files();
	write_file("a.yaml", POD("b2", "two") POD("c1", "two"));
	write_file("d.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {}\n");
	assert_refused(-EINVAL, "more error");
}

static void an_empty_folder_is_no_order(void **state)
{
	(void)state;
	write_file("a.yaml", POD("a1", "one"));
	read_well(false);
	take();
	assert_int_equal(0, unlink("a.yaml"));
	assert_refused(-ENODATA, "holds no .yaml");
	assert_string_equal("one", app_of("a1"));
}

static void a_file_open_for_writing_is_waited_for(void **state)
{
	int fd;

	(void)state;
	three_files();
	fd = open("c.yaml", O_WRONLY | O_CLOEXEC);
	write_file("a.yaml", POD("a1", "two"));
	assert_refused(-EAGAIN, "'./c.yaml' is being written");
	close(fd);
	assert_int_equal(1, read_well(false));
	assert_int_equal(1, take());
}

static void everything_is_read_when_it_is_asked_for(void **state)
{
	struct err err;

	(void)state;
	three_files();
	assert_int_equal(3, read_well(true));
	assert_int_equal(0, take());
	/* … until it has been. */
	write_file("c.yaml", "{");
	assert_int_equal(-EINVAL, shelf_read(shelf, true, &err));
	write_file("c.yaml", POD("c1", "two"));
	assert_int_equal(3, read_well(false));
	assert_int_equal(1, take());
	assert_int_equal(0, read_well(false));
}

static void files_that_come_and_go_take_no_memory(void **state)
{
	const struct object c = {
		.kind = OBJECT_POD,
		.pod = { .namespace = "shop", .name = "c", .uid = "" },
	};

	(void)state;
	three_files();
	for (int i = 0; i < 50; i++) {
		char old[24], new[24];

		snprintf(old, sizeof(old), "x%d.yaml", i - 1);
		snprintf(new, sizeof(new), "x%d.yaml", i);
		unlink(old);
		write_file(new, POD("c", "one"));
		read_well(false);
		assert_int_equal(i == 0, take());
		assert_in_range(cluster_bundle_of(shelf_cluster(shelf), &c), 4,
				5);
	}
}

static void a_path_may_lead_to_a_file_twice(void **state)
{
	static const char *const twice[] = { "c.yaml", "." };
	struct shelf *other = shelf_new(twice, 2);
	struct err err;

	(void)state;
	three_files();
	assert_int_equal(-EINVAL, shelf_read(other, false, &err));
	assert_non_null(strstr(err.message, "./c.yaml:2: "));
	write_file("c.yaml", "# nothing\n");
	assert_int_equal(0, shelf_read(other, false, &err));
	assert_int_equal(1, shelf_take(other, 0));
	write_file("c.yaml", POD("c1", "one"));
	assert_int_equal(-EINVAL, shelf_read(other, false, &err));
	assert_non_null(strstr(err.message, "./c.yaml:2: "));
	shelf_free(other);
}

/* A new file is put into the store in part, and has gone when memory is there
   again. */
static void what_failed_halfway_leaves_nothing_behind(void **state)
{
	int r = -ENOMEM;

	(void)state;
	three_files();
	for (long n = 0; r == -ENOMEM; n++) {
		write_file("a.yaml", POD("a1", "two"));
		write_file("d.yaml", POD("d1", "one") POD("d2", "one"));
		read_well(false);
		memory_fails_after(n);
		r = take();
		memory_fails_after(-1);
		unlink("d.yaml");
		write_file("a.yaml", POD("a1", "one") POD("a2", "one"));
		read_well(false);
		assert_true(take() >= 0);
		assert_null(app_of("d1"));
		assert_string_equal("one", app_of("a1"));
		assert_int_equal(
			5, cluster_count(shelf_cluster(shelf), OBJECT_POD));
	}
	assert_int_equal(1, r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_read_where_nothing_changed),
		TEST(only_a_file_that_changed_is_read),
		TEST(a_file_that_is_gone_takes_its_objects_with_it),
		TEST(a_file_that_is_renamed_changes_nothing),
		TEST(a_subfolder_is_not_read),
		TEST(a_config_map_is_read_when_its_link_is_swapped),
		TEST(a_file_just_written_is_read_again),
		TEST(times_that_are_set_back_hide_nothing),
		TEST(a_mistake_leaves_everything_as_it_was),
		TEST(a_duplicate_is_told_where_a_full_reading_finds_it),
		TEST(mistakes_are_counted_in_all_files),
		TEST(an_empty_folder_is_no_order),
		TEST(a_file_open_for_writing_is_waited_for),
		TEST(everything_is_read_when_it_is_asked_for),
		TEST(files_that_come_and_go_take_no_memory),
		TEST(what_failed_halfway_leaves_nothing_behind),
		TEST(a_path_may_lead_to_a_file_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
