#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""stalls.py: what is lost while nothing runs, and nothing else, is found."""

import os
import signal
import subprocess
import sys
import time

import stalls
import tap

STOPPED_S = 0.4


def child():
    """Is asked by lines of two times; says what was lost between them."""
    with stalls.Stalls() as stood:
        print("ready", flush=True)
        for line in sys.stdin:
            print(stood.within(*map(float, line.split())), flush=True)


class Asked:
    """A process that looks for stalls, and may be stopped: it is one of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__, "child"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.process.stdout.readline()

    def stop(self, kill):
        """For a while; returns (from, to). @kill  of the whole of it, or of a part."""
        began = time.monotonic()
        kill(self.process.pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)
        kill(self.process.pid, signal.SIGCONT)
        return began, time.monotonic()

    def lost(self, began, ended):
        self.process.stdin.write(f"{began} {ended}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


def test(tap_):
    asked = Asked()
    began, ended = asked.stop(os.killpg)
    middle = (began + ended) / 2
    whole, first, second = (asked.lost(*times) for times in (
        (began, ended), (began, middle), (middle, ended)))
    tap_.true("a stop is found, for as long as it lasted",
              STOPPED_S - stalls.EVERY_S <= whole <= ended - began, STOPPED_S, whole)
    tap_.true("of a part of that time, what was lost in it",
              0 < first < whole and abs(first + second - whole) < 0.001, whole, (first, second))
    tap_.happens("else nothing is lost", lambda: asked.lost(
        time.monotonic() - stalls.EVERY_S, time.monotonic()) == 0)
    tap_.happens("where only one process stands still, that is no stall",
                 lambda: asked.lost(*asked.stop(os.kill)) == 0)
    tap_.equal("who looks ends with who asks", 0, asked.end())


if __name__ == "__main__":
    if sys.argv[1:] == ["child"]:
        child()
    else:
        tap.main(test)
