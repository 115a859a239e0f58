#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a flow that passes has come to is written down when it has ended (L34).

    client ── TCP 8090, a megabyte ─────► web     allowed
    client ── UDP 9000 ─────────────────► web     allowed
    client ── TCP 8081 ─────────────────► web     denied: it has no end
    node   ── TCP 8090 ─────────────────► web     the node's own: nobody judges it

conntrack(8) ends connections, and says what they were; records have to say the same. The
topology is drawn in world.py.
"""

import collections
import concurrent.futures
import pathlib
import re
import tempfile
import threading

import daemon
import netns
import observer
import probe
import scenario
import tap
import world
from flow_log_test import Lines, about, check_records, running, schema
from handover_test import take_over
from probe import ALLOWED, DENIED, Probe

PORT = 8090
SIZE = 1 << 20
TIMEOUT_MS = 20000
TRANSFER = Probe("a transfer", "client", "web", "tcp", PORT, ALLOWED)
DATAGRAM = Probe("a datagram and its answer", "client", "web", "udp", 9000, ALLOWED)
REFUSED = Probe("a port that is closed", "client", "web", "tcp", 8081, DENIED)
COUNTED = re.compile(r"packets=(\d+) bytes=(\d+)")
SOURCE_PORT = re.compile(r"sport=(\d+)")
IN_THE_GAP = 2  # ends between two netpolds: one leaves off, the other begins
SWITCHES = ("nf_conntrack_acct", "nf_conntrack_timestamp")


def switch(world_, value):
    world_.node.sysctl(*(f"net/netfilter/{name}={value}" for name in SWITCHES))


def end(world_, row, family):
    """Have the kernel forget a flow. Returns packets and bytes, there and back, as it tells
    them; nothing where it does not count."""
    told = world_.node.run("conntrack", "-D", "-f", f"ipv{family}", "-p", row.protocol,
                           "--dport", str(row.port)).stdout
    lines = [COUNTED.findall(line) for line in told.splitlines() if "src=" in line]
    return [[(int(packets), int(n_bytes)) for packets, n_bytes in line] for line in lines]


def send(tap_, world_, family):
    tap_.equal(f"IPv{family}: a transfer arrives", "whole",
               world_["client"].begin("bulk_send", address=world_.address("web", family),
                                      port=PORT, size=SIZE,
                                      timeout_ms=TIMEOUT_MS).result(netns.ANSWER_TIMEOUT))


def ends_of(records, row, family):
    return [record for record in about(records, row, family) if "end" in record]


def counts_of(record):
    packets, n_bytes = record["end"].get("packets"), record["end"].get("bytes")
    return packets and [(packets["there"], n_bytes["there"]), (packets["back"], n_bytes["back"])]


def check_end(tap_, found, witness, row, family):
    sentence = f"IPv{family}: {row.name}"
    tap_.equal(f"{sentence}: has one record of its end", 1, len(found))
    if not found or len(witness) != 1:
        tap_.equal(f"{sentence}: conntrack knows one", 1, len(witness))
        return
    record = found[0]
    tap_.equal(f"{sentence}: with what conntrack has counted", witness[0], counts_of(record))
    tap_.true(f"{sentence}: and how long it was open", record["end"]["duration_ms"] < 60000,
              "less than a minute", record["end"])
    tap_.equal(f"{sentence}: verdict, outcome, and the policy that allows",
               ("allow", "flow-allowed", "shop/web-from-clients"),
               (record["verdict"], record["outcome"], record["ingress"].get("policy")))


def check_counted(tap_, world_, folder):
    lines, rows = Lines(folder / "ends"), (TRANSFER, DATAGRAM)
    switch(world_, 1)
    with running(tap_, world_, "--flow-log", f"file:{lines.path}", "--flow-log-ends",
                 "on") as (netpold, totals):
        tap_.equal("there is nothing to warn of", [], warnings(netpold))
        for family in "46":
            send(tap_, world_, family)
        probe.check_all(tap_, world_, [DATAGRAM, REFUSED])
        witness = [(row, family, end(world_, row, family)) for row in rows for family in "46"]
        records = lines.wait(lambda told: all(ends_of(told, row, family) for row in rows
                                              for family in "46"))
        for row, family, counted in witness:
            check_end(tap_, ends_of(records, row, family), counted, row, family)
        for record in ends_of(records, TRANSFER, "4") + ends_of(records, TRANSFER, "6"):
            tap_.true("a megabyte has a megabyte's bytes",
                      SIZE < record["end"]["bytes"]["there"] < SIZE * 1.1, f"{SIZE} and headers",
                      record["end"])
        check_nobodys(tap_, world_)
        check_status(tap_, world_, True)
    records = lines.records()
    check_records(tap_, records)
    ends = [record for record in records if "end" in record]
    tap_.equal("the sum knows of each", totals["ends"], len(ends))
    tap_.equal("nobody else has a record of an end", {"client"},
               {record["from"].get("pod") for record in ends})
    tap_.equal("what is denied has none", set(), {record["to"]["port"] for record in ends} -
               {row.port for row in rows})


def check_nobodys(tap_, world_):
    """The node's own flow to a pod."""
    for family in "46":
        result = world_.node.call("bulk_send", address=world_.address("web", family), port=PORT,
                                  size=1, timeout_ms=TIMEOUT_MS)
        tap_.equal(f"IPv{family}: the node talks to its pod", "whole", result)
        end(world_, TRANSFER, family)


def warnings(netpold):
    return [line for line in netpold.log.text().splitlines() if "warning: flow log" in line]


def check_status(tap_, world_, counted):
    with observer.Client(world_) as client:
        client.say(b'{"get": "status"}\n')
        answer = client.hear()
    tap_.equal("the status is as its schema says", [],
               list(schema.violations(answer, observer.SCHEMA)))
    log = answer["status"]["flow_log"]
    tap_.equal("it says what the kernel tells of ends", (True, counted, counted),
               tuple(log["ends"][name] for name in ("told", "counted", "timed")))
    tap_.equal("they are in its sum", log["events"], sum(
        log[name] for name in ("logged", "folded", "suppressed", "lost", "waiting")))
    page = observer.status(world_).stdout
    tap_.equal("the page says what is missing", not counted,
               "net.netfilter.nf_conntrack_acct is 0" in page)


def check_not_counted(tap_, world_, folder):
    lines = Lines(folder / "uncounted")
    switch(world_, 0)
    with running(tap_, world_, "--flow-log", f"file:{lines.path}", "--flow-log-ends",
                 "on") as (netpold, _):
        said = warnings(netpold)
        tap_.true("that nothing is counted is said once, at the start",
                  len(said) == 1 and "nf_conntrack_acct is 0" in said[0], "one line", said)
        send(tap_, world_, "4")
        end(world_, TRANSFER, "4")
        records = lines.wait(lambda told: ends_of(told, TRANSFER, "4"))
        check_status(tap_, world_, False)
    tap_.equal("nothing that is not known is written", [{}],
               [record["end"] for record in ends_of(records, TRANSFER, "4")])
    check_records(tap_, lines.records())


def keep_ending(world_, stop):
    """Open a flow and end it, again and again. Returns their source ports, in that order."""
    ports = []
    while not stop.is_set():
        world_["client"].call("try_once", protocol="udp", port=DATAGRAM.port, timeout_ms=1000,
                              address=world_.address("web", "4"))
        told = world_.node.run("conntrack", "-D", "-f", "ipv4", "-p", "udp", "--dport",
                               str(DATAGRAM.port), check=False).stdout
        ports += [int(SOURCE_PORT.search(line)[1]) for line in told.splitlines()
                  if "src=" in line]
    return ports


def check_handed_over(tap_, world_, folder):
    """Who judges tells of ends, and nobody else does."""
    sides = Lines(folder / "giver"), Lines(folder / "taker")
    options = [("--flow-log", f"file:{side.path}", "--flow-log-ends", "on",
                "--flow-log-rate", "0") for side in sides]
    stop = threading.Event()
    switch(world_, 1)
    old = daemon.Daemon(world_, *options[0])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            old.wait_in_force()
            ending = pool.submit(keep_ending, world_, stop)
            sides[0].wait(lambda told: len(ends_of(told, DATAGRAM, "4")) > 2)
            old, (new, _, status) = None, take_over(world_, old, *options[1])
            with new:
                sides[1].wait(lambda told: len(ends_of(told, DATAGRAM, "4")) > 2)
                stop.set()
                ended = ending.result(daemon.PATIENCE)
                new.stop()
        finally:
            stop.set()
            if old:
                old.__exit__()
    tap_.equal("who hands over ends in order", 0, status)
    ends = [ends_of(side.records(), DATAGRAM, "4") for side in sides]
    giver, taker = ([record["from"]["port"] for record in told] for told in ends)
    n_untold = len(ended) - len(giver) - len(taker)
    tap_.equal("no end is told of by both", {},
               dict(collections.Counter(giver + taker) - collections.Counter(ended)))
    tap_.equal("the old one tells of each up to one, the new one of each from another one on",
               (sorted(ended[:len(giver)]), sorted(ended[len(ended) - len(taker):])),
               (sorted(giver), sorted(taker)))
    tap_.true("there are few between them", 0 <= n_untold <= IN_THE_GAP,
              f"{IN_THE_GAP} at most", n_untold)
    tap_.equal("each with the policy that allows", {"shop/web-from-clients"},
               {record["ingress"].get("policy") for told in ends for record in told})


def check_off(tap_, world_, folder):
    lines = Lines(folder / "off")
    switch(world_, 1)
    with running(tap_, world_, daemon.ASK_ALWAYS, "--flow-log",
                 f"file:{lines.path}") as (_, totals):
        send(tap_, world_, "4")
        end(world_, TRANSFER, "4")
        tap_.true("the status tells of none", "ends" not in
                  observer.get(world_, "status")["flow_log"], "no ends", "some")
    tap_.equal("who does not ask for ends gets none", (0, []),
               (totals["ends"], ends_of(lines.records(), TRANSFER, "4")))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", scenario.allow_clients(
        scenario.port(PORT), scenario.port(DATAGRAM.port, "UDP")))
    world_["web"].call("bulk_listen", port=PORT)
    with tempfile.TemporaryDirectory(prefix="netpold-ends-") as name:
        for check in (check_counted, check_not_counted, check_handed_over, check_off):
            check(tap_, world_, pathlib.Path(name))


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
