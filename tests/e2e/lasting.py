# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams that last from change to change, and what each change does to them.

A stream is numbered messages and their echoes. One that stays allowed is ended
some day, and has lost none. If a change is the first to isolate one of its ends, the
stream is asked about with its next message, and no outage may begin before that: a queue
that is full, or that goes away, would lose it.

One that a change revokes stays open until the next change is due: nothing that it sent
once the change was in force is answered, and no answer at all comes later than a second
after the change was written, or a pause over that it was written in; where the machine
stood still (stalls.py), that does not count.

Streams begin while a change is being written: what revokes one may find it with
its first packet on the way.
"""

import dataclasses
import time

import netns

MOST = 32
EVERY_MS = 50
PATIENCE_MS = 5000  # for the last echoes of one that is allowed
SILENT_AFTER = 1.0  # seconds after the change
SETTLED = 1.0       # seconds within which a message is answered, however busy the machine
ENDED_AT_ONCE = 2   # of those that go on, with each change
PORTS = {"tcp": 8080, "udp": 9000}


@dataclasses.dataclass
class Stream:
    name: str
    source: object  # a seat, or None: outside
    target: object
    agent: object
    flow: tuple     # as the oracle takes it
    began: object   # in which state
    opening: object = None  # a future, until it is open
    revoked: object = None  # in which state

    def begin(self, op, **arguments):
        return self.agent.begin(op, name=self.name, **arguments)

    def touches(self, seat):
        return seat in (self.source, self.target)


class Lasting:
    def __init__(self, soak, random):
        self.soak, self.random = soak, random
        self.streams = []
        self.given_up = []  # revoked while they were opening: nobody waits for them
        self.wrong = []  # (what is, the stream, what it said)
        self.n_opened = self.n_kept = self.n_cut = self.n_messages = 0
        self.latest_ms = 0  # answer of a revoked one after its change

    # ---- around a change ----

    def before_change(self, moved=None):
        """End those that the last change revoked, some of the others, and all of a seat
        that is to move; begin new ones."""
        self._give_up()
        going = [stream for stream in self.streams if not stream.revoked]
        ending = self.random.sample(going, min(ENDED_AT_ONCE, len(going)))
        self._end([stream for stream in self.streams
                   if stream.revoked or stream in ending or (moved and stream.touches(moved))])
        self._begin(self.soak.history.last, moved)

    def before_outage(self, ended=()):
        """End those that the last change revoked: what is not judged gets its answers. Wait
        until the others were asked about, if that change has made it necessary.
        @ended  protocols of which all are ended"""
        self._give_up()
        self._end([stream for stream in self.streams
                   if stream.revoked or stream.flow[2] in ended])
        since = self.soak.history.last.in_force
        for answered in [stream.begin("stream_wait", count=1, since=since)
                         for stream in self.streams]:
            answered.result(netns.ANSWER_TIMEOUT)

    def after_change(self, state):
        for stream in list(self.streams):
            if not state.allows(stream.flow):
                stream.revoked = state
            elif stream.opening:
                self._wait_open(stream)

    def finish(self):
        self._give_up()
        self._end(list(self.streams))

    # ---- begin ----

    def _begin(self, state, moved):
        """Some that are allowed, if there are not enough, and none of a seat that moves."""
        for stream in [self._draw(state) for _ in range(MOST - len(self.streams))]:
            if state.allows(stream.flow) and not (moved and stream.touches(moved)):
                stream.opening = stream.begin(
                    "stream", protocol=stream.flow[2].lower(), address=stream.flow[1],
                    port=stream.flow[3], every_ms=EVERY_MS)
                self.streams.append(stream)

    def _wait_open(self, stream):
        try:
            stream.opening.result(netns.ANSWER_TIMEOUT)
            stream.opening = None
        except netns.CommandError as error:
            self.streams.remove(stream)
            self.wrong.append(("is allowed, and can be opened", stream, str(error)))

    def _give_up(self):
        """Those that were revoked before they were open, and are not open yet."""
        for stream in [stream for stream in self.given_up if stream.opening.done()]:
            self.given_up.remove(stream)
            if not stream.opening.exception():  # opened later, when it was allowed again
                stream.begin("stream_stop", patience_ms=0)
        for stream in [stream for stream in self.streams if stream.opening]:
            if not stream.opening.done():
                self.given_up.append(stream)
            elif not stream.opening.exception():
                stream.opening = None
        self.streams = [stream for stream in self.streams if not stream.opening]

    def _draw(self, state):
        seats = self.soak.seats.all
        source, target = self.random.sample([*seats, None], 2)
        family = self.random.choice("46")
        protocol = self.random.choice(list(PORTS))
        half = (source or target).half
        ends = tuple(seat.addresses[family] if seat else half.site.out(10)[family]
                     for seat in (source, target))
        self.n_opened += 1
        names = [seat.name if seat else "outside" for seat in (source, target)]
        return Stream(f"stream {self.n_opened}, {names[0]} ({ends[0]}) to {names[1]} "
                      f"({ends[1]}), {protocol}", source, target,
                      source.agent if source else self.soak.outside,
                      (*ends, protocol.upper(), PORTS[protocol]), state)

    # ---- end ----

    def _end(self, streams):
        ended = []
        for stream in streams:
            state = stream.revoked
            times = {"patience_ms": 0, "since": state.in_force,
                     "settled": state.written - SETTLED} if state else \
                {"patience_ms": PATIENCE_MS, "settled": time.monotonic()}
            ended.append((stream, stream.begin("stream_stop", **times)))
        for stream, future in ended:
            self.streams.remove(stream)
            report = future.result(netns.ANSWER_TIMEOUT)
            self.n_messages += report["sent"]
            if stream.revoked:
                self._check_cut(stream, report)
            else:
                self._check_kept(stream, report)

    def _check_kept(self, stream, report):
        self.n_kept += 1
        if report["answered"] != report["sent"]:
            self.wrong.append(("stays allowed, and loses no message", stream, report))

    def _check_cut(self, stream, report):
        self.n_cut += 1
        due, last = stream.revoked.due, report["last_answer"]
        late = last - due - self.soak.stalls.within(due, last)
        self.latest_ms = max(self.latest_ms, late * 1000)
        if report["answered_since"]:
            self.wrong.append(("is revoked, and gets no answer from then on", stream, report))
        if late > SILENT_AFTER:
            self.wrong.append(("is revoked, and silent within a second", stream, report))
        if report["lost"]:
            self.wrong.append(("loses no message until it is revoked", stream, report))
