#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What would be passed over in silence is refused instead (L23), and text that
was made to be slow to read is not.

Of `netpold run` that is what an audit cannot do: it enforces nothing."""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import tap  # noqa: E402

NETPOLD = os.environ.get("NETPOLD", "build/netpold")
POLICY_LIST = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\n"

# What is wrong, the text, and words of the line that says so.
REFUSED = (
    ("a list whose items are misspelt", "apiVersion: v1\nkind: List\nitem: [{kind: Pod}]\n",
     ("-:3:", "item", "unknown field")),
    ("a typed list with Items", POLICY_LIST + "Items: [{}]\n", ("-:3:", "Items")),
    ("items that are a word", "apiVersion: v1\nkind: List\nitems: foo\n",
     ("-:3:", "items", "must be a list")),
    ("items that are a map", POLICY_LIST + "items: {a: {}}\n", ("-:3:", "must be a list")),
    ("a misspelt kind of v1", "apiVersion: v1\nkind: Namepsace\nmetadata: {name: a}\n",
     ("Namepsace",)),
    ("a misspelt policy", "apiVersion: networking.k8s/v1\nkind: NetworkPolices\n",
     ("NetworkPolices",)),
    ("kind and apiVersion swapped", "apiVersion: NetworkPolicy\nkind: networking.k8s.io/v1\n",
     ("networking.k8s.io/v1",)),
    ("a name that would forge a line",
     'apiVersion: v1\nkind: Pod\nmetadata: {name: "a\\e[31m\\nb"}\n', ("metadata.name",)),
    ("a node's name that would", 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n'
     'spec: {nodeName: "a\\nb"}\n', ("spec.nodeName",)),
)

SLOW = (
    ("fields doubled a hundred thousand times",
     "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
     + "spec: {}\n" * 100_000 + "x: 1\n" * 100_000),
    ("a list with a hundred thousand other fields, and as many items",
     '{"kind":"ConfigMapList","apiVersion":"v1",' + '"a":1,' * 100_000
     + '"items":[' + "{}," * 99_999 + "{}]}"),
)

# Settings of `netpold run` that --mode=audit would not obey.
NOT_IN_AUDIT = (
    ("on-failure", "closed"),
    ("on-start", "drop"),
    ("hold-unknown", "900"),
    ("deny", "reject"),
    ("on-overload", "accept"),
    ("kernel-cache", "on"),
    ("workers", "2"),
    ("flow-log-ends", "on"),
)


def check(text, timeout=10):
    return subprocess.run([NETPOLD, "check", "-"], input=text, capture_output=True, text=True,
                          timeout=timeout, check=False)


def run(*arguments, **variables):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("NETPOLD")}
    return subprocess.run([NETPOLD, "run", *arguments], env={**clean, **variables},
                          capture_output=True, text=True, timeout=10, check=False)


def check_audit(out, name, value):
    variable = "NETPOLD_" + name.upper().replace("-", "_")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(f"mode: audit\n{name}: {value}\n")
        config.flush()
        tries = ((f"--{name}", "--mode", run("--mode=audit", f"--{name}={value}")),
                 (variable, "NETPOLD_MODE", run(NETPOLD_MODE="audit", **{variable: value})),
                 (f"{config.name}:2: {name}", f"{config.name}:1: mode",
                  run("--config", config.name)))
    for subject, mode, done in tries:
        said = done.stderr.startswith(
            f"netpold: error: run: {subject}: does not go with {mode}: ") \
            and done.stderr.count("\n") == 1
        out.true(f"{subject.rpartition('/')[2]}, {value} is refused with an audit",
                 done.returncode == 2 and said,
                 "exit status 2 and a line that says so", f"{done.returncode}: {done.stderr}")


def test(out):
    for sentence, text, words in REFUSED:
        done = check(text)
        out.equal(f"{sentence}: exit status 1", 1, done.returncode)
        out.true(f"{sentence}: a line says so", all(word in done.stdout for word in words),
                 " … ".join(words), done.stdout)
    known = check("apiVersion: v1\nkind: ConfigMapList\nitems: []\n---\n"
                  "apiVersion: example.com/v1\nkind: AllowList\nspec: {}\n")
    out.equal("lists and kinds that decide nothing are passed over", 0, known.returncode)
    for sentence, text in SLOW:
        done = check(text)
        out.true(f"{sentence}: read within seconds", done.returncode in (0, 1), "0 or 1",
                 done.returncode)
    for name, value in NOT_IN_AUDIT:
        check_audit(out, name, value)


tap.main(test)
