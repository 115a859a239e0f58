#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold and what may get in its way: a lock, another iptables, `clean`, a bridge.

    guest ── UDP 9000 ──► web    denied, whatever else happens on the node

Each is told in one sentence that names the thing, and what is enforced stays
enforced. The topology is drawn in world.py.
"""

import contextlib
import fcntl

import daemon
import manifests
import netfilter
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

PODS = ("web", "client", "guest")
POLICY = scenario.allow_clients(*scenario.WEB_PORTS)
LONER = manifests.policy("loner-alone", "shop", {"app": "loner"}, ingress=[])
VAULT = manifests.policy("vault-alone", "shop", {"app": "vault"}, ingress=[])
OTHER = {"nft": "legacy", "legacy": "nft"}
SETTINGS = {"4": "bridge-nf-call-iptables", "6": "bridge-nf-call-ip6tables"}


def check_sentence(tap_, what, words, lines, wrong=()):
    """One line, which holds these words and not those."""
    tap_.equal(f"{what}: the log is one line", 1, len(lines))
    line = lines[0] if lines else ""
    tap_.true(f"{what}: the line says so",
              line.startswith("netpold: error: ") and all(word in line for word in words)
              and not any(word in line for word in wrong),
              "netpold: error: … " + " … ".join(words), line)


def check_refused(tap_, what, words, netpold, wrong=()):
    """A start that must fail."""
    status = netpold.wait_refused()
    tap_.equal(f"{what}: the exit status is 2", 2, status)
    check_sentence(tap_, what, words, netpold.log.text().splitlines(), wrong)


def check_enforced(tap_, world_, when):
    probe.check_all(tap_, world_, [
        Probe(f"{when}, what was allowed still is", "client", "web", "udp", 9000, ALLOWED),
        Probe(f"{when}, what was denied still is", "guest", "web", "udp", 9000, DENIED)])


# ---- the lock of xtables -------------------------------------------------------

@contextlib.contextmanager
def waiting_for_lock():
    """A start that cannot get the lock. It waits for ten seconds, which are enough
    to do other things in other worlds."""
    with world.World("routed", "legacy", scenario.specs(*PODS)) as world_:
        world_.folder.put("policies", POLICY)
        with open(world_.node.path("/run/xtables.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with daemon.Daemon(world_) as netpold:
                yield world_, netpold


def check_lock(tap_, world_, netpold):
    tap_.section(world_.name)
    check_refused(tap_, "another program holds the lock of xtables (L14)",
                  ("another program", "lock", "try again"), netpold,
                  wrong=("module", "kernel", "lacks"))
    tap_.equal("who did not get the lock left no rule behind", [], world_.netfilter.own_rules())
    tap_.equal("who did not get the lock left no set behind", {}, world_.netfilter.sets())


# ---- the other flavour -----------------------------------------------------------

def check_other_flavour(tap_, world_):
    """The rules of a run that has ended stand, of this world's flavour."""
    backend = world_.backend
    rules = world_.netfilter.own_rules()
    world_.backend = OTHER[backend]  # what the daemon is told
    with daemon.Daemon(world_) as netpold:
        check_refused(tap_, f"rules of iptables-{backend} stand", (
            f"iptables-{backend}", f"iptables-{world_.backend}", "netpold clean"), netpold)
    tap_.equal("a start that was refused touches no rule", rules, world_.netfilter.own_rules())
    other = netfilter.Netfilter(world_.node, world_.backend)
    tap_.equal("a start that was refused makes no rule of the other flavour", [],
               other.own_rules())
    done = daemon.clean(world_)
    tap_.equal("`netpold clean` helps", 0, done.returncode)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_enforced(tap_, world_, "with the other flavour")
        tap_.equal("the rules are those of one flavour only", [], world_.netfilter.own_rules())
        netpold.stop()
    daemon.clean(world_)
    world_.backend = backend


# ---- clean -------------------------------------------------------------------------

def check_clean_while_running(tap_, world_, netpold):
    before = world_.netfilter.own_rules(), world_.netfilter.sets()
    done = daemon.clean(world_)
    tap_.equal("`netpold clean` while netpold runs: the exit status is 2", 2, done.returncode)
    check_sentence(tap_, "`netpold clean` while netpold runs", ("another netpold", "stop it"),
                   done.stderr.splitlines())
    tap_.equal("refused, it has touched nothing", before,
               (world_.netfilter.own_rules(), world_.netfilter.sets()))
    check_enforced(tap_, world_, "after a `netpold clean` that was refused")
    netpold.apply(LONER, name="more")
    check_enforced(tap_, world_, "after an edit after that")
    world_.folder.remove("more.json")


# ---- a bridge that hides its pods ---------------------------------------------------

def check_hidden(tap_, world_, netpold, what, family, edit):
    """@edit  what brings it to netpold's notice"""
    start = len(netpold.log.lines)
    edit()
    netpold.wait_in_force()
    netpold.apply(VAULT, name="again")
    netpold.wait_in_force(since=world_.folder.remove("again.json"))
    errors = [line for _, line in netpold.log.lines[start:] if "netpold: error: " in line]
    check_sentence(tap_, f"IPv{family}: {what}, and edits follow", (
        SETTINGS[family], "is 0", world_.address("web", family), "not protected"), errors)


def check_bridge(tap_, world_):
    """Pods come to a bridge that hides them; later the setting changes again."""
    cluster = world_.cluster()
    no_pods = [item for item in cluster if item["kind"] != "Pod"]
    for family in netfilter.FAMILIES:
        world_.folder.put("cluster", *no_pods)
        world_.call_iptables(family, 0)
        with daemon.Daemon(world_) as netpold:
            netpold.wait_in_force()
            check_hidden(tap_, world_, netpold, "pods come to a bridge that hides them", family,
                         lambda: world_.folder.put("cluster", *cluster))
            world_.call_iptables(family, 1)
            netpold.apply(LONER, name="more")
            check_enforced(tap_, world_, f"with {SETTINGS[family]} on again")
            world_.call_iptables(family, 0)
            check_hidden(tap_, world_, netpold, "a bridge begins to hide its pods", family,
                         lambda: world_.folder.remove("more.json"))
        world_.call_iptables(family, 1)


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", POLICY)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_clean_while_running(tap_, world_, netpold)
        netpold.stop()
    check_other_flavour(tap_, world_)
    if world_.layout == "bridge" and world_.backend == "nft":  # iptables have no part in it
        check_bridge(tap_, world_)


def test(tap_):
    with waiting_for_lock() as (locked, netpold):
        for world_ in world.variants(scenario.specs(*PODS)):
            check_world(tap_, world_)
        check_lock(tap_, locked, netpold)


if __name__ == "__main__":
    tap.main(test)
