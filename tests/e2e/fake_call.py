# SPDX-License-Identifier: GPL-2.0-or-later
"""One connection to a fake API server: requests as they come, answers byte by byte.

Whoever answers may also do it badly: send what is no HTTP, stop in the middle,
hang up. So that every byte is at hand, nothing is buffered.
"""

import collections
import dataclasses
import gzip
import http.server
import json
import select
import socket
import ssl
import struct
import time
import urllib.parse

GZIP_FROM = 128 * 1024  # bytes of an answer (API-43)
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound",
           406: "NotAcceptable", 410: "Expired", 422: "Invalid", 429: "TooManyRequests",
           500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
BROWSERS = ("curl", "Wget", "Mozilla/5.0")


@dataclasses.dataclass
class Request:
    """What was asked, and what became of it."""
    at: float  # time.monotonic()
    method: str
    path: str
    query: dict
    headers: dict
    resource: str = ""
    verb: str = ""     # "list", "stream" (a streaming list, and its watch) or "watch"
    user: str = ""
    status: int = 0    # 0: nothing was answered
    n_events: int = 0  # of a watch
    epoch: int = -1    # of a watch: its resource's when it began
    sent: int = 0      # a watch: the version up to which everything was sent
    ended: float = 0   # before the last of an answer is written; 0: not yet


def status_body(code, message, reason="", **more):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason or REASONS.get(code, ""), "code": code, **more}


class Call(http.server.BaseHTTPRequestHandler):
    """Runs a connection to its end in its own thread; @server is a fake_api.Server."""

    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def setup(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.settimeout(self.server.handshake_s)
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.request.settimeout(None)
        self.server.live.add(self.request)
        super().setup()

    def finish(self):
        super().finish()
        self.server.live.discard(self.request)
        self.request.close()

    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        self.asked = Request(time.monotonic(), self.command, address.path, query,
                             dict(self.headers.items()))
        self.is_stream = False
        try:
            self.server.answer(self)
        finally:
            self.stamp_end()

    def stamp_end(self):
        """Before the last write that matters: who has heard it may ask again before this
        thread goes on."""
        self.asked.ended = self.asked.ended or time.monotonic()

    def stamp_later(self):
        """The same for one of many writes, each of which may be the last that matters."""
        self.asked.ended = time.monotonic()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    @property
    def query(self):
        return self.asked.query

    def peer_name(self):
        """The common name of the client's certificate; "" without one."""
        cert = self.request.getpeercert() if isinstance(self.request, ssl.SSLSocket) else None
        return next((value for part in (cert or {}).get("subject", ())
                     for name, value in part if name == "commonName"), "")

    # ---- whole answers ----

    def say(self, code, body=b"", content_type="application/json", headers=()):
        """An answer with a length."""
        self.begin(code, content_type, [*headers, ("Content-Length", str(len(body)))])
        self.stamp_end()
        self.wfile.write(body)

    def say_json(self, body):
        """A success, small where the client can expand it."""
        data, headers = self.text(body), []
        accepted = self.headers.get("Accept-Encoding", "")
        if len(data) > GZIP_FROM and "gzip" in accepted and self.server.gzip:
            data, headers = gzip.compress(data, 1), [("Content-Encoding", "gzip")]
        self.say(200, data, headers=headers)

    def say_status(self, code, message, reason="", headers=(), **more):
        self.say(code, json.dumps(status_body(code, message, reason, **more)).encode(),
                 headers=headers)

    def text(self, value):
        """JSON as the server writes it: pretty for people (API-44)."""
        pretty = self.headers.get("User-Agent", "").startswith(BROWSERS)
        return (json.dumps(value, indent=2) if pretty
                else json.dumps(value, separators=(",", ":"))).encode() + b"\n"

    # ---- byte by byte ----

    def begin(self, code, content_type, headers=()):
        self.asked.status = code
        self.send_response(code)
        if content_type:
            self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def begin_stream(self, content_type="application/json"):
        """A success of unknown length, by send() and end_stream()."""
        self.begin(200, content_type, [("Transfer-Encoding", "chunked")])
        self.is_stream = True

    def send(self, data):
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n" if self.is_stream else data)

    def is_gone(self):
        """Whether the client has hung up: it has nothing to say during an answer."""
        return bool(select.select([self.request], [], [], 0)[0])

    def end_stream(self):
        self.stamp_end()
        self.wfile.write(b"0\r\n\r\n")

    def hang_up(self, reset=False):
        """No more; with @reset, as somebody whose machine has crashed."""
        if reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        raise HungUp


class HungUp(Exception):
    """The connection is to be closed."""


def serve(sock, address, server):
    """One connection, in this thread, to its end."""
    try:
        Call(sock, address, server)
    except (HungUp, OSError, ValueError):
        pass  # either end has gone; ValueError: in the middle of a write
    finally:
        sock.close()


def count(requests):
    """{resource: how many}"""
    return collections.Counter(request.resource for request in requests)
