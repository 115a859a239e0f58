# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of connections to try, each with the outcome that is right.

A denied packet is dropped in silence, so a denial shows as a time-out. An
allowed connection is given a long time, so that a slow machine fails nothing;
a denied one a short time, which is the only wait there is. All rows and both
families are tried at once.
"""

import dataclasses

import netns
import traffic

ALLOWED_MS = 5000
DENIED_MS = 500

ALLOWED = "allowed"
DENIED = "denied"


@dataclasses.dataclass
class Probe:
    """A row of a table; its name is a sentence that is true when it passes."""
    name: str
    source: str
    target: str
    protocol: str
    port: int
    expected: str
    address: dict = None         # by family; the target's, unless said otherwise
    source_address: dict = None  # by family; the kernel's choice, unless said
    families: tuple = ("4", "6")


def outcome(result):
    """What a try has shown: an answer, silence, or something else."""
    if result["ok"]:
        return ALLOWED
    return DENIED if result["error"] == traffic.NO_ANSWER else result["error"]


def begin(world, probe, family):
    address = (probe.address or {}).get(family) or world.address(probe.target, family)
    return world[probe.source].begin(
        "try_once", protocol=probe.protocol, address=address, port=probe.port,
        source=(probe.source_address or {}).get(family, ""),
        timeout_ms=DENIED_MS if probe.expected == DENIED else ALLOWED_MS)


def check_all(tap, world, probes):
    """Try every row in its families; one check for each."""
    begun = [(probe, family, begin(world, probe, family))
             for probe in probes for family in probe.families]
    for probe, family, future in begun:
        tap.equal(f"IPv{family}: {probe.name}", probe.expected,
                  outcome(future.result(netns.ANSWER_TIMEOUT)))


def check_all_allowed(tap, world, name, probes):
    """Before any policy: every row gets through, or later denials prove nothing."""
    begun = [(probe, family, begin(world, dataclasses.replace(probe, expected=ALLOWED), family))
             for probe in probes for family in probe.families]
    stuck = [f"{probe.source} to {probe.target}, {probe.protocol} {probe.port}, IPv{family}: {got}"
             for probe, family, future in begun
             if (got := outcome(future.result(netns.ANSWER_TIMEOUT))) not in
             (ALLOWED, traffic.REFUSED)]
    tap.equal(name, [], stuck)
