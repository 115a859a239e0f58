#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of the kernel are lost, and netpold goes on (NF-41).

    client ── TCP 8080 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied
    client ── UDP 9001 ──► web     denied: many, while netpold sleeps

A queue's socket has room for all that the queue may hold. Here somebody makes
it smaller, from outside, so that it is full before the queue is: the kernel
drops the packets that it cannot tell of, and says ENOBUFS at the next chance.
The topology is drawn in world.py.
"""

import ctypes
import os
import re
import socket

import daemon
import manifests
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

PIDFD_GETFD = 438  # asm/unistd_64.h, and the same everywhere
NETLINK_NETFILTER = 12
SMALL = 4096       # bytes; the kernel doubles them
N_PACKETS = 200    # fewer than the queue holds
PORT = 9001


def netlink_sockets(pid):
    """Those of a process, by their address, as our own descriptors."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    owner, found = os.pidfd_open(pid), {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
            continue
        fd = call(PIDFD_GETFD, owner, int(number), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        sock = socket.socket(fileno=fd)
        if (sock.family, sock.proto) == (socket.AF_NETLINK, NETLINK_NETFILTER):
            found[sock.getsockname()[0]] = sock
        else:
            sock.close()
    os.close(owner)
    return found


def shrink(world_, pid):
    """The buffers of all queues; returns how many those are."""
    sockets = netlink_sockets(pid)
    owners = world_.netfilter.queue_owners()
    for address in owners:
        sockets[address].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    for sock in sockets.values():
        sock.close()
    return len(owners)


def flows(when):
    return [Probe(f"{when}, a flow that is allowed stands", "client", "web", "tcp", 8080, ALLOWED),
            Probe(f"{when}, a flow that is denied does not", "guest", "web", "tcp", 8080, DENIED)]


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", scenario.allow_clients(manifests.port("http")))
    with daemon.Daemon(world_, "--workers=1") as netpold:
        netpold.wait_in_force()
        tap_.equal("it has a queue", 1, shrink(world_, netpold.process.pid))
        probe.check_all(tap_, world_, flows("with little room"))
        with netpold.asleep():
            for family in "46":
                world_["client"].call("send_many", address=world_.address("web", family), port=PORT,
                                      count=N_PACKETS)
            lost = world_.netfilter.untold()
            tap_.true("the kernel could not tell of most packets", lost > N_PACKETS,
                      f"more than {N_PACKETS}", lost)
        probe.check_all(tap_, world_, flows("after that"))
        told = observer.metrics(world_)
        tap_.true("it tells that something was lost", told["netpold_queue_overruns_total"] > 0,
                  "1 or more", told["netpold_queue_overruns_total"])
        tap_.equal("and how many packets the kernel could not tell of",
                   world_.netfilter.untold(),
                   told["netpold_queue_user_dropped_packets_total"])
        tap_.equal("it stops in order", 0, netpold.stop())
        overruns = int(re.search(r"overruns=(\d+)", netpold.log.lines[-1][1])[1])
        tap_.true("netpold has counted that something was lost", overruns > 0, "1 or more",
                  overruns)


def test(tap_):
    # What is tested here has nothing to do with the layout.
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS[:1]):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
