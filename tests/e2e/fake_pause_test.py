#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A pause while an API server goes on, and questions about flows that cost little.

    the test ──► fake server ◄── netpold ◄── `netpold explain --live` ── the test
                                              (see fake_node.py)

What comes in a pause is taken up, and told in few lines however much it is. Who asks what will be
in force after it is answered from what was taken up last. The thread that puts changes in force
answers, so what a question takes of its time is looked at: it must not compile a cluster each
time, nor take as long as the square of the policies that isolate a pod.
"""

import pathlib
import re
import statistics
import time

import daemon
import fake_node
import manifests
import tap
from pause_test import must_pause

FLOOD = 300  # pods, one after the other
TAKEN_UP = re.compile(r"taken up: policies=(\d+) pods=(\d+)(?: changes=(\d+))?; in force when")
TELL_INTERVAL_S = 0.2
N_POLICIES = 4000      # that isolate one pod, with a rule each
MORE = 1500            # beyond what --all tells
N_QUESTIONS = 20
TO_WEB = ("--from=shop/client", "--to=shop/web", "--port=80")
TO_CLIENT = ("--from=shop/web", "--to=shop/client", "--port=80")


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


def control_ms(netpold):
    """What its first thread has taken of the CPU."""
    return int(pathlib.Path(f"/proc/{netpold.process.pid}/schedstat").read_text().split()[0]) / 1e6


def cost_ms(netpold, fed, *arguments, times=1):
    """Of one question; the median, since the thread has other things to do, too."""
    costs = []
    for _ in range(times):
        before = control_ms(netpold)
        done = explain(fed, *arguments)
        assert done.returncode == 0, done.stderr
        costs.append(control_ms(netpold) - before)
    return statistics.median(costs)


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


# ---- what a question costs --------------------------------------------------------


def check_all(tap_, fed, netpold):
    one = cost_ms(netpold, fed, *TO_WEB, times=3)
    cost = cost_ms(netpold, fed, *TO_WEB, "--all", times=3)
    tap_.comment(f"{N_POLICIES} policies isolate a pod: {one:.1f} ms, with --all {cost:.1f} ms")
    tap_.true(f"{N_POLICIES} policies isolate a pod: --all takes as long as they are many",
              cost < 20 * one + 50, f"less than {20 * one + 50:.0f} ms", cost)
    text = explain(fed, *TO_WEB, "--all").stdout
    tap_.true("with --all each is told of", text.count(" of shop/p-") == N_POLICIES and
              len(re.findall(r"^  shop/p-\d+ generation", text, re.M)) == N_POLICIES,
              N_POLICIES, text[:2000])


def check_too_many(tap_, fed, netpold):
    start = len(netpold.log.lines)
    fed.put(*(policy(N_POLICIES + number) for number in range(MORE)))
    netpold.log.wait(lambda line, _at:
                     line if f" policies={N_POLICIES + MORE} " in line else None, start)
    text = explain(fed, *TO_WEB, "--all").stdout
    note = f"note: {2 * (N_POLICIES + MORE)} policies and rules are too many for --all here"
    tap_.true("more than can be told at once are not, and that is said",
              text.startswith("deny ") and note in text and text.count(" of shop/p-") < 10, note,
              text[:2000])


def check_paused(tap_, fed, netpold):
    cost_ms(netpold, fed, *TO_CLIENT)
    usual = cost_ms(netpold, fed, *TO_CLIENT, times=N_QUESTIONS)
    must_pause(tap_, fed.world, "many policies: a pause begins", "--for", "10m")
    first = cost_ms(netpold, fed, *TO_CLIENT)
    cost = cost_ms(netpold, fed, *TO_CLIENT, times=N_QUESTIONS)
    tap_.comment(f"a question: {usual:.2f} ms, in a pause {first:.2f} ms, then {cost:.2f} ms")
    tap_.true("in a pause a cluster is not compiled for each question", cost < 3 * usual + 1,
              f"less than {3 * usual + 1:.1f} ms", cost)


def check_cost(tap_):
    with fake_node.fed_node() as fed:
        fill(fed)
        fed.put(*(policy(number) for number in range(1, N_POLICIES)))
        with fed.netpold() as netpold:
            netpold.wait_in_force()
            check_all(tap_, fed, netpold)
            check_too_many(tap_, fed, netpold)
            check_paused(tap_, fed, netpold)
            netpold.stop()


def test(tap_):
    check_pause(tap_)
    check_cost(tap_)


if __name__ == "__main__":
    tap.main(test)
