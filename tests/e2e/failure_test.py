#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What passes while nobody judges, as --on-failure and --on-overload say.

    client ── TCP 8080 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied; with --deny=reject, refused
    client ── TCP 8081 ──► web     established, and revoked while nobody judges
    client ── UDP 9001 ──► web     denied; what fills a queue

Each case stands for a way to be absent: killed, ended in order, or alive and
asleep. What a process that sleeps has in its queue waits, and is judged when it
wakes. With --deny=reject (L18) nobody is there to tell meanwhile, so that what does
not pass meets silence; once netpold is back, who still waits is told, and who comes
then is told at once, also behind a flood, of which only so much is told. The topology
is drawn in world.py.
"""

import dataclasses
import signal
import time

import daemon
import manifests
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, REFUSED, Probe

BEFORE = [scenario.allow_clients(manifests.port("http"), manifests.port("alt"))]
AFTER = [scenario.allow_clients(manifests.port("http"))]
ESTABLISHED = ("client", "web", "tcp", 8080)
REVOKED = ("client", "web", "tcp", 8081)
FLOOD_PORT = 9001
FLOOD = 4096  # packets: more than a queue holds, fewer than one source may send at once

REJECT = "--deny=reject"
REJECT_BURST, REJECT_RATE = 200, 1000  # refusals of a worker: at once, and a second
OTHERS = 50  # refusals beside the flood's, and what a tick of the clock (4 ms) adds
WAITING_MS = 20000  # TCP has sent its SYN four times again by then


@dataclasses.dataclass
class Case:
    """A way to be absent, under some options, and what new flows meet then."""
    name: str
    options: tuple
    signal: int
    flooded: bool
    allowed: str
    denied: str

    @property
    def rejecting(self):
        return REJECT in self.options

    @property
    def denied_back(self):
        """What new flows meet that are denied, when it is back."""
        return REFUSED if self.rejecting else DENIED


@dataclasses.dataclass
class Flows:
    """@kept, @revoked  Streams that stood before
    @waiting         as probe.begin_all(): new ones that nobody has answered yet
    """
    kept: streams.Streams
    revoked: streams.Streams
    waiting: list = ()


CASES = [
    Case("killed, open", ("--on-failure", "open"), signal.SIGKILL, False, ALLOWED, ALLOWED),
    Case("killed, closed", ("--on-failure", "closed"), signal.SIGKILL, False, DENIED, DENIED),
    Case("ended, open", (), signal.SIGTERM, False, ALLOWED, ALLOWED),
    Case("ended, closed", ("--on-failure=closed",), signal.SIGTERM, False, DENIED, DENIED),
    Case("asleep, open", ("--on-failure", "open"), signal.SIGSTOP, False, DENIED, DENIED),
    Case("asleep, closed", ("--on-failure", "closed"), signal.SIGSTOP, False, DENIED, DENIED),
    Case("overloaded, dropping", ("--workers=1", "--on-overload", "drop"), signal.SIGSTOP, True,
         DENIED, DENIED),
    Case("overloaded, accepting", ("--workers=1", "--on-overload=accept"), signal.SIGSTOP, True,
         ALLOWED, ALLOWED),
    Case("killed, rejecting", (REJECT,), signal.SIGKILL, False, ALLOWED, ALLOWED),
    Case("killed, rejecting, closed", (REJECT, "--on-failure=closed"), signal.SIGKILL, False,
         DENIED, DENIED),
    Case("asleep, rejecting, closed", (REJECT, "--on-failure=closed"), signal.SIGSTOP, False,
         DENIED, DENIED),
    Case("overloaded, rejecting", ("--workers=1", REJECT), signal.SIGSTOP, True, DENIED, DENIED),
]


def new_flows(when, allowed, denied):
    return [Probe(f"{when}, a new flow that is allowed: {allowed}", "client", "web", "tcp", 8080,
                  allowed),
            Probe(f"{when}, a new flow that is denied: {denied}", "guest", "web", "tcp", 8080,
                  denied)]


def fill_queue(world_):
    """Datagrams that nobody has judged."""
    for family in "46":
        world_["client"].call("send_many", address=world_.address("web", family), port=FLOOD_PORT,
                              count=FLOOD)


def check_absent(tap_, world_, case, flows):
    """At its end what they may is edited."""
    since = time.monotonic()
    if case.flooded:
        fill_queue(world_)
    if case.rejecting and case.denied == DENIED:
        flows.waiting = probe.begin_all(world_, [
            Probe("back, who still waits is told", "guest", "web", "tcp", 8080, REFUSED,
                  patience_ms=WAITING_MS)])
    probe.check_all(tap_, world_, new_flows(case.name, case.allowed, case.denied))
    tap_.equal(f"{case.name}, established flows go on", flows.kept.names(),
               flows.kept.flowing(since))
    world_.folder.put("policies", *AFTER)


def check_flood_told(tap_, world_, since):
    """What has filled the queue is judged, and told of no more often than may be."""
    observer.wait_metric(world_, "netpold_queue_waiting_packets", lambda n: n == 0)
    told = observer.metrics(world_)["netpold_packets_rejected_total"]
    most = OTHERS + REJECT_BURST + REJECT_RATE * (time.monotonic() - since)
    tap_.true("back, a flood is told of at a bounded rate", REJECT_BURST <= told <= most,
              f"{REJECT_BURST} to {most:.0f}", told)


def check_revoked(tap_, case, flows, change):
    tap_.equal("back, what was revoked meanwhile is cut", [],
               flows.revoked.flowing(change.at, count=1, timeout_ms=probe.DENIED_MS))
    if case.rejecting:
        tap_.equal("back, what was revoked meanwhile is reset",
                   [(name, True) for name in flows.revoked.names()],
                   flows.revoked.each("stream_ended"))


def check_back(tap_, world_, case, flows, change):
    probe.check_all(tap_, world_, new_flows("back", ALLOWED, case.denied_back))
    tap_.equal("back, established flows go on", flows.kept.names(), flows.kept.flowing(change.at))
    check_revoked(tap_, case, flows, change)
    probe.check_begun(tap_, flows.waiting)


def check_asleep(tap_, world_, case, flows, netpold):
    start = len(netpold.log.lines)
    with netpold.asleep():
        check_absent(tap_, world_, case, flows)
        woken = time.monotonic()
    change = netpold.wait_in_force(start=start)
    if case.flooded and case.rejecting:
        check_flood_told(tap_, world_, woken)
    check_back(tap_, world_, case, flows, change)


def check_ended(tap_, world_, case, flows, netpold):
    netpold.stop(case.signal)
    check_absent(tap_, world_, case, flows)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, *case.options) as other:
        check_back(tap_, world_, case, flows, other.wait_in_force())


def check_case(tap_, world_, case):
    tap_.section(f"{world_.name}, {case.name}")
    world_.folder.put("policies", *BEFORE)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, *case.options) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, new_flows("before", ALLOWED, case.denied_back))
        flows = Flows(streams.Streams(world_, [ESTABLISHED]), streams.Streams(world_, [REVOKED]))
        if case.signal == signal.SIGSTOP:
            check_asleep(tap_, world_, case, flows, netpold)
        else:
            check_ended(tap_, world_, case, flows, netpold)
        for some in (flows.kept, flows.revoked):
            some.each("stream_stop", patience_ms=0)


def test(tap_):
    # One layout is enough: what is tested here is the queue.
    for backend in world.BACKENDS:
        with world.World(world.LAYOUTS[0], backend,
                         scenario.specs("web", "client", "guest")) as world_:
            for case in CASES:
                check_case(tap_, world_, case)


if __name__ == "__main__":
    tap.main(test)
