#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The flow log goes to a disk that does not answer (L34): the kernel waits for it, and
a thread of netpold with the kernel. Packets do not, nor does whoever looks at the
counts, nor the end.

It needs a build for tests, in which a write can be made to wait (daemon/fault.h).
"""

import pathlib
import tempfile
import time

import daemon
import flow_log_test
import observer
import scenario
import tap
import world

STILL_MS = 600000
ENDS_S = 30  # two seconds, on a machine that has other things to do


def check_still(tap_, world_, path):
    with daemon.Daemon(world_, daemon.ASK_ALWAYS, "--flow-log", f"file:{path}",
                       "--flow-log-rate", "0", "--flow-log-fold", "0", program=daemon.FAULTY,
                       before=("env", f"FAULT_POINTS=flow-write={STILL_MS}")) as netpold:
        netpold.wait_in_force()
        failed = flow_log_test.flood_until_lost(world_)
        observer.wait_metric(world_, "netpold_queue_waiting_packets", lambda n: n == 0)
        told = observer.get(world_, "status")["flow_log"]
        metrics = observer.metrics(world_)
        since = time.monotonic()
        status = netpold.stop()
        took = time.monotonic() - since
        log = netpold.log.text()
    tap_.equal("nobody is held up", 0, failed)
    tap_.true("what is lost is told meanwhile", told["lost"] > 0, "more than 0", told)
    tap_.equal("with what waits: all that there is", (0, told["events"]),
               (told["logged"], told["lost"] + told["waiting"]))
    tap_.true("metrics tell the same", metrics["netpold_flow_log_events_total"] >= told["events"]
              and metrics["netpold_flow_log_waiting_packets"] > 0, told,
              {name: n for name, n in metrics.items() if "flow_log" in name})
    tap_.equal("netpold ends all the same", 0, status)
    tap_.true("and in time", took < ENDS_S, f"less than {ENDS_S} s", took)
    tap_.true("and says what it leaves", f"flow log: writing to '{path}' does not end" in log,
              "writing to … does not end", log)
    totals = {name: int(n)
              for name, n in flow_log_test.TOTALS.search(log).groupdict().items()}
    tap_.equal("which is everything", totals["judged"], totals["lost"])


def test(tap_):
    daemon.faulty_must_exist()
    specs = scenario.specs("web", "client", "guest")
    for world_ in world.variants(specs, world.CROSS[:1]):
        world_.folder.put("policies", scenario.allow_clients(*scenario.WEB_PORTS))
        with tempfile.TemporaryDirectory(prefix="netpold-flows-") as folder:
            check_still(tap_, world_, pathlib.Path(folder) / "flows")


if __name__ == "__main__":
    tap.main(test)
