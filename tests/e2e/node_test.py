#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The node and its own pods: probes, spoofed addresses, egress to the node.

The topology is drawn in world.py. `loner` is isolated both ways and no rule
lets anything in; the node reaches it nevertheless (NP-55, L4), because its
packets are born there, and not because of the address that they come from.

With --node-egress=allow, loner also reaches its node, and nobody else.
"""

import daemon
import manifests
import packet
import probe
import scenario
import tap
import traffic
import world
from probe import ALLOWED, DENIED, Probe

PORT = 9000
SILENT_PORT = 9999  # nobody there: no echo that could be counted as an arrival
FENCE_MS = 5000
CONFIG = "/run/netpold.yaml"  # on the node
OTHER_ADDRESS = {"4": "192.0.2.1", "6": "2001:db8:2::1"}

ROWS = [
    Probe("a probe of the node reaches a pod that lets nothing in, over TCP",
          "node", "loner", "tcp", 8080, ALLOWED),
    Probe("a probe of the node reaches a pod that lets nothing in, over UDP",
          "node", "loner", "udp", 9000, ALLOWED),
    Probe("a ping of the node reaches a pod that lets nothing in",
          "node", "loner", "icmp", 0, ALLOWED),
    Probe("a probe of the node reaches a ClusterIP whose pod lets nothing in",
          "node", "service", "tcp", 80, ALLOWED),
    Probe("who is no node does not reach it", "outside", "loner", "tcp", 8080, DENIED),
    Probe("egress to the own node passes where a rule allows it (NP-57)",
          "talker", "node", "tcp", 8080, ALLOWED),
    Probe("egress to the own node is dropped on other ports",
          "talker", "node", "udp", 9000, DENIED),
    Probe("ping of the own node is dropped where no rule allows it",
          "talker", "node", "icmp", 0, DENIED),
    Probe("a pod that may send nothing does not reach its own node",
          "loner", "node", "tcp", 8080, DENIED),
    Probe("nor by the node's other address", "loner", "node", "tcp", 8080, DENIED,
          address=OTHER_ADDRESS),
    Probe("a pod without a policy reaches its node", "guest", "node", "tcp", 8080, ALLOWED),
    Probe("a pod without a policy pings its node", "guest", "node", "icmp", 0, ALLOWED),
]

# With --node-egress=allow. The last four end at what the node answers: errors
# of the network, too, take the way that replies take (L19).
ROWS_OF_ALLOW = [
    Probe("a pod that may send nothing reaches its own node, over TCP",
          "loner", "node", "tcp", 8080, ALLOWED),
    Probe("a pod that may send nothing reaches its own node, over UDP",
          "loner", "node", "udp", 9000, ALLOWED),
    Probe("a pod that may send nothing reaches its own node, over SCTP",
          "loner", "node", "sctp", 7000, ALLOWED),
    Probe("a pod that may send nothing pings its own node", "loner", "node", "icmp", 0, ALLOWED),
    Probe("it reaches the node's other address", "loner", "node", "tcp", 8080, ALLOWED,
          address=OTHER_ADDRESS),
    Probe("it reaches nobody else", "loner", "outside", "tcp", 8080, DENIED),
    Probe("no other pod either", "loner", "web", "tcp", 8080, DENIED),
    Probe("nobody else reaches it", "outside", "loner", "tcp", 8080, DENIED),
    Probe("ports of the node that no rule names are open", "talker", "node", "udp", 9000, ALLOWED),
    Probe("a probe of the node still reaches it", "node", "loner", "tcp", 8080, ALLOWED),
    Probe("a closed TCP port of the node says so", "loner", "node", "tcp", SILENT_PORT,
          traffic.REFUSED),
    Probe("a closed UDP port of the node says so", "loner", "node", "udp", SILENT_PORT,
          traffic.REFUSED),
]


def spoofed(world_, family, token):
    """A datagram from guest to loner that claims to come from the node."""
    source, target = world_.address("node", family), world_.address("loner", family)
    return packet.udp(source, target, 4711, SILENT_PORT, token.encode())


def stray_solicitation(world_, _family, token):
    """A neighbour solicitation that was routed: its hop limit is not 255."""
    return packet.neighbour_solicitation(world_.address("guest", "6"),
                                         world_.address("loner", "6"), token.encode(), 200)


def arrivals(world_, family, build, token, expected):
    """How many such packets reach loner.

    The node's own datagrams, which always pass, mark the end: once they are
    there, the packets sent before them are there or dropped.
    """
    guest, loner = world_["guest"], world_["loner"]
    loner.call("watch", token=token)
    for _ in range(3):
        guest.call("send_raw", data=build(world_, family, token).hex(),
                   destination=world_.address("loner", family))
    for _ in range(3):
        world_["node"].call("try_once", protocol="udp", port=PORT, timeout_ms=FENCE_MS,
                            address=world_.address("loner", family))
    return loner.call("watched", token=token, count=max(expected, 1),
                      timeout_ms=FENCE_MS if expected else 100)


def check_attacks(tap_, world_, when, expected):
    """@expected: how many of three packets arrive."""
    for family in "46":
        # Routed IPv4 drops packets with the node's address by itself.
        count = 0 if (world_.layout, family) == ("routed", "4") else expected
        tap_.equal(f"IPv{family}: {when}, packets of a pod with the node's address that arrive",
                   count, arrivals(world_, family, spoofed, f"spoof-{when}-{family}", count))
    tap_.equal(f"IPv6: {when}, neighbour solicitations with a hop limit of 200 that arrive",
               expected, arrivals(world_, "6", stray_solicitation, f"stray-{when}", expected))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.add_service("service", scenario.SERVICE, "tcp", 80, "loner", 8080)
    check_attacks(tap_, world_, "without netpold", 3)
    world_.folder.put("policies", *scenario.policies())
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        for host in world_.hosts.values():
            host.run("ip", "neigh", "flush", "all")
        probe.check_all(tap_, world_, ROWS)
        check_attacks(tap_, world_, "with netpold", 0)
        tap_.equal("it stops in order", 0, netpold.stop())
    check_allowing(tap_, world_)


# ---- --node-egress=allow ---------------------------------------------------------

STREAMS = [(protocol, port, family) for protocol, port in (("tcp", 8080), ("udp", PORT))
           for family in "46"]


def open_streams(world_):
    for protocol, port, family in STREAMS:
        world_["loner"].call("stream", name=protocol + family, protocol=protocol, port=port,
                             address=world_.address("node", family))


def check_streams(tap_, world_, sentence, goes_on, since):
    for protocol, _, family in STREAMS:
        came = world_["loner"].call("stream_wait", name=protocol + family,
                                    count=10 if goes_on else 1, since=since,
                                    timeout_ms=FENCE_MS if goes_on else 400)
        tap_.true(f"IPv{family}: {protocol} of loner to its node {sentence}",
                  came >= 10 if goes_on else came == 0,
                  "10 answers" if goes_on else "none", came)


def check_allowing(tap_, world_):
    """Rules of an enforcing run stand; they are replaced, and later again."""
    world_.node.path(CONFIG).write_text("node-egress: allow\n")
    with daemon.Daemon(world_, "--config", CONFIG) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, ROWS_OF_ALLOW)
        check_attacks(tap_, world_, "with egress to the node allowed", 0)
        open_streams(world_)
        change = netpold.apply(manifests.policy("more", "shop", {"name": "loner"}, egress=[]),
                               name="more")
        check_streams(tap_, world_, "outlives a change of policies", True, change.at)
        tap_.equal("it stops in order", 0, netpold.stop())
    with daemon.Daemon(world_, "--config", CONFIG, "--node-egress", "enforce") as netpold:
        started = netpold.wait_in_force()
        check_streams(tap_, world_, "is cut when egress to the node is judged again", False,
                      started.at)
        tap_.equal("it stops in order", 0, netpold.stop())


def test(tap_):
    for world_ in world.variants(scenario.specs("loner", "talker", "guest", "web")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
