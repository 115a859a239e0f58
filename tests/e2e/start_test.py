#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold starts among connections that are older than it is (L11).

    client ── TCP ──► web      allowed: goes on, nothing lost
    node   ── TCP ──► loner    its own node: goes on, though loner is isolated
    guest  ── TCP ──► loner    denied, whoever opened it: cut
    guest  ── TCP ──► web      denied, but web might have opened it: goes on
    node   ◄── TCP ── loner    the same as above, but only loner speaks: goes on

Each is opened before netpold runs, once with the kernel tracking connections
already, once without, where the tracking starts in the middle of them and may
take either end for the opener (NF-53). The topology is drawn in world.py.
"""

import daemon
import manifests
import scenario
import tap
import world

# Who calls whom, and whether it goes on.
STREAMS = (("client", "web", True), ("node", "loner", True), ("guest", "loner", False),
           ("guest", "web", True))


def open_streams(world_):
    for source, target, _ in STREAMS:
        for family in "46":
            world_[source].call("stream", name=f"{target}{family}", protocol="tcp",
                                address=world_.address(target, family), port=8080, every_ms=5)
            world_[source].call("stream_wait", name=f"{target}{family}", count=5, since=0,
                                timeout_ms=5000)


def open_pushes(world_):
    """The node calls, and from then on only acknowledges what it gets."""
    world_["loner"].call("dialogue_listen", protocol="tcp", port=8100)
    for family in "46":
        world_["node"].call("dialogue", name=f"push{family}", protocol="tcp",
                            address=world_.address("loner", family), port=8100, silent=True)
        world_["node"].call("dialogue_wait", name=f"push{family}", count=3)


def check_pushes(tap_, world_, when):
    for family in "46":
        came = world_["node"].call("dialogue_wait", name=f"push{family}", count=5)
        tap_.true(f"IPv{family}: what only loner says to its node goes on, {when}",
                  came >= 5, "5 lines", came)


def change_something(world_, netpold):
    world_.folder.put("another", manifests.policy("another", "shop", {"name": "web"}, ingress=[]))
    netpold.wait_in_force()
    world_.folder.remove("another.json")
    netpold.wait_in_force()


def check_stream(tap_, world_, source, target, family, goes_on, since):
    name = f"{target}{family}"
    came = world_[source].call("stream_wait", name=name, count=10 if goes_on else 1,
                               since=since, timeout_ms=15000 if goes_on else 400)
    sentence = f"IPv{family}: {source} to {target}, opened before the start, "
    if not goes_on:
        tap_.equal(sentence + "is cut", 0, came)
        return
    tap_.true(sentence + "goes on", came >= 10, "10 answers", came)
    report = world_[source].call("stream_stop", name=name)
    tap_.equal(sentence + "loses nothing", report["sent"], report["answered"])


def check_start(tap_, specs, tracked):
    for world_ in world.variants(specs, world.CROSS):
        tap_.section(f"{world_.name}, {'tracked' if tracked else 'not tracked'} before")
        world_.folder.put("policies", *scenario.policies())
        if tracked:
            for family in "46":
                world_.netfilter.change(family, "filter", "-A", "FORWARD", "-m", "conntrack",
                                        "--ctstate", "INVALID")
        open_streams(world_)
        open_pushes(world_)
        with daemon.Daemon(world_) as netpold:
            started = netpold.wait_in_force()
            for source, target, goes_on in STREAMS:
                for family in "46":
                    check_stream(tap_, world_, source, target, family, goes_on, started.at)
            check_pushes(tap_, world_, "opened before the start")
            change_something(world_, netpold)
            check_pushes(tap_, world_, "judged anew after a change")
            tap_.equal("it stops in order", 0, netpold.stop())


def test(tap_):
    specs = scenario.specs("web", "loner", "client", "guest")
    for tracked in (True, False):
        check_start(tap_, specs, tracked)


tap.main(test)
