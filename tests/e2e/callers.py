# SPDX-License-Identifier: GPL-2.0-or-later
"""Who call each other without a pause, and are judged by what was then to be expected.

A caller draws some calls, over all protocols and families, makes them at once
and goes on. What came of a call is held against every state that its time touched
(history.py): where that is one, there is one right outcome.
"""

import collections
import dataclasses
import random
import threading
import time

import history
import netns
import volley

TRIES = (("tcp", 8080), ("tcp", 8081), ("udp", 9000), ("icmp", 0))
OUTSIDE_TRIES = (("tcp", 8080), ("udp", 9000), ("icmp", 0))
MOST = 8            # calls at once
PATIENCE_MS = 4000  # for an answer that is due
QUIET_MS = 250      # for one that is not
JUDGED = 1.0        # seconds within which a packet is, however busy the machine
SENT_AGAIN_MS = 900  # TCP sends its SYN again after a second: one of both was lost


@dataclasses.dataclass
class Call:
    source: str     # in words, as is the target
    target: str
    ends: tuple     # addresses
    protocol: str
    port: int
    one_node: bool
    due: bool       # expected to be answered, and waited for
    outcome: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def flow(self):
        """As the oracle takes it."""
        return *self.ends, self.protocol.upper(), self.port or None

    @property
    def judged(self):
        """When it was, at the latest: only TCP sends again what was not answered."""
        return self.ended if self.protocol == "tcp" else min(self.ended, self.began + JUDGED)

    def words(self):
        port = f" {self.port}" if self.port else ""
        return f"{self.source} ({self.ends[0]}) to {self.target} ({self.ends[1]}), " \
               f"{self.protocol}{port}"


class Caller:
    """One that calls all others; "outside" is one, too. It has a thread."""

    def __init__(self, soak, seat, seed):
        self.soak, self.seat = soak, seat
        self.name = seat.name if seat else "outside"
        self.random = random.Random(f"{seed} {self.name}")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.error = None

    def start(self):
        self.thread.start()

    def _run(self):
        try:
            while not self.soak.over:
                self._call()
                time.sleep(self.random.uniform(0, 0.2))
        except Exception as error:  # the main thread tells it
            self.error = error

    def _call(self):
        if not self.seat:
            self.soak.calls.put(self._make(self.soak.outside))
            return
        with self.seat.still:
            self.soak.calls.put(self._make(self.seat.agent))

    def _make(self, agent):
        calls = [self._draw() for _ in range(self.random.randint(1, MOST))]
        outcomes = agent.begin(
            "volley_timed", patience_ms=PATIENCE_MS, quiet_ms=QUIET_MS,
            tries=[[call.protocol, call.ends[1], call.port, call.due] for call in calls],
        ).result(netns.ANSWER_TIMEOUT)
        for call, outcome in zip(calls, outcomes):
            call.outcome, call.began, call.ended = outcome
        return calls

    def _draw(self):
        family = self.random.choice("46")
        others = [seat for seat in self.soak.seats.all if seat is not self.seat]
        target = self.random.choice(others + [None] if self.seat else others)
        protocol, port = self.random.choice(TRIES if target else OUTSIDE_TRIES)
        seat = target or self.seat  # one of both is a seat
        outside = seat.half.site.out(10)
        ends = tuple(each.addresses[family] if each else outside[family]
                     for each in (self.seat, target))
        call = Call(self.name, target.name if target else "outside", ends, protocol, port,
                    not target or not self.seat or target.half is self.seat.half, False)
        call.due = self.soak.history.now().allows(call.flow)
        return call


class Judge:
    """Takes what callers have made, once the states of that time are known."""

    def __init__(self, states, seats, stalls):
        self.history, self.seats, self.stalls = states, seats, stalls
        self.wrong = []  # (call, verdicts, states)
        self.counts = collections.Counter()  # (protocol, family, "answered" or "silent")
        self.n_exact = self.n_either = self.n_vacant = self.n_troubled = 0
        self.slowest_ms = 0  # answer that was due from the first packet on

    def judge(self, call):
        if self.history.is_troubled(call.began, call.judged):
            self.n_troubled += 1
            return
        states = self.history.between(call.began, call.judged)
        verdicts = history.possible(call.flow, states, call.one_node)
        answered = call.outcome == volley.ANSWERED
        at_home = all(self.seats.at_home(address, call.began, call.ended)
                      for address in call.ends)
        family = "6" if ":" in call.ends[0] else "4"
        self.counts[call.protocol, family, call.outcome or "silent"] += at_home
        self.n_vacant += not at_home
        waited_for = answered or call.due or False in verdicts
        self.n_exact += at_home and len(verdicts) == 1 and waited_for
        self.n_either += at_home and (len(verdicts) > 1 or not waited_for)
        at_once = answered and at_home and verdicts == {True}
        took_ms = (call.ended - call.began) * 1000 if at_once else 0
        self.slowest_ms = max(self.slowest_ms, took_ms)
        late = took_ms > SENT_AGAIN_MS and \
            took_ms - self.stalls.within(call.began, call.ended) * 1000 > SENT_AGAIN_MS
        if late or not self._is_right(call, verdicts, answered, at_home):
            self.wrong.append((call, verdicts, states))

    @staticmethod
    def _is_right(call, verdicts, answered, at_home):
        if answered:
            return True in verdicts
        if not at_home:
            return True  # nobody to answer, or it was said that there is nobody
        if call.outcome:
            return False  # an error that nobody has made
        return False in verdicts or not call.due  # who is not due was not waited for
