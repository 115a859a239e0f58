# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of packets made by hand, and whether they arrive.

Looked at is the wire of the receiver, because its stack throws most of them
away. Each row has a number of its own in its packets; all rows are sent at
once, those that should arrive are waited for, the others a short while.
"""

import collections
import dataclasses

import tap

PATIENCE_MS = 5000
QUIET_MS = 200

ARRIVES = "arrives"
DROPPED = "dropped"


@dataclasses.dataclass
class Parcel:
    """A row; its name is a sentence that is true when it passes.

    @build(source, target, token)  the packets to send, given two addresses; those
                                   count that hold the token
    """
    name: str
    source: str
    target: str
    build: collections.abc.Callable
    expected: str
    families: tuple = ("4", "6")


def _via(world, parcel, family):
    """Pods on a bridge are neighbours, others know only their node."""
    neighbour = parcel.target if world.layout == "bridge" and world[parcel.target].spec else "node"
    return world.address(neighbour, family)


def send(world, parcels, word):
    """Returns {(row, family): "arrives" or "dropped"}; the word is for this once."""
    numbered = [(number, family, parcels[number // 2])
                for number in range(2 * len(parcels))
                for family in ["46"[number % 2]] if family in parcels[number // 2].families]
    targets = {parcel.target for parcel in parcels}
    for target in targets:
        world[target].call("count", word=word)
    frames = collections.defaultdict(list)
    for number, family, parcel in numbered:
        packets = parcel.build(world.address(parcel.source, family),
                               world.address(parcel.target, family), f"{word} {number};".encode())
        frames[parcel.source, _via(world, parcel, family)] += [data.hex() for data in packets]
    for (source, via), group in frames.items():
        world[source].call("send_frames", frames=group, via=via)
    came = {}
    for target in targets:
        due = [number for number, _, parcel in numbered
               if parcel.target == target and parcel.expected == ARRIVES]
        world[target].call("counted", word=word, numbers=due, timeout_ms=PATIENCE_MS)
        never = [-1]
        came[target] = dict(world[target].call("counted", word=word, numbers=never,
                                               timeout_ms=QUIET_MS))
    return {(number // 2, family): ARRIVES if came[parcel.target].get(number) else DROPPED
            for number, family, parcel in numbered}


def check_all(tap_: tap.Tap, world, parcels, word):
    """One check for each row and family."""
    for (row, family), got in send(world, parcels, word).items():
        tap_.equal(f"IPv{family}: {parcels[row].name}", parcels[row].expected, got)
