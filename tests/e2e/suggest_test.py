#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A day of a real application, the policies that `netpold suggest` makes of it, and
the next day with these policies enforced (L37). The application is drawn in
shop_app.py.

    first day    deny-all in every namespace, staged: netpold drops nothing, and writes
                 a flow log; beside it the node's wires are captured
    suggest      from the log, and from the capture: the same policies
    by the book  replay of the capture has no denial with them, one other packet is
                 denied, diff --records has nothing that closes, and the report says
                 which is safe
    next day     the same policies, enforced: everybody is served as before, and who
                 knocks elsewhere is not
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

import daemon
import flow_log_test
import recorder
import shop_app
import tap
import world

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "cases")]
import make_pcaps as pcaps  # noqa: E402

WORKLOADS = [("kube-system", "coredns"), ("monitoring", "prometheus"), ("shop", "api"),
             ("shop", "backup"), ("shop", "cache"), ("shop", "db"), ("shop", "front")]
KNOCKS = [  # who, whom, port, whether it is open
    ("outside", "front-1", 8080, True),
    ("front-1", "api-2", 8080, True),
    ("front-1", "db", 8000, False),
    ("front-2", "cache", 6379, False),
    ("outside", "api-1", 8080, False),
    ("scraper", "api-1", 8080, False),
    ("scraper", "db", 8000, False),
    ("api-1", "front-1", 8080, False),
    ("db", "outside", 8443, False),
    ("cache", "api-1", 8080, False),
]


def netpold(*arguments):
    return subprocess.run([daemon.PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)


def items(path, *objects):
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


def policies_of(done):
    """Without the numbers behind names, by namespace and name."""
    made = map(json.loads, done.stdout.splitlines())
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item["spec"] for item in made}


def check_served(tap_, day, served):
    tap_.equal(f"{day}: everybody is served", [], [who for who, ok in served.items() if not ok])


# ---- the first day ---------------------------------------------------------------------


def first_day(tap_, world_, app, folder):
    """Returns the log and the capture of it."""
    log, capture = folder / "flows.log", folder / "day.pcap"
    world_.folder.put("cluster", *shop_app.cluster(world_, "audit"), *shop_app.deny_all())
    with daemon.Daemon(world_, "--flow-log", f"file:{log}") as netpold_:
        netpold_.wait_in_force()
        with recorder.Recorder(world_.node) as wires:
            check_served(tap_, "first day", app.day())
        tap_.equal("first day: netpold ends in order", 0, netpold_.stop())
    wires.write(capture)
    records = flow_log_test.Lines(log).records()
    tap_.equal("first day: nothing is denied, and all would be", ({"allow"}, {"deny"}),
               ({record["verdict"] for record in records},
                {record.get("would") for record in records}))
    return log, capture


# ---- by the book -----------------------------------------------------------------------


def suggested(tap_, folder, cluster, log, capture):
    """Returns the files of the policies, and of what is to decide."""
    rest = folder / "rest.yaml"
    done = netpold("suggest", "--manifests", cluster, "--to-decide", rest, log)
    policies = folder / "suggested.yaml"
    policies.write_text(done.stdout)
    tap_.true("suggest: ten pods, seven workloads that were seen, seven policies",
              "policies: 7, to decide: 2, workloads not seen: 1\n" in done.stderr,
              "policies: 7, to decide: 2", done.stderr)
    tap_.equal("suggest: check finds no error", 0,
               netpold("check", cluster, policies, rest).returncode)
    by_log, by_capture = (policies_of(netpold(
        "suggest", "--manifests", cluster, "--output", "json", "--min-count", 1, source))
        for source in (log, capture))
    tap_.equal("suggest: one policy for each workload", WORKLOADS, sorted(by_log))
    tap_.equal("suggest: the capture says what the log says", by_log, by_capture)
    api = by_log["shop", "api"]
    tap_.equal("suggest: ports have names", [["http"], ["metrics"]], sorted(
        [port["port"] for port in rule["ports"]] for rule in api["ingress"]))
    tap_.true("suggest: the backup of last night is for a person to decide",
              "shop/backup: 1 time" in rest.read_text(), "shop/backup: 1 time", rest.read_text())
    return policies, rest


def replayed(capture, *files):
    arguments = [word for file in files for word in ("--manifests", file)]
    done = netpold("replay", *arguments, "--output", "json", capture)
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_replayed(tap_, world_, folder, cluster, capture, files):
    records = replayed(capture, cluster, *files)
    tap_.equal("replay: what was captured is allowed", [], [
        (r["from"].get("pod", r["from"]["ip"]), r["to"].get("pod", r["to"]["ip"]), r["to"].get("port"))
        for r in records if r["verdict"] == "deny"])
    tap_.true("replay: and that is a day", len(records) > 50, "more than 50 flows", len(records))
    other = folder / "other.pcap"
    for source, target, port, is_open in KNOCKS:
        packet = pcaps.attempt(world_.address(source, "4"), 55555, world_.address(target, "4"), port)
        other.write_bytes(pcaps.traffic(packet[:1]))
        tap_.equal(f"replay: one packet from {source} to {target}",
                   ["allow" if is_open else "deny"],
                   [r["verdict"] for r in replayed(other, cluster, *files)])


def check_diff(tap_, folder, cluster, log, files):
    """What was seen, by the policies before and after."""
    old = items(folder / "old.json")
    new = folder / "new"
    new.mkdir()
    for file in files:
        (new / file.name).write_text(file.read_text())
    arguments = ["diff", "--manifests", cluster, "--records", log]
    done = netpold(*arguments, old, new)
    tap_.true("diff --records: nothing that was seen closes", done.returncode == 0
              and done.stdout.startswith("No connection that was seen opens or closes"),
              "none", (done.stdout, done.stderr))
    (new / files[0].name).write_text("\n---".join(
        text for text in files[0].read_text().split("\n---") if "\n  name: cache\n" not in text))
    (new / "cache.json").write_text(json.dumps(
        shop_app.manifests.policy("cache", "shop", {"app": "cache"}, ingress=[])))
    done = netpold(*arguments, old, new)
    tap_.true("diff --records: who closes the cache is told whom that cuts off",
              done.returncode == 1 and "    from     shop/api\n    to       shop/cache\n"
              "    port     6379/TCP\n" in done.stdout and "that close: 1" in done.stdout,
              "shop/api to shop/cache", (done.stdout, done.stderr))


def check_report(tap_, folder, world_, log, files):
    staged = items(folder / "staged.json", *shop_app.cluster(world_, "audit"))
    closed = items(folder / "closed.json", *shop_app.deny_all())
    done = netpold("suggest", "--report", "--manifests", staged, "--manifests", closed, log)
    tap_.true("report: what is staged is not safe to enforce, and why", done.returncode == 1
              and "shop/deny-all  NOT safe to enforce\n" in done.stdout
              and "would have denied, egress: shop/api -> shop/db 8000/TCP, " in done.stdout
              and "not observed: shop/idle (1 pod)\n" in done.stdout, "shop/api -> shop/db",
              done.stdout)
    arguments = [word for file in files for word in ("--manifests", file)]
    done = netpold("suggest", "--report", "--manifests", staged, *arguments, log)
    tap_.true("report: what was suggested is, once all is decided",
              done.returncode == 0 and "NOT" not in done.stdout, "all is safe", done.stdout)


# ---- the next day ----------------------------------------------------------------------


def knock(world_, app, source, target, port):
    return app.use(source, "knock", world_.address(target, "4"), port).stdout.strip()


def next_day(tap_, world_, app, folder, files):
    log = folder / "next.log"
    world_.folder.put("cluster", *shop_app.cluster(world_), *shop_app.deny_all())
    for file in files:
        world_.folder.put_text(file.name, file.read_text())
    with daemon.Daemon(world_, "--flow-log", f"file:{log}") as netpold_:
        netpold_.wait_in_force()
        check_served(tap_, "next day", app.day())
        denied = [r for r in flow_log_test.Lines(log).records() if r["verdict"] == "deny"]
        tap_.equal("next day: nothing was denied", [], denied)
        for source, target, port, is_open in KNOCKS:
            tap_.equal(f"next day: {source} knocks at {target}, port {port}",
                       "open" if is_open else "silence", knock(world_, app, source, target, port))
        expected = {(source, target, port) for source, target, port, is_open in KNOCKS if not is_open}
        records = flow_log_test.Lines(log).wait(lambda told: expected <= denials(told))
        tap_.equal("next day: the log has those, and no others", expected, denials(records))
        tap_.equal("next day: netpold ends in order", 0, netpold_.stop())


def denials(records):
    return {(r["from"].get("pod", "outside"), r["to"].get("pod", "outside"), r["to"]["port"])
            for r in records if r["verdict"] == "deny"}


def check_world(tap_, world_):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app = stack.enter_context(shop_app.Application(world_, place))
        log, capture = first_day(tap_, world_, app, folder)
        cluster = items(folder / "cluster.json", *shop_app.cluster(world_))
        files = suggested(tap_, folder, cluster, log, capture)
        check_replayed(tap_, world_, folder, cluster, capture, files)
        check_diff(tap_, folder, cluster, log, files)
        check_report(tap_, folder, world_, log, files)
        next_day(tap_, world_, app, folder, files)


def test(tap_):
    daemon.must_exist()
    for world_ in world.variants(shop_app.specs(), world.CROSS):
        tap_.comment(world_.name)
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
