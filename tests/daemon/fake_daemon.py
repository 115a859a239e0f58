# SPDX-License-Identifier: GPL-2.0-or-later
"""Something that listens at a status socket, and says what a test wants."""

import contextlib
import socket
import tempfile
import threading
import time


class Daemon:
    """answer(line) gives the bytes to send back; None is silence, b"" hangs up.
    hung_up(seconds) is told how long after its last line a client hangs up by itself.
    Who is connected stays so after stop(), until he hangs up."""

    def __init__(self, path, answer, hung_up=lambda _seconds: None):
        self.answer, self.hung_up = answer, hung_up
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.server = threading.Thread(target=self._serve, daemon=True)
        self.server.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._converse, args=(self.listener.accept()[0],),
                                 daemon=True).start()

    def _converse(self, connection):
        heard_at = time.monotonic()
        with connection:
            with contextlib.suppress(OSError):
                for line in connection.makefile("rb"):
                    heard_at = time.monotonic()
                    said = self.answer(line)
                    if said == b"":
                        return
                    if said is not None:
                        connection.sendall(said)
            self.hung_up(time.monotonic() - heard_at)

    def stop(self):
        """Closed while somebody accepts, its number could be the next one's listener."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.server.join()
        self.listener.close()


@contextlib.contextmanager
def listening(answer, **more):
    with tempfile.TemporaryDirectory(prefix="netpold-status-") as folder:
        path = f"{folder}/status.sock"
        fake = Daemon(path, answer, **more)
        try:
            yield path
        finally:
            fake.stop()
