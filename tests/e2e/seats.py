# SPDX-License-Identifier: GPL-2.0-or-later
"""The places of a cluster that pods can have, and their addresses, which change.

A seat is a namespace with its agent; what it is called says nothing of the pod
in it. Moved, it has the addresses of a number that was free. While it moves it
calls nobody, and nobody is at home at either address.
"""

import threading
import time

SEATS = 4   # of each node
FREE = 2    # numbers of each node without a seat
FIRST = 11  # number


class Seat:
    def __init__(self, half, name, number):
        self.half, self.name, self.number = half, name, number
        self.still = threading.Lock()  # held by who counts on it not to move

    @property
    def agent(self):
        return self.half[self.name]

    @property
    def addresses(self):
        return self.agent.addresses


class Seats:
    """@cluster  its pods, in the order in which they were numbered"""

    def __init__(self, cluster):
        self.all = [Seat(half, spec.name, FIRST + number) for half in cluster.worlds
                    for number, spec in enumerate(half.specs)]
        self.free = {half: [FIRST + len(half.specs) + number for number in range(FREE)]
                     for half in cluster.worlds}
        self.vacant = {address: [[0, float("inf")]] for half, numbers in self.free.items()
                       for number in numbers for address in half.site.pod(number).values()}

    def move(self, seat, random):
        """To one of the free numbers; the one it had is free then."""
        with seat.still:
            number = random.choice(self.free[seat.half])
            for address in seat.addresses.values():
                self.vacant.setdefault(address, []).append([time.monotonic(), float("inf")])
            seat.half.move(seat.name, seat.half.site.pod(number))
            for address in seat.addresses.values():
                self.vacant[address][-1][1] = time.monotonic()
            self.free[seat.half].remove(number)
            self.free[seat.half].append(seat.number)
            seat.number = number

    def at_home(self, address, began, ended):
        """Whether somebody was all the time, to answer."""
        return not any(start <= ended and began <= end
                       for start, end in self.vacant.get(address, []))
