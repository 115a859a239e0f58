# SPDX-License-Identifier: GPL-2.0-or-later
"""The metrics of manifests/README.md, and those of the sources."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(netpold_\w+)` \| (\w+) \| ([\w, ]*) ?\| (.*) \|$", re.MULTILINE)
NAME = re.compile(r'"(netpold_[a-z0-9_]+)"')


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


def in_sources():
    """Each name that is registered anywhere."""
    return {name for file in sorted((ROOT / "daemon").rglob("*.c"))
            for name in NAME.findall(file.read_text(encoding="utf-8"))}
