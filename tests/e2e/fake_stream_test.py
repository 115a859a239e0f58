#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Events of an API server that come faster than each of them can be put in force.

What is written by then is read before more of it is put in force: a server keeps
little for who does not read, and then ends the watch. So there are few changes
of the datapath, the last of which has all pods.
"""

import re
import time

import fake_node
import manifests
import tap

N_EVENTS = 1500
EVENTS_PER_CHANGE = 75  # put in force one after the other, they are 20 to 40
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


def changes_of_a_stream(tap_):
    """How many changes of the datapath all the events become."""
    with fake_node.fed_node() as fed:
        fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/16"]),
                pod(0), manifests.policy("web", "shop", {"app": "web"}, ingress=[
                    manifests.rule([manifests.pods(app="web")])]))
        with fed.netpold() as netpold:
            before = wait_pods(netpold, 1)
            began = time.monotonic()
            with fed.server.store.changed:  # all at once
                fed.put(*(pod(number) for number in range(1, N_EVENTS + 1)))
            n_changes = wait_pods(netpold, N_EVENTS + 1) - before
            tap_.comment(f"{N_EVENTS} events, {n_changes} changes in "
                         f"{(time.monotonic() - began) * 1000:.0f} ms")
            netpold.stop()
    return n_changes


def test(tap_):
    # A server that is not let write has few events there at a time: then the next stream.
    tap_.happens("a stream of events is few changes",
                 lambda: changes_of_a_stream(tap_) <= N_EVENTS / EVENTS_PER_CHANGE)


if __name__ == "__main__":
    tap.main(test)
