#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody else does to netpold's rules and sets is undone (NF-71, L14).

    client ── TCP 8080 ──► web     allowed; one connection stands throughout
    guest  ── TCP 8080 ──► web     denied

Each case damages something, waits until the log tells that it is put right, and
compares rules and sets with those from before. What was let through in between
is judged when the damage is undone: a connection of guest's that was opened then
is cut. The topology is drawn in world.py.
"""

import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Callable

import daemon
import netns
import observer
import probe
import scenario
import streams
import tap
import world
import wrapper
from probe import ALLOWED, DENIED, Probe

PATIENCE_S = 15
RULES, SETS = "are put up again", "are put right"

ROWS = [Probe("an allowed connection stands", "client", "web", "tcp", 8080, ALLOWED),
        Probe("a denied one does not", "guest", "web", "tcp", 8080, DENIED)]


def flush_table(world_, family):
    world_.netfilter.change(family, "mangle", "-F")


def flush_hook(world_, family):
    world_.netfilter.change(family, "mangle", "-F", "POSTROUTING")


def remove_all(world_, family):
    """In the order in which `iptables -F; iptables -X` does it."""
    world_.netfilter.change(family, "mangle", "-F")
    world_.netfilter.change(family, "mangle", "-X")


def go_before(world_, family):
    world_.netfilter.change(family, "mangle", "-I", "POSTROUTING", "-m", "mark", "--mark",
                            "0x8000/0x8000", "-j", "ACCEPT")


def stay_away(world_, family):
    world_.netfilter.change(family, "mangle", "-D", "POSTROUTING", "-m", "mark", "--mark",
                            "0x8000/0x8000", "-j", "ACCEPT")


def double_jump(world_, family):
    world_.netfilter.change(family, "mangle", "-A", "POSTROUTING", "-j", "NETPOLD")


def delete_rule(world_, family):
    world_.netfilter.change(family, "mangle", "-D", "NETPOLD-DIVERT", "-m", "set", "--match-set",
                            f"netpold-ingress-{family}", "dst", "-g", "NETPOLD-JUDGE")


def intrude(world_, family):
    world_.netfilter.change(family, "mangle", "-I", "NETPOLD", "-j", "RETURN")


def flush_sets(world_, family):
    world_.node.run("ipset", "flush", f"netpold-ingress-{family}")


def flush_pods(world_, family):
    world_.node.run("ipset", "flush", f"netpold-pods-{family}")


def add_stranger(world_, family):
    world_.node.run("ipset", "add", f"netpold-egress-{family}", world_.address("client", family))


def destroy_everything(world_, family):
    """Rules may be put up again before all is gone, and a set that a rule asks stays."""
    names = [f"netpold-{name}-{family}" for name in ("egress", "ingress", "pods", "services")]
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            remove_all(world_, family)
            for name in set(world_.node.run("ipset", "list", "-n").stdout.split()) & set(names):
                world_.node.run("ipset", "destroy", name)
            return
        except netns.CommandError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@dataclasses.dataclass
class Damage:
    """What somebody does, what the log says when it is undone, and what is left to undo."""
    name: str
    do: Callable
    told: str
    opens: bool = True   # whether the denied connection passes meanwhile
    after: Callable = None


DAMAGES = [
    Damage("the mangle table is flushed", flush_table, RULES),
    Damage("POSTROUTING is flushed", flush_hook, RULES),
    Damage("all chains are removed", remove_all, RULES),
    Damage("somebody else's rule comes first", go_before, RULES, opens=False, after=stay_away),
    Damage("a jump stands twice", double_jump, RULES, opens=False),
    Damage("one rule is deleted", delete_rule, RULES),
    Damage("somebody's rule is among ours", intrude, RULES),
    Damage("a set is flushed", flush_sets, SETS),
    Damage("the set of all isolated pods is", flush_pods, SETS),
    Damage("a stranger is in a set", add_stranger, SETS, opens=False),
    Damage("rules and sets are destroyed", destroy_everything, RULES),
]


def state(world_):
    """What is netpold's: rules, members, and what comes first in the hook."""
    rules = world_.netfilter.rules()
    first = [next((rule for rule in rules if rule.startswith(f"{family} mangle -A POSTROUTING")), "")
             for family in "46"]
    return {"rules": world_.netfilter.own_rules(), "first": first,
            "sets": world_.netfilter.sets()}


def wait_mended(world_, expected):
    """Until all is as it was, or patience ends; what stands then."""
    until = time.monotonic() + PATIENCE_S
    while (now := state(world_)) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return now


def open_stray(world_):
    """What is denied, while nobody looks."""
    stray = streams.Streams(world_, [("guest", "web", "tcp", 8080)], wait=False)
    stray.keep_opened()
    return stray


def check_damage(tap_, world_, netpold, damage, kept):
    before = state(world_)
    start = len(netpold.log.lines)
    for family in "46":
        damage.do(world_, family)
    stray = open_stray(world_) if damage.opens else None
    now = wait_mended(world_, before)
    tap_.equal(f"{damage.name}: all is as it was", before, now)
    mended_at = time.monotonic()
    netpold.log.wait(lambda line, _at: line if damage.told in line else None, start)
    if stray:
        tap_.equal(f"{damage.name}: what came in meanwhile is cut", [],
                   stray.flowing(mended_at, count=1, timeout_ms=probe.DENIED_MS))
        stray.each("stream_stop", patience_ms=0)
    probe.check_all(tap_, world_, [dataclasses.replace(row, name=f"{damage.name}: {row.name}")
                                   for row in ROWS])
    tap_.equal(f"{damage.name}: an established connection goes on", kept.names(),
               kept.flowing(mended_at))
    if damage.after:
        for family in "46":
            damage.after(world_, family)


def check_counted(tap_, world_):
    """At least twice for each damage, in IPv4 and in IPv6."""
    for name, told, text in (("rules", RULES, "times rules were put up again"),
                             ("set_members", SETS, "members of sets were put right")):
        least = 2 * sum(damage.told == told for damage in DAMAGES)
        metric = f"netpold_{name}_mended_total"
        got = observer.wait_metric(world_, metric, lambda n, least=least: n >= least)
        tap_.true(f"{metric} counts all that", got >= least, f"{least} or more", got)
        page = observer.status(world_).stdout
        tap_.equal("and the page says so", got, observer.number(page, rf"Mended +(\d+) {text}"))


def check_world(tap_, world_):
    """Returns what stands while netpold runs."""
    tap_.section(world_.name)
    world_.netfilter.keep_tracking()
    world_.folder.put("policies", scenario.allow_clients(scenario.port("http")))
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        kept = streams.Streams(world_, [("client", "web", "tcp", 8080)])
        for damage in DAMAGES:
            check_damage(tap_, world_, netpold, damage, kept)
        check_counted(tap_, world_)
        tap_.equal("an established connection has lost nothing",
                   [], [name for name, report in kept.each("stream_stop")
                        if report["sent"] != report["answered"]])
        return state(world_)


def children(pid):
    task = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


def is_alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def check_helper(tap_, world_):
    """The helper ends with the daemon."""
    tap_.section(f"{world_.name}, the helper")
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        helper, = children(netpold.process.pid)
        netpold.stop(signal.SIGKILL)
        until = time.monotonic() + PATIENCE_S
        while is_alive(helper) and time.monotonic() < until:
            time.sleep(0.02)
        tap_.equal("it ends when the daemon is killed", False, is_alive(helper))


# Only the helper lists the mangle table alone.
FLUSHED_BEFORE = """
case "$name $*" in
*-save*mangle*)
    if mkdir /run/looked-$name 2>/dev/null; then
        {real} ${name%-save} -t mangle -F
    fi;;
esac
exec {real} "$name" "$@"
"""
FAILS_AT_FIRST = """
case "$name $*" in
ip6tables*-save*mangle*)
    mkdir /run/failed 2>/dev/null && exit 1;;
esac
exec {real} "$name" "$@"
"""


def check_first_look(tap_, world_, rules):
    """What the helper sees first need not be what was put up."""
    tap_.section(f"{world_.name}, the first look")
    words = wrapper.before(world_, FLUSHED_BEFORE)
    with daemon.Daemon(world_, before=words) as netpold:
        netpold.log.wait(lambda line, _at: line if RULES in line else None)
        now = wait_mended(world_, rules)
        tap_.equal("rules that somebody has flushed by then are put up", rules, now)
        netpold.stop()
    words = wrapper.before(world_, FAILS_AT_FIRST)
    with daemon.Daemon(world_, before=words) as netpold:
        netpold.log.wait(lambda line, _at: line if "cannot be kept" in line else None)
        for family in "46":
            flush_table(world_, family)
        tap_.equal("rules that could not be listed at first are watched", rules,
                   wait_mended(world_, rules))
        netpold.stop()


def test(tap_):
    # One layout is enough: what is tested here is tables and sets.
    for backend in world.BACKENDS:
        with world.World(world.LAYOUTS[0], backend,
                         scenario.specs("web", "client", "guest")) as world_:
            rules = check_world(tap_, world_)
            check_helper(tap_, world_)
            check_first_look(tap_, world_, rules)


if __name__ == "__main__":
    tap.main(test)
