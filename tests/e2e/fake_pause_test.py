#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A pause while an API server goes on.

    the test ──► fake server ◄── netpold ◄── `netpold explain --live` ── the test
                                              (see fake_node.py)

What comes in a pause is taken up, and told in few lines however much it is. Who asks what will be
in force after it is answered from what was taken up last.
"""

import re
import time

import daemon
import fake_node
import manifests
import tap
from pause_test import must_pause

FLOOD = 300  # pods, one after the other
TAKEN_UP = re.compile(r"taken up: policies=(\d+) pods=(\d+)(?: changes=(\d+))?; in force when")
TELL_INTERVAL_S = 0.2
TO_WEB = ("--from=shop/client", "--to=shop/web", "--port=80")


def pod(name, number):
    return manifests.pod(name, "shop", fake_node.NODE,
                         [f"10.66.{number // 250}.{number % 250 + 1}"], {"app": name})


def policy(number, *peers):
    return manifests.policy(f"p-{number}", "shop", {"app": "web"},
                            ingress=[manifests.rule(peers or [manifests.pods(app="none")])])


def fill(fed):
    fed.put(manifests.namespace("shop"), manifests.node(fake_node.NODE, ["10.66.0.0/16"]),
            pod("web", 0), pod("client", 1), policy(0))


def explain(fed, *arguments):
    return fed.world.node.run(str(daemon.PROGRAM), "explain", "--live", *arguments, check=False)


def verdict(fed):
    done = explain(fed, *TO_WEB)
    return done.stdout.partition("without the pause it would be:\n\n")[2][:5].strip() or done


def wait_taken_up(netpold, start, policies, pods):
    def find(line, _at):
        found = TAKEN_UP.search(line)
        return line if found and (int(found[1]), int(found[2])) == (policies, pods) else None
    netpold.log.wait(find, start)


# ---- a pause ----------------------------------------------------------------------


def check_flood(tap_, fed, netpold):
    start, begun = len(netpold.log.lines), time.monotonic()
    for number in range(FLOOD):
        fed.put(pod(f"late-{number}", number + 2))
        time.sleep(0.002)
    wait_taken_up(netpold, start, 1, FLOOD + 2)
    most = (time.monotonic() - begun) / TELL_INTERVAL_S + 3
    told = [found for _, line in netpold.log.lines[start:] if (found := TAKEN_UP.search(line))]
    tap_.true(f"{FLOOD} pods come in a pause: few lines tell of it", len(told) <= most, most,
              len(told))
    tap_.true(f"{FLOOD} pods come in a pause: they tell of how many changes",
              sum(int(found[3] or 1) for found in told) > len(told), f"more than {len(told)}",
              [found[0] for found in told])


def check_follows(tap_, fed, netpold):
    """An answer is about what was taken up last, whoever has asked before."""
    tap_.equal("in a pause it is told what will be", "deny", verdict(fed))
    for peer, policies, expected in (("client", 1, "allow"), ("none", 1, "deny")):
        start = len(netpold.log.lines)
        fed.put(policy(0, manifests.pods(app=peer)))
        wait_taken_up(netpold, start, policies, FLOOD + 2)
        tap_.equal(f"after a change in it: {expected}", expected, verdict(fed))
    start = len(netpold.log.lines)
    fed.server.store.delete("NetworkPolicy", "p-0", "shop")
    wait_taken_up(netpold, start, 0, FLOOD + 2)
    tap_.equal("the policy is gone: allow", "allow", verdict(fed))


def check_pause(tap_):
    with fake_node.fed_node() as fed:
        fill(fed)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            must_pause(tap_, fed.world, "a pause begins", "--for", "10m")
            check_flood(tap_, fed, netpold)
            check_follows(tap_, fed, netpold)
            must_pause(tap_, fed.world, "a pause is ended", "--end")
            change = netpold.wait_in_force()
            tap_.equal("what came in it is in force after it", (0, FLOOD + 2),
                       (change.policies, change.pods))
            netpold.stop()


def test(tap_):
    check_pause(tap_)


if __name__ == "__main__":
    tap.main(test)
