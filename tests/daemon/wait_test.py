#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold wait` is told wrongly is refused before anything is asked; how it
asks a daemon, and what it makes of the answers (L36).

What a real daemon answers is tested in tests/e2e/wait_test.py.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e"),
                str(pathlib.Path(__file__).resolve().parent)]
import fake_daemon  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

NETPOLD = os.environ.get("NETPOLD", "build/netpold")
SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] /
                     "include/netpold/schema/status.schema.json").read_text())
POLICY = ["--policy", "shop/web"]
A_TIME = "--timeout: expected a time from 0s to 24h, such as 90s, 10m or 1h, found "
SINCE = "2026-03-14T03:07:12.318Z"

# What is wrong, what is given, and what the line that is told has to hold.
REFUSED = (
    ("no policy", [], "--policy is missing"),
    ("no namespace", ["--policy", "web"], "--policy: 'web' is not NAMESPACE/NAME"),
    ("an empty namespace", ["--policy", "/web"], "'/web' is not NAMESPACE/NAME"),
    ("an empty name", ["--policy", "shop/"], "'shop/' is not NAMESPACE/NAME"),
    ("two slashes", ["--policy", "a/b/c"], "'a/b/c' is not NAMESPACE/NAME"),
    ("a name that is no text", ["--policy", "shop/w\x1bb"], "'shop/w?b' is not NAMESPACE/NAME"),
    ("a name that is no UTF-8", ["--policy", os.fsdecode(b"shop/\xff")], "is not NAMESPACE/NAME"),
    ("generation nought", [*POLICY, "--generation=0"], "--generation: "),
    ("no number", [*POLICY, "--generation=x"], "--generation: "),
    ("a sign", [*POLICY, "--generation=-1"], "--generation: "),
    ("more than there are", [*POLICY, "--generation=9223372036854775808"], "--generation: "),
    ("a generation of what is gone", [*POLICY, "--generation=1", "--deleted"],
     "--generation and --deleted exclude each other"),
    ("that what is gone is staged", [*POLICY, "--staged", "--deleted"],
     "--staged and --deleted exclude each other"),
    ("no UID", [*POLICY, "--uid="], "--uid: '' is no UID"),
    ("a UID that is no text", [*POLICY, "--uid=a\x1b"], "--uid: 'a?' is no UID"),
    ("a UID that no server gives", [*POLICY, f"--uid={'a' * 64}"], "is no UID"),
    ("a time without a unit", [*POLICY, "--timeout=30"], f"{A_TIME}'30'"),
    ("more than a day", [*POLICY, "--timeout=25h"], f"{A_TIME}'25h'"),
    ("another format", [*POLICY, "--output=yaml"], "--output: 'yaml' is neither text nor json"),
    ("a word", [*POLICY, "30s"], "'30s' is not expected here"),
    ("an option of another command", [*POLICY, "--for=1s"], "'--for=1s' is no option here"),
    ("an option without its value", ["--policy"], "'--policy' is no option here, or lacks its value"),
)

MET = {"namespace": "shop", "name": "web", "in_force": True, "met": True,
       "in_force_since": SINCE, "generation": 3, "uid": "u-1"}
UNMET = {**MET, "met": False}
STAGED = {**MET, "staged": True}
ABSENT = {"namespace": "shop", "name": "web", "in_force": False, "met": False}
GOOD = {"generation": 7}
TROUBLE = {"since": SINCE, "reason": "web.yaml: \x1b[31m"}

AWAY = {"resources": [{"name": "pods"},
                      {"name": "networkpolicies", "trouble": "no route\x1b[31m"}]}

IN_PART = {"resources": [{"name": "pods", "unreadable": 0},
                         {"name": "networkpolicies", "unreadable": 2,
                          "first_unreadable": "shop/db\x1b[31m"}]}

# What is asked for, and how.
ASKED = (
    ("any generation", [], {}),
    ("a generation", ["--generation=3"], {"generation": 3}),
    ("the greatest", [f"--generation={2**63 - 1}"], {"generation": 2**63 - 1}),
    ("the end", ["--deleted"], {"gone": True}),
    ("that it is staged", ["--staged", "--generation=3"], {"generation": 3, "staged": True}),
    ("one of several of that name", ["--uid=u-1", "--generation=3"],
     {"uid": "u-1", "generation": 3}),
)

# Answers with a page of their own: a sentence, options, receipt, status, exit status, and
# lines, of which each has to hold such words.
PAGES = (
    ("met", [], MET, GOOD, 0, [f"shop/web is in force at generation 3 since {SINCE} ("]),
    ("met without a generation", [], {**MET, "generation": None}, GOOD, 0,
     [f"shop/web is in force since {SINCE} ("]),
    ("met after a warm start", [], MET, {**GOOD, "warm": TROUBLE}, 0,
     ["shop/web is in force", "that is what the last run has read, since"]),
    ("gone", ["--deleted"], {**ABSENT, "met": True}, GOOD, 0, ["no policy shop/web is in force"]),
    ("another generation", ["--generation=4"], UNMET, GOOD, 1,
     ["not within 0 s: shop/web is in force at generation 3 since …), generation 4 is not"]),
    ("another one of that name", ["--uid=u-2", "--generation=1"], UNMET, GOOD, 1,
     ["not within 0 s: shop/web is in force at generation 3 since …), and is another one: its "
      "UID is u-1"]),
    ("another generation of the very one", ["--uid=u-1", "--generation=4"], UNMET, GOOD, 1,
     ["not within 0 s: shop/web is in force at generation 3 since …), generation 4 is not"]),
    ("gone, and another one there", ["--deleted", "--uid=u-2"], MET, GOOD, 0,
     ["shop/web is in force at generation 3 since …), and is another one: its UID is u-1"]),
    ("not there", [], ABSENT, GOOD, 1, ["not within 0 s: no policy shop/web is in force"]),
    ("still there", ["--deleted"], UNMET, GOOD, 1, ["not within 0 s: shop/web is in force"]),
    ("a daemon that starts", [], ABSENT, {"generation": 0}, 1,
     ["no policy", "netpold is starting: nothing is in force yet"]),
    ("an API server that has gone", [], ABSENT, {**GOOD, "source": AWAY}, 1,
     ["no policy", "the API server does not tell of networkpolicies just now: no route?[31m"]),
    ("a policy that is in force in part", ["--generation=3"], {**UNMET, "unreadable": True},
     GOOD, 1,
     ["not within 0 s: shop/web is in force at generation 3 since …), and NOT READ in full: the "
      "log says why"]),
    ("a policy that cannot be read", [], {**ABSENT, "unreadable": True}, GOOD, 1,
     ["not within 0 s: no policy shop/web is in force: it can NOT be READ, the log says why"]),
    ("others that are in force in part", [], MET, {**GOOD, "source": IN_PART}, 0,
     ["shop/web is in force", "2 of networkpolicies are NOT READ in full, as shop/db?[31m:"
      " the log says why"]),
    ("an audit", [], MET, {**GOOD, "mode": "audit"}, 1,
     [f"shop/web is audited, and NOT enforced, at generation 3 since {SINCE} (",
      "netpold only AUDITS here (--mode=audit): nothing is enforced, all passes"]),
    ("an audit that does not go by it yet", [], ABSENT, {**GOOD, "mode": "audit"}, 1,
     ["not within 0 s: no policy shop/web is in force", "only AUDITS here"]),
    ("an audit that does not go by it any more", ["--deleted"], {**ABSENT, "met": True},
     {**GOOD, "mode": "audit"}, 0, ["no policy shop/web is in force"]),
    ("a policy that is staged, and was to be enforced", ["--generation=3"],
     {**STAGED, "met": False}, GOOD, 1,
     ["not within 0 s: shop/web is staged, and not enforced, at generation 3 since …)"]),
    ("one that was to be enforced at a later generation, too", ["--generation=4"],
     {**STAGED, "met": False}, GOOD, 1,
     ["not within 0 s: shop/web is staged, and not enforced, at generation 3 since …), "
      "generation 4 is not"]),
    ("a policy that is staged", ["--staged"], STAGED, GOOD, 0,
     ["shop/web is staged, and not enforced, at generation 3 since …)"]),
    ("a policy that was to be staged", ["--staged", "--generation=3"], UNMET, GOOD, 1,
     ["not within 0 s: shop/web is in force at generation 3 since …), and is not staged"]),
    ("one that is staged where all is only audited", ["--staged"], STAGED,
     {**GOOD, "mode": "audit"}, 0,
     ["shop/web is audited, and NOT enforced, at generation 3 since …)", "only AUDITS here"]),
    ("all that may be in the way", [], ABSENT,
     {**GOOD, "paused": TROUBLE, "warm": {"since": SINCE}, "refused": TROUBLE,
      "unsettled": TROUBLE}, 1,
     ["no policy", f"enforcement is PAUSED: nothing is in force, since {SINCE}: web.yaml: ?[31m",
      f"what the last run has read is in force, since {SINCE}",
      f"a change is REFUSED, what was in force stays, since {SINCE}: web.yaml: ?[31m",
      f"open connections do not obey the last change yet, since {SINCE}: web.yaml: ?[31m"]),
)


def wait(*options):
    return subprocess.run([NETPOLD, "wait", *options], capture_output=True, text=True,
                          timeout=30, check=False)


def ask(answers, *options, times=None):
    """A daemon that gives these answers, one after the other, and what it was asked.
    @times: a list for when."""
    asked, left = [], list(answers)

    def answer(line):
        if times is not None:
            times.append(time.monotonic())
        asked.append(json.loads(line))
        said = left.pop(0) if left else None
        return said and json.dumps({"version": 1, **said}).encode() + b"\n"
    with fake_daemon.listening(answer) as path:
        return wait("--status-socket", path, *options), asked


def check_refused(tap_):
    for what, options, words in REFUSED:
        done = wait("--status-socket", "/nobody/there", *options)
        tap_.true(f"{what} is refused, in one line that says so",
                  done.returncode == 2 and done.stderr.startswith("netpold: error: wait: ")
                  and words in done.stderr and done.stderr.count("\n") == 1, words, done.stderr)
    done = wait("--status-socket", "/nobody/there", *POLICY)
    tap_.true("where no netpold is, it says so at once", done.returncode == 2
              and "no netpold answers at '/nobody/there'" in done.stderr, "no netpold answers",
              done.stderr)


def check_help(tap_):
    lines = wait("--help").stdout.splitlines()
    tap_.true("--help fits one screen", len(lines) <= 24 and max(map(len, lines)) <= 80,
              "24 lines of 80 characters", "\n".join(lines))


def check_asked(tap_):
    for what, options, wish in ASKED:
        begun, times = time.monotonic(), []
        done, asked = ask([{"receipt": MET}, {"status": GOOD}], *POLICY, *options, "--timeout=1s",
                          times=times)
        least_ms = 1000 - 1000 * (times[0] - begun) - 1  # it counts whole ones
        keep_ms = asked[0]["receipt"].pop("keep_ms")
        tap_.equal(f"{what}: is asked for, and then the status",
                   [{"receipt": {"namespace": "shop", "name": "web", "generation": 0,
                                "staged": False, "gone": False, **wish}}, {"get": "status"}],
                   asked)
        tap_.true(f"{what}: the answer may be kept back until the time is over",
                  least_ms < keep_ms <= 1000, f"{least_ms:.0f} to 1000", keep_ms)
        tap_.equal(f"{what}: exit status 0", (0, ""), (done.returncode, done.stderr))
    _, asked = ask([{"receipt": MET}, {"status": GOOD}], *POLICY)
    tap_.equal("but not for longer than anybody's patience", 2000, asked[0]["receipt"]["keep_ms"])


def matches(line, words):
    first, _, last = words.partition("…")
    return first in line and line.endswith(last)


def check_pages(tap_):
    for what, options, receipt, status, code, words in PAGES:
        receipt = {key: value for key, value in receipt.items() if value is not None}
        answers = [{"receipt": receipt}, {"status": status}]
        done, _ = ask(answers, *POLICY, *options, "--timeout=0s")
        lines = done.stdout.splitlines()
        tap_.true(f"{what}: exit status {code}, and each line is as it is to be",
                  (done.returncode, done.stderr, len(lines)) == (code, "", len(words))
                  and all(map(matches, lines, words)), words, (done.returncode, done.stdout))
        done, _ = ask(answers, *POLICY, *options, "--timeout=0s", "--output=json")
        told = json.loads(done.stdout)
        tap_.equal(f"{what}: the JSON keeps to the schema, and has the receipt",
                   ([], receipt, code),
                   (list(schema.violations(told, SCHEMA)), told["receipt"], done.returncode))
        ways = ["starting"] * (status["generation"] == 0) + [
            "audit"] * (status.get("mode") == "audit") + [
            key for key in ("paused", "warm", "refused", "unsettled") if key in status] + [
            "unwatched"] * (status.get("source") is AWAY) + [
            "unreadable"] * (status.get("source") is IN_PART)
        tap_.equal(f"{what}: … and what is in the way", ways,
                   [item["what"] for item in told["in_the_way"]])


def check_patience(tap_):
    """A daemon whose places are taken answers at once: it is not asked without a pause."""
    done, asked = ask([{"receipt": UNMET}] * 100, *POLICY, "--timeout=3s")
    tap_.true("one that answers at once is asked every 50 ms, not more often",
              2 < len(asked) <= 62, "up to 62 times", len(asked))
    tap_.equal("one that does not tell its status is a trouble", 2, done.returncode)
    done, asked = ask([{"receipt": UNMET}, {"receipt": UNMET}, {"receipt": MET}, {"status": GOOD}],
                      *POLICY)
    tap_.equal("it is asked until the answer is right", (0, 4), (done.returncode, len(asked)))


def check_trouble(tap_):
    begun = time.monotonic()
    done, _ = ask([], *POLICY)
    tap_.true("one that says nothing is a trouble after five seconds", done.returncode == 2
              and "has not answered within 5 s" in done.stderr
              and 4 < time.monotonic() - begun < 15, "not answered", done.stderr)
    for what, answer, words in (
            ("an older one", {"error": "this version of netpold knows no such request"},
             "knows no such request"),
            ("something else", {"weather": "fine"}, "does not tell its receipt")):
        done, _ = ask([answer], *POLICY)
        tap_.true(f"{what} is a trouble", done.returncode == 2 and words in done.stderr, words,
                  done.stderr)


def check_hang_up(tap_):
    """It hands over: the next one is asked in its place."""
    asked = []

    def answer(line):
        asked.append(json.loads(line))
        if len(asked) <= 3:
            return b""
        told = {"receipt": MET} if "receipt" in asked[-1] else {"status": GOOD}
        return json.dumps({"version": 1, **told}).encode() + b"\n"
    with fake_daemon.listening(answer) as path:
        done = wait("--status-socket", path, *POLICY)
    tap_.equal("one that hangs up is asked again", (0, 5), (done.returncode, len(asked)))
    with fake_daemon.listening(lambda _: b"") as path:
        done = wait("--status-socket", path, *POLICY, "--timeout=1s")
    tap_.true("one that does nothing else is a trouble when the time is over",
              done.returncode == 2 and "has hung up" in done.stderr, "has hung up", done.stderr)


def test(tap_):
    check_refused(tap_)
    check_help(tap_)
    check_asked(tap_)
    check_pages(tap_)
    check_patience(tap_)
    check_trouble(tap_)
    check_hang_up(tap_)


if __name__ == "__main__":
    tap.main(test)
