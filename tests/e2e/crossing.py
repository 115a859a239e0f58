# SPDX-License-Identifier: GPL-2.0-or-later
"""What opens a connection, counted by rules where it is sent and where it arrives.

So whoever is lost is told from whoever is slow, which no clock can do: a SYN that
is sent again after a second was lost, or the machine stood still for as long.
"""

import netfilter

OPENING = {"tcp": ("--syn",), "udp": ()}


class Crossing:
    """From one pod of a world to a port of another; counted from now on."""

    def __init__(self, world, source, target, port):
        self.world = world
        self.source, self.port = source, port
        self.ends = [(netfilter.Netfilter(world[name], world.backend), chain)
                     for name, chain in ((source, "OUTPUT"), (target, "INPUT"))]
        self._change("-A")

    def _change(self, verb):
        for end, chain in self.ends:
            for family in netfilter.FAMILIES:
                for protocol, flags in OPENING.items():
                    end.change(family, "filter", verb, chain, "--source",
                               self.world.address(self.source, family), "--protocol", protocol,
                               *flags, "--dport", str(self.port))

    def stop(self):
        """{protocol: (SYNs or datagrams sent, arrived)}"""
        counts = {protocol: tuple(
            sum(end.rule_packets(family, chain, f"{protocol} dpt:{self.port}", "filter")
                for family in netfilter.FAMILIES)
            for end, chain in self.ends) for protocol in OPENING}
        self._change("-D")
        return counts


def lost(counts):
    """How many did not arrive, or more than once."""
    return sum(abs(sent - arrived) for sent, arrived in counts.values())
