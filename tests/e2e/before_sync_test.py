#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What passes between the start and the first sync, as --on-start says (DEC-9).

    client ── TCP 8080 ──► web     allowed, once the policies are known
    guest  ── TCP 8080 ──► web     denied
    client ── TCP 8080 ──► free    no policy
    node   ── TCP 8080 ──► web     its own node: always

The first reading of the manifests is held up, in a build for tests (fault.h),
and what is sent meanwhile is real. The topology is drawn in world.py.
"""

import dataclasses
import time

import daemon
import manifests
import netns
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

RANGE = ("--pod-cidr", "10.66.0.0/24,fd66::/64")
SYN_AGAIN_S = 0.9  # nearly: a SYN that was not answered is sent again after 1 s
CLOSED = "--on-failure=closed"
UNTIL = "netpold: until the first sync"
OPEN_WARNING = "until the first sync after a boot pods are open"
POLICIES = [scenario.allow_clients(manifests.port("http"), manifests.port(9000, "UDP"))]
MISTAKE = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'


@dataclasses.dataclass
class Case:
    """What is said, and what flows of pods meet until the first sync."""
    name: str
    options: tuple
    met: str


CASES = [
    Case("nothing is said", (), ALLOWED),
    Case("a range alone", RANGE, ALLOWED),
    Case("accept", (*RANGE, "--on-start=accept"), ALLOWED),
    Case("drop", (*RANGE, "--on-start=drop"), DENIED),
    Case("closed, a range", (*RANGE, CLOSED), DENIED),
    Case("closed, drop", (*RANGE, CLOSED, "--on-start=drop"), DENIED),
    Case("closed, accept", (*RANGE, CLOSED, "--on-start=accept"), ALLOWED),
    Case("closed, no range", (CLOSED,), ALLOWED),
]


def slow(world_, *options, first_read_ms):
    return daemon.Daemon(world_, *options, program=daemon.FAULTY,
                         before=("env", f"FAULT_POINTS=first-read={first_read_ms}"))


def wait_standing(netpold):
    return netpold.log.wait(lambda line, _at: line if line.startswith(UNTIL) else None)


def rows(met, denied):
    return [Probe(f"client to web: {met}", "client", "web", "tcp", 8080, met),
            Probe(f"guest to web: {denied}", "guest", "web", "tcp", 8080, denied),
            Probe(f"client to free: {met}", "client", "free", "tcp", 8080, met),
            Probe("node to web: allowed", "node", "web", "tcp", 8080, ALLOWED)]


def named(when, probes):
    return [dataclasses.replace(row, name=f"{when}, {row.name}") for row in probes]


def is_clean(world_):
    return (world_.netfilter.own_rules(), world_.netfilter.sets()) == ([], {})


def check_case(tap_, world_, case):
    daemon.clean(world_)
    with slow(world_, *case.options, first_read_ms=2500) as netpold:
        if case.met == DENIED:
            wait_standing(netpold)
        probe.check_all(tap_, world_, named(f"{case.name}: before the first sync",
                                            rows(case.met, case.met)))
        tap_.true(f"{case.name}: nothing was in force by then",
                  "in force" not in netpold.log.text(), "no line about it", netpold.log.text())
        netpold.wait_in_force()
        tap_.equal(f"{case.name}: the log says that pods are open, where that is not meant",
                   case.name == "closed, no range", OPEN_WARNING in netpold.log.text())
        probe.check_all(tap_, world_, named(f"{case.name}: after it", rows(ALLOWED, DENIED)))
        tap_.true(f"{case.name}: and nothing of the range is asked about any more",
                  not any("netpold-known" in rule for rule in world_.netfilter.own_rules()) and
                  not world_.netfilter.sets()["netpold-known-4"], "no rule, no member", "some")
        netpold.stop()


def connect(world_, source):
    return world_[source].begin(
        "connect_from", sources=list(world_[source].addresses.values()),
        targets={family: world_.address("web", family) for family in "46"}, port=8080,
        timeout_ms=1500)


def hold(world_, *options):
    """What becomes of connections that are begun before the first sync, and which of them
    reach web; and whether that came so late that their SYNs may have been sent again."""
    daemon.clean(world_)
    world_["web"].call("watch_openings", port=8080)
    with slow(world_, *RANGE, "--on-start=hold", "--hold-unknown=1500", *options,
              first_read_ms=200) as netpold:
        wait_standing(netpold)
        began = time.monotonic()
        begun = {source: connect(world_, source) for source in ("client", "guest")}
        ends = {source: future.result(netns.ANSWER_TIMEOUT) for source, future in begun.items()}
        change = netpold.wait_in_force()
        came = world_["web"].call("openings", port=8080)
        netpold.stop()
    return ends, came, change.at - began > SYN_AGAIN_S


def check_hold(tap_, world_, *options):
    """What is sent before the first sync is judged by it."""
    when = f"hold{', closed' if options else ''}"
    for _ in range(3):
        ends, came, late = hold(world_, *options)
        tap_.equal(f"{when}: nothing of who is denied comes", [],
                   [source for source, _, _ in ends["guest"] if source in came])
        if not late:
            break
    tap_.equal(f"{when}: who is allowed gets through at the first sync, by the first SYN",
               [(True, 0)] * 2, [(through, again) for _, through, again in ends["client"]])


def check_hold_ends(tap_, world_):
    """A first sync that is late finds nothing."""
    daemon.clean(world_)
    word = "held too long"
    world_["web"].call("count", word=word)
    with slow(world_, *RANGE, "--on-start=hold", "--hold-unknown=200",
              first_read_ms=1500) as netpold:
        wait_standing(netpold)
        world_["client"].call("burst", name=word, port=9000, count=10, word=word,
                              addresses=[world_.address("web", family) for family in "46"])
        netpold.wait_in_force()
        timed_out = observer.metrics(world_)["netpold_held_packets_timed_out_total"]
        tap_.equal("hold: what is held for too long is dropped before the first sync", (10, []),
                   (timed_out, world_["web"].call("counted", word=word)))
        netpold.stop()


def check_mistake(tap_, world_, options, stays):
    """The first sync never comes."""
    daemon.clean(world_)
    world_.folder.put_text("mistake.json", MISTAKE)
    when = "closed, a mistake" if stays else "drop, a mistake"
    with daemon.Daemon(world_, *RANGE, *options) as netpold:
        tap_.equal(f"{when}: netpold does not start", 2, netpold.wait_refused())
    met = DENIED if stays else ALLOWED
    probe.check_all(tap_, world_, named(when, rows(met, met)))
    tap_.equal(f"{when}: what stands is {'left' if stays else 'taken away'}", not stays,
               is_clean(world_))
    world_.folder.remove("mistake.json")
    with daemon.Daemon(world_, *RANGE, *options) as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, named(f"{when}, then mended", rows(ALLOWED, DENIED)))
        netpold.stop()
    tap_.equal(f"{when}: it can be cleaned away", (0, True),
               (daemon.clean(world_).returncode, is_clean(world_)))


def check_adopted(tap_, world_):
    """The last daemon's state comes before --on-start."""
    daemon.clean(world_)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop()
    with slow(world_, *RANGE, "--on-start=drop", first_read_ms=2000) as netpold:
        probe.check_all(tap_, world_, named("drop, after an earlier run", [
            Probe("client to free: allowed", "client", "free", "tcp", 8080, ALLOWED)]))
        netpold.wait_in_force()
        tap_.true("drop, after an earlier run: nothing stands by", UNTIL not in netpold.log.text(),
                  "no line about it", netpold.log.text())
        netpold.stop()


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", *POLICIES)
    for case in CASES:
        check_case(tap_, world_, case)
    check_hold(tap_, world_)
    check_hold(tap_, world_, CLOSED)
    check_hold_ends(tap_, world_)
    check_mistake(tap_, world_, ("--on-start=drop",), stays=False)
    check_mistake(tap_, world_, (CLOSED,), stays=True)
    check_adopted(tap_, world_)


def test(tap_):
    daemon.faulty_must_exist()
    for world_ in world.variants(scenario.specs("web", "client", "guest", "free"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
