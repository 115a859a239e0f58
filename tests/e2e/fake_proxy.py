# SPDX-License-Identifier: GPL-2.0-or-later
"""A web proxy inside a network namespace that does CONNECT and nothing else."""

import socket
import threading

import fake_api


class Proxy:
    """Use it in a with statement.

    @targets  what it was asked to connect to, "127.0.0.1:6443"
    """

    def __init__(self, namespace):
        self.namespace = namespace
        self.targets = []

    def __enter__(self):
        self.listener = fake_api.listening_socket(self.namespace, ("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        fake_api.enter(self.namespace)  # and so are the threads that this one makes
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as lines:
            method, target, _ = lines.readline().decode("latin-1").split()
            while lines.readline().strip():
                pass
            self.targets.append(target)
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
                return
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source, sink):
    """Until either end has had enough."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for sock in (source, sink):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
