# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams of numbered messages and their echoes, over many flows at once."""

import netns

EVERY_MS = 4


def _each_family(flows):
    return [(flow, family) for flow in flows for family in "46"]


def _name(flow, family):
    _, target, protocol, port = flow
    return f"{protocol.upper()} {port} over IPv{family} to {target}"


class Streams:
    """Streams of numbered messages, one for each flow and family."""

    def __init__(self, world_, flows, wait=True):
        """@wait  until all are open; else keep_opened() is to be called"""
        self.world = world_
        self.streams = []  # (source, name)
        self.opening = []
        for flow, family in _each_family(flows):
            source, target, protocol, port = flow
            self.streams.append((source, _name(flow, family)))
            self.opening.append(world_[source].begin(
                "stream", name=_name(flow, family), protocol=protocol, every_ms=EVERY_MS,
                address=world_.address(target, family), port=port))
        if wait:
            for future in self.opening:
                future.result(netns.ANSWER_TIMEOUT)

    def part(self, flows):
        """Those of some of the flows."""
        some = Streams(self.world, [])
        wanted = {(flow[0], _name(flow, family)) for flow, family in _each_family(flows)}
        some.streams = [stream for stream in self.streams if stream in wanted]
        return some

    def keep_opened(self):
        """Go on with those that could be opened, if any."""
        self.streams = [stream for stream, future in zip(self.streams, self.opening)
                        if future.exception(netns.ANSWER_TIMEOUT) is None]

    def names(self):
        return [f"{name} from {source}" for source, name in self.streams]

    def each(self, op, **arguments):
        """[(which stream, the agent's answer)]"""
        answers = [self.world[source].begin(op, name=name, **arguments)
                   for source, name in self.streams]
        return list(zip(self.names(), (answer.result(netns.ANSWER_TIMEOUT)
                                       for answer in answers)))

    def flowing(self, since, count=10, timeout_ms=15000):
        """Which of them carry messages that were sent after that time."""
        return [name for name, n in self.each("stream_wait", count=count, since=since,
                                              timeout_ms=timeout_ms) if n >= count]
