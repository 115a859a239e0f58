#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold pause` is told wrongly is refused before anything is asked, and
what a daemon answers is told.

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
import tap  # noqa: E402

NETPOLD = os.environ.get("NETPOLD", "build/netpold")
A_TIME = "expected a time from 1s to 24h, such as 90s, 10m or 1h, found "

# What is wrong, what is given, and what the line that is told has to hold.
REFUSED = (
    ("no unit", ["--for", "10"], f"--for: {A_TIME}'10'"),
    ("no number", ["--for", "m"], f"--for: {A_TIME}'m'"),
    ("nothing", ["--for="], f"--for: {A_TIME}''"),
    ("another unit", ["--for=1d"], f"--for: {A_TIME}'1d'"),
    ("a fraction", ["--for=1.5h"], f"--for: {A_TIME}'1.5h'"),
    ("a sign", ["--for=-1h"], f"--for: {A_TIME}'-1h'"),
    ("two units", ["--for=1h30m"], f"--for: {A_TIME}'1h30m'"),
    ("no time at all", ["--for=0s"], f"--for: {A_TIME}'0s'"),
    ("more than a day", ["--for=25h"], f"--for: {A_TIME}'25h'"),
    ("a second more than a day", ["--for=86401s"], f"--for: {A_TIME}'86401s'"),
    ("more than there are numbers", ["--for=99999999999999999999h"], f"--for: {A_TIME}"),
    ("a beginning and an end", ["--for=1h", "--end"], "choose one"),
    ("a reason for nothing", ["--reason", "x"], "--reason needs --for"),
    ("a reason for an end", ["--end", "--reason", "x"], "--reason needs --for"),
    ("a reason that forges lines", ["--for=1h", "--reason", "a\nnetpold: all is well"],
     "control characters"),
    ("a reason that is long", ["--for=1h", "--reason", "x" * 256], "at most 255 bytes"),
    ("a word", ["10m"], "'10m' is not expected here"),
    ("an option of another command", ["--output", "json"], "'--output' is no option here"),
)

# What is asked for, and how.
TAKEN = (
    ("the shortest", ["--for=1s"], {"for": 1, "reason": ""}),
    ("the longest", ["--for=24h"], {"for": 86400, "reason": ""}),
    ("minutes, and a reason", ["--for", "10m", "--reason", "a \"b\" ö"],
     {"for": 600, "reason": "a \"b\" ö"}),
    ("zeros in front", ["--for=0090s"], {"for": 90, "reason": ""}),
    ("an end", ["--end"], {"end": True}),
)


def pause(*arguments):
    return subprocess.run([NETPOLD, "pause", *arguments], capture_output=True, text=True,
                          timeout=30, check=False)


def check_refused(tap_):
    for what, options, words in REFUSED:
        done = pause("--status-socket", "/nobody/there", *options)
        tap_.true(f"{what} is refused, in one line that says so",
                  done.returncode == 2 and done.stderr.startswith("netpold: error: pause: ")
                  and words in done.stderr and done.stderr.count("\n") == 1, words, done.stderr)
    for options in ([], ["--for=1h"], ["--end"]):
        done = pause("--status-socket", "/nobody/there", *options)
        tap_.true(f"{options}: where no netpold is, it says so", done.returncode == 2
                  and "no netpold answers at '/nobody/there'" in done.stderr, "no netpold answers",
                  done.stderr)


def ask(answers, *options):
    """A daemon that gives these answers, one after the other, and what it was asked."""
    asked, left = [], list(answers)

    def answer(line):
        asked.append(json.loads(line))
        said = left.pop(0)
        return said and json.dumps({"version": 1, **said}).encode() + b"\n"
    with fake_daemon.listening(answer) as path:
        return pause("--status-socket", path, *options), asked


def check_asked(tap_):
    number = {"pause": {"number": 7}}
    done_ = {"pause": {"number": 7, "said": "it is done\x1b[31m"}}
    for what, options, wish in TAKEN:
        done, asked = ask([number, number, number, done_], *options)
        tap_.equal(f"{what}: is asked for, and then asked after",
                   [{"pause": wish}, number, number, number], asked)
        tap_.equal(f"{what}: the answer is told, for people", (0, "it is done?[31m\n", ""),
                   (done.returncode, done.stdout, done.stderr))
    for what, answers in (("at once", [{"error": "I am busy"}]),
                          ("later", [number, {"error": "I am busy"}])):
        done, _ = ask(answers, "--for=1h")
        tap_.true(f"refused {what}: exit status 2, and it is told",
                  done.returncode == 2 and "says: I am busy" in done.stderr, "I am busy",
                  done.stderr)
    done, _ = ask([{"error": "this version of netpold knows no such request"}], "--for=1h")
    tap_.true("an older daemon knows no pause, and that is told", done.returncode == 2
              and "knows no such request" in done.stderr, "no such request", done.stderr)
    done, asked = ask([], "--for=1h", "--reason", os.fsdecode(b"a\xff"))
    tap_.true("a reason that is no UTF-8 is refused before it is sent", done.returncode == 2
              and "--reason: it is no UTF-8" in done.stderr and not asked, "no UTF-8", done.stderr)
    done, _ = ask([number, None], "--for=1h")
    tap_.true("one that is busy may do it later, and that is told", done.returncode == 2
              and "is busy" in done.stderr and "`netpold pause` tells" in done.stderr,
              "is busy", done.stderr)


def test(tap_):
    check_refused(tap_)
    check_asked(tap_)


if __name__ == "__main__":
    tap.main(test)
