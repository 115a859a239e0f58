#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What passes while nobody judges, as --on-failure and --on-overload say.

    client ── TCP 8080 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied
    client ── TCP 8081 ──► web     established, and revoked while nobody judges
    client ── UDP 9001 ──► web     denied; what fills a queue

Each case stands for a way to be absent: killed, ended in order, or alive and
asleep. What a process that sleeps has in its queue waits, and is judged when it
wakes. The topology is drawn in world.py.
"""

import dataclasses
import signal
import time

import daemon
import manifests
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

BEFORE = [scenario.allow_clients(manifests.port("http"), manifests.port("alt"))]
AFTER = [scenario.allow_clients(manifests.port("http"))]
ESTABLISHED = ("client", "web", "tcp", 8080)
REVOKED = ("client", "web", "tcp", 8081)
FLOOD_PORT = 9001
FLOOD = 4096  # packets: more than a queue holds, fewer than one source may send at once


@dataclasses.dataclass
class Case:
    """A way to be absent, under some options, and what new flows meet then."""
    name: str
    options: tuple
    signal: int
    flooded: bool
    allowed: str
    denied: str


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
    since = time.monotonic()
    if case.flooded:
        fill_queue(world_)
    probe.check_all(tap_, world_, new_flows(case.name, case.allowed, case.denied))
    tap_.equal(f"{case.name}, established flows go on", flows.names(), flows.flowing(since))


def check_back(tap_, world_, netpold, kept, revoked, start):
    change = netpold.wait_in_force(start=start)
    probe.check_all(tap_, world_, new_flows("back", ALLOWED, DENIED))
    tap_.equal("back, established flows go on", kept.names(), kept.flowing(change.at))
    tap_.equal("back, what was revoked meanwhile is cut", [],
               revoked.flowing(change.at, count=1, timeout_ms=probe.DENIED_MS))


def check_case(tap_, world_, case):
    tap_.section(f"{world_.name}, {case.name}")
    world_.folder.put("policies", *BEFORE)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, *case.options) as netpold:
        netpold.wait_in_force()
        kept = streams.Streams(world_, [ESTABLISHED])
        revoked = streams.Streams(world_, [REVOKED])
        if case.signal == signal.SIGSTOP:
            start = len(netpold.log.lines)
            with netpold.asleep():
                check_absent(tap_, world_, case, kept)
                world_.folder.put("policies", *AFTER)
            check_back(tap_, world_, netpold, kept, revoked, start)
        else:
            netpold.stop(case.signal)
            check_absent(tap_, world_, case, kept)
            world_.folder.put("policies", *AFTER)
            with daemon.Daemon(world_, daemon.ASK_ALWAYS, *case.options) as other:
                check_back(tap_, world_, other, kept, revoked, 0)
        for flows in (kept, revoked):
            flows.each("stream_stop", patience_ms=0)


def test(tap_):
    # One layout is enough: what is tested here is the queue.
    for backend in world.BACKENDS:
        with world.World(world.LAYOUTS[0], backend,
                         scenario.specs("web", "client", "guest")) as world_:
            for case in CASES:
                check_case(tap_, world_, case)


if __name__ == "__main__":
    tap.main(test)
