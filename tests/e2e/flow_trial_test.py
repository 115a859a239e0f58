#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What would be, by the flow log: of a node that audits, and of policies that are staged.

The same connections are tried under --mode=audit and under --mode=enforce: the flows that
the one writes down as denied are those that the other drops (L35). Then policies are staged
beside others that are enforced: every flow that would be judged otherwise has a record that
says so, and by which policy (L34), and no other flow has. The topology is drawn in world.py.
"""

import dataclasses
import pathlib
import tempfile

import audit_test
import daemon
import probe
import scenario
import staged_test
import tap
import world
from flow_log_test import Lines, check_records, running
from probe import ALLOWED, DENIED

PODS = sorted({*audit_test.PODS, "web", "db", "client", "guest", "free"})
# Who makes the difference, by the pods of a row.
BECAUSE = {("client", "db"): "shop/db-closed", ("guest", "free"): "guests/guests-closed",
           ("client", "web"): "shop/web-from-all"}
PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP"}


def log_to(lines):
    return (daemon.ASK_ALWAYS, "--flow-log", f"file:{lines.path}", "--flow-log-rate", "0",
            "--flow-log-fold", "0")


def flow_of(record):
    return (record["from"]["ip"], record["to"]["ip"], record["protocol"],
            record["to"].get("port", 0))


def protocol_of(row, family):
    if row.protocol == "icmp":
        return "ICMP" if family == "4" else "ICMPv6"
    return PROTOCOLS[row.protocol]


def flow_of_row(world_, row, family):
    """Of one between pods."""
    return (world_.address(row.source, family), world_.address(row.target, family),
            protocol_of(row, family), row.port)


def denied(records):
    return {flow_of(record) for record in records if record["verdict"] == "deny"}


# ---- an audit, and the same enforced -----------------------------------------------


def tried(tap_, world_, folder, mode, rows):
    """The records of these rows."""
    lines = Lines(folder / mode)
    with running(tap_, world_, *log_to(lines), f"--mode={mode}"):
        probe.check_all(tap_, world_, [dataclasses.replace(row, name=f"{mode}: {row.name}")
                                       for row in rows])
    records = lines.records()
    check_records(tap_, records)
    tap_.equal(f"{mode}: the records say so", {mode}, {record["mode"] for record in records})
    return records


def check_twice(tap_, world_, folder):
    stand = [dataclasses.replace(row, expected=ALLOWED) for row in audit_test.ROWS]
    audited = tried(tap_, world_, folder, "audit", stand)
    enforced = tried(tap_, world_, folder, "enforce", audit_test.ROWS)
    tap_.equal("the same flows are denied, once by records and once by drops",
               sorted(denied(enforced)), sorted(denied(audited)))
    n_denied = sum(len(row.families) for row in audit_test.ROWS if row.expected == DENIED)
    # The service is the pod behind it, which guest has asked for already.
    n_services = sum(len(row.families) for row in audit_test.ROWS
                     if row.expected == DENIED and row.target == "service")
    tap_.equal("and those are what the policies deny", n_denied - n_services,
               len(denied(audited)))
    tap_.equal("each names who is behind it", [],
               [record for record in audited if record["verdict"] == "deny" and not any(
                   record[side].get("isolated_by") for side in ("egress", "ingress"))])


# ---- staged policies ----------------------------------------------------------------


def check_would(tap_, world_, records, row, family):
    sentence = f"IPv{family}: {row.name}"
    flow = flow_of_row(world_, row, family)
    found = [record for record in records if flow_of(record) == flow]
    expected = ("allow", "deny") if row.expected == ALLOWED else ("deny", "allow")
    tap_.equal(f"{sentence}: what is, and what would be", {expected},
               {(record["verdict"], record.get("would")) for record in found})
    because = BECAUSE[row.source, row.target]
    tap_.true(f"{sentence}: by which policy",
              found and all(because in record["would_because"] for record in found), because,
              [record.get("would_because") for record in found])


def check_staged(tap_, world_, folder):
    lines = Lines(folder / "staged")
    world_.folder.put("cluster", *staged_test.cluster(world_, "audit"))
    world_.folder.put("policies", *staged_test.STAGED)
    with running(tap_, world_, *log_to(lines)):
        probe.check_all(tap_, world_, staged_test.DIFFERING + staged_test.AGREEING)
    records = lines.records()
    check_records(tap_, records)
    for row in staged_test.DIFFERING:
        for family in row.families:
            check_would(tap_, world_, records, row, family)
    differing = {flow_of_row(world_, row, family) for row in staged_test.DIFFERING
                 for family in row.families}
    tap_.equal("no other flow would be judged otherwise", [],
               [record for record in records if "would" in record and
                flow_of(record) not in differing])
    world_.folder.put("cluster", *staged_test.cluster(world_, None))


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.add_service("service", scenario.SERVICE, "tcp", 80, "web", 8080)
    world_.folder.put("policies", *scenario.policies())
    with tempfile.TemporaryDirectory(prefix="netpold-trial-") as name:
        check_twice(tap_, world_, pathlib.Path(name))
        check_staged(tap_, world_, pathlib.Path(name))


def test(tap_):
    for world_ in world.variants(scenario.specs(*PODS)):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
