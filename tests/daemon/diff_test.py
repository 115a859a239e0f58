#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold diff`: what it says of two clusters, and that its examples are true:
`netpold explain` answers otherwise before and after.

Prints TAP. NETPOLD names the program (default: build/netpold). Expected texts
are in tests/daemon/diff/; `--update` writes what is seen as what is expected,
for a person to read before it is committed. That nothing is missed is shown by
tests/policy/twin/change_test.c and grid_test.c.
"""

import copy
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "daemon" / "diff"
SCHEMAS = {name: json.loads((ROOT / f"include/netpold/schema/{name}.schema.json").read_text())
           for name in ("diff", "decision")}
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "bench")]
import clusters  # noqa: E402
import manifests  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402
import workload  # noqa: E402
from terminal import Terminal  # noqa: E402


def netpold(*arguments, stdin="", cwd=None):
    return subprocess.run([NETPOLD, *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, timeout=120, check=False, cwd=cwd)


def write(folder, **files):
    for name, objects in files.items():
        text = objects if isinstance(objects, str) else json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": objects})
        (pathlib.Path(folder) / f"{name}.json").write_text(text)


def diff(old, new, *arguments, common=None):
    """Both in a folder of their own, so that messages name them old.json, new.json."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, old=old, new=new)
        if common is not None:
            write(folder, common=common)
            arguments += ("--manifests", "common.json")
        return netpold("diff", *arguments, "old.json", "new.json", cwd=folder)


# ---- changes -----------------------------------------------------------------------


def policies_of(objects):
    return [item for item in objects if item["kind"] == "NetworkPolicy"]


def others_of(objects):
    return [item for item in objects if item["kind"] != "NetworkPolicy"]


def find(objects, kind, where, name):
    return next(item for item in objects if item["kind"] == kind
                and item["metadata"].get("namespace") == where and item["metadata"]["name"] == name)


def edited(change):
    """The shop before and after a change."""
    old = clusters.shop().objects
    new = copy.deepcopy(old)
    change(new)
    return old, new


def mixed(new):
    """A typical pull request: a metrics port moves, a team is closed off, a backup comes."""
    for name in ("web", "api"):
        find(new, "NetworkPolicy", "shop", name)["spec"]["ingress"][1]["ports"] = [manifests.port(9103)]
    new.append(manifests.policy("close", "dev", {}, ingress=[manifests.rule([manifests.pods()])],
                                egress=[manifests.to([manifests.pods()]), clusters.DNS]))
    find(new, "NetworkPolicy", "shop", "db")["spec"]["ingress"].append(
        manifests.rule([{**manifests.namespaces(role="monitoring"), **manifests.pods(app="prometheus")}],
                       [manifests.port(5432)]))


def new_labels(new):
    """A namespace is taken for the edge by its label."""
    find(new, "Namespace", None, "dev")["metadata"]["labels"]["role"] = "edge"


def gone(new):
    """Whoever deletes the policies of a namespace opens it."""
    new[:] = [item for item in new if item["kind"] != "NetworkPolicy"
              or item["metadata"]["namespace"] != "shop"]


def rollout(new):
    """New pods of the same owners, with other addresses; one more of them, and one Pod gone."""
    for item in new:
        if item["kind"] == "Pod" and item["metadata"]["namespace"] == "shop":
            owner = item["metadata"]["ownerReferences"][0]
            if owner["kind"] == "ReplicaSet":
                item["metadata"]["name"] = item["metadata"]["name"].replace("-", "-x", 1)
                owner["name"] = owner["name"].rpartition("-")[0] + "-bcdfg"
                item["metadata"]["labels"]["pod-template-hash"] = "bcdfg"
                address = item["status"]["podIP"].replace("10.1.", "10.9.")
                item["status"].update(podIP=address, podIPs=[{"ip": address}])
    extra = copy.deepcopy(next(item for item in new if item["kind"] == "Pod"
                               and item["metadata"]["name"].startswith("web-x")))
    extra["metadata"]["name"] = "web-xtra"
    extra["status"].update(podIP="10.9.9.9", podIPs=[{"ip": "10.9.9.9"}])
    new.append(extra)
    new.remove(find(new, "Pod", "dev", "cache-0"))


def other_words(new):
    """The same, written otherwise: rules in reverse, one twice, objects in reverse."""
    for item in policies_of(new):
        for direction in ("ingress", "egress"):
            rules = item["spec"].get(direction)
            if rules:
                item["spec"][direction] = rules[::-1] + rules[:1]
    new.reverse()


# Expected texts; what changes; arguments; exit status.
TEXTS = [
    ("mixed.txt", mixed, [], 1),
    ("mixed.md", mixed, ["--output", "markdown"], 1),
    ("mixed-by-pod.txt", mixed, ["--by", "pod"], 1),
    ("labels.txt", new_labels, [], 1),
    ("gone.txt", gone, [], 1),
    ("rollout.txt", rollout, [], 1),
    ("rollout.md", rollout, ["--output", "markdown"], 1),
    ("other-words.txt", other_words, [], 0),
    ("other-words.md", other_words, ["--output", "markdown"], 0),
]


def check_texts(tap_, update):
    for name, change, arguments, status in TEXTS:
        done = diff(*edited(change), *arguments)
        path = FOLDER / name
        if update:
            path.write_text(done.stdout)
        tap_.equal(f"{name} is as it was read and found good",
                   (path.read_text() if path.exists() else "(missing)", "", status),
                   (done.stdout, done.stderr, done.returncode))
    wide = [line for path in FOLDER.glob("*.txt") for line in path.read_text().splitlines() if len(line) > 100]
    tap_.equal("no line is longer than a screen is wide", [], wide)


# ---- JSON and its examples ----------------------------------------------------------


def verdict_of(folder, name, flow):
    """What explain says to the flow of an example."""
    end = {key: flow[key].get("pod") and f"{flow[key]['namespace']}/{flow[key]['pod']}" or flow[key]["ip"]
           for key in ("from", "to")}
    question = {**end, "protocol": flow["protocol"]}
    if "port" in flow["to"]:
        question["port"] = flow["to"]["port"]
    done = netpold("explain", "--manifests", f"{name}.json", "--flows", "-", cwd=folder,
                   stdin=json.dumps(question))
    return json.loads(done.stdout)["verdict"]


def check_json(tap_):
    for change in (mixed, new_labels, gone, rollout, other_words):
        old, new = edited(change)
        document = json.loads(diff(old, new, "--output", "json").stdout)
        wrong = list(schema.violations(document, SCHEMAS["diff"]))
        wrong += [text for item in document["changes"] for record in item["example"].values()
                  for text in schema.violations(record, SCHEMAS["decision"])]
        name = change.__name__.replace("_", " ")
        tap_.equal(f"{name}: JSON keeps to its schema", [], wrong[:5])
        with tempfile.TemporaryDirectory() as folder:
            write(folder, old=old, new=new)
            wrong = []
            for item in document["changes"]:
                before, now = item["example"]["before"], item["example"]["now"]
                said = (before["verdict"], now["verdict"])
                asked = (verdict_of(folder, "old", before), verdict_of(folder, "new", now))
                expected = ("deny", "allow") if item["change"] == "opens" else ("allow", "deny")
                if not said == asked == expected:
                    wrong.append((item["change"], said, asked))
        tap_.equal(f"{name}: explain says so of each of {len(document['changes'])} examples", [], wrong)
        tap_.equal(f"{name}: the counts are those of the list",
                   [document["counts"][word] for word in ("opens", "closes")],
                   [sum(item["change"] == word for item in document["changes"])
                    for word in ("opens", "closes")])


# ---- what is compared -----------------------------------------------------------------


def check_common(tap_):
    objects = clusters.shop().objects
    old = policies_of(objects)
    new = [item for item in old if item["metadata"]["name"] != "deny-ingress"]
    done = diff(old, new, common=others_of(objects))
    tap_.true("policies alone are compared on the pods of --manifests",
              done.returncode == 1 and "OPENS" in done.stdout and "shop/mailer" in done.stdout,
              "shop/mailer opens", done.stdout + done.stderr)
    done = diff(old, new)
    tap_.equal("without pods it says what to add", (2, True),
               (done.returncode, "nothing can be compared: 'old.json' holds no pod with an address; "
                "write what `kubectl get ns,pod -A -o yaml` prints into a file and name it with "
                "--manifests" in done.stderr))
    done = diff(objects, objects, common=others_of(objects))
    tap_.equal("what is there twice is refused", (2, True),
               (done.returncode, "is there twice: once in what --manifests names" in done.stderr))
    done = diff(objects, policies_of(objects) + [manifests.namespace("x")])
    tap_.true("pods that are missing on one side are missed", done.returncode == 2 and
              "'new.json' holds no pod" in done.stderr, "exit status 2", done.stderr)


def check_sides(tap_):
    old, new = edited(rollout)
    document = json.loads(diff(old, new, "--output", "json").stdout)
    tap_.equal("pods of one owner are taken for each other, whatever their names and addresses",
               (19, 7, 0, 0), tuple(document["counts"][word] for word in
                                    ("compared", "renamed", "opens", "closes")))
    tap_.equal("what one side alone has is named", (["dev/cache-0"], ["shop/web-xtra"]),
               (document["only_old"]["pods"], document["only_new"]["pods"]))
    both = [manifests.namespace("a"), manifests.pod("p", "a", "n", ["10.0.0.1", "fd00::1"]),
            manifests.pod("q", "a", "n", ["10.0.0.2", "fd00::2"])]
    one = copy.deepcopy(both)
    one[1]["status"]["podIPs"].pop()
    done = diff(both, one)
    tap_.equal("a pod that loses a family is told: exit status 1", (1, True),
               (done.returncode, "ONLY IN OLD\n    addresses  a/p IPv6\n" in done.stdout))
    document = json.loads(diff(one, both, "--output", "json").stdout)
    tap_.equal("and one that gets it, in JSON", (["a/p IPv6"], [], [], []),
               (document["only_new"]["addresses"], document["only_old"]["addresses"],
                document["only_new"]["pods"], list(schema.violations(document, SCHEMAS["diff"]))))
    twice = copy.deepcopy(both)
    twice[2]["status"]["podIPs"] = [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]
    done = diff(both, twice)
    tap_.true("a pod whose address another one takes is named", re.search(
        "1 pod whose address is another pod's or the node's left out of NEW: a/[pq]\n", done.stdout),
        "left out of NEW", done.stdout)
    text = diff(both, twice, "--output", "markdown").stdout
    tap_.true("also in a comment", "left out of NEW: a/" in text, "left out of NEW", text)
    only = copy.deepcopy(old)
    only.remove(find(only, "Pod", "dev", "cache-0"))
    tap_.equal("a pod less is a difference: exit status 1", 1, diff(old, only).returncode)
    renamed = copy.deepcopy(old)
    find(renamed, "NetworkPolicy", "shop", "web")["metadata"]["name"] = "web2"
    done = diff(old, renamed)
    tap_.equal("a policy with another name is none, and is named", (0, True, True),
               (done.returncode, "shop/web\n" in done.stdout, "shop/web2\n" in done.stdout))


# ---- the own node -----------------------------------------------------------------------


def node(name, address):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]}}


def on_nodes(blocks, pods=("n1",)):
    """A pod on each of some nodes, isolated but for some blocks."""
    return [manifests.namespace("a"),
            *(node(f"n{i}", f"192.168.0.{i}") for i in (1, 2)),
            *(manifests.pod(f"p{i}", "a", node, [f"10.0.0.{i}"], {}) for i, node in enumerate(pods, 1)),
            manifests.policy("x", "a", {}, ingress=[manifests.rule([manifests.block(cidr)])
                                                     for cidr in blocks])]


# A sentence; what was let in before, and now; where the pods run; flows that are told.
NODES = [
    ("what comes from a pod's own node passes before and after", ["192.168.0.1/32"], [], ["n1"], []),
    ("so do all addresses of a block that are of its node", ["192.168.0.1/32", "192.168.0.1/32"], [],
     ["n1", "n1"], []),
    ("a pod on another node is told, and it alone", ["192.168.0.1/32"], [], ["n1", "n2"],
     [("192.168.0.1", "p2")]),
    ("an example of several nodes is of another one", ["192.168.0.1/32", "192.168.0.2/32"], [], ["n1"],
     [("192.168.0.2", "p1")]),
    ("so is that of a block with a node in it", ["192.168.0.0/30"], [], ["n1"], [("192.168.0.3", "p1")]),
    ("what opens is told so, too", [], ["192.168.0.1/32"], ["n1", "n2", "n2"], [("192.168.0.1", "p2")]),
    ("what is let in instead is told", ["192.168.0.1/32"], ["192.168.0.2/32"], ["n1"],
     [("192.168.0.2", "p1")]),
]


def check_own_node(tap_):
    for sentence, before, after, pods, told in NODES:
        old, new = on_nodes(before, pods), on_nodes(after, pods)
        for by in ("workload", "pod"):
            done = diff(old, new, "--by", by, "--output", "json")
            changes = json.loads(done.stdout)["changes"]
            flows = [(change["example"]["now"]["from"]["ip"], change["example"]["now"]["to"]["pod"])
                     for change in changes]
            tap_.equal(f"{sentence} (by {by})", (told, int(bool(told))), (flows, done.returncode))
        with tempfile.TemporaryDirectory() as folder:
            write(folder, old=old, new=new)
            same = [flow for change in changes for flow in [change["example"]["now"]]
                    if verdict_of(folder, "old", flow) == verdict_of(folder, "new", flow)]
        tap_.equal(f"{sentence}: explain says so", [], same)


# ---- hostile names --------------------------------------------------------------------

EVIL = ["|", "](http://x)", "@everyone", "<img src=x>", "`code`", "**bold**", "\x1b[31m", "#1", "\n## x",
        "</details>"]


def check_hostile(tap_):
    objects = [manifests.namespace("evil")]
    for i, text in enumerate(EVIL):
        pod = manifests.pod(f"p{i}", "evil", "n", [f"10.0.0.{i + 1}"], {"n": str(i)})
        pod["metadata"]["ownerReferences"] = [{"kind": "Odd", "name": text, "controller": True}]
        objects.append(pod)
    closed = [manifests.policy(f"c{i}", "evil", {"n": str(i)}, ingress=[
        manifests.rule([manifests.pods(n=str(i + 1))])]) for i in range(len(EVIL))]
    text = diff(objects, objects + closed, "--output", "markdown").stdout
    rows = [line for line in text.splitlines() if line.startswith("| closes")]
    tap_.equal("every row of the table has its five cells and no more", [],
               [row for row in rows if row.count("|") != 6])
    tap_.equal("no name is markup in a comment", [], re.findall(r"[`@<]", re.sub(
        r"</?details>|</?summary>", "", text)) + re.findall(r"\[|\]|\*\*bold|^## ", text, re.M))
    shown = diff(objects, objects + closed).stdout
    tap_.equal("no byte of a name reaches a terminal that obeys it", [], re.findall(r"[^\n -~]", shown))


# ---- the command line -------------------------------------------------------------------


def check_command_line(tap_):
    rows = [
        ("one path is not enough", ["a.json"], "OLD or NEW is missing"),
        ("three are too many", ["a.json", "b.json", "c.json"], "'c.json' is not expected here"),
        ("standard input comes once", ["-", "-"], "standard input (-) can be read only once"),
        ("also beside --manifests", ["--manifests", "-", "-", "x"], "can be read only once"),
        ("a format that there is not is refused", ["--output", "html", "a", "b"],
         "--output: 'html' is none of text, json and markdown"),
        ("so is a grouping", ["--by", "x", "a", "b"], "--by: 'x' is none of pod, workload and namespace"),
        ("a file that is not there is trouble", ["/nowhere", "/nowhere"], "cannot read '/nowhere'"),
    ]
    for sentence, arguments, told in rows:
        done = netpold("diff", *arguments)
        tap_.equal(f"{sentence}: exit status 2", 2, done.returncode)
        tap_.true(f"{sentence}: it says why", told in done.stderr, told, done.stderr)
    help_ = netpold("diff", "--help")
    tap_.true("help fits a screen", help_.stdout.count("\n") <= 30 and help_.returncode == 0,
              "30 lines at most", help_.stdout)
    with tempfile.TemporaryDirectory() as folder:
        objects = clusters.shop().objects
        write(folder, old=objects)
        done = netpold("diff", "old.json", "-", cwd=folder,
                       stdin=(pathlib.Path(folder) / "old.json").read_text())
        tap_.equal("standard input is one of the two, and a quick run is quiet", (0, ""),
                   (done.returncode, done.stderr))
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([NETPOLD, "diff", "old.json", "old.json"], stdout=full, text=True,
                                  stderr=subprocess.PIPE, check=False, cwd=folder)
        tap_.equal("a full disk is trouble", (2, True),
                   (done.returncode, "cannot write to standard output" in done.stderr))


# ---- progress -----------------------------------------------------------------------


def check_progress(tap_):
    namespaces = (f"---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{n}}}\n"
                  for n in itertools.count())
    with tempfile.TemporaryDirectory() as folder:
        write(folder, old=clusters.shop().objects, new=clusters.shop().objects)
        old, new = (pathlib.Path(folder) / name for name in ("old.json", "new.json"))
        slow = Terminal(NETPOLD, "diff", "--manifests", "-", old, new)
        slow.feed_until("objects read", namespaces)
        out = slow.finish()
    tap_.true("who waits at a terminal sees how far it has come, until it is done",
              re.search(r"netpold: \d+ objects read", slow.text) and slow.text.endswith("\r\x1b[K"),
              "N objects read, and a wipe", repr(slow.text))
    tap_.true("the answer comes all the same", out.startswith("No connection opens or closes"),
              "No connection opens or closes", out)


# ---- ten thousand pods ---------------------------------------------------------------------


def check_large(tap_):
    old = workload.objects(100)
    new = copy.deepcopy(old)
    for item in policies_of(new):
        if item["metadata"]["name"] == "p3":
            item["spec"]["ingress"][2]["ports"][0]["endPort"] = 9099
    for arguments in ([], ["--output", "json"], ["--output", "markdown"]):
        start = time.monotonic()
        done = diff(old, new, *arguments)
        took = time.monotonic() - start
        tap_.true(f"twice ten thousand pods take less than ten seconds ({' '.join(arguments) or 'text'})",
                  done.returncode == 1 and took < 10, "exit status 1 in 10 s",
                  (done.returncode, round(took, 1)))
    tap_.true("a comment stays of a size that a code host takes", len(done.stdout) < 65536,
              "65536 characters", len(done.stdout))


def test(tap_):
    check_texts(tap_, "--update" in sys.argv)
    check_json(tap_)
    check_common(tap_)
    check_sides(tap_)
    check_own_node(tap_)
    check_hostile(tap_)
    check_command_line(tap_)
    check_progress(tap_)
    check_large(tap_)


if __name__ == "__main__":
    tap.main(test)
