/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/hindrances.h"

#include <stdbool.h>
#include <string.h>

#include "command/told.h"

/* What the status has under a key, and what that means to who waits. */
static const struct {
	const char *key, *words;
} hindrances[] = {
	{ "paused", "enforcement is PAUSED: nothing is in force" },
	{ "warm", "objects cannot be read: what the last run has read is in "
		  "force" },
	{ "refused", "a change is REFUSED, what was in force stays" },
	{ "unsettled", "open connections do not obey the last change yet" },
};
#define N_HINDRANCES (sizeof(hindrances) / sizeof(hindrances[0]))

/* Who was started in a pause has nothing in force, either. */
static bool is_starting(const json_t *status)
{
	return !(told_number(status, "generation") > 0) &&
	       !json_object_get(status, "paused");
}

/* Of the API server that netpold is fed from: what it may be asked for. */
static const json_t *resources_of(const json_t *status)
{
	return json_object_get(json_object_get(status, "source"), "resources");
}

void hindrance_write(FILE *out, const json_t *hindrance, const char *words)
{
	fprintf(out, "  %s, since ", words);
	told_write_text(out, told_text(hindrance, "since"));
	if (json_object_get(hindrance, "reason")) {
		fputs(": ", out);
		told_write_text(out, told_text(hindrance, "reason"));
	}
	fputc('\n', out);
}

bool hindrances_audit(const json_t *status)
{
	return strcmp(told_text(status, "mode"), "audit") == 0;
}

static void write_unwatched(FILE *out, const json_t *status)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(resources_of(status), i, resource)
	{
		if (!json_object_get(resource, "trouble"))
			continue;
		fputs("  the API server does not tell of ", out);
		told_write_text(out, told_text(resource, "name"));
		fputs(" just now: ", out);
		told_write_text(out, told_text(resource, "trouble"));
		fputc('\n', out);
	}
}

void hindrances_write_unreadable(FILE *out, const json_t *status)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(resources_of(status), i, resource)
	{
		if (!json_object_get(resource, "first_unreadable"))
			continue;
		fputs("  ", out);
		told_write_number(out, 0, told_number(resource, "unreadable"));
		fputs(" of ", out);
		told_write_text(out, told_text(resource, "name"));
		fputs(" are NOT READ in full, as ", out);
		told_write_text(out, told_text(resource, "first_unreadable"));
		fputs(": the log says why\n", out);
	}
}

void hindrances_write(FILE *out, const json_t *status)
{
	if (is_starting(status))
		fputs("  netpold is starting: nothing is in force yet\n", out);
	if (hindrances_audit(status))
		fputs("  netpold only AUDITS here (--mode=audit): nothing is "
		      "enforced, all passes\n",
		      out);
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const json_t *hindrance =
			json_object_get(status, hindrances[i].key);

		if (hindrance)
			hindrance_write(out, hindrance, hindrances[i].words);
	}
	write_unwatched(out, status);
	hindrances_write_unreadable(out, status);
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *hindrance_to_json(const json_t *hindrance, const char *key)
{
	json_t *out = json_pack("{ss}", "what", key);
	json_t *since = json_object_get(hindrance, "since");
	json_t *reason = json_object_get(hindrance, "reason");

	if (since)
		json_object_set(out, "since", since);
	if (reason)
		json_object_set(out, "reason", reason);
	return out;
}

/* @key of a resource says that it is in the way, and why. */
static void add_resource(json_t *out, const char *what, const json_t *resource,
			 const char *key)
{
	json_t *reason = json_object_get(resource, key);
	json_t *name = json_object_get(resource, "name");

	if (reason)
		json_array_append_new(out, json_pack("{ss sO sO}", "what", what,
						     "resource", name, "reason",
						     reason));
}

static void add_unheard(json_t *out, const json_t *status)
{
	const json_t *resource;
	size_t i;

	json_array_foreach(resources_of(status), i, resource)
	{
		add_resource(out, "unwatched", resource, "trouble");
		add_resource(out, "unreadable", resource, "first_unreadable");
	}
}

json_t *hindrances_to_json(const json_t *status)
{
	json_t *out = json_array();

	if (is_starting(status))
		json_array_append_new(out, hindrance_to_json(NULL, "starting"));
	if (hindrances_audit(status))
		json_array_append_new(out, hindrance_to_json(NULL, "audit"));
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const char *key = hindrances[i].key;
		const json_t *hindrance = json_object_get(status, key);

		if (hindrance)
			json_array_append_new(
				out, hindrance_to_json(hindrance, key));
	}
	add_unheard(out, status);
	return out;
}
