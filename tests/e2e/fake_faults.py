# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fake API server does wrong, and for how often it does so.

A fault is a small object that stands in the way of an answer: before it, at the
beginning of a stream, at each event, at a list. What it does not touch goes its
usual way. Faults of TLS and of listening are switches of the server itself.
"""

import copy
import itertools
import json
import threading
import time

BLOCK = b"A" * 65536


class Fault:
    """Nothing is wrong."""

    def answer(self, _call):
        """True where there is an answer already."""
        return False

    def version(self, version):
        """As of which a list is made; None is now."""
        return version

    def watch_version(self, version):
        """Behind which a watch begins."""
        return version

    def list(self, call, body):
        call.say_json(body)

    def begin(self, stream):
        """A watch has begun, and nothing is sent yet."""

    def event(self, stream, event):
        stream.send(event)

    def initial_end(self, stream, version):
        stream.initial_end(version)


# ---- in place of an answer --------------------------------------------------------


class Say(Fault):
    """An answer of another kind."""

    def __init__(self, code, body=b"", content_type="application/json", headers=()):
        self.words = code, body, content_type, headers

    def answer(self, call):
        call.say(*self.words)
        return True


class SayStatus(Fault):
    """A Status, as the API server explains itself."""

    def __init__(self, code, message, **more):
        self.code, self.message, self.more = code, message, more

    def answer(self, call):
        call.say_status(self.code, self.message, **self.more)
        return True


class HangUp(Fault):
    """The connection is closed without a word."""

    def __init__(self, reset=False):
        self.reset = reset

    def answer(self, call):
        call.hang_up(self.reset)


class Raw(Fault):
    """Bytes in place of an answer, HTTP or not, and the end of the connection; @more
    comes behind them until the client has had enough."""

    def __init__(self, data, more=b""):
        self.data, self.more = data, more

    def answer(self, call):
        call.asked.status = 200
        call.stamp_end()
        call.wfile.write(self.data)
        while self.more:
            call.stamp_later()
            call.wfile.write(self.more)
        call.hang_up()


class Silence(Fault):
    """Nothing is said, and the connection stays, until release()."""

    def __init__(self):
        self.released = threading.Event()
        self.release = self.released.set

    def answer(self, call):
        self.released.wait()
        call.hang_up()


# ---- in a list --------------------------------------------------------------------


class CutList(Fault):
    """A list that ends in its middle, though its length was said."""

    def list(self, call, body):
        data = call.text(body)
        call.begin(200, "application/json", [("Content-Length", str(len(data)))])
        call.send(data[:len(data) // 2])
        call.hang_up()


class SlowList(Fault):
    """A list that comes in pieces of a few bytes: the borders are anywhere."""

    def __init__(self, piece=7, pause_s=0.0005):
        self.piece, self.pause_s = piece, pause_s

    def list(self, call, body):
        drip(call, call.text(body), self.piece, self.pause_s)
        call.end_stream()


class OldList(Fault):
    """A list of long ago: versions go back."""

    def __init__(self, version):
        self.old = version

    def version(self, _version):
        return self.old


class BadItem(Fault):
    """One object of a list is none that anybody can read."""

    def __init__(self, item):
        self.item = item

    def list(self, call, body):
        call.say_json({**body, "items": [*body["items"], self.item]})


# ---- in a watch, or in either -----------------------------------------------------


class Send(Fault):
    """Bytes at the beginning of a watch, and in place of a list; then what was to come."""

    def __init__(self, data, content_type="application/json"):
        self.data, self.content_type = data, content_type

    def list(self, call, _body):
        call.say(200, self.data, self.content_type)

    def begin(self, stream):
        stream.call.stamp_end()
        stream.call.send(self.data)


class Endless(Fault):
    """A line that has no end, until the client has had enough."""

    START = b'{"type":"ADDED","object":{"metadata":{"name":"'

    def answer(self, call):
        call.begin_stream()
        call.send(self.START)
        for _ in itertools.repeat(None):
            call.stamp_later()
            call.send(BLOCK)


class CutEvent(Fault):
    """The first event comes by half, and then the connection ends."""

    def event(self, stream, event):
        data = stream.call.text(event)
        stream.call.send(data[:len(data) // 2])
        stream.call.hang_up()


class SlowEvents(Fault):
    """Events come in pieces of a few bytes."""

    def event(self, stream, event):
        drip(stream.call, stream.call.text(event), 5, 0.0005)


class Twice(Fault):
    """Each event comes twice."""

    def event(self, stream, event):
        stream.send(event)
        stream.send(event)


class Again(Fault):
    """All of the history comes again, from a version on: versions go back."""

    def __init__(self, version):
        self.old = version

    def watch_version(self, _version):
        return str(self.old)


class Mistaken(Fault):
    """What is known is added, what is unknown is changed (API-25)."""

    SWAP = {"ADDED": "MODIFIED", "MODIFIED": "ADDED"}

    def event(self, stream, event):
        stream.send({**event, "type": self.SWAP.get(event["type"], event["type"])})


class Crossed(Fault):
    """A name goes to another object, which comes before the end of the first."""

    def __init__(self, name):
        self.name = name
        self.ended = []

    def event(self, stream, event):
        if event["object"]["metadata"].get("name") == self.name and \
                event["type"] == "DELETED":
            self.ended.append(event)
            return
        stream.send(event)
        for late in self.ended:
            stream.send(late)
        self.ended = []


class Strangers(Fault):
    """Before each event some of types that nobody knows (API-21), and an end of
    something that never was."""

    def event(self, stream, event):
        stream.send({"type": "RENAMED", "object": event["object"]})
        stream.send({"type": "RESTARTED", "object": {"at": [1, {"x": None}]}})
        stranger = copy.deepcopy(event["object"])
        stranger["metadata"] |= {"name": "stranger", "uid": "stranger"}
        stream.send({"type": "DELETED", "object": stranger})
        stream.send(event)


class BadEvent(Fault):
    """Before everything else comes an object that nobody can read."""

    def __init__(self, item):
        self.item = item

    def begin(self, stream):
        stream.send({"type": "ADDED", "object": self.item})


class ErrorEvent(Fault):
    """A watch says why it ends, and does (API-26)."""

    def __init__(self, code, message, **more):
        self.code, self.message, self.more = code, message, more

    def begin(self, stream):
        stream.error(self.code, self.message, **self.more)
        stream.is_over = True


class EndAtOnce(Fault):
    """A watch that ends without an event (API-27)."""

    def begin(self, stream):
        stream.is_over = True


class OneEvent(Fault):
    """A watch that brings something old and ends, each time."""

    def __init__(self, kind, name):
        self.words = kind, name

    def begin(self, stream):
        kind, name = self.words
        items, _ = stream.server.store.items(stream.resource.name)
        stream.item(kind, next(item for item in items if item["metadata"]["name"] == name))
        stream.is_over = True


class NoInitialEnd(Fault):
    """A streaming list that never says that it is whole (API-31)."""

    def initial_end(self, _stream, _version):
        pass


class CutInitial(Fault):
    """A streaming list that ends before it is whole (API-32)."""

    def initial_end(self, stream, _version):
        stream.call.hang_up()


def drip(call, data, piece, pause_s):
    """A few bytes at a time."""
    if not call.is_stream:
        call.begin_stream()
    for at in range(0, len(data), piece):
        call.send(data[at:at + piece])
        time.sleep(pause_s)


def as_json(value):
    return json.dumps(value).encode() + b"\n"


# ---- when -------------------------------------------------------------------------


class Faults:
    """Which faults there are. Threads: any."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rows = []    # [resource, verb, fault, how often it is still due]
        self.n_taken = 0

    def add(self, resource, verb, fault, times=1):
        """@resource, @verb  None: any; @times  None: until clear()"""
        with self.lock:
            self.rows.append([resource, verb, fault, times])
        return fault

    def clear(self):
        with self.lock:
            self.rows.clear()

    def take(self, resource, verb):
        """What is wrong with a request."""
        with self.lock:
            for row in self.rows:
                if row[0] in (None, resource) and row[1] in (None, verb):
                    self.n_taken += 1
                    if row[3] is not None:
                        row[3] -= 1
                        if not row[3]:
                            self.rows.remove(row)
                    return row[2]
        return Fault()
