#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What may befall netpold, and what packets meet meanwhile: one table.

outage_test.py makes each of it happen and looks. The table in daemon/README.md is
this one; run this file to print it.
"""

import dataclasses
import pathlib
import sys

README = pathlib.Path(__file__).resolve().parents[2] / "daemon/README.md"
COLUMNS = ("what happens", "`--on-failure`", "new, allowed", "new, denied", "established",
           "revoked", "right again")

# What becomes of the first packet of a flow that begins meanwhile.
PASSES = "passes"    # arrives, while it lasts
DROPPED = "dropped"  # never arrives
WAITS = "waits"      # arrives once it is over
# What becomes of a flow that stood before.
GOES_ON = "goes on"  # what is sent meanwhile is answered
CUT = "cut"          # nothing is, from a second or so after it was revoked

BOTH = ("open", "closed")


@dataclasses.dataclass
class Row:
    """@right_s  seconds from its end until every packet fares as the policies say
    @cut_s    seconds from a change until what it revokes is cut
    """
    event: str
    modes: tuple  # values of --on-failure for which this holds
    new_allowed: str
    new_denied: str
    established: str
    revoked: str
    end: str
    right_s: int
    cut_s: int = 1

    def cells(self):
        return (self.event, " or ".join(self.modes), self.new_allowed, self.new_denied,
                self.established, self.revoked, f"{self.right_s} s after {self.end}")


KILLED = "it is killed (`kill -9`)"
STOPPED = "it is stopped and goes on (SIGSTOP, SIGCONT)"
OVERLOADED = "its queues are full"
RESTARTED = "it is ended and started again"
HANDED_OVER = "another takes over from it"
RULES = "its rules are flushed"
SETS = "its sets are flushed"
FORGOTTEN = "connection tracking is flushed"
FULL = "connection tracking is full"

STARTED = "the next start is in force"
FLUSH = "the flush"
TABLE = [
    Row(KILLED, ("open",), PASSES, PASSES, GOES_ON, GOES_ON, STARTED, 1),
    Row(KILLED, ("closed",), DROPPED, DROPPED, GOES_ON, GOES_ON, STARTED, 1),
    Row(RESTARTED, ("open",), PASSES, PASSES, GOES_ON, GOES_ON, STARTED, 1),
    Row(RESTARTED, ("closed",), DROPPED, DROPPED, GOES_ON, GOES_ON, STARTED, 1),
    Row(HANDED_OVER, BOTH, PASSES, DROPPED, GOES_ON, CUT, STARTED, 1),
    Row(STOPPED, BOTH, WAITS, DROPPED, GOES_ON, GOES_ON, "it goes on", 1),
    Row(OVERLOADED, BOTH, DROPPED, DROPPED, GOES_ON, CUT, "there is room", 1),
    Row(RULES, BOTH, PASSES, PASSES, GOES_ON, GOES_ON, FLUSH, 5),
    Row(SETS, BOTH, PASSES, PASSES, GOES_ON, CUT, FLUSH, 5),
    Row(FORGOTTEN, BOTH, PASSES, DROPPED, GOES_ON, CUT, FLUSH, 1),
    Row(FULL, BOTH, DROPPED, DROPPED, GOES_ON, CUT, "there is room", 1, cut_s=3),
]


def markdown():
    """The table, a line each."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(row.cells() for row in TABLE)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def in_readme():
    """The lines of the table there."""
    lines = README.read_text(encoding="utf-8").splitlines()
    start = f"| {COLUMNS[0]} |"
    at = next((number for number, line in enumerate(lines) if line.startswith(start)), len(lines))
    end = next((number for number in range(at, len(lines)) if not lines[number].startswith("|")),
               len(lines))
    return lines[at:end]


if __name__ == "__main__":
    sys.stdout.write("\n".join(markdown()) + "\n")
