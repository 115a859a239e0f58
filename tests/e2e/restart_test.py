#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold ends and starts under a thousand open flows, and none notices (L11).

    client ── 250 each of TCP and UDP, IPv4 and IPv6 ──► web

Both are isolated, and a rule allows it. Every flow carries a message four times
a second, and each is answered, while netpold is stopped and started, and killed
and started. The TCP flows also outlive `netpold clean`, after which they are
older than all that the kernel knows of them; a datagram whose answer is the
first that is seen of a flow may be lost then. The topology is drawn in world.py.
"""

import signal

import daemon
import netns
import scenario
import tap
import world
from manifests import pods, policy, port, rule, to

PORT = 7777
PROTOCOLS = ("tcp", "udp")
N_EACH = 250
EVERY_MS = 250

PORTS = [port(PORT), port(PORT, "UDP")]
POLICIES = [
    policy("web", "shop", {"app": "web"}, ingress=[rule([pods(app="client")], PORTS)], egress=[]),
    policy("client", "shop", {"app": "client"}, ingress=[], egress=[
        to([pods(app="web")], PORTS)])]


def open_flows(world_):
    world_["web"].call("crowd_listen", port=PORT)
    for protocol in PROTOCOLS:
        for family in "46":
            world_["client"].call("crowd_open", name=protocol, protocol=protocol, count=N_EACH,
                                  address=world_.address("web", family), port=PORT)
        world_["client"].call("crowd_talk", name=protocol, every_ms=EVERY_MS)


def check_talk(tap_, world_, protocols, when):
    begun = [world_["client"].begin("crowd_heard", name=protocol, count=2)
             for protocol in protocols]
    tap_.equal(f"{when}, all of {2 * N_EACH * len(protocols)} flows go on", [0] * len(protocols),
               [future.result(netns.ANSWER_TIMEOUT) for future in begun])


def check_end(tap_, world_, protocol):
    sent, missing = world_["client"].call("crowd_end", name=protocol)
    tap_.true(f"{protocol.upper()}: there was something to lose", sent >= 8 * 2 * N_EACH,
              "eight messages of each flow", sent)
    tap_.equal(f"{protocol.upper()}: of all messages none is lost", 0, missing)
    tap_.comment(f"{protocol.upper()}: {sent} messages")


def run(tap_, world_, protocols, word, end=signal.SIGTERM, first=False):
    """netpold starts among the flows, and ends."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        if first:
            open_flows(world_)
        check_talk(tap_, world_, protocols, f"running, to be {word}")
        netpold.stop(end)
    check_talk(tap_, world_, protocols, word)


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", *POLICIES)
    run(tap_, world_, PROTOCOLS, "stopped", first=True)
    run(tap_, world_, PROTOCOLS, "killed", signal.SIGKILL)
    run(tap_, world_, PROTOCOLS, "stopped again")
    check_end(tap_, world_, "udp")
    daemon.clean(world_)
    run(tap_, world_, ("tcp",), "stopped, after a start from nothing")
    check_end(tap_, world_, "tcp")


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
