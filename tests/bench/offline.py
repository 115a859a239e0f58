# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netpold matrix` and `netpold diff` cost: how long W(100) takes, and how
much memory W(1000). No root.

An answer is looked at before it counts: a matrix tells every pod, and a diff
finds the edits that were made, and nothing where none was.
"""

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


class OfflineError(Exception):
    """A command has failed, or its answer is wrong."""


@dataclasses.dataclass
class Cost:
    seconds: float
    mib: float


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
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([daemon.PROGRAM, *map(str, arguments)], stdout=output)
        _, end, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(end)
        took = time.monotonic() - start
        output.seek(0)
        text = output.read()
    if child.returncode != status:
        raise OfflineError(f"netpold {arguments[0]}: exit status {child.returncode}, not {status}")
    return text, Cost(took, usage.ru_maxrss / 1024)


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
