/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow_words.h"

#include <errno.h>
#include <string.h>

#include "netpold/object.h"

#include "plain_text.h"

/* Digits alone, up to @max. */
static bool read_number(const char *text, unsigned int max, unsigned int *out)
{
	unsigned int value = 0;

	if (!*text)
		return false;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		value = value * 10 + (unsigned int)(*p - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

static bool is_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

int protocol_read(const char *text, uint8_t *out, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	unsigned int number = protocol_from_name(text);

	if (number == 0 && !read_number(text, UINT8_MAX, &number))
		return err_set(err, -EINVAL,
			       "'%s' is no protocol: TCP, UDP, SCTP, ICMP, "
			       "ICMPv6, or a number up to 255",
			       plain_text(text, plain));
	*out = (uint8_t)number;
	return 0;
}

/* What stands before the slash, where there is a protocol behind it. */
static int read_port(const char *text, struct flow_words *out, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	unsigned int number;

	if (!*text)
		return 0;
	if (read_number(text, UINT16_MAX, &number)) {
		out->has_number = true;
		out->number = (uint16_t)number;
		return 0;
	}
	if (is_digits(text))
		return err_set(err, -EINVAL,
			       "%s is no port: 65535 is the last one",
			       plain_text(text, plain));
	out->port_name = text;
	return 0;
}

/* ICMP and ICMPv6 are protocols, though a port may be called so: that is
   icmp/TCP. */
static bool is_protocol_alone(const char *text)
{
	return !protocol_has_ports(protocol_from_name(text)) &&
	       protocol_from_name(text) != 0;
}

int flow_words_read_port(const char *text, struct arena *arena,
			 struct flow_words *out, struct err *err)
{
	char *port = arena_strdup(arena, text);
	char *slash = port ? strchr(port, '/') : NULL;
	int r = 0;

	if (!port)
		return err_set(err, -ENOMEM, "out of memory");
	out->protocol = PROTOCOL_TCP;
	if (slash) {
		*slash = '\0';
		r = protocol_read(slash + 1, &out->protocol, err);
	} else if (is_protocol_alone(port)) {
		out->protocol = protocol_from_name(port);
		*port = '\0';
	}
	if (r == 0)
		r = read_port(port, out, err);
	return r < 0 ? r : flow_words_check_port(out, err);
}

int flow_words_check_port(const struct flow_words *words, struct err *err)
{
	const char *name = protocol_name(words->protocol);
	bool has_port = words->has_number || words->port_name;

	if (protocol_has_ports(words->protocol))
		return has_port ? 0
				: err_set(err, -EINVAL,
					  "%s needs a port, by number or by "
					  "name",
					  name);
	if (!has_port)
		return 0;
	if (name)
		return err_set(err, -EINVAL, "%s has no ports", name);
	return err_set(err, -EINVAL, "protocol %u has no ports",
		       words->protocol);
}
