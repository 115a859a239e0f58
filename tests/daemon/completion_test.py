#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion for bash knows every command, every option and every value that
`--help` tells of, and none besides.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))
SCRIPT = ROOT / "manifests" / "completion" / "netpold.bash"

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
import tap  # noqa: E402

ASK = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _netpold; printf "%s\\n" "${COMPREPLY[@]}"'

# A sentence, what is typed, and what is offered for its last word.
ROWS = [
    ("the beginning of a command", ["netpold", "ch"], ["check"]),
    ("a command that is not there", ["netpold", "x"], []),
    ("no options of a command that is not there", ["netpold", "x", "--"], []),
    ("the beginning of an option", ["netpold", "explain", "--f"],
     ["--family", "--flows", "--from"]),
    ("an option after the value of another",
     ["netpold", "explain", "--output", "json", "--ex"], ["--expect"]),
    ("formats", ["netpold", "explain", "--output", ""], ["json", "text"]),
    ("formats of check", ["netpold", "check", "--output", ""], ["json", "sarif", "text"]),
    ("formats of replay", ["netpold", "replay", "--output", "j"], ["json"]),
    ("all formats of replay", ["netpold", "replay", "--output", ""], ["csv", "json", "text"]),
    ("files as packets that are denied", ["netpold", "replay", "--write-denied", "c"], ["c"]),
    ("folders as times", ["netpold", "replay", "--timeline", "ab"], ["ab"]),
    ("formats of diff", ["netpold", "diff", "--output", ""], ["json", "markdown", "text"]),
    ("formats of matrix", ["netpold", "matrix", "--output", ""], ["dot", "html", "json", "text"]),
    ("formats of test", ["netpold", "test", "--output", ""], ["github", "json", "junit", "tap", "text"]),
    ("suites", ["netpold", "test", "--coverage", "ab"], ["ab"]),
    ("groupings", ["netpold", "matrix", "--by", ""], ["namespace", "pod", "workload"]),
    ("groupings of diff", ["netpold", "diff", "--by", "n"], ["namespace"]),
    ("a value behind =", ["netpold", "explain", "--output", "=", "te"], ["text"]),
    ("all values behind =", ["netpold", "explain", "--expect", "="], ["allow", "deny"]),
    ("families", ["netpold", "explain", "--family", ""], ["4", "6"]),
    ("flavours of iptables", ["netpold", "run", "--iptables", ""], ["auto", "legacy", "nft"]),
    ("whether the kernel remembers", ["netpold", "run", "--kernel-cache", ""], ["off", "on"]),
    ("whether system calls are limited", ["netpold", "run", "--seccomp", ""], ["off", "on"]),
    ("where a flow log goes", ["netpold", "run", "--flow-log", ""], ["off", "stdout"]),
    ("whether it has ends", ["netpold", "run", "--flow-log-ends", ""], ["off", "on"]),
    ("what it has", ["netpold", "run", "--flow-log-only", ""], ["all", "denied"]),
    ("readings of egress to the own node", ["netpold", "run", "--node-egress", ""],
     ["allow", "enforce"]),
    ("ways to deny", ["netpold", "run", "--deny", ""], ["drop", "reject"]),
    ("modes", ["netpold", "run", "--mode", ""], ["audit", "enforce"]),
    ("what a failure does", ["netpold", "run", "--on-failure", ""], ["closed", "open"]),
    ("what an overload does", ["netpold", "run", "--on-overload", ""], ["accept", "drop"]),
    ("lengths of a pause", ["netpold", "pause", "--for", ""], ["10m", "1h", "90s"]),
    ("nothing where a reason is to come", ["netpold", "pause", "--reason", ""], []),
    ("files as the folder to keep things in", ["netpold", "run", "--state-dir", "c"], ["c"]),
    ("what who is replaced does", ["netpold", "run", "--when-replaced", ""], ["exit", "wait"]),
    ("what passes at a start", ["netpold", "run", "--on-start", ""], ["accept", "drop", "hold"]),
    ("nothing where a range of addresses is to come", ["netpold", "run", "--pod-cidr", ""], []),
    ("views of top", ["netpold", "top", "--view", ""], ["denials", "flows", "would-denials"]),
    ("orders of top", ["netpold", "top", "--sort", ""], ["count", "rate", "time"]),
    ("how long to look", ["netpold", "top", "--for", ""], ["10s", "1h", "5m"]),
    ("how often to look", ["netpold", "top", "--interval", ""], ["1s", "2s", "5s"]),
    ("nothing where words are to come", ["netpold", "top", "--filter", ""], []),
    ("formats of status", ["netpold", "status", "--output", ""], ["json", "text"]),
    ("files as the socket to ask", ["netpold", "status", "--status-socket", "c"], ["c"]),
    ("files as the socket to make", ["netpold", "run", "--status-socket", "c"], ["c"]),
    ("files as the certificate to show", ["netpold", "run", "--metrics-tls-cert", "c"], ["c"]),
    ("files as its key", ["netpold", "run", "--metrics-tls-key", "c"], ["c"]),
    ("files as the token to ask for", ["netpold", "run", "--metrics-token-file", "c"], ["c"]),
    ("files as settings", ["netpold", "run", "--config", "c"], ["c"]),
    ("nothing where a value is anybody's guess", ["netpold", "explain", "--port", ""], []),
    ("nothing where a value is to come, however it begins", ["netpold", "run", "--workers", "-"], []),
    ("files as manifests", ["netpold", "explain", "--manifests", "a"], ["a file.yaml", "ab"]),
    ("files as a cluster", ["netpold", "matrix", "--kubeconfig", "c"], ["c"]),
    ("files as flows", ["netpold", "explain", "--flows", "ab"], ["ab"]),
    ("files as what was seen", ["netpold", "diff", "--records", "ab"], ["ab"]),
    ("files to be checked", ["netpold", "check", "--strict", "a"], ["a file.yaml", "ab"]),
    ("files to be compared", ["netpold", "diff", "ab", "a"], ["a file.yaml", "ab"]),
    ("files to be shown", ["netpold", "matrix", "c"], ["c"]),
    ("lengths of blocks", ["netpold", "suggest", "--merge-prefix", "2"], ["24/64"]),
    ("nothing where a number is to come", ["netpold", "suggest", "--min-count", ""], []),
    ("files as what is to be decided", ["netpold", "suggest", "--to-decide", "c"], ["c"]),
    ("flow logs", ["netpold", "suggest", "--manifests", "m", "c"], ["c"]),
    ("captures", ["netpold", "replay", "--manifests", "m", ""], ["a file.yaml", "ab", "c"]),
    ("nothing where nothing is expected", ["netpold", "clean", ""], []),
]


def offered(words, folder):
    done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", SCRIPT, *words], cwd=folder,
                          capture_output=True, text=True, timeout=20, check=True)
    return sorted(done.stdout.splitlines()) if done.stdout.strip() else []


def shown_help(*command):
    return subprocess.run([NETPOLD, *command, "--help"], capture_output=True, text=True, timeout=20,
                          check=True).stdout


def options_of(text):
    return sorted({"--help", *re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)})


def test(tap_):
    text = shown_help()
    commands = sorted(re.findall(r"^  ([a-z]+)  ", text, re.MULTILINE))
    with tempfile.TemporaryDirectory() as name:
        for file in ("a file.yaml", "ab", "c"):
            pathlib.Path(name, file).touch()
        tap_.equal("all commands, and no others", commands, offered(["netpold", ""], name))
        tap_.equal("the options of the program", options_of(text), offered(["netpold", "--"], name))
        for command in commands:
            tap_.equal(f"all options of {command}, and no others", options_of(shown_help(command)),
                       offered(["netpold", command, "--"], name))
        for sentence, words, expected in ROWS:
            tap_.equal(sentence, expected, offered(words, name))
    env = {key: value for key, value in os.environ.items() if "MAKE" not in key and key != "MFLAGS"}
    done = subprocess.run(["make", "-n", "install", "DESTDIR=/x", "PREFIX=/usr"], cwd=ROOT, env=env,
                          capture_output=True, text=True, timeout=60, check=True)
    commands = " ".join(done.stdout.replace("\\\n", " ").split())
    tap_.true("make install puts it where bash looks for it",
              "manifests/completion/netpold.bash /x/usr/share/bash-completion/completions/netpold"
              in commands, "share/bash-completion/completions/netpold", done.stdout)


if __name__ == "__main__":
    tap.main(test)
