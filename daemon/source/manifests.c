/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netpold/cleanup.h"
#include "netpold/manifest.h"

/* What goes through the whole of one load. */
struct load {
	const struct manifests_options *options;
	struct cluster *cluster;
	size_t source;	 /* the path that is being read */
	uint32_t bundle; /* of the file that is */
	struct manifests_report report;
	struct err first; /* the first error, as a line of its own */
};

static void close_fd(int *fd)
{
	if (*fd > STDIN_FILENO)
		close(*fd);
}

/* ---- files -------------------------------------------------------------- */

static void take_finding(void *ctx, const struct finding *finding)
{
	struct load *load = ctx;

	if (finding->severity == FINDING_WARNING) {
		load->report.n_warnings++;
	} else if (load->report.n_errors++ == 0) {
		finding_format(finding, load->first.message,
			       sizeof(load->first.message));
	}
	if (load->options->report)
		load->options->report(load->options->report_ctx, finding);
}

static long read_fd(void *ctx, char *buf, size_t size)
{
	const int *fd = ctx;
	ssize_t n;

	do {
		n = read(*fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (long)n;
}

/* What the caller wants to see of an object. */
static int show_object(const struct load *load, const struct object *object,
		       const char *name, unsigned int line)
{
	const struct manifests_options *options = load->options;

	if (!options->object)
		return 0;
	return options->object(options->object_ctx, object, name, line);
}

static struct finding about(const struct object *object)
{
	struct finding finding = {
		.kind = object_kind_name(object->kind),
		.namespace = "",
	};

	switch (object->kind) {
	case OBJECT_POD:
		finding.namespace = object->pod.namespace;
		finding.name = object->pod.name;
		break;
	case OBJECT_NETWORK_POLICY:
		finding.namespace = object->policy.namespace;
		finding.name = object->policy.name;
		break;
	case OBJECT_NAMESPACE:
		finding.name = object->namespace.name;
		break;
	case OBJECT_NODE:
		finding.name = object->node.name;
		break;
	}
	return finding;
}

/* Two objects of one name cannot both be meant, and the order of files should
   not settle which is in force. */
static void refuse_second(struct load *load, const struct object *object,
			  const char *name, unsigned int line)
{
	struct finding finding = about(object);

	finding.code = FINDING_INVALID;
	finding.file = name;
	finding.line = line;
	finding.path = "metadata.name";
	finding.message = "Duplicate value: another object of this kind has "
			  "this name";
	take_finding(load, &finding);
}

/* All objects of one text. Wrong ones have been counted; what is returned is
   trouble. */
static int read_objects(struct load *load, struct manifest *manifest,
			const char *name, struct err *err)
{
	for (;;) {
		struct object object;
		int r = manifest_next(manifest, &object, err);

		if (r <= 0)
			return r == -EBADMSG ? 0 : r;
		load->report.n_objects++;
		if (cluster_has(load->cluster, &object)) {
			refuse_second(load, &object, name,
				      manifest_line(manifest));
			continue;
		}
		/* There is nothing old for a clock to age. */
		if (cluster_put_in(load->cluster, load->bundle, &object, 0) < 0)
			return err_set(err, -ENOMEM,
				       "not enough memory for the objects");
		r = show_object(load, &object, name, manifest_line(manifest));
		if (r < 0)
			return err_set(err, r, "cannot take in '%s': %s", name,
				       strerror(-r));
	}
}

/* @name  what findings call it */
static int load_fd(struct load *load, int fd, const char *name, struct err *err)
{
	CLEANUP(manifest_closep) struct manifest *manifest = NULL;
	struct manifest_options options = {
		.file = name,
		.strict = load->options->strict,
		.read = read_fd,
		.read_ctx = &fd,
		.report = take_finding,
		.report_ctx = load,
	};
	int r = manifest_open(&options, &manifest);

	if (r < 0)
		return err_set(err, r, "not enough memory to read '%s'", name);
	load->report.n_files++;
	r = read_objects(load, manifest, name, err);
	load->report.n_ignored += manifest_n_ignored(manifest);
	load->report.n_pod_makers += manifest_n_pod_makers(manifest);
	return r;
}

static int cannot_read(const char *path, struct err *err)
{
	int code = -errno;

	return err_set(err, code, "cannot read '%s': %s", path,
		       strerror(-code));
}

/* Half a file can be a manifest, and a wider one than the whole. A read lease
   is refused while anybody has the file open for writing, and lets nobody open
   it so until it is closed here (fcntl(2)). Where a file system has no leases
   there is no telling. */
static int wait_for_writer(int fd, const char *path, const struct stat *seen,
			   struct err *err)
{
	if (!S_ISREG(seen->st_mode))
		return err_set(err, -EINVAL, "'%s' is no regular file", path);
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN)
		return err_set(err, -EAGAIN, "'%s' is being written", path);
	return 0;
}

/* Whether the caller wants it, and in which bundle. */
static int ask_for(struct load *load, const char *path, const struct stat *seen,
		   struct err *err)
{
	const struct manifests_options *options = load->options;
	int r;

	if (!options->file)
		return 1;
	r = options->file(options->file_ctx, load->source, path, seen,
			  &load->bundle);
	if (r < 0)
		return err_set(err, r, "cannot take in '%s': %s", path,
			       strerror(-r));
	return r;
}

static int load_file(struct load *load, const char *path, struct err *err)
{
	/* Not to hang at a FIFO that nobody writes to. */
	int flags = load->options->watched ? O_NONBLOCK : 0;
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	struct stat seen;
	int r;

	if (fd < 0 || fstat(fd, &seen) < 0)
		return cannot_read(path, err);
	if (load->options->watched) {
		r = wait_for_writer(fd, path, &seen, err);
		if (r < 0)
			return r;
	}
	r = ask_for(load, path, &seen, err);
	return r > 0 ? load_fd(load, fd, path, err) : r;
}

/* ---- folders ------------------------------------------------------------ */

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

static int is_manifest_name(const struct dirent *entry)
{
	static const char *const endings[] = { ".yaml", ".yml", ".json" };
	const char *dot = strrchr(entry->d_name, '.');

	if (entry->d_name[0] == '.' || !dot)
		return 0;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcmp(dot, endings[i]) == 0)
			return 1;
	}
	return 0;
}

/* By bytes: alphasort(3) would ask the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int load_folder(struct load *load, const char *path, struct err *err)
{
	CLEANUP(name_list_release) struct name_list names = { 0 };

	names.n = scandir(path, &names.items, is_manifest_name, compare_names);
	if (names.n < 0) {
		names.n = 0;
		return cannot_read(path, err);
	}
	/* A folder that was made anew and is not filled yet is no order to let
	   everything pass. */
	if (names.n == 0 && load->options->watched)
		return err_set(err, -ENODATA,
			       "'%s' holds no .yaml, .yml or .json file", path);
	for (int i = 0; i < names.n; i++) {
		char file[4096];
		int r;

		r = snprintf(file, sizeof(file), "%s/%s", path,
			     names.items[i]->d_name);
		if (r < 0 || (size_t)r >= sizeof(file))
			return err_set(err, -ENAMETOOLONG,
				       "the path of '%s' in '%s' is too long",
				       names.items[i]->d_name, path);
		if (is_folder(file))
			continue;
		r = load_file(load, file, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- loading ------------------------------------------------------------ */

static int load_path(struct load *load, const char *path, struct err *err)
{
	if (strcmp(path, "-") == 0)
		return load_fd(load, STDIN_FILENO, "-", err);
	return is_folder(path) ? load_folder(load, path, err)
			       : load_file(load, path, err);
}

int manifests_refuse(const struct err *first, size_t n_errors, struct err *err)
{
	size_t more = n_errors - 1;

	if (more == 0)
		return err_set(err, -EINVAL, "%s", first->message);
	return err_set(err, -EINVAL, "%.900s (and %zu more error%s)",
		       first->message, more, more == 1 ? "" : "s");
}

static int load_paths(struct load *load, const char *const *paths,
		      size_t n_paths, struct err *err)
{
	for (size_t i = 0; i < n_paths; i++) {
		int r;

		load->source = i;
		load->bundle = 0;
		r = load_path(load, paths[i], err);
		if (r < 0)
			return r;
	}
	return load->report.n_errors > 0
		       ? manifests_refuse(&load->first, load->report.n_errors,
					  err)
		       : 0;
}

int manifests_load(const char *const *paths, size_t n_paths,
		   const struct manifests_options *options,
		   struct cluster **out, struct manifests_report *report,
		   struct err *err)
{
	static const struct manifests_options defaults = { 0 };
	CLEANUP(cluster_freep) struct cluster *cluster = cluster_new();
	struct load load = {
		.options = options ? options : &defaults,
		.cluster = cluster,
	};
	int r;

	if (!cluster)
		return err_set(err, -ENOMEM,
			       "not enough memory for the objects");
	r = load_paths(&load, paths, n_paths, err);
	if (report)
		*report = load.report;
	if (r < 0)
		return r;
	*out = cluster;
	cluster = NULL;
	return 0;
}
