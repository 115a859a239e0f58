#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Races between a change and the packets on their way, lost on purpose.

Each race is run in a build for tests that holds its window open (fault.h): once
as netpold is, where nothing may get through once the change is in force, and
once without the guard that closes the window, where something has to get
through, or the test would show nothing (NF-63, NF-95).

    client ── TCP 8080 ──► web     allowed, then revoked

The topology is drawn in world.py.
"""

import dataclasses
import time

import announced_test
import daemon
import manifests
import pause_test
import repair_test
import scenario
import streams
import tap
import world

FLOW = [("client", "web", "tcp", 8080)]
OPEN = scenario.allow_clients(manifests.port("http"))
CLOSED = scenario.allow_clients(manifests.port(4444))
SILENCE_MS = 300
TRIES = 3


@dataclasses.dataclass
class Race:
    name: str
    points: str  # where to wait, and how long
    guard: str   # what to go without
    lose: object  # (world, netpold): what has got through; None: nobody came in time
    options: tuple = ()


def stray(flows, change):
    """Which flows have got answers to what they sent once the change was in force."""
    return [name for name, n in flows.each("stream_wait", count=1, since=change.at,
                                           timeout_ms=SILENCE_MS) if n]


def late_verdict(world_, netpold):
    """A connection is allowed; while the verdict waits to be sent, it is revoked."""
    netpold.apply(OPEN)
    flows = streams.Streams(world_, FLOW, wait=False)
    time.sleep(0.1)
    change = netpold.apply(CLOSED)
    flows.keep_opened()
    return stray(flows, change)


def newly_isolated(world_, netpold):
    """A flow gets its mark when it is diverted, before the snapshot that denies it."""
    flows = streams.Streams(world_, FLOW)
    flows.flowing(0)
    return stray(flows, netpold.apply(CLOSED))


def announced_meanwhile(world_, netpold):
    """A connection is announced while its master is just losing its mark. Where it comes too late
    for that, and is denied, by either family, there was no race."""
    netpold.apply(announced_test.FTP_OPEN)
    announced_test.open_control(world_)
    announced_test.announce(world_)
    since = world_.folder.put("policies", announced_test.ONLY_HTTP)
    time.sleep(0.15)
    flows = streams.Streams(world_, [("client", "web", "tcp", announced_test.DATA)], wait=False)
    change = netpold.wait_in_force(since=since)
    n_begun = len(flows.streams)
    flows.keep_opened()
    strays = stray(flows, change)
    return strays if strays or len(flows.streams) == n_begun else None


def answered(world_, source="client", target="web", protocol="tcp", port=8080):
    """Over which families a new connection is answered."""
    return [family for family in "46" if world_[source].call(
        "try_once", protocol=protocol, address=world_.address(target, family), port=port,
        timeout_ms=SILENCE_MS + 200)["ok"]]


def late_answer(world_, netpold):
    """While a verdict that is to be remembered waits to be sent, it is revoked."""
    netpold.apply(OPEN)
    streams.Streams(world_, FLOW, wait=False)
    time.sleep(0.1)
    netpold.apply(CLOSED)
    time.sleep(SILENCE_MS / 1000)
    return answered(world_)


def stale_answer(world_, netpold):
    """An answer is remembered, and then it is another one."""
    netpold.apply(OPEN)
    answered(world_)
    netpold.apply(CLOSED)
    return answered(world_)


TALK, BACK = 9100, 4000
CALLS_BACK = manifests.policy("client-from-web", "shop", {"app": "client"}, ingress=[
    manifests.rule([manifests.pods(app="web")], [manifests.port(BACK, "UDP")])])


def reply_to_another(world_, netpold):
    """web may call the client at the very port that the client talks to web from: a reply of
    their talk looks like such a call, whose answer is remembered."""
    netpold.apply(scenario.allow_clients(manifests.port(TALK, "UDP")), CALLS_BACK)
    world_["web"].call("dialogue_listen", protocol="udp", port=TALK)
    for family in "46":
        world_["client"].call("dialogue", name=f"talk{family}", protocol="udp", port=TALK,
                              address=world_.address("web", family), source_port=BACK)
        world_["client"].call("dialogue_wait", name=f"talk{family}", count=3)
    answered(world_, "web", "client", "udp", BACK)
    netpold.apply(CLOSED, CALLS_BACK)
    for family in "46":  # what had been sent before
        world_["client"].call("dialogue_wait", name=f"talk{family}", count=1, timeout_ms=50)
    return [family for family in "46" if world_["client"].call(
        "dialogue_wait", name=f"talk{family}", count=1, timeout_ms=SILENCE_MS)]


def paused_answer(world_, netpold):
    """What waits in the queue when a pause begins is let in by the pause, not by a policy."""
    netpold.apply(CLOSED)
    for port in (4445, 8080):  # the first keeps the worker from the second
        for family in "46":
            world_["client"].begin("try_once", protocol="tcp", port=port, timeout_ms=2000,
                                   address=world_.address("web", family))
        time.sleep(0.1)
    pause_test.pause(world_, "--for=1m")
    pause_test.pause(world_, "--end")
    netpold.wait_in_force()
    return answered(world_)


def destroyed(world_, netpold):
    """Somebody destroys rules and sets. The sets are made anew, and then policies change: the
    rules have to stand again before that is in force. The process that would put them up
    without being asked is too late."""
    netpold.apply(OPEN)
    flows = streams.Streams(world_, FLOW)
    for family in "46":
        repair_test.destroy_everything(world_, family)
    netpold.log.wait(lambda line, _at: line if repair_test.SETS in line else None)
    since = world_.folder.put("policies", CLOSED)
    return stray(flows, netpold.wait_in_force(since=since, patience=30))


RACES = [
    Race("a change when everything was destroyed", "mend=0", "anew", destroyed),
    Race("a verdict that is sent late", "verdict=300", "section", late_verdict),
    Race("a verdict of the snapshot before", "verdict=300", "grace", late_verdict),
    Race("a diversion that is ahead of the snapshot", "publish=300", "sweep-last",
         newly_isolated),
    Race("a connection that is announced during the sweep", "sweep=400", "again",
         announced_meanwhile),
    Race("an answer that is remembered late", "verdict=300,timeout=3600", "section",
         late_answer, (daemon.REMEMBER,)),
    Race("an answer that is not judged again", "timeout=3600", "rejudge", stale_answer,
         (daemon.REMEMBER,)),
    Race("a reply of a revoked flow that looks like somebody's call", "timeout=3600",
         "direction", reply_to_another, (daemon.REMEMBER,)),
    Race("an answer that a pause has given", "verdict=300,timeout=3600", "owed", paused_answer,
         (daemon.REMEMBER, "--workers=1")),
]


# It selects nobody, and is there to be counted.
MARK = manifests.policy("mark", "shop", {"app": "nobody"}, ingress=[])


def owed_to_the_next():
    """
    Somebody destroys the sets while a change is being settled, so that neither that nor the
    next one can be made. What can be done again meanwhile is done by the old snapshot.
    """
    with world.World("routed", "nft", announced_test.specs()) as world_, daemon.Daemon(
            world_, before=("env", "FAULT_POINTS=sweep=400"), program=daemon.FAULTY) as netpold:
        netpold.wait_in_force()
        netpold.apply(scenario.allow_clients(manifests.port("http"), manifests.port(4444)))
        flows = streams.Streams(world_, FLOW)
        world_.folder.put("policies",
                          scenario.allow_clients(manifests.port("http"), manifests.port(4445)))
        time.sleep(0.2)
        for family in "46":
            repair_test.destroy_everything(world_, family)
        since = world_.folder.put("policies", CLOSED, MARK)
        netpold.log.wait(lambda line, _at: line if "trying again" in line else None)
        while (change := netpold.wait_in_force(since=since)).policies != 2:
            pass  # the first one, after all, if it is not part of the next
        return stray(flows, change)


def run_race(race, guarded):
    with world.World("routed", "nft", announced_test.specs()) as world_:
        announced_test.use_helper(world_)
        world_["web"].call("ftp_serve", port=announced_test.CONTROL)
        points = race.points if guarded else f"{race.points},without={race.guard}"
        with daemon.Daemon(world_, *race.options, before=("env", f"FAULT_POINTS={points}"),
                           program=daemon.FAULTY) as netpold:
            netpold.wait_in_force()
            return race.lose(world_, netpold)


def run_guarded(race):
    """What has got through. A busy machine may be late for a race: then another is run."""
    for _ in range(TRIES):
        if (strays := run_race(race, True)) is not None:
            return strays
    return f"nobody came in time, {TRIES} times"


def test(tap_):
    daemon.faulty_must_exist()
    tap_.equal("NF-63: what a change owes that could not be made is paid when it is", [],
               owed_to_the_next())
    for race in RACES:
        tap_.equal(f"{race.name} lets nothing through", [], run_guarded(race))
        tap_.happens(f"and without {race.guard} it does", lambda: run_race(race, False))


if __name__ == "__main__":
    tap.main(test)
