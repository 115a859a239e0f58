#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls by HTTP/2, over TLS: daemon/kube/http.c against a server that
says what a test wants it to say.

Prints TAP. NETPOLD names the program; asker, which makes the calls, stands in
tests/daemon/kube below its folder. What an answer is, over HTTP/1.1, is tested in
http_test.c.
"""

import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[3]
NETPOLD = pathlib.Path(os.environ.get("NETPOLD", ROOT / "build" / "netpold")).absolute()
ASKER = NETPOLD.parent / "tests" / "daemon" / "kube" / "asker"

sys.path[:0] = [str(ROOT / "tests" / "daemon" / "kube"), str(ROOT / "tests" / "e2e")]
import authority  # noqa: E402
import http2_server  # noqa: E402
import tap  # noqa: E402

PATIENCE_S = 20
NO_ERROR = "200 0 "
# A connection that is silent for 30 s is asked three times, 5 s apart; what is sent is
# to be acknowledged within 45,000 ms.
DEAD = "1 30 5 3 45000"


class Asker:
    """A client, and what it says. @fields: what else the kubeconfig says of its cluster."""

    def __init__(self, server, ca, fields=""):
        self.ca = pathlib.Path(ca)
        kubeconfig = self.ca.with_name("kubeconfig")
        kubeconfig.write_text(f"""
current-context: test
contexts: [{{name: test, context: {{cluster: test}}}}]
clusters: [{{name: test, cluster: {{server: "{server.url}", certificate-authority: {ca}{fields}}}}}]
""")
        plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        self.process = subprocess.Popen([ASKER, kubeconfig], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, bufsize=1, env=plain)
        self.said = {}  # of each call
        self.sockets = []  # their options
        self.done = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.n_calls = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()
        if self.process.wait(timeout=PATIENCE_S) != 0:
            raise RuntimeError(f"asker: exit status {self.process.returncode}")

    def _read(self):
        for line in self.process.stdout:
            number, _, text = line.rstrip("\n").partition(" ")
            if number == "done":
                self.done.put(None)
            elif number == "socket":
                self.sockets.append(text)
            else:
                self.of(int(number)).put(text)

    def of(self, number):
        return self.said.setdefault(number, queue.Queue())

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.done.get(timeout=PATIENCE_S)

    def get(self):
        self.order(f"get /api/v1/pods?number={self.n_calls}")
        self.n_calls += 1
        return self.n_calls - 1

    def next(self, number):
        """What comes next of a call; None where nothing does in time."""
        try:
            return self.of(number).get(timeout=PATIENCE_S)
        except queue.Empty:
            return None

    def hear(self, number, n_bytes):
        """So many bytes of a body, or as many as come in time."""
        n_heard = 0
        while n_heard < n_bytes and (told := self.next(number) or "").startswith("body "):
            n_heard += len(told.removeprefix("body "))
        return n_heard


class World:
    """A server and who asks it."""

    def __init__(self, notes, server, asker):
        self.notes, self.server, self.asker = notes, server, asker

    def event(self, *kinds):
        """The next one of these kinds: what, on which connection and which stream."""
        while True:
            event = self.server.events.get(timeout=PATIENCE_S)
            if event[0] in kinds:
                return event

    def get(self):
        """(number of the call, connection, stream)"""
        return self.asker.get(), *self.event("get")[1:]

    def expect(self, sentence, number, *expected):
        self.notes.equal(sentence, list(expected),
                         [self.asker.next(number) for _ in expected])

    def begin(self, number, connection, stream):
        """Half an answer. (A call that nothing has come for would be made anew, by libcurl,
        where its connection is lost.)"""
        connection.answer(stream, "{", ends=False)
        self.expect("half an answer is told", number, "begin application/json", "body {")

    def answer(self, number, connection, stream):
        """A call is answered as it should be."""
        connection.answer(stream, "{}")
        return [self.asker.next(number) for _ in range(3)] == [
            "begin application/json", "body {}", "end " + NO_ERROR]


# ---- cases -----------------------------------------------------------------------


def check_apart(world):
    """API-52: calls have a connection each, which is used again when they are over."""
    numbers = [world.asker.get() for _ in range(3)]
    first, second, third = (world.event("get")[1:] for _ in numbers)
    world.notes.equal("three calls at once make three connections (API-52)", [0, 1, 2],
                      sorted(connection.number for connection, _ in (first, second, third)))
    by_name = {}
    for name, (connection, stream) in (("x", first), ("y", second), ("z", third)):
        connection.answer(stream, name, ends=False)
        by_name[name] = connection, stream
    of = {}
    for number in numbers:
        world.expect("an answer that goes on is told as it comes", number,
                     "begin application/json")
        of[(world.asker.next(number) or "body ?").removeprefix("body ")] = number
    world.notes.equal("each has its own", ["x", "y", "z"], sorted(of))
    by_name["x"][0].more(by_name["x"][1], "more")
    world.expect("and more of it", of["x"], "body more")
    by_name["y"][0].reset(by_name["y"][1])
    world.expect("the server can give one answer up", of["y"],
                 f"end 200 -104 the answer breaks off from {world.server.url[8:]}: HTTP/2 stream 1 "
                 "was not closed cleanly: INTERNAL_ERROR (err 2)")
    by_name["x"][0].more(by_name["x"][1], "", ends=True)
    world.expect("and end another one", of["x"], "end " + NO_ERROR)
    number, again, stream = world.get()
    world.notes.equal("a connection whose call is over is used again", 3,
                      len(world.server.connections))
    world.notes.true("and answers", world.answer(number, again, stream), "{}", "no {}")


def check_dead(world):
    """API-29: the machine is no longer there, and nobody says so."""
    number, connection, stream = world.get()
    world.answer(number, connection, stream)
    world.asker.order("options")
    world.notes.equal("a connection to a dead machine ends after 45 s (API-29)", [DEAD],
                      world.asker.sockets)


def check_lost(world):
    """What breaks off is no whole answer (API-27)."""
    one, connection, stream = world.get()
    world.begin(one, connection, stream)
    two, other, other_stream = world.get()
    world.begin(two, other, other_stream)
    connection.close()
    end = world.asker.next(one) or "nothing"
    world.notes.true("a call ends with its connection, and as a failure (API-27)",
                     end.startswith("end 200 -"), "end 200 -…", end)
    world.event("closed")
    other.more(other_stream, "}", ends=True)
    world.expect("another one goes on", two, "body }", "end " + NO_ERROR)
    number, connection, stream = world.get()
    world.notes.true("the next call is answered", world.answer(number, connection, stream), "{}",
                     "no {}")


def check_go_away(world):
    """A server that stops says that it takes no more, and ends what it has."""
    one, connection, stream = world.get()
    world.begin(one, connection, stream)
    connection.go_away(stream)
    connection.more(stream, "}", ends=True)
    world.expect("what was taken is answered to its end", one, "body }", "end " + NO_ERROR)
    number = world.asker.get()
    _, connection, stream = world.event("get")
    world.notes.equal("the next call makes a new connection", 1, connection.number)
    world.notes.true("and is answered", world.answer(number, connection, stream), "{}", "no {}")


def check_given_up(world):
    """Whoever is given up may have nobody behind it any more (API-29)."""
    one, connection, _ = world.get()
    world.asker.order(f"cancel {one}")
    world.notes.equal("a call that is cancelled takes its connection with it (API-29)",
                      connection, world.event("closed")[1])
    number, connection, stream = world.get()
    world.notes.equal("the next call makes a new one", 1, connection.number)
    world.notes.true("and is answered", world.answer(number, connection, stream), "{}", "no {}")


# Of the events of one watch, the bytes of each frame; an event of some KiB has two.
FRAMES = [(100, 100), (4096, 400), (5000,), (4096, 4096, 300), (8192, 100),
          (16384, 16384, 100)]
# How many bytes come at a time, each in a record of TLS of its own; 0: all at once. In
# the end: how many of the last ones come later.
PIECES = [(0, 0), (0, 50), (2500, 0), (1000, 0)]


def check_long(world):
    """What has come is told, however it came, and not only when more comes."""
    number, connection, stream = world.get()
    world.begin(number, connection, stream)
    for frames in FRAMES:
        for piece, late in PIECES:
            connection.send_pieces(piece, late, (
                http2_server.frame(http2_server.DATA, 0, stream, b"x" * n) for n in frames))
            world.notes.equal(f"frames of {frames} bytes, {piece or 'all'} at a time, the last "
                              f"{late} later: all of it is told", sum(frames),
                              world.asker.hear(number, sum(frames)))
    connection.send_pieces(0, 0, [
        http2_server.frame(http2_server.DATA, flags, stream, b"x" * 16384)
        for flags in (0, http2_server.END_STREAM)])
    world.notes.equal("and what comes together with the end", 32768,
                      world.asker.hear(number, 32768))
    world.expect("and the end", number, "end " + NO_ERROR)
    # A head is longer as text, and is given in the same read.
    number, connection, stream = world.get()
    n_bytes = 16384 - 2 * 9 - len(http2_server.OK)
    connection.send_pieces(0, 0, [
        http2_server.frame(http2_server.HEADERS, http2_server.END_HEADERS, stream,
                           http2_server.OK),
        http2_server.frame(http2_server.DATA, http2_server.END_STREAM, stream, b"x" * n_bytes)])
    world.expect("an answer in one record of TLS has a beginning", number,
                 "begin application/json")
    world.notes.equal("all of its body", n_bytes, world.asker.hear(number, n_bytes))
    world.expect("and its end", number, "end " + NO_ERROR)


def check_authority(world, ours, foreign):
    """API-62: the CA's file is replaced while netpold runs."""
    number, connection, stream = world.get()
    world.notes.true("a server of the CA is trusted", world.answer(number, connection, stream),
                     "{}", "no {}")
    foreign.copy(world.asker.ca)
    number, again, stream = world.get()
    world.notes.equal("a connection that stands goes on", 0, again.number)
    world.answer(number, again, stream)
    again.close()
    world.event("closed")
    number = world.asker.get()
    end = world.asker.next(number) or "nothing"
    world.notes.true("a new connection asks the CA that is in the file now (API-62)",
                     end.startswith(f"end 0 -129 cannot trust {world.server.url[8:]}: SSL "
                                    "certificate problem: unable to get local issuer"),
                     "cannot trust", end)
    ours.copy(world.asker.ca)
    number, again, stream = world.get()
    world.notes.true("and trusts the server when it is the right one again",
                     world.answer(number, again, stream), "{}", "no {}")


def check_plain(world):
    """API-52: a server without HTTP/2."""
    numbers = [world.asker.get() for _ in range(2)]
    for number in numbers:
        world.expect("a server that has HTTP/1.1 only is asked by that (API-52)", number,
                     "begin application/json", "body {}", "end " + NO_ERROR)


def check_name(world):
    """API-65: the certificate is for another name than the URL has."""
    number = world.asker.get()
    world.expect("a server that has the name in the kubeconfig is trusted (API-65)", number,
                 "begin application/json", "body {}", "end " + NO_ERROR)
    world.notes.equal("it is called by that name in TLS", ["api.example"], world.server.names)
    host = f"\r\nHost: {world.server.url[8:]}\r\n"
    request = world.server.connections[0].request
    world.notes.true("and by its own in HTTP", host in request, host, request)


def check_other_name(world):
    """The same without a word about it."""
    number = world.asker.get()
    world.expect("a server of another name is not trusted (API-65)", number,
                 f"end 0 -129 cannot trust {world.server.url[8:]}: SSL: no alternative "
                 "certificate subject name matches target host name '127.0.0.1'")


CASES = [("apart", check_apart), ("dead", check_dead), ("lost", check_lost),
         ("going away", check_go_away), ("given up", check_given_up),
         ("long", check_long)]


def test(notes):
    with tempfile.TemporaryDirectory(prefix="netpold-http2-") as folder:
        ours = authority.Authority(folder)
        foreign = authority.Authority(folder, name="another CA")
        ca = pathlib.Path(folder) / "ca.crt"

        def run(section, check, *more, protocols=("h2",), name="IP:127.0.0.1", fields=""):
            notes.section(section)
            ours.copy(ca)
            with http2_server.Server(ours.server(name), protocols) as server, \
                    Asker(server, ca, fields) as asker:
                check(World(notes, server, asker), *more)

        for section, check in CASES:
            run(section, check)
        run("authority", check_authority, ours, foreign)
        run("HTTP/1.1", check_plain, protocols=("http/1.1",))
        run("named", check_name, protocols=("http/1.1",), name="DNS:api.example",
            fields=", tls-server-name: api.example")
        run("unnamed", check_other_name, name="DNS:api.example")


if __name__ == "__main__":
    tap.main(test)
