#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/e2e/health_test.py holds netpold's metrics against finds every mistake.

Prints TAP.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path[:0] = [str(ROOT / "tests" / "daemon"), str(ROOT / "tests" / "e2e")]
import exposition  # noqa: E402
import tap  # noqa: E402


def gauge(samples, name="netpold_g", help_="Help.", type_="gauge"):
    return f"# HELP {name} {help_}\n# TYPE {name} {type_}\n{samples}"


HISTOGRAM = """\
netpold_h_seconds_bucket{le="0.5"} 1
netpold_h_seconds_bucket{le="+Inf"} 3
netpold_h_seconds_sum 9.5
netpold_h_seconds_count 3
"""


def histogram(samples=HISTOGRAM):
    return gauge(samples, "netpold_h_seconds", type_="histogram")


GOOD = (
    ("nothing", ""),
    ("a gauge", gauge("netpold_g 1\n")),
    ("labels", gauge('netpold_g{a="x"} 1\nnetpold_g{a="y",b=""} -1.5e-07\n')),
    ("escapes", gauge('netpold_g{a="\\\\ \\" \\n } #"} NaN\n', help_=r"A \\ and \n and \".")
     .replace(r' and \".', ".")),
    ("a counter", gauge("netpold_c_total 18446744073709551614\n", "netpold_c_total",
                        type_="counter")),
    ("a histogram", histogram()),
    ("two families", gauge("netpold_g 1\n") + gauge("netpold_i +Inf\n", "netpold_i")),
)

BAD = (
    ("no end of the last line", gauge("netpold_g 1"), "no end"),
    ("an empty line", gauge("\nnetpold_g 1\n"), "cannot read"),
    ("no help", "# TYPE netpold_g gauge\nnetpold_g 1\n", "does not follow its help"),
    ("an empty help", gauge("netpold_g 1\n", help_=""), "no help"),
    ("no type", "# HELP netpold_g Help.\nnetpold_g 1\n", "outside of its family"),
    ("a type that is none", gauge("netpold_g 1\n", type_="number"), "cannot read"),
    ("two helps", gauge("netpold_g 1\n") + gauge("netpold_g 2\n"), "told about twice"),
    ("two types", gauge("# TYPE netpold_g gauge\nnetpold_g 1\n"), "two types"),
    ("a type behind a value", gauge("netpold_g 1\n# TYPE netpold_g gauge\n"), "does not follow"),
    ("a value among those of another", gauge("netpold_g 1\nnetpold_i 1\n"), "outside"),
    ("a family in two parts", gauge("netpold_g 1\n") + gauge("netpold_i 1\n", "netpold_i") +
     "netpold_g{a=\"b\"} 1\n", "outside"),
    ("a series twice", gauge('netpold_g{a="b",c="d"} 1\nnetpold_g{c="d",a="b"} 1\n'), "twice"),
    ("a label twice", gauge('netpold_g{a="b",a="c"} 1\n'), "a label twice"),
    ("a label without quotes", gauge("netpold_g{a=b} 1\n"), "labels"),
    ("a label with a bare quote", gauge('netpold_g{a="b"c"} 1\n'), "labels"),
    ("a label with an escape that is none", gauge('netpold_g{a="\\t"} 1\n'), "labels"),
    ("a label name with a dash", gauge('netpold_g{a-b="c"} 1\n'), "labels"),
    ("a comma too many", gauge('netpold_g{a="b",} 1\n'), "labels"),
    ("braces around nothing", gauge("netpold_g{} 1\n"), "labels"),
    ("no number", gauge("netpold_g one\n"), "is no number"),
    ("a number in hexadecimal", gauge("netpold_g 0x1\n"), "is no number"),
    ("a help with a bare backslash", gauge("netpold_g 1\n", help_="a\\b."), "backslash"),
    ("a family without a value", gauge(""), "no value"),
    ("a counter without _total", gauge("netpold_g 1\n", type_="counter"), "_total"),
    ("a gauge with _total", gauge("netpold_g_total 1\n", "netpold_g_total"), "_total"),
    ("a counter below zero", gauge("netpold_c_total -1\n", "netpold_c_total", type_="counter"),
     "below zero"),
    ("a gauge that ends in _count", gauge("netpold_count 1\n", "netpold_count"), "part of a"),
    ("milliseconds", gauge("netpold_milliseconds 1\n", "netpold_milliseconds"), "base unit"),
    ("an abbreviation", gauge("netpold_age_ms 1\n", "netpold_age_ms"), "abbreviates"),
    ("capitals", gauge("netpoldAge 1\n", "netpoldAge"), "capitals"),
    ("a type in a name", gauge("netpold_gauge 1\n", "netpold_gauge"), "a type"),
    ("le where there are no buckets", gauge('netpold_g{le="1"} 1\n'), "label le"),
    ("a histogram without a sum", histogram(HISTOGRAM.replace("netpold_h_seconds_sum 9.5\n", "")),
     "its parts"),
    ("a bucket without a bound", histogram(HISTOGRAM.replace('{le="0.5"}', "")), "its parts"),
    ("a histogram that lacks its last bucket", histogram(HISTOGRAM.replace("+Inf", "2")),
     "the last bucket"),
    ("a histogram whose count is another", histogram(HISTOGRAM.replace("count 3", "count 4")),
     "the last bucket"),
    ("a histogram that falls", histogram(HISTOGRAM.replace('"0.5"} 1', '"0.5"} 4')), "has less"),
)


def test(tap_):
    for sentence, text in GOOD:
        tap_.equal(f"{sentence}: nothing is wrong", [], exposition.read(text)[1])
    for sentence, text, words in BAD:
        problems = exposition.read(text)[1]
        tap_.true(f"{sentence}: found", any(words in problem for problem in problems), words,
                  problems)
    families, _ = exposition.read(gauge('netpold_g{a="\\\\n\\n"} 2\n'))
    tap_.equal("a value is found by its labels", 2.0,
               exposition.value(families, "netpold_g", a="\\n\n"))


if __name__ == "__main__":
    tap.main(test)
