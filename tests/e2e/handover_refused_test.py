#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second netpold that may not take over is told why, and the first goes on.

    client ── TCP 8080 ──► web   allowed
    guest  ── TCP 8080 ──► web   denied

Where two netpolds would fight the second ends with one sentence and status 2
(L15); where they may differ it takes over, and what it says counts from
then on. The topology is drawn in world.py.
"""

import dataclasses
import json
import os
import signal
import socket

import daemon
import failure_test
import handover_test
import netfilter
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, REFUSED, Probe

ELSEWHERE = "/run/elsewhere.sock"
QUEUE = 17000
NOBODY = 65534


@dataclasses.dataclass
class Refusal:
    name: str
    options: tuple
    words: tuple  # that the one sentence holds
    alone: bool = True  # nothing else is said


def refusals(world_):
    other = {"nft": "legacy", "legacy": "nft"}[world_.backend]
    return [
        Refusal("other queues", ("--queue-base", f"{QUEUE + 100}"),
                ("--queue-base 17000", "17100", "two would fight")),
        Refusal("queues that overlap", ("--queue-base", f"{QUEUE + 1}"),
                ("--queue-base 17000", "17001")),
        Refusal("another number of workers", ("--workers=5",), ("--workers 2", "has 5")),
        Refusal("other bits of marks", ("--mark-mask=0xf0",),
                ("--mark-mask 0x107f", "has 0xf0")),
        Refusal("the other mode", ("--mode=audit", daemon.ASK_ALWAYS),
                ("--mode enforce", "has audit", "two would fight")),
        Refusal("another node", ("--node-name=elsewhere",),
                (f"--node-name {world_.node_name}", "has elsewhere")),
        Refusal("the other flavour of iptables", ("--iptables", other),
                (f"iptables-{world_.backend}", f"iptables-{other}")),
        Refusal("another status socket", ("--status-socket", ELSEWHERE),
                ("another netpold", ELSEWHERE, "--status-socket")),
        Refusal("no status socket", ("--status-socket=",), ("another netpold", "--status-socket")),
    ]


def check_untouched(tap_, world_, name, netpold, before):
    tap_.equal(f"{name}: rules and sets are as they were", before, state(world_))
    tap_.equal(f"{name}: the first one still answers", netpold.process.pid,
               observer.get(world_, "status")["pid"])


def state(world_):
    return world_.netfilter.rules(), world_.netfilter.sets()


def check_refused(tap_, world_, netpold, refusal, before=()):
    stood = state(world_)
    with daemon.Daemon(world_, *refusal.options, before=before) as second:
        status = second.wait_refused()
        log = second.log.text()
    tap_.equal(f"{refusal.name}: exit status 2", 2, status)
    lines = log.splitlines()
    tap_.true(f"{refusal.name}: one line says why",
              lines and all(word in lines[-1] for word in refusal.words) and
              (len(lines) == 1 or not refusal.alone), " … ".join(refusal.words), log)
    check_untouched(tap_, world_, refusal.name, netpold, stood)


def check_manifests(tap_, world_, netpold):
    """It cannot read what it should enforce, and does not even ask."""
    start = len(netpold.log.lines)
    world_.folder.put_text("bad.yaml", "kind: [\n")
    netpold.log.wait(lambda line, _at: line if "bad.yaml" in line else None, start)
    check_refused(tap_, world_, netpold, Refusal("manifests with a mistake", (), ("bad.yaml",)))
    start = len(netpold.log.lines)
    world_.folder.remove("bad.yaml")
    netpold.log.wait(lambda line, _at: line if "as they were" in line else None, start)


def check_paused(tap_, world_, netpold):
    """A pause is the old one's; its end is not far, or can be had."""
    world_.node.run(str(daemon.PROGRAM), "pause", "--for", "10m")
    check_refused(tap_, world_, netpold, Refusal(
        "a pause", (), ("enforcement is paused", "netpold pause --end"), alone=False))
    world_.node.run(str(daemon.PROGRAM), "pause", "--end")
    netpold.wait_in_force()


def check_namespace(tap_, world_, netpold):
    """It runs beside one of another network namespace, and asks ours."""
    with daemon.Daemon(world_, "--status-socket", ELSEWHERE,
                       before=("unshare", "--net")) as stranger:
        stranger.wait_in_force()
        check_refused(tap_, world_, netpold, Refusal(
            "another network namespace", (), ("another network namespace", "--status-socket")),
            before=("nsenter", f"--target={stranger.process.pid}", "--net"))
        stranger.stop()


def check_hung(tap_, world_, netpold):
    with netpold.asleep():
        with daemon.Daemon(world_) as second:
            status = second.wait_refused()
            log = second.log.text()
    tap_.equal("the first one hangs: exit status 2", 2, status)
    tap_.true("the first one hangs: one line says so",
              "has not answered within 10 s" in log and len(log.splitlines()) == 1,
              "has not answered within 10 s", log)
    tap_.equal("the first one wakes up, and still answers", netpold.process.pid,
               observer.get(world_, "status")["pid"])


def ask_as(world_, user, request):
    """What a user hears; whose credentials count is who connects."""
    folder = os.open(world_.node.path(observer.SOCKET).parent, os.O_PATH | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as sock:
        os.seteuid(user)
        try:
            sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(observer.SOCKET)}")
        finally:
            os.seteuid(0)
            os.close(folder)
        sock.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(sock.makefile().readline())


def check_nobody(tap_, world_, netpold):
    """Who gets in although he is not root, because somebody has opened the socket to all."""
    terms = {"network-namespace": str(os.stat(f"/proc/{netpold.process.pid}/ns/net").st_ino),
             "node-name": world_.node_name, "queue-base": f"{QUEUE}", "workers": "2",
             "mark-mask": "0x107f", "iptables": world_.backend}
    os.chmod(world_.node.path(observer.SOCKET), 0o666)
    for user, key, word in ((0, "hand-over", "agreed"), (NOBODY, "error", "only root")):
        answer = ask_as(world_, user, {"hand-over": terms})
        tap_.true(f"user {user} asks for the queues: {word}", word in answer.get(key, ""), word,
                  answer)
    os.chmod(world_.node.path(observer.SOCKET), 0o600)
    # Whoever was agreed with has hung up.
    line = netpold.log.wait(lambda line, _at: line if "has not taken over" in line else None)
    netpold.wait_in_force()
    tap_.true("who asks and hangs up takes nothing over", "goes on" in line, "goes on", line)


# ---- what may differ ------------------------------------------------------------

def n_bypasses(world_):
    return sum("--queue-bypass" in line and netfilter.QUEUE_CHAIN in line
               for line in world_.netfilter.own_rules())


def check_differences(tap_, world_):
    """From open to closed, from drop to accept, from silence to a reset, with other policies
    and another pace."""
    world_.folder.put("policies", handover_test.POLICY)
    with daemon.Daemon(world_, "--workers=1") as netpold:
        netpold.wait_in_force()
        tap_.true("open: rules let pass what nobody judges", n_bypasses(world_),
                  "--queue-bypass", world_.netfilter.own_rules())
        world_.folder.put("policies", scenario.allow_clients())  # to anybody of the shop
        new, _, status = handover_test.take_over(
            world_, netpold, "--workers=1", "--on-failure=closed", "--on-overload=accept",
            "--deny=reject", "--poll-us=50", daemon.ASK_ALWAYS)
    with new:
        tap_.equal("with other options that may differ it takes over", 0, status)
        tap_.equal("closed: rules drop what nobody judges", 0, n_bypasses(world_))
        probe.check_all(tap_, world_, [Probe("reject: who is denied is told", "guest", "web",
                                             "tcp", 8080, REFUSED)])
        with new.asleep():
            failure_test.fill_queue(world_)
            probe.check_all(tap_, world_, [Probe("accept: a full queue lets pass", "client",
                                                 "web", "tcp", 8080, ALLOWED)])
        new.stop()
    probe.check_all(tap_, world_, [Probe("closed: stopped, a new flow waits", "client", "web",
                                         "tcp", 8080, DENIED)])


def check_two_at_once(tap_, world_):
    """Of two that start at once, beside one, one is left."""
    with daemon.Daemon(world_) as first:
        first.wait_in_force()
        with daemon.Daemon(world_) as one, daemon.Daemon(world_) as other:
            first.wait_exit()
            ended = []
            while not ended:
                ended = [each for each in (one, other) if each.process.poll() is not None]
            left = other if ended[0] is one else one
            left.wait_in_force()
            tap_.true("two start at once: one is left",
                      ended[0].wait_exit() in (0, 2) and left.process.poll() is None,
                      "one", (one.log.text(), other.log.text()))
            probe.check_all(tap_, world_, handover_test.new_flows("two started at once"))
            tap_.equal("it stops in order", 0, left.stop(signal.SIGTERM))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", handover_test.POLICY)
    with daemon.Daemon(world_, "--workers=2") as netpold:
        netpold.wait_in_force()
        for refusal in refusals(world_):
            check_refused(tap_, world_, netpold, refusal)
        check_manifests(tap_, world_, netpold)
        check_namespace(tap_, world_, netpold)
        check_paused(tap_, world_, netpold)
        check_nobody(tap_, world_, netpold)
        check_hung(tap_, world_, netpold)
        probe.check_all(tap_, world_, handover_test.new_flows("after all that"))
        netpold.stop()
    check_differences(tap_, world_)
    daemon.clean(world_)
    world_.folder.put("policies", handover_test.POLICY)
    check_two_at_once(tap_, world_)


def test(tap_):
    # Who may take over has nothing to do with how packets come.
    for backend in world.BACKENDS:
        with world.World("routed", backend, scenario.specs("web", "client", "guest")) as world_:
            check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
