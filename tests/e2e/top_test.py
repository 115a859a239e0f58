#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold top` shows what is judged just now, with the policies behind it (L34), what
would be denied by what is staged (L35), and costs nothing while nobody looks.

    client ── TCP 8080 ─► web     allowed
           ── TCP 8081 ─► web     denied
           ── TCP 8080 ─► db      allowed; a staged policy would deny it
    guest  ── UDP, all ─► web     denied: a flood

The topology is drawn in world.py.
"""

import json
import os
import pathlib
import sys
import time

import daemon
import manifests
import observer
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/daemon"))
import schema  # noqa: E402
from screen import Screen  # noqa: E402

SCHEMA = json.loads((ROOT / "include/netpold/schema/flows.schema.json").read_text())

DB = manifests.with_mode("audit", manifests.policy("db-closed", "shop", {"app": "db"},
                                                   ingress=[]))
OBJECTS = [scenario.allow_clients(manifests.port("http")), DB]
ROWS = [
    Probe("TCP that is allowed", "client", "web", "tcp", 8080, ALLOWED),
    Probe("TCP that is denied", "client", "web", "tcp", 8081, DENIED),
    Probe("TCP that would be denied", "client", "db", "tcp", 8080, ALLOWED),
]
WHY = {8080: "ingress: shop/web-from-clients rule 1",
       8081: "ingress: isolated by shop/web-from-clients, no rule matches"}
WOULD_WHY = "ingress: isolated by shop/db-closed, no rule matches"
MAX_ROWS, FORGET_S = 1024, 10
FLOOD_S, MANY, PORTS = 2.0, 2000, (20000, 60000)
KNOCKED, KNOCKS = 9, 40


def look(world_):
    return observer.get(world_, "flows")


def look_until(world_, enough):
    """Look again until enough(rows); returns all that was told then."""
    deadline = time.monotonic() + daemon.PATIENCE
    told = look(world_)
    while not enough(told["rows"]) and time.monotonic() < deadline:
        time.sleep(0.05)
        told = look(world_)
    return told


def begin(world_):
    """Until what is judged is seen: the logger has to wake, and the workers to hear of it."""
    deadline = time.monotonic() + daemon.PATIENCE
    while not look(world_)["seen"] and time.monotonic() < deadline:
        world_["client"].call("try_once", protocol="tcp", port=8080, timeout_ms=1000,
                              address=world_.address("web", "4"))


def find(rows, target, port, verdict):
    return [row for row in rows if row["to"]["name"] == f"shop/{target}" and
            row.get("port") == port and row["verdict"] == verdict]


def are_all_there(rows):
    return (find(rows, "web", 8080, "allow") and find(rows, "web", 8081, "deny") and
            find(rows, "db", 8080, "allow"))


def check_told(tap_, world_):
    """What is asked for over the socket."""
    probe.check_all(tap_, world_, ROWS)
    told = look(world_)
    tap_.equal("what was judged before somebody looks is not told", (0, []),
               (told["seen"], told["rows"]))
    begin(world_)
    probe.check_all(tap_, world_, ROWS)
    told = look_until(world_, are_all_there)
    tap_.equal("flows are as the schema says", [], list(schema.violations(told, SCHEMA)))
    rows = told["rows"]
    if not are_all_there(rows):
        tap_.true("all that is judged is told", False, "three flows", rows)
        return
    allowed, denied = find(rows, "web", 8080, "allow"), find(rows, "web", 8081, "deny")
    planned = find(rows, "db", 8080, "allow")[0]
    tap_.true("the rule that allows is told", WHY[8080] in allowed[0]["why"], WHY[8080],
              allowed[0]["why"])
    tap_.equal("the policy that denies is told", WHY[8081], denied[0]["why"])
    tap_.equal("both families are one row", (1, 1), (len(allowed), len(denied)))
    tap_.equal("what would be denied is told, and why", ("deny", WOULD_WHY),
               (planned.get("would"), planned.get("would_because")))
    tap_.equal("each packet that was seen is in a row", told["seen"],
               sum(row["count"] for row in rows))
    tap_.equal("none is lost", (0, 0), (told["lost"], told["unnamed"]))


def check_text(tap_, world_):
    done = world_.node.run(str(daemon.PROGRAM), "top", "--for", "1s", check=False)
    tap_.equal("netpold top: exit status 0, and no error", (0, ""), (done.returncode, done.stderr))
    tap_.true("it names the node", f" on {world_.node_name}: " in done.stdout, world_.node_name,
              done.stdout)
    tap_.true("it goes on with what somebody else looks at", "8081/TCP" in done.stdout,
              "8081/TCP", done.stdout)
    done = world_.node.run(str(daemon.PROGRAM), "top", "--for", "1s", "--view", "would-denials",
                           check=False)
    tap_.true("what would be denied has a view of its own",
              "shop/db" in done.stdout and WOULD_WHY in done.stdout and
              "8081/TCP" not in done.stdout, "shop/db alone", done.stdout)


def check_screen(tap_, world_):
    """In a terminal, as `kubectl exec -it` has one."""
    with Screen(*world_.node.enter(), daemon.PROGRAM, "top", "--view", "denials", columns=150,
                lines=30, NO_COLOR="1") as screen:
        screen.shows("[denials]")
        probe.check_all(tap_, world_, ROWS[1:2])
        tap_.true("a denial is seen while it happens", screen.shows("8081/TCP"), "8081/TCP",
                  screen.lines())
        tap_.true("with its reason", screen.shows(WHY[8081]), WHY[8081], screen.lines())
        screen.resize(60, 12)
        tap_.true("it follows a resize", screen.wait(
            lambda lines: len(lines) == 12 and max(map(len, lines)) <= 60), "12 lines of 60",
            screen.lines())
        screen.press("q")
        tap_.equal("q ends it", 0, screen.finish())


def check_flood(tap_, world_):
    """Who looks at a flood disturbs nobody, and is told how much he does not see."""
    look(world_)
    world_["guest"].call("flood", address=world_.address("web", "4"), ports=PORTS)
    deadline, failed, rows = time.monotonic() + FLOOD_S, 0, 0
    while time.monotonic() < deadline:
        result = world_["client"].call("try_once", protocol="tcp", port=8080, timeout_ms=5000,
                                       address=world_.address("web", "4"))
        failed += not result["ok"]
        rows = max(rows, len(look(world_)["rows"]))
    sent = world_["guest"].call("flooded")
    told = look(world_)
    tap_.true("a pod floods", sent > MANY, f"more than {MANY}", sent)
    tap_.equal("nobody else notices", 0, failed)
    tap_.true("there is a bound on what is kept", 0 < rows <= MAX_ROWS, f"at most {MAX_ROWS}", rows)
    hidden = told["unnamed"] + told["lost"] + told["rows_gone"]
    tap_.true("what is not shown is counted", hidden > 0, "more than 0",
              {key: told[key] for key in told if key != "rows"})


def check_forgotten(tap_, world_):
    """Nobody looks any more."""
    time.sleep(FORGET_S + 1)  # there is no event to wait for: that nothing happens is the point
    probe.check_all(tap_, world_, ROWS[:1])
    told = look(world_)
    tap_.equal("who comes later begins with nothing", (0, []), (told["seen"], told["rows"]))


def switches(task):
    return int(next(line for line in (task / "status").read_text().splitlines()
                    if line.startswith("voluntary_ctxt")).split()[1])


def check_quiet(tap_, netpold, *threads):
    """They sleep while nobody looks, and there is no log."""
    time.sleep(2)  # there is no event to wait for: that nothing happens is the point
    tasks = {(task / "comm").read_text().strip(): switches(task)
             for task in pathlib.Path(f"/proc/{netpold.process.pid}/task").iterdir()}
    for thread in threads:
        tap_.true(f"where nobody looks, {thread} does not wake", tasks.get(thread, 99) < 10,
                  "less than 10 times", tasks)


def judged(world_):
    """Packets, by workers."""
    packets = next(metric for metric in observer.get(world_, "metrics")
                   if metric["name"] == "netpold_packets_total")
    return sum(value["value"] for value in packets["values"])


def check_kernel(tap_, world_):
    """What the kernel answers by itself is a part of the row of what was judged: a flood that is
    denied is mostly that."""
    with daemon.Daemon(world_, daemon.REMEMBER) as netpold:
        netpold.wait_in_force()
        check_quiet(tap_, netpold, "flow-log", "flow-hits")
        begin(world_)
        deadline, count = time.monotonic() + daemon.PATIENCE, 0
        while count < KNOCKS and time.monotonic() < deadline:
            world_["client"].call("try_once", protocol="udp", port=KNOCKED, timeout_ms=1,
                                  address=world_.address("web", "4"))
            rows = find(look(world_)["rows"], "web", KNOCKED, "deny")
            count = sum(row["count"] for row in rows)
        tap_.true("what the kernel denies is counted", count >= KNOCKS, f"at least {KNOCKS}", count)
        tap_.equal("in the row of what was judged", [WHY[8081]], [row["why"] for row in rows])
        by_workers = judged(world_)
        tap_.true("though hardly any was judged", by_workers < KNOCKS, f"less than {KNOCKS}",
                  by_workers)
        tap_.equal("it ends in order", 0, netpold.stop())


def check_with_log(tap_, world_):
    """Who looks takes nothing away from the log."""
    path = pathlib.Path(f"/tmp/netpold-top-{os.getpid()}")
    try:
        with daemon.Daemon(world_, daemon.ASK_ALWAYS, "--flow-log", f"file:{path}",
                           "--flow-log-fold", "0") as netpold:
            netpold.wait_in_force()
            look(world_)
            probe.check_all(tap_, world_, ROWS)
            told = look_until(world_, are_all_there)
            tap_.equal("with a log, it ends in order", 0, netpold.stop())
        records = [json.loads(line) for line in path.read_text().splitlines()]
        tap_.true("what is seen is in the log, too", told["seen"] <= len(records),
                  f"at least {told['seen']}", len(records))
        tap_.equal("and none is lost", (0, 0), (told["lost"], told["unnamed"]))
    finally:
        path.unlink(missing_ok=True)


def check_world(tap_, world_):
    tap_.section(world_.name)
    world_.folder.put("policies", *OBJECTS)
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        check_quiet(tap_, netpold, "flow-log")
        for check in (check_told, check_text, check_screen, check_flood, check_forgotten):
            check(tap_, world_)
        tap_.equal("it ends in order", 0, netpold.stop())
    check_kernel(tap_, world_)
    check_with_log(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "db", "client", "guest"), world.CROSS):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
