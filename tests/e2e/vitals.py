# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that must not grow, sampled while a test runs.

A line is fitted through the samples of each, those of the warm-up left out: what
it rises by between the first and the last of them is the growth.
"""

import pathlib
import re
import time

WARM_UP = 1 / 3  # of the run
SHOWN = 10       # steps


def _status_kib(pid, field):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.M)[1])


def writable_kib(pid):
    """The private memory of a process that it may write to. Resident memory grows for as
    long as there are tables of a fixed size with pages that were not used yet; this does not."""
    return _status_kib(pid, "VmData")


def peak_kib(pid):
    """The most that was ever resident: what is gone by now counts."""
    return _status_kib(pid, "VmHWM")


def is_sanitized(pid):
    """Built with a sanitizer, which has far more memory than the program asks for."""
    return bool(re.search(r"/lib[at]san\.so", pathlib.Path(f"/proc/{pid}/maps").read_text()))


def n_connections(node):
    """Entries in a node's connection tracking."""
    return int(node.run("sysctl", "-n", "net.netfilter.nf_conntrack_count").stdout)


def growth(samples):
    """@samples  [(when, how much)], two moments at least"""
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean = sum(value for _, value in samples) / len(samples)
    slope = sum((at - mean_at) * (value - mean) for at, value in samples) / \
        sum((at - mean_at) ** 2 for at, _ in samples)
    return slope * (samples[-1][0] - samples[0][0])


class Vitals:
    """@sources  {what it is: how to read it}"""

    def __init__(self, sources, seconds):
        self.sources, self.seconds = sources, seconds
        self.samples = {name: [] for name in sources}
        self.warm_up()

    def warm_up(self):
        """From now on, and not only at first: what is sampled begins anew."""
        self.warm_at = time.monotonic() + self.seconds * WARM_UP

    def sample(self):
        for name, read in self.sources.items():
            self.samples[name].append((time.monotonic(), read()))

    def warm(self, name):
        """Its samples after the warm-up."""
        return [sample for sample in self.samples[name] if sample[0] >= self.warm_at]

    def words(self, name):
        """How it went, from the first sample to the last."""
        samples = self.samples[name]
        shown = [samples[(len(samples) - 1) * number // SHOWN][1] for number in range(SHOWN + 1)]
        return f"{name}: {' '.join(map(str, shown))}; after the warm-up " \
               f"{growth(self.warm(name)):+.0f}"
