#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold explain --live` is told wrongly is refused before anything is asked;
how it asks a daemon, and what it makes of the answers.

What a real daemon answers is tested in tests/e2e/explain_live_test.py.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"),
                str(pathlib.Path(__file__).resolve().parent)]
import fake_daemon  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

NETPOLD = os.environ.get("NETPOLD", "build/netpold")
SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] /
                     "include/netpold/schema/decision.schema.json").read_text())
FLOW = ["--from", "shop/web", "--to", "10.0.0.7", "--port", "80"]
SINCE = "2026-03-14T03:07:12.318Z"

# What is wrong, what is given, and what the line that is told has to hold.
REFUSED = (
    ("manifests, too", [*FLOW, "--manifests", "x"], "--manifests and --live exclude each other"),
    ("many flows", ["--flows", "x"], "--flows and --live exclude each other"),
    ("a cluster, too", [*FLOW, "--kubeconfig", "x"], "--kubeconfig and --live exclude each other"),
    ("no sender", FLOW[2:], "--from is missing"),
    ("no receiver", FLOW[:2] + FLOW[4:], "--to is missing"),
    ("no port", FLOW[:4], "--port is missing"),
    ("a word", [*FLOW, "x"], "'x' is not expected here"),
)

SIDE = {"verdict": "allow", "reason": "not-isolated"}
RECORD = {"from": {"ip": "10.0.0.1", "namespace": "shop", "pod": "web"},
          "to": {"ip": "10.0.0.7", "port": 80}, "protocol": "TCP", "verdict": "deny",
          "egress": {"verdict": "deny", "reason": "no-rule-matches", "isolated_by": ["shop/no"]},
          "ingress": SIDE}
POLICIES = [{"namespace": "shop", "name": "no\x1b[31m", "generation": 3, "in_force_since": SINCE},
            {"namespace": "shop", "name": "by-hand", "uid": "8a5f", "staged": True}]
ANSWER = {"text": "deny  shop/web -> 10.0.0.7\n", "record": RECORD, "policies": POLICIES}
STATUS = {"node": "node-7", "generation": 4, "in_force_since": SINCE}
NUMBER = {"explain": {"number": 7}}
GOOD = [NUMBER, {"explain": {"number": 7, "answer": ANSWER}}, {"status": STATUS}]

# What is asked for, and how.
ASKED = (
    ("a flow", [], {}),
    ("a family", ["--family=6"], {"family": 6}),
    ("all of it", ["--all"], {"all": True}),
)


def explain(*options):
    return subprocess.run([NETPOLD, "explain", "--live", *options], capture_output=True,
                          text=True, timeout=30, check=False)


def ask(answers, *options):
    """A daemon that gives these answers, one after the other, and what it was asked."""
    asked, left = [], list(answers)

    def answer(line):
        asked.append(json.loads(line))
        said = left.pop(0) if left else None
        return said and json.dumps({"version": 1, **said}).encode() + b"\n"
    with fake_daemon.listening(answer) as path:
        return explain("--status-socket", path, *FLOW, *options), asked


def check_refused(tap_):
    for what, options, words in REFUSED:
        done = explain(*options)
        tap_.true(f"{what} is refused, in one line that says so",
                  done.returncode == 2 and done.stderr.startswith("netpold: error: explain: ")
                  and words in done.stderr and done.stderr.count("\n") == 1, words, done.stderr)
    done = subprocess.run([NETPOLD, "explain", "--manifests=x", "--status-socket=x", *FLOW],
                          capture_output=True, text=True, timeout=30, check=False)
    tap_.true("a socket without --live is refused", done.returncode == 2
              and "--status-socket needs --live" in done.stderr, "needs --live", done.stderr)
    done = explain("--status-socket=/nobody/there", *FLOW[:5], "80/FTP")
    tap_.true("what is no port is told without asking", done.returncode == 2
              and "'FTP' is no protocol" in done.stderr, "no protocol", done.stderr)
    done = explain("--status-socket=/nobody/there", *FLOW)
    tap_.true("where no netpold is, it says so", done.returncode == 2
              and "no netpold answers at '/nobody/there'" in done.stderr, "no netpold answers",
              done.stderr)


def check_asked(tap_):
    for what, options, wish in ASKED:
        done, asked = ask(GOOD, *options)
        tap_.equal(f"{what}: is asked for, then its answer, then the status", [
            {"explain": {"from": "shop/web", "to": "10.0.0.7", "port": "80", **wish}},
            {"explain": {"number": 7, "keep_ms": 2000}}, {"get": "status"}], asked)
        tap_.equal(f"{what}: exit status 0", (0, ""), (done.returncode, done.stderr))
    done, asked = ask([{"explain": {"busy": True}}, {"explain": {"busy": True}}, NUMBER, NUMBER,
                       *GOOD[1:]])
    tap_.equal("it waits for its turn, and for the answer", (0, 6), (done.returncode, len(asked)))


def check_text(tap_):
    done, _ = ask(GOOD)
    lines = done.stdout.split("\n")
    tap_.true("the answer comes first, then the generations behind it",
              lines[:2] == ["deny  shop/web -> 10.0.0.7", ""]
              and lines[2].startswith(f"in force on node-7 since {SINCE} (") and lines[2][-1] == ":"
              and lines[3].startswith(f"  shop/no?[31m generation 3 since {SINCE} (")
              and lines[4:] == ["  shop/by-hand, staged", ""], "the answer, and generations", done.stdout)
    for what, status, words in (
            ("a pause", {"paused": {"since": SINCE, "until": SINCE}}, "PAUSED: every packet passes"),
            ("a warm start", {"warm": {"since": SINCE}}, "what the last run has read is in force"),
            ("a refusal", {"refused": {"since": SINCE, "reason": "web.yaml"}},
             f"a change is REFUSED, what was in force stays, since {SINCE}: web.yaml")):
        done, _ = ask([*GOOD[:2], {"status": {**STATUS, **status}}])
        tap_.true(f"{what} is told", words in done.stdout, words, done.stdout)


def check_json(tap_):
    done, _ = ask(GOOD, "--output=json", "--expect=deny")
    told = json.loads(done.stdout)
    tap_.equal("JSON keeps to the schema of decisions", [], list(schema.violations(told, SCHEMA)))
    tap_.equal("it has the record, and what is known of it here", {
        **RECORD, "expected": "deny", "live": {
            "node": "node-7", "in_force_since": SINCE, "policies": POLICIES, "in_the_way": []}},
        told)
    done, _ = ask([*GOOD[:2], {"status": {"node": "node-7", "generation": 0, "paused": {
        "since": SINCE, "until": SINCE}}}], "--output=json")
    live = json.loads(done.stdout)["live"]
    tap_.equal("in a pause nothing is in force", (None, [{"what": "paused", "since": SINCE}]),
               (live.get("in_force_since"), live["in_the_way"]))


def check_expected(tap_):
    for expected, status in (("deny", 0), ("allow", 1)):
        done, _ = ask(GOOD, f"--expect={expected}")
        tap_.equal(f"{expected} is expected: exit status {status}", status, done.returncode)
    tap_.true("what is not as expected is told", "not as expected: allow was expected, and the "
              "answer is deny" in done.stdout, "not as expected", done.stdout)


def check_trouble(tap_):
    for what, answers, words in (
            ("refused", [{"error": "there is no pod x"}], "says: there is no pod x"),
            ("refused later", [NUMBER, {"error": "there is no pod x"}], "says: there is no pod x"),
            ("an older one", [{"error": "this version of netpold knows no such request"}],
             "knows no such request"),
            ("another one", [NUMBER, {"explain": {"answer": {"text": 7}}}, {"status": STATUS}],
             "answers in another way")):
        done, _ = ask(answers)
        tap_.true(f"{what}: exit status 2, and it is told", done.returncode == 2
                  and words in done.stderr and not done.stdout, words, done.stderr)
    asked = []

    def answer(line):
        asked.append(line)
        if len(asked) <= 2:
            return b""
        return json.dumps({"version": 1, **GOOD[len(asked) - 3]}).encode() + b"\n"
    with fake_daemon.listening(answer) as path:
        done = explain("--status-socket", path, *FLOW)
    tap_.equal("one that hangs up hands over, and the next is asked", (0, 5),
               (done.returncode, len(asked)))


def test(tap_):
    check_refused(tap_)
    check_asked(tap_)
    check_text(tap_)
    check_json(tap_)
    check_expected(tap_)
    check_trouble(tap_)


if __name__ == "__main__":
    tap.main(test)
