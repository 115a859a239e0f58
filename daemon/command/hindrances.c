/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/hindrances.h"

#include <stdbool.h>

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

/* Of the API server that netpold is fed from: the one at @i, where it has such
   trouble. */
static const json_t *unwatched(const json_t *status, size_t i)
{
	const json_t *source = json_object_get(status, "source");
	const json_t *resource =
		json_array_get(json_object_get(source, "resources"), i);

	return json_object_get(resource, "trouble") ? resource : NULL;
}

static size_t n_resources(const json_t *status)
{
	const json_t *source = json_object_get(status, "source");

	return json_array_size(json_object_get(source, "resources"));
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

void hindrances_write(FILE *out, const json_t *status)
{
	if (is_starting(status))
		fputs("  netpold is starting: nothing is in force yet\n", out);
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const json_t *hindrance =
			json_object_get(status, hindrances[i].key);

		if (hindrance)
			hindrance_write(out, hindrance, hindrances[i].words);
	}
	for (size_t i = 0; i < n_resources(status); i++) {
		const json_t *resource = unwatched(status, i);

		if (!resource)
			continue;
		fputs("  the API server does not tell of ", out);
		told_write_text(out, told_text(resource, "name"));
		fputs(" just now: ", out);
		told_write_text(out, told_text(resource, "trouble"));
		fputc('\n', out);
	}
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

json_t *hindrances_to_json(const json_t *status)
{
	json_t *out = json_array();

	if (is_starting(status))
		json_array_append_new(out, hindrance_to_json(NULL, "starting"));
	for (size_t i = 0; i < N_HINDRANCES; i++) {
		const char *key = hindrances[i].key;
		const json_t *hindrance = json_object_get(status, key);

		if (hindrance)
			json_array_append_new(
				out, hindrance_to_json(hindrance, key));
	}
	for (size_t i = 0; i < n_resources(status); i++) {
		const json_t *resource = unwatched(status, i);

		if (resource)
			json_array_append_new(
				out,
				json_pack(
					"{ss sO sO}", "what", "unwatched",
					"resource",
					json_object_get(resource, "name"),
					"reason",
					json_object_get(resource, "trouble")));
	}
	return out;
}
