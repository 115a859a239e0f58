#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""There is a manual page for netpold and for each command, and it says what the help says:
the same options, the same values, the same defaults. mandoc finds nothing wrong with any.

Prints TAP. NETPOLD names the program (default: build/netpold).
"""

import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent / "e2e")]
import page  # noqa: E402
import tap  # noqa: E402
import told  # noqa: E402

FOLDER = page.ROOT / "manifests" / "man"
ITEM = re.compile(r"^\.It (Fl .*)$", re.MULTILINE)
# Roots' commands are in section 8, those for anybody in section 1.
ON_A_NODE = {"clean", "pause", "run", "status", "top", "wait"}


def section(text, name):
    """The lines between one .Sh and the next."""
    match = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def items(text):
    """[(options, their value, what is said of them)] of the section OPTIONS."""
    pieces = ITEM.split(section(text, "OPTIONS"))
    found = []
    for head, said in zip(pieces[1::2], pieces[2::2]):
        names = [f"-{name}" for name in re.findall(r"Fl (-[a-z-]+)", head)]
        value = re.findall(r"(?:Ar|Cm) ([^\s,]+)", head)
        found.append((names, "|".join(dict.fromkeys(value)), said))
    return found


def values_of(command):
    """{option: what its help calls its value}."""
    found = {}
    for line in told.shown_help(command).splitlines():
        match = re.match(r"  (--[a-z-]+(?:, --[a-z-]+)*)(?: ([A-Z0-9][A-Z0-9|/:\[\]]*|\[ADDR:\]PORT))?(?:\s|$)",
                         line)
        if match:
            found.update(dict.fromkeys(match[1].split(", "), match[2] or ""))
    return found


def plain(mdoc):
    """What a reader sees of it, without markup and line ends."""
    text = re.sub(r"^\.(?:Pp|Bl|El|It|Bd|Ed).*$", "", mdoc, flags=re.MULTILINE)
    text = re.sub(r"^\.[A-Z][a-z] ", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bFl (?=-)", "-", text)
    text = re.sub(r" Ns = Ns (?:Cm|Ar) ", "=", text)
    text = re.sub(r"(?<= )(?:Ns|Cm|Ar) ", "", text).replace("\\(ti", "~").replace("\\&", "")
    return re.sub(r" ([,.;:)])", r"\1", " ".join(text.split()))


def shown_default(default):
    """As pages have it: variables by their names, options by theirs."""
    return default.replace("$", "").replace("`", "").replace(" --", " -")


def test_command(tap_, command, text):
    listed = items(text)
    names = [name for names, _, _ in listed for name in names]
    tap_.equal(f"{command}: the page has each option of the help once, and no other",
               sorted(told.options(command) - {"--help"}), sorted(names))
    values = {name: value for names, value, _ in listed for name in names}
    told_values = {name: value for name, value in values_of(command).items() if name in values}
    tap_.equal(f"{command}: values are called what the help calls them", told_values,
               {name: re.sub(r"^ADDR\|PORT$", "[ADDR:]PORT", values[name]) for name in told_values})
    said = {name: plain(said) for names, _, said in listed for name in names}
    for option, default in told.defaults(command).items():
        tap_.true(f"{command}: the page tells the default of {option}",
                  shown_default(default) in said[option].replace(" --", " -"), default, said[option])


def references(text):
    return set(re.findall(r"Xr (netpold(?:-[a-z]+)?) (\d)", text))


def test(tap_):
    commands = told.commands()
    expected = {"netpold.8", *(f"netpold-{command}.{8 if command in ON_A_NODE else 1}"
                               for command in commands)}
    tap_.equal("a page for netpold and for each command, and no other", sorted(expected),
               sorted(path.name for path in FOLDER.iterdir()))
    for name in sorted(expected):
        text = (FOLDER / name).read_text(encoding="utf-8")
        stem, number = name.rsplit(".", 1)
        tap_.equal(f"{name}: it is called what its file is called", (stem.upper(), stem, number),
                   (re.search(r"^\.Dt (\S+)", text, re.MULTILINE)[1],
                    re.search(r"^\.Nm (\S+)", text, re.MULTILINE)[1],
                    re.search(r"^\.Dt \S+ (\d)", text, re.MULTILINE)[1]))
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", FOLDER / name],
                              capture_output=True, text=True, timeout=20, check=False)
        tap_.equal(f"{name}: mandoc has nothing to say against it", "", done.stdout + done.stderr)
        tap_.equal(f"{name}: pages that it names are there", [],
                   sorted(f"{other}.{part}" for other, part in references(text)
                          if f"{other}.{part}" not in expected))
    whole = (FOLDER / "netpold.8").read_text(encoding="utf-8")
    tap_.equal("netpold.8 names the page of each command", sorted(expected - {"netpold.8"}),
               sorted(f"{other}.{part}" for other, part in references(section(whole, "DESCRIPTION"))))
    tap_.equal("netpold.8 has the options of the program", ["--help", "--version"],
               sorted(name for names, _, _ in items(whole) for name in names))
    for command in commands:
        name = f"netpold-{command}.{8 if command in ON_A_NODE else 1}"
        test_command(tap_, command, (FOLDER / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    tap.main(test)
