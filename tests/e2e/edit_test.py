#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Editing a policy reaches new flows and old ones, and no others.

    client ── TCP 8080, UDP 9000 ──► web     allowed, then revoked, then allowed
    free   ── TCP 8080, UDP 9000 ──► vault   allowed throughout
    guest  ── TCP 8080 ────────────► free    no policy at all, throughout

The topology is drawn in world.py. Each flow carries a numbered message every
few milliseconds, so that a lost packet, or one that should have been lost, is
seen. "In force" is what the daemon's log says; no answer may come to anything
sent after it on a flow that is revoked (L8, NF-63, NP-18).
"""

import time

import daemon
import manifests
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

SILENCE_MS = 400  # how long a revoked flow is listened to for a stray answer

WEB_OPEN = scenario.allow_clients(manifests.port("http"), manifests.port(9000, "UDP"))
WEB_CLOSED = scenario.allow_clients(manifests.port(4444))
VAULT_OPEN = manifests.policy("vault-from-free", "shop", {"app": "vault"}, ingress=[
    manifests.rule([manifests.pods(app="free")])])
UNRELATED = manifests.policy("loner-alone", "shop", {"app": "loner"}, ingress=[])

REVOKED = [("client", "web", "tcp", 8080), ("client", "web", "udp", 9000)]
KEPT = [("free", "vault", "tcp", 8080), ("free", "vault", "udp", 9000),
        ("guest", "free", "tcp", 8080)]


def check_allowing(tap_, world_, netpold):
    rows = [Probe("before the edit the port is closed", "client", "web", "tcp", 8080, DENIED)]
    probe.check_all(tap_, world_, rows)
    change = netpold.apply(WEB_OPEN, VAULT_OPEN)
    probe.check_all(tap_, world_, [
        Probe("an edit that allows is in force for TCP", "client", "web", "tcp", 8080, ALLOWED),
        Probe("an edit that allows is in force for UDP", "client", "web", "udp", 9000, ALLOWED)])
    tap_.equal("an edit that allows revokes nothing", 0, change.revoked)
    report_time(tap_, "allowing edit", change)


def report_time(tap_, what, change):
    tap_.comment(f"{what}: in force {change.measured_ms:.1f} ms after the file was renamed "
                 f"into place, took_ms={change.took_ms}, revoked={change.revoked}")
    tap_.true(f"{what}: the time in the log lies within the time we measured",
              0 <= change.took_ms <= change.measured_ms + 1,
              f"between 0 and {change.measured_ms:.1f}", change.took_ms)


def check_revoking(tap_, world_, netpold):
    revoked, kept = streams.Streams(world_, REVOKED), streams.Streams(world_, KEPT)
    tap_.equal("all streams flow before the edit", revoked.names() + kept.names(),
               revoked.flowing(0) + kept.flowing(0))

    change = netpold.apply(WEB_CLOSED, VAULT_OPEN)
    report_time(tap_, "revoking edit", change)
    tap_.true("the log counts the revoked flows", change.revoked >= len(revoked.streams),
              f"at least {len(revoked.streams)}", change.revoked)
    stray = revoked.each("stream_wait", count=1, since=change.at, timeout_ms=SILENCE_MS)
    tap_.equal("no answer comes to what a revoked flow sends once the edit is in force",
               [(name, 0) for name in revoked.names()], stray)
    tap_.equal("the other flows go on after the edit", kept.names(), kept.flowing(change.at))
    check_nothing_lost(tap_, kept)
    return revoked


def check_nothing_lost(tap_, kept):
    for name, report in kept.each("stream_stop"):
        tap_.equal(f"{name} loses nothing", report["sent"], report["answered"])
        tap_.comment(f"{name}: {report['sent']} messages, longest gap between answers "
                     f"{report['longest_gap_ms']:.0f} ms")


def check_allowing_again(tap_, netpold, revoked):
    """A cut flow keeps its connection: allowed again, it lives on."""
    netpold.apply(WEB_OPEN, VAULT_OPEN)
    since = time.monotonic()
    tap_.equal("allowed again, a flow that was cut goes on", revoked.names(),
               revoked.flowing(since))
    revoked.each("stream_stop", patience_ms=0)


def check_edit_elsewhere(tap_, world_, netpold):
    """A flow that stays allowed is not queued again for a change elsewhere."""
    kept = streams.Streams(world_, KEPT)
    kept.flowing(0)
    before = [world_.netfilter.queued(family) for family in "46"]
    change = netpold.apply(WEB_OPEN, VAULT_OPEN, UNRELATED)
    kept.flowing(change.at)
    tap_.equal("an edit elsewhere brings no packet of a judged flow to the queue", before,
               [world_.netfilter.queued(family) for family in "46"])
    check_nothing_lost(tap_, kept)


def check_removal(tap_, world_, netpold):
    """The last policy of a pod goes: it is isolated no more."""
    netpold.wait_in_force(since=world_.folder.remove("policies.json"))
    probe.check_all(tap_, world_, [
        Probe("when its policies are deleted, a pod takes everything",
              "client", "web", "tcp", 8081, ALLOWED)])


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", WEB_CLOSED, VAULT_OPEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_allowing(tap_, world_, netpold)
        revoked = check_revoking(tap_, world_, netpold)
        check_allowing_again(tap_, netpold, revoked)
        check_edit_elsewhere(tap_, world_, netpold)
        check_removal(tap_, world_, netpold)


def test(tap_):
    specs = scenario.specs("web", "vault", "client", "free", "guest", "loner")
    for world_ in world.variants(specs, world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
