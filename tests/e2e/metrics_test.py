#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What metrics tell of packets is what has happened, and they are those that are described.

    client ── UDP 9000 ──► web     allowed
    guest  ── UDP 9000 ──► web     denied

Netpolds are asked that judge packets, one that enforces and one that audits, both fed from files,
and one that is fed from an API server. What all of them tell together is the list of manifests/README.md. The topology is drawn in
world.py, and in fake_node.py.
"""

import pathlib
import sys
import time

import daemon
import fake_health_test
import fake_node
import health_test
import pause_test
import probe
import scenario
import tap
import web
import world
from manifests import policy
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import exposition  # noqa: E402
import metrics_catalogue  # noqa: E402

LISTEN = (*health_test.LISTEN, daemon.ASK_ALWAYS, "--flow-log=stdout")
OPEN = scenario.allow_clients(*scenario.WEB_PORTS)
ROWS = [Probe("what is allowed is allowed", "client", "web", "udp", 9000, ALLOWED),
        Probe("what is denied is denied", "guest", "web", "udp", 9000, DENIED)]
WEB = {"namespace": "shop", "policy": "web-from-clients"}
OTHERS = {"namespace": "_other", "policy": "_other"}
SILENT_PORT = 9999  # nobody answers there, so that each datagram is copied
BURST = 3000
PATIENCE = 15


def read(asker):
    """Of this second: families, and what is wrong with the format."""
    time.sleep(1.1)
    return exposition.read(asker.ask("/metrics")[1])


def total(families, name, **labels):
    """Of all series that have these labels."""
    family = families.get(name)
    return sum(value for (_, found), value in family.samples.items()
               if labels.items() <= dict(found).items()) if family else 0


def wait(asker, enough):
    """Ask until enough(families); returns the last."""
    deadline = time.monotonic() + PATIENCE
    while True:
        families, _ = read(asker)
        if enough(families) or time.monotonic() > deadline:
            return families


# ---- what is described ------------------------------------------------------


def check_described(tap_, families, problems):
    rows, _ = metrics_catalogue.described()
    tap_.equal("nothing is wrong with the format", [], problems)
    tap_.equal("each is described", [], sorted(families.keys() - rows.keys()))
    told = {name: family for name, family in families.items() if name in rows}
    tap_.equal("type and help are those of the description",
               {name: (rows[name].type, rows[name].help) for name in told},
               {name: (family.type, family.help) for name, family in told.items()})
    tap_.equal("so are the labels",
               {name: {*rows[name].labels} for name in told},
               {name: {label for _, labels in family.samples for label, _ in labels} - {"le"}
                for name, family in told.items()})
    values = metrics_catalogue.label_values()
    tap_.equal("and the values of those that have the same few", set(),
               {(label, value) for family in told.values() for _, labels in family.samples
                for label, value in labels if label in values and value not in values[label]})


# ---- what has happened ------------------------------------------------------


def check_verdicts(tap_, world_, asker):
    before, _ = read(asker)
    probe.check_all(tap_, world_, ROWS)
    after, _ = read(asker)

    def grown(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    def verdicts(**labels):
        return grown("netpold_verdicts_total", mode="enforce", **labels)

    packets = grown("netpold_packets_total")
    tap_.equal("a flow of each family is allowed by a rule", 2, verdicts(
        direction="ingress", protocol="udp", verdict="allow", reason="rule"))
    denied = verdicts(direction="ingress", protocol="udp", verdict="deny",
                      reason="no-rule-matches")
    tap_.true("in each family some are denied by none", denied >= 2, "2 or more", denied)
    tap_.equal("as many as are dropped", grown("netpold_packets_denied_total"), denied)
    tap_.equal("senders are not isolated", verdicts(direction="egress"),
               verdicts(direction="egress", verdict="allow", reason="not-isolated"))
    tap_.equal("each packet has a verdict at its receiver", packets,
               verdicts(direction="ingress") + verdicts(direction="none"))
    tap_.equal("no verdict is of audit", 0, grown("netpold_verdicts_total", mode="audit"))
    tap_.equal("the time of each packet is counted", packets,
               sum(value for (name, _), value in after["netpold_verdict_seconds"].samples.items()
                   if name.endswith("_count")) -
               sum(value for (name, _), value in before["netpold_verdict_seconds"].samples.items()
                   if name.endswith("_count")))
    took = exposition_sum(after, "netpold_verdict_seconds")
    tap_.true("it is some time", 0 < took < packets + 1, "more than nothing", took)
    return denied


def exposition_sum(families, name):
    return families[name].samples[f"{name}_sum", ()]


def check_policies(tap_, asker, denied):
    families = wait(asker, lambda families: total(
        families, "netpold_policy_verdicts_total", **WEB, verdict="deny") >= denied)
    tap_.equal("the policy that allows and denies is named", (2, denied), tuple(
        total(families, "netpold_policy_verdicts_total", **WEB, mode="enforce",
              direction="ingress", verdict=verdict) for verdict in ("allow", "deny")))
    tap_.equal("no other one is, and none is missed", (2 + denied, 0), (
        total(families, "netpold_policy_verdicts_total"),
        total(families, "netpold_policy_verdicts_missed_total")))


def check_burst(tap_, world_, asker):
    """More at once than anybody looks at meanwhile. What finds the queue full, on a slow
    machine, is no denial of a policy."""
    before, _ = read(asker)
    world_["guest"].call("send_many", address=world_.address("web", "4"), port=SILENT_PORT,
                         count=BURST)
    names = ("netpold_packets_denied_total", "netpold_policy_verdicts_total",
             "netpold_policy_verdicts_missed_total", "netpold_queue_dropped_packets_total",
             "netpold_queue_user_dropped_packets_total")

    def grown(families):
        return [total(families, name) - total(before, name) for name in names]

    def is_told(families):
        denied, counted, missed, *dropped = grown(families)
        return denied + sum(dropped) >= BURST and counted + missed >= denied
    denied, counted, missed, *dropped = grown(wait(asker, is_told))
    tap_.equal("of a burst each datagram is judged, or finds no room", BURST,
               denied + sum(dropped))
    tap_.true("many are judged", denied > BURST // 4, f"of {BURST}", denied)
    tap_.equal("each denial is counted for its policy, and none is missed", (denied, 0),
               (counted, missed))


def check_bounded(tap_, world_, asker):
    """Of two policies that deny one has a name."""
    world_.folder.put("more", policy("all", "shop", {}, ingress=[]))
    with daemon.Daemon(world_, *LISTEN, "--metrics-policies=1") as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, ROWS)
        families = wait(asker, lambda families: total(
            families, "netpold_policy_verdicts_total", **OTHERS, verdict="deny") >= total(
                families, "netpold_verdicts_total", direction="ingress", verdict="deny") > 0)
        named = {dict(labels)["policy"]
                 for _, labels in families["netpold_policy_verdicts_total"].samples}
        tap_.true("with one place one policy is named, and others are one", len(named) == 2 and
                  "_other" in named, "one, and _other", named)
        tap_.equal("both count the denials that both have a part in",
                   total(families, "netpold_verdicts_total", direction="ingress", verdict="deny"),
                   min(total(families, "netpold_policy_verdicts_total", policy=name,
                             verdict="deny") for name in named))
        netpold.stop()
    world_.folder.remove("more.json")
    with daemon.Daemon(world_, *LISTEN, "--metrics-policies=0") as netpold:
        netpold.wait_in_force()
        probe.check_all(tap_, world_, ROWS)
        families, _ = read(asker)
        tap_.equal("with no place none is counted", [],
                   [name for name in families if "policy_verdicts" in name])
        netpold.stop()


def ask_files(tap_, world_):
    """All that a netpold that judges packets tells, in a pause, too."""
    world_.folder.put("policies", OPEN)
    with web.Web(world_.node, health_test.PORT) as asker:
        with daemon.Daemon(world_, *LISTEN) as netpold:
            netpold.wait_in_force()
            denied = check_verdicts(tap_, world_, asker)
            check_policies(tap_, asker, denied)
            check_burst(tap_, world_, asker)
            pause_test.must_pause(tap_, world_, "a pause begins", "--for", "10m")
            families, problems = read(asker)
            pause_test.must_pause(tap_, world_, "it ends", "--end")
            more, _ = read(asker)
            netpold.stop()
        tap_.section("from files")
        check_described(tap_, families, problems)
        tap_.section("")
        check_bounded(tap_, world_, asker)
    return {*families, *more}


def ask_audit(tap_, world_):
    """What would be denied is told, and nothing that were enforced."""
    with web.Web(world_.node, health_test.PORT) as asker:
        with daemon.Daemon(world_, "--mode=audit", *LISTEN) as netpold:
            netpold.wait_in_force()
            before, _ = read(asker)
            world_["guest"].call("send_many", address=world_.address("web", "4"), port=SILENT_PORT,
                                count=5)
            after = wait(asker, lambda families: total(
                families, "netpold_policy_verdicts_total", **WEB, verdict="deny") >= 5)
            families, problems = read(asker)
            netpold.stop()
    tap_.section("in an audit")
    check_described(tap_, families, problems)
    series = {"mode": "audit", "direction": "ingress", "protocol": "udp", "verdict": "deny",
              "reason": "no-rule-matches"}
    tap_.equal("the first of what would be denied raises a count that was there", (0, 5), tuple(
        families["netpold_verdicts_total"].samples.get(
            ("netpold_verdicts_total", tuple(sorted(series.items())))) for families in
        (before, after)))
    tap_.equal("the policy is named, and nothing is told as enforced", (5, 0, 0), (
        total(after, "netpold_policy_verdicts_total", **WEB, mode="audit", verdict="deny"),
        total(after, "netpold_policy_verdicts_total", mode="enforce"),
        total(after, "netpold_verdicts_total", mode="enforce")))
    tap_.equal("there are no queues", [], [name for name in families if name.startswith(
        "netpold_queue_") and "overruns" not in name])
    tap_.section("")
    return {*families}


def ask_server(tap_):
    with fake_node.fed_node() as fed, web.Web(fed.world.node, health_test.PORT) as asker:
        fake_health_test.fill(fed)
        with fake_health_test.netpold(fed) as running:
            asker.wait("/readyz", lambda status, _: status == 200)
            # Until the status is written next, some half a second, nobody knows an age.
            asker.wait("/metrics", lambda _, text: "netpold_source_age_seconds{" in text)
            families, problems = read(asker)
            running.stop()
    tap_.section("from an API server")
    check_described(tap_, families, problems)
    tap_.section("")
    return {*families}


def test(tap_):
    told = ask_server(tap_)
    for world_ in world.variants(scenario.specs("web", "client", "guest"), world.CROSS[:1]):
        told |= ask_files(tap_, world_)
        told |= ask_audit(tap_, world_)
    tap_.equal("all that is described is told by one of them",
               sorted(metrics_catalogue.described()[0]), sorted(told))


if __name__ == "__main__":
    tap.main(test)
