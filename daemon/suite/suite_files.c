/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/suite_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "suite/node.h"
#include "suite/suite.h"
#include "suite/watch.h"
#include "whole_file.h"

/* Of folders in folders; links may run in a circle. */
#define MAX_DEPTH 32

struct search {
	struct suite_files *files;
	struct watch *watch;
	char *text; /* room for a file */
	unsigned int depth;
};

static int cannot_read(const char *path, struct err *err)
{
	int code = -errno;

	return err_set(err, code, "cannot read '%s': %s", path,
		       strerror(-code));
}

static int add(struct suite_files *files, const char *path, struct err *err)
{
	const char **items = arena_room(&files->arena, files->items, files->n,
					&files->room, sizeof(*items));
	const char *copy = arena_strdup(&files->arena, path);

	if (!items || !copy)
		return err_set(err, -ENOMEM, "out of memory");
	files->items = items;
	items[files->n++] = copy;
	return 0;
}

/* ---- files --------------------------------------------------------------- */

static bool has_ending(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* One that is too long is refused by who reads it. */
static int take_file(struct search *search, const char *path, struct err *err)
{
	CLEANUP(close_fd)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len;

	if (fd < 0)
		return cannot_read(path, err);
	len = whole_file_read(fd, search->text, SUITE_MAX_SIZE);
	if (len < 0)
		return err_set(err, (int)len, "cannot read '%s': %s", path,
			       strerror((int)-len));
	if (!suite_is_one(search->text, (size_t)len))
		return 0;
	return add(search->files, path, err);
}

/* ---- folders ------------------------------------------------------------- */

static int take_folder(struct search *search, const char *path,
		       struct err *err);

struct name_list {
	struct dirent **items;
	int n;
};

static void name_list_release(struct name_list *list)
{
	for (int i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* By bytes: alphasort(3) would ask the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int take_entry(struct search *search, const char *folder,
		      const char *name, struct err *err)
{
	char path[4096];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s%s%s", folder,
			 folder[strlen(folder) - 1] == '/' ? "" : "/", name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, -ENAMETOOLONG,
			       "the path of '%s' in '%s' is too long", name,
			       folder);
	if (stat(path, &st) < 0)
		return 0; /* gone, or a link to nowhere */
	if (S_ISDIR(st.st_mode))
		return take_folder(search, path, err);
	return S_ISREG(st.st_mode) && has_ending(name)
		       ? take_file(search, path, err)
		       : 0;
}

static int take_folder(struct search *search, const char *path, struct err *err)
{
	CLEANUP(name_list_release) struct name_list names = { 0 };
	int r = 0;

	if (search->depth >= MAX_DEPTH)
		return err_set(err, -ELOOP, "'%s' lies too deep in folders",
			       path);
	watch_add(search->watch, path);
	names.n = scandir(path, &names.items, is_visible, compare_names);
	if (names.n < 0) {
		names.n = 0;
		return cannot_read(path, err);
	}
	search->depth++;
	for (int i = 0; i < names.n && r == 0; i++)
		r = take_entry(search, path, names.items[i]->d_name, err);
	search->depth--;
	return r;
}

/* ---- paths --------------------------------------------------------------- */

static void free_text(char **text)
{
	free(*text);
}

int suite_files_add(struct suite_files *files, const char *path,
		    struct watch *watch, struct err *err)
{
	CLEANUP(free_text) char *text = malloc(SUITE_MAX_SIZE + 1);
	struct search search = { files, watch, text, 0 };
	size_t before = files->n;
	struct stat st;
	int r;

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	if (stat(path, &st) < 0)
		return cannot_read(path, err);
	if (!S_ISDIR(st.st_mode))
		return add(files, path, err);
	r = take_folder(&search, path, err);
	if (r == 0 && files->n == before)
		return err_set(err, -ENODATA,
			       "'%s' holds no .yaml or .yml file of kind "
			       "PolicyTest",
			       path);
	return r;
}

void suite_files_release(struct suite_files *files)
{
	arena_release(&files->arena);
	*files = (struct suite_files){ 0 };
}
