#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold run --check` says what a run would find, and changes nothing (L16, NF-60).

Each case puts something in the way on the node, and names what the answer must
say of it. The same rules of others are named in the log when a run starts. What
a kernel lacks is imitated in bad_input_test.py.
"""

import dataclasses
import shutil
from collections.abc import Callable

import daemon
import manifests
import netfilter
import tap
import world

GOOD, TROUBLE = 0, 2
QUEUE = 17001  # the second of a run's with two workers
AUDIT = ("--mode=audit", "--workers=1", daemon.ASK_ALWAYS)
TOOLS = "/run/tools"  # where a node's programs are, if the case says so

# A lock that is taken while features are tried, and kept.
LOCKED = """#!/bin/sh
rules=$(cat)
case "$rules" in
*"-m mark"*)
    echo "Another app is currently holding the xtables lock." >&2
    exit 4;;
esac
printf '%s\\n' "$rules" | {real} "$@"
"""


def nothing(_world):
    pass


def use_our_bits(world_):
    for family in "46":
        world_.netfilter.change(family, "mangle", "-A", "PREROUTING", "-j", "MARK", "--set-mark",
                                "0x1/0x3")


def compare_whole_mark(world_):
    world_.netfilter.change("4", "filter", "-A", "INPUT", "-m", "connmark", "--mark", "0x5", "-j",
                            "RETURN")


def use_others(world_):
    """kube-proxy's bit."""
    world_.netfilter.change("4", "nat", "-A", "POSTROUTING", "-m", "mark", "--mark",
                            "0x4000/0x4000", "-j", "MASQUERADE")


def take_queue(world_):
    world_.node.call("take_queue", number=QUEUE)


def take_group(world_):
    world_.node.call("take_group", number=QUEUE - 1)


def leave_rules(world_):
    """Of netpold's, in the other flavour."""
    other = netfilter.Netfilter(world_.node,
                                next(b for b in world.BACKENDS if b != world_.backend))
    other.change("4", "mangle", "-N", "NETPOLD")


def leave_rules_and_take_queue(world_):
    leave_rules(world_)
    take_queue(world_)


def leave_all(world_):
    """As a netpold does that has ended: rules, sets, and an answer for whoever asks again."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop()


def leave_one_set(world_):
    world_.node.run("ipset", "create", "netpold-egress-6", "hash:ip", "family", "inet6")


def take_set_name(world_):
    """The third that is made."""
    world_.node.run("ipset", "create", "netpold-ingress-4", "hash:net")


def take_tools(world_):
    """Programs of the node's own, in TOOLS: all but ip6tables-…-restore."""
    folder = world_.node.path(TOOLS)
    folder.mkdir()
    for flavour in world.BACKENDS:
        for name in ("iptables", "ip6tables"):
            for suffix in ("", "-save", "-restore"):
                if (name, suffix) != ("ip6tables", "-restore"):
                    program = f"{name}-{flavour}{suffix}"
                    (folder / program).symlink_to(shutil.which(program))
    return folder


def keep_lock(world_):
    name = f"ip6tables-{world_.backend}-restore"
    program = take_tools(world_) / name
    # The real one is told by its name what it is.
    program.write_text(LOCKED.format(real=shutil.which(name)))
    program.chmod(0o755)


@dataclasses.dataclass
class Case:
    name: str
    prepare: Callable
    status: int
    said: tuple   # each line must be there
    warned: bool = False  # also by a run
    options: tuple = ()
    tools: str = ""       # in place of PATH


CASES = [
    Case("a node with all that is needed", nothing, GOOD,
         ("good     IPv4: the kernel has all", "good     IPv6: the kernel has all",
          f"good     queues {QUEUE - 1}-{QUEUE} are free", "no rule of iptables uses its bits",
          "good     connections can be listed",
          "good     --seccomp: the kernel can limit system calls")),
    Case("others use other bits", use_others, GOOD, ("no rule of iptables uses its bits",)),
    Case("somebody changes our bits", use_our_bits, GOOD,
         ("changes bits 0x3, which netpold takes for its own: -A PREROUTING",), True),
    Case("somebody compares them", compare_whole_mark, GOOD,
         ("compares bits 0x107f, which netpold takes for its own: -A INPUT",), True),
    Case("with --deny=reject", nothing, GOOD, ("good     --deny=reject: refusals can be sent",),
         options=("--deny=reject",)),
    Case("with --flow-log-ends, of which nothing is counted", nothing, GOOD,
         ("good     --flow-log-ends: the ends of connections can be listened to",
          "warning  --flow-log-ends: net.netfilter.nf_conntrack_acct is 0: their bytes",
          "warning  --flow-log-ends: net.netfilter.nf_conntrack_timestamp is 0"),
         options=("--flow-log=stdout", "--flow-log-ends=on",)),
    Case("with --mode=audit, which has no queue and no marks", use_our_bits, GOOD,
         (f"good     log group {QUEUE - 1} is free", "good     IPv6: the kernel has all"),
         options=AUDIT),
    Case("with --mode=audit, and the log group is taken", take_group, TROUBLE,
         (f"missing  log group {QUEUE - 1} is in use",), options=AUDIT),
    Case("a queue is taken", take_queue, TROUBLE, (f"missing  queue {QUEUE}",)),
    Case("rules of netpold stand in the other flavour", leave_rules, TROUBLE,
         ("missing  rules of netpold stand in iptables-",)),
    Case("rules stand, and a queue is taken", leave_rules_and_take_queue, TROUBLE,
         (f"missing  queue {QUEUE} is in use",)),
    Case("a netpold has ended here", leave_all, GOOD,
         (f"good     queues {QUEUE - 1}-{QUEUE} are free", "they are not tried")),
    Case("a set stands without rules", leave_one_set, GOOD,
         ("good     IPv6: the kernel has all",)),
    Case("a set of ours is another kind of set", take_set_name, TROUBLE,
         ("missing  set 'netpold-ingress-4'",)),
    Case("ip6tables-restore is not there", take_tools, TROUBLE,
         ("good     IPv4: the kernel has all", "missing  IPv6: iptables is needed: ",
          "they are not tried"), tools=TOOLS),
    Case("another program keeps the lock of iptables", keep_lock, TROUBLE,
         ("good     IPv4: the kernel has all", "missing  IPv6: another program has held the lock"),
         tools=TOOLS + ":/bin"),
]


def check_node(world_, case):
    path = (f"PATH={case.tools}",) if case.tools else ()
    return world_.node.run("env", *path, str(daemon.PROGRAM), "run", "--check", "--workers=2",
                           "--iptables", world_.backend, "--manifests", world_.folder.path,
                           "--node-name", world_.node_name, *case.options, check=False)


def state(world_):
    return world_.netfilter.rules(), world_.netfilter.sets()


def check_case(tap_, world_, case):
    case.prepare(world_)
    before = state(world_)
    done = check_node(world_, case)
    tap_.equal(f"{case.name}: the exit status", case.status, done.returncode)
    for line in case.said:
        tap_.true(f"{case.name}: it says '{line}'", line in done.stdout, line, done.stdout)
    tap_.equal(f"{case.name}: rules and sets are as they were", before, state(world_))
    if not case.warned:
        return
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        warning = f"warning: a rule of iptables-{world_.backend} {case.said[0]}"
        tap_.true(f"{case.name}: a run warns of it", warning in netpold.log.text(), warning,
                  netpold.log.text())


def check_running(tap_, world_, case):
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        done = check_node(world_, case)
        tap_.equal("where netpold runs: the exit status", GOOD, done.returncode)
        tap_.true("where netpold runs: it says so",
                  "warning  another netpold runs" in done.stdout,
                  "warning  another netpold runs", done.stdout)


def test(tap_):
    specs = [world.PodSpec("web", labels={"app": "web"})]
    for backend in world.BACKENDS:
        for case in CASES:
            with world.World(world.LAYOUTS[0], backend, specs) as world_:
                tap_.section(world_.name)
                world_.folder.put("policies",
                                  manifests.policy("web", "shop", {"app": "web"}, ingress=[]))
                check_case(tap_, world_, case)
                if case is CASES[0]:
                    check_running(tap_, world_, case)


if __name__ == "__main__":
    tap.main(test)
