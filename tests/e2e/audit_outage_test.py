#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing that becomes of an audit drops, delays or reorders a packet (NF-97).

    client ── UDP 9500 ──► web     allowed
    guest  ── UDP 9500 ──► web     denied: each datagram is copied, as nobody answers
    guest  ── TCP 8080 ──► web     denied: how long it takes to connect

Trains of datagrams are sent, and counted where they arrive, without netpold and then
while it audits; while it is stopped, so that copies find no room; while its socket is
small and it is flooded; when it has been killed; and when it comes back. Copies that
are lost are counted, to the last one. The topology is drawn in world.py.
"""

import statistics
import time

import audit_test
import daemon
import manifests
import observer
import overrun_test
import scenario
import tap
import world

PORT = 9500
SILENT_PORT = 9999  # nobody answers there, so that each datagram is copied
N_FLOWS, LENGTH, EVERY_US = 100, 20, 5000  # 4,000 datagrams a second
N_DATAGRAMS = N_FLOWS * LENGTH
PATIENCE_S = 5.0
N_CONNECTS = 200
# A machine that others use, too: what a copy costs is a few microseconds.
SLOWER, SLACK_MS = 3.0, 1.0
N_FLOOD = 20000


def send_trains(world_, source="guest"):
    """Of both families, one after the other; flows of the second count from 0 again."""
    result = {"lost": 0, "late": 0, "twice": 0}
    for family in "46":
        world_[source].call("train_send", address=world_.address("web", family), port=PORT,
                            flows=N_FLOWS, length=LENGTH, every_us=EVERY_US)
        web, deadline = world_["web"], time.monotonic() + PATIENCE_S
        while web.call("train_count", port=PORT) < N_DATAGRAMS and time.monotonic() < deadline:
            time.sleep(0.01)
        for _, n, late, twice in web.call("train_take", port=PORT):
            result["lost"] -= n
            result["late"] += late
            result["twice"] += twice
        result["lost"] += N_DATAGRAMS
    return result


def connect_ms(world_):
    """The median of connections that would be denied."""
    tries = [["tcp", world_.address("web", "4"), 8080, True]]
    took = []
    for _ in range(N_CONNECTS):
        (word, began, ended), = world_["guest"].call("volley_timed", tries=tries, quiet_ms=0)
        if word != "answered":
            return float("inf")
        took.append((ended - began) * 1000)
    return statistics.median(took)


WHOLE = {"lost": 0, "late": 0, "twice": 0}


def check_whole(tap_, world_, when):
    tap_.equal(f"{when}: no datagram of {2 * N_DATAGRAMS} is lost, late or there twice", WHOLE,
               send_trains(world_))


def check_fast(tap_, world_, when, before_ms):
    now_ms = connect_ms(world_)
    tap_.comment(f"{when}: connecting takes {now_ms:.3f} ms, without netpold {before_ms:.3f}")
    tap_.true(f"{when}: connecting takes as long as without netpold",
              now_ms < before_ms * SLOWER + SLACK_MS, f"about {before_ms:.3f} ms", now_ms)


def wait_all_counted(world_, base):
    """(judged + lost, copied): until they are the same, or patience ends. The last
    copies that find no room are known when another one comes."""
    deadline = time.monotonic() + daemon.PATIENCE
    while True:
        world_["guest"].call("send_many", address=world_.address("web", "4"), port=SILENT_PORT, count=1)
        time.sleep(0.1)
        told = observer.metrics(world_)
        both = (told["netpold_packets_total"] + told["netpold_copies_lost_total"],
                world_.netfilter.copied() - base)
        if both[0] == both[1] or time.monotonic() > deadline:
            return both, told


def shrink(world_, pid):
    """The buffer of the log group; returns how many those are."""
    sockets = overrun_test.netlink_sockets(pid)
    owners = world_.netfilter.log_owners()
    for address in owners:
        sockets[address].setsockopt(overrun_test.socket.SOL_SOCKET, overrun_test.socket.SO_RCVBUF,
                                    overrun_test.SMALL)
    for sock in sockets.values():
        sock.close()
    return len(owners)


def flood(world_):
    for family in "46":
        world_["guest"].call("send_many", address=world_.address("web", family), port=SILENT_PORT,
                             count=N_FLOOD)


def check_running(tap_, world_, before_ms):
    with daemon.Daemon(world_, *audit_test.AUDIT) as netpold:
        netpold.wait_in_force()
        base = world_.netfilter.copied()
        check_whole(tap_, world_, "audited")
        check_fast(tap_, world_, "audited", before_ms)
        (counted, all_), told = wait_all_counted(world_, base)
        tap_.equal("audited: each copy is judged", (all_, 0),
                   (counted, told["netpold_copies_lost_total"]))
        tap_.equal("audited: each would be denied", told["netpold_packets_total"],
                   told["netpold_packets_denied_total"])
        tap_.equal("there is one log group", 1, shrink(world_, netpold.process.pid))
        with netpold.asleep():
            check_whole(tap_, world_, "stopped")
            check_fast(tap_, world_, "stopped", before_ms)
        (counted, all_), told = wait_all_counted(world_, base)
        tap_.true("stopped: copies have found no room", told["netpold_copies_lost_total"] > 0,
                  "some", told["netpold_copies_lost_total"])
        tap_.equal("stopped: each copy is judged, or counted as lost", all_, counted)
        lost = told["netpold_copies_lost_total"]
        flood(world_)
        check_whole(tap_, world_, "overloaded")
        (counted, all_), told = wait_all_counted(world_, base)
        tap_.true("overloaded: copies have found no room",
                  told["netpold_copies_lost_total"] > lost, f"more than {lost}",
                  told["netpold_copies_lost_total"])
        tap_.equal("overloaded: each copy is judged, or counted as lost", all_, counted)
        page = observer.status(world_).stdout
        tap_.true("the status tells of lost copies", f" {told['netpold_copies_lost_total']} copies"
                  in page, "their number", page)
        netpold.process.kill()
        netpold.process.wait()


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_["web"].call("train_listen", port=PORT)
    world_.netfilter.keep_tracking()
    world_.folder.put("policies", scenario.allow_clients(manifests.port(PORT, "UDP")))
    check_whole(tap_, world_, "without netpold")
    before_ms = connect_ms(world_)
    check_running(tap_, world_, before_ms)
    check_whole(tap_, world_, "killed")
    check_fast(tap_, world_, "killed", before_ms)
    with daemon.Daemon(world_, *audit_test.AUDIT) as netpold:
        netpold.wait_in_force()
        check_whole(tap_, world_, "started again")
        tap_.equal("it stops in order", 0, netpold.stop())
    check_whole(tap_, world_, "stopped in order")
    daemon.clean(world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
