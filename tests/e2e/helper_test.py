#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A helper that is lost is the end of its netpold, which can be started again (L14).

    client ── TCP 8080 ──► web     allowed
    guest  ── TCP 8080 ──► web     denied

The process that runs iptables is killed, or stopped. Without it rules can neither be
kept nor changed, and there is no way to start another one. In a build for tests it has
five seconds to answer. The topology is drawn in world.py.
"""

import dataclasses
import os
import signal
import time

import daemon
import observer
import probe
import repair_test
import scenario
import tap
import world

IMPATIENT = {"FAULT_POINTS": "runner-patience=5,stop-patience=2"}


def standing(world_):
    """What stands while netpold runs."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        rules = repair_test.state(world_)
        netpold.stop()
    return rules


def check_end(tap_, world_, netpold, what, words):
    """netpold ends, says why, leaves what stands, and can be started again."""
    tap_.equal(f"{what}: netpold ends, with exit status 2", 2, netpold.wait_exit())
    lines = [line for line in netpold.log.text().splitlines() if "error: the process that" in line]
    tap_.true(f"{what}: one line says what, how, and what comes of it", len(lines) == 1
              and all(word in lines[0] for word in (*words, "netpold ends", "started again")),
              words, lines)


def ask_for_counters(world_, netpold):
    """Those of rules, which the helper lists; not until those that are known are too old."""
    until = time.monotonic() + daemon.PATIENCE
    while netpold.process.poll() is None and time.monotonic() < until:
        observer.status(world_)
        time.sleep(0.2)


def check_world(tap_, world_):
    """A helper that is killed, or hangs, is the end of its daemon, too."""
    tap_.section(world_.name)
    rules = standing(world_)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        helper, = repair_test.children(netpold.process.pid)
        os.kill(helper, signal.SIGKILL)
        check_end(tap_, world_, netpold, "the helper is killed",
                  (str(helper), "killed by signal 9"))
    tap_.equal("rules and sets stay", rules, repair_test.state(world_))
    with daemon.Daemon(world_, program=daemon.FAULTY, variables=IMPATIENT) as netpold:
        netpold.wait_in_force()
        helper, = repair_test.children(netpold.process.pid)
        os.kill(helper, signal.SIGSTOP)
        ask_for_counters(world_, netpold)
        check_end(tap_, world_, netpold, "the helper hangs", (str(helper), "not answered"))
        tap_.equal("it does not stay behind", False, repair_test.is_alive(helper))
    tap_.equal("rules and sets stay then, too", rules, repair_test.state(world_))
    with daemon.Daemon(world_, program=daemon.FAULTY, variables=IMPATIENT) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [dataclasses.replace(row, name=f"started again: {row.name}")
                                       for row in repair_test.ROWS])
        helper, = repair_test.children(netpold.process.pid)
        os.kill(helper, signal.SIGSTOP)
        tap_.equal("a helper that hangs does not keep netpold from its end", 0, netpold.stop())
        tap_.equal("nor does it outlive it", False, repair_test.is_alive(helper))
    with daemon.Daemon(world_, program=daemon.FAULTY, variables=IMPATIENT) as netpold:
        netpold.wait_in_force()
        helper, = repair_test.children(netpold.process.pid)
        os.kill(helper, signal.SIGSTOP)
        with daemon.Daemon(world_) as other:
            other.wait_in_force(patience=30)
            tap_.equal("nor another netpold from taking over", (0, False),
                       (netpold.wait_exit(), repair_test.is_alive(helper)))
            other.stop()


def test(tap_):
    # One layout is enough: rules are no others elsewhere.
    for backend in world.BACKENDS:
        with world.World(world.LAYOUTS[0], backend,
                         scenario.specs("web", "client", "guest")) as world_:
            world_.folder.put("policies", scenario.allow_clients(scenario.port("http")))
            check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
