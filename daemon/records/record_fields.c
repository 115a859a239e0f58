/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records/record_fields.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "flow_words.h"
#include "netpold/object.h"
#include "plain_text.h"
#include "records/record_time.h"

/* An object, and what is said in front of the names of its fields. */
struct fields {
	const json_t *object;
	const char *of; /* "from."; "" for the record itself */
};

/* Each takes one field, and returns 1; 0 where it is not there, and nothing is
   changed; -EINVAL with a message where it is not as it should be. */

static int take_text(const struct fields *in, const char *key, size_t size,
		     char *out, struct err *err)
{
	const json_t *value = json_object_get(in->object, key);
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (!text)
		return err_set(err, -EINVAL, "%s%s is not a string", in->of,
			       key);
	if (strlen(text) >= size)
		return err_set(err, -EINVAL, "%s%s is longer than %zu bytes",
			       in->of, key, size - 1);
	memcpy(out, text, strlen(text) + 1);
	return 1;
}

static int take_number(const struct fields *in, const char *key, json_int_t min,
		       json_int_t max, uint64_t *out, struct err *err)
{
	const json_t *value = json_object_get(in->object, key);
	json_int_t number = json_integer_value(value);

	if (!value)
		return 0;
	if (!json_is_integer(value) || number < min || number > max)
		return err_set(err, -EINVAL,
			       "%s%s is not an integer between %" PRId64
			       " and %" PRId64,
			       in->of, key, (int64_t)min, (int64_t)max);
	*out = (uint64_t)number;
	return 1;
}

static int take_port(const struct fields *in, uint16_t *out, struct err *err)
{
	uint64_t number = 0;
	int r = take_number(in, "port", 0, UINT16_MAX, &number, err);

	if (r > 0)
		*out = (uint16_t)number;
	return r;
}

static int take_flag(const struct fields *in, const char *key, bool *out,
		     struct err *err)
{
	const json_t *value = json_object_get(in->object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return err_set(err, -EINVAL, "%s%s is neither true nor false",
			       in->of, key);
	*out = json_is_true(value);
	return 1;
}

/* @words  two of them: what is said, and whether it is the second */
static int take_choice(const struct fields *in, const char *key,
		       const char *const words[2], bool *out, struct err *err)
{
	const json_t *value = json_object_get(in->object, key);
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	for (int i = 0; i < 2; i++) {
		if (text && strcmp(text, words[i]) == 0) {
			*out = i == 1;
			return 1;
		}
	}
	return err_set(err, -EINVAL, "%s%s is neither %s nor %s", in->of, key,
		       words[0], words[1]);
}

static int take_verdict(const struct fields *in, const char *key,
			enum verdict *out, struct err *err)
{
	const char *const words[2] = { verdict_name(VERDICT_DENY),
				       verdict_name(VERDICT_ALLOW) };
	bool is_allowed = false;
	int r = take_choice(in, key, words, &is_allowed, err);

	if (r > 0)
		*out = is_allowed ? VERDICT_ALLOW : VERDICT_DENY;
	return r;
}

static int take_time(const struct fields *in, const char *key, int64_t *out,
		     struct err *err)
{
	const json_t *value = json_object_get(in->object, key);
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (!text || !record_time_read(text, out))
		return err_set(err, -EINVAL,
			       "%s%s is no time like "
			       "2006-01-02T15:04:05.000000000Z",
			       in->of, key);
	return 1;
}

/* An object in an object. */
static int take_object(const struct fields *in, const char *key,
		       const char *name, struct fields *out, struct err *err)
{
	const json_t *value = json_object_get(in->object, key);

	if (!value)
		return 0;
	if (!json_is_object(value))
		return err_set(err, -EINVAL, "%s%s is not an object", in->of,
			       key);
	*out = (struct fields){ value, name };
	return 1;
}

static int missing(const struct fields *in, const char *key, struct err *err)
{
	return err_set(err, -EINVAL, "%s%s is missing", in->of, key);
}

/* For what has to be there: 0 means that it is not. */
static int required(int r, const struct fields *in, const char *key,
		    struct err *err)
{
	return r == 0 ? missing(in, key, err) : r;
}

/* ---- ends --------------------------------------------------------------- */

/* "none" is what is written of a packet whose headers could not be read. */
static int take_address(const struct fields *in, struct ip_addr *out,
			struct err *err)
{
	char text[IP_ADDR_TEXT_LEN] = "", plain[PLAIN_TEXT_LEN];
	int r = required(take_text(in, "ip", sizeof(text), text, err), in, "ip",
			 err);

	if (r < 0 || strcmp(text, "none") == 0)
		return r;
	if (ip_addr_parse(text, strlen(text), out) < 0)
		return err_set(err, -EINVAL, "%sip: '%s' is no IP address",
			       in->of, plain_text(text, plain));
	return 1;
}

static int take_pod(const struct fields *in, struct record_end *out,
		    struct err *err)
{
	int with_namespace = take_text(in, "namespace", sizeof(out->namespace),
				       out->namespace, err);
	int with_pod;

	if (with_namespace < 0)
		return with_namespace;
	with_pod = take_text(in, "pod", sizeof(out->pod), out->pod, err);
	if (with_pod < 0)
		return with_pod;
	if (!*out->namespace != !*out->pod)
		return missing(in, *out->pod ? "namespace" : "pod", err);
	return 1;
}

static int take_owner(const struct fields *in, const char *name,
		      struct record_end *out, struct err *err)
{
	struct fields owner;
	int r = take_object(in, "owner", name, &owner, err);

	if (r <= 0)
		return r;
	r = required(take_text(&owner, "kind", sizeof(out->owner_kind),
			       out->owner_kind, err),
		     &owner, "kind", err);
	if (r < 0)
		return r;
	return required(take_text(&owner, "name", sizeof(out->owner_name),
				  out->owner_name, err),
			&owner, "name", err);
}

/* Returns 1 where it has a port, 0 where not. */
static int take_end(const struct fields *in, const char *owner,
		    struct record_end *out, struct err *err)
{
	int r = take_address(in, &out->addr, err);

	if (r >= 0)
		r = take_pod(in, out, err);
	if (r >= 0)
		r = take_owner(in, owner, out, err);
	return r < 0 ? r : take_port(in, &out->port, err);
}

static int take_ends(const struct fields *in, struct record_seen *out,
		     struct err *err)
{
	struct fields end;
	int r = required(take_object(in, "from", "from.", &end, err), in,
			 "from", err);

	if (r >= 0)
		r = take_end(&end, "from.owner.", &out->from, err);
	if (r >= 0)
		r = required(take_object(in, "to", "to.", &end, err), in, "to",
			     err);
	if (r >= 0)
		r = take_end(&end, "to.owner.", &out->to, err);
	if (r >= 0)
		out->has_port = r > 0;
	return r;
}

/* ---- what was asked, and what came out ---------------------------------- */

static int take_protocol(const struct fields *in, uint8_t *out, struct err *err)
{
	char text[PLAIN_TEXT_LEN] = "";
	int r = required(take_text(in, "protocol", sizeof(text), text, err), in,
			 "protocol", err);

	return r < 0 ? r : protocol_read(text, out, err);
}

static int take_verdicts(const struct fields *in, struct record_seen *out,
			 struct err *err)
{
	static const char *const modes[2] = { "enforce", "audit" };
	char note[PLAIN_TEXT_LEN];
	int r = required(take_verdict(in, "verdict", &out->verdict, err), in,
			 "verdict", err);

	if (r >= 0)
		r = take_verdict(in, "would", &out->would, err);
	if (r >= 0) {
		out->has_would = r > 0;
		r = take_choice(in, "mode", modes, &out->is_audit, err);
	}
	if (r >= 0)
		r = take_text(in, "note", sizeof(note), note, err);
	/* An answer from memory was a policy's once. Of what another day may
	   note, no policy was asked. */
	if (r >= 0)
		out->is_unasked = r > 0 && strcmp(note, "remembered") != 0;
	return r;
}

static int take_direction(const json_t *item, bool directions[N_DIRECTIONS],
			  struct err *err)
{
	const char *text = json_string_value(item);

	for (int dir = 0; dir < N_DIRECTIONS; dir++) {
		if (text &&
		    strcmp(text, direction_name((enum direction)dir)) == 0) {
			directions[dir] = true;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "directions has what is neither egress nor ingress");
}

static int take_directions(const struct fields *in, struct record_seen *out,
			   struct err *err)
{
	const json_t *value = json_object_get(in->object, "directions");

	if (value && !json_is_array(value))
		return err_set(err, -EINVAL, "directions is not a list");
	for (int dir = 0; dir < N_DIRECTIONS; dir++)
		out->directions[dir] = !value;
	for (size_t i = 0; i < json_array_size(value); i++) {
		int r = take_direction(json_array_get(value, i),
				       out->directions, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_reason(const struct fields *in, struct record_seen *out,
		       struct err *err)
{
	struct fields ingress = { 0 };
	int r = take_object(in, "ingress", "ingress.", &ingress, err);
	const char *reason;

	if (r <= 0)
		return r;
	reason = json_string_value(json_object_get(ingress.object, "reason"));
	out->from_own_node =
		reason && strcmp(reason, reason_name(REASON_OWN_NODE)) == 0;
	return 1;
}

/* ---- how often, and when ------------------------------------------------ */

static int take_packets(const struct fields *in, struct record_seen *out,
			struct err *err)
{
	uint64_t there = 0, back = 0;
	struct fields packets;
	int r = take_object(in, "packets", "packets.", &packets, err);

	if (r <= 0)
		return r;
	r = take_number(&packets, "there", 0, INT64_MAX, &there, err);
	if (r >= 0)
		r = take_number(&packets, "back", 0, INT64_MAX, &back, err);
	out->packets = there + back;
	return r;
}

static int take_flow_end(const struct fields *in, struct record_seen *out,
			 struct err *err)
{
	struct fields end;
	int r = take_object(in, "end", "end.", &end, err);

	out->is_end = r > 0;
	return r;
}

static int take_counts(const struct fields *in, struct record_seen *out,
		       struct err *err)
{
	int r;

	out->count = 1;
	r = take_number(in, "count", 1, INT64_MAX, &out->count, err);
	if (r >= 0)
		r = take_packets(in, out, err);
	if (r >= 0)
		r = take_number(in, "bytes", 0, INT64_MAX, &out->bytes, err);
	return r;
}

static int take_opening(const struct fields *in, struct record_seen *out,
			struct err *err)
{
	char outcome[PLAIN_TEXT_LEN] = "";
	bool both_ways = false;
	int r = take_text(in, "outcome", sizeof(outcome), outcome, err);

	if (r >= 0)
		r = take_flag(in, "asked_both_ways", &both_ways, err);
	if (r < 0)
		return r;
	/* Replay alone says that. */
	out->is_kept = r > 0;
	out->is_picked_up = both_ways || strcmp(outcome, "flow-picked-up") == 0;
	return take_flag(in, "pods_changed", &out->pods_changed, err);
}

static int take_times(const struct fields *in, struct record_seen *out,
		      struct err *err)
{
	int r = take_time(in, "time", &out->last_us, err);

	out->first_us = out->last_us;
	if (r >= 0)
		r = take_time(in, "first", &out->first_us, err);
	if (r >= 0)
		r = take_time(in, "last", &out->last_us, err);
	return r;
}

/* ---- all of it ---------------------------------------------------------- */

static int check(const struct record_seen *seen, struct err *err)
{
	const struct record_end *ends[] = { &seen->from, &seen->to };

	for (int i = 0; i < 2; i++) {
		if (!seen->is_unasked && ends[i]->addr.family == IP_NONE)
			return err_set(err, -EINVAL, "%s.ip is no address",
				       i == 0 ? "from" : "to");
	}
	if (!seen->is_unasked && seen->from.addr.family != seen->to.addr.family)
		return err_set(err, -EINVAL,
			       "from.ip and to.ip are not of one family");
	if (seen->has_port && !protocol_has_ports(seen->protocol))
		return err_set(err, -EINVAL,
			       "to.port is there, but the protocol has none");
	return 0;
}

int record_fields_read(const json_t *root, struct record_seen *out,
		       struct err *err)
{
	static int (*const readers[])(const struct fields *in,
				      struct record_seen *out,
				      struct err *err) = {
		take_ends,     take_verdicts, take_directions, take_reason,
		take_flow_end, take_opening,  take_counts,     take_times,
	};
	const struct fields in = { root, "" };
	int r;

	if (!json_is_object(root))
		return err_set(err, -EINVAL, "a record is a JSON object");
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		r = readers[i](&in, out, err);
		if (r < 0)
			return r;
	}
	r = take_protocol(&in, &out->protocol, err);
	return r < 0 ? r : check(out, err);
}
