/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * {"type":"ADDED","object":{…}}, each followed by a newline; but only its
 * structure says where an event ends (API-20).
 */
#include <errno.h>

#include "parts.h"

static const struct {
	const char *name; /* as it stands in the text */
	enum api_event_type type;
} types[] = {
	{ "\"ADDED\"", API_ADDED },	{ "\"MODIFIED\"", API_MODIFIED },
	{ "\"DELETED\"", API_DELETED }, { "\"BOOKMARK\"", API_BOOKMARK },
	{ "\"ERROR\"", API_ERROR },
};

static enum api_event_type type_of(struct span text)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (span_is(text, types[i].name))
			return types[i].type;
	}
	return API_UNKNOWN;
}

static int bad_event(const struct api_reader *reader, struct err *err)
{
	return api_fail(reader, err, -EBADMSG,
			"this is no event of a watch: {\"type\": …, "
			"\"object\": {…}} was expected");
}

static int tell_unknown(struct api_reader *reader)
{
	struct api_event event = {
		.type = API_UNKNOWN,
		.resource_version = "",
		.continue_token = "",
		.namespace = "",
		.name = "",
		.uid = "",
	};

	return reader->options.event(reader->options.event_ctx, &event);
}

/* API-21. */
static int tell(struct api_reader *reader, struct span type, struct span object,
		struct err *err)
{
	switch (type_of(type)) {
	case API_BOOKMARK:
		return api_tell_bookmark(reader, object, err);
	case API_ERROR:
		return api_tell_error(reader, object, err);
	case API_UNKNOWN:
		return tell_unknown(reader);
	default:
		return api_tell_object(reader, type_of(type), object, err);
	}
}

/* Of doubled fields the last counts, as everywhere. */
static int split(struct span event, struct span *type, struct span *object)
{
	struct span_level level = span_enter(&event);
	struct span key, value;
	int r;

	while ((r = span_next(&event, &level)) == 1) {
		if (span_take_key(&event, &key) < 0 ||
		    span_take_value(&event, &value) < 0)
			return -EBADMSG;
		if (span_is(key, "type"))
			*type = value;
		else if (span_is(key, "object"))
			*object = value;
	}
	if (r < 0 || span_len(event) > 0 || span_first(*type) != '"' ||
	    span_first(*object) != '{')
		return -EBADMSG;
	return 0;
}

static int read_event(struct api_reader *reader, struct span event,
		      struct err *err)
{
	struct span type = { NULL, NULL }, object = { NULL, NULL };

	if (split(event, &type, &object) < 0)
		return bad_event(reader, err);
	return tell(reader, type, object, err);
}

static int take_event(struct api_reader *reader, struct span *bytes,
		      struct err *err)
{
	struct span event = { NULL, NULL };
	int r = api_take(reader, bytes, &event, err);

	if (r < 0 || !event.at)
		return r;
	reader->place = AT_BEGIN;
	r = read_event(reader, event, err);
	api_take_end(reader);
	return r;
}

int api_watch_feed(struct api_reader *reader, struct span bytes,
		   struct err *err)
{
	int r = 0;

	while (r == 0) {
		if (reader->place == AT_BEGIN)
			bytes = span_skip_blanks(bytes);
		if (bytes.at == bytes.end)
			return 0;
		if (reader->place == AT_BEGIN) {
			if (*bytes.at != '{')
				return bad_event(reader, err);
			api_take_begin(reader, bytes);
			reader->place = IN_EVENT;
		}
		r = take_event(reader, &bytes, err);
	}
	return r;
}
