# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads PromQL as far as dashboards and alerts here use it, and finds what is wrong with it.

Written from Prometheus' documentation of its query language. What is read is a tree of tuples, of
which labels() and check() make what a query gives and what it must not do:

    ("number", value)  ("select", name, {label: (operator, value)}, range or None)
    ("call", function, [argument…])  ("sum" …, parameter or None, labels or None, argument)
    (operator, left, right)
"""

import re

TOKEN = re.compile(r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?) (?![\w.])
  | (?P<duration>\d+[smhdwy]|\$__rate_interval)
  | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<sign>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){}\[\],])
)""", re.VERBOSE)

AGGREGATIONS = {"sum", "min", "max", "avg", "count", "topk", "bottomk"}
WITH_PARAMETER = {"topk", "bottomk"}
RANGES = {"rate": "counter", "increase": "counter", "max_over_time": "gauge"}  # take one of these
LEVELS = (("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"),
          ("*", "/", "%"), ("^",))
SETS = {"and", "or", "unless"}
PARTS = ("_bucket", "_sum", "_count")


class PromqlError(Exception):
    """A query that cannot be read, or is not to be."""


def _tokens(text):
    at, found = 0, []
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise PromqlError(f"cannot read {text[at:at + 20]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*found, ("end", "")]


class _Parser:
    def __init__(self, text):
        self.tokens, self.at = _tokens(text), 0

    def peek(self):
        return self.tokens[self.at][1]

    def take(self, kind=None, value=None):
        found, text = self.tokens[self.at]
        if (kind and found != kind) or (value is not None and text != value):
            raise PromqlError(f"expected {value or kind}, found {text or 'the end'!r}")
        self.at += 1
        return text

    def whole(self):
        tree = self.binary(0)
        self.take("end")
        return tree

    def binary(self, level):
        if level == len(LEVELS):
            return self.unit()
        left = self.binary(level + 1)
        while self.peek() in LEVELS[level]:
            operator = self.take()
            left = (operator, left, self.binary(level + 1))
        return left

    def unit(self):
        kind, text = self.tokens[self.at]
        if text == "(":
            self.take()
            tree = self.binary(0)
            self.take("sign", ")")
            return tree
        if kind == "number":
            return ("number", float(self.take()))
        self.take("name")
        if text in AGGREGATIONS:
            return self.aggregation(text)
        if self.peek() == "(":
            return ("call", text, self.arguments())
        return self.selector(text)

    def arguments(self):
        self.take("sign", "(")
        found = [self.binary(0)]
        while self.peek() == ",":
            self.take()
            found.append(self.binary(0))
        self.take("sign", ")")
        return found

    def aggregation(self, name):
        labels = None
        if self.peek() == "by":
            self.take()
            labels = self.names()
        found = self.arguments()
        if len(found) != (2 if name in WITH_PARAMETER else 1):
            raise PromqlError(f"{name}: {len(found)} arguments")
        return (name, found[0] if len(found) > 1 else None, labels, found[-1])

    def names(self):
        self.take("sign", "(")
        found = [self.take("name")]
        while self.peek() == ",":
            self.take()
            found.append(self.take("name"))
        self.take("sign", ")")
        return found

    def selector(self, name):
        matchers, span = {}, None
        if self.peek() == "{":
            self.take()
            while self.peek() != "}":
                label, sign = self.take("name"), self.take("sign")
                if sign not in ("=", "!=", "=~", "!~"):
                    raise PromqlError(f"{name}: {label} is not matched")
                matchers[label] = (sign, self.take("string")[1:-1])
                if self.peek() != "}":
                    self.take("sign", ",")
            self.take()
        if self.peek() == "[":
            self.take()
            span = self.take("duration")
            self.take("sign", "]")
        if self.peek() == "offset":
            self.take()
            self.take("duration")
        return ("select", name, matchers, span)


def parse(text):
    """The tree; PromqlError."""
    return _Parser(text).whole()


def _children(tree):
    kind = tree[0]
    if kind == "call":
        return tree[2]
    if kind in AGGREGATIONS:
        return [child for child in (tree[1], tree[3]) if child]
    return [] if kind in ("number", "select") else list(tree[1:])


def selectors(tree):
    """Each ("select", …) in it."""
    if tree[0] == "select":
        yield tree
    for child in _children(tree):
        yield from selectors(child)


def _finds(sign, pattern, values):
    """Whether each alternative of a matcher is, or is like, one of these."""
    if sign in ("=", "!="):
        return pattern in values
    return all(any(re.fullmatch(alternative, value) for value in values)
               for alternative in pattern.split("|"))


class Catalogue:
    """Which metrics there are: {name: (type, labels)}.

    @values  {label: its values}, of those that have the same few always
    """

    def __init__(self, metrics, values=None):
        self.metrics, self.values = metrics, values or {}

    def find(self, name):
        """(type, labels) of a name in a query: parts of histograms count as counters."""
        if name in self.metrics and self.metrics[name][0] != "histogram":
            return self.metrics[name]
        for part in PARTS:
            type_, labels = self.metrics.get(name.removesuffix(part), (None, ()))
            if name.endswith(part) and type_ == "histogram":
                return "counter", [*labels, "le"] if part == "_bucket" else labels
        raise PromqlError(f"{name}: nobody exports it")

    def labels(self, tree):
        """Those that what a query gives can have."""
        kind = tree[0]
        if kind == "select":
            type_, labels = self.find(tree[1])
            for label, (sign, pattern) in tree[2].items():
                if label not in (*labels, "instance", "job"):
                    raise PromqlError(f"{tree[1]}: it has no label {label}")
                if label in self.values and not _finds(sign, pattern, self.values[label]):
                    raise PromqlError(f"{tree[1]}: no {label} is {pattern}")
            return {*labels, "instance", "job"}
        if kind == "call" and tree[1] == "histogram_quantile":
            return self.labels(tree[2][1]) - {"le"}
        if kind in ("topk", "bottomk") and tree[2] is None:
            return self.labels(tree[3])
        if kind in AGGREGATIONS:
            inner = self.labels(tree[3])
            if missing := set(tree[2] or ()) - inner:
                raise PromqlError(f"{kind} by {missing}: none of what is summed has it")
            return set(tree[2] or ())
        found = [self.labels(child) for child in _children(tree) if any(selectors(child))]
        if not found:
            return set()
        return found[0] if kind in SETS else set.intersection(*found)

    def check(self, tree, ranged=None):
        """What must not be: PromqlError. @ranged: of which type a range is taken, if one is."""
        kind = tree[0]
        if kind == "select":
            type_, _ = self.find(tree[1])
            if bool(ranged) != (tree[3] is not None):
                raise PromqlError(f"{tree[1]}: a range where none is taken, or none where one is")
            if type_ != (ranged or "gauge"):
                raise PromqlError(f"{tree[1]}: rate() is of counters, and counters are for rate()")
        elif ranged:
            raise PromqlError(f"{kind}: rate() is of a selector")
        elif kind == "call":
            self._check_call(tree[1], tree[2])
        else:
            for child in _children(tree):
                self.check(child)

    def _check_call(self, name, arguments):
        if name in RANGES and len(arguments) == 1:
            self.check(arguments[0], RANGES[name])
        elif name == "absent" and len(arguments) == 1:
            self.check(arguments[0])
        elif name == "histogram_quantile" and len(arguments) == 2:
            if arguments[0][0] != "number" or "le" not in self.labels(arguments[1]):
                raise PromqlError("histogram_quantile: of buckets, by le")
            self.check(arguments[1])
        else:
            raise PromqlError(f"{name}: no such function of {len(arguments)}")


def labels_of(text, catalogue):
    """The labels of what a query gives; PromqlError where anything is wrong with it."""
    tree = parse(text)
    catalogue.check(tree)
    return catalogue.labels(tree)
