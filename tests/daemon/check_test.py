#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold check`: what it reads, what it prints, and its exit status.

Prints TAP. NETPOLD names the program (default: build/netpold). What the
findings say is tested in tests/policy; here it is about files and formats.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import schema  # noqa: E402
import tap  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "include" / "netpold" / "schema" / "findings.schema.json"
NETPOLD = os.environ.get("NETPOLD", str(ROOT / "build" / "netpold"))

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  ingress:
  - from:
    - ipBlock: {cidr: %s}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}%s}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
"""
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
# Legal, but surely not meant, in each of the ways that are known.
IDLE = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: idle, namespace: shop}
spec:
  podSelector: {matchLabels: {app: wbe}}
"""
DEAD = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dead, namespace: shop}
spec:
  ingress:
  - ports: [{port: htp}]
  - from: [{namespaceSelector: {matchLabels: {team: x}}}]
    ports: [{port: 80}]
  - from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/9, 10.128.0.0/9]}}]
    ports: [{port: 81}]
  - ports: [{port: 80, endPort: 81}]
"""
GOOD, ODD, BAD = (POLICY % cidr for cidr in ("10.0.0.0/8", "10.0.0.5/8", "10/8"))

WORLD = "---\n".join([NAMESPACE, POD % "", IDLE, DEAD])
API_WORLD = "---\n".join([NAMESPACE, DEPLOYMENT, POD % ", uid: u", IDLE])
ADVICE = [
    ("missing-port", "dead", "spec.ingress[0].ports[0].port",
     'none of the pods that the policy selects has a TCP port named "htp": this entry allows '
     'nothing'),
    ("redundant-rule", "dead", "spec.ingress[1]",
     "all that this rule allows, spec.ingress[3] of this policy allows too: the rule adds nothing"),
    ("matches-no-namespace", "dead", "spec.ingress[1].from[0].namespaceSelector",
     "team=x matches no namespace of these manifests: this peer allows nothing"),
    ("redundant-rule", "dead", "spec.ingress[2]",
     "all that this rule allows, spec.ingress[3] of this policy allows too: the rule adds nothing"),
    ("excepts-all", "dead", "spec.ingress[2].from[0].ipBlock.except",
     "nothing is left of 10.0.0.0/8: this peer allows nothing"),
    ("selects-no-pod", "idle", "spec.podSelector",
     "app=wbe selects no pod of these manifests: the policy has no effect"),
]
LINES = {"idle": 10, "dead": 16}  # of WORLD
# More rules than are compared with each other.
CROWD = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: crowd, namespace: shop}
spec:
  ingress:
""" + "".join(f"  - ports: [{{port: {n}}}]\n" for n in range(1, 12001))

# One row: a sentence; the files; the arguments; standard input; exit status;
# lines on standard output; a part of standard error.
ROWS = [
    ("a good policy gives no lines and exit status 0",
     {"a.yaml": GOOD}, ["a.yaml"], None, 0, [],
     "1 file, 1 object in order, 0 objects ignored: 0 errors, 0 warnings"),
    ("a wrong one gives a line with file, line, object, field and reason",
     {"a.yaml": BAD}, ["a.yaml"], None, 1,
     ['a.yaml:7: NetworkPolicy shop/web: spec.ingress[0].from[0].ipBlock.cidr: Invalid value: '
      '"10/8": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
     "1 file, 0 objects in order, 0 objects ignored: 1 error, 0 warnings"),
    ("AV-57W: a warning leaves the exit status 0",
     {"a.yaml": ODD}, ["a.yaml"], None, 0,
     ['a.yaml:7: NetworkPolicy shop/web: warning: spec.ingress[0].from[0].ipBlock.cidr: CIDR value '
      '"10.0.0.5/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.5/32"?)'],
     "0 errors, 1 warning"),
    ("AV-57: --strict makes an error of it",
     {"a.yaml": ODD}, ["--strict", "a.yaml"], None, 1,
     ['a.yaml:7: NetworkPolicy shop/web: spec.ingress[0].from[0].ipBlock.cidr: Invalid value: '
      '"10.0.0.5/8": must not have bits set beyond the prefix length'],
     "1 error, 0 warnings"),
    ("of a folder, .yaml, .yml and .json are read, in the order of their names",
     {"d/b.yaml": BAD, "d/a.yml": BAD, "d/c.json": "[", "d/no.txt": BAD, "d/.hidden.yaml": BAD,
      "d/sub.yaml/x.yaml": BAD, "d/sub/x.yaml": BAD},
     ["d"], None, 1, ["d/a.yml:7: ", "d/b.yaml:7: ", "d/c.json:"], "3 files, "),
    ("several paths are read in their order",
     {"b.yaml": BAD, "a.yaml": BAD}, ["b.yaml", "a.yaml"], None, 1,
     ["b.yaml:7: ", "a.yaml:7: "], "2 files, "),
    ("- is standard input",
     {}, ["-"], NAMESPACE + "---\n" + SERVICE, 0, [],
     "1 file, 1 object in order, 1 object ignored: 0 errors, 0 warnings"),
    ("what is no YAML is a finding",
     {"a.yaml": "a: ["}, ["a.yaml"], None, 1, ["a.yaml:2: not YAML: "], "1 error, "),
    ("after a file that is no YAML the next is read",
     {"a.yaml": "a: [", "b.yaml": BAD}, ["a.yaml", "b.yaml"], None, 1,
     ["a.yaml:2: not YAML: ", "b.yaml:7: "], "2 files, "),
    ("a path that is not there is trouble",
     {}, ["nowhere.yaml"], None, 2, [], "cannot read 'nowhere.yaml': No such file or directory"),
    ("a folder without manifests is trouble",
     {"d/no.txt": GOOD}, ["d"], None, 2, [], "there is no .yaml, .yml or .json file to check"),
    ("a path is needed", {}, [], None, 2, [], "a file or folder, or --kubeconfig, is missing; see "),
    ("an unknown option is refused", {}, ["--odd", "-"], "", 2, [], "'--odd' is no option here"),
    ("an unknown format is refused", {}, ["--output", "xml", "-"], "", 2, [],
     "--output: 'xml' is none of text, json and sarif"),
    ("standard input is read once", {}, ["-", "-"], "", 2, [], "can be read only once"),
    ("what is surely not meant is warned of, with the line where its policy begins",
     {"a.yaml": WORLD}, ["a.yaml"], None, 0,
     [f"a.yaml:{LINES[name]}: NetworkPolicy shop/{name}: warning: {path}: {message}"
      for _, name, path, message in ADVICE],
     "1 file, 4 objects in order, 0 objects ignored: 0 errors, 6 warnings"),
    ("each policy is told with its file, and objects of all files are compared",
     {"a.yaml": IDLE, "b.yaml": NAMESPACE + "---\n" + DEAD, "c.yaml": POD % ""},
     ["c.yaml", "b.yaml", "a.yaml"], None, 0, 5 * ["b.yaml:5: "] + ["a.yaml:1: "], "6 warnings"),
    ("where something is wrong, that has to be settled first",
     {"a.yaml": WORLD, "b.yaml": BAD}, ["a.yaml", "b.yaml"], None, 1, ["b.yaml:7: "],
     "1 error, 0 warnings"),
    ("without pods and namespaces only rules and blocks are judged",
     {"a.yaml": IDLE, "b.yaml": DEAD}, ["."], None, 0, 3 * ["./b.yaml:1: "], "3 warnings"),
    ("a list without pods and namespaces is judged like that, too",
     {}, ["-"], json.dumps({"apiVersion": "v1", "kind": "List", "items": [
         {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
          "metadata": {"name": "p", "namespace": "shop"},
          "spec": {"podSelector": {"matchLabels": {"app": "wbe"}},
                   "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}],
                               "ports": [{"port": "dns", "protocol": "UDP"}]}]}}]}),
     0, [], "0 warnings"),
    ("where a Deployment makes the pods, others than those may be there",
     {"a.yaml": WORLD + "---\n" + DEPLOYMENT}, ["a.yaml"], None, 0, 3 * ["a.yaml:16: "],
     "3 warnings"),
    ("unless the API server says which pods there are",
     {"a.yaml": API_WORLD}, ["a.yaml"], None, 0, ["a.yaml:14: NetworkPolicy shop/idle: "],
     "1 warning"),
    ("what takes too long is admitted, of the first path",
     {"a.yaml": CROWD, "b.yaml": GOOD}, ["b.yaml", "a.yaml"], None, 0,
     ["b.yaml: warning: there is too much to compare "], "1 warning"),
]


def check(folder, arguments, stdin=None):
    return subprocess.run([NETPOLD, "check", *arguments], input=stdin or "", cwd=folder,
                          capture_output=True, text=True, timeout=60, check=False)


def write_files(folder, files):
    for name, text in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_row(tap_, row):
    sentence, files, arguments, stdin, status, lines, stderr = row
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, files)
        seen = check(folder, arguments, stdin)
    got = seen.stdout.splitlines()
    passed = (seen.returncode == status and len(got) == len(lines) and stderr in seen.stderr
              and all(line.startswith(start) for line, start in zip(got, lines)))
    tap_.true(sentence, passed, "\n".join([str(status), *lines, stderr]),
              "\n".join([str(seen.returncode), *got, seen.stderr]))


# ---- JSON ----------------------------------------------------------------------


def check_document(folder, text, *arguments):
    """The document, and the exit status."""
    write_files(folder, {"a.yaml": text})
    seen = check(folder, [*arguments, "a.yaml"])
    return json.loads(seen.stdout), seen.returncode


def check_json(tap_):
    root = json.loads(SCHEMA.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        wrong, status = check_document(folder, BAD + "---\n" + ODD + "---\n" + SERVICE,
                                       "--output", "json")
        advice, advice_status = check_document(folder, WORLD, "--output", "json")
        clean, clean_status = check_document(folder, NAMESPACE, "--output", "json")
    for sentence, document in (("errors", wrong), ("advice", advice), ("nothing", clean)):
        tap_.equal(f"JSON is as its schema says, with {sentence} in it", [],
                   list(schema.violations(document, root)))
    tap_.equal("JSON counts",
               {"files": 1, "objects": 1, "ignored": 1, "errors": 1, "warnings": 1},
               {key: value for key, value in wrong.items() if key != "findings"})
    keys = ("severity", "code", "file", "line", "kind", "namespace", "name", "path")
    where = "spec.ingress[0].from[0].ipBlock.cidr"
    tap_.equal("JSON tells errors from warnings, each with line, object and path",
               [("error", "invalid", "a.yaml", 7, "NetworkPolicy", "shop", "web", where),
                ("warning", "odd-cidr", "a.yaml", 15, "NetworkPolicy", "shop", "web", where)],
               [tuple(f[key] for key in keys) for f in wrong["findings"]])
    tap_.equal("JSON has what is surely not meant, each with a code of its own",
               [("warning", LINES[name], code, name, path, message)
                for code, name, path, message in ADVICE],
               [(f["severity"], f["line"], f["code"], f["name"], f["path"], f["message"])
                for f in advice["findings"]])
    tap_.equal("exit status is the same with JSON", (1, 0, 0),
               (status, advice_status, clean_status))
    tap_.equal("without findings JSON is whole", [], clean["findings"])


# ---- SARIF ---------------------------------------------------------------------

# A reference by RFC 3986 that names a file, or a path from where it was called.
URI = re.compile(r"(file://)?(?!//)([\w.~/-]|%[0-9A-F]{2})+", re.ASCII)
# What GitHub and others ask of a run, beyond what SARIF 2.1.0 does.
RULE_TEXTS = ("shortDescription", "fullDescription", "help")


def sarif_violations(log):
    """What SARIF 2.1.0 does not allow, or services do not show, in words."""
    if set(log) != {"$schema", "version", "runs"} or log["version"] != "2.1.0":
        yield f"the log has {set(log)} of version {log.get('version')}"
    if not log["$schema"].endswith("/sarif-2.1.0.json"):
        yield f"the schema is {log['$schema']}"
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        rules = driver["rules"]
        if driver["name"] != "netpold" or not re.fullmatch(r"\d+\.\d+\.\d+", driver["version"]):
            yield f"the driver is {driver['name']} {driver['version']}"
        if len({rule["id"] for rule in rules}) != len(rules):
            yield "rules have the same ID"
        for rule in rules:
            yield from (f"rule {rule['id']} has no {key}" for key in RULE_TEXTS
                        if not rule[key]["text"])
            if rule["defaultConfiguration"]["level"] not in ("error", "warning"):
                yield f"rule {rule['id']} has no level"
        for result in run["results"]:
            yield from sarif_result_violations(result, rules)


def sarif_result_violations(result, rules):
    if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield f"rule {result['ruleIndex']} is not {result['ruleId']}"
    if result["level"] not in ("error", "warning") or not result["message"]["text"]:
        yield f"level {result['level']}: {result['message']}"
    if len(result["locations"]) != 1:
        yield f"{len(result['locations'])} locations"
    for location in result["locations"]:
        physical = location["physicalLocation"]
        if not URI.fullmatch(physical["artifactLocation"]["uri"]):
            yield f"no URI: {physical['artifactLocation']['uri']}"
        if physical["region"]["startLine"] < 1:
            yield f"no line: {physical['region']}"


def results_of(log):
    return [(result["ruleId"], result["level"], *place_of(result)) for result in
            log["runs"][0]["results"]]


def place_of(result):
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def check_sarif(tap_):
    root = json.loads(SCHEMA.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        wrong, status = check_document(folder, BAD + "---\n" + ODD, "--output", "sarif")
        strict, _ = check_document(folder, ODD, "--output", "sarif", "--strict")
        advice, advice_status = check_document(folder, WORLD, "--output", "sarif")
        clean, clean_status = check_document(folder, NAMESPACE, "--output", "sarif")
        crowd, _ = check_document(folder, CROWD, "--output", "sarif")
    for sentence, log in (("errors", wrong), ("advice", advice), ("nothing", clean),
                          ("a finding without a line", crowd)):
        tap_.equal(f"SARIF is as it should be, with {sentence} in it", [],
                   list(sarif_violations(log)))
    tap_.equal("SARIF has results with level, file and line",
               [("invalid", "error", "a.yaml", 7), ("odd-cidr", "warning", "a.yaml", 15)],
               results_of(wrong))
    tap_.equal("AV-57: with --strict the same is an error", [("invalid", "error", "a.yaml", 7)],
               results_of(strict))
    tap_.equal("SARIF has what is surely not meant",
               [(code, "warning", "a.yaml", LINES[name]) for code, name, _, _ in ADVICE],
               results_of(advice))
    tap_.equal("SARIF has the object and the field in the message",
               [f"NetworkPolicy shop/{name}: {path}: {message}" for _, name, path, message in ADVICE],
               [result["message"]["text"] for result in advice["runs"][0]["results"]])
    tap_.equal("what is about no line is shown at the first",
               [("incomplete", "warning", "a.yaml", 1)], results_of(crowd))
    tap_.equal("SARIF without findings is whole, and says that there are none",
               [], clean["runs"][0]["results"])
    tap_.equal("SARIF has a rule for each code of JSON",
               root["$defs"]["finding"]["properties"]["code"]["enum"],
               [rule["id"] for rule in clean["runs"][0]["tool"]["driver"]["rules"]])
    tap_.equal("exit status is the same with SARIF", (1, 0, 0),
               (status, advice_status, clean_status))


# How a path is named, in a folder /F, and the URI that code scanning sees.
PATHS = [
    ("./a.yaml", "a.yaml", "a leading ./ is left out"),
    (".//a.yaml", "a.yaml", "also with two slashes"),
    ("d//b.yaml", "d/b.yaml", "of doubled slashes there is one"),
    ("d/", "d/b.yaml", "of a folder it is the file"),
    ("../F/a.yaml", "../F/a.yaml", "what leads out of the folder stays"),
    ("a b:%.yaml", "a%20b%3A%25.yaml", "what means something in a URI is escaped"),
    ("ä.yaml", "%C3%A4.yaml", "so is what is not ASCII"),
    (os.fsdecode(b"\xff.yaml"), "%FF.yaml", "and what is not UTF-8"),
    ("-", "-", "standard input is no file"),
]


def check_paths(tap_):
    with tempfile.TemporaryDirectory() as outside:
        folder = pathlib.Path(outside, "F")
        write_files(folder, {name if name.endswith(".yaml") else "d/b.yaml": ODD
                             for name, _, _ in PATHS if name != "-"})
        for name, uri, sentence in PATHS:
            log = json.loads(check(folder, ["--output", "sarif", name], ODD).stdout)
            tap_.equal(f"{ascii(name)} in SARIF: {sentence}", [("odd-cidr", "warning", uri, 7)],
                       results_of(log))
        name = folder / "a.yaml"
        log = json.loads(check(folder, ["--output", "sarif", name]).stdout)
        tap_.equal("an absolute path is a URI with a scheme in SARIF",
                   [("odd-cidr", "warning", f"file://{name}", 7)], results_of(log))
        log = json.loads(check(folder, ["--output", "json", PATHS[-2][0]]).stdout)
        tap_.equal("a name that is not UTF-8 does no harm to JSON", ["(not UTF-8)"],
                   [finding["file"] for finding in log["findings"]])


# ---- the rest ------------------------------------------------------------------


def check_full_disk(tap_):
    """What cannot be written is trouble, in each format."""
    for output in ("text", "json", "sarif"):
        with open("/dev/full", "w", encoding="utf-8") as full:
            seen = subprocess.run([NETPOLD, "check", "--output", output, "-"], input=ODD,
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  check=False)
        tap_.equal(f"a full disk is trouble, as {output}",
                   (2, "netpold check: cannot write the findings\n"),
                   (seen.returncode, seen.stderr))


def check_help(tap_):
    seen = check(".", ["--help"])
    lines = seen.stdout.splitlines()
    tap_.true("--help fits one screen and has examples",
              seen.returncode == 0 and len(lines) <= 24 and max(map(len, lines)) <= 80
              and "Examples:" in lines, "", seen.stdout)


def test(tap_):
    for row in ROWS:
        run_row(tap_, row)
    check_json(tap_)
    check_sarif(tap_)
    check_paths(tap_)
    check_full_disk(tap_)
    check_help(tap_)


if __name__ == "__main__":
    tap.main(test)
