/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube/kubeconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/kubeconfig_parts.h"
#include "netpold/cleanup.h"
#include "whole_file.h"

struct kubeconfig_file {
	struct kubeconfig_file *next;
	char path[];
};

/* ---- what is known ------------------------------------------------------- */

const char *kubeconfig_section_name(enum kubeconfig_section section)
{
	static const char *const names[] = {
		[KUBECONFIG_CLUSTER] = "cluster",
		[KUBECONFIG_CONTEXT] = "context",
		[KUBECONFIG_USER] = "user",
	};

	return names[section];
}

const char *kubeconfig_file(const struct kubeconfig *config)
{
	const struct kubeconfig_file *file = config->files;

	while (file && file->next)
		file = file->next;
	return file ? file->path : NULL;
}

const struct kubeconfig_entry *kubeconfig_find(const struct kubeconfig *config,
					       enum kubeconfig_section section,
					       const char *name)
{
	const struct kubeconfig_entry *entry = config->entries;

	while (entry &&
	       (entry->section != section || strcmp(entry->name, name) != 0))
		entry = entry->next;
	return entry;
}

const struct kubeconfig_value *
kubeconfig_get(const struct kubeconfig_entry *entry, const char *field)
{
	const struct kubeconfig_value *value = entry->values;

	while (value && strcmp(value->field, field) != 0)
		value = value->next;
	return value;
}

void kubeconfig_entry_free(struct kubeconfig_entry *entry)
{
	while (entry && entry->values) {
		struct kubeconfig_value *value = entry->values;

		entry->values = value->next;
		free(value->text);
		free(value);
	}
	if (entry)
		free(entry->name);
	free(entry);
}

void kubeconfig_release(struct kubeconfig *config)
{
	while (config->entries) {
		struct kubeconfig_entry *entry = config->entries;

		config->entries = entry->next;
		kubeconfig_entry_free(entry);
	}
	while (config->files) {
		struct kubeconfig_file *file = config->files;

		config->files = file->next;
		free(file);
	}
	free(config->current_context);
	*config = (struct kubeconfig){ 0 };
}

/* ---- files --------------------------------------------------------------- */

/* The name, for as long as there is a kubeconfig. */
static const char *keep_path(struct kubeconfig *config, const char *path)
{
	size_t size = strlen(path) + 1;
	struct kubeconfig_file *file = malloc(sizeof(*file) + size);

	if (!file)
		return NULL;
	memcpy(file->path, path, size);
	file->next = config->files;
	config->files = file;
	return file->path;
}

int kubeconfig_parse(struct kubeconfig *config, const char *path,
		     const char *text, size_t len, struct err *err)
{
	const char *file = keep_path(config, path);

	if (!file)
		return err_set(err, -ENOMEM, "no memory to read %s", path);
	return kubeconfig_read_text(config, file, text, len, err);
}

static void close_file(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void free_text(char **text)
{
	free(*text);
}

static int cannot_read(const char *path, int error, struct err *err)
{
	return err_set(err, -error, "%s: cannot read the kubeconfig: %s", path,
		       strerror(error));
}

/* Files that are named in it are relative to its folder, not to ours. */
static char *make_absolute(const char *path)
{
	CLEANUP(free_text) char *here = NULL;
	char *absolute;

	if (*path == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (!here || asprintf(&absolute, "%s/%s", here, path) < 0)
		return NULL;
	return absolute;
}

int kubeconfig_read(struct kubeconfig *config, const char *path,
		    struct err *err)
{
	CLEANUP(close_file) int fd = -1;
	CLEANUP(free_text) char *text = NULL;
	CLEANUP(free_text) char *absolute = make_absolute(path);
	struct stat stat;
	ssize_t len;

	if (!absolute)
		return cannot_read(path, errno, err);
	/* Not to wait for the writer of a pipe. */
	fd = open(absolute, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return cannot_read(path, errno, err);
	if (!S_ISREG(stat.st_mode))
		return err_set(err, -EINVAL,
			       "%s: expected a kubeconfig, found something "
			       "that is no regular file",
			       path);
	text = malloc(KUBECONFIG_MAX_SIZE + 1);
	if (!text)
		return err_set(err, -ENOMEM, "no memory to read %s", path);
	len = whole_file_read(fd, text, KUBECONFIG_MAX_SIZE);
	if (len < 0)
		return cannot_read(path, (int)-len, err);
	if (len > KUBECONFIG_MAX_SIZE)
		return err_set(err, -EFBIG,
			       "%s: expected a kubeconfig of at most %d MiB, "
			       "found more",
			       path, KUBECONFIG_MAX_SIZE >> 20);
	return kubeconfig_parse(config, absolute, text, (size_t)len, err);
}
