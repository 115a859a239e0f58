# SPDX-License-Identifier: GPL-2.0-or-later
"""Something that listens at a status socket, and says what a test wants."""

import contextlib
import socket
import tempfile
import threading


class Daemon:
    """answer(line) gives the bytes to send back; None is silence, b"" hangs up."""

    def __init__(self, path, answer):
        self.answer = answer
        self.stopping = threading.Event()
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
        with connection, contextlib.suppress(OSError):
            for line in connection.makefile("rb"):
                said = self.answer(line)
                if said is None:
                    self.stopping.wait()
                if not said:
                    return
                connection.sendall(said)

    def stop(self):
        """Closed while somebody accepts, its number could be the next one's listener."""
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.server.join()
        self.listener.close()


@contextlib.contextmanager
def listening(answer):
    with tempfile.TemporaryDirectory(prefix="netpold-status-") as folder:
        path = f"{folder}/status.sock"
        fake = Daemon(path, answer)
        try:
            yield path
        finally:
            fake.stop()
