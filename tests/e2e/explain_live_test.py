#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold explain --live` says what is in force on this node, and why.

Between pods of this node it says what `netpold explain` says of the same manifests,
word by word, and what a packet meets (L28). far runs on another node:

    web, db, sender, vault, loner, client, guest   on node-a, with the shop's policies
    far                                            on node-z, with one of its own

The pods are those of scenario.py; the topology is drawn in world.py.
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import daemon
import manifests
import probe
import scenario
import tap
import world
from probe import ALLOWED, DENIED, Probe

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))
import schema  # noqa: E402

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] /
                     "include/netpold/schema/decision.schema.json").read_text())
PODS = ("web", "db", "sender", "vault", "loner", "client", "guest")
PORTS = ("8080/TCP", "9000/UDP", "http")
FAR = ("10.9.9.9", "fd09::9")
PROBED = [("client", "web", "tcp", 8080), ("client", "web", "tcp", 8081),
          ("guest", "web", "tcp", 8080), ("guest", "vault", "tcp", 8080),
          ("client", "vault", "tcp", 8080), ("sender", "web", "tcp", 8080),
          ("sender", "vault", "tcp", 8080), ("loner", "web", "tcp", 8080),
          ("client", "loner", "udp", 9000), ("client", "db", "udp", 9000)]
BROKEN = '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}'
N_ASKING = 12


def put_cluster(world_, generation=1):
    policies = scenario.policies()
    for policy in policies:
        policy["metadata"]["generation"] = generation
    far = manifests.pod("far", "shop", "node-z", FAR, {"name": "far", "app": "far"},
                        scenario.HTTP)
    world_.folder.put("policies", *policies, manifests.policy("far-alone", "shop", {"app": "far"},
                                                              ingress=[], egress=[]))
    world_.folder.put("cluster", *world_.cluster(), far)


def name(pod):
    return f"{'guests' if pod == 'guest' else 'shop'}/{pod}"


def flow(source, target, port):
    return ["--from", source, "--to", target, "--port", port]


def live(world_, *arguments):
    return world_.node.run(str(daemon.PROGRAM), "explain", "--live", *arguments, check=False)


def live_json(world_, *arguments):
    """The record, and apart from that what is said of this netpold alone."""
    done = live(world_, *arguments, "--output=json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    return record, record.pop("live")


def offline(world_, *arguments):
    return subprocess.run([str(daemon.PROGRAM), "explain", "--manifests", str(world_.folder.real),
                           *arguments], capture_output=True, text=True, check=False)


# ---- what offline says ----------------------------------------------------------


def check_pair(world_, arguments):
    """In what the two differ, in words."""
    there, here = offline(world_, *arguments), live(world_, *arguments)
    if there.returncode == 2:  # a name of a port that the receiver does not have
        said = here.stderr.partition(" says: ")[2]
        return [] if said and there.stderr.endswith(said) else [(arguments, here.stderr)]
    text, _, rest = here.stdout.partition("\nin force on node-a since ")
    if text != there.stdout or not rest:
        return [(arguments, there.stdout, here.stdout)]
    record, _ = live_json(world_, *arguments)
    told = json.loads(offline(world_, *arguments, "--output=json").stdout)
    return [] if record == told else [(arguments, told, record)]


def check_offline(tap_, world_):
    flows = [flow(name(source), name(target), port)
             for source in PODS for target in PODS for port in PORTS]
    flows += [flow("192.0.2.7", name("db"), "80"), flow(name("client"), "192.0.2.7", "ICMP"),
              [*flow(name("client"), name("web"), "8080"), "--family=6"],
              [*flow(name("guest"), name("vault"), "8080"), "--all"]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        differences = sum(pool.map(lambda one: check_pair(world_, one), flows), [])
    tap_.equal(f"of {len(flows)} flows between ends of this node it says what offline says", [],
               differences)
    for arguments in (flow("shop/none", name("web"), "80"), flow(name("web"), "x", "80"),
                      flow("shop/we", name("web"), "80")):
        there, here = offline(world_, *arguments).stderr, live(world_, *arguments)
        tap_.true(f"{' '.join(arguments)}: it refuses as offline does", here.returncode == 2 and
                  here.stderr.partition(" says: ")[2].replace("among what netpold has read",
                                                             "in the manifests")
                  == there.partition("netpold: error: ")[2], there, here.stderr)


def check_packets(tap_, world_):
    rows, denied = [], 0
    for source, target, protocol, port in PROBED:
        record, _ = live_json(world_, *flow(name(source), name(target), f"{port}/{protocol}"))
        allowed = record["verdict"] == "allow"
        denied += not allowed
        rows.append(Probe(f"{source} to {target}, {protocol} {port}: as it was said", source,
                          target, protocol, port, ALLOWED if allowed else DENIED))
    probe.check_all(tap_, world_, rows)
    tap_.true("some were denied, and some were not", 0 < denied < len(PROBED), "some", denied)


def check_far(tap_, world_):
    """Of a flow between two nodes each judges its own end."""
    for arguments, side in ((flow(name("client"), "shop/far", "80"), "ingress"),
                            (flow("shop/far", name("web"), "8080"), "egress")):
        other = {"ingress": "egress", "egress": "ingress"}[side]
        record, _ = live_json(world_, *arguments)
        told = json.loads(offline(world_, *arguments, "--output=json").stdout)
        tap_.equal(f"{' '.join(arguments)}: the end on another node is not judged",
                   {"verdict": "allow", "reason": "not-local"}, record[side])
        tap_.equal(f"{' '.join(arguments)}: this node's is judged as offline", told[other],
                   record[other])
        tap_.equal(f"{' '.join(arguments)}: offline judges the other one, too",
                   ("no-rule-matches", "deny"), (told[side]["reason"], told["verdict"]))
        text = live(world_, *arguments).stdout
        tap_.true(f"{' '.join(arguments)}: so it is told", f"{side}: not judged on this node\n"
                  "  shop/far runs on node node-z, which judges what it" in text,
                  "not judged on this node", text)
    text = live(world_, *flow(name("client"), "shop/far", "80")).stdout
    tap_.true("what passes here need not arrive, and that is told", text.startswith("allow") and
              "another one decides, too" in text, "another one decides, too", text)


# ---- what is in force -----------------------------------------------------------


def check_generation(tap_, world_):
    put_cluster(world_, generation=2)
    done = world_.node.run(str(daemon.PROGRAM), "wait", "--policy=shop/web-from-clients",
                           "--generation=2", check=False)
    tap_.equal("a change is in force", (0, ""), (done.returncode, done.stderr))
    record, here = live_json(world_, *flow(name("guest"), name("web"), "8080"))
    tap_.equal("right after that its generation is told with the verdict",
               ("deny", ["shop/web-from-clients"], [("web-from-clients", 2)]),
               (record["verdict"], record["ingress"]["isolated_by"],
                [(policy["name"], policy["generation"]) for policy in here["policies"]]))
    tap_.true("with the time since when it is in force", done.stdout.startswith(
        "shop/web-from-clients is in force at generation 2 since "
        f"{here['policies'][0]['in_force_since']} ("), here["policies"], done.stdout)
    tap_.equal("it is the node's", ("node-a", []), (here["node"], here["in_the_way"]))
    told = json.loads(live(world_, *flow(name("guest"), name("web"), "80"), "--output=json").stdout)
    tap_.equal("JSON keeps to the schema", [], list(schema.violations(told, SCHEMA)))
    for expected, status in (("deny", 0), ("allow", 1)):
        done = live(world_, *flow(name("guest"), name("web"), "8080"), f"--expect={expected}")
        tap_.equal(f"{expected} is expected: exit status {status}", status, done.returncode)


def check_refused(tap_, world_, netpold):
    netpold.wait_refusal(lambda: world_.folder.put_text("bad.yaml", BROKEN))
    text = live(world_, *flow(name("guest"), name("web"), "8080")).stdout
    tap_.true("a change that is refused is told", text.startswith("deny") and
              "a change is REFUSED" in text and "bad.yaml" in text, "REFUSED", text)
    start = len(netpold.log.lines)
    world_.folder.remove("bad.yaml")
    netpold.log.wait(lambda line, _at: line if "as they were" in line else None, start)


def check_paused(tap_, world_):
    arguments = flow(name("guest"), name("web"), "8080")
    world_.node.run(str(daemon.PROGRAM), "pause", "--for=1h")
    text = live(world_, *arguments).stdout
    tap_.true("in a pause that is told first, then what will be", text.startswith(
        f"PAUSED: every packet passes on this node; without the pause it would be:\n\n"
        f"{offline(world_, *arguments).stdout}\nin force on node-a when the pause is over:\n"),
        "PAUSED", text)
    probe.check_all(tap_, world_, [Probe("and it passes", "guest", "web", "tcp", 8080, ALLOWED)])
    record, here = live_json(world_, *arguments)
    tap_.equal("the record has the verdict of the time after it", ("deny", None, ["paused"]),
               (record["verdict"], here.get("in_force_since"),
                [item["what"] for item in here["in_the_way"]]))
    world_.node.run(str(daemon.PROGRAM), "pause", "--end")
    text = live(world_, *arguments).stdout
    tap_.true("after it there is none", text.startswith("deny ") and "PAUSED" not in text, "deny",
              text)


def check_many(tap_, world_):
    arguments = flow(name("guest"), name("web"), "8080")
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(N_ASKING) as pool:
        done = list(pool.map(lambda _: live(world_, *arguments), range(N_ASKING)))
    tap_.comment(f"{N_ASKING} at once took {(time.monotonic() - begun) * 1000:.0f} ms")
    tap_.equal("all who ask at once have their answers", [(0, "deny")] * N_ASKING,
               [(one.returncode, one.stdout[:4] or one.stderr) for one in done])


def check_hand_over(tap_, world_):
    with daemon.Daemon(world_) as heir:
        heir.wait_in_force()
        text = live(world_, *flow(name("guest"), name("web"), "8080")).stdout
        tap_.true("another netpold that has taken over answers", text.startswith("deny "), "deny",
                  text)
        heir.stop(signal.SIGKILL)
    done = live(world_, *flow(name("guest"), name("web"), "8080"))
    tap_.true("where none runs it says so", done.returncode == 2 and
              "no netpold answers" in done.stderr, 2, done.stderr)


def check_starting(tap_, world_):
    """Nothing is in force yet."""
    with open(world_.node.path("/run/manifests/policies.json"), "a", encoding="utf-8"):
        with daemon.Daemon(world_, "--state-dir=") as netpold:
            deadline = time.monotonic() + daemon.PATIENCE
            while (done := live(world_, *flow(name("guest"), name("web"), "8080"))
                   ).stderr.find("no netpold") >= 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            tap_.true("while netpold starts it says so", done.returncode == 2 and
                      "still starting" in done.stderr, "still starting", done.stderr)
            netpold.stop(signal.SIGKILL)


def check_warm(tap_, world_):
    arguments = flow(name("guest"), name("web"), "8080")
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        netpold.stop()
    world_.folder.put_text("bad.yaml", BROKEN)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        text = live(world_, *arguments).stdout
        tap_.true("after a warm start it says what is in force, and that it is what the last "
                  "run has read", text.startswith("deny ") and "web-from-clients generation 2"
                  in text and "what the last run has read is in force" in text, "warm", text)
        probe.check_all(tap_, world_, [
            Probe("and so it is", "guest", "web", "tcp", 8080, DENIED)])
        netpold.stop()
    os.unlink(world_.folder.real / "bad.yaml")


def check_world(tap_, world_):
    put_cluster(world_)
    with daemon.Daemon(world_) as netpold:
        netpold.wait_in_force()
        check_offline(tap_, world_)
        check_packets(tap_, world_)
        check_far(tap_, world_)
        check_generation(tap_, world_)
        check_refused(tap_, world_, netpold)
        check_paused(tap_, world_)
        check_many(tap_, world_)
        check_hand_over(tap_, world_)
    check_starting(tap_, world_)
    check_warm(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs(*PODS), [("routed", "nft")]):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
