# SPDX-License-Identifier: GPL-2.0-or-later
"""What a soak does to a cluster while everybody talks: one table.

A disturbance is done by the one thread that makes changes, and returns once it is
over. What it does to the manifests goes through soak.change(), so that it is
known what to expect when. What it does besides goes through soak.outage(): until that
is over nothing is expected of new flows, and afterwards all is as it was.

Of what outage.py names, a connection tracking that is full is missing here: to fill one
takes longer than all the others, and is nothing that traffic could get mixed up with.
"""

import dataclasses
import signal
import time

import outage_event

IN_A_ROW = 5       # edits
MOST_ASLEEP = 0.5  # seconds
MEND_S = 10        # what is flushed is put right within five
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
    with soak.outage(all_end=True) as number:
        outage_event.forget(soak.cluster.worlds[number])


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
    Disturbance("its rules are flushed", 1, flush_rules),
    Disturbance("its sets are flushed", 1, flush_sets),
    Disturbance("connection tracking is flushed", 1, forget),
]


def draw(random, n_done, may_renew):
    """Each once, and then by lot. @may_renew: else only what leaves the process alone"""
    if n_done < len(TABLE):
        return TABLE[n_done]
    chosen = [one for one in TABLE if may_renew or not one.renews]
    return random.choices(chosen, [one.weight for one in chosen])[0]
