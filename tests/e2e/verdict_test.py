#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real connections between namespaces get the verdict of the policies.

The topology is drawn in world.py, the policies are told in scenario.py. All
rows run in both layouts, on both iptables backends, over IPv4 and IPv6.
"""

import daemon
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe
from traffic import REFUSED

ROWS = [
    # ports
    Probe("a port by its name lets TCP in", "client", "web", "tcp", 8080, ALLOWED),
    Probe("a port that no rule names is closed", "client", "web", "tcp", 8081, DENIED),
    Probe("UDP comes in on its port", "client", "web", "udp", 9000, ALLOWED),
    Probe("UDP to another port is dropped", "client", "web", "udp", 9001, DENIED),
    Probe("SCTP comes in on its port (L17)", "client", "web", "sctp", 7000, ALLOWED),
    Probe("SCTP to another port is dropped", "client", "web", "sctp", 7001, DENIED),
    Probe("TCP does not pass where only UDP may", "client", "web", "tcp", 9000, DENIED),
    Probe("a rule with ports never matches ICMP (NP-70)", "client", "web", "icmp", 0, DENIED),
    Probe("the ICMP error about an allowed datagram comes back (L19)",
          "client", "web", "udp", 9002, REFUSED),
    # peers
    Probe("a podSelector does not reach into other namespaces",
          "guest", "web", "tcp", 8080, DENIED),
    Probe("a pod without the label is kept out", "free", "web", "tcp", 8080, DENIED),
    Probe("who is outside is no pod", "outside", "web", "tcp", 8080, DENIED),
    Probe("a namespaceSelector lets its pods in over TCP",
          "guest", "vault", "tcp", 8080, ALLOWED),
    Probe("a namespaceSelector lets its pods in over UDP",
          "guest", "vault", "udp", 9001, ALLOWED),
    Probe("a rule without ports lets ping in", "guest", "vault", "icmp", 0, ALLOWED),
    Probe("a pod of another namespace than selected is kept out",
          "client", "vault", "tcp", 8080, DENIED),
    Probe("an ipBlock lets TCP in", "outside", "db", "tcp", 8080, ALLOWED),
    Probe("an ipBlock without ports lets SCTP in", "outside", "db", "sctp", 7000, ALLOWED),
    Probe("an ipBlock without ports lets ping in", "outside", "db", "icmp", 0, ALLOWED),
    Probe("the ipBlock lets the one address of a host in",
          "outside", "db", "udp", 9000, ALLOWED, source_address=world.OUTSIDE),
    Probe("and keeps the other one out, which is under except",
          "outside", "db", "udp", 9000, DENIED, source_address=world.OUTSIDE_FAR),
    Probe("a pod outside the ipBlock is kept out", "client", "db", "tcp", 8080, DENIED),
    # isolation is per direction
    Probe("isolated for ingress, a pod still opens connections",
          "web", "free", "tcp", 8080, ALLOWED),
    Probe("isolated for ingress, a pod still pings", "web", "free", "icmp", 0, ALLOWED),
    Probe("isolated for egress, a pod still answers", "free", "sender", "tcp", 8080, ALLOWED),
    Probe("isolated for egress, a pod still answers ping",
          "outside", "sender", "icmp", 0, ALLOWED),
    Probe("both ends allow: the connection stands", "sender", "web", "tcp", 8080, ALLOWED),
    Probe("the sender's own policy holds it back, though the receiver would let it in",
          "sender", "web", "udp", 9000, DENIED),
    Probe("egress to a pod that the rule does not name is dropped",
          "sender", "free", "tcp", 8080, DENIED),
    Probe("egress to the outside is dropped", "sender", "outside", "tcp", 8080, DENIED),
    Probe("egress without ports lets ping out", "pinger", "free", "icmp", 0, ALLOWED),
    Probe("egress without ports lets SCTP out", "pinger", "free", "sctp", 7000, ALLOWED),
    Probe("ping to a pod that the rule does not name is dropped",
          "pinger", "vault", "icmp", 0, DENIED),
    Probe("no rule at all lets nothing in", "client", "loner", "tcp", 8080, DENIED),
    Probe("no rule at all lets no ping in", "client", "loner", "icmp", 0, DENIED),
    Probe("no rule at all lets nothing out", "loner", "free", "udp", 9000, DENIED),
    Probe("no rule at all lets no ping out", "loner", "outside", "icmp", 0, DENIED),
    # pods that no policy selects
    Probe("a pod without a policy takes TCP", "guest", "free", "tcp", 8080, ALLOWED),
    Probe("a pod without a policy takes ping", "outside", "free", "icmp", 0, ALLOWED),
    Probe("a pod without a policy goes outside", "free", "outside", "udp", 9000, ALLOWED),
    # services
    Probe("a ClusterIP is judged by the pod and the port behind it",
          "client", "service", "tcp", 80, ALLOWED),
    Probe("a ClusterIP is no way around a policy", "guest", "service", "tcp", 80, DENIED),
    Probe("egress to a ClusterIP is judged by the pod behind it",
          "sender", "service", "tcp", 80, ALLOWED),
]


def forget_neighbours(world_):
    """So that every row has to find its neighbours again, past the policies."""
    for host in world_.hosts.values():
        host.run("ip", "neigh", "flush", "all")


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.add_service("service", scenario.SERVICE, "tcp", 80, "web", 8080)
    probe.check_all_allowed(tap_, world_, "without a policy everyone reaches everyone",
                            [row for row in ROWS if row.port != 9000 or row.protocol != "tcp"])
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        change = netpold.apply(*scenario.policies())
        tap_.equal("the log counts the policies in force", 7, change.policies)
        tap_.equal("the log counts the addresses isolated for egress", 8, change.isolated_egress)
        tap_.equal("the log counts the addresses isolated for ingress", 8, change.isolated_ingress)
        tap_.comment(f"in force {change.measured_ms:.1f} ms after the file appeared, "
                     f"took_ms={change.took_ms}")
        forget_neighbours(world_)
        probe.check_all(tap_, world_, ROWS)


def test(tap_):
    for world_ in world.variants(scenario.specs()):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
