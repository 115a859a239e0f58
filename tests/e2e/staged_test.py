#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Staged policies (netpold.io/mode: audit) deny nothing, and are judged by (NP-8, L35).

    client ── TCP 8080 ─────► web     enforced: allowed; staged: all may
           ── TCP 8081 ─────► web     enforced: denied; staged: all may
           ── everything ───► db      staged alone: nobody may
    guest  ── everything ───► free    its namespace is staged: nothing out
    client ── everything ───► guest   denied by a policy of it that says enforce

What netpold was asked is seen from the counters of the rules that lead to its queues: of
staged pods these are rules of their own, so that nothing of theirs is lost for being looked
at. The topology is drawn in world.py.
"""

import json
import socket
import struct
import time

import daemon
import manifests
import netns
import observer
import packet
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

WEB = scenario.allow_clients(manifests.port("http"))
WEB_WIDER = manifests.policy("web-from-all", "shop", {"app": "web"}, ingress=[manifests.rule()])
DB = manifests.policy("db-closed", "shop", {"app": "db"}, ingress=[])
GUESTS = manifests.policy("guests-closed", "guests", {}, egress=[])
# What the policy says of itself counts before what its namespace says.
GUESTS_IN = manifests.with_mode("enforce", manifests.policy(
    "guests-alone", "guests", {}, ingress=[]))


def audit(policy):
    return manifests.with_mode("audit", policy)


STAGED = [WEB, audit(WEB_WIDER), audit(DB), GUESTS, GUESTS_IN]
NOTHING_OF_DB = [WEB, audit(WEB_WIDER), GUESTS, GUESTS_IN]
ENFORCED = [WEB, audit(WEB_WIDER), DB, GUESTS, GUESTS_IN]

DIFFERING = [  # would be otherwise
    Probe("TCP to a pod that is closed by what is staged", "client", "db", "tcp", 8080, ALLOWED),
    Probe("UDP likewise", "client", "db", "udp", 9000, ALLOWED),
    Probe("a ping likewise", "client", "db", "icmp", 0, ALLOWED),
    Probe("TCP from a pod of a staged namespace", "guest", "free", "tcp", 8080, ALLOWED),
    Probe("TCP that is denied, and would be allowed", "client", "web", "tcp", 8081, DENIED),
]
AGREEING = [
    Probe("TCP that is allowed in either case", "client", "web", "tcp", 8080, ALLOWED),
    Probe("TCP from a pod that is staged for the other direction", "db", "free", "tcp", 8080,
          ALLOWED),
    Probe("TCP to a pod of the staged namespace, by a policy that says enforce", "client",
          "guest", "tcp", 8080, DENIED),
]
STREAMS = [("client", "web", "tcp", 8080), ("client", "free", "udp", 9000)]
DB_STREAMS = [("client", "db", "tcp", 8080), ("client", "db", "udp", 9000)]


def cluster(world_, mode):
    """The objects of the world, where one namespace has this mode; None: it has none."""
    return [manifests.with_mode(mode, made) if mode and made["kind"] == "Namespace" and
            made["metadata"]["name"] == "guests" else made for made in world_.cluster()]


def queued(world_):
    return sum(world_.netfilter.queued(family) + world_.netfilter.queued_for_staged(family)
               for family in "46")


def addresses(world_, *names):
    return sorted(world_.address(name, family) for name in names for family in "46")


def members(world_, what):
    sets = world_.netfilter.sets()
    return sorted(sets[f"netpold-{what}-4"] + sets[f"netpold-{what}-6"])


def named(rows, words):
    return [Probe(f"{words}, {row.name}", row.source, row.target, row.protocol, row.port,
                  row.expected) for row in rows]


# ---- what is decided, and what is seen ----


MODES = [{"mode": mode, "verdict": verdict} for mode in ("enforce", "audit")
         for verdict in ("allow", "deny")]


def by_mode(world_):
    """Verdicts: enforced and allowed, enforced and denied, then what would be."""
    return observer.totals(world_, "netpold_verdicts_total", *MODES)


def check_counts(tap_, world_):
    """What is staged counts where it makes a difference, and nowhere else."""
    before = by_mode(world_)
    probe.check_all(tap_, world_, named(AGREEING, "counted"))
    now = by_mode(world_)
    grown = [after - first for after, first in zip(now, before)]
    tap_.true("what is judged alike counts as enforced", min(grown[:2]) >= 2, "2 or more of each",
              grown)
    tap_.equal("and not as audited", [0, 0], grown[2:])
    probe.check_all(tap_, world_, named(DIFFERING, "counted"))
    grown = [after - first for after, first in zip(by_mode(world_), now)]
    tap_.true("what would be otherwise counts as what it would be, too",
              grown[3] >= 2 * 4 and grown[2] >= 2, "8 denials or more, and 2 that are allowed",
              grown)
    wanted = [{"policy": name, "mode": mode, "verdict": "deny"}
              for name in ("db-closed", "guests-closed", "guests-alone")
              for mode in ("enforce", "audit")]
    deadline = time.monotonic() + daemon.PATIENCE
    while True:
        denials = observer.totals(world_, "netpold_policy_verdicts_total", *wanted)
        if all((denials[1], denials[3], denials[4])) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    tap_.equal("staged policies are told to deny what is audited, and others what is not",
               [False, True, False, True, True, False], [n > 0 for n in denials])


def check_verdicts(tap_, world_):
    """E decides the packet; the kernel remembers what P says, too, and nothing else."""
    for words in ("asked once", "asked again"):
        before = queued(world_)
        probe.check_all(tap_, world_, named(DIFFERING, words))
        tap_.true(f"{words}, every flow that would be judged otherwise is seen",
                  queued(world_) - before >= 2 * len(DIFFERING),
                  f"at least {2 * len(DIFFERING)}", queued(world_) - before)
    probe.check_all(tap_, world_, named(AGREEING, "asked once"))
    before = queued(world_)
    probe.check_all(tap_, world_, named(AGREEING, "asked again"))
    tap_.equal("what is judged alike is answered by the kernel", 0, queued(world_) - before)


def check_sets(tap_, world_):
    tap_.equal("whom staged policies alone isolate is in a set of its own",
               addresses(world_, "db", "guest"), members(world_, "staged"))
    tap_.equal("and in none of the others", addresses(world_, "guest", "web"),
               members(world_, "ingress"))
    tap_.equal("nobody's egress is judged for what is enforced", [], members(world_, "egress"))


def explain(world_, *arguments):
    done = world_.node.run(str(daemon.PROGRAM), "explain", "--live", "--from", "shop/client",
                           "--to", "shop/db", "--port", "8080", *arguments, check=False)
    return done.stdout


def wait(world_, *options):
    return world_.node.run(str(daemon.PROGRAM), "wait", "--policy", "shop/db-closed", *options,
                           check=False)


def check_told(tap_, world_):
    receipts = {one["name"]: one.get("staged", False) for one in observer.get(world_, "receipts")}
    tap_.equal("the receipts say what is staged", {
        "web-from-clients": False, "web-from-all": True, "db-closed": True,
        "guests-closed": True, "guests-alone": False}, receipts)
    tap_.equal("they are counted", 3, observer.metrics(world_).get("netpold_staged_policies"))
    page = observer.status(world_).stdout
    tap_.true("the page tells of them", " 2 policies, 3 staged, " in page, "3 staged", page)
    page = observer.status(world_, "--policies").stdout
    tap_.true("so does the list", any(
        "shop/db-closed (" in line and line.endswith(", staged") for line in page.splitlines()),
        "… shop/db-closed (…), staged", page)
    for words, options, expected in (("until it is staged", ("--staged", "--timeout=30s"), 0),
                                     ("until it is enforced", ("--timeout=0s",), 1)):
        waited = wait(world_, *options)
        tap_.true(f"who waits {words} is told that it is staged: exit status {expected}",
                  waited.returncode == expected and
                  "shop/db-closed is staged, and not enforced" in waited.stdout,
                  "is staged, and not enforced", waited.stdout)
    text = explain(world_)
    tap_.true("a live explanation says what would be", text.startswith("allow ") and
              "\nstaged: would be denied: ingress: shop/db is isolated by shop/db-closed "
              "and no rule matches\n" in text, "allow … staged: would be denied: …", text)
    record = json.loads(explain(world_, "--output", "json"))
    tap_.equal("its record, too", ("allow", "deny", "no-rule-matches"), (
        record["verdict"], record.get("would"),
        record.get("planned", {}).get("ingress", {}).get("reason")))
    text = explain(world_, "--staged")
    tap_.true("as if it were enforced, it is denied", text.startswith("deny ") and
              "staged:" not in text, "deny …", text)


# ---- nothing is lost ----


def send_without_flags(world_, target):
    """A packet of no connection; whether it arrives."""
    source, address = world_["client"], world_.address(target, "4")
    token = f"without flags to {target}\n"
    header = struct.pack("!HHIIBBHHH", 7777, 4711, 1, 1, 5 << 4, 0, 1024, 0, 0)
    data = packet.ip(source.addresses["4"], address, socket.IPPROTO_TCP, header + token.encode())
    world_[target].call("watch", token=token)
    source.call("send_raw", data=data.hex(), destination=address)
    return world_[target].call("watched", token=token, timeout_ms=1000)


def check_odd_packets(tap_, world_):
    """NF-50 is for what is enforced."""
    tap_.equal("what belongs to no connection is dropped for an isolated pod", 0,
               send_without_flags(world_, "web"))
    tap_.equal("and not for a staged one", 1, send_without_flags(world_, "db"))


def lost(streams_, flows, settled):
    """Messages of these flows that were sent by then and not answered."""
    return {name: report["lost"] for name, report in streams_.part(flows).each(
        "stream_stop", settled=settled, patience_ms=3000) if report["lost"]}


def check_switching(tap_, world_, netpold):
    """A mode that changes under traffic costs no packet of a flow that is allowed."""
    running = streams.Streams(world_, STREAMS + DB_STREAMS)
    for _ in range(5):
        netpold.apply(*NOTHING_OF_DB)
        netpold.apply(*STAGED)
        netpold.wait_in_force(since=world_.folder.put("cluster", *cluster(world_, None)))
        netpold.wait_in_force(since=world_.folder.put("cluster", *cluster(world_, "audit")))
    since = time.monotonic()
    every = sorted(running.names())
    tap_.equal("staged, unstaged and staged again, every flow goes on", every,
               sorted(running.flowing(since)))
    settled = time.monotonic()
    running.flowing(settled, count=1)
    world_.folder.put("policies", *ENFORCED)
    waited = wait(world_)
    tap_.true("who waits until it is enforced hears when it is", waited.returncode == 0 and
              "shop/db-closed is in force" in waited.stdout, 0, waited.stdout + waited.stderr)
    since = time.monotonic()
    kept = running.part(STREAMS)
    tap_.equal("enforced, the others go on", sorted(kept.names()), sorted(kept.flowing(since)))
    tap_.equal("and those of the pod have stopped", [],
               running.part(DB_STREAMS).flowing(since, count=1, timeout_ms=500))
    probe.check_all(tap_, world_, [
        Probe("enforced, it is denied", "client", "db", "tcp", 8080, DENIED)])
    netpold.apply(*STAGED)
    since = time.monotonic()
    tap_.equal("staged again, they go on", sorted(running.part(DB_STREAMS).names()),
               sorted(running.part(DB_STREAMS).flowing(since, count=1)))
    tap_.equal("no message of the others was lost throughout", {},
               lost(running, STREAMS, time.monotonic()))
    tap_.equal("nor of these while they were staged", {}, lost(running, DB_STREAMS, settled))


def check_absent(tap_, world_):
    """Fail-closed is for what is enforced as well."""
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, "--on-failure=closed") as netpold:
        netpold.wait_in_force()
        netpold.stop()
    probe.check_all(tap_, world_, [
        Probe("without netpold, closed, a staged pod is open", "client", "db", "tcp", 8080,
              ALLOWED),
        Probe("without netpold, closed, an isolated one is closed", "client", "web", "tcp", 8080,
              DENIED)])
    tap_.equal("what there is can be cleaned", 0, daemon.clean(world_).returncode)
    tap_.equal("no set is left", {}, world_.netfilter.sets(answers=True))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("cluster", *cluster(world_, "audit"))
    world_.folder.put("policies", *STAGED)
    with daemon.Daemon(world_, daemon.REMEMBER) as netpold:
        netpold.wait_in_force()
        check_sets(tap_, world_)
        check_counts(tap_, world_)
        check_verdicts(tap_, world_)
        check_told(tap_, world_)
        check_odd_packets(tap_, world_)
        check_switching(tap_, world_, netpold)
        refused = netpold.wait_refusal(lambda: world_.folder.put(
            "policies", manifests.with_mode("Audit", DB)))
        tap_.true("a mode that is none is refused, with its path",
                  "metadata.annotations.netpold.io/mode: Unsupported value: \"Audit\"" in refused,
                  "… netpold.io/mode: Unsupported value: …", refused)
        netpold.stop()
    world_.folder.put("policies", *STAGED)
    check_absent(tap_, world_)


def test(tap_):
    specs = scenario.specs("web", "db", "client", "free")
    specs.append(world.PodSpec("guest", namespace="guests", labels=scenario.CLIENT,
                               listens=scenario.SERVERS))
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
