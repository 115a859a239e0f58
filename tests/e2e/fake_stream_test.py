#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Events of an API server that come faster than each of them can be put in force.

What is written by then is read before more of it is put in force: a server keeps
little for who does not read, and then ends the watch. So there are few changes
of the datapath, the last of which has all pods. Nor is each gap of a stream time
for a change: where one takes 30 ms, the next is gathered until nothing has come for
as long as that. (With a build that has the faults of daemon/fault.h.)
"""

import contextlib
import re
import time

import daemon
import fake_node
import manifests
import tap

N_EVENTS = 1500
EVENTS_PER_CHANGE = 75  # put in force one after the other, they are 20 to 40
GAP_S = 0.01
N_BURSTS = 200
BURST = 8       # pods: more than somebody's change
CHANGE_MS = 30  # at least, and gathered for 40: one begins each 70, and else each 32 or so
FEWER = 0.7     # changes in a second, when they are gathered
IN_FORCE = re.compile(r"in force: generation=(\d+) policies=1 pods=(\d+) ")


def pod(number):
    """Of a few KiB, as they are."""
    made = manifests.pod(f"p-{number}", "shop", fake_node.NODE if number < 100 else "other",
                         [f"10.66.{number // 250}.{number % 250 + 1}"], {"app": "web"})
    made["metadata"]["annotations"] = {"example.org/notes": "x" * 4000}
    return made


def wait_pods(netpold, n_pods):
    """The generation that holds so many."""
    def find(line, _at):
        found = IN_FORCE.search(line)
        return int(found[1]) if found and int(found[2]) == n_pods else None
    return netpold.log.wait(find)


@contextlib.contextmanager
def stream(tap_, n_events, **more):
    """With one pod in force: yields what feeds netpold, and wait(), which returns (changes
    of the datapath, seconds) once @n_events more pods are in force."""
    with fake_node.fed_node() as fed:
        fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/16"]),
                pod(0), manifests.policy("web", "shop", {"app": "web"}, ingress=[
                    manifests.rule([manifests.pods(app="web")])]))
        with fed.netpold(**more) as netpold:
            before, began = wait_pods(netpold, 1), time.monotonic()

            def wait():
                n_changes = wait_pods(netpold, n_events + 1) - before
                took_s = time.monotonic() - began
                tap_.comment(f"{n_events} events, {n_changes} changes in {took_s * 1000:.0f} ms")
                return n_changes, took_s
            yield fed, wait
            netpold.stop()


def is_few_at_once(tap_):
    with stream(tap_, N_EVENTS) as (fed, wait):
        with fed.server.store.changed:  # all at once
            fed.put(*(pod(number) for number in range(1, N_EVENTS + 1)))
        return wait()[0] <= N_EVENTS / EVENTS_PER_CHANGE


def changes_with_gaps(tap_, points):
    """In a second of a stream that leaves gaps."""
    with stream(tap_, N_BURSTS * BURST, program=daemon.FAULTY,
                variables={"FAULT_POINTS": f"publish={CHANGE_MS}{points}"}) as (fed, wait):
        for number in range(1, N_BURSTS * BURST, BURST):
            with fed.server.store.changed:
                fed.put(*(pod(number + i) for i in range(BURST)))
            time.sleep(GAP_S)
        n_changes, took_s = wait()
        return n_changes / took_s


def is_gathered(tap_):
    return changes_with_gaps(tap_, "") <= FEWER * changes_with_gaps(tap_, ",without=gather")


def test(tap_):
    daemon.faulty_must_exist()
    # A server that is not let write has few events there at a time: then the next stream.
    tap_.happens("a stream of events is few changes", lambda: is_few_at_once(tap_))
    tap_.happens("a stream that leaves gaps is not a change for each of them",
                 lambda: is_gathered(tap_))


if __name__ == "__main__":
    tap.main(test)
