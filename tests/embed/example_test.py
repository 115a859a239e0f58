#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The program that embeds the library, built with nothing but its public
headers and libnetpold.a, answers as the documentation says."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import tap  # noqa: E402

EXAMPLE = os.environ.get("EXAMPLE", "build/tests/embed/example")
CASE = "tests/cases/allow-from-a-namespace-lets-its-pods-in/cluster.yaml"

# What is asked, the exit status, and what is printed.
QUESTIONS = (
    ("a pod of the namespace is let in", ("10.1.1.10", "10.1.0.10", "80/TCP"), 0,
     "egress: allow, not-isolated\ningress: allow, rule 1 of shop/allow-web\nallow\n"),
    ("another namespace is not", ("10.1.2.10", "10.1.0.10", "80/TCP"), 1,
     "egress: allow, not-isolated\ningress: deny, no-rule-matches, isolated by shop/allow-web shop/deny-ingress\ndeny\n"),
)


def test(out):
    for sentence, words, status, text in QUESTIONS:
        done = subprocess.run([EXAMPLE, CASE, *words], capture_output=True, text=True,
                              timeout=10, check=False)
        out.equal(sentence, (status, text), (done.returncode, done.stdout))
    wrong = subprocess.run([EXAMPLE, "-", "10.1.0.1"], capture_output=True, text=True,
                           timeout=10, check=False)
    out.equal("wrong usage is told", (2, True), (wrong.returncode, "usage" in wrong.stderr))


tap.main(test)
