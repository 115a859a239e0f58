#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold check`: what it reads, what it prints, and its exit status.

Prints TAP. NETPOLD names the program (default: build/netpold). What the
findings say is tested in tests/policy; here it is about files and formats.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

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
GOOD, ODD, BAD = (POLICY % cidr for cidr in ("10.0.0.0/8", "10.0.0.5/8", "10/8"))

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
    ("a path is needed", {}, [], None, 2, [], "a file or folder is missing; see "),
    ("an unknown option is refused", {}, ["--odd", "-"], "", 2, [], "'--odd' is no option here"),
    ("an unknown format is refused", {}, ["--output", "sarif", "-"], "", 2, [],
     "--output: 'sarif' is neither text nor json"),
    ("standard input is read once", {}, ["-", "-"], "", 2, [], "can be read only once"),
]


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, sentence, passed, expected="", got=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {sentence}")
        if not passed:
            for word, value in (("expected", expected), ("got", got)):
                print(f"#   {word}:")
                for line in str(value).splitlines():
                    print(f"#     {line}")

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def check(folder, arguments, stdin=None):
    return subprocess.run([NETPOLD, "check", *arguments], input=stdin or "", cwd=folder,
                          capture_output=True, text=True, timeout=60, check=False)


def write_files(folder, files):
    for name, text in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_row(tap, row):
    sentence, files, arguments, stdin, status, lines, stderr = row
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, files)
        seen = check(folder, arguments, stdin)
    got = seen.stdout.splitlines()
    passed = (seen.returncode == status and len(got) == len(lines) and stderr in seen.stderr
              and all(line.startswith(start) for line, start in zip(got, lines)))
    tap.check(sentence, passed, "\n".join([str(status), *lines, stderr]),
              "\n".join([str(seen.returncode), *got, seen.stderr]))


def check_json(tap):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    finding_schema = schema["$defs"]["finding"]
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder, {"a.yaml": BAD + "---\n" + ODD + "---\n" + SERVICE})
        seen = check(folder, ["--output", "json", "a.yaml"])
        clean = check(folder, ["--output", "json", "-"], NAMESPACE)
    document = json.loads(seen.stdout)
    tap.check("JSON has the keys of its schema", set(document) == set(schema["required"]),
              schema["required"], list(document))
    tap.check("each finding in JSON has the keys of its schema",
              all(set(f) == set(finding_schema["required"]) for f in document["findings"]),
              finding_schema["required"], document["findings"])
    tap.check("JSON counts", {k: v for k, v in document.items() if k != "findings"} ==
              {"files": 1, "objects": 1, "ignored": 1, "errors": 1, "warnings": 1},
              "", document)
    tap.check("JSON tells errors from warnings, each with line, object, path and message",
              [[f["severity"], f["file"], f["line"], f["kind"], f["namespace"], f["name"], f["path"]]
               for f in document["findings"]] ==
              [["error", "a.yaml", 7, "NetworkPolicy", "shop", "web",
                "spec.ingress[0].from[0].ipBlock.cidr"],
               ["warning", "a.yaml", 15, "NetworkPolicy", "shop", "web",
                "spec.ingress[0].from[0].ipBlock.cidr"]], "", document["findings"])
    tap.check("exit status is the same with JSON", seen.returncode == 1, 1, seen.returncode)
    tap.check("without findings JSON is whole", json.loads(clean.stdout)["findings"] == [] and
              clean.returncode == 0, "[]", clean.stdout)


def check_help(tap):
    seen = check(".", ["--help"])
    lines = seen.stdout.splitlines()
    tap.check("--help fits one screen and has examples",
              seen.returncode == 0 and len(lines) <= 24 and max(map(len, lines)) <= 80
              and "Examples:" in lines, "", seen.stdout)


def main():
    tap = Tap()
    for row in ROWS:
        run_row(tap, row)
    check_json(tap)
    check_help(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
