# SPDX-License-Identifier: GPL-2.0-or-later
"""What netpold says of itself: its commands and their options, out of the help."""

import functools
import os
import re
import subprocess

import page

NETPOLD = os.path.abspath(os.environ.get("NETPOLD", page.ROOT / "build" / "netpold"))
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
ITEM = re.compile(r"^  (--[a-z-]+(?:, --[a-z-]+)*)(?: (\S+))?(?:  ?.*)?$")
DEFAULT = re.compile(r"\(default: ((?:[^()]|\([^()]*\))*)\)")


@functools.cache
def shown_help(*command):
    return subprocess.run([NETPOLD, *command, "--help"], capture_output=True, text=True,
                          timeout=20, check=True).stdout


def commands():
    return sorted(re.findall(r"^  ([a-z]+)  ", shown_help(), re.MULTILINE))


def options(command):
    """All that its help names, and --help."""
    return {"--help", *OPTION.findall(shown_help(command))}


def defaults(command):
    """{option: its default}, of those whose help tells one."""
    found = {}
    text = ""
    names = []
    for line in [*shown_help(command).splitlines(), ""]:
        item = ITEM.match(line)
        if item or not line.startswith("   "):
            default = DEFAULT.search(" ".join(text.split()))
            if default:
                found.update(dict.fromkeys(names, default[1]))
            names = item[1].split(", ") if item else []
            text = ""
        text += line + " "
    return found


@functools.cache
def make_targets():
    done = subprocess.run(["make", "-C", page.ROOT, "--no-print-directory", "help"],
                          env={key: value for key, value in os.environ.items()
                               if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")},
                          capture_output=True, text=True, timeout=60, check=True)
    return set(re.findall(r"^  ([a-z-]+)", done.stdout, re.MULTILINE))
