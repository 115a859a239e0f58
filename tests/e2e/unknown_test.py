#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pods that nobody knows yet, while netpold is killed, stopped or overloaded (NP-67).

    client ── TCP 8080 ──► web     allowed to everybody; client has no object

The topology is drawn in world.py.
"""

import tempfile

import daemon
import failure_test
import flow_log_test
import manifests
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

RANGE = ("--pod-cidr", "10.66.0.0/24,fd66::/64")
HOLD = (*RANGE, "--hold-unknown=2000", "--workers=1")  # one queue is easily filled
POLICY = manifests.policy("web-from-all", "shop", {"app": "web"},
                          ingress=[manifests.rule((), [manifests.port("http")])])
ABSENT = {"open": ALLOWED, "closed": DENIED}
FULL = {"accept": ALLOWED, "drop": DENIED}


def check(tap_, world_, words, expected):
    probe.check_all(tap_, world_, [Probe(words, "client", "web", "tcp", 8080, expected)])


def forget_client(world_):
    world_.folder.put("cluster", *[made for made in world_.cluster()
                                   if made["metadata"]["name"] != "client"])


def check_hold(tap_, world_, mode, overload):
    words = f"{mode}, {overload}"
    options = (*HOLD, f"--on-failure={mode}", f"--on-overload={overload}")
    forget_client(world_)
    with daemon.Daemon(world_, *options) as netpold:
        netpold.wait_in_force()
        check(tap_, world_, f"{words}: it is held in vain", DENIED)
        with netpold.asleep():
            check(tap_, world_, f"{words}: netpold is stopped, it waits", DENIED)
            failure_test.fill_queue(world_)
            check(tap_, world_, f"{words}: the queue is full", FULL[overload])
        netpold.process.kill()
        netpold.wait_exit()
        check(tap_, world_, f"{words}: netpold is killed", ABSENT[mode])
    with daemon.Daemon(world_, *options) as netpold:
        netpold.wait_in_force()
        check(tap_, world_, f"{words}: netpold runs again", DENIED)
        netpold.wait_in_force(since=world_.folder.put("cluster", *world_.cluster()))
        check(tap_, world_, f"{words}: its object comes", ALLOWED)
        netpold.stop()
    daemon.clean(world_)


def check_told(tap_, world_):
    """What is dropped for want of a pod has a record, as any other denial (L34)."""
    forget_client(world_)
    with tempfile.TemporaryDirectory() as folder:
        lines = flow_log_test.Lines(f"{folder}/flows")
        with daemon.Daemon(world_, *RANGE, "--hold-unknown=300", "--flow-log",
                           f"file:{lines.path}") as netpold:
            netpold.wait_in_force()
            check(tap_, world_, "it is held in vain, and written down", DENIED)
            clients = {world_.address("client", family) for family in "46"}
            records = lines.wait(lambda records: clients <= {record["from"]["ip"]
                                                             for record in records})
            tap_.equal("a record says that nobody had the address", {
                (address, "deny", "unclaimed") for address in clients},
                {(record["from"]["ip"], record["verdict"], record.get("note"))
                 for record in records})
            netpold.stop()


def check_start(tap_, world_, mode):
    """It is killed before anything was read."""
    with daemon.Daemon(world_, *RANGE, "--on-start=drop", f"--on-failure={mode}",
                       before=("env", "FAULT_POINTS=first-read=5000"),
                       program=daemon.FAULTY) as netpold:
        netpold.log.wait(lambda line, _at: line if "until the first sync" in line else None)
        check(tap_, world_, f"{mode}: until the first sync it is dropped", DENIED)
        netpold.process.kill()
        netpold.wait_exit()
    check(tap_, world_, f"{mode}: netpold is killed before it", ABSENT[mode])
    daemon.clean(world_)


def test(tap_):
    for layout, backend in world.CROSS:
        with world.World(layout, backend, scenario.specs("web", "client")) as world_:
            tap_.section(world_.name)
            world_.folder.put("policies", POLICY)
            for mode, overload in zip(ABSENT, FULL):
                check_hold(tap_, world_, mode, overload)
                check_start(tap_, world_, mode)
            check_told(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
