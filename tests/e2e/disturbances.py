# SPDX-License-Identifier: GPL-2.0-or-later
"""What a soak does to a cluster while everybody talks: one table.

A disturbance is done by the one thread that makes changes, and returns once it is
over. What it does to the manifests goes through soak.change(), so that it is
known what to expect when; what it does besides has to leave that true.
"""

import dataclasses

IN_A_ROW = 5  # edits


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


@dataclasses.dataclass
class Disturbance:
    """@make  make(soak) does it"""
    name: str
    weight: int  # how often, beside the others
    make: object


TABLE = [
    Disturbance("policies, labels and pods are edited", 12, edit),
    Disturbance("edits follow each other without a pause", 1, edits_without_pause),
    Disturbance("a pod moves to another address", 3, move),
]


def draw(random, n_done):
    """Each once, and then by lot."""
    if n_done < len(TABLE):
        return TABLE[n_done]
    return random.choices(TABLE, [one.weight for one in TABLE])[0]
