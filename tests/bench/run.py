#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the benchmarks, prints a table, writes bench.json next to the program.

    sudo make bench                     all rows
    make bench BENCH=evaluate_cold_ns   some; those of the engine need no root
    sudo make bench BENCH_FLAGS=--quick a smoke run: does it work at all?

A row is measured several times; the value is the median, min and max show the
spread. Ratios are taken in pairs: the two that are compared are measured one
right after the other, in turns which goes first, so that a noisy machine
disturbs both. A goal that is not met is printed, and is no error. An answer
that is wrong is one. Rows that a real API server feeds are not run, and say so,
where there is none (see `make test-kube`); `make bench BENCH=name` builds it.

To add a row: write a function that takes a Bench and returns samples, and name
it in ROWS.
"""

import argparse
import contextlib
import dataclasses
import json
import operator
import os
import pathlib
import signal
import statistics
import sys
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import changes
import daemon
import datapath
import engine
import feed
import load
import logged
import memory
import netns
import offline
import sides
import sync
import workload
import world

OUTPUT = daemon.PROGRAM.parent / "bench.json"
FULL = {"pairs": 15, "milliseconds": 500, "seconds": 60}
QUICK = {"pairs": 2, "milliseconds": 200, "seconds": 2}


@dataclasses.dataclass
class Goal:
    sign: str
    number: float

    def __str__(self):
        return f"{self.sign} {self.number}"

    def is_met(self, value):
        return {"<=": operator.le, ">=": operator.ge}[self.sign](value, self.number)


@dataclasses.dataclass
class Row:
    name: str
    what: str
    unit: str
    goal: Goal | None
    samples: Callable  # of a Bench; gives one number or more
    needs_root: bool = True
    needs_kube: bool = False  # a real API server


def engine_row(name, what, unit, most):
    return Row(name, what, unit, Goal("<=", most), engine.samples, needs_root=False)


def kube_row(name, what, unit, goal, samples):
    return Row(name, what, unit, goal, samples, needs_kube=True)


ROWS = (
    engine_row("evaluate_cold_ns", "judge a packet, W(1000), nothing cached", "ns", 100),
    engine_row("evaluate_growth", "the same, W(1000) over W(10)", "ratio", 2.5),
    engine_row("evaluate_wide_ns", "the same, 10,000 policies that select one pod", "ns", 1000),
    engine_row("compile_node_ms", "compile W(1000) from nothing for one node", "ms", 300),
    engine_row("compile_all_ms", "the same for every pod", "ms", 3000),
    engine_row("pod_known_us", "a pod comes or goes, W(1000)", "us", 20),
    engine_row("pod_new_us", "a pod with new labels comes or goes, W(1000)", "us", 500),
    engine_row("policy_change_us", "a policy changes, W(1000)", "us", 1000),
    Row("matrix_s", "netpold matrix, W(100)", "s", Goal("<=", 10), offline.seconds,
        needs_root=False),
    Row("matrix_mib", "its memory at most, W(1000)", "MiB", Goal("<=", 512), offline.mib,
        needs_root=False),
    Row("diff_s", "netpold diff, W(100) and an edit of it", "s", Goal("<=", 10), offline.seconds,
        needs_root=False),
    Row("diff_mib", "its memory at most, W(1000)", "MiB", Goal("<=", 512), offline.mib,
        needs_root=False),
    Row("replay_mpps", "netpold replay --summary, a million flows of ten packets: a second of one core",
        "Mpps", Goal(">=", 5), offline.replay_mpps, needs_root=False),
    Row("replay_mib", "its memory at most", "MiB", None, offline.replay_mib, needs_root=False),
    Row("rss_mib", "memory of the daemon, W(1000): steady", "MiB", Goal("<=", 64),
        memory.rss_mib),
    Row("rss_peak_mib", "the same: at most, while it reads", "MiB", Goal("<=", 128),
        memory.rss_peak_mib),
    Row("verdict_pps_ratio",
        "packets judged a second, against a loop that accepts all on the same queues",
        "ratio", Goal(">=", 0.95), datapath.verdict_pps_ratio),
    Row("tcp_conn_ratio",
        "new TCP connections a second, against that loop on one thread and queue",
        "ratio", Goal(">=", 1.35), datapath.tcp_conn_ratio),
    Row("tcp_conn_same_ratio", "the same, against the loop on netpold's own queues",
        "ratio", Goal(">=", 0.97), datapath.tcp_conn_same_ratio),
    Row("first_packet_us", "what the median connection takes longer than with the first loop",
        "us", Goal("<=", -15), datapath.first_packet_us),
    Row("tcp_throughput_ratio", "bytes a second over connections that stand, against no netpold",
        "ratio", Goal(">=", 0.98), datapath.tcp_throughput_ratio),
    Row("tcp_conn_known_ratio",
        "TCP connections a second between pairs judged before, against no netpold",
        "ratio", Goal(">=", 0.93), datapath.tcp_conn_known_ratio),
    Row("deny_flood_ratio",
        "the same while a pod floods that is denied, against netpold without; the worst flood",
        "ratio", Goal(">=", 0.6), datapath.deny_flood_ratio),
    Row("log_overhead",
        "packets judged in a second of a worker's CPU, 50,000 new flows a second: with the flow "
        "log, against without",
        "ratio", Goal(">=", 0.97), logged.log_overhead),
    Row("tcp_idle_ratio", "connections and bytes of pods without policies, against no netpold",
        "ratio", Goal(">=", 0.97), datapath.tcp_idle_ratio),
    Row("sweep_100k_ratio", "sweep 100,000 connections, none revoked, against a bare dump",
        "ratio", Goal("<=", 1.3), changes.sweep_100k_ratio),
    Row("sweep_pod_ms", "sweep those that one pod answers among 100,000", "ms", Goal("<=", 50),
        changes.sweep_pod_ms),
    Row("rejudge_64k_ms", "65,536 remembered answers judged again, 1 % wrong", "ms",
        Goal("<=", 15), changes.rejudge_64k_ms),
    Row("edit_allowed_p99_ms", "a manifest's edit that only allows, from event to in force",
        "ms", Goal("<=", 5), changes.edit_allowed_p99_ms),
    Row("edit_enforced_p99_ms", "one that can deny, 10,000 connections", "ms",
        Goal("<=", 40), changes.edit_enforced_p99_ms),
    kube_row("event_allowed_p99_ms", "the API server's event that only allows, until in force",
             "ms", Goal("<=", 5), changes.event_allowed_p99_ms),
    kube_row("event_enforced_p99_ms", "one that can deny, 10,000 connections", "ms",
             Goal("<=", 40), changes.event_enforced_p99_ms),
    kube_row("sync_50k_cpu_s", "first list of 50,000 pods of 4 KiB, time on the CPUs", "s",
             Goal("<=", 3), sync.sync_50k_cpu_s),
    kube_row("sync_50k_rss_mib", "the same: memory at most", "MiB", None,
             sync.sync_50k_rss_mib),
    kube_row("events_1000_lag_ms",
             "1,000 pod events a second: a policy, from the call's return to in force, p99",
             "ms", None, load.events_1000_lag_ms),
    kube_row("events_1000_pod_ms", "the same: a pod's address, likewise",
             "ms", None, load.events_1000_pod_ms),
    kube_row("events_1000_cpu", "the same: netpold's CPUs", "CPUs", None,
             load.events_1000_cpu),
    kube_row("events_1000_rss_mib", "the same: memory at its end", "MiB", None,
             load.events_1000_rss_mib),
)


class Bench:
    """What a row needs to be measured."""

    def __init__(self, options, stack):
        self.options = options
        self.stack = stack
        self.row = None
        self.made_datapaths = {}
        self.made_engine = None
        self.made_feed = None
        self.measured_memory = self.measured_sync = self.measured_load = None

    def datapath(self, isolated=True):
        """The node and its pods, made for the first row that asks."""
        if isolated not in self.made_datapaths:
            self.made_datapaths[isolated] = self.stack.enter_context(datapath.Datapath(
                self.options.layout, self.options.iptables, self.options.milliseconds,
                isolated))
        return self.made_datapaths[isolated]

    def engine(self):
        """The engine's program, likewise."""
        if not self.made_engine:
            self.made_engine = self.stack.enter_context(engine.Engine(self.options.quick))
        return self.made_engine

    def memory(self):
        """What the daemon holds in memory, measured for the first row that asks."""
        if not self.measured_memory:
            self.measured_memory = memory.measure(self)
        return self.measured_memory

    def feed(self):
        """An API server with W(10) and the pods of datapath(), likewise."""
        if not self.made_feed:
            path = self.datapath()
            self.made_feed = self.stack.enter_context(feed.Feed(path.world, [
                *workload.objects(datapath.N_NAMESPACES), *path.live_pods()]))
        return self.made_feed

    def sync(self):
        """First lists, likewise."""
        if not self.measured_sync:
            self.measured_sync = sync.measure(self)
        return self.measured_sync

    def load(self):
        """A thousand events a second, likewise."""
        if not self.measured_load:
            self.measured_load = load.measure(self)
        return self.measured_load

    def in_turns(self, measure, ours, theirs, compare, unit):
        """compare(measure(ours), measure(theirs)), again and again."""
        compared = []
        for number in range(self.options.pairs):
            order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
            measured = {side: measure(side) for side in order}
            compared.append(compare(measured[ours], measured[theirs]))
            self.note(f"pair {number + 1} of {self.options.pairs}: {ours.name} "
                      f"{measured[ours]:,.0f}{unit}, {theirs.name} {measured[theirs]:,.0f}{unit}: "
                      f"{compared[-1]:.3f}")
        return compared

    def pairs(self, measure, ours, theirs):
        """Ratios of what is done in a second."""
        return self.in_turns(measure, ours, theirs, operator.truediv, "/s")

    def differences(self, measure, ours, theirs):
        """Differences of microseconds."""
        return self.in_turns(measure, ours, theirs, operator.sub, " us")

    def note(self, text):
        print(f"{self.row.name}: {text}", file=sys.stderr, flush=True)

    def result(self, row):
        self.row = row
        if row.needs_kube and (hindrance := feed.hindrance()):
            self.note(f"not run: {hindrance}")
            return {"name": row.name, "value": None, "not_run": hindrance}
        samples = row.samples(self)
        value = statistics.median(samples)
        goal = None if self.options.quick else row.goal
        return {"name": row.name, "value": round(value, 4), "min": round(min(samples), 4),
                "max": round(max(samples), 4), "unit": row.unit,
                "goal": goal and str(goal), "met": goal and goal.is_met(value)}


def number(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def print_table(results):
    what = {row.name: row.what for row in ROWS}
    words = {None: "", True: "yes", False: "no"}
    print(f"\n{'name':<21}{'value':>9}{'min':>9}{'max':>9}  {'unit':<6}{'goal':<9}{'met':<4}what")
    for r in results:
        if r["value"] is None:
            print(f"{r['name']:<21}{'not run':>9}{'':39}{what[r['name']]}")
            continue
        print(f"{r['name']:<21}{number(r['value']):>9}{number(r['min']):>9}"
              f"{number(r['max']):>9}  {r['unit']:<6}{r['goal'] or '':<9}"
              f"{words[r['met']]:<4}{what[r['name']]}")


def stop(_signal, _frame):
    raise SystemExit(143)


def arguments():
    parser = argparse.ArgumentParser(description="netpold's benchmarks")
    parser.add_argument("rows", nargs="*", metavar="NAME", help="rows to run (default: all)")
    parser.add_argument("--quick", action="store_true",
                        help="a few short pairs, held against no goal")
    parser.add_argument("--pairs", type=int, help=f"default: {FULL['pairs']}")
    parser.add_argument("--seconds", type=int,
                        help=f"of a load of events (default: {FULL['seconds']})")
    parser.add_argument("--milliseconds", type=int,
                        help=f"of each measurement (default: {FULL['milliseconds']})")
    parser.add_argument("--openers", type=int, choices=range(1, datapath.N_CLIENTS + 1),
                        metavar="N", help="TCP connections that are opened at the same time "
                        "(default: one for each CPU)")
    parser.add_argument("--layout", choices=world.LAYOUTS, default="routed",
                        help="how pods are connected (default: routed)")
    parser.add_argument("--iptables", choices=world.BACKENDS, default="nft",
                        help="which iptables netpold uses (default: nft)")
    options = parser.parse_args()
    for name, default in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    if options.pairs < 1 or not 1 <= options.milliseconds <= 30000:
        parser.error("at least one pair, and 1 to 30000 milliseconds")
    if options.seconds < 1:
        parser.error("a second of events at least")
    unknown = set(options.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no row is named {', '.join(sorted(unknown))}; there are: "
                     f"{', '.join(row.name for row in ROWS)}")
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, stop)
    chosen = [row for row in ROWS if not options.rows or row.name in options.rows]
    if os.geteuid() != 0 and any(row.needs_root for row in chosen):
        free = " ".join(row.name for row in ROWS if not row.needs_root)
        sys.exit("bench: network namespaces need root: sudo make bench; these do not: "
                 f"make bench BENCH='{free}'")
    load = os.getloadavg()[0]
    try:
        daemon.must_exist()
        OUTPUT.unlink(missing_ok=True)  # what a run that fails leaves is nothing
        with contextlib.ExitStack() as stack:
            bench = Bench(options, stack)
            results = [bench.result(row) for row in chosen]
    except KeyboardInterrupt:
        print("\ninterrupted; everything is taken down", file=sys.stderr)
        return 130
    except (netns.CommandError, daemon.DaemonError, sides.BenchError,
            engine.EngineError, offline.OfflineError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n")
    print_table(results)
    print(f"\n{os.cpu_count()} CPUs, load before {load:.1f}, kernel {os.uname().release}, packets "
          f"in {options.pairs} pairs of {options.milliseconds} ms; written to {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
