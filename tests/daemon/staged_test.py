#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Staged policies (NP-8), as the commands that need no cluster tell of them.

    shop/web    enforced: from shop/client, port 80     staged: from everybody
    shop/db     no enforced policy                      staged: from nobody
    lab/probe   its namespace is staged: nothing out

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))
SCHEMAS = ROOT / "include" / "netpold" / "schema"
CASE = ROOT / "tests" / "cases" / "deny-all-isolates-every-pod-of-its-namespace"

sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "daemon")]
import manifests  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

DECISION = json.loads((SCHEMAS / "decision.schema.json").read_text())
MATRIX = json.loads((SCHEMAS / "matrix.schema.json").read_text())
DIFF = json.loads((SCHEMAS / "diff.schema.json").read_text())
FINDINGS = json.loads((SCHEMAS / "findings.schema.json").read_text())


def pod(namespace, name, address):
    return manifests.pod(name, namespace, "node-1", [address], {"app": name})


PODS = [
    manifests.namespace("shop"),
    manifests.with_mode("audit", manifests.namespace("lab")),
    pod("shop", "web", "10.0.0.1"), pod("shop", "db", "10.0.0.2"),
    pod("shop", "client", "10.0.0.3"), pod("lab", "probe", "10.0.0.4"),
]
WEB = manifests.policy("web", "shop", {"app": "web"}, ingress=[
    manifests.rule([manifests.pods(app="client")], [manifests.port(80)])])
WIDER = manifests.policy("wider", "shop", {"app": "web"}, ingress=[manifests.rule()])
DB = manifests.policy("db", "shop", {"app": "db"}, ingress=[])
LAB = manifests.policy("lab", "lab", {}, egress=[])


def audit(made):
    return manifests.with_mode("audit", made)


WORLD = [*PODS, WEB, audit(WIDER), audit(DB), LAB]


def netpold(*arguments, stdin=""):
    return subprocess.run([NETPOLD, *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, timeout=60, check=False)


def as_list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def write(folder, name, objects):
    path = folder / f"{name}.json"
    path.write_text(as_list(objects))
    return path


# ---- explain ---------------------------------------------------------------------

FLOWS = [  # sentence, from, to, port, verdict, what it would be
    ("what is staged closes a pod", "shop/client", "shop/db", "80", "allow", "deny"),
    ("what is staged opens one", "lab/probe", "shop/web", "80", "deny", None),
    ("and more of it", "shop/db", "shop/web", "80", "deny", "allow"),
    ("both agree", "shop/client", "shop/web", "80", "allow", None),
    ("a namespace is staged", "lab/probe", "shop/client", "80", "allow", "deny"),
]


def ask(path, source, target, port, *more):
    return netpold("explain", "--manifests", path, "--from", source, "--to", target, "--port",
                   port, *more)


def check_explain(tap_, folder):
    path = write(folder, "world", WORLD)
    for sentence, source, target, port, verdict, would in FLOWS:
        record = json.loads(ask(path, source, target, port, "--output", "json").stdout)
        tap_.equal(f"explain: {sentence}", (verdict, would),
                   (record["verdict"], record.get("would")))
        tap_.equal(f"explain: {sentence}, as its schema says", [],
                   list(schema.violations(record, DECISION)))
        text = ask(path, source, target, port).stdout
        line = f"\nstaged: would be {'denied' if would == 'deny' else 'allowed'}: "
        tap_.true(f"explain: {sentence}, in words", text.startswith(f"{verdict} ") and
                  (line in text if would else "staged:" not in text), line if would else "", text)
        as_if = json.loads(ask(path, source, target, port, "--output", "json", "--staged").stdout)
        tap_.equal(f"explain --staged: {sentence}", (would or verdict, None),
                   (as_if["verdict"], as_if.get("would")))
    text = ask(path, "shop/client", "shop/db", "80").stdout
    tap_.true("explain: the policy that is behind it is named",
              "ingress: shop/db is isolated by shop/db and no rule matches" in text, "shop/db", text)
    tap_.equal("explain --expect is about what is enforced", (0, 1), (
        ask(path, "shop/client", "shop/db", "80", "--expect", "allow").returncode,
        ask(path, "shop/client", "shop/db", "80", "--expect", "allow", "--staged").returncode))


def check_flows(tap_, folder):
    path = write(folder, "world", WORLD)
    lines = "".join(json.dumps({"from": source, "to": target, "port": int(port)}) + "\n"
                    for _, source, target, port, _, _ in FLOWS)
    done = netpold("explain", "--manifests", path, "--flows", "-", stdin=lines)
    got = [(record["verdict"], record.get("would"))
           for record in map(json.loads, done.stdout.splitlines())]
    tap_.equal("explain --flows says the same of many", [flow[4:] for flow in FLOWS], got)
    text = netpold("explain", "--manifests", path, "--flows", "-", "--output", "text",
                   stdin=lines).stdout.splitlines()
    tap_.equal("as text, too", [flow[5] is not None for flow in FLOWS],
               [" (staged: would be " in line for line in text])


# ---- matrix, diff, replay --------------------------------------------------------


def check_matrix(tap_, folder):
    path = write(folder, "world", WORLD)
    with_staged = write(folder, "enforced", [*PODS[:1], manifests.namespace("lab"), *PODS[2:], WEB,
                                             WIDER, DB, LAB])
    without = write(folder, "without", [*PODS, WEB])
    for sentence, other, more in (("staged policies do not count", without, ()),
                                  ("--staged counts them", with_staged, ("--staged",))):
        got, wanted = (json.loads(netpold("matrix", "--output", "json", *options, file).stdout)
                       for file, options in ((path, more), (other, ())))
        tap_.equal(f"matrix: {sentence}: how many are left out is said", 0 if more else 3,
                   got["counts"]["staged_policies"])
        tap_.equal(f"matrix: {sentence}: its schema holds", [], list(schema.violations(got, MATRIX)))
        got["counts"].pop("staged_policies")
        wanted["counts"].pop("staged_policies")
        tap_.equal(f"matrix: {sentence}", wanted, got)
    text = netpold("matrix", path).stdout
    tap_.true("matrix: how many are left out is said",
              "3 staged policies left out: --staged judges as if they were enforced" in text,
              "3 staged policies left out", text)
    text = netpold("matrix", "--staged", path).stdout
    tap_.true("matrix --staged leaves none out", "left out" not in text, "nothing", text)


def check_diff(tap_, folder):
    old, new = write(folder, "old", WORLD), write(folder, "new", [*PODS, WEB, audit(WIDER), DB,
                                                                  LAB])
    done = netpold("diff", old, new)
    tap_.true("diff: a policy that is enforced from now on closes something",
              done.returncode == 1 and "CLOSES" in done.stdout and "shop/db" in done.stdout,
              "CLOSES … shop/db", done.stdout)
    done = netpold("diff", "--staged", old, new)
    tap_.equal("diff --staged: as if both were enforced, nothing changes", 0, done.returncode)
    tap_.true("diff: what is left out is said of either side",
              "2 staged policies left out of NEW" in netpold("diff", old, new).stdout,
              "2 staged policies left out of NEW", netpold("diff", old, new).stdout)
    document = json.loads(netpold("diff", "--output", "json", old, new).stdout)
    tap_.equal("diff: its JSON says so, too, and keeps to the schema", (3, 2, []), (
        document["counts"]["old"]["staged_policies"], document["counts"]["new"]["staged_policies"],
        list(schema.violations(document, DIFF))))
    document = json.loads(netpold("diff", "--staged", "--output", "json", old, new).stdout)
    tap_.equal("diff --staged: none is left out", (0, 0), (
        document["counts"]["old"]["staged_policies"], document["counts"]["new"]["staged_policies"]))


def check_replay(tap_, folder):
    text = (CASE / "cluster.yaml").read_text()
    path = folder / "cluster.yaml"
    path.write_text(text.replace("kind: NetworkPolicy\nmetadata:\n", "kind: NetworkPolicy\n"
                                 "metadata:\n  annotations: {netpold.io/mode: audit}\n"))
    done = netpold("replay", "--manifests", path, CASE / "traffic.pcap")
    tap_.true("replay judges by what is enforced", "denied: 0" in done.stderr, "denied: 0",
              done.stderr)
    done = netpold("replay", "--staged", "--manifests", path, CASE / "traffic.pcap")
    tap_.equal("replay --staged judges as if all were", (CASE / "expected.txt").read_text(),
               done.stdout + done.stderr)


# ---- check -----------------------------------------------------------------------

BAD = """\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations:
    netpold.io/mode: enforced
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
  annotations:
    example.org/other: anything
    netpold.io/mode: Audit
spec:
  podSelector: {}
"""
WRONG = ('metadata.annotations.netpold.io/mode: Unsupported value: "{}": supported values: '
         '"audit", "enforce"')


def check_check(tap_, folder):
    path = folder / "bad.yaml"
    path.write_text(BAD)
    done = netpold("check", path)
    tap_.equal("check: a mode that is none is an error, with file, line and path", (1, [
        f"{path}:6: Namespace shop: {WRONG.format('enforced')}",
        f"{path}:15: NetworkPolicy shop/web: {WRONG.format('Audit')}"]),
        (done.returncode, done.stdout.splitlines()[:2]))
    report = json.loads(netpold("check", "--output", "json", path).stdout)
    tap_.equal("check: they have a code of their own", ["unknown-mode"] * 2,
               [one["code"] for one in report["findings"] if one["severity"] == "error"])
    tap_.equal("check: the report is as its schema says", [],
               list(schema.violations(report, FINDINGS)))
    tap_.equal("check: modes that are some are fine", [], [
        line for line in netpold("check", write(folder, "good", WORLD)).stdout.splitlines()
        if "mode" in line])
    # All that it allows, a staged policy allows as well; but that one is not enforced.
    twice = write(folder, "twice", [*PODS, WEB, audit(WIDER)])
    tap_.true("check: what is staged makes no enforced rule redundant",
              "another rule" not in netpold("check", twice).stdout and
              "redundant" not in netpold("check", "--output", "json", twice).stdout,
              "no redundant rule", netpold("check", twice).stdout)


def test(tap_):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_explain(tap_, folder)
        check_flows(tap_, folder)
        check_matrix(tap_, folder)
        check_diff(tap_, folder)
        check_replay(tap_, folder)
        check_check(tap_, folder)


if __name__ == "__main__":
    tap.main(test)
