#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold diff --records`: which connections that were seen open and close, and
that `netpold explain` says so of each record, before and after.

Prints TAP. NETPOLD names the program (default: build/netpold). Expected texts
are in tests/daemon/diff/; `--update` writes what is seen as what is expected,
for a person to read before it is committed.
"""

import collections
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "daemon" / "diff"
CASES = ROOT / "tests" / "cases"
SCHEMAS = {name: json.loads((ROOT / f"include/netpold/schema/{name}.schema.json").read_text())
           for name in ("diff", "decision")}
NETPOLD = os.path.abspath(os.environ.get("NETPOLD", ROOT / "build" / "netpold"))
SEED = int(os.environ.get("NETPOLD_SEED", time.time_ns() % 10**9))

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
import clusters  # noqa: E402
import diff_test  # noqa: E402
import manifests  # noqa: E402
import schema  # noqa: E402
import tap  # noqa: E402

netpold, write, edited = diff_test.netpold, diff_test.write, diff_test.edited


# ---- records -----------------------------------------------------------------------


def pods_of(objects):
    return {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item
            for item in objects if item["kind"] == "Pod"}


def end_of(pods, who):
    """A pod by the beginning of its name, or an address."""
    name = next((name for name in sorted(pods) if name.startswith(who)), None)
    if not name:
        return {"ip": who}
    owner = pods[name]["metadata"].get("ownerReferences", [None])[0]
    end = {"ip": pods[name]["status"]["podIP"], "namespace": name.split("/")[0],
           "pod": name.split("/")[1]}
    if owner:
        end["owner"] = {"kind": owner["kind"], "name": owner["name"]}
    return end


def record(pods, source, destination, port=None, verdict="allow", **more):
    side = {"verdict": verdict, "reason": "not-isolated"}
    made = {"from": end_of(pods, source), "to": end_of(pods, destination),
            "protocol": "TCP" if port else "ICMP", "verdict": verdict, "egress": side,
            "ingress": side, **more}
    if port:
        made["to"]["port"] = port
    return made


def at(minute):
    return f"2026-03-14T03:{minute:02}:00.123456789Z"


def log_of(records):
    return "".join(json.dumps(item) + "\n" for item in records)


def diff(old, new, records, *arguments, **files):
    """@records: a log's text, or a list; @files: other logs, by their names."""
    logs = {"flows": records, **files}
    with tempfile.TemporaryDirectory() as folder:
        write(folder, old=old, new=new)
        for name, text in logs.items():
            (pathlib.Path(folder) / f"{name}.log").write_text(
                text if isinstance(text, str) else log_of(text))
        options = [word for name in logs for word in ("--records", f"{name}.log")]
        return netpold("diff", *options, *arguments, "old.json", "new.json", cwd=folder)


def diff_json(*arguments, **files):
    return json.loads(diff(*arguments, "--output", "json", **files).stdout)


# ---- texts -----------------------------------------------------------------------------


def a_week(pods):
    """What was seen of the shop, of which some closes and some opens with mixed()."""
    scrape = {"first": at(1), "last": at(59)}
    return [
        record(pods, "shop/web", "shop/api", 8080, count=100, **scrape),
        record(pods, "monitoring/prometheus-0", "shop/api", 9102, count=60, **scrape),
        record(pods, "monitoring/prometheus-1", "shop/api", 9102, count=61, first=at(0), last=at(30)),
        record(pods, "monitoring/prometheus-0", "shop/web", 9102, count=60, **scrape),
        record(pods, "monitoring/prometheus-0", "shop/db-0", 5432, "deny", count=3, **scrape),
        record(pods, "dev/cache-0", "203.0.113.7", 443, time=at(5)),
        record(pods, "dev/cache-0", "203.0.113.8", 443),
        record(pods, "shop/web", "dev/sandbox"),
        record(pods, "shop/web", "203.0.113.8", 443),
        {**record(pods, "203.0.113.9", "shop/web", 8080), "from": {
            "ip": "10.99.0.1", "namespace": "shop", "pod": "other-0",
            "owner": {"kind": "StatefulSet", "name": "other"}}},
        {**record(pods, "fe80::1", "ff02::1"), "protocol": "ICMPv6", "note": "discovery"},
    ]


# Expected text; arguments.
TEXTS = [
    ("seen.txt", []),
    ("seen.md", ["--output", "markdown"]),
    ("seen-by-namespace.txt", ["--by", "namespace"]),
    ("seen-by-pod.txt", ["--by", "pod"]),
]


def check_texts(tap_, update):
    old, new = edited(diff_test.mixed)
    for name, arguments in TEXTS:
        done = diff(old, new, a_week(pods_of(old)), *arguments)
        path = FOLDER / name
        if update:
            path.write_text(done.stdout)
        tap_.equal(f"{name} is as it was read and found good",
                   (path.read_text() if path.exists() else "(missing)", "", 1),
                   (done.stdout, done.stderr, done.returncode))


def check_json(tap_):
    old, new = edited(diff_test.mixed)
    document = diff_json(old, new, a_week(pods_of(old)))
    wrong = list(schema.violations(document, SCHEMAS["diff"]))
    wrong += [text for item in document["seen_changes"] for told in item["example"].values()
              for text in schema.violations(told, SCHEMAS["decision"])]
    tap_.equal("JSON keeps to its schema", [], wrong[:5])
    counts = document["seen"]["counts"]
    tap_.equal("what cannot be judged is counted, and named", (9, 1, 1, ["shop/other"]),
               (counts["judged"], counts["not_judged"], counts["without_pod"],
                document["seen"]["without_pod"]))
    first = next(item for item in document["seen_changes"] if item["to"].get("name") == "api")
    tap_.equal("what is seen of a workload is added up, with the first time and the last",
               ("closes", "prometheus", "StatefulSet", "Deployment", 9102, 121, 0,
                "2026-03-14T03:00:00.123Z", "2026-03-14T03:59:00.123Z"),
               (first["change"], first["from"]["name"], first["from"]["kind"], first["to"]["kind"],
                first["port"], first["times"], first["denied"], first["first"], first["last"]))
    opened = [(item["to"]["name"], item["times"], item["denied"])
              for item in document["seen_changes"] if item["change"] == "opens"]
    tap_.equal("what was denied when it was seen is counted", [("db", 3, 3)], opened)
    outside = next(item["to"] for item in document["seen_changes"] if "addresses" in item["to"])
    tap_.equal("addresses outside are listed",
               {"addresses": ["203.0.113.7", "203.0.113.8"], "more": False}, outside)
    many = [record(pods_of(old), "dev/cache-0", f"203.0.113.{i}", 443) for i in range(20)]
    outside = diff_json(old, new, many)["seen_changes"][0]["to"]
    tap_.equal("the first of them", (8, True), (len(outside["addresses"]), outside["more"]))


# ---- explain says so ---------------------------------------------------------------------


def workload_of(end):
    owner = end.get("owner")
    if not owner:
        return end.get("pod", "outside")
    cut = owner["kind"] == "ReplicaSet"
    return f"{end['namespace']}/{owner['name'].rpartition('-')[0] if cut else owner['name']}"


def verdicts(folder, name, records):
    questions = [{"from_ip": item["from"]["ip"], "to_ip": item["to"]["ip"],
                  "protocol": item["protocol"],
                  **({"port": item["to"]["port"]} if "port" in item["to"] else {})}
                 for item in records]
    done = netpold("explain", "--manifests", f"{name}.json", "--flows", "-", cwd=folder,
                   stdin=log_of(questions))
    return [json.loads(line)["verdict"] for line in done.stdout.splitlines()]


def check_explained(tap_):
    """All that is seen is judged as explain judges it: no more, and no less."""
    chance = random.Random(SEED)
    tap_.comment(f"NETPOLD_SEED={SEED}")
    for change in (diff_test.mixed, diff_test.new_labels, diff_test.gone):
        old, new = edited(change)
        pods = pods_of(old)
        ends = [*pods, "203.0.113.1", "10.255.0.1"]
        records = []
        for _ in range(3000):
            source, destination = chance.sample(ends, 2)
            records.append(record(pods, source, destination, chance.choice(
                [None, 53, 80, 5432, 8080, 9102, 9103]), count=chance.randint(1, 9)))
        with tempfile.TemporaryDirectory() as folder:
            write(folder, old=old, new=new)
            before, now = (verdicts(folder, name, records) for name in ("old", "new"))
        expected = collections.Counter()
        for item, was, becomes in zip(records, before, now):
            if was != becomes:
                expected["opens" if becomes == "allow" else "closes", workload_of(item["from"]),
                         workload_of(item["to"]), item["to"].get("port")] += item["count"]
        got = collections.Counter()
        for item in diff_json(old, new, records)["seen_changes"]:
            names = (f"{item[end]['namespace']}/{item[end]['name']}" if "name" in item[end]
                     else "outside" for end in ("from", "to"))
            got[item["change"], *names, item.get("port")] += item["times"]
        tap_.true(f"{change.__name__}: what changes is what explain answers otherwise",
                  expected == got and expected, len(expected), dict(expected - got + (got - expected)))


# ---- whom a record means -------------------------------------------------------------------


def check_names(tap_):
    old, new = edited(diff_test.rollout)
    pods = pods_of(old)
    closed = copy.deepcopy(new)
    closed.append(manifests.policy("close", "dev", {}, ingress=[], egress=[]))
    seen = [record(pods, "shop/web", "dev/sandbox", 80), record(pods, "dev/cache-0", "shop/web", 80)]
    document = diff_json(new, closed, seen)
    told = [(item["from"].get("name"), item["to"].get("name")) for item in document["seen_changes"]]
    tap_.equal("pods that are new ones since are found by their owners", [("web", "sandbox")], told)
    tap_.equal("and those that are gone are named", ["dev/cache"], document["seen"]["without_pod"])

    moved = copy.deepcopy(old)
    names = sorted(pods_of(old))
    swapped = {names[0]: names[1], names[1]: names[0]}
    for name, other in swapped.items():
        address = pods[other]["status"]["podIP"]
        pods_of(moved)[name]["status"].update(podIP=address, podIPs=[{"ip": address}])
    document = diff_json(moved, moved + [manifests.policy(
        "close", "dev", {}, ingress=[], egress=[])], [record(pods, "dev/builder", "203.0.113.1", 80)])
    tap_.equal("a pod whose address another has now is still who was seen", ["builder"],
               [item["from"].get("name") for item in document["seen_changes"]])


def on_nodes(*policies):
    return [manifests.namespace("a"),
            manifests.pod("p", "a", "n1", ["10.0.0.1"]), manifests.pod("q", "a", "n1", ["10.0.0.2"]),
            *policies]


def check_ends(tap_):
    closed = manifests.policy("x", "a", {}, ingress=[])
    pods = pods_of(on_nodes())
    own = {"verdict": "allow", "reason": "own-node"}
    rows = [
        ("what came from a pod's own node does not close", [
            {**record(pods, "192.168.0.1", "a/p", 80), "ingress": own}], 0),
        ("what came from another address does", [record(pods, "192.168.0.1", "a/p", 80)], 1),
        ("a pod that reached itself still does", [record(pods, "a/p", "a/p", 80)], 0),
        ("a record that names nobody is judged by its addresses",
         [{"from": {"ip": "10.0.0.1"}, "to": {"ip": "10.0.0.2"}, "protocol": "47",
           "verdict": "allow"}], 1),
    ]
    for sentence, records, status in rows:
        done = diff(on_nodes(), on_nodes(closed), records)
        tap_.equal(f"{sentence}: exit status {status}", (status, ""), (done.returncode, done.stderr))
    staged = manifests.with_mode("audit", closed)
    seen = [record(pods, "a/p", "a/q", 80)]
    tap_.equal("a staged policy closes nothing, and with --staged it does", (0, 1),
               (diff(on_nodes(), on_nodes(staged), seen).returncode,
                diff(on_nodes(), on_nodes(staged), seen, "--staged").returncode))
    tap_.equal("who changes what nobody used is told so: exit status 0",
               (0, "No connection that was seen opens or closes (judged: 1 record)\n"),
               (lambda done: (done.returncode, done.stdout))(
                   diff(on_nodes(), on_nodes(manifests.policy("x", "a", {}, ingress=[
                       manifests.rule([manifests.pods()])])), seen)))


def check_counts(tap_):
    pods = pods_of(on_nodes())
    closed = manifests.policy("x", "a", {}, ingress=[])

    def times(*logs):
        files = {f"log{i}": text for i, text in enumerate(logs[1:])}
        return [item["times"] for item in
                diff_json(on_nodes(), on_nodes(closed), logs[0], **files)["seen_changes"]]

    def seen(count, *directions):
        return [record(pods, "a/p", "a/q", 80, count=count, directions=directions)]

    tap_.equal("what two nodes have seen is counted once", [7], times(seen(7, "egress"), seen(7, "ingress")))
    tap_.equal("what one node has judged for both ends, too", [7], times(seen(7, "egress", "ingress")))
    tap_.equal("what a node has missed is known by the other", [7], times(seen(7, "egress"), seen(2, "ingress")))
    tap_.equal("what was seen twice is counted twice", [9], times(seen(7, "egress") + seen(2, "egress")))
    from_memory = [record(pods, "a/p", "a/q", 80, "deny", count=5000, by_kernel=5000,
                          directions=["egress"], note="remembered")]
    tap_.equal("what the kernel has denied from memory is judged as its like",
               [(5007, 5000)], [(item["times"], item["denied"]) for item in diff_json(
                   on_nodes(), on_nodes(closed), seen(7, "egress") + from_memory)["seen_changes"]])
    end = {"packets": {"there": 9, "back": 7}, "bytes": {"there": 900, "back": 70},
           "duration_ms": 1840}
    over = [{**record(pods, "a/p", "a/q", 80, directions=["egress"], time=at(9)), "end": end}]
    tap_.equal("the end of a flow is no flow of its own", [7], times(seen(7, "egress") + over * 3))
    done = diff(on_nodes(), on_nodes(closed), seen(1, "egress") + over * 3)
    tap_.true("ends are counted, and said to be passed over",
              "\n3 records passed over, of flows that have ended" in done.stdout,
              "3 records passed over", done.stdout)
    tap_.equal("in JSON, too", (1, 3), (lambda counts: (counts["judged"], counts["ends"]))(
        diff_json(on_nodes(), on_nodes(closed), seen(1, "egress") + over * 3)["seen"]["counts"]))
    handed_on = [{**record(pods, "a/p", "a/q", 80, directions=["egress"]), "pods_changed": True}]
    handed_on[0]["from"] = {"ip": handed_on[0]["from"]["ip"], "port": 40000}
    done = diff(on_nodes(), on_nodes(closed), handed_on)
    tap_.true("whose address has changed hands is not who has it now", done.returncode == 0
              and "1 record left out, of pods that OLD or NEW does not have: "
              f"{handed_on[0]['from']['ip']}\n" in done.stdout, "1 record left out",
              done.stdout)
    most = 2**63 - 1
    tap_.equal("a sum that is too large stays as large as it can be", [2**64 - 1],
               times(seen(most, "egress") * 3))


# ---- from traffic to an answer ---------------------------------------------------------------


def check_replayed(tap_):
    """Every capture of tests/cases, by way of replay, and a policy that closes all."""
    for case in sorted(path for path in CASES.iterdir() if (path / "traffic.pcap").exists()):
        replayed = netpold("replay", "--manifests", case / "cluster.yaml", "--output", "json",
                           case / "traffic.pcap").stdout
        same = netpold("diff", "--records", "-", case / "cluster.yaml", case / "cluster.yaml",
                       stdin=replayed)
        tap_.equal(f"{case.name}: nothing changes where nothing has", (0, "", True),
                   (same.returncode, same.stderr,
                    same.stdout.startswith("No connection that was seen opens or closes (judged: "
                                           f"{len(replayed.splitlines())} record")))


# ---- what is no record -----------------------------------------------------------------------


def check_hostile(tap_):
    pods = pods_of(on_nodes())
    good = log_of([record(pods, "a/p", "a/q", 80)])
    closed = manifests.policy("x", "a", {}, ingress=[])
    done = diff(on_nodes(), on_nodes(closed), good + "nonsense\n" + good + '{"from":')
    tap_.equal("a line that is no record is told with its number, and the others count", (1, True, True),
               (done.returncode, "flows.log:2: not JSON" in done.stderr,
                "2 lines left out: no decision records\n" in done.stdout))
    done = diff(on_nodes(), on_nodes(closed), good + "x\n" * 1000)
    tap_.equal("a thousand of them are not a thousand complaints", (8, True),
               (done.stderr.count("\n"), "1000 lines left out" in done.stdout))
    done = diff(on_nodes(), on_nodes(closed), "x\n")
    tap_.equal("a file that holds no record at all is trouble", (2, True),
               (done.returncode, "'flows.log' holds no decision record" in done.stderr))
    done = diff(on_nodes(), on_nodes(closed), "")
    tap_.equal("a log of nothing is no trouble", (0, ""), (done.returncode, done.stderr))
    evil = [{**record(pods, "a/p", "a/q", 80), "from": {
        "ip": "10.9.9.9", "namespace": "a", "pod": text, "owner": {"kind": "Odd", "name": text}}}
            for text in diff_test.EVIL]
    shown = diff(on_nodes(), on_nodes(closed), evil).stdout
    tap_.equal("no byte of a name reaches a terminal that obeys it", [], re.findall(r"[^\n -~]", shown))
    text = diff(on_nodes(), on_nodes(closed), evil, "--output", "markdown").stdout
    tap_.equal("no name is markup in a comment", [], re.findall(r"[`@<]|\[|\]|^## ", text, re.M))


def check_command_line(tap_):
    rows = [
        ("standard input comes once", ["--records", "-", "-", "x"], "can be read only once"),
        ("also as two logs", ["--records", "-", "--records", "-", "x", "y"], "can be read only once"),
        ("an option without its value", ["a", "b", "--records"], "--records"),
    ]
    for sentence, arguments, told in rows:
        done = netpold("diff", *arguments)
        tap_.equal(f"{sentence}: exit status 2, and it says why", (2, True),
                   (done.returncode, told in done.stderr))
    with tempfile.TemporaryDirectory() as folder:
        write(folder, old=on_nodes())
        done = netpold("diff", "--records", "/nowhere", "old.json", "old.json", cwd=folder)
        tap_.equal("a log that is not there is trouble", (2, True),
                   (done.returncode, "cannot read '/nowhere'" in done.stderr))
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([NETPOLD, "diff", "--records", "/dev/null", "old.json", "old.json"],
                                  stdout=full, text=True, stderr=subprocess.PIPE, check=False, cwd=folder)
        tap_.equal("a full disk is trouble", (2, True),
                   (done.returncode, "cannot write to standard output" in done.stderr))


# ---- many ------------------------------------------------------------------------------------


def check_large(tap_):
    old, new = edited(diff_test.mixed)
    pods = pods_of(old)
    line = log_of([record(pods, "monitoring/prometheus-0", "shop/api", 9102, count=2)])
    before = os.times()
    done = diff(old, new, line * 100000, "--output", "json")
    took = os.times().children_user - before.children_user
    document = json.loads(done.stdout)
    tap_.equal("a hundred thousand records are judged", [200000],
               [item["times"] for item in document["seen_changes"]])
    tap_.true("in less than ten seconds of CPU", took < 10, "10 s", round(took, 1))
    tap_.comment(f"100,000 records: {took:.2f} s of CPU")
    ports = [record(pods, "dev/cache-0", "shop/web", port) for port in range(1, 65536)]
    ports += [record(pods, "dev/builder", "shop/web", port) for port in range(1, 100)]
    opened = [item for item in old if item["kind"] != "NetworkPolicy"]
    closed = opened + [manifests.policy("close", "dev", {}, egress=[])]
    text = diff(opened, closed, ports, "--output", "markdown").stdout
    tap_.true("changes have a bound, beyond which they are counted",
              "that close: 65536 (" in text and "98 records of more changes than are told" in text,
              "65536 and 98", text[:500])
    tap_.true("a comment stays of a size that a code host takes", len(text) < 65536,
              "65536 characters", len(text))


def test(tap_):
    check_texts(tap_, "--update" in sys.argv)
    check_json(tap_)
    check_explained(tap_)
    check_names(tap_)
    check_ends(tap_)
    check_counts(tap_)
    check_replayed(tap_)
    check_hostile(tap_)
    check_command_line(tap_)
    check_large(tap_)


if __name__ == "__main__":
    tap.main(test)
