/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reading.h"

/* ---- texts of the server ------------------------------------------------ */

#define SUBDOMAIN                                                              \
	"a lowercase RFC 1123 subdomain must consist of lower case "           \
	"alphanumeric characters, '-' or '.', and must start and end with "    \
	"an alphanumeric character (e.g. 'example.com', regex used for "       \
	"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?"                         \
	"(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define DNS_LABEL                                                              \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric "  \
	"characters or '-', and must start and end with an alphanumeric "      \
	"character (e.g. 'my-name',  or '123-abc', regex used for "            \
	"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_KEY                                                              \
	"must consist of alphanumeric characters, '-', '_' or '.', and must "  \
	"start and end with an alphanumeric character (e.g. 'MyName',  or "    \
	"'my.name',  or '123-abc', regex used for validation is "              \
	"'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define LABEL_VALUE                                                            \
	"a valid label must be an empty string or consist of alphanumeric "    \
	"characters, '-', '_' or '.', and must start and end with an "         \
	"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "         \
	"'12345', regex used for validation is "                               \
	"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
#define OUT_OF_RANGE ": must be between 1 and 65535, inclusive"
#define NO_LETTER ": must contain at least one letter (a-z)"
#define BAD_CHARACTERS                                                         \
	": must contain only alpha-numeric characters (a-z, 0-9), and "        \
	"hyphens (-)"
#define NO_CIDR                                                                \
	": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
#define NO_SUBSET ": must be a strict subset of `cidr`"
#define FUTURE " will be considered invalid in a future Kubernetes release: "

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X63 X50 X10 "xxx"
#define X253 X50 X50 X50 X50 X50 "xxx"

/* ---- metadata ----------------------------------------------------------- */

struct row {
	const char *name;
	const char *fragment; /* the part of the policy it is about */
	const char *findings; /* the beginning of each line left out */
};

static const struct row metadata_rows[] = {
	{ "AV-1, AV-20: a name is needed", "{}",
	  "metadata.name: Required value: name or generateName is required" },
	{ "AV-20: an empty name is none", "{name: ''}",
	  "metadata.name: Required value: name or generateName is required" },
	{ "AV-21: names are in lower case", "{name: Allow}",
	  "metadata.name: Invalid value: \"Allow\": " SUBDOMAIN },
	{ "AV-21: a name may have dots and begin with a digit",
	  "{name: 0.a-b.c}", "" },
	{ "AV-21: a name has no empty part", "{name: a..b}",
	  "metadata.name: Invalid value: \"a..b\": " SUBDOMAIN },
	{ "AV-21: a part of a name does not end in a hyphen", "{name: a-.b}",
	  "metadata.name: Invalid value: \"a-.b\": " SUBDOMAIN },
	{ "AV-2: values are quoted the way Go does", "{name: \"a\\n\\\"é\"}",
	  "metadata.name: Invalid value: \"a\\n\\\"é\": " SUBDOMAIN },
	{ "AV-22: a name may have 253 characters", "{name: " X253 "}", "" },
	{ "AV-22: a name has no more than 253 characters", "{name: " X253 "x}",
	  "metadata.name: Invalid value: \"" X253 "x\": must be no more than "
	  "253 characters" },
	{ "AV-23: generateName may end in a hyphen; a name is missing still",
	  "{generateName: a-}",
	  "metadata.name: Required value: name or generateName is required" },
	{ "AV-23: generateName is spelt like a name",
	  "{name: p, generateName: Ab-}",
	  "metadata.generateName: Invalid value: \"Ab-\": " SUBDOMAIN },
	{ "AV-24: a namespace has no dots", "{name: p, namespace: a.b}",
	  "metadata.namespace: Invalid value: \"a.b\": must not contain "
	  "dots" },
	{ "AV-25: a namespace is a DNS label", "{name: p, namespace: a_b}",
	  "metadata.namespace: Invalid value: \"a_b\": " DNS_LABEL },
	{ "AV-26: a namespace may have 63 characters",
	  "{name: p, namespace: " X63 "}", "" },
	{ "AV-26: a namespace has no more than 63 characters",
	  "{name: p, namespace: " X63 "x}",
	  "metadata.namespace: Invalid value: \"" X63 "x\": must be no more "
	  "than 63 characters" },
	{ "AV-27: labels are checked, keys in their order",
	  "{name: p, labels: {b/: c, a: -}}",
	  "metadata.labels: Invalid value: \"-\": " LABEL_VALUE "\n"
	  "metadata.labels: Invalid value: \"b/\": name part must be "
	  "non-empty\n"
	  "metadata.labels: Invalid value: \"b/\": name part " LABEL_KEY },
	{ "AV-28: keys of annotations may be in upper case, values are free",
	  "{name: p, annotations: {Example.COM/Key: \"any thing\\n\"}}", "" },
	{ "NP-8: a mode is audit",
	  "{name: p, annotations: {netpold.io/mode: "
	  "audit}}",
	  "" },
	{ "NP-8: or enforce",
	  "{name: p, annotations: {netpold.io/mode: "
	  "enforce}}",
	  "" },
	{ "NP-8: and nothing else",
	  "{name: p, annotations: {netpold.io/mode: Audit}}",
	  "metadata.annotations.netpold.io/mode: Unsupported value: \"Audit\": "
	  "supported values: \"audit\", \"enforce\"" },
	{ "NP-8: not the empty text either",
	  "{name: p, annotations: {netpold.io/mode: ''}}",
	  "metadata.annotations.netpold.io/mode: Unsupported value: \"\": "
	  "supported values: \"audit\", \"enforce\"" },
	{ "AV-28: keys of annotations are spelt like those of labels",
	  "{name: p, annotations: {a b: c}}",
	  "metadata.annotations: Invalid value: \"a b\": name "
	  "part " LABEL_KEY },
	{ "AV-5: generateName, name, namespace, labels, annotations in this "
	  "order",
	  "{annotations: {_: a}, labels: {_: a}, namespace: _, name: _, "
	  "generateName: _}",
	  "metadata.generateName: Invalid value: \"_\": " SUBDOMAIN "\n"
	  "metadata.name: Invalid value: \"_\": " SUBDOMAIN "\n"
	  "metadata.namespace: Invalid value: \"_\": " DNS_LABEL "\n"
	  "metadata.labels: Invalid value: \"_\": name part " LABEL_KEY "\n"
	  "metadata.annotations: Invalid value: \"_\": name part " LABEL_KEY },
};

/* ---- labels, through the pod selector ----------------------------------- */

#define SEL "spec.podSelector."

static const struct row selector_rows[] = {
	{ "AV-30: a key has one slash at most", "{matchLabels: {a/b/c: d}}",
	  SEL
	  "matchLabels: Invalid value: \"a/b/c\": a valid label key " LABEL_KEY
	  " with an optional DNS subdomain prefix and '/' (e.g. "
	  "'example.com/MyName')" },
	{ "AV-31: a prefix is not empty", "{matchLabels: {/a: b}}",
	  SEL "matchLabels: Invalid value: \"/a\": prefix part must be "
	      "non-empty" },
	{ "AV-32: a prefix is a DNS name in lower case",
	  "{matchLabels: {A/b: c}}",
	  SEL "matchLabels: Invalid value: \"A/b\": prefix part " SUBDOMAIN },
	{ "AV-33: a prefix has no more than 253 bytes",
	  "{matchLabels: {" X253 "x/a: b}}",
	  SEL "matchLabels: Invalid value: \"" X253 "x/a\": prefix part must "
	      "be no more than 253 bytes" },
	{ "AV-34: a name is not empty", "{matchLabels: {'': b}}",
	  SEL
	  "matchLabels: Invalid value: \"\": name part must be non-empty\n" SEL
	  "matchLabels: Invalid value: \"\": name part " LABEL_KEY },
	{ "AV-35: a name may have 63 bytes", "{matchLabels: {" X63 ": b}}",
	  "" },
	{ "AV-35: a name has no more than 63 bytes",
	  "{matchLabels: {? " X63 "x : b}}",
	  SEL "matchLabels: Invalid value: \"" X63 "x\": name part must be no "
	      "more than 63 bytes" },
	{ "AV-36: a name does not begin with a dot", "{matchLabels: {.a: b}}",
	  SEL "matchLabels: Invalid value: \".a\": name part " LABEL_KEY },
	{ "AV-36: a name may be in upper case, with dots and underscores",
	  "{matchLabels: {example.com/A_b.C: b}}", "" },
	{ "AV-37: a value has no more than 63 bytes",
	  "{matchLabels: {a: " X63 "x}}",
	  SEL "matchLabels: Invalid value: \"" X63 "x\": must be no more than "
	      "63 bytes" },
	{ "AV-38: a value does not end in a hyphen", "{matchLabels: {a: b-}}",
	  SEL "matchLabels: Invalid value: \"b-\": " LABEL_VALUE },
	{ "AV-38: a value may be empty", "{matchLabels: {a: ''}}", "" },
	{ "AV-38: a zero byte does not end a value",
	  "{matchLabels: {a: \"b\\0\"}}",
	  SEL "matchLabels: Invalid value: \"b\\x00\": " LABEL_VALUE },
	{ "AV-40: keys are checked in their order, each with its value",
	  "{matchLabels: {b: '-', a: '_'}}",
	  SEL "matchLabels: Invalid value: \"_\": " LABEL_VALUE "\n" SEL
	      "matchLabels: Invalid value: \"-\": " LABEL_VALUE },
	{ "AV-41: In needs values",
	  "{matchExpressions: [{key: a, operator: In}]}",
	  SEL "matchExpressions[0].values: Required value: must be specified "
	      "when `operator` is 'In' or 'NotIn'" },
	{ "AV-41: NotIn needs values",
	  "{matchExpressions: [{key: a, operator: NotIn, values: []}]}",
	  SEL "matchExpressions[0].values: Required value: must be specified "
	      "when `operator` is 'In' or 'NotIn'" },
	{ "AV-42: Exists has no values",
	  "{matchExpressions: [{key: a, operator: Exists, values: [b]}]}",
	  SEL "matchExpressions[0].values: Forbidden: may not be specified "
	      "when `operator` is 'Exists' or 'DoesNotExist'" },
	{ "AV-42: DoesNotExist has no values",
	  "{matchExpressions: [{key: a, operator: DoesNotExist, "
	  "values: [b]}]}",
	  SEL "matchExpressions[0].values: Forbidden: may not be specified "
	      "when `operator` is 'Exists' or 'DoesNotExist'" },
	{ "AV-43: operators are case-sensitive",
	  "{matchExpressions: [{key: a, operator: in, values: [b]}]}",
	  SEL "matchExpressions[0].operator: Invalid value: \"in\": not a "
	      "valid selector operator" },
	{ "AV-43: an operator is needed", "{matchExpressions: [{key: a}]}",
	  SEL "matchExpressions[0].operator: Invalid value: \"\": not a valid "
	      "selector operator" },
	{ "AV-43: there is no Gt",
	  "{matchExpressions: [{key: a, "
	  "operator: Gt, values: ['1']}]}",
	  SEL "matchExpressions[0].operator: Invalid value: \"Gt\": not a "
	      "valid selector operator" },
	{ "AV-44, AV-45: operator, key and values in this order",
	  "{matchExpressions: [{values: [b, '-'], key: a b}]}",
	  SEL
	  "matchExpressions[0].operator: Invalid value: \"\": not a valid "
	  "selector operator\n" SEL "matchExpressions[0].key: Invalid value: "
	  "\"a b\": name part " LABEL_KEY "\n" SEL
	  "matchExpressions[0].values[1]: Invalid value: \"-\": " LABEL_VALUE },
	{ "AV-44: a key is needed", "{matchExpressions: [{operator: Exists}]}",
	  SEL "matchExpressions[0].key: Invalid value: \"\": name part must "
	      "be non-empty\n" SEL "matchExpressions[0].key: Invalid value: "
	      "\"\": name part " LABEL_KEY },
	{ "AV-5: matchLabels come before matchExpressions",
	  "{matchExpressions: [{key: a, operator: x}], "
	  "matchLabels: {b: '-'}}",
	  SEL "matchLabels: Invalid value: \"-\": " LABEL_VALUE "\n" SEL
	      "matchExpressions[0].operator: Invalid value: \"x\": not a "
	      "valid selector operator" },
};

/* ---- ports -------------------------------------------------------------- */

#define PORT "spec.ingress[0].ports[0]."

static const struct row port_rows[] = {
	{ "AV-3, AV-46: protocols are in upper case", "{protocol: tcp}",
	  PORT "protocol: Unsupported value: \"tcp\": supported values: "
	       "\"TCP\", \"UDP\", \"SCTP\"" },
	{ "AV-46: ICMP has no ports", "{protocol: ICMP}",
	  PORT "protocol: Unsupported value: \"ICMP\": supported values: "
	       "\"TCP\", \"UDP\", \"SCTP\"" },
	{ "AV-46: an empty protocol is none", "{protocol: ''}",
	  PORT "protocol: Unsupported value: \"\": supported values: "
	       "\"TCP\", \"UDP\", \"SCTP\"" },
	{ "AV-47: port 0 is none", "{port: 0}",
	  PORT "port: Invalid value: 0" OUT_OF_RANGE },
	{ "AV-47: port 65536 is none", "{port: 65536}",
	  PORT "port: Invalid value: 65536" OUT_OF_RANGE },
	{ "AV-47: a port is not negative", "{port: -1}",
	  PORT "port: Invalid value: -1" OUT_OF_RANGE },
	{ "AV-47: ports 1 and 65535 are fine", "{port: 1}, {port: 65535}", "" },
	{ "AV-48: a number in quotes is a name without a letter",
	  "{port: '80'}", PORT "port: Invalid value: \"80\"" NO_LETTER },
	{ "AV-48: an empty name breaks two rules", "{port: ''}",
	  PORT "port: Invalid value: \"\"" BAD_CHARACTERS "\n" PORT
	       "port: Invalid value: \"\"" NO_LETTER },
	{ "AV-48: a name in upper case breaks two rules", "{port: HTTP}",
	  PORT "port: Invalid value: \"HTTP\"" BAD_CHARACTERS "\n" PORT
	       "port: Invalid value: \"HTTP\"" NO_LETTER },
	{ "AV-48: a name may have 15 characters", "{port: abcdefghij-2345}",
	  "" },
	{ "AV-48: a name has no more than 15 characters",
	  "{port: abcdefghij-23456}",
	  PORT "port: Invalid value: \"abcdefghij-23456\": must be no more "
	       "than 15 characters" },
	{ "AV-48: the rules of names come in their order",
	  "{port: '--Abcdefghijklmno'}",
	  PORT "port: Invalid value: \"--Abcdefghijklmno\": must be no more "
	       "than 15 characters\n" PORT
	       "port: Invalid value: \"--Abcdefghijklmno\"" BAD_CHARACTERS
	       "\n" PORT "port: Invalid value: \"--Abcdefghijklmno\": must not "
	       "contain consecutive hyphens\n" PORT
	       "port: Invalid value: \"--Abcdefghijklmno\": must not begin or "
	       "end with a hyphen" },
	{ "AV-49: endPort is not below port", "{port: 90, endPort: 80}",
	  PORT "endPort: Invalid value: 90: must be greater than or equal to "
	       "`port`" },
	{ "AV-49: endPort 0 breaks two rules", "{port: 90, endPort: 0}",
	  PORT "endPort: Invalid value: 90: must be greater than or equal to "
	       "`port`\n" PORT "endPort: Invalid value: 0" OUT_OF_RANGE },
	{ "AV-49: endPort is in range", "{port: 90, endPort: 65536}",
	  PORT "endPort: Invalid value: 65536" OUT_OF_RANGE },
	{ "AV-49: a bad port does not make endPort bad",
	  "{port: 0, endPort: 10}",
	  PORT "port: Invalid value: 0" OUT_OF_RANGE },
	{ "AV-49: endPort needs a port", "{endPort: 80}",
	  PORT "endPort: Invalid value: 80: may not be specified when `port` "
	       "is not specified" },
	{ "AV-49: endPort needs a number as port", "{port: http, endPort: 80}",
	  PORT "endPort: Invalid value: 80: may not be specified when `port` "
	       "is non-numeric" },
	{ "AV-49: endPort may equal port", "{port: 80, endPort: 80}", "" },
	{ "NP-7: an empty entry is fine", "{}", "" },
	{ "NP-1: null is absent in ports",
	  "{protocol: null, port: null, endPort: null}", "" },
	{ "doubled entries are fine", "{port: 80}, {port: 80}", "" },
};

/* ---- peers -------------------------------------------------------------- */

#define PEER "spec.ingress[0].from[0]"

static const struct row peer_rows[] = {
	{ "AV-50: a peer is not empty", "{}",
	  PEER ": Required value: must specify a peer" },
	{ "AV-50: null is no peer", "null",
	  PEER ": Required value: must specify a peer" },
	{ "AV-50: a selector that is null is absent", "{podSelector: null}",
	  PEER ": Required value: must specify a peer" },
	{ "AV-51: ipBlock stands alone",
	  "{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}",
	  PEER ": Forbidden: may not specify both ipBlock and another peer" },
	{ "no peers are any peer", "", "" },
	{ "both selectors are checked, pods first",
	  "{namespaceSelector: {matchLabels: {a: '-'}}, "
	  "podSelector: {matchLabels: {a: '_'}}}",
	  PEER ".podSelector.matchLabels: Invalid value: \"_\": " LABEL_VALUE
	       "\n" PEER ".namespaceSelector.matchLabels: Invalid value: "
	       "\"-\": " LABEL_VALUE },
	{ "AV-52: a block needs its cidr", "{ipBlock: {except: [x]}}",
	  PEER ".ipBlock.cidr: Required value" },
	{ "AV-52: an empty cidr is none", "{ipBlock: {cidr: ''}}",
	  PEER ".ipBlock.cidr: Required value" },
	{ "AV-53: an address is no block", "{ipBlock: {cidr: 10.0.0.1}}",
	  PEER ".ipBlock.cidr: Invalid value: \"10.0.0.1\"" NO_CIDR },
	{ "AV-53: a prefix is not longer than an address",
	  "{ipBlock: {cidr: 10.0.0.0/33}}",
	  PEER ".ipBlock.cidr: Invalid value: \"10.0.0.0/33\"" NO_CIDR },
	{ "AV-53: an address is complete", "{ipBlock: {cidr: 10.0/8}}",
	  PEER ".ipBlock.cidr: Invalid value: \"10.0/8\"" NO_CIDR },
	{ "AV-53: a block has no zone", "{ipBlock: {cidr: 'fe80::1%eth0/64'}}",
	  PEER ".ipBlock.cidr: Invalid value: \"fe80::1%eth0/64\"" NO_CIDR },
	{ "AV-53: a prefix has no sign", "{ipBlock: {cidr: 10.0.0.0/+8}}",
	  PEER ".ipBlock.cidr: Invalid value: \"10.0.0.0/+8\"" NO_CIDR },
	{ "AV-53: excepts are not checked where cidr is bad",
	  "{ipBlock: {cidr: x, except: [z]}}",
	  PEER ".ipBlock.cidr: Invalid value: \"x\"" NO_CIDR },
	{ "AV-53: an empty except is no block",
	  "{ipBlock: {cidr: 10.0.0.0/8, except: ['', null]}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"\"" NO_CIDR "\n" PEER
	       ".ipBlock.except[1]: Invalid value: \"\"" NO_CIDR },
	{ "AV-54, AV-59: except is smaller than cidr",
	  "{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/24]}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"10.0.0.0/24\"" NO_SUBSET },
	{ "AV-54: except is not larger than cidr",
	  "{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/16]}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"10.0.0.0/16\"" NO_SUBSET },
	{ "AV-54: except lies in cidr",
	  "{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.1.0/25]}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"10.0.1.0/25\"" NO_SUBSET },
	{ "AV-54: families differ",
	  "{ipBlock: {cidr: 10.0.0.0/24, except: ['fd00::/64']}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"fd00::/64\"" NO_SUBSET },
	{ "AV-54: ::/0 does not hold IPv4",
	  "{ipBlock: {cidr: '::/0', except: [10.0.0.0/8]}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"10.0.0.0/8\"" NO_SUBSET },
	{ "AV-54: excepts may overlap",
	  "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.0.0/16, "
	  "10.1.2.0/24]}}",
	  "" },
	{ "AV-58: lengths are compared as they are written",
	  "{ipBlock: {cidr: '::ffff:10.0.0.0/104', except: [10.1.0.0/16]}}",
	  "warning: " PEER ".ipBlock.cidr: non-standard CIDR value "
	  "\"::ffff:10.0.0.0/104\"" FUTURE "use \"10.0.0.0/8\"\n" PEER
	  ".ipBlock.except[0]: Invalid value: \"10.1.0.0/16\"" NO_SUBSET },
	{ "AV-58: a mapped except is IPv4 for where it lies",
	  "{ipBlock: {cidr: 10.0.0.0/8, except: ['::ffff:10.1.0.0/112']}}",
	  "warning: " PEER ".ipBlock.except[0]: non-standard CIDR value "
	  "\"::ffff:10.1.0.0/112\"" FUTURE "use \"10.1.0.0/16\"" },
	/* AV-57 */
	{ "AV-57: bits behind the prefix are ambiguous",
	  "{ipBlock: {cidr: 10.0.0.5/8}}",
	  "warning: " PEER ".ipBlock.cidr: CIDR value \"10.0.0.5/8\" is "
	  "ambiguous in this context (should be \"10.0.0.0/8\" or "
	  "\"10.0.0.5/32\"?)" },
	{ "AV-57: zeros in front are not standard",
	  "{ipBlock: {cidr: 010.0.0.0/8}}",
	  "warning: " PEER ".ipBlock.cidr: non-standard CIDR value "
	  "\"010.0.0.0/8\"" FUTURE "use \"10.0.0.0/8\"" },
	{ "AV-57: zeros in front of the prefix length are not standard",
	  "{ipBlock: {cidr: 10.0.0.0/08}}",
	  "warning: " PEER ".ipBlock.cidr: non-standard CIDR value "
	  "\"10.0.0.0/08\"" FUTURE "use \"10.0.0.0/8\"" },
	{ "AV-57: mapped blocks are not standard",
	  "{ipBlock: {cidr: '::ffff:10.0.0.0/104'}}",
	  "warning: " PEER ".ipBlock.cidr: non-standard CIDR value "
	  "\"::ffff:10.0.0.0/104\"" FUTURE "use \"10.0.0.0/8\"" },
	{ "AV-57: a block may be odd twice",
	  "{ipBlock: {cidr: '::ffff:10.0.0.5/104'}}",
	  "warning: " PEER ".ipBlock.cidr: CIDR value "
	  "\"::ffff:10.0.0.5/104\" is ambiguous in this context (should be "
	  "\"10.0.0.0/8\" or \"10.0.0.5/128\"?)\n"
	  "warning: " PEER ".ipBlock.cidr: non-standard CIDR value "
	  "\"::ffff:10.0.0.5/104\"" FUTURE "use \"10.0.0.0/8\"" },
	{ "AV-57: IPv6 is best written in its canonical form",
	  "{ipBlock: {cidr: 'FD00::/8'}}",
	  "warning: " PEER ".ipBlock.cidr: IPv6 CIDR value \"FD00::/8\" "
	  "should be in RFC 5952 canonical format (\"fd00::/8\")" },
	{ "AV-57: a group of zeros is not canonical",
	  "{ipBlock: {cidr: 'fd00:0:0::/48'}}",
	  "warning: " PEER ".ipBlock.cidr: IPv6 CIDR value "
	  "\"fd00:0:0::/48\" should be in RFC 5952 canonical format "
	  "(\"fd00::/48\")" },
};

static const struct row strict_rows[] = {
	{ "AV-57: strict, bits behind the prefix are refused",
	  "{ipBlock: {cidr: 10.0.0.5/8}}",
	  PEER ".ipBlock.cidr: Invalid value: \"10.0.0.5/8\": must not have "
	       "bits set beyond the prefix length" },
	{ "AV-57: strict, zeros in front are refused, and told alone",
	  "{ipBlock: {cidr: 010.0.0.5/8}}",
	  PEER ".ipBlock.cidr: Invalid value: \"010.0.0.5/8\": must not have "
	       "leading 0s in IP or prefix length" },
	{ "AV-57: strict, mapped blocks are refused",
	  "{ipBlock: {cidr: 10.0.0.0/8, except: ['::ffff:10.1.0.0/112']}}",
	  PEER ".ipBlock.except[0]: Invalid value: \"::ffff:10.1.0.0/112\": "
	       "must not have an IPv4-mapped IPv6 address" },
	{ "AV-57: strict, IPv6 that is not canonical is a warning still",
	  "{ipBlock: {cidr: 'FD00::/8'}}",
	  "warning: " PEER ".ipBlock.cidr: IPv6 CIDR value \"FD00::/8\" "
	  "should be in RFC 5952 canonical format (\"fd00::/8\")" },
	{ "AV-57: strict, plain blocks are fine",
	  "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}", "" },
};

/* ---- policyTypes and order ---------------------------------------------- */

static const struct row spec_rows[] = {
	{ "an empty spec is fine", "{}", "" },
	{ "AV-60: three types are too many",
	  "{policyTypes: [Ingress, Egress, '<']}",
	  "spec.policyTypes: Invalid value: "
	  "[\"Ingress\",\"Egress\",\"\\u003c\"]: may not specify more than "
	  "two policyTypes" },
	{ "NP-6: the same type twice is fine",
	  "{policyTypes: [Ingress, Ingress]}", "" },
	{ "AV-61: types are case-sensitive", "{policyTypes: [ingress]}",
	  "spec.policyTypes[0]: Unsupported value: \"ingress\": supported "
	  "values: \"Ingress\", \"Egress\"" },
	{ "AV-61: null is no type", "{policyTypes: [Egress, null]}",
	  "spec.policyTypes[1]: Unsupported value: \"\": supported values: "
	  "\"Ingress\", \"Egress\"" },
	{ "NP-5: rules of a direction that is not governed are checked",
	  "{policyTypes: [Egress], ingress: [{ports: [{port: 0}]}]}",
	  "spec.ingress[0].ports[0].port: Invalid value: 0" OUT_OF_RANGE },
	{ "AV-5: podSelector, ingress, egress, policyTypes; ports before "
	  "peers",
	  "{policyTypes: [x], egress: [{to: [{}], ports: [{port: 0}]}], "
	  "ingress: [{from: [{}], ports: [{port: 0}]}, {ports: [{port: 0}]}], "
	  "podSelector: {matchLabels: {a: '-'}}}",
	  "spec.podSelector.matchLabels: Invalid value: \"-\": " LABEL_VALUE
	  "\n"
	  "spec.ingress[0].ports[0].port: Invalid value: 0" OUT_OF_RANGE "\n"
	  "spec.ingress[0].from[0]: Required value: must specify a peer\n"
	  "spec.ingress[1].ports[0].port: Invalid value: 0" OUT_OF_RANGE "\n"
	  "spec.egress[0].ports[0].port: Invalid value: 0" OUT_OF_RANGE "\n"
	  "spec.egress[0].to[0]: Required value: must specify a peer\n"
	  "spec.policyTypes[0]: Unsupported value: \"x\": supported values: "
	  "\"Ingress\", \"Egress\"" },
};

/* ---- running ------------------------------------------------------------ */

/* Leave out "f:LINE: NetworkPolicy default/p: " of each line. */
static void strip_lines(const char *findings, struct text *out)
{
	while (*findings) {
		size_t len = strcspn(findings, "\n");
		const char *start = strstr(findings, "NetworkPolicy");

		start = start ? strstr(start, ": ") : NULL;
		assert_non_null(start);
		start += 2;
		text_put(out, "%s", out->len ? "\n" : "");
		text_put_bytes(out, start, len - (size_t)(start - findings));
		findings += len;
		findings += *findings == '\n';
	}
}

static void run_rows(const struct row *rows, size_t n, const char *before,
		     const char *behind, bool strict)
{
	for (size_t i = 0; i < n; i++) {
		struct reading got = { 0 };
		struct text text = { 0 }, lines = { 0 };
		struct pieces pieces;

		text_put(&text,
			 "apiVersion: networking.k8s.io/v1\n"
			 "kind: NetworkPolicy\n%s%s%s\n",
			 before, rows[i].fragment, behind);
		pieces = pieces_of(text_string(&text), 100);
		read_pieces(&pieces, strict, NULL, NULL, &got);
		strip_lines(text_string(&got.findings), &lines);
		if (strcmp(text_string(&lines), rows[i].findings) != 0)
			fail_msg("%s\n  expected %s\n  got      %s",
				 rows[i].name, rows[i].findings,
				 text_string(&lines));
		text_release(&text);
		text_release(&lines);
		reading_release(&got);
	}
}

#define RUN(rows, before, behind, strict)                                      \
	run_rows(rows, sizeof(rows) / sizeof((rows)[0]), before, behind, strict)

static void metadata(void **state)
{
	(void)state;
	RUN(metadata_rows, "metadata: ", "", false);
}

static void selectors(void **state)
{
	(void)state;
	RUN(selector_rows, "metadata: {name: p}\nspec: {podSelector: ", "}",
	    false);
}

static void ports(void **state)
{
	(void)state;
	RUN(port_rows, "metadata: {name: p}\nspec: {ingress: [{ports: [",
	    "]}]}", false);
}

static void peers(void **state)
{
	(void)state;
	RUN(peer_rows, "metadata: {name: p}\nspec: {ingress: [{from: [", "]}]}",
	    false);
}

static void strict_peers(void **state)
{
	(void)state;
	RUN(strict_rows, "metadata: {name: p}\nspec: {ingress: [{from: [",
	    "]}]}", true);
}

static void specs(void **state)
{
	(void)state;
	RUN(spec_rows, "metadata: {name: p}\nspec: ", "", false);
}

static void annotations_have_a_bound(void **state)
{
	struct text text = { 0 };
	struct reading got = { 0 };
	struct pieces pieces;
	int n = 256 * 1024;

	(void)state;
	for (int over = 0; over < 2; over++) {
		text_clear(&text);
		text_put(&text,
			 "{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": "
			 "\"NetworkPolicy\", \"metadata\": {\"name\": \"p\", "
			 "\"annotations\": {\"a\": \"%0*d\"}}}",
			 n - 1 + over, 0);
		pieces = pieces_of(text_string(&text), 1 << 20);
		read_pieces(&pieces, false, NULL, NULL, &got);
		assert_string_equal(
			text_string(&got.findings),
			over ? "f:1: NetworkPolicy default/p: "
			       "metadata.annotations: Too long: may not be "
			       "more than 262144 bytes"
			     : "");
	}
	text_release(&text);
	reading_release(&got);
}

/* Other kinds: what would make the decoder fail, or guess. */
static const struct row object_rows[] = {
	{ "a pod has a name", "{apiVersion: v1, kind: Pod}",
	  "f:1: Pod: metadata.name: Required value" },
	{ "a namespace has a name",
	  "{apiVersion: v1, kind: Namespace, metadata: {}}",
	  "f:1: Namespace: metadata.name: Required value" },
	{ "a pod's address is one",
	  "{apiVersion: v1, kind: Pod, metadata: {name: p}, "
	  "status: {podIP: 10.0.0}}",
	  "f:1: Pod default/p: status.podIP: Invalid value: \"10.0.0\": must "
	  "be a valid IP address" },
	{ "NP-60: a pod has one address of a family",
	  "{apiVersion: v1, kind: Pod, metadata: {name: p}, "
	  "status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}, "
	  "{ip: 10.0.0.2}]}}",
	  "f:1: Pod default/p: status.podIPs[2].ip: Invalid value: "
	  "\"10.0.0.2\": may hold no more than one IP for each IP family" },
	{ "a container port is in range",
	  "{apiVersion: v1, kind: Pod, metadata: {name: p}, "
	  "spec: {containers: [{ports: [{name: a, containerPort: 0}]}]}}",
	  "f:1: Pod default/p: spec.containers[0].ports[0].containerPort: "
	  "Invalid value: 0" OUT_OF_RANGE },
	{ "a container port has a protocol with ports",
	  "{apiVersion: v1, kind: Pod, metadata: {name: p}, "
	  "spec: {initContainers: [{ports: [{containerPort: 80, "
	  "protocol: tcp}]}]}}",
	  "f:1: Pod default/p: spec.initContainers[0].ports[0].protocol: "
	  "Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", "
	  "\"UDP\"" },
};

static void other_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(object_rows) / sizeof(object_rows[0]);
	     i++) {
		const struct row *row = &object_rows[i];
		struct text text = { 0 };
		struct reading got = { 0 };
		struct pieces pieces;

		text_put(&text, "--- %s", row->fragment);
		pieces = pieces_of(text_string(&text), 100);
		read_pieces(&pieces, false, NULL, NULL, &got);
		if (strcmp(text_string(&got.findings), row->findings) != 0)
			fail_msg("%s\n  expected %s\n  got      %s", row->name,
				 row->findings, text_string(&got.findings));
		text_release(&text);
		reading_release(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata),
		cmocka_unit_test(selectors),
		cmocka_unit_test(ports),
		cmocka_unit_test(peers),
		cmocka_unit_test(strict_peers),
		cmocka_unit_test(specs),
		cmocka_unit_test(annotations_have_a_bound),
		cmocka_unit_test(other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
