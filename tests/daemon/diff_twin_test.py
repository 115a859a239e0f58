#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`netpold diff` and `netpold matrix` against the naive twin of the engine, in
random clusters and small edits of them.

Prints TAP. NETPOLD names the program; random_edit, which prints clusters, flows
and the twin's answers, stands in tests/daemon/ below its folder. What is shown:

    diff is empty exactly when the twin answers all flows alike, a million of them
    a flow that is answered otherwise is one of a change that is printed, and no
    other flow is
    the example of each change is answered otherwise by the twin, as it says
    the matrix allows a flow exactly where the twin does

NETPOLD_SEED sets the seed of the first world, NETPOLD_WORLDS how many there are.
"""

import concurrent.futures
import ipaddress
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPOLD = pathlib.Path(os.environ.get("NETPOLD", ROOT / "build" / "netpold")).absolute()
RANDOM_EDIT = NETPOLD.parent / "tests" / "daemon" / "random_edit"
SCHEMAS = ROOT / "include" / "netpold" / "schema"
SEED = int(os.environ.get("NETPOLD_SEED", time.time_ns() % 10**12))
WORLDS = int(os.environ.get("NETPOLD_WORLDS", 100))
FLOWS = 10000
COVERED = 150  # flows of a world that are looked up in what is printed

sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests" / "e2e")]
import schema  # noqa: E402
import tap  # noqa: E402

DIFF, MATRIX, DECISION = (json.loads((SCHEMAS / f"{name}.schema.json").read_text())
                          for name in ("diff", "matrix", "decision"))
PROTOCOLS = {6: "TCP", 17: "UDP", 132: "SCTP"}
NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132, "ICMP": 1, "ICMPv6": 58}
VERDICTS = {"deny": "0", "allow": "1"}


# ---- whether something printed is about a flow -------------------------------------


class Flow:
    """A line of random_edit."""

    def __init__(self, line):
        before, now, *ends, family, protocol, port = line.split()
        self.line = line
        self.before, self.now = before == "1", now == "1"
        self.ends = [(pod, int(ipaddress.ip_address(address))) for pod, address in
                     (ends[:2], ends[2:])]
        self.family = int(family)
        self.protocol = PROTOCOLS.get(int(protocol), "other")
        self.port = None if port == "-" else int(port)

    def is_asked(self):
        """A pod to itself, and outside to outside, are in no cell."""
        (source, _), (destination, _) = self.ends
        return source != destination


def range_of(item):
    first, last = (ipaddress.ip_address(item[key]) for key in ("first", "last"))
    return first.version, int(first), int(last)


class Side:
    """Groups and ranges, to be asked often."""

    def __init__(self, who):
        self.pods = {f"{group['namespace']}/{group['name']}" for group in who["groups"]}
        self.ranges = [range_of(item) for item in who["ranges"]]

    def has(self, family, pod, address):
        if pod != "-":
            return pod in self.pods
        return any(version == family and first <= address <= last
                   for version, first, last in self.ranges)


def has_port(ports, flow):
    for item in ports:
        if item["protocol"] != flow.protocol:
            continue
        if flow.protocol == "other":
            return True
        if flow.port is None:
            if "fragments" in item or (item["first"], item["last"]) == (0, 65535):
                return True
        elif "first" in item and item["first"] <= flow.port <= item["last"]:
            return True
    return False


class Part:
    """A change, or an entry of a matrix: what is true of all its flows, or of some."""

    def __init__(self, sources, destination, item):
        self.sources, self.destination, self.item = sources, destination, item

    def has(self, flow):
        return (self.sources.has(flow.family, *flow.ends[0])
                and self.destination.has(flow.family, *flow.ends[1])
                and has_port(self.item["ports"], flow))


def misplaced(flow, parts, is_one):
    """What is wrong where a flow is one of those of some parts, or is not; or None."""
    parts = [part for part in parts if part.has(flow)]
    whole = [part for part in parts if not part.item["some"]]
    if is_one and not parts:
        return "is in nothing that is printed"
    if not is_one and whole:
        return f"is in {whole[0].item}"
    return None


# ---- one world ---------------------------------------------------------------------


class World:
    """Two clusters in files, flows in them, and the twin, which can be asked."""

    def __init__(self, seed, folder):
        self.seed = seed
        self.folder = pathlib.Path(folder)
        self.twin = subprocess.Popen([RANDOM_EDIT, str(seed), str(FLOWS)], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.mutation = self.twin.stdout.readline().strip()
        for name in ("old", "new"):
            (self.folder / f"{name}.json").write_text(self.twin.stdout.readline())
        lines = [self.twin.stdout.readline() for _ in range(FLOWS)]
        self.n_different = sum(line[0] != line[2] for line in lines)
        some = ([line for line in lines if line[0] != line[2]][:COVERED] + lines[:COVERED])
        self.flows = [flow for flow in map(Flow, some) if flow.is_asked()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.twin.stdin.close()
        self.twin.wait(60)
        self.twin.stdout.close()

    def ask(self, view, record):
        """The twin's verdict on the flow of a decision record."""
        ends = [record[key]["ip"] for key in ("from", "to")]
        protocol = record["protocol"]
        number = NUMBERS.get(protocol, protocol)
        self.twin.stdin.write(f"{view} {' '.join(ends)} {number} {record['to'].get('port', '-')}\n")
        self.twin.stdin.flush()
        return self.twin.stdout.readline().strip()

    def netpold(self, *arguments):
        return subprocess.run([NETPOLD, *arguments, "--output", "json"], capture_output=True,
                              text=True, timeout=60, check=False, cwd=self.folder)

    # Each of these gives what is wrong.

    def check_diff(self, by):
        done = self.netpold("diff", "--by", by, "old.json", "new.json")
        if done.returncode not in (0, 1):
            if "holds no pod with an address" in done.stderr:
                return []
            return [f"exit status {done.returncode}: {done.stderr}"]
        document = json.loads(done.stdout)
        changes = document["changes"]
        is_different = bool(changes or any(document[side][kind] for side in ("only_old", "only_new")
                                           for kind in ("pods", "addresses")))
        wrong = list(map(str, schema.violations(document, DIFF)))
        if done.returncode != is_different:
            wrong.append(f"exit status {done.returncode} with {len(changes)} changes")
        if not changes and self.n_different:
            wrong.append(f"nothing changes, but {self.n_different} flows do")
        if changes and self.mutation in ("none", "writing"):
            wrong.append("something changes where nothing has changed")
        wrong += [text for change in changes for text in self.check_example(change)]
        if by == "pod":
            wrong += self.check_changes(changes)
        return wrong

    def check_example(self, change):
        before, now = change["example"]["before"], change["example"]["now"]
        words = ["deny", "allow"] if change["change"] == "opens" else ["allow", "deny"]
        asked = [self.ask("old", before), self.ask("new", now)]
        wrong = [str(text) for record in (before, now) for text in schema.violations(record, DECISION)]
        if [before["verdict"], now["verdict"]] != words or asked != [VERDICTS[word] for word in words]:
            wrong.append(f"the example does not differ so: {asked}: {change}")
        denial = before if change["change"] == "opens" else now
        if denial[change["side"]]["verdict"] != "deny":
            wrong.append(f"the side named does not deny it: {change}")
        return wrong

    def check_changes(self, changes):
        parts = {word: [Part(Side(change["from"]), Side(change["to"]), change)
                        for change in changes if change["change"] == word]
                 for word in ("opens", "closes")}
        wrong = []
        for flow in self.flows:
            for word, is_one in (("opens", flow.now > flow.before), ("closes", flow.now < flow.before)):
                found = misplaced(flow, parts[word], is_one)
                if found:
                    wrong.append(f"{word}: {flow.line.strip()} {found}")
        return wrong

    def check_matrix(self):
        done = self.netpold("matrix", "--by", "pod", "new.json")
        if done.returncode:
            return [] if "no pod with an address" in done.stderr else [done.stderr]
        document = json.loads(done.stdout)
        wrong = list(map(str, schema.violations(document, MATRIX)))
        parts = matrix_parts(document)
        for flow in self.flows:
            found = misplaced(flow, parts, flow.now)
            if found:
                wrong.append(f"matrix: {flow.line.strip()} {found}")
        return wrong


def matrix_parts(document):
    units = [Side({"groups": [], "ranges": [], **unit}) for unit in document["units"]]
    return [Part(units[i], units[column["to"]], item)
            for column in document["columns"] for item in column["allowed"]
            for first, last in item["from"] for i in range(first, last + 1)]


def check_world(seed):
    with tempfile.TemporaryDirectory() as folder, World(seed, folder) as world:
        wrong = [text for by in ("pod", "workload", "namespace") for text in world.check_diff(by)]
        wrong += world.check_matrix()
        return seed, world.n_different, wrong


def test(tap_):
    tap_.comment(f"NETPOLD_SEED={SEED} NETPOLD_WORLDS={WORLDS}")
    n_different = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for seed, n, wrong in pool.map(check_world, range(SEED, SEED + WORLDS)):
            n_different += n > 0
            if wrong:
                tap_.true(f"world of NETPOLD_SEED={seed}: what is printed is what the twin says",
                          False, "no difference", "\n".join(wrong[:3]))
    tap_.equal(f"in {WORLDS} worlds diff and matrix say what the twin says of {WORLDS * FLOWS} flows",
               0, tap_.failed)
    tap_.comment(f"in {n_different} of the worlds some of the flows differ")
    if WORLDS >= 100:
        tap_.true("and something differs in some of them, not in all", 0 < n_different < WORLDS,
                  "some, not all", f"{n_different} of {WORLDS}")


if __name__ == "__main__":
    tap.main(test)
