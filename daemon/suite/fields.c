/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suite/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netpold/addr.h"
#include "plain_text.h"

/* ---- messages ------------------------------------------------------------ */

int field_no_memory(const struct suite *suite, struct err *err)
{
	return err_set(err, -ENOMEM, "no memory to read %s", suite->file);
}

static int mismatch(const struct suite *suite, const struct field *field,
		    const char *expected, struct err *err)
{
	char plain[PLAIN_TEXT_LEN];
	const struct suite_node *node = field->node;

	if (!node)
		return suite_refuse(suite, field->line, field->path, err,
				    "expected %s, found nothing", expected);
	if (node->type != NODE_TEXT)
		return suite_refuse(suite, field->line, field->path, err,
				    "expected %s, found %s", expected,
				    suite_node_type_name(node->type));
	return suite_refuse(suite, field->line, field->path, err,
			    "expected %s, found '%.100s'", expected,
			    plain_text(node->text, plain));
}

/* ---- maps and lists ------------------------------------------------------ */

static bool is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

static int unknown_field(const struct suite *suite, const struct field *map,
			 const struct suite_node *field,
			 const char *const *names, struct err *err)
{
	char plain[PLAIN_TEXT_LEN], known[256];
	size_t len = 0;

	known[0] = '\0';
	for (size_t i = 0; names[i] && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
					"%s%s", i > 0 ? ", " : "", names[i]);
	return suite_refuse(suite, field->line, map->path, err,
			    "'%.100s' is no field here; there are: %s",
			    plain_text(field->key, plain), known);
}

int field_check_map(const struct suite *suite, const struct field *map,
		    const char *const *names, struct err *err)
{
	if (!map->node || map->node->type != NODE_MAP)
		return mismatch(suite, map, "a mapping", err);
	for (const struct suite_node *field = map->node->first; field;
	     field = field->next) {
		if (!is_among(names, field->key))
			return unknown_field(suite, map, field, names, err);
	}
	return 0;
}

/* "" is the root. */
static const char *join(struct arena *arena, const char *path, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", path, *path ? "." : "", name);
	return arena_strdup(arena, text);
}

int field_get(struct suite *suite, const struct field *map, const char *name,
	      struct field *out, struct err *err)
{
	const struct suite_node *node = suite_node_get(map->node, name);

	*out = (struct field){
		.node = node,
		.path = join(&suite->arena, map->path, name),
		.line = node ? node->line : map->line,
	};
	return out->path ? 0 : field_no_memory(suite, err);
}

int field_need(struct suite *suite, const struct field *map, const char *name,
	       struct field *out, struct err *err)
{
	int r = field_get(suite, map, name, out, err);

	if (r == 0 && !out->node)
		return suite_refuse(suite, out->line, out->path, err,
				    "it is missing");
	return r;
}

int field_item(struct suite *suite, const struct field *list, size_t i,
	       const struct suite_node *node, struct field *out,
	       struct err *err)
{
	char text[256];

	snprintf(text, sizeof(text), "%s[%zu]", list->path, i);
	*out = (struct field){
		.node = node->type == NODE_NULL ? NULL : node,
		.path = arena_strdup(&suite->arena, text),
		.line = node->line,
	};
	return out->path ? 0 : field_no_memory(suite, err);
}

int field_check_list(const struct suite *suite, const struct field *list,
		     size_t max, struct err *err)
{
	if (!list->node)
		return 0;
	if (list->node->type != NODE_LIST)
		return mismatch(suite, list, "a list", err);
	if (list->node->n > max)
		return suite_refuse(suite, list->line, list->path, err,
				    "expected at most %zu items, found %zu",
				    max, list->node->n);
	return 0;
}

/* ---- values -------------------------------------------------------------- */

/* Whether a text may go to a terminal as it is: no control characters, those
   of C1 included. */
static bool is_printable(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			return false;
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			return false;
	}
	return true;
}

int field_text(const struct suite *suite, const struct field *field,
	       const char **out, struct err *err)
{
	if (!field->node || field->node->type != NODE_TEXT ||
	    !*field->node->text || !is_printable(field->node->text))
		return mismatch(suite, field, "text on one line", err);
	*out = field->node->text;
	return 0;
}

int field_verdict(const struct suite *suite, const struct field *field,
		  enum verdict *out, struct err *err)
{
	const struct suite_node *node = field->node;

	/* The end of a block is not that of its word. */
	if (node && node->type == NODE_TEXT && !node->is_block) {
		if (strcmp(node->text, "allow") == 0) {
			*out = VERDICT_ALLOW;
			return 0;
		}
		if (strcmp(node->text, "deny") == 0) {
			*out = VERDICT_DENY;
			return 0;
		}
	}
	return mismatch(suite, field, "allow or deny", err);
}

int field_bool(const struct suite *suite, const struct field *field, bool *out,
	       struct err *err)
{
	const struct suite_node *node = field->node;

	*out = false;
	if (!node)
		return 0;
	if (node->type == NODE_TEXT && strcmp(node->text, "true") == 0)
		*out = true;
	else if (node->type != NODE_TEXT || strcmp(node->text, "false") != 0)
		return mismatch(suite, field, "true or false", err);
	return 0;
}

/* As question_resolve() reads it. */
static bool is_end(const char *text)
{
	size_t len = strcspn(text, "./");
	struct ip_addr addr;

	if (!plain_text_is(text))
		return false;
	if (ip_addr_parse(text, strlen(text), &addr) == 0)
		return true;
	return len > 0 && text[len] == '/' && text[len + 1] &&
	       !strchr(text + len + 1, '/');
}

int field_end(const struct suite *suite, const struct field *field,
	      const char **out, struct err *err)
{
	int r = field_text(suite, field, out, err);

	if (r == 0 && !is_end(*out))
		return mismatch(suite, field, "NAMESPACE/POD or an IP address",
				err);
	return r;
}

/* ---- ports --------------------------------------------------------------- */

static int read_port(struct suite *suite, const struct field *port,
		     const struct field *protocol, struct flow_words *words,
		     struct err *err)
{
	const char *number = "", *name = NULL;
	const struct field *told = port->node ? port : protocol;
	char text[128];
	int r = 0;

	if (port->node)
		r = field_text(suite, port, &number, err);
	if (r == 0 && protocol->node)
		r = field_text(suite, protocol, &name, err);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%.60s%s%.60s", number, name ? "/" : "",
		 name ? name : "");
	r = flow_words_read_port(text, &suite->arena, words, err);
	return r < 0 ? suite_place(suite, told->line, told->path, err) : 0;
}

int field_port(struct suite *suite, const struct field *map,
	       struct flow_words *words, struct err *err)
{
	struct field number, protocol;
	int r = field_get(suite, map, "port", &number, err);

	if (r == 0)
		r = field_get(suite, map, "protocol", &protocol, err);
	if (r == 0 && !number.node && !protocol.node)
		return suite_refuse(suite, number.line, number.path, err,
				    "it is missing");
	return r < 0 ? r : read_port(suite, &number, &protocol, words, err);
}

/* ---- paths --------------------------------------------------------------- */

int field_path(struct suite *suite, const struct field *field, const char **out,
	       struct err *err)
{
	const char *slash = strrchr(suite->file, '/');
	size_t folder = slash ? (size_t)(slash - suite->file) + 1 : 0;
	const char *path = NULL;
	char *joined;
	int r = field_text(suite, field, &path, err);

	if (r < 0)
		return r;
	if (strcmp(path, "-") == 0)
		return mismatch(suite, field, "a file or a folder", err);
	if (*path == '/')
		folder = 0;
	joined = arena_alloc(&suite->arena, folder + strlen(path) + 1);
	if (!joined)
		return field_no_memory(suite, err);
	memcpy(joined, suite->file, folder);
	memcpy(joined + folder, path, strlen(path) + 1);
	*out = joined;
	return 0;
}
