#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold pause`: the emergency switch, and that it goes back by itself.

    client ── TCP 8080 ──► web     allowed; a connection stands, which an edit in
                                   the pause revokes
    guest  ── TCP 8080 ──► web     denied; passes in the pause, is cut at its end

A pause outlives netpold, however that ends, and nobody who looks after rules and
sets undoes it. The topology is drawn in world.py.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import daemon
import manifests
import netns
import observer
import probe
import scenario
import streams
import tap
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import schema  # noqa: E402

OPEN = scenario.allow_clients(manifests.port("http"), manifests.port("alt"))
REVOKING = scenario.allow_clients(manifests.port("alt"))
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'
KEPT = ("client", "web", "tcp", 8080)
CUT = ("guest", "web", "tcp", 8080)
LATE = ("guest", "web", "tcp", 8081)
STATE = "/var/lib/netpold"
REASON = "ticket 4711: who dröps my packets"
PAUSE_S = 600  # of "10m"
# How long a worker keeps a batch: longer than what happens meanwhile takes on a machine that
# may stand still itself, and not so long that `netpold pause` stops waiting for an answer.
HOLDS_MS = (2000, 3000, 4000, 4000)


def pause(world_, *options):
    """`netpold pause` on the node; returns the finished process."""
    return world_.node.run(str(daemon.PROGRAM), "pause", *options, check=False)


def must_pause(tap_, world_, what, *options):
    done = pause(world_, *options)
    tap_.equal(f"{what}: exit status 0", (0, ""), (done.returncode, done.stderr))
    return done.stdout


def check_flows(tap_, world_, when, denied, revoked=ALLOWED):
    probe.check_all(tap_, world_, [
        Probe(f"{when}: a flow that is allowed", "client", "web", "tcp", 8081, ALLOWED),
        Probe(f"{when}: a flow that no policy allows", "guest", "web", "tcp", 8080, denied),
        Probe(f"{when}: another", "client", "web", "udp", 9001, denied),
        Probe(f"{when}: a flow that the edit revokes", "client", "web", "tcp", 8080, revoked)])


def members(world_):
    """How many are diverted."""
    return sum(len(found) for name, found in world_.netfilter.sets().items()
               if "egress" in name or "ingress" in name or "pods" in name)


def minutes(seconds):
    """As the page tells how long something lasts."""
    return f"{seconds // 60} min {seconds % 60} s"


def check_told(tap_, world_, when, generation, ends):
    """@ends  when at the earliest and when at the latest"""
    asked = time.time()
    done = observer.status(world_)
    left = range(int(ends[0] - time.time()), int(ends[1] - asked) + 1)
    page, status = done.stdout, observer.get(world_, "status")
    tap_.equal(f"{when}: `netpold status` has exit status 1", (1, ""),
               (done.returncode, done.stderr))
    tap_.true(f"{when}: its first line says so", "PAUSED" in page.splitlines()[0], "PAUSED", page)
    tap_.true(f"{when}: the page says until when, and why",
              any(f"Paused       until {status['paused']['until']}, for {minutes(s)}\n" in page
                  for s in left)
              and f"\n             {REASON}\n" in page and "In force" not in page,
              f"until … for {minutes(left[0])} to {minutes(left[-1])}", page)
    tap_.equal(f"{when}: the status has the reason, and nothing is in force",
               (REASON, None, generation, {"egress": 0, "ingress": 0}),
               (status["paused"]["reason"], status.get("in_force_since"), status["generation"],
                status["isolated"]))
    tap_.equal(f"{when}: it keeps to the schema", [], list(schema.violations(
        {"version": 1, "status": status, "metrics": observer.get(world_, "metrics")},
        observer.SCHEMA)))
    metrics = observer.metrics(world_)
    tap_.true(f"{when}: the metrics say so, and until when",
              metrics["netpold_paused"] == 1 and
              ends[0] <= metrics["netpold_pause_end_timestamp_seconds"] <= ends[1],
              f"1, and {ends}", metrics)
    said = must_pause(tap_, world_, f"{when}: `netpold pause`")
    tap_.true(f"{when}: it says so, too", "PAUSED until 2" in said and REASON in said,
              "PAUSED until …", said)


def check_begin(tap_, world_, netpold):
    """Returns when it ends, at the earliest and at the latest."""
    said = must_pause(tap_, world_, "without a pause")
    tap_.true("without a pause: it says so", "there is no pause" in said, "no pause", said)
    rules, start = world_.netfilter.own_rules(), len(netpold.log.lines)
    before = time.time()
    said = must_pause(tap_, world_, "a pause begins", "--for", "10m", "--reason", REASON)
    ends = (before + PAUSE_S, time.time() + PAUSE_S)
    tap_.true("a pause begins: it says until when", said.startswith("enforcement is paused until 2"),
              "until 2…", said)
    tap_.equal("a pause begins: nobody is diverted", 0, members(world_))
    tap_.equal("a pause begins: rules stay as they are", rules, world_.netfilter.own_rules())
    tap_.true("a pause begins: the log warns, and has the reason",
              any("warning: enforcement is PAUSED until 2" in line and REASON in line
                  for _, line in netpold.log.lines[start:]), "PAUSED until", netpold.log.text())
    mode = world_.node.path(f"{STATE}/pause").stat().st_mode
    tap_.equal("a pause begins: its file is root's alone", 0o100600, mode)
    return ends


def wait_line(netpold, words, start):
    netpold.log.wait(lambda line, _at: line if words in line else None, start)


def check_meddling(tap_, world_, netpold):
    """Whoever puts right what others have changed leaves the pause alone."""
    start = len(netpold.log.lines)
    for family in "46":
        world_.node.run("ipset", "add", f"netpold-ingress-{family}", world_.address("web", family))
    wait_line(netpold, "are put right", start)
    tap_.equal("who is put into a set in the pause is taken out", 0, members(world_))
    start = len(netpold.log.lines)
    world_.netfilter.change("4", "mangle", "-F", "NETPOLD-DIVERT")
    wait_line(netpold, "are put up again", start)
    start = len(netpold.log.lines)
    for command in ("add", "del"):  # an address of the node's own
        world_.node.ip(f"address {command} 10.66.9.9/32 dev lo")
    check_flows(tap_, world_, "after repairs", ALLOWED)
    tap_.equal("after repairs nobody is diverted", 0, members(world_))


def check_edits(tap_, world_, netpold, kept):
    start = len(netpold.log.lines)
    since = world_.folder.put("policies", REVOKING)
    wait_line(netpold, "taken up: policies=1 ", start)
    tap_.equal("what an edit revokes in the pause goes on", kept.names(), kept.flowing(since))
    line = netpold.wait_refusal(lambda: world_.folder.put_text("bad.yaml", BROKEN))
    tap_.true("a mistake is told in the pause", "bad.yaml" in line, "bad.yaml", line)
    done = observer.status(world_).stdout
    tap_.true("the page tells of it beside the pause",
              "PAUSED" in done.splitlines()[0] and "Refused      " in done, "Refused", done)


def check_end(tap_, world_, netpold, kept, opened):
    said = must_pause(tap_, world_, "a pause is ended", "--end")
    since = time.monotonic()
    tap_.equal("a pause is ended: it says so", "the pause is over: policies are in force\n", said)
    check_flows(tap_, world_, "ended", DENIED, revoked=DENIED)
    for flows in opened:
        tap_.equal("ended: what the pause let through is cut", [],
                   flows.flowing(since, count=1, timeout_ms=probe.DENIED_MS))
    tap_.equal("ended: what was revoked in it is cut", [],
               kept.flowing(since, count=1, timeout_ms=probe.DENIED_MS))
    tap_.equal("ended: exit status of status is 0", 0, observer.status(world_).returncode)
    tap_.true("ended: its file is gone", "pause" not in os.listdir(world_.node.path(STATE)),
              "no pause", STATE)
    said = must_pause(tap_, world_, "ended again", "--end")
    tap_.equal("who ends what is not there is told",
               "there is no pause: policies are in force\n", said)
    tap_.equal("the metric says that it is over", 0, observer.metrics(world_)["netpold_paused"])
    netpold.wait_in_force()


def check_life(tap_, world_):
    """A whole one, with a kill in the middle."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_flows(tap_, world_, "in force", DENIED)
        kept = streams.Streams(world_, [KEPT])
        ends = check_begin(tap_, world_, netpold)
        check_flows(tap_, world_, "paused", ALLOWED)
        opened = streams.Streams(world_, [CUT])
        check_told(tap_, world_, "paused", netpold.generation, ends)
        check_meddling(tap_, world_, netpold)
        netpold.stop(signal.SIGKILL)
    check_flows(tap_, world_, "killed in the pause", ALLOWED)
    with daemon.Daemon(world_) as netpold:
        wait_line(netpold, "warning: enforcement stays PAUSED until 2", 0)
        wait_line(netpold, "enforcing on node", 0)
        late = streams.Streams(world_, [LATE])  # nobody has ever put anybody into a set since
        check_flows(tap_, world_, "back in the pause", ALLOWED)
        check_told(tap_, world_, "back in the pause", 0, ends)
        check_edits(tap_, world_, netpold, kept)
        world_.folder.remove("bad.yaml")
        wait_line(netpold, "as they were", 0)
        check_end(tap_, world_, netpold, kept, (opened, late))
        tap_.equal("it stops in order", 0, netpold.stop())
    for flows in (kept, opened, late):
        flows.each("stream_stop", patience_ms=0)


def check_by_itself(tap_, world_):
    """It ends when it was said to; a later word counts."""
    world_.folder.put("policies", OPEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        kept = streams.Streams(world_, [KEPT])
        must_pause(tap_, world_, "an hour", "--for=1h")
        opened = streams.Streams(world_, [CUT])
        begun = time.monotonic()
        must_pause(tap_, world_, "a second after all", "--for=1s")
        returned = time.monotonic()  # it began in between
        change = netpold.wait_in_force()
        tap_.true("a pause ends by itself, in time",
                  change.at - begun > 0.9 and change.at - returned < 3, "after a second",
                  (change.at - begun, change.at - returned))
        check_flows(tap_, world_, "over", DENIED)
        tap_.equal("over: what the pause let through is cut", [],
                   opened.flowing(change.at, count=1, timeout_ms=probe.DENIED_MS))
        tap_.equal("over: what is allowed has gone on", kept.names(), kept.flowing(change.at))
        for flows in (kept, opened):
            flows.each("stream_stop", patience_ms=0)


def check_late(tap_, world_):
    """It ends while nobody runs; --on-failure=closed has no say in it."""
    with daemon.Daemon(world_, "--on-failure=closed") as netpold:
        netpold.wait_in_force()
        must_pause(tap_, world_, "a short one", "--for=2s")
        ends = time.monotonic() + 2
        netpold.stop(signal.SIGKILL)
    check_flows(tap_, world_, "killed, closed", ALLOWED)
    time.sleep(max(0, ends - time.monotonic()))  # there is nothing that could be waited for
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        tap_.true("back when it is over: the log says so", "a pause that an earlier run has begun "
                  "is over" in netpold.log.text(), "is over", netpold.log.text())
        check_flows(tap_, world_, "back when it is over", DENIED)


def damage(text):
    return text[:-3] + b"?" + text[-2:]


def other_boot(text):
    """Of the same machine, before its last reboot."""
    return _sealed(text, boot_id="0" * 36)


def for_days(text):
    return _sealed(text, until_us=10**15)


def other_node(text):
    return _sealed(text, node="node-z")


def _sealed(text, **changes):
    """As netpold would have written it (state_file.h)."""
    header, _, contents = text.partition(b"\n")
    contents = json.dumps({**json.loads(contents), **changes}, separators=(",", ":")).encode()
    value = 0xcbf29ce484222325
    for byte in contents:
        value = ((value ^ byte) * 0x100000001b3) % 2**64
    return b"%s %016x %016x\n" % (header.rsplit(b" ", 2)[0], len(contents), value) + contents


FILES = [("a damaged file", damage, "is damaged: it is ignored"),
         ("a file cut short", lambda text: text[:70], "is damaged: it is ignored"),
         ("an empty file", lambda text: b"", "is damaged: it is ignored"),
         ("a file of a later version", lambda text: text.replace(b" 001 ", b" 002 "),
          "has version 2, and this netpold reads version 1: it is ignored"),
         ("a file of another node", other_node, "is one of node 'node-z': it is ignored"),
         ("a file from before a reboot", other_boot, "is over"),
         ("a file that would last for days", for_days, "longer than any does: it is ignored")]


def check_files(tap_, world_):
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        must_pause(tap_, world_, "for a file", "--for=1h")
        netpold.stop()
    file = world_.node.path(f"{STATE}/pause")
    written = file.read_bytes()
    tap_.equal("the file is made as it is said to be", _sealed(written), written)
    for what, change, words in FILES:
        file.write_bytes(change(written))
        with daemon.Daemon(world_) as netpold:
            netpold.wait_in_force()
            lines = [line for _, line in netpold.log.lines if "pause" in line]
            tap_.true(f"{what}: one line says so, and enforcement is on",
                      len(lines) == 1 and words in lines[0] and members(world_) > 0, words, lines)
    file.unlink(missing_ok=True)


def check_no_file(tap_, world_):
    """Better a pause that a restart ends than none."""
    for what, options, words in (
            ("no folder is wanted", ["--state-dir="], "--state-dir is empty"),
            ("no file can be written", ["--state-dir=/proc/nothing"], "/proc/nothing/pause")):
        with daemon.Daemon(world_, *options) as netpold:
            netpold.wait_in_force()
            said = must_pause(tap_, world_, what, "--for=1h")
            tap_.true(f"{what}: it says that a restart ends the pause",
                      "does not outlive a restart of netpold" in said and words in said, words,
                      said)
            check_flows(tap_, world_, what, ALLOWED)
            netpold.stop(signal.SIGKILL)
        with daemon.Daemon(world_, *options) as netpold:
            netpold.wait_in_force()
            check_flows(tap_, world_, f"{what}, restarted", DENIED)


def queue(world_, row):
    """Try a row; returns its future once the packet is in the queue."""
    before, deadline = world_.netfilter.queued("4"), time.monotonic() + daemon.PATIENCE
    future = probe.begin(world_, row, "4")
    while world_.netfilter.queued("4") == before:
        if time.monotonic() > deadline:
            raise netns.CommandError(f"{row.name}: no packet has come to the queue")
        time.sleep(0.01)
    return future


@contextlib.contextmanager
def holding(world_, hold_ms):
    """A daemon whose only worker has a packet of a denied flow in its hands, and keeps each
    batch for so long. What the kernel remembers of it is forgotten in the end."""
    with daemon.Daemon(world_, "--workers=1", before=("env", f"FAULT_POINTS=verdict={hold_ms}"),
                       program=daemon.FAULTY) as netpold:
        netpold.wait_in_force()
        held = queue(world_, Probe("a denied flow", "guest", "web", "udp", 9000, DENIED))
        observer.wait_metric(world_, "netpold_packets_total", lambda n: n == 1)
        yield netpold
        held.result(netns.ANSWER_TIMEOUT)
    must_clean(world_)


def must_clean(world_):
    done = daemon.clean(world_)
    if done.returncode:
        raise daemon.DaemonError(f"it cannot be cleaned away: {done.stderr}")


def begin_pause(world_):
    """Returns when nobody is diverted any more. Who asked for it is answered when the worker
    moves, if that is in time for him."""
    asking = subprocess.Popen([*world_.node.enter(), str(daemon.PROGRAM), "pause", "--for=1h"],
                              stdout=subprocess.PIPE, text=True)
    observer.wait_metric(world_, "netpold_paused", lambda n: n == 1)
    deadline = time.monotonic() + daemon.PATIENCE
    while members(world_):
        if time.monotonic() > deadline:
            raise daemon.DaemonError("there is a pause, and pods are diverted")
        time.sleep(0.01)
    return asking


def is_answered(asking):
    return "paused until 2" in asking.communicate(timeout=daemon.PATIENCE)[0]


def still_waits(world_):
    return observer.metrics(world_)["netpold_queue_waiting_packets"] > 0


def in_time(attempt):
    """What an attempt gives in which the worker stood still for long enough."""
    for hold_ms in HOLDS_MS:
        if (found := attempt(hold_ms)) is not None:
            return found
    return f"{hold_ms} ms are too short, or the pause was not answered"


def check_waiting(tap_, world_):
    """What waits behind a worker's batch when the pause begins passes, whatever it was diverted
    for."""
    def attempt(hold_ms):
        with holding(world_, hold_ms) as netpold:
            behind = queue(world_, Probe("another", "guest", "web", "udp", 9001, ALLOWED,
                                         patience_ms=10_000 + 2 * hold_ms))
            asking = begin_pause(world_)
            # The answer comes after the first batch: what still waits now is the other packet,
            # and was not received before there was the pause.
            waited = is_answered(asking) and still_waits(world_)
            found = (probe.outcome(behind.result(netns.ANSWER_TIMEOUT)),
                     observer.metrics(world_)["netpold_packets_total"])
            must_pause(tap_, world_, "no packet waits any more", "--end")
            netpold.stop()
        return found if waited else None
    tap_.equal("what waits when a pause begins passes, judged by what lets everything pass",
               (ALLOWED, 2), in_time(attempt))


def check_stuck(tap_, world_):
    """A worker stands still with a packet in its hands: the pause does not wait for it, only the
    answer does."""
    def attempt(hold_ms):
        with holding(world_, hold_ms) as netpold:
            asking = begin_pause(world_)
            check_flows(tap_, world_, "a worker stands still", ALLOWED)
            unanswered = asking.poll() is None
            stood_still = still_waits(world_)
            written = world_.node.path(f"{STATE}/pause").exists()
            answered = is_answered(asking)
            netpold.stop(signal.SIGKILL)
        return (unanswered, written) if stood_still and answered else None
    tap_.equal("a worker stands still: the pause is written down, and its answer comes when the "
               "worker moves", (True, True), in_time(attempt))


def check_starting(tap_, world_):
    """Nothing is in force that could be paused, and the rules of an earlier run stand."""
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop(signal.SIGKILL)
    with open(world_.node.path("/run/manifests/policies.json"), "a", encoding="utf-8"):
        with daemon.Daemon(world_) as netpold:
            deadline = time.monotonic() + daemon.PATIENCE
            while (done := pause(world_, "--for=1m")).stderr.find("no netpold") >= 0 \
                    and time.monotonic() < deadline:
                time.sleep(0.01)
            tap_.true("it is refused while netpold starts, and says why",
                      done.returncode == 2 and "still starting" in done.stderr, "still starting",
                      done.stderr)
            netpold.stop(signal.SIGKILL)


def check_clean(tap_, world_):
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        must_pause(tap_, world_, "to be cleaned away", "--for=1h")
        netpold.stop()
    tap_.equal("`netpold clean` in a pause: exit status 0", 0, daemon.clean(world_).returncode)
    tap_.true("… leaves no file behind", not world_.node.path(STATE).exists(), "nothing", STATE)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_flows(tap_, world_, "cleaned, and started", DENIED)
        netpold.stop()


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", OPEN)
    check_life(tap_, world_)
    check_by_itself(tap_, world_)
    if world_.backend == "nft":  # the rest has nothing to do with rules
        check_late(tap_, world_)
        check_files(tap_, world_)
        check_no_file(tap_, world_)
        if daemon.FAULTY.exists():  # not so where only one build is tested, with sanitizers
            check_waiting(tap_, world_)
            check_stuck(tap_, world_)
        else:
            tap_.comment(f"{daemon.FAULTY} is not there: what waits in a queue is left out")
        check_starting(tap_, world_)
        check_clean(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
