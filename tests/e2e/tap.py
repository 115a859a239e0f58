# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the results of a test as TAP, for prove and for people.

The name of a check is a sentence that is true when the check passes; a check
that fails prints what was expected and what came. There is no skipping: what
cannot run has failed.
"""

import itertools
import signal
import sys
import traceback


class Tap:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.count = 0
        self.failed = 0
        self.prefix = ""

    def section(self, prefix):
        """What the sentences from here on are about: "bridge, nft"."""
        self.prefix = f"{prefix}: " if prefix else ""

    def _line(self, text):
        self.out.write(text + "\n")
        self.out.flush()

    def comment(self, text):
        for line in str(text).splitlines():
            self._line(f"# {self.prefix}{line}")

    def _result(self, passed, sentence):
        self.count += 1
        self.failed += not passed
        self._line(f"{'ok' if passed else 'not ok'} {self.count} - {self.prefix}{sentence}")

    def equal(self, sentence, expected, got):
        self._result(expected == got, sentence)
        if expected != got:
            self._difference(expected, got)
        return expected == got

    def happens(self, sentence, attempt, tries=5):
        """That attempt() gives something, some time. It is about a race, such as one that a
        fault leaves open, and a busy machine may let the other side win: then the next one is
        run."""
        found = any(attempt() for _ in range(tries))
        self.true(sentence, found, f"in one of {tries} tries", "in none")

    def true(self, sentence, condition, expected, got):
        """For conditions that are no equality; @expected says it in words."""
        self._result(bool(condition), sentence)
        if not condition:
            self._difference(expected, got)
        return bool(condition)

    def rises(self, sentence, numbers):
        """That each number is greater than the one before."""
        self.true(sentence, all(a < b for a, b in itertools.pairwise(numbers)),
                  "each more than the one before", numbers)

    def _difference(self, expected, got):
        if isinstance(expected, list) and isinstance(got, list) and len(expected + got) > 8:
            self._items("expected, but missing", [x for x in expected if x not in got])
            self._items("not expected, but there", [x for x in got if x not in expected])
            if sorted(map(str, expected)) == sorted(map(str, got)):
                self._items("got, in another order than expected", got)
            return
        for word, value in (("expected", expected), ("got", got)):
            lines = (str(value) or "(nothing)").splitlines()
            self._line(f"#   {word}: {lines[0]}")
            for line in lines[1:]:
                self._line(f"#     {line}")

    def _items(self, word, items):
        if items:
            self._line(f"#   {word}:")
        for item in items:
            self._line(f"#     {item}")

    def broken(self, error):
        """The test itself could not go on."""
        self._result(False, f"the test runs to its end ({type(error).__name__})")
        for line in "".join(traceback.format_exception(error)).splitlines():
            self._line(f"#   {line}")

    def end(self):
        self._line(f"1..{self.count}")
        return 1 if self.failed or not self.count else 0


def _stop(_signal, _frame):
    raise SystemExit(143)


def main(test):
    """Run test(tap) and exit; SIGTERM and Ctrl-C tear down what it made."""
    signal.signal(signal.SIGTERM, _stop)
    tap = Tap()
    try:
        test(tap)
    except KeyboardInterrupt:
        print("Bail out! interrupted")
        sys.exit(130)
    except Exception as error:  # a broken test is a failed one, never a silent one
        tap.broken(error)
    sys.exit(tap.end())
