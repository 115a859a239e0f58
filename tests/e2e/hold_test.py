#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that wait in a queue outlive whatever netpold does meanwhile.

    client ── UDP 9000 ──► web      allowed at first
    guest  ── UDP 9001 ──► free     no policy; held in somebody else's queue

150 packets, each the first of a flow, wait: in the other queue while netpold
makes 20 changes that move members of its sets, and is stopped and started; then
in netpold's own, which is asleep. None may be lost: a base chain made anew, or
a last rule that asks for connections, would take all queues of the namespace
with it (L1). And whatever is on its way to a verdict when the policies change:
once the change is in force, no flow goes on by the verdict from before (NF-63,
DEC-8). The topology is drawn in world.py.
"""

import time

import daemon
import manifests
import netns
import scenario
import tap
import world

N_HELD = 150
N_CHANGES = 20
N_UNDER_WAY, EVERY_US = 2000, 1000  # long enough for a change in its middle
OTHER_QUEUE, OTHER_PORT = 99, 9001
PORT = 9000
PATIENCE_MS = 10000
SILENCE_MS = 300

WEB = scenario.allow_clients(manifests.port(PORT, "UDP"))
WEB_CLOSED = scenario.allow_clients(manifests.port(4444))
# Either isolates and frees pods, so that every set has something to do.
CHANGES = (
    [manifests.policy("vault", "shop", {"app": "vault"}, ingress=[], egress=[])],
    [manifests.policy("all", "shop", {}, ingress=[manifests.rule()], egress=[manifests.rule()])],
)


def send(world_, source, target, port, word):
    """150 flows, over both families, with one datagram each."""
    world_[target].call("count", word=word)
    world_[source].call("burst", name=word, port=port, count=N_HELD, word=word,
                        addresses=[world_.address(target, family) for family in "46"])


def arrived(world_, target, word, count=N_HELD, timeout_ms=PATIENCE_MS):
    """How many flows have come through; waits for so many."""
    return len(world_[target].call("counted", word=word, numbers=list(range(count)),
                                   timeout_ms=timeout_ms))


def go_on(world_, word):
    """One datagram more of each flow of a burst; returns how many come through."""
    again = f"{word}, again"
    world_["web"].call("count", word=again)
    world_["client"].call("burst_again", name=word, word=again)
    return arrived(world_, "web", again, timeout_ms=SILENCE_MS)


def wait_waiting(world_, count):
    """Until so many packets wait for verdicts."""
    deadline = time.monotonic() + daemon.PATIENCE
    while (waiting := world_.netfilter.waiting()) != count:
        if time.monotonic() > deadline:
            raise netns.CommandError(f"{waiting} packets wait, not {count}")
        time.sleep(0.01)


def hold_elsewhere(world_):
    for family in "46":
        world_.netfilter.change(family, "filter", "-A", "FORWARD", "-p", "udp", "--dport",
                                str(OTHER_PORT), "-j", "NFQUEUE", "--queue-num",
                                str(OTHER_QUEUE))
    world_.node.call("hold", number=OTHER_QUEUE)
    send(world_, "guest", "free", OTHER_PORT, "held elsewhere")
    world_.node.call("wait_held", number=OTHER_QUEUE, count=N_HELD)


def change(netpold):
    """Policies come and go; returns what the sets held meanwhile."""
    seen = set()
    for number in range(N_CHANGES):
        done = netpold.apply(WEB, *CHANGES[number % len(CHANGES)])
        seen.add((done.isolated_egress, done.isolated_ingress))
    return seen


def check_elsewhere(tap_, world_):
    """The packets wait while netpold works, stops, starts and works again."""
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        hold_elsewhere(world_)
        tap_.true(f"{N_CHANGES} changes move members of the sets", len(change(netpold)) > 1,
                  "different numbers of members", "always the same")
        netpold.stop()
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        change(netpold)
        tap_.equal("as many packets wait in the other queue as before", N_HELD,
                   world_.netfilter.waiting())
        world_.node.call("let_go", number=OTHER_QUEUE)
        tap_.equal(f"{N_HELD} of {N_HELD} verdicts land", N_HELD,
                   arrived(world_, "free", "held elsewhere"))
        netpold.stop()


def check_own(tap_, world_):
    """What is done meanwhile is one change to netpold: it sleeps."""
    world_.folder.put("policies", WEB)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        with netpold.asleep():
            send(world_, "client", "web", PORT, "held by netpold")
            wait_waiting(world_, N_HELD)
            for number in range(N_CHANGES):
                world_.folder.put("policies", WEB, *CHANGES[number % len(CHANGES)])
        netpold.wait_in_force()
        tap_.equal(f"{N_HELD} of {N_HELD} packets get netpold's verdict when it wakes up", N_HELD,
                   arrived(world_, "web", "held by netpold"))
        with netpold.asleep():
            send(world_, "client", "web", PORT, "then denied")
            wait_waiting(world_, N_HELD)
            world_.folder.put("policies", WEB_CLOSED)
        netpold.wait_in_force()
        tap_.equal("none of these flows goes on once a change that denies it is in force", (0, 0),
                   (go_on(world_, "held by netpold"), go_on(world_, "then denied")))


def check_under_way(tap_, world_):
    """New flows come all the time while the policy changes."""
    world_.folder.put("policies", WEB)
    word = "under way"
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        world_["web"].call("count", word=word)
        burst = world_["client"].begin(
            "burst", name=word, port=PORT, count=N_UNDER_WAY, word=word, every_us=EVERY_US,
            addresses=[world_.address("web", family) for family in "46"])
        arrived(world_, "web", word, N_UNDER_WAY // 10)
        netpold.apply(WEB_CLOSED)
        burst.result(netns.ANSWER_TIMEOUT)
        let_in = arrived(world_, "web", word, 0)
        tap_.true("some of many flows were let in before the change, some were not",
                  0 < let_in < N_UNDER_WAY, f"between 0 and {N_UNDER_WAY}", let_in)
        tap_.equal("none goes on after it, however late its verdict", 0, go_on(world_, word))


def check_world(tap_, world_):
    tap_.section(world_.name)
    check_elsewhere(tap_, world_)
    check_own(tap_, world_)
    check_under_way(tap_, world_)


def test(tap_):
    specs = scenario.specs("web", "vault", "free", "client", "guest")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
