# SPDX-License-Identifier: GPL-2.0-or-later
"""The metrics of manifests/README.md, and those of the sources."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(netpold_\w+)` \| (\w+) \| ([\w, ]*) ?\| (.*) \|$", re.MULTILINE)
LABEL = re.compile(r"^\| `(\w+)` \| ((?:`[\w-]+`(?:, )?)+) \|$", re.MULTILINE)
NAME = re.compile(r'"(netpold_[a-z0-9_]+)"')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
STRINGS = re.compile(rf'{STRING.pattern}(?:[\s\\]*{STRING.pattern})*')


@dataclasses.dataclass
class Row:
    """A metric, as it is described."""
    type: str
    labels: list
    help: str


def described():
    """{name: Row} and names that are there twice."""
    text = (ROOT / "manifests" / "README.md").read_text(encoding="utf-8")
    rows, twice = {}, []
    for name, type_, labels, help_ in ROW.findall(text):
        if name in rows:
            twice.append(name)
        rows[name] = Row(type_, [label.strip() for label in labels.split(",") if label.strip()],
                         help_)
    return rows, twice


def label_values():
    """{label: its values}, of those that have the same few always."""
    text = (ROOT / "manifests" / "README.md").read_text(encoding="utf-8")
    return {label: re.findall(r"`([\w-]+)`", values) for label, values in LABEL.findall(text)}


def _help_after(text, start, end):
    """The first sentence among the strings there, or None: pieces that follow each other are one."""
    for strings in STRINGS.finditer(text, start, end):
        whole = "".join(STRING.findall(strings[0]))
        if whole.endswith(".") and " " in whole:
            return whole
    return None


def in_sources():
    """{name: help} of each metric that is registered anywhere; who only names one has no help."""
    found = {}
    for file in sorted((ROOT / "daemon").rglob("*.c")):
        text = file.read_text(encoding="utf-8")
        names = [*NAME.finditer(text)]
        for match, following in zip(names, [*names[1:], None]):
            help_ = _help_after(text, match.end(), following.start() if following else len(text))
            found[match[1]] = found.get(match[1]) or help_
    return found
