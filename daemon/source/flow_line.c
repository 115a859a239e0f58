/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/flow_line.h"

#include <errno.h>
#include <string.h>

#include "netpold/object.h"

#include "plain_text.h"

/* Each takes one field; the value belongs to the line. */
typedef int (*field_fn)(const char *key, const json_t *value,
			struct flow_words *out, struct err *err);

static int take_number(const char *key, const json_t *value, json_int_t max,
		       json_int_t *out, struct err *err)
{
	if (!json_is_integer(value))
		return err_set(err, -EINVAL, "%s is not an integer", key);
	*out = json_integer_value(value);
	if (*out < 0 || *out > max)
		return err_set(err, -EINVAL, "%s is not between 0 and %lld",
			       key, (long long)max);
	return 0;
}

/* ---- ends --------------------------------------------------------------- */

/* @end  "from" or "to", which can be said in two ways */
static int take_end(const char *end, const char *key, const json_t *value,
		    const char **out, struct err *err)
{
	if (!json_is_string(value))
		return err_set(err, -EINVAL, "%s is not a string", key);
	if (*out)
		return err_set(err, -EINVAL, "%s and %s_ip exclude each other",
			       end, end);
	*out = json_string_value(value);
	return 0;
}

static int take_address(const char *end, const char *key, const json_t *value,
			const char **out, struct err *err)
{
	int r = take_end(end, key, value, out, err);
	char plain[PLAIN_TEXT_LEN];
	struct ip_addr unused;

	if (r < 0)
		return r;
	if (ip_addr_parse(*out, strlen(*out), &unused) < 0)
		return err_set(err, -EINVAL, "%s: '%s' is no IP address", key,
			       plain_text(*out, plain));
	return 0;
}

static int take_from(const char *key, const json_t *value,
		     struct flow_words *out, struct err *err)
{
	return take_end("from", key, value, &out->from, err);
}

static int take_from_ip(const char *key, const json_t *value,
			struct flow_words *out, struct err *err)
{
	return take_address("from", key, value, &out->from, err);
}

static int take_to(const char *key, const json_t *value, struct flow_words *out,
		   struct err *err)
{
	return take_end("to", key, value, &out->to, err);
}

static int take_to_ip(const char *key, const json_t *value,
		      struct flow_words *out, struct err *err)
{
	return take_address("to", key, value, &out->to, err);
}

static int take_family(const char *key, const json_t *value,
		       struct flow_words *out, struct err *err)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || (number != 4 && number != 6))
		return err_set(err, -EINVAL, "%s is neither 4 nor 6", key);
	out->family = number == 4 ? IP_V4 : IP_V6;
	return 0;
}

/* ---- protocols and ports ------------------------------------------------ */

static int take_protocol(const char *key, const json_t *value,
			 struct flow_words *out, struct err *err)
{
	json_int_t number = 0;
	int r;

	if (json_is_string(value)) {
		r = protocol_read(json_string_value(value), &out->protocol,
				  err);
		return r < 0 ? err_prefix(err, "%s: ", key) : 0;
	}
	r = take_number(key, value, UINT8_MAX, &number, err);
	if (r < 0)
		return r;
	out->protocol = (uint8_t)number;
	return 0;
}

static int take_port(const char *key, const json_t *value,
		     struct flow_words *out, struct err *err)
{
	json_int_t number = 0;
	int r = take_number(key, value, UINT16_MAX, &number, err);

	if (r < 0)
		return r;
	out->has_number = true;
	out->number = (uint16_t)number;
	return 0;
}

static int take_port_name(const char *key, const json_t *value,
			  struct flow_words *out, struct err *err)
{
	const char *text = json_string_value(value);

	if (!text || !*text)
		return err_set(err, -EINVAL, "%s is not a name", key);
	out->port_name = text;
	return 0;
}

/* ---- lines -------------------------------------------------------------- */

static const struct {
	const char *key;
	field_fn take;
} fields[] = {
	{ "family", take_family },
	{ "from", take_from },
	{ "from_ip", take_from_ip },
	{ "port", take_port },
	{ "port_name", take_port_name },
	{ "protocol", take_protocol },
	{ "to", take_to },
	{ "to_ip", take_to_ip },
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static int take_field(const char *key, const json_t *value,
		      struct flow_words *out, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];

	for (size_t i = 0; i < N_FIELDS; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].take(key, value, out, err);
	}
	return err_set(err, -EINVAL, "'%s' is no field of a flow",
		       plain_text(key, plain));
}

static int take_fields(json_t *root, struct flow_words *out, struct err *err)
{
	json_t *value;
	const char *key;

	if (!json_is_object(root))
		return err_set(err, -EINVAL, "a flow is a JSON object");
	json_object_foreach(root, key, value)
	{
		int r = take_field(key, value, out, err);

		if (r < 0)
			return r;
	}
	if (!out->from)
		return err_set(err, -EINVAL, "from is missing");
	if (!out->to)
		return err_set(err, -EINVAL, "to is missing");
	if (out->has_number && out->port_name)
		return err_set(err, -EINVAL,
			       "port and port_name exclude each other");
	return flow_words_check_port(out, err);
}

int flow_line_read(const char *text, size_t len, struct flow_line *out,
		   struct err *err)
{
	struct flow_line line = { .words.protocol = PROTOCOL_TCP };
	char plain[PLAIN_TEXT_LEN];
	json_error_t error;
	int r;

	line.root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!line.root)
		return err_set(err, -EINVAL, "not JSON: %s",
			       plain_text(error.text, plain));
	r = take_fields(line.root, &line.words, err);
	if (r < 0) {
		flow_line_release(&line);
		return r;
	}
	*out = line;
	return 0;
}

void flow_line_release(struct flow_line *line)
{
	json_decref(line->root);
	line->root = NULL;
}
