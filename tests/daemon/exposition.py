# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the text format of Prometheus (version 0.0.4), and finds what is wrong with it.

Written from the description of the format and from what `promtool check metrics` looks for, not
from the code that writes it. Stricter than the format where ours has no need of its freedom: each
name has a help and a type, in this order, before its values.
"""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) (.*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf)|NaN")
PARTS = ("_bucket", "_sum", "_count")

# Of a name, without its _total.
NOT_BASE = {"milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes",
            "megabytes", "kibibytes", "mebibytes", "bits", "percent"}
ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "kib", "mib", "pct"}
TYPES = {"counter", "gauge", "histogram", "summary"}


class Family:
    """What is told under one name: {(name, labels): value}, labels as a sorted tuple."""

    def __init__(self, name, help_):
        self.name, self.help, self.type = name, help_, None
        self.samples = {}


def _unescape(text):
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def _labels(text):
    """(name, value)…, or None where they cannot be read."""
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or (match[3] and match.end() == len(text)):
            return None
        found.append((match[1], _unescape(match[2])))
        at = match.end()
    return found


def _belongs(name, family):
    return family and name in ([family.name + part for part in PARTS]
                               if family.type == "histogram" else [family.name])


class _Reader:
    def __init__(self):
        self.families, self.problems, self.current = {}, [], None

    def wrong(self, what):
        self.problems.append(what)

    def begin(self, name, help_):
        if name in self.families:
            self.wrong(f"{name}: told about twice")
        if re.search(r"\\[^\\n]|\\$", help_.replace(r"\\", "")):
            self.wrong(f"{name}: a backslash in its help")
        self.current = self.families[name] = Family(name, help_)

    def take_type(self, name, type_):
        if not self.current or self.current.name != name or self.current.samples:
            self.wrong(f"{name}: its type does not follow its help")
        elif self.current.type:
            self.wrong(f"{name}: two types")
        else:
            self.current.type = type_

    def take_sample(self, name, labels, value):
        family = self.current
        found = _labels(labels or "")
        if not _belongs(name, family) or not family.type:
            self.wrong(f"{name}: a value outside of its family")
        elif found is None or labels == "":
            self.wrong(f"{name}: labels {labels!r}")
        elif len({label for label, _ in found}) < len(found):
            self.wrong(f"{name}: a label twice")
        elif not NUMBER.fullmatch(value):
            self.wrong(f"{name}: {value!r} is no number")
        elif (name, tuple(sorted(found))) in family.samples:
            self.wrong(f"{name}: {labels!r} twice")
        else:
            family.samples[name, tuple(sorted(found))] = float(value)

    def line(self, text):
        if match := HELP.fullmatch(text):
            self.begin(match[1], match[2])
        elif match := TYPE.fullmatch(text):
            self.take_type(match[1], match[2])
        elif match := SAMPLE.fullmatch(text):
            self.take_sample(match[1], match[2], match[3])
        else:
            self.wrong(f"cannot read {text!r}")


def _check_histogram(family):
    """Buckets rise, the last is all of them, and none is missing."""
    series = {}
    for (name, labels), value in family.samples.items():
        rest = tuple(label for label in labels if label[0] != "le")
        series.setdefault(rest, {})[name.removeprefix(family.name), dict(labels).get("le")] = value
    for rest, values in series.items():
        buckets = sorted((float(le), value) for (part, le), value in values.items()
                         if part == "_bucket" and le is not None)
        counts = [value for _, value in buckets]
        if (("_sum", None) not in values or ("_count", None) not in values or
                len(values) != len(buckets) + 2):
            yield f"{family.name}: {rest}: its parts are not a sum, a count and buckets"
        elif not buckets or buckets[-1] != (math.inf, values["_count", None]):
            yield f"{family.name}: {rest}: the last bucket is not all of them"
        elif counts != sorted(counts):
            yield f"{family.name}: {rest}: a larger bucket has less"


def _check_name(family):
    name, words = family.name, family.name.removesuffix("_total").split("_")
    if (family.type == "counter") != name.endswith("_total"):
        yield f"{name}: counters end in _total, and nothing else does"
    if name.endswith(PARTS):
        yield f"{name}: ends as a part of a histogram does"
    if name.lower() != name or ":" in name:
        yield f"{name}: has capitals or colons"
    if set(words) & NOT_BASE:
        yield f"{name}: is not in a base unit"
    if set(words[1:]) & ABBREVIATED:
        yield f"{name}: abbreviates a unit"
    if set(words) & TYPES:
        yield f"{name}: has a type in its name"


def _check(family):
    if not family.help.strip():
        yield f"{family.name}: no help"
    if not family.type:
        yield f"{family.name}: no type"
    elif not family.samples:
        yield f"{family.name}: no value"
    yield from _check_name(family)
    if family.type == "histogram":
        yield from _check_histogram(family)
    elif any(label == "le" for _, labels in family.samples for label, _ in labels):
        yield f"{family.name}: the label le outside of a histogram"
    if family.type == "counter" and not all(value >= 0 for value in family.samples.values()):
        yield f"{family.name}: a counter below zero"


def read(text):
    """{name: Family}, and what is wrong, in words."""
    reader = _Reader()
    if text and not text.endswith("\n"):
        reader.wrong("the last line has no end")
    for line in text.split("\n")[:-1]:
        reader.line(line)
    for family in reader.families.values():
        reader.problems += _check(family)
    return reader.families, reader.problems


def value(families, name, **labels):
    """Of one series; None where it is not told."""
    family = families.get(name)
    return family and family.samples.get((name, tuple(sorted(labels.items()))))
