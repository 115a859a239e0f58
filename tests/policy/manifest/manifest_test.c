/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <errno.h>

#include <cmocka.h>

#include "reading.h"

/* ---- what is read, what is passed over, what is refused ------------------ */

#define POLICY(name)                                                           \
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"              \
	"metadata: {name: " name "}\n"
#define MISSING_IN_LIST                                                        \
	"Required value: an item needs its own, unless that of the list "      \
	"stands before the items"

static const struct {
	const char *name, *text;
	size_t n_objects, n_ignored, n_errors;
	const char *findings;
} cases[] = {
	{ "kinds that decide are read",
	  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
	  "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
	  "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\n" POLICY("a"),
	  4, 0, 0, "" },
	{ "other kinds are passed over and counted",
	  "apiVersion: apps/v1\nkind: Deployment\n---\n"
	  "apiVersion: v1\nkind: Service\n---\n"
	  "apiVersion: networking.k8s.io/v1\nkind: Ingress\n---\n"
	  "apiVersion: longhorn.io/v1beta2\nkind: Node\n",
	  0, 4, 0, "" },
	{ "AV-10: policies of older versions are refused",
	  "apiVersion: extensions/v1beta1\nkind: NetworkPolicy\n"
	  "metadata: {name: a}\n",
	  0, 0, 1,
	  "f:1: NetworkPolicy default/a: no kind \"NetworkPolicy\" is "
	  "registered for version \"extensions/v1beta1\": it is not supported "
	  "and would not be enforced" },
	{ "L23: policies of other kinds are refused, not passed over",
	  "apiVersion: policy.networking.k8s.io/v1alpha2\n"
	  "kind: ClusterNetworkPolicy\nmetadata: {name: a}\n---\n"
	  "apiVersion: policy.networking.k8s.io/v1alpha1\n"
	  "kind: AdminNetworkPolicy\n---\n"
	  "apiVersion: policy.networking.k8s.io/v1alpha1\n"
	  "kind: BaselineAdminNetworkPolicy\n---\n"
	  "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n",
	  0, 0, 4,
	  "f:1: ClusterNetworkPolicy a: no kind \"ClusterNetworkPolicy\" is "
	  "registered for version \"policy.networking.k8s.io/v1alpha2\": it "
	  "is not supported and would not be enforced\n"
	  "f:5: AdminNetworkPolicy: no kind \"AdminNetworkPolicy\" is "
	  "registered for version \"policy.networking.k8s.io/v1alpha1\": it "
	  "is not supported and would not be enforced\n"
	  "f:8: BaselineAdminNetworkPolicy: no kind "
	  "\"BaselineAdminNetworkPolicy\" is registered for version "
	  "\"policy.networking.k8s.io/v1alpha1\": it is not supported and "
	  "would not be enforced\n"
	  "f:11: CiliumNetworkPolicy: no kind \"CiliumNetworkPolicy\" is "
	  "registered for version \"cilium.io/v2\": it is not supported and "
	  "would not be enforced" },
	{ "L23: misspelt kinds and versions are refused",
	  "apiVersion: networking.k8s.io/v1\nkind: networkpolicy\n---\n"
	  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolizei\n---\n"
	  "apiVersion: v1beta1\nkind: Pod\n---\n"
	  "apiVersion: x.io/v1\nkind: networkPolicy\n",
	  0, 0, 4,
	  "f:1: networkpolicy: no kind \"networkpolicy\" is registered for "
	  "version \"networking.k8s.io/v1\": it is not supported and would "
	  "not be enforced\n"
	  "f:4: NetworkPolizei: no kind \"NetworkPolizei\" is registered for "
	  "version \"networking.k8s.io/v1\": it is not supported and would "
	  "not be enforced\n"
	  "f:7: Pod: no kind \"Pod\" is registered for version \"v1beta1\": it "
	  "is not supported and would not be enforced\n"
	  "f:10: networkPolicy: no kind \"networkPolicy\" is registered for "
	  "version \"x.io/v1\": it is not supported and would not be "
	  "enforced" },
	{ "kind and apiVersion are needed", "metadata: {name: a}", 0, 0, 2,
	  "f:1: object a: kind: Required value: every object has one\n"
	  "f:1: object a: apiVersion: Required value: every object has one" },
	{ "kind is a string", "apiVersion: v1\nkind: [Pod]", 0, 0, 1,
	  "f:2: kind: Invalid value: must be a string that is not empty" },
	{ "a document is a map", "- a\n---\njust text\n---\n" POLICY("a"), 1, 0,
	  2,
	  "f:1: this is a list; a Kubernetes object is a map\n"
	  "f:3: this is a single value; a Kubernetes object is a map" },
	/* lists */
	{ "a List is read wherever its kind stands, as kubectl prints it",
	  "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n"
	  "  metadata: {name: a}\n- apiVersion: v1\n  kind: Service\n"
	  "kind: List\nmetadata: {resourceVersion: ''}\n",
	  1, 1, 0, "" },
	{ "API-16: items of a typed list need no kind",
	  "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"metadata\": {}, "
	  "\"items\": [{\"metadata\": {\"name\": \"a\"}}, "
	  "{\"metadata\": {\"name\": \"b\"}}]}",
	  2, 0, 0, "" },
	{ "API-16: items of a list of other kinds are passed over",
	  "{\"kind\": \"ServiceList\", \"apiVersion\": \"v1\", "
	  "\"items\": [{}, {}, {}]}",
	  0, 3, 0, "" },
	{ "items before the kind of a typed list need their own",
	  "apiVersion: v1\nitems:\n- metadata: {name: a}\nkind: PodList\n", 0,
	  0, 2,
	  "f:3: object a: kind: " MISSING_IN_LIST "\n"
	  "f:3: object a: apiVersion: " MISSING_IN_LIST },
	{ "items of a List need their own kind",
	  "kind: List\napiVersion: v1\nitems:\n- metadata: {name: a}\n", 0, 0,
	  2,
	  "f:4: object a: kind: " MISSING_IN_LIST "\n"
	  "f:4: object a: apiVersion: " MISSING_IN_LIST },
	{ "an item is a map", "kind: List\napiVersion: v1\nitems: [5, null]\n",
	  0, 0, 2,
	  "f:3: this is a single value; a Kubernetes object is a map\n"
	  "f:3: this is null; a Kubernetes object is a map" },
	{ "an empty List is fine", "kind: List\napiVersion: v1\nitems: []\n", 0,
	  0, 0, "" },
	{ "a List without items is fine", "kind: List\napiVersion: v1\n", 0, 0,
	  0, "" },
	{ "a List whose items have an anchor is a List",
	  "kind: List\napiVersion: v1\nitems: &i\n- "
	  "apiVersion: v1\n"
	  "  kind: Pod\n  metadata: {name: a}\n",
	  1, 0, 0, "" },
	{ "what has items is a list", "apiVersion: v1\nitems: []\nkind: Pod\n",
	  0, 0, 1,
	  "f:1: Pod: a document with items is a list, and its kind ends in "
	  "List" },
	{ "items are not doubled",
	  "kind: List\napiVersion: v1\nitems: []\nitems: []\n", 0, 0, 1,
	  "f:1: List: strict decoding error: duplicate field \"items\"" },
	{ "a list in a list is refused, not passed over",
	  "kind: List\napiVersion: v1\nitems:\n- kind: List\n"
	  "  apiVersion: v1\n  items: []\n",
	  0, 0, 1, "f:4: List: a list inside a list is not supported" },
	/* going on */
	{ "after a wrong object the next is read",
	  POLICY("A") "---\n" POLICY("b") "spec: {x: 1}\n---\n" POLICY("c"), 1,
	  0, 2,
	  "f:3: NetworkPolicy default/A: metadata.name: Invalid value: \"A\": "
	  "a lowercase RFC 1123 subdomain must consist of lower case "
	  "alphanumeric characters, '-' or '.', and must start and end with "
	  "an alphanumeric character (e.g. 'example.com', regex used for "
	  "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?"
	  "(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"
	  "f:8: NetworkPolicy default/b: strict decoding error: unknown field "
	  "\"spec.x\"" },
	{ "what is no YAML ends the reading, after what was fine",
	  POLICY("a") "---\na: [\n", 1, 0, 1,
	  "f:6: not YAML: did not find expected node content while parsing a "
	  "flow node that began on line 6" },
	{ "what is no JSON ends the reading",
	  "{\"kind\": \"List\",\n \"items\": [}", 0, 0, 1,
	  "f:2: not JSON: '}' where a value was expected" },
	/* JSON or YAML */
	{ "JSON may begin with blanks and a byte order mark",
	  "\xef\xbb\xbf \r\n\t{\"apiVersion\": \"v1\", \"kind\": \"Pod\", "
	  "\"metadata\": {\"name\": \"a\"}}",
	  1, 0, 0, "" },
	{ "text that begins with a brace is JSON, not YAML", "{kind: Pod}", 0,
	  0, 1, "f:1: not JSON: 'k' where a key in quotes was expected" },
	{ "empty text holds nothing", "", 0, 0, 0, "" },
	{ "blanks hold nothing", " \n\n", 0, 0, 0, "" },
	{ "control characters in names do not reach the terminal",
	  "apiVersion: v1\nkind: Pod\nmetadata: {name: \"\\e[31m\\n\", "
	  "labels: 5}\n",
	  0, 0, 1,
	  "f:3: Pod default/\\x1b[31m\\x0a: metadata.labels: json: cannot "
	  "unmarshal number into Go struct field ObjectMeta.metadata.labels "
	  "of type map[string]string" },
};

static void texts_are_read_as_expected(void **state)
{
	static const size_t piece_sizes[] = { 1, 13, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t c = i / 3;
		struct pieces pieces =
			pieces_of(cases[c].text, piece_sizes[i % 3]);
		struct reading got = { 0 };

		read_pieces(&pieces, false, NULL, NULL, &got);
		if (strcmp(text_string(&got.findings), cases[c].findings) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 cases[c].name, cases[c].findings,
				 text_string(&got.findings));
		if (got.n_objects != cases[c].n_objects ||
		    got.n_ignored != cases[c].n_ignored ||
		    got.n_errors != cases[c].n_errors)
			fail_msg("%s\n  expected %zu objects, %zu ignored, "
				 "%zu errors\n  got      %zu, %zu, %zu",
				 cases[c].name, cases[c].n_objects,
				 cases[c].n_ignored, cases[c].n_errors,
				 got.n_objects, got.n_ignored, got.n_errors);
		reading_release(&got);
	}
}

/* What leads to pods that are not in the text themselves. */
static const struct {
	const char *name, *api_version, *kind;
	bool makes_pods;
} makers[] = {
	{ "a Deployment makes pods", "apps/v1", "Deployment", true },
	{ "a CronJob makes pods", "batch/v1", "CronJob", true },
	{ "a ReplicationController makes pods", "v1", "ReplicationController",
	  true },
	{ "a Service makes none", "v1", "Service", false },
	{ "a ConfigMap makes none", "v1", "ConfigMap", false },
	{ "an Ingress makes none", "networking.k8s.io/v1", "Ingress", false },
	{ "a Role makes none", "rbac.authorization.k8s.io/v1", "Role", false },
	{ "a PodDisruptionBudget makes none", "policy/v1",
	  "PodDisruptionBudget", false },
	{ "a HorizontalPodAutoscaler makes none", "autoscaling/v2",
	  "HorizontalPodAutoscaler", false },
	{ "a kind of another product may", "example.com/v1", "Widget", true },
	{ "a group that ends like one of Kubernetes may",
	  "jobset.x-k8s.io/v1alpha2", "JobSet", true },
	{ "a Service of another product may", "serving.knative.dev/v1",
	  "Service", true },
};

static void makers_of_pods_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		struct reading got = { 0 };
		struct pieces pieces;
		char text[256];

		snprintf(text, sizeof(text),
			 "apiVersion: %s\nkind: %s\nmetadata: {name: a}\n",
			 makers[i].api_version, makers[i].kind);
		pieces = pieces_of(text, sizeof(text));
		read_pieces(&pieces, false, NULL, NULL, &got);
		if (got.n_ignored != 1 ||
		    got.n_pod_makers != makers[i].makes_pods)
			fail_msg("%s: %zu ignored, %zu make pods",
				 makers[i].name, got.n_ignored,
				 got.n_pod_makers);
		reading_release(&got);
	}
}

/* Sanitizers keep what has been freed for a while, and shadow the rest. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#define WITH_SANITIZER                                                         \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define WITH_SANITIZER 0
#endif

/* ---- large lists --------------------------------------------------------- */

/* A list is not kept: fifty thousand pods cost the memory of one. */
struct pod_list {
	char piece[256];
	size_t at, len;
	size_t n_left;
	bool begun;
};

static void next_pod(struct pod_list *list)
{
	const char *text = "kind: List\napiVersion: v1\nitems:\n";

	if (list->begun)
		text = "- apiVersion: v1\n  kind: Pod\n  metadata:\n"
		       "    name: p\n    labels: {app: web, tier: front}\n";
	else
		list->n_left++;
	list->begun = true;
	list->at = 0;
	list->len = list->n_left ? strlen(text) : 0;
	memcpy(list->piece, text, list->len);
	list->n_left -= list->n_left > 0;
}

static long pod_list_read(void *ctx, char *buf, size_t size)
{
	struct pod_list *list = ctx;
	size_t n;

	if (list->at == list->len)
		next_pod(list);
	n = list->len - list->at < size ? list->len - list->at : size;
	memcpy(buf, list->piece + list->at, n);
	list->at += n;
	return (long)n;
}

static void a_list_of_any_length_is_read(void **state)
{
	struct pod_list list = { .n_left = 50000 };
	struct manifest_options options = {
		.file = "f",
		.read = pod_list_read,
		.read_ctx = &list,
	};
	struct manifest *manifest = NULL;
	struct object object;
	struct rusage before, after;
	size_t n = 0;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(manifest_open(&options, &manifest), 0);
	while (manifest_next(manifest, &object, NULL) == 1)
		n++;
	assert_int_equal(n, 50000);
	assert_int_equal(manifest_n_errors(manifest), 0);
	assert_int_equal(manifest_line(manifest), 5 * 49999 + 4);
	manifest_close(manifest);
	getrusage(RUSAGE_SELF, &after);
	if (!WITH_SANITIZER)
		assert_true(after.ru_maxrss - before.ru_maxrss < 8 * 1024);
}

/* ---- hostile text ---------------------------------------------------------
 */

/* Text without end: a beginning, and then one piece again and again. */
struct endless {
	const char *beginning;
	const char *again;
	size_t at;
	size_t n_read;
};

static long endless_read(void *ctx, char *buf, size_t size)
{
	struct endless *text = ctx;
	size_t n_begin = strlen(text->beginning), n_again = strlen(text->again);

	for (size_t i = 0; i < size; i++, text->at++) {
		buf[i] = text->at < n_begin
				 ? text->beginning[text->at]
				 : text->again[(text->at - n_begin) % n_again];
	}
	text->n_read += size;
	return (long)size;
}

#define MiB (1 << 20)
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define BEGIN_POLICY "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
#define BOMB                                                                   \
	"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" \
	"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"                              \
	"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"                              \
	"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"                              \
	"f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"                              \
	"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"

#define TOO_DEEP "values are nested more than 256 levels deep"
#define TOO_LONG "a single value is longer than 16 MiB"
#define TOO_MUCH_TEXT                                                          \
	"the text of the object is longer than 16 MiB, that repeated by "      \
	"aliases included"
#define TOO_MANY                                                               \
	"the object holds more than 1000000 values, those repeated by "        \
	"aliases included"

static const struct {
	const char *name, *beginning, *again;
	size_t most; /* bytes until it is refused */
	const char *message;
} hostile[] = {
	{ "YAML: nesting without end in brackets is refused", "a: ", "[", MiB,
	  TOO_DEEP },
	{ "YAML: nesting without end in block lists is refused", "", "- ", MiB,
	  TOO_DEEP },
	{ "JSON: nesting without end is refused", "{\"a\":", "[", MiB,
	  TOO_DEEP },
	{ "JSON: nesting in what is passed over is refused",
	  "{\"metadata\":{\"managedFields\":", "[", MiB, TOO_DEEP },
	{ "YAML: a scalar without end is refused", "a: ", X64, 17 * MiB,
	  TOO_LONG },
	{ "YAML: a label without end is refused",
	  BEGIN_POLICY "metadata: {labels: {a: \"", X64, 17 * MiB, TOO_LONG },
	{ "YAML: a block scalar without end is refused", "a: |\n", " x\n",
	  17 * MiB, TOO_LONG },
	{ "YAML: a comment without end is refused", "#", X64, 17 * MiB,
	  TOO_LONG },
	{ "YAML: blank lines without end are refused", "", "\n", 17 * MiB,
	  TOO_LONG },
	{ "JSON: a string without end is refused", "{\"a\": \"", X64, 17 * MiB,
	  TOO_LONG },
	{ "JSON: a key without end is refused", "{\"", X64, 17 * MiB,
	  TOO_LONG },
	{ "JSON: a number without end is refused", "{\"a\": 1", "1", 17 * MiB,
	  TOO_LONG },
	{ "YAML: a list without end is refused", BEGIN_POLICY "x:\n", "- 1\n",
	  5 * MiB, TOO_MANY },
	{ "YAML: a map without end is refused", BEGIN_POLICY "x: {a: 1",
	  ", b: 1", 7 * MiB, TOO_MANY },
	{ "JSON: a list without end is refused", "{\"a\": [0", ",0", 3 * MiB,
	  TOO_MANY },
	{ "YAML: a document of keys without end is refused", "", "a: 1\n",
	  6 * MiB, TOO_MANY },
	{ "JSON: lists of items without end are refused", "{\"a\":1",
	  ",\"items\":[]", 12 * MiB, TOO_MANY },
	{ "YAML: many long labels are refused",
	  BEGIN_POLICY "metadata: {labels: {a: b", ", " X64 ": " X64, 18 * MiB,
	  TOO_MUCH_TEXT },
	{ "YAML: aliases of aliases are refused", BOMB, "h: *g\n", MiB,
	  TOO_MANY },
	{ "YAML: aliases of aliases in items are refused",
	  "items:\n- &a "
	  "[x,x,x,x,x,x,x,x,x,x]\n",
	  "- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	  "- &a [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
	  MiB, TOO_MANY },
	{ "YAML: a value repeated without end is refused",
	  "a: &a [1,2,3,4,5,6,7,8]\nb:\n", "- *a\n", MiB, TOO_MANY },
	{ "YAML: a text repeated without end is refused",
	  "a: &a " X64 X64 X64 X64 X64 X64 X64 X64 "\nb:\n", "- *a\n", MiB,
	  TOO_MUCH_TEXT },
	{ "YAML: anchors without end are refused", "a:\n", "- &b c\n", MiB,
	  "the document has more than 1000 anchors" },
	{ "YAML: merged maps without end are refused",
	  "a: &a {b: 1, c: 2}\nd:\n  <<: [*a", ",*a", MiB, TOO_MANY },
	{ "YAML: entries beside a merge key without end are refused",
	  "a: {<<: {b: 1}", ", c: 1", 7 * MiB, TOO_MANY },
	{ "YAML: merge keys without end are refused", "", "<<: {a: 1}\n",
	  6 * MiB, TOO_MANY },
};

static void hostile_text_is_refused_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct endless text = { .beginning = hostile[i].beginning,
					.again = hostile[i].again };
		struct manifest_options options = {
			.file = "f",
			.read = endless_read,
			.read_ctx = &text,
		};
		struct manifest *manifest = NULL;
		struct object object;
		struct err err = { 0 };
		int r;

		assert_int_equal(manifest_open(&options, &manifest), 0);
		while ((r = manifest_next(manifest, &object, &err)) == 1)
			;
		if (r != -EBADMSG || !strstr(err.message, hostile[i].message))
			fail_msg("%s\n  expected %s\n  got      %s",
				 hostile[i].name, hostile[i].message,
				 err.message);
		if (text.n_read > hostile[i].most)
			fail_msg("%s\n  expected within %zu bytes\n  got      "
				 "%zu",
				 hostile[i].name, hostile[i].most, text.n_read);
		manifest_close(manifest);
	}
}

/* After all of the above. The most that one tree can take is 16 MiB of text
   and a million nodes, and the same again for values with an anchor. */
static void memory_has_a_bound(void **state)
{
	struct rusage usage;
	long most_kib = WITH_SANITIZER ? 2048 * 1024 : 256 * 1024;

	(void)state;
	getrusage(RUSAGE_SELF, &usage);
	if (usage.ru_maxrss > most_kib)
		fail_msg("expected no more than %ld KiB\n  got %ld KiB",
			 most_kib, usage.ru_maxrss);
}

/* ---- trouble --------------------------------------------------------------
 */

static long failing_read(void *ctx, char *buf, size_t size)
{
	static const char text[] = "apiVersion: v1\n";
	bool *begun = ctx;

	if (*begun)
		return -EIO;
	*begun = true;
	assert_true(size >= sizeof(text) - 1);
	memcpy(buf, text, sizeof(text) - 1);
	return sizeof(text) - 1;
}

static void trouble_with_reading_is_no_finding(void **state)
{
	bool begun = false;
	struct manifest_options options = {
		.file = "f",
		.read = failing_read,
		.read_ctx = &begun,
	};
	struct manifest *manifest = NULL;
	struct object object;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(manifest_open(&options, &manifest), 0);
	assert_int_equal(manifest_next(manifest, &object, &err), -EIO);
	assert_string_equal(err.message,
			    "f: reading failed: Input/output error");
	assert_int_equal(manifest_n_errors(manifest), 0);
	manifest_close(manifest);
}

/* ---- findings --------------------------------------------------------------
 */

static const struct {
	const char *name;
	struct finding finding;
	const char *line;
} lines[] = {
	{ "a finding names all it knows",
	  { FINDING_ERROR, FINDING_INVALID, "a.yaml", 7, "NetworkPolicy",
	    "shop", "web", "spec.x", "Required value" },
	  "a.yaml:7: NetworkPolicy shop/web: spec.x: Required value" },
	{ "a warning says so",
	  { FINDING_WARNING, FINDING_INVALID, "a.yaml", 7, "Pod", "shop", "web",
	    "spec.x", "odd" },
	  "a.yaml:7: Pod shop/web: warning: spec.x: odd" },
	{ "an object may be in no namespace",
	  { FINDING_ERROR, FINDING_INVALID, "a.yaml", 7, "Node", "", "n1",
	    "spec.x", "bad" },
	  "a.yaml:7: Node n1: spec.x: bad" },
	{ "an object may have no name",
	  { FINDING_ERROR, FINDING_INVALID, "a.yaml", 7, "Pod", "", "", "",
	    "bad" },
	  "a.yaml:7: Pod: bad" },
	{ "an object may be unknown, and the line too",
	  { FINDING_ERROR, FINDING_INVALID, "-", 0, "", "", "", "", "bad" },
	  "-: bad" },
};

static void findings_are_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[256], cut[10];
		int n = finding_format(&lines[i].finding, line, sizeof(line));

		if (strcmp(line, lines[i].line) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 lines[i].name, lines[i].line, line);
		assert_int_equal(n, strlen(line));
		assert_int_equal(
			finding_format(&lines[i].finding, cut, sizeof(cut)), n);
		assert_memory_equal(cut, line, n < 9 ? (size_t)n : 9);
		assert_int_equal(strlen(cut), n < 9 ? n : 9);
	}
}

static void every_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < N_FINDING_CODES; i++) {
		assert_non_null(finding_code_name(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(finding_code_name(i),
						finding_code_name(k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_as_expected),
		cmocka_unit_test(makers_of_pods_are_counted),
		cmocka_unit_test(a_list_of_any_length_is_read),
		cmocka_unit_test(trouble_with_reading_is_no_finding),
		cmocka_unit_test(findings_are_lines),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(hostile_text_is_refused_early),
		cmocka_unit_test(memory_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
