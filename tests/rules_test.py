#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rule lists say what every rule means, and tests show every rule.

Reads policy/RULES.md and daemon/RULES.md, whose tables have three columns:

    | rules | meaning | shown by |

"rules" are IDs, as below. "shown by" begins with one of

    `tests/…`   tests, each of which has to name the rule; more text may follow
    issue N     left to a later issue
    fact        of the kernel; there is nothing of ours to show

Prints TAP. Checked are: the tables can be read; each test under "shown by"
exists, and names each rule of its row (where the rule is left to later or a
fact, existing is enough); and each ID that code or a test cites is explained.

An ID is a family, a number and perhaps capitals: NP-20, AV-57W, L6. It counts
where it stands as a whole word. "NP-20 … NP-24", "AV-30 … 38" and "AV-30…38"
name the first, the last and those between; nothing but the sign … makes a
range. Numbers have gaps: of what is cited, only the ends have to be explained.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LISTS = ["policy/RULES.md", "daemon/RULES.md"]
SOURCES = ["policy", "include", "daemon", "tests"]
SOURCE_SUFFIXES = {".c", ".h", ".py", ".sh", ".yaml", ".txt"}

FAMILIES = "DEC|NP|AV|NF|API|CNP|E2E|CONF"
ID = re.compile(rf"""
    (?<![\w-])                                     # a whole word
    (?: ({FAMILIES})-(\d+)([A-Z]*) | (L)(\d+) )
    (?: \s*…\s* (?:(?:{FAMILIES})-|L)? (\d+) )?    # the end of a range
    (?![\w-])""", re.VERBOSE)
ROW = re.compile(r"^\|(.*)\|(.*)\|(.*)\|$")
RULE_OF_LINE = re.compile(r"^\| *-")
PATH = re.compile(r"`(tests/[^`]+)`")
# The vectors are a table of two tests, the engine's and the oracle's.
TEST = re.compile(r"_test\.(c|py)$|/vectors_table\.c$")


def ids(text, between=True):
    """Which rules a text names; of ranges the ends, and those between."""
    found = set()
    for match in ID.finditer(text):
        family, first, letters, l_family, l_first, last = match.groups()
        stem = l_family or family + "-"
        found.add(f"{stem}{first or l_first}{letters or ''}")
        if last:
            first, last = int(first or l_first), int(last)
            numbers = range(first, last + 1) if between else (first, last)
            found.update(f"{stem}{n}" for n in numbers)
    return found


class Row:
    """A row of a table: rules that are explained and shown together."""

    def __init__(self, where, cells):
        rules, self.meaning, self.shown = (cell.strip() for cell in cells)
        self.where = where
        self.rules = sorted(ids(rules))
        self.paths = PATH.findall(self.shown)
        self.by_test = self.shown.startswith("`tests/")
        self.later = self.shown.startswith("issue ")
        self.readable = bool(self.rules and self.meaning) and (
            self.by_test or self.later or self.shown.startswith("fact"))


def read_rows(name):
    rows = []
    for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
        match = ROW.match(line)
        if match and not RULE_OF_LINE.match(line) and match[1].strip() != "rule":
            rows.append(Row(f"{name}:{number}", match.groups()))
    return rows


def unreadable(rows):
    problems = [f"{row.where}: no rule, no meaning or nothing that shows it"
                for row in rows if not row.readable]
    seen = set()
    for row in rows:
        for rule in row.rules:
            if (row.where.split(":")[0], rule) in seen:
                problems.append(f"{row.where}: {rule} is explained a second time")
            seen.add((row.where.split(":")[0], rule))
    return problems


def not_shown(rows):
    """[problem], and the rules that tests show."""
    problems, shown = [], set()
    for row in rows:
        named = {path: ids((ROOT / path).read_text()) if (ROOT / path).is_file() else None
                 for path in row.paths}
        problems += [f"{row.where}: there is no test {path}" for path, rules in named.items()
                     if rules is None or not TEST.search(path)]
        if not row.by_test:
            continue
        missing = [(path, rule) for path, rules in named.items() for rule in row.rules
                   if rule not in (rules or ())]
        problems += [f"{row.where}: {path} does not name {rule}" for path, rule in missing]
        shown.update(set(row.rules) - {rule for _, rule in missing})
    return problems, shown


def not_explained(rows):
    explained = {rule for row in rows for rule in row.rules}
    problems = []
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SOURCE_SUFFIXES or not path.is_file():
                continue
            cited = ids(path.read_text(errors="replace"), between=False)
            problems += [f"{path.relative_to(ROOT)} cites {rule}"
                         for rule in sorted(cited - explained)]
    return problems


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, sentence, problems):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {sentence}")
        for problem in problems:
            print(f"#   {problem}")


def tell_coverage(name, rows):
    """On standard error, because prove keeps comments to itself."""
    to_show = {rule for row in rows if row.by_test for rule in row.rules}
    later = {rule for row in rows if row.later for rule in row.rules} - to_show
    print(f"# {name}: {len(not_shown(rows)[1])} of {len(to_show)} rules are shown by a test, "
          f"{len(later)} are left to later issues", file=sys.stderr)


def main():
    tap = Tap()
    tap.check("a range names each of its rules",
              [] if ids("NP-20 … NP-22, AV-30…31, L6 XNP-1 NP-49V") ==
              {"NP-20", "NP-21", "NP-22", "AV-30", "AV-31", "L6", "NP-49V"} else
              ["it does not"])
    lists = {name: read_rows(name) for name in LISTS}
    rows = [row for rows_of_list in lists.values() for row in rows_of_list]
    tap.check("every row has its rules, a meaning, and what shows it", unreadable(rows))
    tap.check("the tests of every row are there and name its rules", not_shown(rows)[0])
    tap.check("every rule that is cited is explained", not_explained(rows))
    print(f"1..{tap.count}", flush=True)
    for name, rows_of_list in lists.items():
        tell_coverage(name, rows_of_list)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
