#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The lock that all users of iptables-legacy share is respected (L14).

Somebody holds it. A start waits for it, but not for ever; a change of policy
needs no rule, and so no lock; and a pause lets go of policies before it waits.
"""

import contextlib
import dataclasses
import subprocess
import time

import daemon
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

LOCK = "/run/xtables.lock"
HELD = "another program has held the lock of iptables"


def is_held(world_):
    return world_.node.run("flock", "--nonblock", LOCK, "true", check=False).returncode != 0


@contextlib.contextmanager
def held(world_):
    """The lock, until the end of the with statement or until the process is told."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *world_.node.enter(), "flock",
                                LOCK, "cat"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        until = time.monotonic() + daemon.PATIENCE
        while not is_held(world_) and time.monotonic() < until:
            time.sleep(0.02)
        yield process
    finally:
        process.stdin.close()
        process.wait()


def check_start(tap_, world_):
    with held(world_) as process, daemon.Daemon(world_) as netpold:
        time.sleep(0.5)  # it needs less to come to the lock, and must not come further
        tap_.equal("a start waits for the lock", "", netpold.log.text())
        process.stdin.close()
        netpold.wait_in_force()
        tap_.true("and goes on when it is free", True, "in force", "in force")
        netpold.stop()


def check_change(tap_, world_):
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        with held(world_):
            change = netpold.apply(scenario.allow_clients(scenario.port(4444)))
            tap_.true("a change of policy does not need it", is_held(world_), "in force meanwhile",
                      change)
        netpold.stop()


def check_pause(tap_, world_):
    """Where packets are held, that has rules of its own, which a pause takes out."""
    denied = Probe("before, of a pod outside the policy", "client", "web", "tcp", 8081, DENIED)
    with daemon.Daemon(world_, "--hold-unknown=1000", "--pod-cidr=10.66.0.0/24,fd66::/64",
                       daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [denied])
        with held(world_) as process:
            pause = subprocess.Popen([*world_.node.enter(), daemon.PROGRAM, "pause", "--for=1h"],
                                     stdout=subprocess.DEVNULL)
            netpold.log.wait(lambda line, _at: line if "PAUSED" in line else None)
            probe.check_all(tap_, world_, [dataclasses.replace(
                denied, name="in a pause that waits for the lock", expected=ALLOWED)])
            tap_.equal("which it does", (True, None), (is_held(world_), pause.poll()))
            process.stdin.close()
            tap_.equal("and when it is free the pause has begun", 0,
                       pause.wait(daemon.PATIENCE))
        world_.node.run(str(daemon.PROGRAM), "pause", "--end")
        probe.check_all(tap_, world_, [dataclasses.replace(denied, name="after the pause")])
        netpold.stop()


def check_patience(tap_, world_):
    with held(world_), daemon.Daemon(world_) as netpold:
        status = netpold.wait_refused()
        tap_.equal("a start does not wait for ever: the exit status", 2, status)
        tap_.true("and says who keeps it waiting", HELD in netpold.log.text(), HELD,
                  netpold.log.text())


def test(tap_):
    with world.World(world.LAYOUTS[0], "legacy", scenario.specs("web", "client")) as world_:
        world_.folder.put("policies", scenario.allow_clients(scenario.port("http")))
        check_start(tap_, world_)
        check_change(tap_, world_)
        check_pause(tap_, world_)
        check_patience(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
