#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection that another one announces goes with that one (NF-52).

    client ── TCP 21 ────► web     allowed by a policy: FTP's control connection
    client ── TCP 5021 ──► web     allowed by none: FTP's data, on a port that the
                                   server has named over the control connection

The topology is drawn in world.py. A rule of the node gives port 21 the kernel's
helper for FTP, as an operator would.
"""

import time

import daemon
import manifests
import probe
import scenario
import streams
import tap
import world
from probe import DENIED, Probe

CONTROL, DATA = 21, 5021

FTP_OPEN = scenario.allow_clients(manifests.port(CONTROL), manifests.port(8080))
ONLY_HTTP = scenario.allow_clients(manifests.port(8080))


def specs():
    made = scenario.specs("web", "client")
    made[0].listens = (*made[0].listens, ("tcp", DATA))
    return made


def use_helper(world_):
    for family in "46":
        world_.netfilter.change(family, "raw", "-A", "PREROUTING", "-p", "tcp", "--dport",
                                str(CONTROL), "-j", "CT", "--helper", "ftp")


def open_control(world_):
    """Connect, over both families."""
    for family in "46":
        world_["client"].call("ftp_open", address=world_.address("web", family), port=CONTROL)


def announce(world_):
    """The server names its port for data, and the client has read it."""
    for family in "46":
        address = world_.address("web", family)
        world_["web"].call("ftp_offer", address=address, port=DATA)
        world_["client"].call("ftp_read", address=address)


def check_world(tap_, world_):
    tap_.section(world_.name)
    use_helper(world_)
    world_.folder.put("policies", FTP_OPEN)
    world_["web"].call("ftp_serve", port=CONTROL)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [
            Probe("what nobody has announced is denied", "client", "web", "tcp", DATA, DENIED)])
        open_control(world_)
        announce(world_)
        data = streams.Streams(world_, [("client", "web", "tcp", DATA)])
        tap_.equal("NF-52: an announced connection passes", data.names(), data.flowing(0))
        change = netpold.apply(FTP_OPEN, manifests.policy("client-in", "shop", {"app": "client"},
                                                          ingress=[]))
        tap_.equal("NF-52: it lives through a change that leaves its master", data.names(),
                   data.flowing(change.at))
        change = netpold.apply(ONLY_HTTP)
        time.sleep(0.3)
        tap_.equal("NF-52: it is cut with its master", [],
                   [name for name, n in data.each("stream_wait", count=1, since=change.at,
                                                  timeout_ms=300) if n])


def test(tap_):
    for world_ in world.variants(specs(), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
