/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command/check_sarif.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* ---- rules -------------------------------------------------------------- */

struct rule_text {
	const char *what;
	const char *help;
};

/* clang-format off */
static const struct rule_text rule_texts[N_FINDING_CODES] = {
	[FINDING_INVALID] = {
		"A value that the API server refuses",
		"Correct the value: the API server does not take the object." },
	[FINDING_DECODING] = {
		"A field that is unknown, doubled or of the wrong type",
		"A field that is dropped in silence can make a policy wider. "
		"Correct its name, its place or its type." },
	[FINDING_NO_OBJECT] = {
		"A document that is no Kubernetes object or list",
		"Every document is an object with apiVersion and kind, or a "
		"list of such." },
	[FINDING_UNSUPPORTED_KIND] = {
		"A kind of policy that is not supported",
		"The policy would not be enforced. Use NetworkPolicy of "
		"networking.k8s.io/v1." },
	[FINDING_UNREADABLE] = {
		"A text that cannot be read",
		"The text is no YAML or JSON from here on, or too large." },
	[FINDING_UNKNOWN_MODE] = {
		"A value of netpold.io/mode that is none",
		"The annotation says audit or enforce. Anything else is "
		"enforced." },
	[FINDING_ODD_CIDR] = {
		"A block in a form that not every server takes",
		"Write the block as the message says." },
	[FINDING_SELECTS_NO_POD] = {
		"A policy that selects no pod",
		"The policy has no effect. Compare its podSelector and its "
		"namespace with the labels and namespaces of the pods." },
	[FINDING_MISSING_PORT] = {
		"A named port that no pod has",
		"The entry allows nothing. Compare name and protocol with the "
		"ports of the containers; without protocol it is TCP." },
	[FINDING_REDUNDANT_RULE] = {
		"A rule that another makes redundant",
		"The rule adds nothing. Remove it, or look whether the other "
		"rule is wider than it was meant to be." },
	[FINDING_MATCHES_NO_NAMESPACE] = {
		"A namespaceSelector that matches nothing",
		"The peer allows nothing. Compare it with the labels of the "
		"namespaces; their names are in kubernetes.io/metadata.name." },
	[FINDING_EXCEPTS_ALL] = {
		"A block of which except leaves nothing",
		"The peer allows nothing. Remove it, or take less out." },
	[FINDING_INCOMPLETE] = {
		"Too much to look at all of it",
		"Check fewer manifests at a time." },
};
/* clang-format on */

static bool is_warning(enum finding_code code)
{
	return code >= FINDING_ODD_CIDR;
}

static json_t *rule_to_json(enum finding_code code)
{
	const struct rule_text *text = &rule_texts[code];

	return json_pack("{ss s{ss} s{ss} s{ss} s{ss}}", "id",
			 finding_code_name(code), "shortDescription", "text",
			 text->what, "fullDescription", "text", text->help,
			 "help", "text", text->help, "defaultConfiguration",
			 "level", is_warning(code) ? "warning" : "error");
}

static json_t *rules_to_json(void)
{
	json_t *rules = json_array();

	for (int code = 0; code < N_FINDING_CODES; code++) {
		/* It fails for NULL, on either side. */
		if (json_array_append_new(rules, rule_to_json(code)) < 0) {
			json_decref(rules);
			return NULL;
		}
	}
	return rules;
}

/* ---- results ------------------------------------------------------------ */

static bool is_plain(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || (ch && strchr("-._~/", ch));
}

/*
 * A path as an URI reference (RFC 3986): bytes that mean something else there
 * are escaped. "./" in front and doubled slashes go, because services compare
 * the text with the paths that they know.
 */
static char *path_to_uri(const char *path)
{
	static const char scheme[] = "file://";
	char *uri = malloc(sizeof(scheme) + 3 * strlen(path));
	char *at = uri;

	if (!uri)
		return NULL;
	while (strncmp(path, "./", 2) == 0)
		path += 1 + strspn(path + 1, "/");
	if (*path == '/')
		at = stpcpy(at, scheme);
	for (; *path; path++) {
		if (path[0] == '/' && path[1] == '/')
			continue;
		if (is_plain(*path))
			*at++ = *path;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*path);
	}
	*at = '\0';
	return uri;
}

/* What is in a cluster is in no file. */
static json_t *object_to_json(const struct finding *finding)
{
	return json_pack(
		"{s[{so ss}]}", "logicalLocations", "fullyQualifiedName",
		json_sprintf("%s/%s%s%s", finding->kind, finding->namespace,
			     *finding->namespace ? "/" : "", finding->name),
		"kind", "resource");
}

static json_t *location_to_json(const struct finding *finding)
{
	/* Where the line is unknown: it has to be there. */
	json_int_t line = finding->line > 0 ? finding->line : 1;
	char *uri = path_to_uri(finding->file);
	json_t *location;

	if (!uri)
		return NULL;
	location = json_pack("{s{s{ss} s{sI}}}", "physicalLocation",
			     "artifactLocation", "uri", uri, "region",
			     "startLine", line);
	free(uri);
	return location;
}

/* "Kind ns/name: PATH: MESSAGE": the line of the text format but for what is
   told elsewhere. */
static json_t *message_to_json(const struct finding *finding)
{
	json_t *text = json_sprintf(
		"%s%s%s%s%s%s%s%s%s", finding->kind,
		*finding->kind && *finding->name ? " " : "", finding->namespace,
		*finding->namespace ? "/" : "", finding->name,
		*finding->kind || *finding->name ? ": " : "", finding->path,
		*finding->path ? ": " : "", finding->message);

	return text ? text : json_string("(not UTF-8)");
}

json_t *check_sarif_result(const struct finding *finding)
{
	bool is_error = finding->severity == FINDING_ERROR;

	return json_pack("{ss si ss s{so} s[o]}", "ruleId",
			 finding_code_name(finding->code), "ruleIndex",
			 (int)finding->code, "level",
			 is_error ? "error" : "warning", "message", "text",
			 message_to_json(finding), "locations",
			 *finding->file ? location_to_json(finding)
					: object_to_json(finding));
}

/* ---- document ----------------------------------------------------------- */

json_t *check_sarif_document(json_t *results)
{
	json_t *rules = rules_to_json();

	if (!rules)
		return NULL;
	return json_pack("{ss ss s[{s{s{ss ss so}} sO}]}", "$schema", SCHEMA,
			 "version", "2.1.0", "runs", "tool", "driver", "name",
			 "netpold", "version", VERSION_TEXT, "rules", rules,
			 "results", results);
}
