#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was asked once is answered by the kernel, and as netpold would.

    client ── TCP 8080, UDP 9000, SCTP 7000 ──────► web     allowed
    client ── TCP 8081, UDP 9001, SCTP 7001, ping ► web     denied
    client ── ping, and all else ─────────────────► db      allowed
    guest  ── TCP 8080 ───────────────────────────► vault   allowed

Who answers is seen from the counter of the queue's rules. The topology is drawn
in world.py.
"""

import time

import daemon
import manifests
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

WEB = manifests.policy("web-from-clients", "shop", {"app": "web"}, ingress=[manifests.rule(
    [manifests.pods(**scenario.CLIENT)],
    [manifests.port("http"), manifests.port(9000, "UDP"), manifests.port(7000, "SCTP")])])
WEB_CLOSED = scenario.allow_clients(manifests.port(4444))
VAULT = manifests.policy("vault-from-guests", "shop", {"app": "vault"},
                         ingress=[manifests.rule([manifests.namespaces(team="guests")])])
PINGED = manifests.policy("db-from-all", "shop", {"app": "db"}, ingress=[manifests.rule(
    [manifests.pods(**scenario.CLIENT)])])

KNOWN = [
    Probe("TCP", "client", "web", "tcp", 8080, ALLOWED),
    Probe("UDP", "client", "web", "udp", 9000, ALLOWED),
    Probe("SCTP", "client", "web", "sctp", 7000, ALLOWED),
    Probe("ping", "client", "db", "icmp", 0, ALLOWED),
]
RANGE = ("--pod-cidr", "10.66.0.0/24,fd66::/64")

REFUSED = [
    Probe("TCP that is denied", "client", "web", "tcp", 8081, DENIED),
    Probe("UDP that is denied", "client", "web", "udp", 9001, DENIED),
    Probe("SCTP that is denied", "client", "web", "sctp", 7001, DENIED),
    Probe("a ping that is denied", "client", "web", "icmp", 0, DENIED),
]
OTHERS = [Probe("TCP of somebody else", "guest", "vault", "tcp", 8080, ALLOWED)]


def named(rows, words):
    return [Probe(f"{words}, {row.name}", row.source, row.target, row.protocol, row.port,
                  row.expected) for row in rows]


def expecting(rows, expected, words):
    return [Probe(f"{words}, {row.name}", row.source, row.target, row.protocol, row.port,
                  expected) for row in rows]


def queued(world_):
    return [world_.netfilter.queued(family) for family in "46"]


def answers(world_, what):
    return {name: set(members) for name, members in world_.netfilter.sets(answers=True).items()
            if name.startswith(f"netpold-{what}-")}


def size(world_, what):
    return sum(map(len, answers(world_, what).values()))


def ask(tap_, world_, rows, words, asked):
    """Try them, and see whether netpold was asked."""
    before = queued(world_)
    probe.check_all(tap_, world_, named(rows, words))
    now = queued(world_)
    if asked:
        tap_.true(f"{words}: netpold is asked", all(b > a for a, b in zip(before, now)),
                  f"more than {before}", now)
    else:
        tap_.equal(f"{words}: netpold is not asked", before, now)


def check_answers(tap_, world_):
    """NF-95: the second time it is the kernel that answers."""
    ask(tap_, world_, KNOWN + REFUSED + OTHERS, "asked once", asked=True)
    tap_.equal("one datagram that netpold itself denied is none that the kernel did", [],
               [one for one in observer.get(world_, "denied") if one["flow"].endswith("/UDP")])
    ask(tap_, world_, KNOWN + REFUSED + OTHERS, "asked again", asked=False)
    metrics = observer.wait_metric(world_, "netpold_kernel_cache_answers", lambda n: n == 18)
    tap_.equal("what the kernel remembers is counted", 18, metrics)
    tap_.equal("and is what is in the sets", (10, 8), (size(world_, "allowed"),
                                                       size(world_, "denied")))
    hits = observer.wait_metric(world_, "netpold_kernel_cache_hits_total", lambda n: n >= 18)
    tap_.true("so is how often it has answered", hits >= 18, "18 or more", hits)
    page = observer.status(world_).stdout
    tap_.true("the page tells of it", "In kernel    10 answers allow" in page,
              "In kernel    10 answers allow …", page)


def check_denied(tap_, world_):
    """Who is denied by the kernel is seen, and by which policy."""
    told = {one["flow"]: one for one in observer.get(world_, "denied")}
    wanted = "shop/client -> shop/web:8081/TCP"
    tap_.true("what the kernel denies can be seen", wanted in told, wanted, sorted(told))
    why = told.get(wanted, {"why": "", "decision": {}})
    tap_.true("with the policy that is behind it", "shop/web-from-clients" in why["why"],
              "… shop/web-from-clients …", why["why"])
    datagrams = {one["packets"] for one in told.values() if one["flow"].endswith("/UDP")}
    tap_.equal("of two datagrams the kernel denied one", {1}, datagrams)
    tap_.equal("as a decision, too", ["shop/web-from-clients"],
               why["decision"].get("ingress", {}).get("isolated_by"))
    page = observer.status(world_).stdout
    tap_.true("the page tells of it", f"Denied       {next(iter(told), '')}, " in page,
              "Denied …", page)


def check_edits(tap_, world_, netpold):
    """A change takes out what it makes wrong, and nothing else."""
    before = answers(world_, "allowed")
    netpold.apply(WEB_CLOSED, VAULT, PINGED)
    gone = [probe_ for probe_ in KNOWN if probe_.target == "web"]
    probe.check_all(tap_, world_, expecting(gone, DENIED, "revoked, and at once"))
    kept = answers(world_, "allowed")
    tap_.equal("revoked, answers of other pods are kept", 4, sum(map(len, kept.values())))
    tap_.true("revoked, no answer is there that was not", all(
        kept[name] <= members for name, members in before.items()), before, kept)
    ask(tap_, world_, OTHERS, "after an edit elsewhere", asked=False)
    netpold.apply(WEB, VAULT, PINGED)
    probe.check_all(tap_, world_, named(gone, "allowed again, and at once"))
    ask(tap_, world_, KNOWN, "allowed again and asked once", asked=False)


def check_labels(tap_, world_, netpold):
    """A pod is another one by its labels, or a pod's address is another one's."""
    row = [Probe("TCP", "client", "web", "tcp", 8080, DENIED)]
    cluster = world_.cluster()
    for made in cluster:
        if made["metadata"]["name"] == "client":
            made["metadata"]["labels"]["app"] = "other"
    netpold.wait_in_force(since=world_.folder.put("cluster", *cluster))
    probe.check_all(tap_, world_, named(row, "the client has lost its label"))
    netpold.wait_in_force(since=world_.folder.put("cluster", *world_.cluster()))
    ask(tap_, world_, KNOWN, "it has it again", asked=True)
    mine, its = world_["client"].addresses, world_["free"].addresses
    world_["client"].addresses, world_["free"].addresses = its, mine
    swapped = world_.cluster()
    world_["client"].addresses, world_["free"].addresses = mine, its
    netpold.wait_in_force(since=world_.folder.put("cluster", *swapped))
    probe.check_all(tap_, world_, named(row, "its address is a pod's that may not"))
    netpold.wait_in_force(since=world_.folder.put("cluster", *world_.cluster()))
    probe.check_all(tap_, world_, named(KNOWN, "it is the client's again"))


def check_foreign(tap_, world_):
    """Whatever somebody else puts into a set is gone with all the rest."""
    for family in "46":
        for number in range(64):
            world_.node.run("ipset", "add", f"netpold-allowed-{family}",
                            f"{world_.address('guest', family)},tcp:{9100 + number},"
                            f"{world_.address('web', family)}")
    deadline = time.monotonic() + 5
    while size(world_, "allowed") and time.monotonic() < deadline:
        time.sleep(0.05)
    tap_.equal("answers that somebody else has put in are gone within five seconds", 0,
               size(world_, "allowed"))
    ask(tap_, world_, KNOWN, "afterwards", asked=True)


def check_restart(tap_, world_):
    """What stands is judged by the policies of the next run before it counts."""
    kept = answers(world_, "allowed")
    world_.folder.put("policies", WEB_CLOSED, VAULT, PINGED)
    with daemon.Daemon(world_, daemon.REMEMBER) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, [Probe("restarted, what was revoked meanwhile is denied",
                                             "client", "web", "tcp", 8080, DENIED)])
        tap_.true("restarted, other answers are kept",
                  0 < size(world_, "allowed") < sum(map(len, kept.values())),
                  "some", size(world_, "allowed"))
        netpold.stop()
    world_.folder.put("policies", WEB, VAULT, PINGED)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        tap_.equal("restarted without, no answer is left", (0, 0),
                   (size(world_, "allowed"), size(world_, "denied")))
        ask(tap_, world_, KNOWN + REFUSED, "without", asked=True)
        ask(tap_, world_, KNOWN + REFUSED, "without, again", asked=True)
        netpold.stop()
    with daemon.Daemon(world_, "--kernel-cache=1024", "--deny=reject") as netpold:
        netpold.wait_in_force()
        rows = [row for row in KNOWN if row.protocol != "icmp"]
        ask(tap_, world_, rows, "of another size, asked once", asked=True)
        ask(tap_, world_, rows, "of another size, asked again", asked=False)
        outcomes = [world_["client"].call("try_once", protocol="tcp", port=8081, timeout_ms=500,
                                          address=world_.address("web", "4"))["error"]
                    for _ in range(3)]
        tap_.equal("who is refused is told each time (--deny=reject)", ["refused"] * 3, outcomes)
        tap_.equal("then denials are not remembered", 0, size(world_, "denied"))
        check_bounds(tap_, world_)
        netpold.stop()
    tap_.equal("netpold clean succeeds", (0, ""), (
        (done := daemon.clean(world_)).returncode, done.stderr))
    tap_.equal("cleaned, no set is left", [], [
        name for name in world_.netfilter.sets() if name.startswith("netpold")])


def check_bounds(tap_, world_):
    """More than fits: the oldest make room, and memory is bounded."""
    address = world_.address("db", "4")
    for start in range(10000, 14000, 500):
        world_["client"].call("volley", quiet_ms=20, tries=[
            ["udp", address, port, False] for port in range(start, start + 500)])
    metrics = observer.metrics(world_)
    evicted = observer.wait_metric(world_, "netpold_kernel_cache_evictions_total",
                                   lambda n: n > 0)
    tap_.true("what is full makes room", evicted > 0, "some", evicted)
    tap_.true("no set holds more than it may",
              max(map(len, answers(world_, "allowed").values())) <= 1100, "about 1024",
              {name: len(some) for name, some in answers(world_, "allowed").items()})
    tap_.true("nobody is refused for that",
              metrics["netpold_packets_denied_total"] < 100, "few", metrics[
                  "netpold_packets_denied_total"])
    rows = [row for row in KNOWN if row.protocol == "tcp"]
    probe.check_all(tap_, world_, named(rows, "afterwards"))


SAME_FLOW = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("", 5555))
    sock.settimeout(0.5)
    sock.sendto(b"x", (sys.argv[1], 9000))
    try:
        sock.recv(100)
        print("answered")
    except OSError:
        print("silent")
"""
ANSWERED, SILENT = "answered", "silent"


def same_flow(world_):
    """What becomes of a datagram, always from the same port."""
    done = world_["client"].run("python3", "-c", SAME_FLOW, world_.address("web", "4"))
    return done.stdout.strip()


def check_waiting(tap_, world_):
    """An address that is nobody's again waits for its pod, whatever was answered before."""
    rows = [Probe("TCP", "client", "web", "tcp", 8080, ALLOWED)]
    world_.folder.put("policies", manifests.policy(
        "web-from-all", "shop", {"app": "web"},
        ingress=[manifests.rule((), [manifests.port("http"), manifests.port(9000, "UDP")])]))
    with daemon.Daemon(world_, daemon.REMEMBER, *RANGE, "--hold-unknown=2000") as netpold:
        netpold.wait_in_force()
        ask(tap_, world_, rows, "a pod that is known", asked=True)
        ask(tap_, world_, rows, "and asks again", asked=False)
        tap_.equal("a flow of its own", ANSWERED, same_flow(world_))
        others = [made for made in world_.cluster() if made["metadata"]["name"] != "client"]
        netpold.wait_in_force(since=world_.folder.put("cluster", *others))
        ask(tap_, world_, expecting(rows, DENIED, "its object has gone"), "waiting", asked=True)
        tap_.equal("waiting: so is the flow that it had opened", SILENT, same_flow(world_))
        netpold.wait_in_force(since=world_.folder.put("cluster", *world_.cluster()))
        probe.check_all(tap_, world_, named(rows, "its object is there again"))
        netpold.stop()


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", WEB, VAULT, PINGED)
    with daemon.Daemon(world_, daemon.REMEMBER) as netpold:
        netpold.wait_in_force()
        check_answers(tap_, world_)
        check_denied(tap_, world_)
        check_edits(tap_, world_, netpold)
        check_labels(tap_, world_, netpold)
        check_foreign(tap_, world_)
        netpold.stop()
    check_restart(tap_, world_)
    check_waiting(tap_, world_)


def test(tap_):
    specs = scenario.specs("web", "db", "vault", "client", "free", "guest")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
