# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP from within a network namespace: whole requests, and sockets for what is none."""

import concurrent.futures
import contextlib
import ctypes
import http.client
import os
import socket
import time

CLONE_NEWNET = 0x40000000  # sched.h
PATIENCE = 15  # seconds until something that should happen counts as not happening
LOOPBACK = {"4": "127.0.0.1", "6": "::1"}

libc = ctypes.CDLL(None, use_errno=True)


class Web:
    """Asks as a process of the host would; use it in a with statement.

    A thread of it lives in the host's namespace, and makes the sockets, which stay there.
    """

    def __init__(self, host, port, tls=None):
        self.host, self.port = host, port
        self.tls = tls  # an ssl.SSLContext; None: without TLS

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter)
        return self

    def __exit__(self, *_):
        self.pool.shutdown()

    def _enter(self):
        fd = os.open(f"/proc/{self.host.pid}/ns/net", os.O_RDONLY)
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def socket(self, family="4"):
        made = self.pool.submit(socket.socket, {"4": socket.AF_INET, "6": socket.AF_INET6}[family])
        return made.result(PATIENCE)

    def connect(self, family="4"):
        """A connection; OSError where nobody listens."""
        connection = self.socket(family)
        connection.settimeout(PATIENCE)
        try:
            connection.connect((LOOPBACK[family], self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, path, method="GET", family="4", headers=None):
        """(status, body, headers)"""
        asking = http.client.HTTPConnection("netpold")
        asking.sock = self.connect(family)
        with contextlib.closing(asking):
            if self.tls:
                asking.sock = self.tls.wrap_socket(asking.sock, server_hostname=LOOPBACK[family])
            asking.request(method, path, headers=headers or {})
            answer = asking.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())

    def get(self, path, family="4", headers=None):
        """(status, body without the end of its line)"""
        status, body, _ = self.ask(path, family=family, headers=headers)
        return status, body.removesuffix("\n")

    def wait(self, path, enough, headers=None):
        """Ask again until enough(status, body); returns them, the last in any case. Nobody who
        listens is (0, "")."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                got = self.get(path, headers=headers)
            except OSError:
                got = 0, ""
            if enough(*got) or time.monotonic() > deadline:
                return got
            time.sleep(0.02)
