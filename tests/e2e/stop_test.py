#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What netpold leaves behind: all of it when it stops, nothing when cleaned.

    client ── TCP, UDP ──► web     allowed
    guest  ── TCP ───────► web     denied
    free   ── UDP ───────► web     denied; opened while nobody judges

The topology is drawn in world.py. Other programs' rules and chains stand in
every table before netpold comes, and must stand there, in their order and
with their counters, whatever it does (NF-69, L13); its own are made once, and a
new run takes them over as they stand (L1).
"""

import time

import daemon
import netfilter
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

FLOWS = [("tcp", 8080), ("udp", 9000)]
FOREIGN_FLOW_MARK = 0x80

# Somebody else's: a base chain's rule, a chain of their own, and a jump to it.
FOREIGN_RULES = [
    ("mangle", "-N", "OTHERS"),
    ("mangle", "-A", "OTHERS", "-m", "comment", "--comment", "not ours", "-j", "RETURN"),
    ("mangle", "-A", "POSTROUTING", "-j", "OTHERS"),
    ("mangle", "-A", "PREROUTING", "-j", "CONNMARK", "--set-xmark",
     f"{FOREIGN_FLOW_MARK:#x}/{FOREIGN_FLOW_MARK:#x}"),
    ("mangle", "-A", "OUTPUT", "-m", "mark", "--mark", "0x1234", "-j", "ACCEPT"),
    ("filter", "-N", "OTHERS"),
    ("filter", "-A", "FORWARD", "-j", "OTHERS"),
    ("nat", "-A", "POSTROUTING", "-m", "mark", "--mark", "0x4000/0x4000", "-j", "MASQUERADE"),
]

ALLOWED_ROWS = [Probe("{}, an allowed connection stands", "client", "web", "tcp", 8080, ALLOWED),
                Probe("{}, an allowed datagram is answered", "client", "web", "udp", 9000,
                      ALLOWED)]
DENIED_TCP = Probe("{}, a denied connection does not stand", "guest", "web", "tcp", 8080, DENIED)
PASSING_TCP = Probe("{}, a connection passes that would be denied (--queue-bypass)",
                    "guest", "web", "tcp", 8080, ALLOWED)


def rows(when, *templates):
    return [Probe(row.name.format(when), row.source, row.target, row.protocol, row.port,
                  row.expected) for row in templates]


def put_foreign_rules(world_):
    for family in "46":
        for table, *rule in FOREIGN_RULES:
            world_.netfilter.change(family, table, *rule)
    world_.node.run("ipset", "create", "others", "hash:ip")
    world_.node.run("ipset", "add", "others", "192.0.2.99")


def start_streams(world_, source, flows):
    for protocol, port in flows:
        for family in "46":
            world_[source].call("stream", name=f"{protocol}{family}", protocol=protocol,
                                address=world_.address("web", family), port=port, every_ms=5)


def flowing(world_, source, flows, since):
    """Which streams carry messages sent after that time."""
    return [f"{protocol}{family}" for protocol, _ in flows for family in "46"
            if world_[source].call("stream_wait", name=f"{protocol}{family}", count=10,
                                   since=since, timeout_ms=15000) >= 10]


def names(flows):
    return [f"{protocol}{family}" for protocol, _ in flows for family in "46"]


def jump_packets(world_):
    """Counters of the jumps to netpold: they start anew if a jump is replaced."""
    return [world_.netfilter.rule_packets(family, "POSTROUTING", "NETPOLD") for family in "46"]


def check_stopped(tap_, world_, netpold, before):
    """SIGTERM: in order, and everything stays."""
    stopped_at = time.monotonic()
    tap_.equal("at SIGTERM the exit status is 0", 0, netpold.stop())
    last = netpold.log.lines[-1][1] if netpold.log.lines else ""
    tap_.true("the last line of the log says that it stopped",
              last.startswith("netpold: stopped: "), "netpold: stopped: …", last)
    tap_.equal("stopped, the rules stay as they were", before["rules"], world_.netfilter.rules())
    tap_.equal("stopped, the sets stay as they were", before["sets"], world_.netfilter.sets())
    tap_.equal("stopped, established flows go on", names(FLOWS),
               flowing(world_, "client", FLOWS, stopped_at))
    probe.check_all(tap_, world_, rows("with nobody judging", *ALLOWED_ROWS, PASSING_TCP))


def check_restarted(tap_, world_, before):
    """A new process takes over what stands, and judges what passed meanwhile."""
    start_streams(world_, "free", [("udp", 9000)])
    tap_.equal("with nobody judging, a flow is opened that no policy allows",
               names([("udp", 9000)]), flowing(world_, "free", [("udp", 9000)], 0))
    packets = jump_packets(world_)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        started = netpold.wait_in_force()
        tap_.equal("restarted, the rules are those that stood", before["rules"],
                   world_.netfilter.rules())
        tap_.equal("restarted, the sets hold the same pods", before["sets"],
                   world_.netfilter.sets())
        tap_.true("restarted, the jumps were left in place with their counters",
                  all(now >= then for now, then in zip(jump_packets(world_), packets)),
                  f"at least {packets}", jump_packets(world_))
        stray = [world_["free"].call("stream_wait", name=name, count=1, since=started.at,
                                     timeout_ms=400) for name in names([("udp", 9000)])]
        tap_.equal("restarted, a flow that came in unjudged is cut", [0, 0], stray)
        tap_.equal("restarted, established flows go on", names(FLOWS),
                   flowing(world_, "client", FLOWS, started.at))
        for name in names(FLOWS):
            report = world_["client"].call("stream_stop", name=name)
            tap_.equal(f"an allowed flow lost nothing through stop and start ({name})",
                       report["sent"], report["answered"])
        probe.check_all(tap_, world_, rows("restarted", *ALLOWED_ROWS, DENIED_TCP))
        netpold.stop()


def check_cleaned(tap_, world_, foreign):
    done = daemon.clean(world_)
    tap_.equal("netpold clean succeeds", (0, ""), (done.returncode, done.stderr))
    tap_.equal("cleaned, the rules are those from before netpold", foreign["rules"],
               world_.netfilter.rules())
    tap_.equal("cleaned, the sets are those from before netpold", foreign["sets"],
               world_.netfilter.sets())
    tap_.equal("cleaned, the tables in use are those from before netpold", foreign["tables"],
               world_.netfilter.legacy_tables())
    marks = world_.netfilter.marks()
    tap_.equal("cleaned, no connection mark holds a bit of netpold", [],
               [hex(mark) for mark in marks if mark & netfilter.MARK_MASK])
    tap_.equal("cleaned, connection marks keep the bits of others", True,
               any(mark & FOREIGN_FLOW_MARK for mark in marks))
    probe.check_all(tap_, world_, rows("cleaned", *ALLOWED_ROWS, PASSING_TCP))
    done = daemon.clean(world_)
    tap_.equal("netpold clean has nothing to do a second time", (0, ""),
               (done.returncode, done.stderr))


def state(world_):
    return {"rules": world_.netfilter.rules(), "sets": world_.netfilter.sets(),
            "tables": world_.netfilter.legacy_tables()}


def check_world(tap_, world_):
    tap_.section(world_.name)
    put_foreign_rules(world_)
    foreign = state(world_)
    world_.folder.put("policies", *scenario.policies())
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        tap_.equal("running, other programs' rules stand untouched and in order",
                   foreign["rules"], world_.netfilter.foreign_rules())
        probe.check_all(tap_, world_, rows("running", *ALLOWED_ROWS, DENIED_TCP))
        start_streams(world_, "client", FLOWS)
        tap_.equal("running, allowed flows flow", names(FLOWS),
                   flowing(world_, "client", FLOWS, 0))
        before = state(world_)
        check_stopped(tap_, world_, netpold, before)
    check_restarted(tap_, world_, before)
    check_cleaned(tap_, world_, foreign)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "free", "guest", "loner")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
