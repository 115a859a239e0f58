#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""While iptables refuses to change rules, everything else goes on.

    client ── TCP 8080 ──► web     allowed, and denied by an edit
    guest  ── TCP 8080 ──► web     denied

iptables is wrapped: it fails while a file is there, for as long or once. The topology
is drawn in world.py.
"""

import time

import daemon
import manifests
import probe
import scenario
import tap
import world
import wrapper
from probe import ALLOWED, DENIED, Probe

RANGE = ("--pod-cidr", "10.66.0.0/24,fd66::/64")
BROKEN, ONCE = "/run/broken", "/run/broken-once"
REFUSE = f"""
case "$name" in
*-restore)
    if [ -e {ONCE} ] || [ -e {BROKEN} ]; then
        rm -f {ONCE}
        cat >/dev/null
        echo "$name: it is made to fail" >&2
        exit 4
    fi
    ;;
esac
exec {{real}} "$name" "$@"
"""
MENDED_S = 5


def before(world_):
    return wrapper.before(world_, REFUSE)


def touch(world_, path):
    world_.node.run("touch", path)


def row(words, source, target, expected):
    return Probe(words, source, target, "tcp", 8080, expected)


def node(world_, *blocks):
    return manifests.node(world_.node_name, list(blocks))


def check_edit(tap_, world_):
    """New flows obey an edit although rules cannot be changed, and sets are kept."""
    world_.folder.put("policies", scenario.allow_clients(manifests.port(8080)))
    world_.folder.put("node", node(world_, "10.66.0.0/24", "fd66::/64"))
    with daemon.Daemon(world_, "--hold-unknown=900", before=before(world_)) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [row("asked once", "client", "web", ALLOWED)])
        touch(world_, BROKEN)
        world_.folder.put("node", node(world_, "10.66.0.0/23", "fd66::/64"))
        netpold.log.wait(lambda line, _at: line if "trying again" in line else None)
        world_.folder.put("policies", scenario.allow_clients(manifests.port(8081)))
        netpold.log.wait(lambda line, _at: line if "new flows obey" in line else None)
        time.sleep(0.5)
        probe.check_all(tap_, world_, [
            row("rules cannot be changed: new flows obey an edit", "client", "web", DENIED)])
        for name in ("ingress", "pods"):
            world_.node.run("ipset", "flush", f"netpold-{name}-4")
        deadline = time.monotonic() + MENDED_S
        while not world_.netfilter.sets()["netpold-pods-4"] and time.monotonic() < deadline:
            time.sleep(0.05)
        tap_.true("rules cannot be changed: sets are put right",
                  world_.netfilter.sets()["netpold-pods-4"], "members", "none")
        world_.node.run("rm", BROKEN)
        netpold.wait_in_force()
        netpold.stop()
    daemon.clean(world_)


def check_pause(tap_, world_):
    """In an emergency nobody is cut off by what cannot be taken away."""
    rows = [row("pause: a pod that no policy isolates", "client", "free", ALLOWED),
            row("pause: one that is denied otherwise", "guest", "web", ALLOWED)]
    world_.folder.put("policies", scenario.allow_clients(manifests.port("http")))
    with daemon.Daemon(world_, *RANGE, "--hold-unknown=900", before=before(world_)) as netpold:
        netpold.wait_in_force()
        touch(world_, BROKEN)
        world_.node.run(str(daemon.PROGRAM), "pause", "--for=1h", check=False)
        probe.check_all(tap_, world_, rows)
        time.sleep(MENDED_S)  # what mends sets has looked at them
        probe.check_all(tap_, world_, [row(f"{made.name}, some seconds later", made.source,
                                           made.target, made.expected) for made in rows])
        world_.node.run("rm", BROKEN)
        world_.node.run(str(daemon.PROGRAM), "pause", "--end")
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [row("after the pause", "guest", "web", DENIED)])
        netpold.stop()
    daemon.clean(world_)


def check_start(tap_, world_):
    """A start that fails leaves closed what was to be closed."""
    world_.folder.put("policies", scenario.allow_clients(manifests.port("http")))
    with daemon.Daemon(world_, *RANGE, "--on-failure=closed", "--on-start=drop",
                       program=daemon.FAULTY,
                       before=(*before(world_), "env", "FAULT_POINTS=first-read=1500")) as netpold:
        netpold.log.wait(lambda line, _at: line if "until the first sync" in line else None)
        touch(world_, ONCE)
        tap_.equal("closed: a start that fails", 2, netpold.wait_exit())
    probe.check_all(tap_, world_, [row("closed: it has failed", "guest", "web", DENIED)])
    daemon.clean(world_)


def check_world(tap_, world_):
    tap_.section(world_.name)
    check_edit(tap_, world_)
    check_pause(tap_, world_)
    check_start(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "free", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
