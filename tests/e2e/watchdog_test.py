#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker that stands still is noticed, and told of in every way there is.

    guest ── UDP ──► web     each packet holds up its worker for some seconds

So it is while netpold only audits, where it is copies that wait.

That worker is held up within its read-side section (fault.h), so that a change
waits for it: the controller stands still with it, and the watchdog must not. The
topology is drawn in world.py.
"""

import time

import daemon
import manifests
import observer
import scenario
import tap
import world

OPEN = scenario.allow_clients(*scenario.WEB_PORTS)
CLOSED = scenario.allow_clients(manifests.port(4444))

# A machine that is busy needs time: to notice it, which is three looks, a second apart,
# and to look at all that is told meanwhile. An end within daemon.PATIENCE is a bound.
STALL_MS = 11000
NOTICED_S = 8
SURE_S = 1  # whoever is as quick has not looked three times


def send(world_):
    """One datagram, which is judged by the worker of some queue. Returns when it was."""
    return float(world_["guest"].run("python3", "-c", f"""
import socket
import time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    print(time.monotonic())
    s.sendto(b"x", ("{world_.address('web', '4')}", 9000))
""").stdout)


def stalled(world_):
    """(that stand still, stalls since the start), of all workers."""
    values = observer.metrics(world_)
    return values["netpold_worker_stalled"], values["netpold_worker_stalls_total"]


def live(world_, enough):
    """`netpold status --live`, when its exit status is enough, or patience ends."""
    until = time.monotonic() + daemon.PATIENCE
    while not enough((done := observer.status(world_, "--live")).returncode):
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return done


def wait_log(netpold, word):
    """The next line with a word: (when it came, its text)."""
    return netpold.log.wait(lambda line, at: (at, line) if word in line else None)


def check_all_well(tap_, world_):
    done = observer.status(world_)
    tap_.equal("while all workers move, nothing is said of them", (0, False),
               (done.returncode, "till" in done.stdout))
    tap_.equal("nor counted", (0, 0), stalled(world_))


def check_stall(tap_, world_, netpold):
    sent = send(world_)
    got = observer.wait_metric(world_, "netpold_packets_total", lambda n: n > 0)
    tap_.equal("one worker has one packet", 1, got)
    world_.folder.put("policies", CLOSED)
    at, line = wait_log(netpold, "stands still")
    tap_.true(f"a worker that stands still is noticed within {NOTICED_S} s",
              SURE_S < at - sent < NOTICED_S, "when it is sure, and soon", f"{at - sent:.1f} s")
    tap_.true("the log says so, and how many packets wait",
              line.startswith("netpold: error: the worker of queue 17")
              and "while packets wait (1)" in line, "queue 17…, 1 packet", line)
    tap_.equal("meanwhile the controller waits for it", 1, netpold.generation)
    queue = line.split("queue ")[1].split(" ")[0]
    done = observer.status(world_)
    tap_.equal("status: exit status 1", (1, ""), (done.returncode, done.stderr))
    tap_.true("the first line says so", "STANDS STILL" in done.stdout.splitlines()[0],
              "STANDS STILL", done.stdout)
    tap_.true("the page says which", f"Stalled      the worker of queue {queue} stands still"
              in done.stdout, queue, done.stdout)
    tap_.true("the page shows the queue", any(line.split()[:2] == [queue, "1"]
                                              for line in done.stdout.splitlines()),
              f"{queue}, where 1 waits", done.stdout)
    tap_.equal("one stall is counted, and lasts", (1, 1), stalled(world_))


def check_end(tap_, world_, netpold, changing):
    _, line = wait_log(netpold, "moves again")
    tap_.true("the log says when it moves again", " 17" in line, "… 17…", line)
    if changing:
        netpold.wait_in_force()
    tap_.equal("the stall is over, and was counted once", (0, 1), stalled(world_))
    done = observer.status(world_)
    tap_.equal("status: all is in force", (0, False), (done.returncode, "till" in done.stdout))


def check_stop(tap_, netpold):
    tap_.equal("it stops in order", 0, netpold.stop())
    words = ("stands still", "moves again")
    tap_.equal("each was said once", (1, 1),
               tuple(netpold.log.text().count(word) for word in words))


def check_audit(tap_, world_):
    """Copies are in no queue of the kernel's list; one that is being judged waits no more."""
    tap_.section("audit")
    points = f"verdict={STALL_MS},health-patience=2"
    with daemon.Daemon(world_, "--mode=audit", program=daemon.FAULTY,
                       variables={"FAULT_POINTS": points}) as netpold:
        netpold.wait_in_force()
        check_all_well(tap_, world_)
        send(world_)
        observer.wait_metric(world_, "netpold_packets_total", lambda n: n > 0)
        sent = send(world_)
        at, line = wait_log(netpold, "stands still")
        tap_.true(f"a worker that stands still is noticed within {NOTICED_S} s",
                  SURE_S < at - sent < NOTICED_S, "when it is sure, and soon", f"{at - sent:.1f} s")
        tap_.true("the log says so, and of what",
                  line.startswith("netpold: error: the worker of log group 17")
                  and line.endswith("while copies of packets wait"), "log group 17…", line)
        tap_.equal("one stall is counted, and lasts", (1, 1), stalled(world_))
        waiting = observer.wait_metric(world_, "netpold_copies_waiting_packets", lambda n: n > 0)
        tap_.equal("one copy waits", 1, waiting)
        done = live(world_, lambda status: status != 0)
        tap_.equal("one that stands still for longer is to be started again", (1, True, True),
                   (done.returncode, done.stdout.startswith("stuck: the worker of log group 17"),
                    "stands still" in done.stdout))
        check_end(tap_, world_, netpold, changing=False)
        done = live(world_, lambda status: status == 0)
        tap_.equal("when it moves, it lives", (0, "alive\n"), (done.returncode, done.stdout))
        tap_.equal("no copy waits any more", 0, observer.wait_metric(
            world_, "netpold_copies_waiting_packets", lambda n: n == 0))
        tap_.equal("it stops in order", 0, netpold.stop())
    tap_.section("")


def test(tap_):
    daemon.faulty_must_exist()
    with world.World("routed", "nft", scenario.specs("web", "client", "guest")) as world_:
        world_.folder.put("policies", OPEN)
        with daemon.Daemon(world_, before=("env", f"FAULT_POINTS=verdict={STALL_MS}"),
                           program=daemon.FAULTY) as netpold:
            netpold.wait_in_force()
            check_all_well(tap_, world_)
            check_stall(tap_, world_, netpold)
            check_end(tap_, world_, netpold, changing=True)
            check_stop(tap_, netpold)
        world_.folder.put("policies", OPEN)
        check_audit(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
