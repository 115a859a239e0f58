# SPDX-License-Identifier: GPL-2.0-or-later
"""What the engine costs by itself: no packet, no root.

The program that measures (engine.c) makes its clusters in memory, and gets from
here what the oracle reads: manifests of some namespaces of W(1000), picked by
chance, all of W(10), and all of the wide workload. Before it measures anything
it has to have made the very objects that these manifests say.
"""

import json
import pathlib
import random
import subprocess
import tempfile

import daemon
import workload

PROGRAM = daemon.PROGRAM.parent / "tests/bench/engine"
SMALL = 10  # as engine.c has it

# compared: so many namespaces, object by object, once for all rows; beyond 250
# addresses go on differently
FULL = {"n": 1000, "policies": 10000, "questions": 1000000, "samples": 15,
        "namespaces": 40, "compared": 260}
QUICK = {"n": 50, "policies": 300, "questions": 50000, "samples": 3,
         "namespaces": 10, "compared": 20}


class EngineError(Exception):
    """The program has found something wrong, or did not run."""


def _list(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _run(*arguments, text=""):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"{PROGRAM.name} {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Engine:
    """The program and its manifests. Use it in a with statement."""

    def __init__(self, quick):
        self.size = QUICK if quick else FULL
        self.folder = tempfile.TemporaryDirectory(prefix="netpold-bench-")

    def __enter__(self):
        compared = self.size["compared"]
        _run("compare", compared, text=_list(workload.objects(compared)))
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def manifests(self, name, make):
        """The path of a file with what @make returns, made when it is first asked for."""
        path = pathlib.Path(self.folder.name) / f"{name}.json"
        if not path.exists():
            path.write_text(_list(make()))
        return path

    def some_namespaces(self):
        chosen = random.Random(1).sample(range(self.size["n"]), self.size["namespaces"])
        return [made for i in chosen for made in workload.namespace_objects(i)]

    def all_of_wide(self):
        objects = workload.wide_objects(self.size["policies"])
        _run("compare-wide", self.size["policies"], text=_list(objects))
        return objects

    def measure(self, name):
        wide = name == "evaluate_wide_ns"
        manifests = (self.manifests("wide", self.all_of_wide) if wide else
                     self.manifests("some", self.some_namespaces))
        return _run(name, self.size["policies" if wide else "n"], self.size["questions"],
                    self.size["samples"], manifests,
                    self.manifests("small", lambda: workload.objects(SMALL)))


def samples(bench):
    """Of the row that is being run."""
    measured = bench.engine().measure(bench.row.name)
    bench.note(measured["note"])
    return measured["samples"]
