# SPDX-License-Identifier: GPL-2.0-or-later
"""When the machine stood still, as far as a process can tell that does nothing but sleep.

Where nothing runs for a while, an answer comes that much later, and nobody is to blame:
who has a bound for how long something may take asks how much of it there was none to run.
Who looks is a process of its own: what keeps this one busy is no stall.
"""

import subprocess
import sys
import threading
import time

EVERY_S = 0.02  # it looks
LATE_S = 0.1    # what is less is an ordinary wait for a CPU


class Stalls:
    """Use it in a with statement. Threads: any may ask."""

    def __init__(self):
        self.found = []  # (from, to) in time.monotonic()
        self.looked = 0.0
        self.thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.looker = subprocess.Popen([sys.executable, "-B", __file__], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.looked = float(self.looker.stdout.readline())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.looker.kill()
        self.thread.join()
        self.looker.stdout.close()
        self.looker.wait()

    def _read(self):
        for line in self.looker.stdout:
            due, now = self.looked + EVERY_S, float(line)
            if now > due + LATE_S:
                self.found.append((due, now))
            self.looked = now

    def within(self, began, ended):
        """Of the time from @began to @ended, which is not to come, the seconds that were lost."""
        while self.looked < ended and self.thread.is_alive():
            time.sleep(EVERY_S)
        return sum(max(0.0, min(to, ended) - max(since, began)) for since, to in self.found)

    def words(self):
        return f"the machine stood still {len(self.found)} times, for " \
               f"{sum(to - since for since, to in self.found):.2f} s in all, and " \
               f"{max((to - since for since, to in self.found), default=0):.2f} s at most"


def look():
    """Says when it looks. It ends with who reads that."""
    while True:
        print(time.monotonic(), flush=True)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    look()
