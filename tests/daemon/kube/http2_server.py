# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of an HTTP/2 server (RFC 9113) as a test needs: it says what it is told to.

Nothing of a request is read but that it is one: requests are known by their
connection and the number of their stream. A server that has no "h2" among its
protocols speaks HTTP/1.1, and answers each request with an empty object.
"""

import itertools
import queue
import socket
import ssl
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK = END_STREAM = 1
END_HEADERS = 4
# :status 200, and content-type, by their numbers in the table of HPACK
OK = b"\x88\x0f\x10\x10application/json"


def context(certificate, protocols):
    """Of TLS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    made.set_alpn_protocols(protocols)
    return made


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + \
        struct.pack(">I", stream) + payload


class Connection:
    """One that a client has opened."""

    def __init__(self, number, sock):
        self.number = number
        self.sock = sock
        self.request = ""  # of HTTP/1.1, the last one

    def frame(self, kind, flags, stream, payload=b""):
        self.sock.sendall(frame(kind, flags, stream, payload))

    def send_pieces(self, n_bytes, n_last, frames):
        """So many bytes of them at a time, 0: all; the last ones apart."""
        data = b"".join(frames)
        end = len(data) - n_last
        starts = range(0, end, n_bytes or len(data))
        for piece in (*(data[at:min(at + (n_bytes or end), end)] for at in starts), data[end:]):
            if piece:
                self.sock.sendall(piece)

    def answer(self, stream, text, ends=True):
        """An answer's beginning, and some of it."""
        self.frame(HEADERS, END_HEADERS, stream, OK)
        self.more(stream, text, ends)

    def more(self, stream, text, ends=False):
        self.frame(DATA, END_STREAM if ends else 0, stream, text.encode())

    def reset(self, stream):
        self.frame(RST_STREAM, 0, stream, struct.pack(">I", 2))  # INTERNAL_ERROR

    def go_away(self, last):
        self.frame(GOAWAY, 0, 0, struct.pack(">II", last, 0))

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already

    def _read(self, n):
        data = b""
        while len(data) < n:
            piece = self.sock.recv(n - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def frames(self):
        if self._read(len(PREFACE)) != PREFACE:
            raise ValueError("no preface of HTTP/2")
        self.frame(SETTINGS, 0, 0)
        while True:
            head = self._read(9)
            kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:])[0]
            payload = self._read(struct.unpack(">I", b"\0" + head[:3])[0])
            if kind == SETTINGS and not flags & ACK:
                self.frame(SETTINGS, ACK, 0)
            yield kind, flags, stream, payload


class Server:
    """@certificate: (certificate, key). What happens is told by `events`:

    ("get", connection, stream), ("reset", connection, stream), ("closed", connection, 0)
    """

    def __init__(self, certificate, protocols=("h2",)):
        self.context = context(certificate, list(protocols))
        self.context.sni_callback = self._hear_name
        self.names = []  # that clients have called it by (SNI); None: by none
        self.events = queue.Queue()
        self.connections = []
        self.numbers = itertools.count()  # of them
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        for connection in self.connections:
            connection.close()
        for thread in self.threads[1:]:
            thread.join()
        for connection in self.connections:
            connection.sock.close()
        self.listener.close()

    def _hear_name(self, _sock, name, _context):
        self.names.append(name)

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return  # it has been shut down
            thread = threading.Thread(target=self._serve, args=(plain,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, plain):
        try:
            sock = self.context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return  # the client does not trust it
        connection = Connection(next(self.numbers), sock)
        self.connections.append(connection)
        try:
            if sock.selected_alpn_protocol() == "h2":
                self._read_frames(connection)
            else:
                self._read_requests(connection)
        except (OSError, EOFError):
            pass
        self.events.put(("closed", connection, 0))

    def _read_frames(self, connection):
        for kind, _, stream, _ in connection.frames():
            if kind == HEADERS:
                self.events.put(("get", connection, stream))
            elif kind == RST_STREAM:
                self.events.put(("reset", connection, stream))

    def _read_requests(self, connection):
        for number in range(1000):
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += connection._read(1)
            connection.request = request.decode()
            self.events.put(("get", connection, number))
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                    b"Content-Length: 2\r\n\r\n{}")
