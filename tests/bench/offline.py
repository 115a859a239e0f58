# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold matrix`, `diff` and `replay` cost: how long W(100) takes, and how
much memory W(1000); how many packets a second, and how much memory they take. No
root.

An answer is looked at before it counts: a matrix tells every pod, a diff finds
the edits that were made, and nothing where none was, and a replay counts every
packet and flow. Of a short capture, a replay sums up what explain says of each
flow.

Packets a second of replay are those of the capture, by all the time that a core
spends for the command, in it and in the kernel: to read the objects, the file (from
the page cache), to follow and judge each flow, and to sum up at the end.
"""

import collections
import copy
import dataclasses
import json
import multiprocessing
import os
import pathlib
import subprocess
import tempfile
import time

import daemon
import workload

RUNS = 3  # for a time; memory is the same every time

CAPTURE = daemon.PROGRAM.parent / "tests/bench/capture"
FLOWS, QUICK_FLOWS = 1000000, 5000
PACKETS_OF_FLOW = 10  # as capture.c has it
PORTS = (8080, 9090, 80, 5432)
OPEN = 4096           # flows at a time
REPLAYED = 10         # namespaces of W(n)


class OfflineError(Exception):
    """A command has failed, or its answer is wrong."""


@dataclasses.dataclass
class Cost:
    seconds: float
    cpu: float  # seconds of one core
    mib: float
    told: str  # on standard error


def _edited(objects):
    """A port of a policy moves, and another policy is gone."""
    edited = copy.deepcopy(objects)
    find = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in edited
            if item["kind"] == "NetworkPolicy"}
    find["ns0", "p1"]["spec"]["ingress"][0]["ports"][0]["port"] = 8081
    edited.remove(find["ns1", "p3"])
    return edited


def _write(path, objects):
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def _write_both(old, new, n):
    objects = workload.objects(n)
    _write(old, objects)
    _write(new, _edited(objects))


def _make(folder, n):
    """The files of W(n) and of an edit of it. Another process makes them: what a
    parent has in memory counts as its child's."""
    old, new = (pathlib.Path(folder) / name for name in ("old.json", "new.json"))
    maker = multiprocessing.Process(target=_write_both, args=(old, new, n))
    maker.start()
    maker.join()
    if maker.exitcode != 0:
        raise OfflineError("cannot write the manifests")
    return old, new


def _run(status, *arguments):
    """Its output, and what it took; another exit status is an error."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen([daemon.PROGRAM, *map(str, arguments)], stdout=output, stderr=errors)
        _, end, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(end)
        took = time.monotonic() - start
        for file in (output, errors):
            file.seek(0)
        text, told = output.read(), errors.read()
    if child.returncode != status:
        raise OfflineError(f"netpold {arguments[0]}: exit status {child.returncode}, not {status}: {told}")
    return text, Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, told)


def _matrix(old, _new, n):
    text, cost = _run(0, "matrix", old)
    if not text.startswith(f"{n * workload.PODS} pods in {n} namespaces, "):
        raise OfflineError(f"netpold matrix: begins with {text[:80]!r}")
    return cost


def _diff(old, new, _n):
    text, cost = _run(1, "diff", "--output", "json", old, new)
    kinds = {change["change"] for change in json.loads(text)["changes"]}
    if kinds != {"opens", "closes"}:
        raise OfflineError(f"netpold diff: finds {kinds}")
    _run(0, "diff", old, old)
    return cost


# ---- captures ----------------------------------------------------------------------


def _write_capture(folder, flows):
    """A capture, and the objects that it is about."""
    objects, capture = (pathlib.Path(folder) / name for name in ("objects.json", "traffic.pcap"))
    maker = multiprocessing.Process(target=lambda: _write(objects, workload.objects(REPLAYED)))
    maker.start()
    maker.join()
    with capture.open("wb") as output:
        done = subprocess.run([CAPTURE, str(flows), str(OPEN), str(REPLAYED)], stdout=output, check=False)
    if maker.exitcode != 0 or done.returncode != 0:
        raise OfflineError("cannot write the capture")
    return objects, capture


def _replay(objects, capture, flows):
    text, cost = _run(0, "replay", "--manifests", objects, "--summary", "--output", "json", capture)
    if not any(json.loads(line)["denied"]["flows"] for line in text.splitlines()):
        raise OfflineError("netpold replay: denies nothing")
    counted = cost.told.split(", ")[:2]
    if counted != [f"packets: {flows * PACKETS_OF_FLOW}", f"flows: {flows}"]:
        raise OfflineError(f"netpold replay: counts {counted}")
    return text, cost


def _pod(number):
    namespace, pod = divmod(number, 100)
    return f"10.{100 + namespace // 250}.{namespace % 250}.{pod + 1}"


def _explained(folder, objects, flows):
    """What a summary has to be, by what explain says of each flow of capture.c:
    (policy, direction, verdict) to flows."""
    path, n_pods = folder / "flows.json", REPLAYED * 100
    path.write_text("".join(
        json.dumps({"from_ip": _pod(f % n_pods), "to_ip": _pod(f // n_pods % n_pods), "port": PORTS[f % 4]}) + "\n"
        for f in range(flows)))
    counts = collections.Counter()
    for line in _run(0, "explain", "--manifests", objects, "--flows", path)[0].splitlines():
        record = json.loads(line)
        behind = [(policy, direction) for direction in ("egress", "ingress")
                  for side in [record[direction]] if side["verdict"] == record["verdict"]
                  for policy in ([side["policy"]] if side["reason"] == "rule" else side.get("isolated_by", []))]
        for who in behind or [(None, None)]:
            counts[*who, record["verdict"]] += 1
    return counts


def _summed_up(text):
    """The same, as a replay has it."""
    counts = collections.Counter()
    for line in map(json.loads, text.splitlines()):
        for key, verdict in (("allowed", "allow"), ("denied", "deny")):
            if line[key]["packets"] != line[key]["flows"] * PACKETS_OF_FLOW:
                raise OfflineError("netpold replay: loses packets of flows")
            counts[line.get("policy"), line.get("direction"), verdict] += line[key]["flows"]
    return +counts


def _check_replay(folder):
    files = _write_capture(folder, QUICK_FLOWS)
    text = _replay(*files, QUICK_FLOWS)[0]
    if _summed_up(text) != _explained(folder, files[0], QUICK_FLOWS):
        raise OfflineError("netpold replay: sums up otherwise than explain answers")


def _measure_replay(bench, runs):
    flows = QUICK_FLOWS if bench.options.quick else FLOWS
    with tempfile.TemporaryDirectory(prefix="netpold-bench-") as folder:
        _check_replay(pathlib.Path(folder))
    with tempfile.TemporaryDirectory(prefix="netpold-bench-") as folder:
        files = _write_capture(folder, flows)
        costs = [_replay(*files, flows)[1] for _ in range(runs)]
    rates = [flows * PACKETS_OF_FLOW / cost.cpu / 1e6 for cost in costs]
    for rate, cost in zip(rates, costs):
        bench.note(f"{rate:.2f} million packets a second of one core, {cost.mib:.0f} MiB at most")
    return rates, [cost.mib for cost in costs]


def replay_mpps(bench):
    return _measure_replay(bench, RUNS)[0]


def replay_mib(bench):
    return _measure_replay(bench, 1)[1]


# ---- objects alone -------------------------------------------------------------------


MEASURES = {"matrix": _matrix, "diff": _diff}


def _measure(bench, n, runs):
    command = bench.row.name.partition("_")[0]
    n, runs = (5, 1) if bench.options.quick else (n, runs)
    with tempfile.TemporaryDirectory(prefix="netpold-bench-") as folder:
        files = _make(folder, n)
        costs = [MEASURES[command](*files, n) for _ in range(runs)]
    for cost in costs:
        bench.note(f"{cost.seconds:.1f} s, {cost.mib:.0f} MiB at most")
    return costs


def seconds(bench):
    """Of the row that is being run: matrix_s, diff_s."""
    return [cost.seconds for cost in _measure(bench, 100, RUNS)]


def mib(bench):
    """Likewise: matrix_mib, diff_mib."""
    return [cost.mib for cost in _measure(bench, 1000, 1)]
