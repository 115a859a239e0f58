#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold explain` against the naive twin of the engine, in random clusters.

Prints TAP. NETPOLD names the program; random_flows, which prints clusters, flows
and the twin's answers, stands in tests/daemon/ below its folder. The engine and
the twin are compared in tests/policy/twin; here it is everything between that
and people: the manifests on disk, the flows by names and addresses, the own node
as it is told by addresses, the records.

NETPOLD_SEED sets the seed of the first world, NETPOLD_WORLDS how many there are.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = pathlib.Path(os.environ.get("NETPOLD", ROOT / "build" / "netpold")).absolute()
RANDOM_FLOWS = NETPOLD.parent / "tests" / "daemon" / "random_flows"
SCHEMAS = ROOT / "include" / "netpold" / "schema"
SEED = int(os.environ.get("NETPOLD_SEED", time.time_ns() % 10**12))
WORLDS = int(os.environ.get("NETPOLD_WORLDS", 40))
FLOWS = 500

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
import schema  # noqa: E402
import tap  # noqa: E402

DECISION, FLOW = (json.loads((SCHEMAS / f"{name}.schema.json").read_text())
                  for name in ("decision", "flow"))
WORDS = {True: "allow", False: "deny"}


def explain(manifests, *arguments, stdin=""):
    return subprocess.run([NETPOLD, "explain", "--manifests", manifests, *arguments], input=stdin,
                          capture_output=True, text=True, timeout=60, check=False)


# ---- what a record should say ----------------------------------------------------


def side_complaint(got, want):
    """What a side of a record says wrongly, or None."""
    if got["verdict"] != WORDS[want["allow"]]:
        return "verdict"
    reason = want["why"]
    if reason == "rules":
        reason = "rule" if want["allow"] else "no-rule-matches"
    if got["reason"] != reason:
        return f"reason, which is {reason}"
    allowing = sorted((policy, rule) for policy, rule, port, peer in want["rules"] if port and peer)
    named = (got.get("policy"), got.get("rule"))
    if named != (allowing[0] if reason == "rule" else (None, None)):
        return "rule, which is not the first that allows"
    isolated_by = sorted(want["isolating"]) if reason == "no-rule-matches" else None
    if got.get("isolated_by") != isolated_by:
        return f"isolated_by, which is {isolated_by}"
    if ("nearest" in got) != bool(reason == "no-rule-matches" and want["rules"]):
        return "nearest, which should be there where there are rules"
    return nearest_complaint(got["nearest"], want["rules"]) if "nearest" in got else None


def nearest_complaint(got, rules):
    fits = {(policy, rule): (port, peer) for policy, rule, port, peer in rules}
    port, peer = fits[got["policy"], got["rule"]]
    if ("port" in got["misses"]) == port:
        return f"misses of the port, which fits: {port}"
    if bool(set(got["misses"]) - {"port"}) == peer:
        return f"misses of the peer, which fits: {peer}"
    return None if got["would_match_if"] else "would_match_if, which is empty"


def end_complaint(got, pod):
    named = f"{got['namespace']}/{got['pod']}" if "pod" in got else None
    return None if named == pod else f"the pod, which is {pod}"


def complaint(record, want):
    egress, ingress = want["sides"]
    if record["verdict"] != WORDS[want["allow"]]:
        return "the verdict"
    for name, found in (("from", end_complaint(record["from"], egress["pod"])),
                        ("to", end_complaint(record["to"], ingress["pod"])),
                        ("egress", side_complaint(record["egress"], egress)),
                        ("ingress", side_complaint(record["ingress"], ingress))):
        if found:
            return f"{name}: {found}"
    return None


# ---- worlds ----------------------------------------------------------------------


def read_world(seed, folder):
    """The file of its manifests, and [flow with its answer]."""
    done = subprocess.run([RANDOM_FLOWS, str(seed), str(FLOWS)], capture_output=True, text=True,
                          timeout=60, check=True)
    cluster, *lines = done.stdout.splitlines()
    manifests = folder / "world.json"
    manifests.write_text(cluster)
    return manifests, [json.loads(line) for line in lines]


def ask_alone(manifests, want, record, line):
    """The same flow on the command line, as JSON and as text."""
    flow = want["flow"]
    number = flow.get("protocol", 6)
    port = f"{flow['port']}/{number}" if "port" in flow else f"/{number}"
    words = ["--from", flow.get("from") or flow["from_ip"], "--to", flow.get("to") or flow["to_ip"],
             "--port", port, "--family", str(flow["family"])]
    if explain(manifests, *words, "--output", "json").stdout != line + "\n":
        return "alone it is another record"
    text = explain(manifests, *words).stdout
    if not text.startswith(record["verdict"] + "  "):
        return "the text has another verdict"
    sides = [f"\n{side}: {record[side]['verdict']}\n" in text for side in ("egress", "ingress")]
    return None if all(sides) else "a side of the text has another verdict"


def check_world(seed, folder, seen):
    """[what is wrong]"""
    manifests, wants = read_world(seed, folder)
    done = explain(manifests, "--flows", "-",
                   stdin="\n".join(json.dumps(want["flow"]) for want in wants))
    lines = done.stdout.splitlines()
    if done.returncode or done.stderr or len(lines) != len(wants):
        return [f"{len(lines)} of {len(wants)} answers, status {done.returncode}: {done.stderr}"]
    records = [json.loads(line) for line in lines]
    wrong = [f"{found}\n{want}\n{line}" for record, want, line in zip(records, wants, lines)
             if (found := complaint(record, want))]
    wrong += [str(found) for record, want in zip(records[:20], wants)
              for found in [*schema.violations(record, DECISION),
                            *schema.violations(want["flow"], FLOW)]]
    alone = ask_alone(manifests, wants[0], records[0], lines[0])
    for record in records:
        seen.update({record["verdict"], record["egress"]["reason"], record["ingress"]["reason"]})
        for side in (record["egress"], record["ingress"]):
            seen.update(side.get("nearest", {}).get("misses", []))
    return wrong + ([alone] if alone else [])


def test(tap_):
    tap_.comment(f"NETPOLD_SEED={SEED} NETPOLD_WORLDS={WORLDS}")
    seen = set()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(SEED, SEED + WORLDS):
            wrong = check_world(seed, pathlib.Path(name), seen)
            if wrong:
                tap_.true(f"world of NETPOLD_SEED={seed}: explain says what the twin says", False,
                          "no difference", "\n".join(wrong[:3]))
    tap_.equal(f"in {WORLDS} worlds explain has answered {WORLDS * FLOWS} flows as the twin does", 0,
               tap_.failed)
    every = {"allow", "deny", "not-a-pod", "own-node", "not-isolated", "self", "rule",
             "no-rule-matches", "port", "namespace", "namespace-labels", "pod-labels", "not-a-pod",
             "block"}
    if WORLDS >= 40:
        tap_.equal("and met every reason, and every usual miss", set(), every - seen)


if __name__ == "__main__":
    tap.main(test)
