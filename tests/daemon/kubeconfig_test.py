#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Offline commands that ask a cluster (--kubeconfig) say what they say of a dump of it.

Prints TAP. NETPOLD names the program (default: build/netpold). The cluster is a fake
API server, over TLS. What goes wrong is in kubeconfig_refused_test.py.
"""

import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / folder)
                for folder in ("e2e", "cases", "daemon")]
import clusters  # noqa: E402
import fake_faults  # noqa: E402
import make_pcaps as pcaps  # noqa: E402
import manifests  # noqa: E402
import schema  # noqa: E402
import served  # noqa: E402
import tap  # noqa: E402
import terminal  # noqa: E402
from served import netpold  # noqa: E402

SCHEMA = served.ROOT / "include" / "netpold" / "schema" / "findings.schema.json"
RESOURCES = {"pods", "namespaces", "networkpolicies", "nodes", "clusternetworkpolicies"}

DB = "shop/db-0"
FLOWS = "".join(json.dumps(flow) + "\n" for flow in (
    {"from": "shop/db-0", "to": "shop/db-1", "port": 5432},
    {"from": "monitoring/prometheus-0", "to": "shop/db-0", "port": 5432},
    {"from": "203.0.113.7", "to": "dev/cache-0", "port": 6379}))

# A sentence, the command, and its arguments; SOURCE is where objects come from.
SOURCE = object()
ROWS = [
    ("explain", "explain", SOURCE, "--from", "shop/db-0", "--to", "shop/db-1", "--port", "5432"),
    ("explain of an address", "explain", SOURCE, "--from", "shop/db-0", "--to", "203.0.113.7",
     "--port", "443", "--all"),
    ("explain as JSON", "explain", SOURCE, "--from", "monitoring/prometheus-0", "--to",
     "shop/db-0", "--port", "5432", "--output", "json", "--expect", "allow"),
    ("explain of many flows", "explain", SOURCE, "--flows", "-"),
    ("explain of a pod on the host network", "explain", SOURCE, "--from", "kube-system/proxy",
     "--to", "shop/db-0", "--port", "5432"),
    ("matrix", "matrix", SOURCE),
    ("matrix of pods", "matrix", "--by", "pod", "--namespace", "shop", SOURCE),
    ("matrix as JSON", "matrix", "--output", "json", SOURCE),
    ("matrix as a picture", "matrix", "--output", "dot", SOURCE),
    ("matrix as a page", "matrix", "--output", "html", SOURCE),
    ("replay", "replay", SOURCE, "capture.pcap"),
    ("replay as JSON", "replay", SOURCE, "--output", "json", "capture.pcap"),
    ("suggest", "suggest", SOURCE, "--diff", "capture.pcap"),
    ("suggest as JSON", "suggest", SOURCE, "--output", "json", "capture.pcap"),
    ("test", "test", SOURCE, "suite.yaml"),
    ("test as TAP", "test", SOURCE, "--output", "tap", "suite.yaml"),
]

SUITE = """apiVersion: netpold.io/v1alpha1
kind: PolicyTest
cases:
- name: the databases of the cluster hear each other
  flows:
  - { from: shop/db-0, to: shop/db-1, port: 5432, expect: allow }
- name: and nobody hears them
  flows:
  - { from: shop/db-0, to: 203.0.113.7, port: 443, expect: deny }
"""


def idle(name="idle"):
    """A policy that is surely not meant."""
    return manifests.policy(name, "shop", {"app": "wbe"}, ingress=[])


def world():
    host = manifests.pod("proxy", "kube-system", "node0", ["192.0.2.10"], {"app": "proxy"})
    host["spec"]["hostNetwork"] = True
    node = manifests.node("node0", ["10.1.0.0/24"])
    node["status"] = {"addresses": [{"type": "InternalIP", "address": "192.0.2.10"}]}
    return [*clusters.shop().objects, host, node, idle()]


def finished():
    pod = manifests.pod("done", "shop", "node1", ["10.1.9.9"], {"app": "job"})
    pod["status"]["phase"] = "Succeeded"
    return pod


def capture(objects):
    """Each kind of pod asks each other."""
    of = {}
    for item in objects:
        if item["kind"] == "Pod" and "ownerReferences" in item["metadata"]:
            of.setdefault(item["metadata"]["labels"]["app"], item["status"]["podIP"])
    return pcaps.pcap([pcaps.ethernet(packet) for n, a in enumerate(of.values())
                       for b in of.values() if a != b
                       for packet in pcaps.connection(a, 40000 + n, b, 8080)])


# ---- the same answers -------------------------------------------------------------


def answer(arguments, *source):
    return netpold(*(word for argument in arguments
                     for word in (source if argument is SOURCE else [argument])), stdin=FLOWS)


def check_answers(tap_, fed):
    dump = fed.file("dump.json", fed.objects())
    (fed.folder / "capture.pcap").write_bytes(capture(fed.objects()))
    (fed.folder / "suite.yaml").write_text(SUITE)
    for sentence, *arguments in ROWS:
        arguments = [str(fed.folder / word) if word in ("capture.pcap", "suite.yaml") else word
                     for word in arguments]
        expected = answer(arguments, *([dump] if arguments[0] == "matrix"
                                       else ["--manifests", dump]))
        got = answer(arguments, "--kubeconfig", fed.config)
        tap_.true(f"{sentence}: there is something to say", expected.stdout, "an answer",
                  expected.stderr)
        tap_.equal(f"{sentence}: a cluster gives the same answer as a dump of it",
                   (expected.returncode, expected.stdout, expected.stderr),
                   (got.returncode, got.stdout, got.stderr))


def check_requests(tap_, fed):
    """API-1: whoever may list is enough; API-42: of pods those that are not over."""
    fed.server.requests.clear()
    done = netpold("matrix", "--kubeconfig", fed.config)
    asked = fed.server.asked()
    tap_.equal("each resource is listed once, and nothing is watched",
               [(name, "list") for name in sorted(RESOURCES)],
               sorted((request.resource, request.verb) for request in asked))
    tap_.equal("pods that are over are not asked for",
               ["status.phase!=Succeeded,status.phase!=Failed"],
               [request.query["fieldSelector"] for request in asked if request.resource == "pods"])
    tap_.equal("what there is now is asked for, not what a cache has (API-15)", {None},
               {request.query.get("resourceVersion") for request in asked})
    tap_.equal("the server has nothing to complain about", ([], 0),
               (fed.server.complaints, done.returncode))
    gone = netpold("explain", "--kubeconfig", fed.config, "--from", "shop/done", "--to", DB,
                   "--port", "5432")
    tap_.true("a pod that is over is not there", gone.returncode == 2
              and "there is no pod shop/done in the cluster" in gone.stderr, "there is no pod",
              gone.stderr)


def check_variable(tap_, fed):
    fed.server.requests.clear()
    done = netpold("matrix", KUBECONFIG=str(fed.config))
    tap_.equal("$KUBECONFIG alone does not ask a cluster", (2, []),
               (done.returncode, fed.server.asked()))
    tap_.true("the message names --kubeconfig", "--kubeconfig" in done.stderr, "--kubeconfig",
              done.stderr)


# ---- check ------------------------------------------------------------------------


def without_files(findings):
    return [{**finding, "file": "", "line": 0} for finding in findings]


def check_findings(tap_, fed):
    dump = fed.file("dump.json", fed.objects())
    file, live = netpold("check", dump), netpold("check", "--kubeconfig", fed.config)
    lines = re.sub(rf"^{re.escape(dump)}:\d+: ", "", file.stdout, flags=re.MULTILINE)
    tap_.true("check: there is something to say", "selects no pod" in lines, "a warning", lines)
    tap_.equal("check: findings of a cluster begin with the object", (lines, 0),
               (live.stdout, live.returncode))
    tap_.true("check: counts are of the cluster", live.stderr.startswith(
        f"netpold check: the cluster, {len(fed.objects()) - 1} objects in order, "), "counts",
        live.stderr)
    file, live = (json.loads(netpold("check", "--output", "json", *source).stdout)
                  for source in ([dump], ["--kubeconfig", fed.config]))
    tap_.equal("check: so it is as JSON", without_files(file["findings"]), live["findings"])
    tap_.equal("check: which keeps to its schema", [],
               list(schema.violations(live, json.loads(SCHEMA.read_text()))))
    file, live = (json.loads(netpold("check", "--output", "sarif", *source).stdout)
                  for source in ([dump], ["--kubeconfig", fed.config]))
    results = [[{**result, "locations": None} for result in log["runs"][0]["results"]]
               for log in (file, live)]
    tap_.equal("check: so it is as SARIF", *results)
    tap_.equal("check: which names the object in place of a file",
               [{"logicalLocations": [{"fullyQualifiedName": "NetworkPolicy/shop/idle",
                                       "kind": "resource"}]}],
               live["runs"][0]["results"][0]["locations"])


def check_beside(tap_, fed):
    """Files beside a cluster."""
    good = fed.file("good.json", [manifests.policy("idle", "shop", {"app": "web"}, ingress=[])])
    done = netpold("check", "--kubeconfig", fed.config, good)
    tap_.equal("check: a file is checked against the pods of the cluster, in which it counts",
               (0, ""), (done.returncode, done.stdout))
    bad = fed.file("bad.json", [idle("other")])
    done = netpold("check", "--kubeconfig", fed.config, bad)
    tap_.true("check: warnings are of the files alone, with their lines",
              done.stdout.startswith(f"{bad}:1: NetworkPolicy shop/other: warning: ")
              and done.stdout.count("\n") == 1, "one line", done.stdout)
    tap_.true("check: counts are of both", "check: 1 file and the cluster, " in done.stderr,
              "1 file and the cluster", done.stderr)
    ask = ("--from", "monitoring/prometheus-0", "--to", DB, "--port", "5432")
    more = fed.file("more.json", [manifests.policy(
        "scrape", "shop", {"app": "db"}, ingress=[manifests.rule([manifests.namespaces(
            role="monitoring")])])])
    before, after = (netpold("explain", "--kubeconfig", fed.config, *ask, *files)
                     for files in ([], ["--manifests", more]))
    tap_.equal("explain: a file beside a cluster counts, too", ("deny", "allow"),
               (before.stdout.split()[0], after.stdout.split()[0]))
    for command in (["explain", *ask, "--manifests", bad], ["matrix", bad],
                    ["replay", "--manifests", bad, str(fed.folder / "capture.pcap")]):
        fed.file("bad.json", [idle()])
        done = netpold(*command, "--kubeconfig", fed.config)
        tap_.equal(f"{command[0]}: what both have is refused",
                   (2, "netpold: error: NetworkPolicy shop/idle is there twice: once in the "
                    "cluster, and once in a file\n"), (done.returncode, done.stderr))


# ---- diff -------------------------------------------------------------------------


def changed(objects, *put, drop=()):
    """Objects, with others in their place, and without some policies."""
    names = {(it["kind"], it["metadata"]["name"]) for it in put} | {
        ("NetworkPolicy", name) for name in drop}
    return [item for item in objects
            if (item["kind"], item["metadata"]["name"]) not in names] + list(put)


def same_diff(tap_, fed, sentence, old, new, *arguments):
    for how in ("text", "json", "markdown"):
        expected = netpold("diff", "--output", how, fed.file("old.json", old),
                           fed.file("new.json", new))
        got = netpold("diff", "--output", how, "--kubeconfig", fed.config, *arguments)
        tap_.true(f"diff: {sentence}: something opens or closes",
                  expected.returncode == 1 and expected.stdout, "exit status 1", expected.stderr)
        tap_.equal(f"diff: {sentence}: as {how}",
                   (expected.returncode, expected.stdout, expected.stderr),
                   (got.returncode, got.stdout, got.stderr))


def check_diff(tap_, fed):
    live = fed.objects()
    web = manifests.policy("web", "shop", {"app": "web"},
                           ingress=[manifests.rule([manifests.namespaces(team="dev")])])
    scrape = manifests.policy("scrape", "shop", {"app": "db"}, ingress=[manifests.rule(
        [manifests.namespaces(role="monitoring")], [manifests.port(5432)])])
    same_diff(tap_, fed, "what NEW would do to the cluster", live, changed(live, web, scrape),
              fed.file("apply.json", [web, scrape]))
    main = fed.file("main.json", [web, scrape])
    branch = fed.file("branch.json", [scrape])
    same_diff(tap_, fed, "a policy that NEW has no more is gone, though the cluster has it",
              changed(live, web, scrape), changed(live, scrape, drop=["web"]), main, branch)
    pod = manifests.pod("late", "shop", "node1", ["10.1.9.8"], {"app": "web"})
    late = fed.file("late.json", [pod])
    same_diff(tap_, fed, "--manifests add to both", changed(live, pod),
              changed(live, pod, web), "--manifests", late, fed.file("apply.json", [web]))
    done = netpold("diff", "--kubeconfig", fed.config, fed.file("same.json", []))
    tap_.equal("diff: where NEW changes nothing, nothing opens or closes", 0, done.returncode)
    done = netpold("diff", "--kubeconfig", fed.config)
    tap_.equal("diff: NEW is needed", (2, "netpold: error: diff: NEW is missing; see "
               "`netpold diff --help`\n"), (done.returncode, done.stderr))


# ---- what is not enforced, and much of it -----------------------------------------


CLUSTER_POLICY = {"apiVersion": "policy.networking.k8s.io/v1alpha2",
                  "kind": "ClusterNetworkPolicy", "metadata": {"name": "deny"},
                  "spec": {"tier": "Admin", "priority": 1}}


def check_cluster_policies(tap_, fed):
    """API-2, API-3."""
    ask = ("matrix", "--kubeconfig", fed.config)
    quiet = netpold(*ask)
    fed.put(CLUSTER_POLICY)
    loud = netpold(*ask)
    tap_.true("that ClusterNetworkPolicies are there and not enforced is said in one line",
              loud.stderr.count("\n") == quiet.stderr.count("\n") + 1
              and "NOT ENFORCED" in loud.stderr, "NOT ENFORCED", loud.stderr)
    tap_.equal("the answer is the same", (0, quiet.stdout), (loud.returncode, loud.stdout))
    fed.server.forbidden = {("list", "clusternetworkpolicies")}
    blind = netpold(*ask)
    tap_.true("where nobody may look for them, that is said", blind.returncode == 0
              and "it is not known whether" in blind.stderr and "403" in blind.stderr,
              "it is not known", blind.stderr)
    fed.server.forbidden, fed.server.serves_cluster_policies = set(), False
    tap_.equal("where they are not served, nothing is said", quiet.stderr, netpold(*ask).stderr)
    fed.server.serves_cluster_policies = True
    fed.server.store.delete("ClusterNetworkPolicy", "deny")


class Compact(fake_faults.Fault):
    """A history is gone between two pages: the token of the second has expired."""

    def list(self, call, body):
        super().list(call, body)
        call.server.store.pass_time()
        call.server.store.compact()


def check_pages(tap_):
    """API-10, API-11."""
    pods = [manifests.pod(f"many-{n}", "shop", "node1", [f"10.77.{n // 250}.{n % 250 + 1}"],
                          {"app": f"many-{n % 7}"}) for n in range(1200)]
    with served.Served([manifests.namespace("shop"), *pods]) as fed:
        dump = fed.file("dump.json", fed.objects())
        expected = netpold("matrix", dump)
        done = netpold("matrix", "--kubeconfig", fed.config)
        tap_.equal("1,200 pods come in three pages", ([None, True, True], expected.stdout), (
            [request.query.get("continue") and True for request in fed.server.asked("pods")],
            done.stdout))
        fed.server.requests.clear()
        fed.server.faults.add("pods", "list", Compact())
        done = netpold("matrix", "--kubeconfig", fed.config)
        tap_.equal("where the history of a page is gone, the list is made anew",
                   ([200, 410, 200], expected.stdout),
                   ([request.status for request in fed.server.asked("pods")], done.stdout))
        check_progress(tap_, fed, expected.stdout)


def check_progress(tap_, fed, expected):
    fed.server.faults.add("pods", "list", fake_faults.SlowList(4000, 0.03), times=2)
    shown = terminal.Terminal(served.NETPOLD, "matrix", "--kubeconfig", fed.config)
    tap_.equal("a server that is slow gives the same answer", expected, shown.finish())
    counts = [int(count) for count in re.findall(r"netpold: (\d+) objects read", shown.text)]
    tap_.true("whoever waits at a terminal sees how many objects have come",
              len(counts) > 1 and counts == sorted(counts) and counts[-1] > 500, "more and more",
              shown.text)


def test(tap_):
    with served.Served([*world(), finished()]) as fed:
        check_requests(tap_, fed)
        fed.server.store.delete("Pod", "done", "shop")
        check_answers(tap_, fed)
        check_variable(tap_, fed)
        fed.put(finished())
        check_findings(tap_, fed)
        check_beside(tap_, fed)
        fed.server.store.delete("Pod", "done", "shop")
        check_diff(tap_, fed)
        check_cluster_policies(tap_, fed)
    check_pages(tap_)


if __name__ == "__main__":
    tap.main(test)
