#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""An audit denies nothing, and knows what would be denied (L35, NF-97).

The same connections are tried twice: while netpold audits, where each of them has to
stand, and those that would be denied are counted; and while it enforces, where those
must not stand. Both have to name the same ones. What the node itself opens is known
by its socket, and not by an address that a pod can forge (NF-98).

One mode follows the other on what the other has left: rules are replaced in one
transaction, and no connection loses a packet by that (NF-80). The topology is drawn
in world.py, the policies are those of scenario.py.
"""

import contextlib
import dataclasses
import time

import daemon
import manifests
import netns
import node_test
import observer
import parcel
import probe
import scenario
import streams
import tap
import world
from parcel import ARRIVES
from probe import ALLOWED, DENIED, Probe

# Whatever the environment says of the kernel's memory: an audit has none.
AUDIT = ("--mode=audit", daemon.ASK_ALWAYS)
PODS = ("web", "db", "sender", "loner", "talker", "client", "free", "guest")
FORBIDDEN = ("DROP", "NFQUEUE", "MARK", "CONNMARK", "SET")
CUT_S = 0.5  # longer than it takes a change to be in force

ROWS = [
    Probe("ingress from a pod that a rule names", "client", "web", "tcp", 8080, ALLOWED),
    Probe("ingress on a port that no rule names", "client", "web", "tcp", 8081, DENIED),
    Probe("ingress from a pod that no rule names", "guest", "web", "tcp", 8080, DENIED),
    Probe("UDP, allowed", "client", "web", "udp", 9000, ALLOWED),
    Probe("UDP, denied", "guest", "web", "udp", 9000, DENIED),
    Probe("SCTP, allowed", "client", "web", "sctp", 7000, ALLOWED),
    Probe("SCTP, denied", "guest", "web", "sctp", 7000, DENIED),
    Probe("a ping from outside, allowed", "outside", "db", "icmp", 0, ALLOWED),
    Probe("a ping from a pod, denied", "client", "db", "icmp", 0, DENIED),
    Probe("egress to a pod that a rule names", "sender", "web", "tcp", 8080, ALLOWED),
    Probe("egress to the outside, denied", "sender", "outside", "tcp", 8080, DENIED),
    Probe("egress that is denied at both ends", "loner", "web", "tcp", 8080, DENIED),
    Probe("egress to the own node, allowed", "talker", "node", "tcp", 8080, ALLOWED),
    Probe("egress to the own node, denied", "talker", "node", "udp", 9000, DENIED),
    Probe("a ClusterIP is judged as the pod behind it, allowed", "client", "service", "tcp", 80,
          ALLOWED),
    Probe("a ClusterIP is judged as the pod behind it, denied", "guest", "service", "tcp", 80,
          DENIED),
]

# Nobody asks about these: no policy isolates either end, or the node itself opens them.
UNASKED = [
    Probe("between pods that no policy isolates", "guest", "free", "tcp", 8080, ALLOWED),
    Probe("from the node to a pod that lets nothing in", "node", "loner", "tcp", 8080, ALLOWED),
    Probe("from the node to that pod, over UDP", "node", "loner", "udp", 9000, ALLOWED),
    Probe("a ping of the node to that pod", "node", "loner", "icmp", 0, ALLOWED),
]
SENTINEL = ROWS[2]
LATER = ("guest", "free", "udp", 9000)  # isolated later on
FLOWS = [("client", "web", "tcp", 8080), ("client", "web", "udp", 9000)]


# ---- what is counted ------------------------------------------------------------


def counts(world_):
    """Packets judged, and those of them that would be denied: what was received may still be
    on its way to either."""
    told = observer.metrics(world_)
    denied = told["netpold_packets_denied_total"]
    return (told["netpold_packets_allowed_total"] + told["netpold_packets_passed_total"] + denied,
            denied)


def wait_counts(world_, packets):
    """Once so many packets were judged, or patience has ended."""
    deadline = time.monotonic() + daemon.PATIENCE
    while (now := counts(world_))[0] < packets and time.monotonic() < deadline:
        time.sleep(0.005)
    return now


def outcome(world_, row, family):
    future = probe.begin(world_, dataclasses.replace(row, expected=ALLOWED), family)
    return probe.outcome(future.result(netns.ANSWER_TIMEOUT))


def audit_row(world_, row, family):
    """(whether it stood, what would have become of it)"""
    packets, denied = counts(world_)
    stood = outcome(world_, row, family)
    now = wait_counts(world_, packets + 1)
    if now[0] == packets:
        return stood, "not judged"
    return stood, DENIED if now[1] > denied else ALLOWED


def names(rows):
    return [f"IPv{family}: {row.name}" for row in rows for family in row.families]


def check_audit(tap_, world_):
    """Returns what would have been denied."""
    seen = {f"IPv{family}: {row.name}": audit_row(world_, row, family)
            for row in ROWS for family in row.families}
    tap_.equal("audited, every connection stands", [],
               [f"{name}: {stood}" for name, (stood, _) in seen.items() if stood != ALLOWED])
    expected = {f"IPv{family}: {row.name}": row.expected for row in ROWS
                for family in row.families}
    tap_.equal("audited, each is judged as the policies say", [],
               [f"{name}: {got}, not {expected[name]}" for name, (_, got) in seen.items()
                if got != expected[name]])
    return [name for name, (_, got) in seen.items() if got == DENIED]


def check_modes(tap_, world_):
    wanted = [{"mode": mode, "verdict": verdict, "reason": reason} for mode in ("audit", "enforce")
              for verdict, reason in (("deny", "no-rule-matches"), ("allow", "rule"))]
    told = observer.totals(world_, "netpold_verdicts_total", *wanted)
    tap_.equal("audited, verdicts are told as such, and none as enforced",
               [True, True, False, False], [n > 0 for n in told])
    tap_.equal("audited, as many ends are denied as there are packets, or more", True,
               told[0] >= counts(world_)[1])


def check_unasked(tap_, world_):
    """Nothing of these is copied; the one that is tells that there was time for it."""
    packets, _ = counts(world_)
    tap_.equal("audited, what nobody asks about stands, too", [], [
        f"IPv{family}: {row.name}" for row in UNASKED for family in row.families
        if outcome(world_, row, family) != ALLOWED])
    outcome(world_, SENTINEL, "4")
    tap_.equal("audited, what no policy isolates and what the node opens is not copied",
               packets + 1, wait_counts(world_, packets + 1)[0])


def check_forged(tap_, world_):
    """Who sends from the node's address is not the node. Linux itself drops that over
    IPv4, unless it comes by a bridge; there, a datagram to loner finds the way, and is
    denied, too."""
    families = ("4", "6") if world_.layout == "bridge" else ("6",)
    n = len(families) * (2 if world_.layout == "bridge" else 1)
    row = dataclasses.replace(node_test.ATTACKS[0], expected=ARRIVES, families=families)
    packets, denied = counts(world_)
    parcel.check_all(tap_, world_, [row], "audited")
    now = wait_counts(world_, packets + n)
    tap_.equal("audited, a packet under the node's address is judged, and would be denied",
               (packets + n, denied + n), now)


def check_enforced(tap_, world_, audited):
    """The same again, with drops in place of counts."""
    begun = probe.begin_all(world_, ROWS)
    denied = [f"IPv{family}: {row.name}" for row, family, future in begun
              if probe.outcome(future.result(netns.ANSWER_TIMEOUT)) == DENIED]
    tap_.equal("the same connections are denied, once by counts and once by drops", denied,
               audited)
    tap_.equal("and those are what the policies deny",
               names([row for row in ROWS if row.expected == DENIED]), denied)


# ---- what stands ----------------------------------------------------------------


def check_harmless(tap_, world_):
    """Of all rules that stand, netpold's do nothing but copy."""
    own = [rule.split(" ", 2)[2] for rule in world_.netfilter.own_rules()]
    tap_.equal("no rule of an audit drops, queues or marks", [],
               [rule for rule in own if not rule.startswith(":") and any(
                   f"-j {target}" in rule for target in FORBIDDEN)])
    tap_.true("some copy", any("-j NFLOG" in rule for rule in own), "-j NFLOG", own)
    tap_.equal("no set of answers has been left", [],
               [name for name in world_.netfilter.sets() if name.startswith(
                   ("netpold-denied", "netpold-allowed"))])


def check_marks(tap_, world_, before):
    tap_.equal("an audit marks no connection", before, sum(
        1 for mark in world_.netfilter.marks() if mark & 0x107F))


def check_told(tap_, world_):
    page = observer.status(world_)
    first = page.stdout.splitlines()[0]
    tap_.true("the status says first that nothing is enforced",
              "NOTHING IS ENFORCED (--mode=audit)" in first, "that", first)
    tap_.equal("which is as it should be", 0, page.returncode)
    tap_.equal("to scripts it says so, too", ("audit", 1),
               (observer.get(world_, "status")["mode"], observer.metrics(world_)["netpold_audit"]))
    tap_.equal("it is ready", 0, observer.status(world_, "--ready").returncode)
    done = world_.node.run(str(daemon.PROGRAM), "wait", "--policy", "shop/nothing", check=False)
    tap_.true("who waits for a policy hears that it is not enforced",
              done.returncode == 1 and "audited, and NOT enforced" in done.stdout,
              "exit status 1, and that", f"{done.returncode}: {done.stdout}{done.stderr}")
    check_staged_told(tap_, world_)


def check_staged_told(tap_, world_):
    """Whoever waits for what is staged to be enforced need not wait here."""
    for options, expected in (((), 1), (("--staged",), 0)):
        done = world_.node.run(str(daemon.PROGRAM), "wait", "--policy", "shop/trial", *options,
                               check=False)
        tap_.true(f"who waits for a policy that is staged{' to be so' if options else ''} hears at "
                  f"once that it is audited: exit status {expected}",
                  done.returncode == expected and
                  done.stdout.startswith("shop/trial is audited, and NOT enforced"),
                  "that", f"{done.returncode}: {done.stdout}{done.stderr}")


def check_change(tap_, world_, netpold):
    """A policy that would cut what stands: nothing is swept."""
    standing = streams.Streams(world_, FLOWS)
    change = netpold.apply(scenario.allow_clients(manifests.port(4444)))
    time.sleep(CUT_S)
    tap_.equal("a change would revoke connections, and revokes none", (0, standing.names()),
               (change.revoked, standing.flowing(change.at)))
    for name, report in standing.each("stream_stop"):
        tap_.equal(f"{name}: no message is lost by a change", report["sent"], report["answered"])
    tap_.equal("what is opened now would be denied, and stands", (ALLOWED, DENIED),
               audit_row(world_, ROWS[0], "4"))
    netpold.apply(*scenario.policies())
    tap_.equal("after the next change it would be allowed", (ALLOWED, ALLOWED),
               audit_row(world_, ROWS[0], "4"))


def check_guard(tap_, world_, netpold):
    before = world_.netfilter.own_rules()
    start = len(netpold.log.lines)
    world_.netfilter.change("4", "mangle", "-F")
    netpold.log.wait(lambda line, _at: line if "are put up again" in line else None, start)
    tap_.equal("rules that somebody flushes come back", before, world_.netfilter.own_rules())
    tap_.equal("and copy again", (ALLOWED, DENIED), audit_row(world_, ROWS[2], "4"))


def check_pause(tap_, world_, netpold):
    world_.node.run(str(daemon.PROGRAM), "pause", "--for", "10m")
    packets, _ = counts(world_)
    stood = outcome(world_, ROWS[2], "4")
    world_.node.run(str(daemon.PROGRAM), "pause", "--end")
    netpold.wait_in_force()
    outcome(world_, SENTINEL, "6")
    tap_.equal("in a pause nothing is copied", (ALLOWED, packets + 1),
               (stood, wait_counts(world_, packets + 1)[0]))


# ---- one after the other ----------------------------------------------------------


def check_handover(tap_, world_, old):
    """Another that audits takes over, and no copy is lost by it."""
    with daemon.Daemon(world_, *AUDIT) as second:
        second.wait_in_force()
        tap_.equal("another that audits takes over", 0, old.wait_exit())
        tap_.equal("and goes on to judge", (ALLOWED, DENIED), audit_row(world_, ROWS[2], "4"))
        tap_.equal("no copy has been lost", 0,
                   observer.metrics(world_)["netpold_copies_lost_total"])
        check_refused(tap_, world_, second, ())
        tap_.equal("it stops in order", 0, second.stop())


def check_refused(tap_, world_, first, options):
    """One of the other mode may not."""
    with daemon.Daemon(world_, *options) as other:
        status = other.wait_refused()
        last = other.log.lines[-1][1]
    tap_.equal("one of the other mode does not take over", 2, status)
    tap_.true("and is told why", "with --mode " in last and "two would fight" in last,
              "--mode …", last)
    tap_.equal("the first goes on", first.process.pid, observer.get(world_, "status")["pid"])


def check_kept(tap_, when, standing, since):
    tap_.equal(f"{when}: what stood goes on", standing.names(), standing.flowing(since))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.add_service("service", scenario.SERVICE, "tcp", 80, "web", 8080)
    world_.netfilter.keep_tracking()
    foreign = world_.netfilter.rules(), world_.netfilter.sets()
    world_.folder.put("policies", *scenario.policies())
    world_.folder.put("trial", manifests.with_mode("audit", manifests.policy(
        "trial", "shop", {"app": "nobody"}, ingress=[])))
    with contextlib.ExitStack() as stack:
        netpold = stack.enter_context(daemon.Daemon(world_, *AUDIT))
        netpold.wait_in_force()
        check_harmless(tap_, world_)
        check_told(tap_, world_)
        audited = check_audit(tap_, world_)
        check_modes(tap_, world_)
        check_unasked(tap_, world_)
        check_forged(tap_, world_)
        check_change(tap_, world_, netpold)
        check_guard(tap_, world_, netpold)
        check_pause(tap_, world_, netpold)
        check_marks(tap_, world_, 0)
        check_handover(tap_, world_, netpold)
    standing = streams.Streams(world_, [*FLOWS, LATER])
    with daemon.Daemon(world_, "--on-failure=closed", daemon.REMEMBER) as netpold:
        change = netpold.wait_in_force()
        check_enforced(tap_, world_, audited)
        check_kept(tap_, "from audit to enforcement", standing, change.at)
        check_refused(tap_, world_, netpold, AUDIT)
        marked = sum(1 for mark in world_.netfilter.marks() if mark & 0x107F)
        tap_.true("enforcement marks connections", marked > 0, "some", marked)
        netpold.process.kill()
        netpold.process.wait()
    probe.check_all(tap_, world_, [
        Probe("killed, and closed: what is new is dropped", "outside", "db", "tcp", 8080, DENIED),
        dataclasses.replace(ROWS[2], name="and so is what the kernel knows to be denied")])
    # Who gets into the sets must not meet the rules of the one that is dead.
    world_.folder.put("later", manifests.policy("later", "shop", {"app": "free"}, ingress=[],
                                                egress=[]))
    with daemon.Daemon(world_, *AUDIT) as netpold:
        change = netpold.wait_in_force()
        check_harmless(tap_, world_)
        probe.check_all(tap_, world_, [Probe(
            "with an audit in its place that passes", "outside", "db", "tcp", 8080, ALLOWED)])
        tap_.equal("an audit that follows takes the same to be denied", audited,
                   check_audit(tap_, world_))
        check_kept(tap_, "from enforcement to audit", standing, change.at)
        tap_.equal("it stops in order", 0, netpold.stop())
    for name, report in standing.each("stream_stop"):
        tap_.equal(f"{name}: no message was lost on the way through all of that",
                   report["sent"], report["answered"])
    tap_.equal("stopped, its rules do nothing", ALLOWED, outcome(world_, ROWS[2], "4"))
    done = daemon.clean(world_)
    tap_.equal("netpold clean takes them away", (0, foreign),
               (done.returncode, (world_.netfilter.rules(), world_.netfilter.sets())))


def test(tap_):
    for world_ in world.variants(scenario.specs(*PODS)):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
