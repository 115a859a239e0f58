/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/source_page.h"

#include "command/told.h"

static const json_t *source_of(const json_t *status)
{
	return json_object_get(status, "source");
}

bool source_page_is_away(const json_t *status)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(json_object_get(source_of(status), "resources"), i,
			   resource)
	{
		if (json_object_get(resource, "trouble"))
			return true;
	}
	return false;
}

static double unreadable(const json_t *resource)
{
	return told_number(resource, "unreadable");
}

bool source_page_is_partial(const json_t *status)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(json_object_get(source_of(status), "resources"), i,
			   resource)
	{
		if (unreadable(resource) > 0)
			return true;
	}
	return false;
}

static double ignored(const json_t *status)
{
	return told_number(source_of(status),
			   "ignored_cluster_network_policies");
}

bool source_page_is_ignoring(const json_t *status)
{
	return ignored(status) > 0;
}

/* ---- lines -------------------------------------------------------------- */

static void write_heading(FILE *out, const char *heading)
{
	fprintf(out, "%-13s", heading);
}

static void write_manifests(FILE *out, const json_t *source)
{
	const json_t *path;
	size_t i;

	write_heading(out, "Source");
	fputs("manifests in ", out);
	json_array_foreach(json_object_get(source, "paths"), i, path)
	{
		fputs(i > 0 ? ", " : "", out);
		told_write_text(out, json_string_value(path));
	}
	fputc('\n', out);
}

/* When the one was heard of that has been silent for longest; 0: none was. */
static int64_t heard_us(const json_t *source)
{
	const json_t *resource;
	int64_t oldest_us = 0;
	size_t i;

	json_array_foreach(json_object_get(source, "resources"), i, resource)
	{
		int64_t time_us = told_time_us(resource, "heard_at");

		if (time_us && (!oldest_us || time_us < oldest_us))
			oldest_us = time_us;
	}
	return oldest_us;
}

static void write_server(FILE *out, const json_t *source, int64_t now_us)
{
	int64_t oldest_us = heard_us(source);

	write_heading(out, "Source");
	told_write_text(out, told_text(source, "server"));
	if (oldest_us) {
		fputs(", all heard of in the last ", out);
		told_write_duration(out, now_us - oldest_us);
		fputc('\n', out);
	} else {
		fputs(", not heard of yet\n", out);
	}
}

/* What all of them suffer from is told once. */
static void write_troubles(FILE *out, const json_t *source)
{
	const json_t *resources = json_object_get(source, "resources");
	const json_t *resource, *told = NULL;
	size_t i;

	json_array_foreach(resources, i, resource)
	{
		const json_t *trouble = json_object_get(resource, "trouble");

		if (!trouble)
			continue;
		write_heading(out, "");
		told_write_text(out, told_text(resource, "name"));
		fputs(": ", out);
		if (told && json_equal(told, trouble))
			fputs("the same", out);
		else
			told_write_text(out, told_text(resource, "trouble"));
		fputc('\n', out);
		told = trouble;
	}
}

static void write_unreadable(FILE *out, const json_t *source)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(json_object_get(source, "resources"), i, resource)
	{
		if (!(unreadable(resource) > 0)) /* an older daemon: NaN */
			continue;
		write_heading(out, "NOT READ");
		told_write_number(out, 0, unreadable(resource));
		fputs(" of ", out);
		told_write_text(out, told_text(resource, "name"));
		fputs(" in full, as ", out);
		told_write_text(out, told_text(resource, "first_unreadable"));
		fputs(": the log says why\n", out);
	}
}

/* An older daemon tells of no source. */
void source_page_write(FILE *out, const json_t *status, int64_t now_us)
{
	const json_t *source = source_of(status);

	if (!source)
		return;
	if (json_object_get(source, "paths")) {
		write_manifests(out, source);
		return;
	}
	write_server(out, source, now_us);
	write_troubles(out, source);
	write_unreadable(out, source);
	if (!source_page_is_ignoring(status))
		return;
	write_heading(out, "NOT ENFORCED");
	told_write_number(out, 0, ignored(status));
	fputs(" ClusterNetworkPolicies, which the API server has\n", out);
}
