# SPDX-License-Identifier: GPL-2.0-or-later
"""A command whose standard error is a terminal, and what it writes there."""

import os
import pty
import select
import subprocess
import time


class Terminal:
    """A child; it is over when finish() returns."""

    def __init__(self, *arguments):
        self.fd, end = pty.openpty()
        self.child = subprocess.Popen([str(argument) for argument in arguments],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=end)
        os.close(end)
        self.text = ""

    def read(self, seconds):
        """What has come until then."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        try:
            self.text += os.read(self.fd, 4096).decode() if ready else ""
        except OSError:  # the other end is closed
            pass

    def feed_until(self, words, texts, seconds=20):
        """Write text after text to its standard input until it says so."""
        end = time.monotonic() + seconds
        while words not in self.text and time.monotonic() < end:
            self.child.stdin.write(next(texts).encode())
            self.child.stdin.flush()
            self.read(0.05)

    def finish(self):
        out = self.child.communicate(timeout=60)[0]
        self.read(1)
        os.close(self.fd)
        return out.decode()
