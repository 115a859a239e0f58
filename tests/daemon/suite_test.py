#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold test`: the suites of tests/cases, every kind of case and of report,
what is refused, --update, --coverage and --watch.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
SCHEMA = ROOT / "include" / "netpold" / "schema" / "policy-test.schema.json"
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(CASES), str(ROOT / "tests" / "e2e")]
import make_pcaps as pcaps  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

HEAD = """apiVersion: netpold.io/v1alpha1
kind: PolicyTest
"""
WORLD = """manifests: [policies.yaml]
pods:
- shop/web app=web http:8080 10.1.0.10
- shop/db app=db 10.1.0.11
- dev/curl app=curl 10.1.1.10
"""
POLICIES = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: deny-all}
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: allow-web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from:
    - podSelector: {matchLabels: {app: db}}
    ports:
    - port: http
  - from:
    - ipBlock: {cidr: 203.0.113.0/24}
"""
GOOD = """cases:
- name: the database reaches web
  flows:
  - { from: shop/db, to: shop/web, port: http, expect: allow, because: shop/allow-web }
"""


def run(*arguments, folder=None, env=None, stdin=""):
    return subprocess.run([NETPOLD, "test", *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=60, check=False, cwd=folder, env={**os.environ, **(env or {})})


def write(folder, cases, name="test.yaml", world=WORLD):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policies.yaml").write_text(POLICIES)
    path = folder / name
    path.write_text(HEAD + world + cases)
    return path


# ---- the suites of the repository ------------------------------------------------


def check_cases(tap_):
    done = run(CASES)
    tap_.equal("all suites of tests/cases pass", (0, ""), (done.returncode, done.stderr))
    tap_.true("they are counted", "all as expected" in done.stdout, "all as expected",
              done.stdout[-200:])
    suites = sorted(CASES.glob("*/test.yaml"))
    folders = sorted(path.name for path in CASES.iterdir() if path.is_dir())
    tap_.equal("every case has a suite", folders, [path.parent.name for path in suites])
    root = json.loads(SCHEMA.read_text())
    wrong = [w for path in suites for w in schema.violations(yaml.safe_load(path.read_text()), root)]
    tap_.equal("they keep to the schema", [], wrong)
    before = {path: path.read_bytes() for path in suites}
    with tempfile.TemporaryDirectory() as name:
        copy = pathlib.Path(name, "cases")
        subprocess.run(["cp", "-r", CASES, copy], check=True, timeout=60)
        done = run("--update", copy)
        tap_.equal("--update finds nothing to write", 0, done.returncode)
        tap_.true("and says so", "0 suites written anew" in done.stdout, "0 suites", done.stdout)
        after = {path: (copy / path.parent.name / path.name).read_bytes() for path in suites}
    tap_.equal("they are as they were", before, after)


def check_twin(tap_, folder):
    """All captures, once held against allow: what fails is what replay denies."""
    for case in sorted(CASES.glob("*/traffic.pcap")):
        path = folder / "test.yaml"
        path.write_text(HEAD + f"manifests: [{case.parent}/cluster.yaml]\ncases:\n- name: x\n"
                        f"  pcap: {{ file: {case}, expect: allow }}\n")
        told = json.loads(run("--output", "json", path).stdout)["cases"][0]
        done = subprocess.run([NETPOLD, "replay", "--manifests", case.parent / "cluster.yaml", case],
                              capture_output=True, text=True, timeout=60, check=True)
        counts = dict(re.findall(r"(\w+): (\d+)", done.stderr))
        tap_.equal(f"{case.parent.name.replace('-', ' ')}: test judges as replay does",
                   (int(counts["flows"]), int(counts["denied"]) + (counts["unparsable"] != "0")),
                   (told["flows"], told["failed"]))


# ---- cases that fail -------------------------------------------------------------

# A sentence that is true of the case, the case, and what its report has to have.
FAILING = [
    ("a flow that is otherwise",
     "- name: x\n  flows:\n  - { from: dev/curl, to: shop/web, port: 8080, expect: allow }\n",
     ["test.yaml:11: dev/curl -> shop/web:8080/TCP", "expected allow", "got      deny",
      "shop/web is isolated by shop/allow-web, shop/deny-all"]),
    ("a reason that is another's",
     "- name: x\n  flows:\n  - { from: dev/curl, to: shop/db, port: 80, expect: deny, because: shop/allow-web }\n",
     ["expected deny because of shop/allow-web", "got      deny", "isolated by shop/deny-all"]),
    ("a cell that is otherwise",
     "- name: x\n  matrix:\n    port: http\n    table: |\n      from      shop/web\n"
     "      shop/db   allow\n      dev/curl  allow\n",
     ["1 of 2 flows is not as expected", "test.yaml:15: dev/curl -> shop/web:8080/TCP"]),
    ("a capture that is not all allowed",
     "- name: x\n  pcap: { file: traffic.pcap, expect: allow }\n",
     ["dev/curl:40000 -> shop/web:8080/TCP", "expected allow"]),
    ("a filter whose flows come out otherwise",
     "- name: x\n  pcap: { file: traffic.pcap, deny: src host 10.1.0.11 }\n",
     ["1 of 1 flow is not as expected", "expected deny", "got      allow"]),
    ("a filter without flows",
     "- name: x\n  pcap: { file: traffic.pcap, allow: udp }\n",
     ["nothing was there to be asked", "expected a flow that the filter matches", "got      none"]),
    ("a capture of which a node would drop a packet that it cannot read",
     "- name: x\n  pcap: { file: cut.pcap, expect: allow }\n",
     ["FAIL  x: 2 packets cannot be read", "test.yaml:10: the capture", "expected allow", "got      deny",
      "2 packets cannot be read, and would be dropped"]),
    ("what cannot be read besides what is otherwise",
     "- name: x\n  pcap: { file: both.pcap, expect: allow }\n",
     ["FAIL  x: 1 packet cannot be read, and 1 of 2 flows is not as expected"]),
    ("flows of a capture that no filter is about",
     "- name: x\n  pcap: { file: traffic.pcap, deny: src host 10.1.0.11 }\n",
     ["1 of 1 flow is not as expected (1 flow matches no filter)"]),
    ("what a tunnel carries, where nobody looks inside",
     "- name: x\n  pcap: { file: tunnel.pcap, deny: dst port 8080 }\n",
     ["nothing was there to be asked", "expected a flow that the filter matches", "got      none"]),
    ("what a tunnel carries, and comes out otherwise",
     "- name: x\n  pcap: { file: tunnel.pcap, allow: dst port 8080, inner: true }\n",
     ["1 of 1 flow is not as expected", "dev/curl:40000 -> shop/web:8080/TCP", "got      deny"]),
]


def traffic(folder):
    (folder / "traffic.pcap").write_bytes(pcaps.traffic(
        pcaps.attempt(pcaps.CURL, 40000, pcaps.WEB, 8080),
        pcaps.connection(pcaps.DB, 40001, pcaps.WEB, 8080)))
    allowed = pcaps.connection(pcaps.DB, 40001, pcaps.WEB, 8080)
    cut = [pcaps.ethernet(allowed[0])[:9], pcaps.ethernet(allowed[0])[:20]]  # in both of its headers
    (folder / "cut.pcap").write_bytes(pcaps.pcap([pcaps.ethernet(packet) for packet in allowed] + cut))
    (folder / "both.pcap").write_bytes(pcaps.pcap([pcaps.ethernet(packet) for packet in allowed] + cut[:1] + [
        pcaps.ethernet(pcaps.attempt(pcaps.CURL, 40000, pcaps.WEB, 8080)[0])]))
    vxlan = struct.pack("!B3xI", 0x08, 77 << 8)
    carried = pcaps.ethernet(pcaps.tcp(pcaps.CURL, 40000, pcaps.WEB, 8080, pcaps.SYN))
    (folder / "tunnel.pcap").write_bytes(pcaps.traffic(
        [pcaps.udp(pcaps.NODE, 50000, pcaps.OTHER_NODE, 4789, vxlan + carried)]))


def check_failing(tap_, folder):
    for sentence, case, words in FAILING:
        path = write(folder, "cases:\n" + case)
        traffic(folder)
        done = run(path)
        tap_.equal(f"{sentence} fails the run", (1, ""), (done.returncode, done.stderr))
        missing = [word for word in words if word not in done.stdout]
        tap_.true(f"{sentence} is told", not missing, words, done.stdout)


def check_passing(tap_, folder):
    path = write(folder, GOOD)
    done = run(path)
    tap_.equal("a suite that passes is told case by case",
               f"{path}\n  ok    the database reaches web\n1 suite, 1 case: all as expected\n",
               done.stdout)
    tap_.equal("its exit status is 0", 0, done.returncode)
    done = run("test.yaml", folder=folder)
    tap_.equal("paths in it begin where it is", 0, done.returncode)
    traffic(folder)
    path = write(folder, "cases:\n- name: x\n  pcap: { file: tunnel.pcap, deny: dst port 8080, inner: true }\n")
    tap_.equal("what a tunnel carries is judged where that is asked for", 0, run(path).returncode)
    path = write(folder, "cases:\n- name: x\n  pcap: { file: cut.pcap, allow: src host 10.1.0.11 }\n")
    tap_.equal("of packets that cannot be read nobody knows whether a filter is about them", 0, run(path).returncode)
    path = write(folder, "cases:\n- name: x\n  pcap: { file: traffic.pcap, allow: src host 10.1.0.11 }\n")
    tap_.true("how many flows no filter is about is told", "  ok    x (1 flow matches no filter)\n" in run(path).stdout,
              "one", run(path).stdout)
    told = json.loads(run("--output", "json", path).stdout)["cases"][0]
    tap_.equal("and in JSON", (1, 1), (told["flows"], told.get("unmatched")))
    path = write(folder, "staged: true\n" + GOOD)
    tap_.equal("what is staged can be tried", 0, run(path).returncode)


# ---- suites that cannot be run ---------------------------------------------------

REFUSED = [
    ("a pod that is not there", GOOD.replace("from: shop/db", "from: shop/dbs"),
     "test.yaml:11: cases[0].flows[0]: there is no pod shop/dbs in the manifests"),
    ("a policy that is not there", GOOD.replace("shop/allow-web", "shop/allow-wbe"),
     "test.yaml:11: cases[0].flows[0]: because: there is no policy shop/allow-wbe"),
    ("a port that the pod does not have", GOOD.replace("port: http", "port: https"),
     "test.yaml:11: cases[0].flows[0]: pod shop/web has no port named https/TCP"),
    ("a capture that is not there", "cases:\n- name: x\n  pcap: { file: none.pcap, expect: deny }\n",
     "test.yaml:10: cases[0].pcap.file: "),
    ("a filter that is none", "cases:\n- name: x\n  pcap: { file: traffic.pcap, deny: \"to me\" }\n",
     "test.yaml:10: cases[0].pcap.deny: expected a filter as of pcap: "),
    ("an unknown field", GOOD.replace("name:", "nmae:"), "test.yaml:9: cases[0]: 'nmae' is no field here"),
    ("a field that is there twice", "namespaces:\n- x\n" + GOOD.replace("cases:", "namespaces: []\ncases:"),
     "test.yaml:"),
]


def check_refused(tap_, folder):
    for sentence, cases, message in REFUSED:
        path = write(folder, cases)
        traffic(folder)
        done = run(path)
        tap_.equal(f"{sentence} is trouble", 2, done.returncode)
        tap_.true(f"{sentence} is told once, with its place",
                  (done.stdout + done.stderr).count(message) == 1, message, done.stdout + done.stderr)
    path = write(folder, GOOD, world=WORLD.replace("shop/db app=db", "shop/db app"))
    done = run(path)
    tap_.true("a line that is no pod is told by its place",
              "test.yaml:6: pods[1]: 'app' is none of" in done.stdout, "test.yaml:6", done.stdout)
    path = write(folder, GOOD, world=WORLD.replace("policies.yaml", "none.yaml"))
    done = run(path)
    tap_.true("manifests that are not there are told by their place",
              "test.yaml:3: manifests: cannot read" in done.stdout, "test.yaml:3", done.stdout)
    (folder / "empty").mkdir()
    done = run(folder / "empty")
    tap_.equal("a folder without suites is trouble", 2, done.returncode)
    tap_.true("it is said why", "holds no .yaml or .yml file of kind PolicyTest" in done.stderr,
              "no file", done.stderr)
    tap_.equal("a path that is not there is trouble", 2, run(folder / "absent").returncode)
    for words in ([], ["--output", "xml", "."], ["--update", "--watch", "."], ["--nope", "."]):
        tap_.equal(f"wrong usage is trouble: {words}", 2, run(*words).returncode)
    for sentence, text in (
        ("a suite of more than 4 MiB", HEAD + WORLD + GOOD + "# padding\n" * 450000),
        ("a suite in braces", '{apiVersion: netpold.io/v1alpha1, "kind": "PolicyTest", nonsense: 1}\n'),
        ("a suite with a byte order mark", "\ufeffkind: PolicyTest\nnonsense: 1\n"),
    ):
        write(folder / "odd", GOOD, "a.yaml")
        (folder / "odd" / "b.yaml").write_text(text)
        done = run(folder / "odd")
        tap_.true(f"{sentence} is not passed over in a folder", done.returncode == 2 and "2 suites, 1 case" in done.stdout
                  and "b.yaml" in done.stdout, "2 suites", done.stdout)
    good, bad = folder / "two" / "a", folder / "two" / "b"
    write(good, GOOD)
    write(bad, "cases: []\n")
    done = run(folder / "two")
    tap_.true("one that cannot be run does not keep others from it",
              done.returncode == 2 and "ok    the database" in done.stdout and "1 suite could not" in done.stdout,
              "both", done.stdout)


# ---- reports ---------------------------------------------------------------------

BOTH = GOOD + """- name: 'curl <does> "too" & #1'
  flows:
  - { from: dev/curl, to: shop/web, port: 8080, expect: allow }
"""


def check_reports(tap_, folder):
    path = write(folder, BOTH)
    broken = write(folder / "z", "cases: []\n")
    done = run("--output", "tap", path, broken)
    lines = done.stdout.splitlines()
    tap_.equal("TAP has its version, its points and its plan",
               ["TAP version 14",
                f"ok 1 - {path}: the database reaches web",
                f"not ok 2 - {path}: curl <does> \"too\" & \\#1",
                f"not ok 3 - {broken} can be run",
                "1..3"],
               [line for line in lines if not line.startswith("  ")])
    blocks = re.findall(r"  ---\n(.*?)  \.\.\.\n", done.stdout, re.DOTALL)
    told = yaml.safe_load(blocks[0])
    tap_.equal("TAP says in YAML what failed",
               ("1 of 1 flow is not as expected", str(path), "dev/curl -> shop/web:8080/TCP", "allow", "deny"),
               (told["message"], told["at"]["file"], told["failures"][0]["flow"],
                told["failures"][0]["expected"], told["failures"][0]["got"]))
    tap_.true("a suite that cannot be run is told to people, too", "cases: expected cases" in done.stderr,
              "expected cases", done.stderr)

    done = run("--output", "junit", path, broken)
    root = ElementTree.fromstring(done.stdout)
    tap_.equal("JUnit counts", [("2", "1", "0"), ("1", "0", "1")],
               [tuple(suite.get(key) for key in ("tests", "failures", "errors")) for suite in root])
    cases = root.findall("./testsuite/testcase")
    tap_.equal("JUnit has all cases by their names",
               ["the database reaches web", 'curl <does> "too" & #1', "the suite can be run"],
               [case.get("name") for case in cases])
    tap_.true("JUnit says what failed", "dev/curl -> shop/web:8080/TCP" in cases[1].find("failure").text,
              "the flow", done.stdout)

    done = run("--output", "json", path, broken)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    root = json.loads((SCHEMA.parent / "test-result.schema.json").read_text())
    tap_.equal("JSON keeps to its schema", [],
               [w for record in told for w in schema.violations(record, root)])
    tap_.equal("JSON says which case passed", [[True, False], []],
               [[case["passed"] for case in record["cases"]] for record in told])
    tap_.true("JSON says why a suite could not be run", "expected cases" in told[1]["error"],
              "expected cases", told)

    done = run("--output", "github", path)
    notes = [line for line in done.stdout.splitlines() if line.startswith("::")]
    tap_.true("GitHub gets an annotation for each failure, at its line",
              len(notes) == 1 and notes[0].startswith(f"::error file={path},line=14,title=curl <does> ")
              and "expected allow, got deny%0A" in notes[0], "one annotation", done.stdout)
    tap_.true("and people the text", "FAIL  curl" in done.stdout, "FAIL", done.stdout)

    name = "a\x1b[2J\n::error::b\n1..0 #.yaml"
    for odd in (write(folder / "odd", GOOD + "  - { from: shop/web, to: shop/db, port: 1, expect: allow }\n", name),
                write(folder / "none", "cases: []\n", name)):
        for form in ("text", "github", "tap", "junit", "json"):
            done = run("--output", form, "--coverage", odd)
            wrong = [line for line in done.stdout.splitlines() if "\x1b" in line or line.startswith(("1..0", "::error::"))]
            tap_.equal(f"a file's name is a name and no command: {odd.parent.name}, {form}", [], wrong)
    path = write(folder / "esc", GOOD, world=WORLD.replace("[policies.yaml]", "[manifests]"))
    (folder / "esc" / "manifests").mkdir()
    (folder / "esc" / "policies.yaml").rename(folder / "esc" / "manifests" / "p\x1b[2J.yaml")
    done = run("--coverage", path)
    tap_.true("likewise a manifest's, with --coverage", "p?[2J.yaml:1: shop/deny-all" in done.stdout, "p?[2J.yaml",
              done.stdout)


# ---- --update --------------------------------------------------------------------

WRONG = """# why this suite is
cases:
- name: flows # a remark
  flows:
  - { from: dev/curl, to: shop/web, port: 8080, expect: allow } # stays
- name: a table
  matrix:
    port: 8080
    table: |
      from        shop/web  shop/db
      # remarks
      dev/curl    allow     allow
      shop/db     deny      -
- name: a capture
  pcap: { file: traffic.pcap, allow: tcp }
"""
RIGHT = (WRONG.replace("expect: allow } # stays", "expect: deny } # stays")
         .replace("allow     allow", "deny      deny").replace("deny      -", "allow     -"))


def check_update(tap_, folder):
    path = write(folder, WRONG)
    traffic(folder)
    path.chmod(0o640)
    done = run("--update", path)
    tap_.equal("--update changes the words that are otherwise, and nothing else",
               HEAD + WORLD + RIGHT, path.read_text())
    tap_.equal("the mode of the file stays", 0o640, path.stat().st_mode & 0o777)
    tap_.true("what it cannot write still fails", done.returncode == 1 and "FAIL  a capture" in done.stdout
              and "ok    a table" in done.stdout, "a capture fails", done.stdout)
    tap_.equal("nothing else is left behind",
               ["both.pcap", "cut.pcap", "policies.yaml", "test.yaml", "traffic.pcap", "tunnel.pcap"],
               sorted(file.name for file in folder.iterdir()))


# ---- --coverage ------------------------------------------------------------------


def check_coverage(tap_, folder):
    path = write(folder, GOOD)
    done = run("--coverage", path)
    policies = folder / "policies.yaml"
    tap_.equal("--coverage tells of what no case exercises, rule by rule",
               [f"{policies}:1: shop/deny-all: no case exercises it",
                f"{policies}:8: shop/allow-web: no case is allowed by ingress rule 2",
                f"{policies}:8: shop/allow-web: no case is denied by its ingress side",
                "coverage: 1 of 2 policies, 1 of 2 rules exercised"],
               [line for line in done.stdout.splitlines() if "shop/" in line or "coverage" in line])
    second = write(folder, "cases:\n- name: y\n  flows:\n"
                   "  - { from: 203.0.113.1, to: shop/web, port: 1, expect: allow }\n"
                   "  - { from: dev/curl, to: shop/web, port: 1, expect: deny }\n", "second.yaml")
    done = run("--coverage", path, second)
    tap_.equal("suites of the same manifests cover them together",
               ["coverage: 2 of 2 policies, 2 of 2 rules exercised"],
               [line for line in done.stdout.splitlines() if "policies" in line])
    (folder / "link").symlink_to(".")
    for sentence, other in (("with a dot", f"{folder}/./second.yaml"), ("through a link", folder / "link" / "second.yaml"),
                            ("from where it is", "second.yaml")):
        done = run("--coverage", path, other, folder=folder)
        tap_.equal(f"a policy is one, however a suite is named: {sentence}",
                   ["coverage: 2 of 2 policies, 2 of 2 rules exercised"],
                   [line for line in done.stdout.splitlines() if "policies" in line])
    third = write(folder, "cases:\n- name: z\n  flows:\n"
                  "  - { from: shop/web, to: shop/db, port: 5432, expect: deny }\n", "third.yaml",
                  world=WORLD.replace("[policies.yaml]", "[policies.yaml, egress.yaml]"))
    (folder / "egress.yaml").write_text(POLICIES.split("---\n")[1].replace("allow-web", "out").replace(
        "  ingress:\n  - from:", "  policyTypes: [Egress]\n  egress:\n  - to:", 1).split("    ports:")[0])
    done = run("--coverage", third)
    tap_.true("a rule that allows a flow which the other side denies is not exercised",
              "egress.yaml:1: shop/out: no case exercises it" in done.stdout and
              "coverage: 1 of 3 policies, 0 of 3 rules exercised" in done.stdout, "0 of 3 rules", done.stdout)
    traffic(folder)
    fourth = write(folder, "cases:\n- name: z\n  pcap: { file: traffic.pcap, deny: src host 10.1.1.10 }\n", "fourth.yaml")
    done = run("--coverage", fourth)
    tap_.true("flows that no filter is about exercise nothing", "2 of 2 policies, 0 of 2 rules" in done.stdout,
              "0 of 2 rules", done.stdout)
    done = run("--coverage", "--output", "tap", path)
    tap_.true("beside a report for programs it goes to people", "coverage:" in done.stderr
              and "coverage:" not in done.stdout, "on standard error", done.stdout)


# ---- --watch ---------------------------------------------------------------------


def read_until(stream, word, seconds=20):
    """What is printed until a line has a word in it; "" where none comes."""
    text = ""
    while word not in text:
        if not select.select([stream], [], [], seconds)[0]:
            return ""
        piece = os.read(stream.fileno(), 65536).decode()
        if not piece:
            return ""
        text += piece
    return text


BASE = """apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: dev, labels: {team: b}}}
- apiVersion: v1
  kind: Pod
  metadata: {namespace: dev, name: curl, labels: {app: curl}}
  status: {phase: Running, podIP: 10.244.0.1}
- apiVersion: v1
  kind: Pod
  metadata: {namespace: shop, name: web, labels: {app: other}}
  status: {phase: Running, podIP: 10.244.0.9}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {namespace: shop, name: deny-all}
  spec: {podSelector: {}, policyTypes: [Ingress]}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {namespace: shop, name: db}
  spec:
    podSelector: {matchLabels: {app: db}}
    ingress:
    - from: [{namespaceSelector: {matchLabels: {team: b}}}]
"""
ON_BASE = """manifests: [policies.yaml]
pods:
- shop/web app=web http:8080
- shop/db app=db
cases:
- name: a pod of the cluster reaches the database by a policy of the cluster
  flows:
  - { from: dev/curl, to: shop/db, port: 5432, expect: allow, because: shop/db }
- name: a pod of a line is as the line says
  flows:
  - { from: shop/db, to: shop/web, port: http, expect: allow, because: shop/allow-web }
"""


def check_base(tap_, folder):
    """What stands behind a suite: a dump of a cluster."""
    path, dump = write(folder, ON_BASE, world=""), folder / "dump.yml"
    dump.write_text(BASE)
    done = run("--manifests", dump, "--coverage", path)
    tap_.equal("what a suite does not say is as in the dump, and what both say as in the suite",
               (0, "1 suite, 2 cases: all as expected"), (done.returncode, done.stdout.splitlines()[-1]))
    tap_.true("--coverage is about the policies of the suite", "of 2 policies" in done.stdout
              and "shop/db" not in done.stdout, "two policies", done.stdout)
    piped = run("--manifests", "-", "--coverage", path, stdin=BASE)
    tap_.equal("the dump may come from standard input", done.stdout, piped.stdout)
    named = write(folder / "named", ON_BASE.replace("[policies.yaml]", "[policies.yaml, ../dump.yml]")
                  .replace("- shop/web app=web http:8080\n", "").replace("shop/web", "dev/curl"), world="")
    done = run(named)
    tap_.true("a dump that a suite names is a manifest of its own, and says nothing twice",
              done.returncode == 2 and "deny-all" in done.stdout, "trouble", done.stdout)
    tap_.equal("without it the pod is not there", 2, run(path).returncode)
    for words in (["--manifests", "-", "--manifests", "-"], ["--manifests", "-", "--watch"]):
        tap_.equal(f"standard input is read once: {words}", 2, run(*words, path).returncode)


def check_watch(tap_, folder):
    path = write(folder, GOOD)
    with subprocess.Popen([NETPOLD, "test", "--watch", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as watching:
        try:
            tap_.true("--watch runs at once", read_until(watching.stdout, "ok    the"),
                      "ok", "nothing")
            (folder / "policies.yaml").write_text(POLICIES.replace("app: db", "app: x"))
            tap_.true("and again when a manifest changes",
                      read_until(watching.stdout, "FAIL  the"), "FAIL", "nothing")
            new = folder / "policies.new"
            new.write_text(POLICIES)
            new.rename(folder / "policies.yaml")
            tap_.true("also when another file takes its place",
                      read_until(watching.stdout, "ok    the"), "ok", "nothing")
        finally:
            watching.send_signal(signal.SIGTERM)
            watching.wait(20)


def check_watch_without_base(tap_, folder):
    """What stands behind the suites cannot be read: for a cluster that may end at any time, and no file says so."""
    path, config = write(folder / "suites", GOOD), folder / "config"
    with subprocess.Popen([NETPOLD, "test", "--watch", "--kubeconfig", config, path], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as watching:
        try:
            tap_.true("--watch says that the cluster cannot be read", read_until(watching.stderr, "config"), "config", "")
            tap_.true("and tries again although no file changes", read_until(watching.stderr, "config"), "config", "")
            config.write_text("no: kubeconfig\n")
            tap_.true("or when the kubeconfig does", read_until(watching.stderr, "config"), "config", "")
            path.write_text(path.read_text() + "# more\n")
            tap_.true("or a suite", read_until(watching.stderr, "config", 4), "config", "")
        finally:
            watching.send_signal(signal.SIGTERM)
            watching.wait(20)


def test(tap_):
    check_cases(tap_)
    for check in (check_twin, check_passing, check_failing, check_refused, check_reports, check_update,
                  check_coverage, check_base, check_watch,
                  check_watch_without_base):
        with tempfile.TemporaryDirectory() as name:
            check(tap_, pathlib.Path(name).resolve())


if __name__ == "__main__":
    tap.main(test)
