# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/2 before a fake API server: what comes as streams, over TLS, is asked of the
server by HTTP/1.1, each on a connection of its own.

    netpold ── TLS, HTTP/2 ──► Front ── HTTP/1.1 ──► fake_api.Server

Here goes wrong what HTTP/2 alone has: a stream that is given up while its connection
stands, a server that takes no more.
"""

import contextlib
import ctypes
import itertools
import http.client
import pathlib
import socket
import struct
import sys
import threading
import time

import fake_api

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "daemon" / "kube"))
import http2_server  # noqa: E402

PORT = 6444
MAX_DATA = 16384  # of a frame
PADDED, PRIORITY = 0x8, 0x20  # flags of HEADERS
FINAL, EMIT = 1, 2            # what libnghttp2 says of a header
# Of a connection, not of what it carries; and answers come as they are.
NOT_PASSED = {"connection", "transfer-encoding", "accept-encoding", "host"}


class Inflater:
    """HPACK (RFC 7541), by the library that libcurl has it from."""

    class Pair(ctypes.Structure):
        _fields_ = [("name", ctypes.POINTER(ctypes.c_char)),
                    ("value", ctypes.POINTER(ctypes.c_char)),
                    ("name_len", ctypes.c_size_t), ("value_len", ctypes.c_size_t),
                    ("flags", ctypes.c_uint8)]

    def __init__(self):
        self.library = ctypes.CDLL("libnghttp2.so.14")
        self.library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.state = ctypes.c_void_p()
        self.library.nghttp2_hd_inflate_new(ctypes.byref(self.state))

    def close(self):
        self.library.nghttp2_hd_inflate_del(self.state)

    def headers(self, block):
        """{name: value} of a whole block."""
        found, pair, flags = {}, self.Pair(), ctypes.c_int(0)
        while not flags.value & FINAL:
            flags.value = 0
            n = self.library.nghttp2_hd_inflate_hd2(
                self.state, ctypes.byref(pair), ctypes.byref(flags), block,
                ctypes.c_size_t(len(block)), 1)
            if n < 0:
                raise ValueError(f"no HPACK: {n}")
            if flags.value & EMIT:
                found[pair.name[:pair.name_len].decode()] = pair.value[:pair.value_len].decode()
            block = block[n:]
        self.library.nghttp2_hd_inflate_end_headers(self.state)
        return found


def literal(name, value):
    """A header that no table is asked for."""
    return b"".join((b"\0", *(bytes((len(text),)) + text.encode() for text in (name, value))))


class Connection(http2_server.Connection):
    """One of a client's, whose frames come from the threads of all its streams."""

    def __init__(self, number, sock):
        super().__init__(number, sock)
        self.lock = threading.Lock()
        self.servers = {}  # {stream: the connection to the server}
        self.last = 0

    def frame(self, kind, flags, stream, payload=b""):
        with self.lock:
            super().frame(kind, flags, stream, payload)

    def data(self, stream, data, ends=False):
        for at in range(0, len(data) or 1, MAX_DATA):
            self.frame(http2_server.DATA, 0, stream, data[at:at + MAX_DATA])
        if ends:
            self.frame(http2_server.DATA, http2_server.END_STREAM, stream)

    def end(self, stream):
        """The server need not go on."""
        sock = self.servers.pop(stream, None)
        if sock:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Front:
    """Use it in a with statement; @server is a fake_api.Server of plain HTTP.

    @fault  (part of a path, what is done in the middle of what comes next for it: it is
            called with a connection and a stream); None: nothing is wrong
    """

    def __init__(self, server, certificate):
        self.server, self.namespace = server, server.namespace
        self.url = f"https://127.0.0.1:{PORT}"
        self.context = http2_server.context(certificate, ["h2"])
        self.connections = []
        self.numbers = itertools.count()  # of them
        self.fault = None

    def __enter__(self):
        self.listener = fake_api.listening_socket(self.namespace, ("127.0.0.1", PORT))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        fake_api.enter(self.namespace)  # and so are the threads that this one makes
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        inflater = Inflater()
        try:
            connection = Connection(next(self.numbers),
                                    self.context.wrap_socket(client, server_side=True))
            self.connections.append(connection)
            for kind, flags, stream, payload in connection.frames():
                if kind == http2_server.HEADERS:
                    self._begin(connection, stream, inflater.headers(_block(flags, payload)))
                elif kind == http2_server.RST_STREAM:
                    connection.end(stream)
        except (OSError, EOFError):
            pass
        finally:
            client.close()
            inflater.close()
        for stream in list(connection.servers):
            connection.end(stream)
        connection.sock.close()

    def _begin(self, connection, stream, asked):
        connection.last = stream
        threading.Thread(target=self._pass, args=(connection, stream, asked),
                         daemon=True).start()

    def _pass(self, connection, stream, asked):
        """A request, and its answer as it comes."""
        path = asked[":path"]
        lines = [f"GET {path} HTTP/1.1", *(
            f"{name}: {value}" for name, value in asked.items()
            if name[0] != ":" and name not in NOT_PASSED), "Connection: close"]
        try:
            with socket.create_connection((self.server.host, self.server.port)) as sock:
                connection.servers[stream] = sock
                sock.sendall("\r\n".join([*lines, "", ""]).encode())
                self._answer(connection, stream, path, http.client.HTTPResponse(sock))
        except (OSError, http.client.HTTPException):
            pass  # either end has gone

    def _answer(self, connection, stream, path, response):
        response.begin()
        connection.frame(http2_server.HEADERS, http2_server.END_HEADERS, stream, b"".join(
            literal(name, value) for name, value in (
                (":status", str(response.status)),
                *((name.lower(), value) for name, value in response.getheaders()
                  if name.lower() not in NOT_PASSED))))
        while data := response.read1(65536):
            if self._takes(path):
                connection.data(stream, data[:len(data) // 2])
                fault, self.fault = self.fault[1], None
                self._stamp_end(path)
                fault(connection, stream)
                return
            connection.data(stream, data)
        connection.data(stream, b"", ends=True)

    def _stamp_end(self, path):
        """The client hears the end of it before the server behind us does."""
        now = time.monotonic()
        for request in self.server.asked():
            if not request.ended and path.startswith(f"{request.path}?"):
                request.ended = now

    def _takes(self, path):
        return self.fault and self.fault[0] in path


def _block(flags, payload):
    """The headers of a frame."""
    padding = payload[0] if flags & PADDED else 0
    start = (1 if flags & PADDED else 0) + (5 if flags & PRIORITY else 0)
    return payload[start:len(payload) - padding]
