#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold matrix`: what it says of clusters as people have them, and that it is
true: what its JSON allows, `netpold explain` allows, and nothing else.

Prints TAP. NETPOLD names the program (default: build/netpold). Expected texts
are in tests/daemon/matrix/; `--update` writes what is seen as what is expected,
for a person to read before it is committed. The seed of the random flows is
printed; NETPOLD_SEED sets it.
"""

import ipaddress
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "daemon" / "matrix"
SCHEMA = json.loads((ROOT / "include/netpold/schema/matrix.schema.json").read_text())
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))
SEED = int(os.environ.get("NETPOLD_SEED", time.time_ns() % 2**32))
FLOWS = 3000

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "bench")]
import clusters  # noqa: E402
import manifests  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
from terminal import Terminal  # noqa: E402

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
"""


def netpold(*arguments, stdin=""):
    return subprocess.run([NETPOLD, *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, timeout=120, check=False)


def matrix(*arguments, stdin=""):
    return netpold("matrix", *arguments, stdin=stdin)


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


# ---- texts -----------------------------------------------------------------------

# The file with what is expected; the cluster; arguments.
TEXTS = [
    ("shop.txt", clusters.shop, []),
    ("shop-by-pod.txt", clusters.shop, ["--by", "pod", "--namespace", "shop"]),
    ("shop-by-namespace.txt", clusters.shop, ["--by", "namespace"]),
    ("shop.dot", clusters.shop, ["--output", "dot"]),
    ("teams.txt", clusters.teams, []),
    ("teams-narrowed.txt", clusters.teams, ["--namespace", "team-a", "--namespace", "team-c"]),
    ("blocks.txt", None, []),
    ("blocks-by-pod.txt", None, ["--by", "pod"]),
    ("half.txt", None, []),
    ("half.dot", None, ["--output", "dot"]),
]


def text_of(name, make):
    return make().text() if make else (FOLDER / f"{re.split('[.-]', name)[0]}.yaml").read_text()


def check_texts(tap_, update):
    for name, make, arguments in TEXTS:
        done = matrix(*arguments, "-", stdin=text_of(name, make))
        path = FOLDER / name
        if update:
            path.write_text(done.stdout)
        tap_.equal(f"{name} is as it was read and found good",
                   (path.read_text() if path.exists() else "(missing)", "", 0),
                   (done.stdout, done.stderr, done.returncode))
    lines = (FOLDER / "teams.txt").read_text().splitlines()
    tap_.true("a thousand pods are told on two screens", len(lines) < 100, "fewer than 100 lines",
              len(lines))
    tap_.true("and no line is longer than a screen is wide", max(map(len, lines)) <= 100,
              "100 characters", max(map(len, lines)))


# ---- JSON, against explain ----------------------------------------------------------


class Matrix:
    """What the JSON says of two addresses and a port."""

    def __init__(self, document, cluster):
        self.document = document
        self.columns = {column["to"]: column["allowed"] for column in document["columns"]}
        self.unit_of_group = {(group["namespace"], group["name"]): unit["id"]
                              for unit in document["units"] for group in unit.get("groups", [])}
        self.ranges = [(ipaddress.ip_address(r["first"]), ipaddress.ip_address(r["last"]), unit["id"])
                       for unit in document["units"] for r in unit.get("ranges", [])]
        self.addresses = {}  # by address: its pod
        for item in cluster:
            if item["kind"] == "Pod" and not item.get("spec", {}).get("hostNetwork"):
                for entry in item.get("status", {}).get("podIPs", []):
                    self.addresses[entry["ip"]] = item["metadata"]

    def unit(self, address):
        pod = self.addresses.get(address)
        if pod:
            return self.unit_of_group[pod["namespace"], pod["name"]]
        number = ipaddress.ip_address(address)
        return next(unit for first, last, unit in self.ranges
                    if number.version == first.version and first <= number <= last)

    def allows(self, src, dst, protocol, port):
        """True, False, or None where only some may."""
        source = self.unit(src)
        for line in self.columns[self.unit(dst)]:
            if not any(first <= source <= last for first, last in line["from"]):
                continue
            if any(ports["protocol"] == protocol and
                   (protocol == "other" or ports.get("first", 1) <= port <= ports.get("last", 0))
                   for ports in line["ports"]):
                return None if line["some"] else True
        return False


def random_flows(chance, m, ports):
    """(src, dst, protocol, port): pods among each other, and with the outside."""
    inside = sorted(m.addresses)
    outside = ["192.0.2.1", "10.0.0.1", "169.254.0.9", "192.168.7.7", "192.168.8.8", "203.0.113.77"]
    for _ in range(FLOWS):
        src, dst = chance.choice(inside), chance.choice(inside)
        if chance.random() < 0.15:
            src = chance.choice(outside)
        elif chance.random() < 0.15:
            dst = chance.choice(outside)
        if m.addresses.get(src) == m.addresses.get(dst) or ":" in src + dst:
            continue
        protocol, port = chance.choice(ports)
        yield src, dst, protocol, port


def check_json(tap_, name, cluster, by):
    text = as_list(cluster)
    done = matrix("--output", "json", "--by", by, "-", stdin=text)
    document = json.loads(done.stdout)
    tap_.equal(f"{name}: JSON keeps to its schema", [], list(schema.violations(document, SCHEMA))[:5])
    if by != "pod":
        return
    m = Matrix(document, cluster)
    chance = random.Random(SEED)
    ports = [("TCP", 8080), ("TCP", 5432), ("TCP", 6379), ("UDP", 53), ("TCP", 443), ("TCP", 9102),
             ("TCP", 22), ("other", None)]
    flows = list(random_flows(chance, m, ports))
    lines = [json.dumps({"from": src, "to": dst, "protocol": "ICMP"} if port is None else
                        {"from": src, "to": dst, "protocol": protocol, "port": port})
             for src, dst, protocol, port in flows]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        answers = netpold("explain", "--manifests", file.name, "--flows", "-", stdin="\n".join(lines))
    verdicts = [json.loads(line).get("verdict") for line in answers.stdout.splitlines()]
    said = [{True: "allow", False: "deny", None: "some"}[m.allows(*flow)] for flow in flows]
    wrong = [(flow, verdict, word) for flow, verdict, word in zip(flows, verdicts, said)
             if verdict != word and word != "some"]
    tap_.equal(f"{name}: explain says the same of {len(flows)} flows (NETPOLD_SEED={SEED})",
               (len(flows), []), (len(verdicts), wrong[:5]))
    tap_.true(f"{name}: both verdicts are common", min(map(verdicts.count, ("allow", "deny"))) > 50,
              "more than 50 of each", {word: verdicts.count(word) for word in set(verdicts)})


def check_narrowed(tap_):
    """What was not asked about is in no entry, and who reads it can tell."""
    whole, narrowed = (json.loads(matrix("--output", "json", "--by", "pod", *arguments, "-",
                                         stdin=clusters.shop().text()).stdout)
                       for arguments in ([], ["--namespace", "shop"]))
    tap_.equal("narrowed: JSON keeps to its schema", [], list(schema.violations(narrowed, SCHEMA))[:5])
    tap_.equal("who is of the namespaces is inside, and nobody else", {True: {"shop"}, False: {
        "dev", "ingress-nginx", "kube-system", "monitoring", None}},
        {inside: {group["namespace"] for unit in narrowed["units"] if unit["inside"] == inside
                  for group in unit.get("groups", [{"namespace": None}])} for inside in (True, False)})
    tap_.true("where all is asked, everybody is inside", all(unit["inside"] for unit in whole["units"]),
              "inside", whole["units"])
    outer = {unit["id"] for unit in narrowed["units"] if not unit["inside"]}
    tap_.equal("between two that are not inside nothing is said", [], [
        (first, column["to"]) for column in narrowed["columns"] if column["to"] in outer
        for line in column["allowed"] for first, last in line["from"] if set(range(first, last + 1)) & outer])


def check_displaced(tap_):
    """Two pods with one address: the newer one has it, and the other one is missed."""
    objects = [manifests.namespace("a"), *(manifests.pod(name, "a", "n", ["10.0.0.1"]) for name in "pq"),
               manifests.pod("r", "a", "n", ["10.0.0.3"])]
    objects[1]["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    lines = matrix("-", stdin=as_list(objects)).stdout.splitlines()
    tap_.equal("a pod whose address another one has is counted and named", [
        "2 pods in 1 namespace, 1 workload, 0 policies",
        "1 pod whose address is another pod's or the node's left out: a/p"], lines[:2])
    document = json.loads(matrix("--output", "json", "-", stdin=as_list(objects)).stdout)
    tap_.equal("so it is in JSON, and the pods of all units are those that are counted", (2, 1, 2, []),
               (document["counts"]["pods"], document["counts"]["displaced"],
                sum(unit.get("pods", 0) for unit in document["units"]),
                list(schema.violations(document, SCHEMA))))


# ---- hostile names --------------------------------------------------------------------

EVIL = ['</script><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "\x1b[31mred\x1b[0m",
        "a\"]; evil [label=\"", "quote'\\\"", "<!--", "&lt;"]


def hostile():
    """Names of objects are checked where they are read; owners and labels are not."""
    objects = [manifests.namespace("evil"), manifests.namespace("bare")]
    for i, text in enumerate(EVIL):
        owned = manifests.pod(f"owned-{i}", "evil", "n", [f"10.0.0.{i + 1}"], {"n": str(i)})
        owned["metadata"]["ownerReferences"] = [{"kind": text, "name": text, "controller": True}]
        objects += [owned, manifests.policy(f"p{i}", "evil", {"n": str(i)},
                                            ingress=[manifests.rule([manifests.pods(n=str(i))])])]
        objects += [manifests.pod(f"bare-{i}{k}", "bare", "n", [f"10.0.1.{2 * i + k + 1}"], {"app": text})
                    for k in range(2)]
    objects.append(manifests.policy("bare", "bare", {"app": "x"}))
    return objects


def check_hostile(tap_):
    text = as_list(hostile())
    shown = matrix("-", stdin=text)
    tap_.equal("no byte of a name reaches a terminal that obeys it", (0, []),
               (shown.returncode, re.findall(r"[^\n -~]", shown.stdout)))
    dot = matrix("--output", "dot", "-", stdin=text).stdout
    strings = re.sub(r'"(?:[^"\\]|\\.)*"', '""', dot)
    tap_.equal("no name ends a string of the graph", [], [word for word in ("red", "script", "label=\\")
                                                          if word in strings])
    html = matrix("--output", "html", "-", stdin=text).stdout
    data = html.partition('id="data">')[2].partition("</script>")[0]
    names = {unit["title"] for unit in json.loads(data)["units"]}
    tap_.equal("no name ends the data of the page", True, any("script" in name for name in names))
    tap_.equal("the data have no markup in them", [], re.findall("[<>&]", data))
    back = json.loads(matrix("--output", "json", "-", stdin=text).stdout)
    groups = {(group["kind"], group["name"]) for unit in back["units"] for group in unit.get("groups", [])
              if group["namespace"] == "evil"}
    tap_.equal("JSON has the names as they are", {(text, text) for text in EVIL}, groups)


# ---- the command line -------------------------------------------------------------------

# A sentence; arguments; standard input; exit status; a part of standard error.
ROWS = [
    ("without a path it says so", [], "", 2, "a file or folder, or --kubeconfig, is missing"),
    ("a format that there is not is refused", ["--output", "svg", "-"], "", 2,
     "--output: 'svg' is none of text, json, dot and html"),
    ("so is a grouping", ["--by", "node", "-"], "", 2,
     "--by: 'node' is none of pod, workload and namespace"),
    ("standard input comes once", ["-", "-"], "", 2, "standard input (-) can be read only once"),
    ("policies alone are nothing to show", ["-"], POLICY, 2,
     "there is no pod with an address, and so nobody to reach: add what "
     "`kubectl get ns,pod -A -o yaml` prints"),
    ("a namespace without pods is a mistake", ["--namespace", "shpo", "-"], clusters.shop().text(), 2,
     "--namespace: no pod with an address is in namespace 'shpo'"),
    ("a manifest with a mistake is refused", ["-"], POLICY.replace("p,", "P,"), 2, "metadata.name"),
    ("a file that is not there is trouble", ["/nowhere.yaml"], "", 2, "cannot read '/nowhere.yaml'"),
    ("an option that there is not is refused", ["--all", "-"], "", 2, "'--all' is no option here"),
]


def check_rows(tap_):
    for sentence, arguments, stdin, status, told in ROWS:
        done = matrix(*arguments, stdin=stdin)
        tap_.equal(f"{sentence}: exit status {status}", status, done.returncode)
        tap_.true(f"{sentence}: it says why", told in done.stderr, told, done.stderr)
    help_ = matrix("--help")
    tap_.true("help fits a screen", help_.stdout.count("\n") <= 30 and help_.returncode == 0,
              "30 lines at most", help_.stdout)
    done = matrix(ROOT / "tests/cases/allow-from-a-namespace-lets-its-pods-in/cluster.yaml", FOLDER / "blocks.yaml")
    tap_.equal("files and folders are read together, and a quick run is quiet", (0, ""),
               (done.returncode, done.stderr))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([NETPOLD, "matrix", FOLDER / "blocks.yaml"], stdout=full, text=True,
                              stderr=subprocess.PIPE, check=False)
    tap_.equal("a full disk is trouble", (2, True),
               (done.returncode, "cannot write to standard output" in done.stderr))


# ---- progress -----------------------------------------------------------------------


def check_progress(tap_):
    namespaces = (f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{n}}}\n"
                  for n in itertools.count())
    slow = Terminal(NETPOLD, "matrix", FOLDER / "blocks.yaml", "-")
    slow.feed_until("objects read", namespaces)
    out = slow.finish()
    tap_.true("who waits at a terminal sees how far it has come, until it is done",
              re.search(r"netpold: \d+ objects read", slow.text) and slow.text.endswith("\r\x1b[K"),
              "N objects read, and a wipe", repr(slow.text))
    tap_.true("the answer comes all the same", "PROTECTED" in out, "PROTECTED", out)
    quick = Terminal(NETPOLD, "matrix", FOLDER / "blocks.yaml")
    quick.finish()
    tap_.equal("what is quick shows nothing", "", quick.text)


# ---- ten thousand pods ---------------------------------------------------------------------


def check_large(tap_):
    text = as_list(workload.objects(100))
    for arguments in ([], ["--output", "json"], ["--output", "html", "--by", "namespace"]):
        start = time.monotonic()
        done = matrix(*arguments, "-", stdin=text)
        took = time.monotonic() - start
        tap_.true(f"ten thousand pods take less than ten seconds ({' '.join(arguments) or 'text'})",
                  done.returncode == 0 and took < 10, "exit status 0 in 10 s",
                  (done.returncode, round(took, 1)))
    done = matrix("--output", "html", "--by", "pod", "-", stdin=text)
    tap_.equal("a page that nobody could look at is refused, with what helps", (2, True),
               (done.returncode, "narrow it with --namespace, or use --by namespace" in done.stderr))


def test(tap_):
    check_texts(tap_, "--update" in sys.argv)
    for by in ("workload", "namespace", "pod"):
        check_json(tap_, f"shop by {by}", clusters.shop().objects, by)
    check_json(tap_, "teams", clusters.teams().objects, "pod")
    check_narrowed(tap_)
    check_displaced(tap_)
    check_hostile(tap_)
    check_rows(tap_)
    check_progress(tap_)
    check_large(tap_)


if __name__ == "__main__":
    tap.main(test)
