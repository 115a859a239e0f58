# SPDX-License-Identifier: GPL-2.0-or-later
"""What a soak does to a cluster while everybody talks: one table.

A disturbance is done by the one thread that makes changes, and returns once it is
over. What it does to the manifests goes through soak.change(), so that it is
known what to expect when. What it does besides goes through soak.outage(): until that
is over nothing is expected of new flows, and afterwards all is as it was.

All of what outage.py names is here. A full connection tracking takes 1.5 s: a
quarter of a million entries are made, and taken away. They count in the node's own
namespace only, so that nobody beside it notices.
"""

import dataclasses
import itertools
import os
import signal
import time

import daemon
import netns
import outage_event

IN_A_ROW = 5       # edits
MOST_ASLEEP = 0.5  # seconds; and most that is waited on purpose
MEND_S = 10        # what is flushed is put right within five
FILL_PORTS = (20000, 60000)  # of which nobody else uses one
PAUSE = (str(daemon.PROGRAM), "pause")
RULES_BACK = ("of iptables", "of ip6tables")


def edit(soak):
    """Policies, pods and labels, one to four of them at once."""
    soak.change(soak.drawn.edit())


def edits_without_pause(soak):
    for _ in range(IN_A_ROW):
        edit(soak)


def move(soak):
    """A pod ends, and its place gets a free address, and another pod."""
    seat = soak.random.choice(soak.seats.all)
    soak.drawn.leave(seat.name)
    soak.change(f"pod at {seat.name} ended", seat)
    soak.seats.move(seat, soak.random)
    soak.drawn.take(seat.name, list(seat.addresses.values()))
    soak.change(f"pod at {seat.name} moved to number {seat.number}")


def kill(soak):
    with soak.outage() as number:
        soak.restart(number, signal.SIGKILL)


def restart(soak):
    with soak.outage() as number:
        soak.restart(number, signal.SIGTERM)


def hand_over(soak):
    """That is no outage: nobody may notice."""
    soak.hand_over()


def sleep(soak):
    with soak.outage() as number, soak.daemons[number].asleep():
        time.sleep(soak.random.uniform(0, MOST_ASLEEP))


def stand_still(soak):
    """The workers do, and the rest of it goes on."""
    with soak.outage() as number, outage_event.standing_still(soak.daemons[number]):
        time.sleep(soak.random.uniform(0, MOST_ASLEEP))


def overload(soak):
    """Right after an edit the workers stand still, and more comes than their queues hold. What
    finds no room is dropped: that is on purpose, and does not count among what may not be."""
    flows = []
    while not flows:
        edit(soak)
        flows = diverted(soak)
    number, source, target = soak.random.choice(flows)
    netfilter = soak.cluster.worlds[number].netfilter
    with soak.outage(number=number):
        before = netfilter.refused()
        with outage_event.standing_still(soak.daemons[number]):
            fill(soak, netfilter, source, target)
            time.sleep(soak.random.uniform(0, MOST_ASLEEP))
        wait_until(lambda: netfilter.waiting() < outage_event.QUEUE_MAX_LEN,
                   "the queues have room again")
        soak.refused[number] += netfilter.refused() - before


def diverted(soak):
    """(node by its number, source, target) of flows that are asked for on that node: both ends
    are pods, and the first isolated one is there."""
    oracle = soak.history.last.oracle
    seats = [seat for seat in soak.seats.all if oracle.has_pod(seat.addresses["4"])]
    senders, receivers = ([seat for seat in seats if seat.addresses["4"] in oracle.isolated(way)]
                          for way in ("Egress", "Ingress"))
    return [(soak.cluster.worlds.index((source if source in senders else target).half),
             source, target) for source, target in itertools.permutations(seats, 2)
            if source in senders or target in receivers]


def fill(soak, netfilter, source, target):
    """Datagrams, to a port that no answer is remembered for, until no queue has room, and one
    of them has found none."""
    port, before = soak.random.randrange(*FILL_PORTS), netfilter.refused()
    deadline = time.monotonic() + outage_event.FILL_S
    while netfilter.waiting_least() < outage_event.QUEUE_MAX_LEN or netfilter.refused() == before:
        if time.monotonic() > deadline:
            raise netns.CommandError(f"no full queue within {outage_event.FILL_S} s")
        for cpu in os.sched_getaffinity(0):
            for address in target.addresses.values():
                source.agent.call("send_many", address=address, port=port, cpu=cpu,
                                  count=outage_event.QUEUE_MAX_LEN // 2)


def wait_until(is_so, words):
    deadline = time.monotonic() + daemon.PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise netns.CommandError(f"that is not so within {daemon.PATIENCE} s: {words}")
        time.sleep(0.01)


def pause(soak):
    """Everything passes on a node, and what stands goes on, for a second. Then all is judged
    anew: what came in meanwhile is cut."""
    with soak.outage() as number:
        soak.cluster.worlds[number].node.run(*PAUSE, "--for=1s", "--reason=soak")
        soak.daemons[number].wait_in_force()


def edit_in_pause(soak):
    """The other node obeys at once, this one when somebody ends the pause."""
    with soak.outage() as number:
        node, log = soak.cluster.worlds[number].node, soak.daemons[number].log
        start = len(log.lines)
        node.run(*PAUSE, "--for=1m", "--reason=soak")

        def end():
            log.wait(lambda line, _at: line if "taken up: " in line else None, start)
            time.sleep(soak.random.uniform(0, MOST_ASLEEP))
            node.run(*PAUSE, "--end")
            return time.monotonic()
        soak.change(soak.drawn.edit(), hindered=end)


def flush_rules(soak):
    with soak.outage() as number:
        log = soak.daemons[number].log
        start = len(log.lines)
        outage_event.flush_rules(soak.cluster.worlds[number])
        for word in RULES_BACK:
            log.wait(lambda line, _at, word=word:
                     line if f"{word}: they are put up again" in line else None, start)


def flush_sets(soak):
    with soak.outage() as number:
        netfilter = soak.cluster.worlds[number].netfilter
        before, deadline = netfilter.sets(), time.monotonic() + MEND_S
        outage_event.flush_sets(soak.cluster.worlds[number])
        while netfilter.sets() != before and time.monotonic() < deadline:
            time.sleep(0.05)


def forget(soak):
    """What is met in its middle is asked both ways, so that no stream could be revoked then."""
    with soak.outage(ended=("TCP", "UDP")) as number:
        outage_event.forget(soak.cluster.worlds[number])


def fill_tracking(soak):
    """Nothing new is tracked, and so nothing new gets through. To make room the kernel gives up
    flows of UDP that have not lasted for some seconds."""
    with soak.outage(ended=("UDP",)) as number:
        node = soak.cluster.worlds[number].node
        node.call("fill_tracked")
        time.sleep(soak.random.uniform(0, MOST_ASLEEP))
        node.call("empty_tracked")


@dataclasses.dataclass
class Disturbance:
    """@make  make(soak) does it"""
    name: str
    weight: int  # how often, beside the others
    make: object
    renews: bool = False  # netpold is another process afterwards


TABLE = [
    Disturbance("policies, labels and pods are edited", 12, edit),
    Disturbance("netpold is killed and started again", 1, kill, renews=True),
    Disturbance("netpold is ended and started again", 1, restart, renews=True),
    Disturbance("another netpold takes over", 1, hand_over, renews=True),
    Disturbance("edits follow each other without a pause", 1, edits_without_pause),
    Disturbance("a pod moves to another address", 3, move),
    Disturbance("netpold is stopped and goes on", 1, sleep),
    Disturbance("its workers stand still", 1, stand_still),
    Disturbance("its queues are full", 1, overload),
    Disturbance("enforcement is paused for a second", 1, pause),
    Disturbance("policies, labels and pods are edited in a pause", 1, edit_in_pause),
    Disturbance("its rules are flushed", 1, flush_rules),
    Disturbance("its sets are flushed", 1, flush_sets),
    Disturbance("connection tracking is flushed", 1, forget),
    Disturbance("connection tracking is full", 1, fill_tracking),
]


def draw(random, n_done, may_renew):
    """Each once, and then by lot. @may_renew: else only what leaves the process alone"""
    if n_done < len(TABLE):
        return TABLE[n_done]
    chosen = [one for one in TABLE if may_renew or not one.renews]
    return random.choices(chosen, [one.weight for one in chosen])[0]
