#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What iptables-legacy needs of the kernel is loaded while netpold may still do that.

A script is in the place of modprobe; it tells what it is asked for, and whether whoever
runs it may load modules. The topology is drawn in world.py.
"""

import os

import daemon
import scenario
import tap
import world

LOADS = 1 << 16  # CAP_SYS_MODULE (capability.h)
TELLS = """#!/bin/sh
echo "$(grep CapEff /proc/self/status | cut -f2) $*" >>/run/modprobe/asked
exit 1
"""


def asked(folder):
    """Each time it is run: whether it may load modules, and what it is asked for."""
    told = folder / "asked"
    lines = told.read_text().splitlines() if told.exists() else []
    return [(bool(int(line.split()[0], 16) & LOADS), line.split()[1:]) for line in lines]


def test(tap_):
    expected = {"nft": [], "legacy": [(True, ["-aq", "ip_tables", "ip6_tables"])]}
    for backend in world.BACKENDS:
        with world.World(world.LAYOUTS[0], backend, scenario.specs("web", "client")) as world_:
            folder = world_.node.path("/run/modprobe")
            folder.mkdir()
            (folder / "modprobe").write_text(TELLS)
            (folder / "modprobe").chmod(0o755)
            world_.folder.put("policies", scenario.allow_clients(scenario.port("http")))
            with daemon.Daemon(world_, before=(
                    "env", f"PATH=/run/modprobe:{os.environ['PATH']}")) as netpold:
                netpold.wait_in_force()
                tap_.equal(f"{backend}: what is loaded, by one who may", expected[backend],
                           asked(folder))
                tap_.equal(f"{backend}: where it fails, netpold starts all the same", 0,
                           netpold.stop())


if __name__ == "__main__":
    tap.main(test)
