#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A UDP flow's first packets, sent back to back: none is lost, none overtakes another (L2).

    client ── UDP 9500 ──────────────────────► web
           ── UDP 9501 ── and every echo ────► web
           ── UDP 9500 ──► ClusterIP ─┬──────► web
                                      └──────► vault

All are isolated. The first packet of a flow waits for its verdict when the next
ones come, and while all of those wait, more come. What is counted is what who
listens gets, in its order; without netpold before, and with it. A worker for each
CPU is one case, fewer workers than CPUs the other, where packets are judged on
another CPU than they are sent on.

Of a flow to a Service whose packets wait, each may be sent to another backend:
there the order is that of what one backend gets. The topology is drawn in world.py.
"""

import dataclasses
import time

import daemon
import kube_proxy
import scenario
import tap
import world
from manifests import pods, policy, port, rule, to

QUIET, ECHO = 9500, 9501
LENGTHS = (2, 10, 64)  # datagrams of a flow
N_FLOWS = 40
MOST_PER_S = 4000      # so that a worker that has a CPU keeps up
MOST_UNDER_WAY = 512   # so that a queue has room for them all while its worker waits for a CPU
LEAST_US = 1000        # from flow to flow
PATIENCE_S = 15.0      # for what was sent, however busy the machine
TWICE_S = 0.05         # what comes twice has come by then
BACKENDS = ("web", "vault")
TARGETS = (("web", QUIET), ("web", ECHO), ("service", QUIET))
# A sender that is itself interrupted for a while in its burst looks like one that
# has ended it. Judged at once, half of all flows would be out of order.
MOST_LATE = 0.03       # of the flows

PORTS = [port(QUIET, "UDP"), port(ECHO, "UDP")]
POLICIES = [
    *(policy(f"{name}-in", "shop", {"app": name}, ingress=[rule([pods(app="client")], PORTS)],
             egress=[]) for name in BACKENDS),
    policy("client-out", "shop", {"app": "client"}, ingress=[],
           egress=[to([pods(app=name) for name in BACKENDS], PORTS)])]


@dataclasses.dataclass
class Seen:
    """What came of some flows."""
    lost: int = 0
    twice: int = 0
    echoes: int = 0  # those that did not come
    late: int = 0    # flows in which a packet came after a later one


def start(world_):
    """Who listens, and a Service in front of them."""
    for name in BACKENDS:
        world_[name].call("train_listen", port=QUIET)
        world_[name].call("train_listen", port=ECHO, echo=True)
    world_.services["service"] = scenario.SERVICE
    kube_proxy.start(world_, [kube_proxy.Service(
        "service", scenario.SERVICE, QUIET, tuple((name, QUIET) for name in BACKENDS), "udp")])


def take(world_, to_port, due):
    """What has come, once all has come, or patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(world_[name].call("train_count", port=to_port) for name in BACKENDS) < due and \
            time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(TWICE_S)
    return [row for name in BACKENDS for row in world_[name].call("train_take", port=to_port)]


def send(world_, family, target, to_port, length):
    """All flows, no more of them at once than may be under way."""
    at_once = MOST_UNDER_WAY // length
    groups = [send_some(world_, family, target, to_port, length, min(at_once, N_FLOWS - begun))
              for begun in range(0, N_FLOWS, at_once)]
    return Seen(*(sum(counts) for counts in zip(*map(dataclasses.astuple, groups))))


def send_some(world_, family, target, to_port, length, n_flows):
    n_sent, echoed = n_flows * length, to_port == ECHO
    sent = world_["client"].call(
        "train_send", address=world_.address(target, family), port=to_port, flows=n_flows,
        length=length, every_us=max(LEAST_US, length * 1000000 // MOST_PER_S), echoed=echoed)
    took = take(world_, to_port, n_sent)
    return Seen(lost=n_sent - sum(came for _, came, *_ in took),
                twice=sum(twice for *_, twice in took),
                echoes=n_sent - sum(echoes for _, echoes, _ in sent) if echoed else 0,
                late=len({flow for flow, _, late, _ in took if late} |
                         {flow for flow, _, late in sent if late}))


def check_all(tap_, world_, when, most_late):
    for family in "46":
        for target, to_port in TARGETS:
            words = f"{when}, IPv{family}, to {target}{', echoed' if to_port == ECHO else ''}"
            seen = [send(world_, family, target, to_port, length) for length in LENGTHS]
            tap_.equal(f"{words}: of bursts of {', '.join(map(str, LENGTHS))} nothing is lost, and "
                       "nothing comes twice", [(0, 0, 0)] * len(seen),
                       [(one.lost, one.twice, one.echoes) for one in seen])
            late = sum(one.late for one in seen)
            most = int(most_late * N_FLOWS * len(LENGTHS))
            tap_.true(f"{words}: nothing overtakes", late <= most, f"at most {most} flows", late)
            if late:
                tap_.comment(f"{words}: {late} of {N_FLOWS * len(LENGTHS)} flows out of order")


def check_world(tap_, world_):
    tap_.section(world_.name)
    start(world_)
    check_all(tap_, world_, "without netpold", MOST_LATE)
    world_.folder.put("policies", *POLICIES)
    for options, words in (((), "a worker for each CPU"), (("--workers=1",), "one worker")):
        with daemon.Daemon(world_, daemon.ASK_ALWAYS, *options) as netpold:
            netpold.wait_in_force()
            before = sum(world_.netfilter.queued(family) for family in "46")
            check_all(tap_, world_, words, MOST_LATE)
            queued = sum(world_.netfilter.queued(family) for family in "46") - before
            tap_.true(f"{words}: packets went through the queue", queued > N_FLOWS, "many", queued)
            netpold.stop()


def test(tap_):
    for world_ in world.variants(scenario.specs("client", *BACKENDS), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
