/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vectors_table.h"

#include <stddef.h>

#include "vectors.h"

/* clang-format off */
#define POD(p) "{'matchLabels':{'pod':'" p "'}}"
#define NS(n) "{'matchLabels':{'kubernetes.io/metadata.name':'" n "'}}"
#define NS_IS(op, n) "{'matchExpressions':[{'key':" \
	"'kubernetes.io/metadata.name','operator':'" op "','values':[" n "]}]}"
#define POD_IN(p) "{'matchExpressions':[{'key':'pod','operator':'In'," \
	"'values':[" p "]}]}"
#define A "'podSelector':" POD("a")
#define ALL "'podSelector':{}"
#define FROM(peers) "'ingress':[{'from':[" peers "]}]"
#define TO(peers) "'egress':[{'to':[" peers "]}],'policyTypes':['Egress']"
#define FROM_PORT(peers, ports) \
	"'ingress':[{'from':[" peers "],'ports':[" ports "]}]"
#define IN_PORT(ports) "'ingress':[{'ports':[" ports "]}]"
#define OUT_PORT(ports) \
	"'egress':[{'ports':[" ports "]}],'policyTypes':['Egress']"
#define IN "'policyTypes':['Ingress']"
#define OUT "'policyTypes':['Egress']"
#define BLOCK(c) "{'ipBlock':{'cidr':'" c "'}}"
#define BLOCK_BUT(c, e) "{'ipBlock':{'cidr':'" c "','except':[" e "]}}"
#define LABEL_A1 "pod x/a a=1"
#define EXPR(key, op, values) "x/p {'podSelector':{'matchExpressions':" \
	"[{'key':'" key "','operator':'" op "','values':[" values "]}]}}"
#define WEB_PORTS "ports x/a [" \
	"{'name':'web','containerPort':80}," \
	"{'name':'web','containerPort':80,'protocol':'UDP'}," \
	"{'name':'alt','containerPort':81,'protocol':'TCP'}]"
#define IPS(v4, v6) "{'podIPs':[{'ip':'" v4 "'},{'ip':'" v6 "'}]}"

const struct vector vectors[] = {
	/* ---- upstream end-to-end tests ---------------------------------- */
	{ "E2E-1: default deny of ingress", false, {
	{ { "x/p {" ALL "," IN "}" }, "* > x/* no;" } } },
	{ "E2E-2: default deny of everything", false, {
	{ { "x/p {" ALL ",'policyTypes':['Ingress','Egress']}" },
	  "* > x/* no; x/* > * no;" } } },
	{ "E2E-3: from pods of the server's namespace", false, {
	{ { "x/p {" A "," FROM("{'podSelector':" POD("b") "}") "}" },
	  "* > x/a no; x/b > x/a yes;" } } },
	{ "E2E-4: an allow for one target beside a deny for all", false, {
	{ { "x/deny {" ALL "," IN "}",
	    "x/p {" A "," FROM("{'podSelector':{},'namespaceSelector':{}}")
	    "}" },
	  "* > x/* no; * > x/a yes;" } } },
	{ "E2E-5: from all namespaces", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':{}}") "}" }, "" } } },
	{ "E2E-6: from a different namespace", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS("y") "}") "}" },
	  "* > x/a no; y/* > x/a yes;" } } },
	{ "E2E-7: pods by expression", false, {
	{ { "x/p {" A "," FROM("{'podSelector':" POD_IN("'b'") "}") "}" },
	  "* > x/a no; x/b > x/a yes;" } } },
	{ "E2E-8: namespaces by expression", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS_IS("In", "'y'") "}")
	    "}" },
	  "* > x/a no; y/* > x/a yes;" } } },
	{ "E2E-9: pods or namespaces", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS_IS("NotIn", "'x'")
	    "},{'podSelector':" POD("b") "}") "}" },
	  "* > x/a no; [yz]/* > x/a yes; x/b > x/a yes;" } } },
	{ "E2E-10: pods and namespaces", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS_IS("NotIn", "'x'")
	    ",'podSelector':" POD("b") "}") "}" },
	  "* > x/a no; [yz]/b > x/a yes;" } } },
	{ "E2E-11: several pods and namespaces", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS_IS("NotIn", "'x'")
	    ",'podSelector':" POD_IN("'b','c'") "}") "}" },
	  "* > x/a no; [yz]/[bc] > x/a yes;" } } },
	{ "E2E-12: any of two pod selectors", false, {
	{ { "x/p {" A "," FROM("{'podSelector':" POD("b") "},{'podSelector':"
	    POD("c") "}") "}" },
	  "* > x/a no; x/[bc] > x/a yes;" } } },
	{ "E2E-13: a pod of another namespace", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS("y")
	    ",'podSelector':" POD("a") "}") "}" },
	  "* > x/a no; y/a > x/a yes;" } } },
	{ "E2E-14, E2E-15: ports, then a second policy for another", false, {
	{ { "x/p {" A "," FROM_PORT("{'namespaceSelector':" NS("y") "}",
	    "{'port':81}") "}" },
	  "* > x/a no; y/* > x/a tcp/81 yes;" },
	{ { "x/q {" A "," FROM_PORT("{'namespaceSelector':" NS("y") "}",
	    "{'port':80}") "}" },
	  "* > x/a no; y/* > x/a tcp/8[01] yes;" } } },
	{ "E2E-16: allow all", false, {
	{ { "x/p {" ALL ",'ingress':[{}]}" }, "" } } },
	{ "E2E-17: a named port", false, {
	{ { "x/p {" ALL "," IN_PORT("{'port':'serve-81-tcp'}") "}" },
	  "* > x/* no; * > x/* tcp/81 yes;" } } },
	{ "E2E-18: a named port from a namespace", false, {
	{ { "x/p {" A "," FROM_PORT("{'namespaceSelector':" NS("y") "}",
	    "{'port':'serve-80-tcp'}") "}" },
	  "* > x/a no; y/* > x/a tcp/80 yes;" } } },
	{ "E2E-19: egress to a named port of each destination", false, {
	{ { "x/p {" ALL "," OUT_PORT("{'port':'serve-80-tcp'}") "}" },
	  "x/* > * no; x/* > * tcp/80 yes;" } } },
	{ "E2E-20: a port name that nobody defines opens nothing", false, {
	{ { "x/p {" A "," IN_PORT("{'port':'no-such-port'}") "}" },
	  "* > x/a no;" } } },
	{ "E2E-21: an updated policy", false, {
	{ { "x/p {" ALL ",'ingress':[{}]}" }, "" },
	{ { "x/p {" ALL ",'ingress':[]}" }, "* > x/* no;" } } },
	{ "E2E-22: an updated namespace", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':{'matchLabels':"
	    "{'ns2':'updated'}}}") "}" }, "* > x/a no;" },
	{ { "ns y ns2=updated" }, "* > x/a no; y/* > x/a yes;" } } },
	{ "E2E-23: an updated pod", false, {
	{ { "x/p {" A "," FROM("{'podSelector':{'matchLabels':"
	    "{'pod2':'updated'}}}") "}" }, "* > x/a no;" },
	{ { "pod x/b pod2=updated" }, "* > x/a no; x/b > x/a yes;" } } },
	{ "E2E-24: deny other namespaces", false, {
	{ { "x/p {" ALL "," FROM("{'podSelector':{}}") "}" },
	  "* > x/* no; x/* > x/* yes;" } } },
	{ "E2E-25: deny ingress to an updated pod", false, {
	{ { "x/p {'podSelector':{'matchLabels':{'target':'isolated'}}}" }, "" },
	{ { "pod x/a target=isolated" }, "* > x/a no;" } } },
	{ "E2E-26: deny egress of one pod", false, {
	{ { "x/p {" A "," OUT "}" }, "x/a > * no;" } } },
	{ "E2E-27: deny egress of a namespace", false, {
	{ { "x/p {" ALL "," OUT "}" }, "x/* > * no;" } } },
	{ "E2E-28: ingress and egress together", false, {
	{ { "x/p {" A "," FROM("{'podSelector':" POD("b") "}")
	    ",'egress':[{'ports':[{'port':80}]}],"
	    "'policyTypes':['Ingress','Egress']}" },
	  "* > x/a no; x/b > x/a yes; x/a > * no; x/a > * tcp/80 yes;" } } },
	{ "E2E-29: the client's side denies what the server allows", false, {
	{ { "x/p {" A "," TO("{'namespaceSelector':" NS("y")
	    ",'podSelector':" POD("a") "}") "}",
	    "y/p {'podSelector':" POD_IN("'a','b'") "," FROM(
	    "{'namespaceSelector':" NS("x") ",'podSelector':" POD("a") "}")
	    "}" },
	  "x/a > * no; * > y/[ab] no; x/a > y/a yes;" } } },
	{ "E2E-30: egress to a pod of another namespace", false, {
	{ { "x/p {" A "," TO("{'namespaceSelector':" NS("y")
	    ",'podSelector':" POD("a") "}") "}" },
	  "x/a > * no; x/a > y/a yes;" } } },
	{ "E2E-31: every port of one protocol", false, {
	{ { "x/p {" A "," IN_PORT("{'protocol':'TCP'}") "}" },
	  "* > x/a no; * > x/a tcp/* yes;" } } },
	{ "E2E-32: an ingress allow-all takes precedence", false, {
	{ { "x/p {" A "," IN_PORT("{'port':80}") "}" },
	  "* > x/a no; * > x/a tcp/80 yes;" },
	{ { "x/q {" A ",'ingress':[{}]}" }, "" } } },
	{ "E2E-33: an egress allow-all takes precedence", false, {
	{ { "x/p {" A "," OUT_PORT("{'port':80}") "}" },
	  "x/a > * no; x/a > * tcp/80 yes;" },
	{ { "x/q {" A ",'egress':[{}]," OUT "}" }, "" } } },
	{ "E2E-34: a deleted policy has no effect", false, {
	{ { "x/p {" ALL "," IN "}" }, "* > x/* no;" },
	{ { "gone x/p" }, "" } } },
	{ "E2E-35: egress to a block", false, {
	{ { "x/p {" A "," TO(BLOCK("10.244.2.2/32") ","
	    BLOCK("fd00:10:244:2::2/128")) "}" },
	  "x/a > * no; x/a > y/b yes;" } } },
	{ "E2E-36, E2E-37: except, then its address allowed", false, {
	{ { "x/p {" A "," TO(BLOCK_BUT("10.244.1.2/4", "'10.244.1.2/32'") ","
	    BLOCK_BUT("fd00::/8", "'fd00:10:244:1::2/128'")) "}" },
	  "x/a > x/b no;" },
	{ { "x/p {" A "," TO(BLOCK("10.244.1.2/32") ","
	    BLOCK("fd00:10:244:1::2/128")) "}" },
	  "x/a > * no; x/a > x/b yes;" } } },
	{ "E2E-38: directions are independent", false, {
	{ { "x/p {" A ",'egress':[{}]," OUT "}" }, "" },
	{ { "x/q {" A "," IN "}" }, "* > x/a no;" } } },
	{ "E2E-39: SCTP is not TCP", false, {
	{ { "x/deny {" ALL "," IN "}",
	    "x/p {" A "," IN_PORT("{'protocol':'SCTP','port':81}") "}" },
	  "* > x/* no; * > x/a sctp/81 yes;" } } },
	{ "E2E-40: a policy for SCTP isolates for TCP", false, {
	{ { "x/p {" A "," IN_PORT("{'protocol':'SCTP','port':80}") "}" },
	  "* > x/a no; * > x/a sctp/80 yes;" } } },
	{ "E2E-41: a policy for UDP isolates for TCP", false, {
	{ { "x/p {" A "," IN_PORT("{'protocol':'UDP','port':81}") "}" },
	  "* > x/a no; * > x/a udp/81 yes;" } } },
	{ "E2E-42: the server's label of a namespace", false, {
	{ { "x/p {" A "," FROM("{'namespaceSelector':" NS("y") "}") "}" },
	  "* > x/a no; y/* > x/a yes;" } } },
	{ "E2E-43: the server's label in an expression", false, {
	{ { "x/p {" A "," TO("{'namespaceSelector':" NS_IS("NotIn", "'y'") "}")
	    "}" },
	  "x/a > y/* no;" } } },
	{ "E2E-45: ports, over UDP", false, {
	{ { "x/p {" A "," FROM_PORT("{'namespaceSelector':" NS("y") "}",
	    "{'protocol':'UDP','port':81}") "}" },
	  "* > x/a no; y/* > x/a udp/81 yes;" } } },
	{ "E2E-48: ports, over SCTP", false, {
	{ { "x/p {" A "," FROM_PORT("{'namespaceSelector':" NS("y") "}",
	    "{'protocol':'SCTP','port':81}") "}" },
	  "* > x/a no; y/* > x/a sctp/81 yes;" } } },

	/* ---- selectors on a pod with the label a=1 ---------------------- */
	{ "NP-26: {} matches", false, {
	{ { LABEL_A1, "x/p {'podSelector':{}}" }, "* > x/* no;" } } },
	{ "NP-26: a In [1,2] matches", false, {
	{ { LABEL_A1, EXPR("a", "In", "'1','2'") }, "* > x/a no;" } } },
	{ "NP-26: a In [2] does not match", false, {
	{ { LABEL_A1, EXPR("a", "In", "'2'") }, "" } } },
	{ "NP-26: a NotIn [1] does not match; without a it does", false, {
	{ { LABEL_A1, EXPR("a", "NotIn", "'1'") }, "* > x/[bc] no;" } } },
	{ "NP-26: a NotIn [2] matches", false, {
	{ { LABEL_A1, EXPR("a", "NotIn", "'2'") }, "* > x/* no;" } } },
	{ "NP-26: b NotIn [1] matches", false, {
	{ { LABEL_A1, EXPR("b", "NotIn", "'1'") }, "* > x/* no;" } } },
	{ "NP-26: b In [\"\"] does not match: absent is not empty", false, {
	{ { LABEL_A1, EXPR("b", "In", "''") }, "" } } },
	{ "NP-24: a In [\"\"] matches an empty value", false, {
	{ { "pod x/a a=", EXPR("a", "In", "''") }, "* > x/a no;" } } },
	{ "NP-26: a Exists matches", false, {
	{ { LABEL_A1, EXPR("a", "Exists", "") }, "* > x/a no;" } } },
	{ "NP-26: b Exists does not match", false, {
	{ { LABEL_A1, EXPR("b", "Exists", "") }, "" } } },
	{ "NP-26: a DoesNotExist does not match", false, {
	{ { LABEL_A1, EXPR("a", "DoesNotExist", "") }, "* > x/[bc] no;" } } },
	{ "NP-26: b DoesNotExist matches", false, {
	{ { LABEL_A1, EXPR("b", "DoesNotExist", "") }, "* > x/* no;" } } },
	{ "NP-26: a=1 and b Exists does not match", false, {
	{ { LABEL_A1, "x/p {'podSelector':{'matchLabels':{'a':'1'},"
	    "'matchExpressions':[{'key':'b','operator':'Exists'}]}}" },
	  "" } } },
	{ "NP-26: A In [1] does not match: case counts", false, {
	{ { LABEL_A1, EXPR("A", "In", "'1'") }, "" } } },
	{ "NP-22: a null value is an empty one", false, {
	{ { "pod x/a a=", "x/p {'podSelector':{'matchLabels':{'a':null}}}" },
	  "* > x/a no;" } } },

	/* ---- ports on a pod with TCP 80 web, UDP 80 web, TCP 81 alt ----- */
	{ "NP-49V: {port: web} is TCP/80 only", false, {
	{ { WEB_PORTS, "x/p {" A "," IN_PORT("{'port':'web'}") "}" },
	  "* > x/a no; * > x/a tcp/80 yes;" } } },
	{ "NP-49V: {protocol: UDP, port: web} is UDP/80 only", false, {
	{ { WEB_PORTS, "x/p {" A "," IN_PORT("{'protocol':'UDP','port':'web'}")
	    "}" }, "* > x/a no; * > x/a udp/80 yes;" } } },
	{ "NP-49V: {protocol: SCTP, port: web} is nothing", false, {
	{ { WEB_PORTS, "x/p {" A ","
	    IN_PORT("{'protocol':'SCTP','port':'web'}") "}" },
	  "* > x/a no;" } } },
	{ "NP-49V: {port: 80, endPort: 81} is TCP 80 and 81", false, {
	{ { WEB_PORTS, "x/p {" A "," IN_PORT("{'port':80,'endPort':81}") "}" },
	  "* > x/a no; * > x/a tcp/8[01] yes;" } } },
	{ "NP-49V: {protocol: UDP} is every UDP port", false, {
	{ { WEB_PORTS, "x/p {" A "," IN_PORT("{'protocol':'UDP'}") "}" },
	  "* > x/a no; * > x/a udp/* yes;" } } },
	{ "NP-49V: {} is every TCP port", false, {
	{ { WEB_PORTS, "x/p {" A "," IN_PORT("{}") "}" },
	  "* > x/a no; * > x/a tcp/* yes;" } } },
	{ "NP-48: endPort equal to port is one port", false, {
	{ { "x/p {" A "," IN_PORT("{'port':80,'endPort':80}") "}" },
	  "* > x/a no; * > x/a tcp/80 yes;" } } },
	{ "L21: names are looked up on each destination alone", false, {
	{ { "ports y/a [{'name':'web','containerPort':80}]",
	    "ports y/b [{'name':'web','containerPort':81}]",
	    "x/p {" A "," OUT_PORT("{'port':'web'}") "}" },
	  "x/a > * no; x/a > y/a tcp/80 yes; x/a > y/b tcp/81 yes;" } } },
	{ "NP-46: sidecars count, ordinary init containers do not", false, {
	{ { "spec x/a 'initContainers':["
	    "{'name':'i','restartPolicy':'Always','ports':"
	    "[{'name':'m','containerPort':80}]},"
	    "{'name':'j','ports':[{'name':'m','containerPort':81}]}]",
	    "x/p {" A "," IN_PORT("{'port':'m'}") "}" },
	  "* > x/a no; * > x/a tcp/80 yes;" } } },
	{ "NP-47: outside the cluster no port has a name", true, {
	{ { "x/p {" A "," OUT_PORT("{'port':'serve-80-tcp'}") "}" },
	  "x/a > * no; x/a > ?/? tcp/80 yes;" } } },

	/* ---- shape ------------------------------------------------------ */
	{ "NP-3: no types and no egress rule isolate ingress alone", false, {
	{ { "x/p {" A ",'egress':[],'policyTypes':[]}" }, "* > x/a no;" } } },
	{ "NP-3: no types and one egress rule isolate both ways", false, {
	{ { "x/p {" A ",'egress':[{'ports':[{'port':80}]}],"
	    "'policyTypes':null}" },
	  "* > x/a no; x/a > * no; x/a > * tcp/80 yes;" } } },
	{ "NP-5: rules of a direction without its type say nothing", false, {
	{ { "x/p {" A ",'ingress':[{}],'egress':[]," OUT "}" },
	  "x/a > * no;" } } },
	{ "NP-6: a type given twice is that type", false, {
	{ { "x/p {" A ",'policyTypes':['Ingress','Ingress']}" },
	  "* > x/a no;" } } },
	{ "NP-1: a bare podSelector selects all", false, {
	{ { "x/p {'podSelector':null}" }, "* > x/* no;" } } },
	{ "NP-14: a rule {} matches everything from everywhere", true, {
	{ { "x/p {" A ",'ingress':[{'from':null,'ports':[]}]}" }, "" } } },
	{ "NP-15: peers and ports of one rule are both needed", false, {
	{ { "x/p {" A ",'ingress':[{'from':[{'podSelector':" POD("b") "}],"
	    "'ports':[{'port':80}]},{'from':[{'podSelector':" POD("c") "}],"
	    "'ports':[{'port':81}]}]}" },
	  "* > x/a no; x/b > x/a tcp/80 yes; x/c > x/a tcp/81 yes;" } } },

	/* ---- peers ------------------------------------------------------ */
	{ "NP-34: selectors match no address outside", true, {
	{ { "x/p {" A "," FROM("{'podSelector':{},'namespaceSelector':{}}")
	    "}" }, "ext > x/a no; node > x/a no;" } } },
	{ "NP-35: a block matches pods too", true, {
	{ { "x/p {" A "," FROM(BLOCK("10.244.2.0/24") ","
	    BLOCK("fd00:10:244:2::/64")) "}" },
	  "* > x/a no; y/* > x/a yes;" } } },
	{ "NP-36, L22: except works inside its own peer", false, {
	{ { "x/p {" A "," FROM(
	    BLOCK_BUT("10.244.0.0/16", "'10.244.2.0/24'") ","
	    BLOCK_BUT("fd00:10:244::/48", "'fd00:10:244:2::/64'") ","
	    "{'namespaceSelector':" NS("y") ",'podSelector':" POD("c") "}")
	    "}" }, "y/[ab] > x/a no;" } } },
	{ "NP-37: families never match each other", true, {
	{ { "x/p {" A "," FROM(BLOCK("::/0")) "}",
	    "y/p {" A "," FROM(BLOCK("0.0.0.0/0")) "}" },
	  "* > x/a v4/* no; * > y/a v6/* no;" } } },
	{ "NP-38, AV-55: host bits and leading zeros do not matter", false, {
	{ { "x/p {" A "," FROM(
	    BLOCK_BUT("010.0244.2.77/024", "'10.244.02.3/32'") ","
	    BLOCK_BUT("FD00:0010:244:2:0:0::9/064",
		      "'fd00:10:00244:2::3/128'")) "}" },
	  "* > x/a no; y/[ab] > x/a yes;" } } },
	{ "AV-56: a mapped block is IPv4 from 96 bits on", true, {
	{ { "x/p {" A "," FROM(BLOCK("::ffff:10.244.2.0/120")) "}",
	    "y/p {" A "," FROM(BLOCK("::ffff:10.244.1.0/0")) "}",
	    "z/p {" A "," FROM(
	    BLOCK_BUT("10.0.0.0/8", "'::ffff:0af4:0100/120'")) "}" },
	  "* > [xyz]/a no; y/* > x/a v4/* yes; * > y/a v6/* yes;"
	  "[yz]/* > z/a v4/* yes; node > z/a v4/* no; ext > z/a no;" } } },
	{ "NP-41: the server's label wins over what stands there", false, {
	{ { "ns y kubernetes.io/metadata.name=z",
	    "x/p {" A "," FROM("{'namespaceSelector':" NS("z") "}") "}" },
	  "* > x/a no; z/* > x/a yes;" } } },
	{ "NP-42: of an unknown namespace only {} and the name match", false, {
	{ { "without y",
	    "x/p {" A "," FROM("{'namespaceSelector':{'matchExpressions':"
	    "[{'key':'q','operator':'NotIn','values':['2']}]}}") "}",
	    "z/p {" A "," FROM("{'namespaceSelector':{}}") "}",
	    "z/q {'podSelector':" POD("b") "," FROM("{'namespaceSelector':"
	    NS("y") "}") "}" },
	  "y/* > x/a no; * > z/b no; y/* > z/b yes;" } } },

	/* ---- pods ------------------------------------------------------- */
	{ "NP-52: a pod on the host network is the node", false, {
	{ { "spec x/b 'hostNetwork':true", "x/p {" ALL "," FROM(
	    "{'podSelector':{}}") "}" },
	  "* > x/[ac] no; x/[ac] > x/[ac] yes;" } } },
	{ "NP-62, L20: a finished pod holds no address", false, {
	{ { "status x/b {'phase':'Succeeded','podIPs':[{'ip':'10.244.1.2'},"
	    "{'ip':'fd00:10:244:1::2'}]}",
	    "x/p {" ALL "," FROM("{'podSelector':{}}") "}" },
	  "* > x/[ac] no; x/[ac] > x/[ac] yes;" } } },
	{ "NP-61: a pending pod with an address is enforced", false, {
	{ { "status x/a {'phase':'Pending','podIPs':[{'ip':'10.244.1.1'},"
	    "{'ip':'fd00:10:244:1::1'}]}", "x/p {" A "}" },
	  "* > x/a no;" } } },
	{ "NP-60: podIP counts while podIPs is empty", false, {
	{ { "status x/a {'podIP':'10.244.1.1','podIPs':[]}", "x/p {" A "}" },
	  "* > x/a v4/* no;" } } },
	{ "NP-64: of two pods with one address the newer holds it", false, {
	{ { "status x/b " IPS("10.244.1.1", "fd00:10:244:1::1"),
	    "newer x/b", "x/p {'podSelector':" POD("b") "}" },
	  "* > x/a no;" } } },
	{ "NP-64: a pod that is not deleted comes before a newer", false, {
	{ { "status x/b " IPS("10.244.1.1", "fd00:10:244:1::1"),
	    "deleting x/b", "x/p {'podSelector':" POD("b") "}" }, "" } } },
	{ "NP-66, L24: policies outlive themselves as their namespace goes",
	  false, {
	{ { "x/p {" ALL "}", "terminating x", "gone x/p" }, "* > x/* no;" },
	{ { "nons x", "nopod x/a" }, "* > x/[bc] no;" },
	{ { "nopod x/b", "nopod x/c" }, "" } } },
	{ "NP-66: a pod that is seen late is isolated too", false, {
	{ { "x/p {" ALL "}", "nopod x/a", "nopod x/b", "nopod x/c" }, "" },
	{ { "terminating x", "gone x/p" }, "" },
	{ { "pod x/a late=1" }, "* > x/a no;" } } },
	{ "NP-66: what a namespace leaves behind is not its successor's",
	  false, {
	{ { "x/p {" ALL "}", "nopod x/a", "nopod x/b", "nopod x/c" }, "" },
	{ { "gone x/p", "nons x", "pod x/a late=1" }, "" },
	{ { "terminating x" }, "" } } },
	{ "API-18: the policy's end may be seen before its namespace's",
	  false, {
	{ { "x/p {" ALL "}", "gone x/p" }, "" },
	{ { "terminating x" }, "* > x/* no;" } } },
};
/* clang-format on */

const size_t n_vectors = sizeof(vectors) / sizeof(vectors[0]);
