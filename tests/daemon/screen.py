# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal with a command in it, whose pages are looked at and whose keys are pressed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

PATIENCE = 20  # seconds
CLEARED = "\x1b[H\x1b[J"  # a page begins
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """As a context manager it ends the command, if that has not ended."""

    def __init__(self, *command, columns=80, lines=24, **variables):
        size = struct.pack("HHHH", lines, columns, 0, 0)
        self.status = None
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execvpe(str(command[0]), [str(word) for word in command],
                       {**os.environ, "TERM": "xterm", **variables})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        os.close(self.fd)

    def _reap(self):
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, seconds):
        """False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody is at the other end any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def lines(self):
        """Of the page that was begun last, as they are seen."""
        page = self.text[self.text.rfind(CLEARED) + len(CLEARED):] if CLEARED in self.text else ""
        return SEQUENCE.sub("", page).split("\r\n")

    def wait(self, enough, seconds=PATIENCE):
        """Until enough(lines); returns whether."""
        end = time.monotonic() + seconds
        while not enough(self.lines()):
            left = end - time.monotonic()
            if left <= 0 or not self._read(min(left, 1)):
                return enough(self.lines())
        return True

    def shows(self, words, seconds=PATIENCE):
        return self.wait(lambda lines: any(words in line for line in lines), seconds)

    def shows_no(self, words, seconds=PATIENCE):
        """Of a page that is there."""
        return self.wait(lambda lines: any(lines) and not any(words in line for line in lines),
                         seconds)

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def kill(self, number):
        os.kill(self.pid, number)

    def modes(self):
        return termios.tcgetattr(self.fd)[:4]

    def _has_ended(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def finish(self):
        """Wait for its end; returns the exit status."""
        end = time.monotonic() + PATIENCE
        while not self._has_ended() and time.monotonic() < end:
            if not self._read(0.05):
                time.sleep(0.01)  # it has closed the terminal, and is about to end
        if not self._has_ended():
            os.kill(self.pid, signal.SIGKILL)
        while select.select([self.fd], [], [], 0)[0] and self._read(0):
            pass
        self._reap()
        return self.status
