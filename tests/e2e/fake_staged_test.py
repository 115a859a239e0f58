#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What an API server says of modes (netpold.io/mode) comes through, and is kept (NP-8, L35).

    the test ──► fake server ◄── netpold        (see fake_node.py)

Namespaces come with nothing but their metadata, and of those most is left out: the one
annotation that counts is not. What packets make of it is for staged_test.py to see.
"""

import fake_node
import manifests
import observer
import tap

PLAIN = manifests.policy("plain", "shop", {}, ingress=[])
FIRM = manifests.with_mode("enforce", manifests.policy("firm", "shop", {}, ingress=[]))
ODD = manifests.with_mode("Audit", manifests.policy("odd", "shop", {}, ingress=[]))
SHOP = manifests.namespace("shop")
NODE = manifests.node(fake_node.NODE, ["10.66.0.0/24"])
WARNING = ('NetworkPolicy shop/odd: warning: metadata.annotations.netpold.io/mode: Unsupported '
           'value: "Audit": supported values: "audit", "enforce": it is enforced')


def staged(fed):
    """The names of those that are staged, and of the others."""
    receipts = observer.get(fed.world, "receipts")
    return tuple(sorted(one["name"] for one in receipts if one.get("staged", False) is which)
                 for which in (True, False))


def put(fed, netpold, *objects):
    fed.put(*objects)
    netpold.wait_in_force()


def check_events(tap_, fed, netpold):
    tap_.equal("without a word all are enforced", ([], ["firm", "odd", "plain"]), staged(fed))
    put(fed, netpold, manifests.with_mode("audit", SHOP))
    tap_.equal("a namespace stages those that say nothing themselves",
               (["plain"], ["firm", "odd"]), staged(fed))
    tap_.equal("they are counted", 1, observer.get(fed.world, "status")["staged_policies"])
    put(fed, netpold, manifests.with_mode("audit", FIRM))
    tap_.equal("a policy changes its word", (["firm", "plain"], ["odd"]), staged(fed))
    put(fed, netpold, SHOP)
    tap_.equal("the namespace takes its word back", (["firm"], ["odd", "plain"]), staged(fed))
    put(fed, netpold, manifests.with_mode("audit", SHOP))


def check_odd(tap_, fed, netpold):
    """It is read again and again, and told of once."""
    for number in range(3):
        put(fed, netpold, {**ODD, "spec": {**ODD["spec"], "podSelector": {
            "matchLabels": {"number": str(number)}}}})
    told = [line for _, line in netpold.log.lines if "netpold.io/mode" in line]
    tap_.true("a mode that is none is enforced, and told of once",
              len(told) == 1 and told[0].endswith(WARNING), f"… {WARNING}", told)


def test(tap_):
    with fake_node.fed_node() as fed:
        fed.put(SHOP, NODE, PLAIN, FIRM, ODD)
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            check_events(tap_, fed, netpold)
            check_odd(tap_, fed, netpold)
            netpold.stop()
        fed.server.stop()
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            tap_.equal("without the server, what the last run has read says so, too",
                       (["firm", "plain"], ["odd"]), staged(fed))
            netpold.stop()
        fed.server.start()


if __name__ == "__main__":
    tap.main(test)
