# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of connections to try, each with the outcome that is right.

A denied packet is dropped in silence, so a denial shows as a time-out; where
somebody tells instead that there is no way, it is refused. An allowed connection
is given a long time, so that a slow machine fails nothing; a denied one a short
time, which is the only wait there is; a refused one less than it takes TCP to send
its SYN again, so that the first one was answered. All rows and both families are
tried at once.
"""

import dataclasses

import netns
import traffic

ALLOWED_MS = 5000
DENIED_MS = 500
REFUSED_MS = 900

ALLOWED = "allowed"
DENIED = "denied"
REFUSED = traffic.REFUSED

PATIENCE_MS = {ALLOWED: ALLOWED_MS, DENIED: DENIED_MS, REFUSED: REFUSED_MS}


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
    patience_ms: int = None      # as what is expected needs it, unless said


def outcome(result):
    """What a try has shown: an answer, silence, a refusal, or another error's words."""
    if result["ok"]:
        return ALLOWED
    return DENIED if result["error"] == traffic.NO_ANSWER else result["error"]


def begin(world, probe, family):
    address = (probe.address or {}).get(family) or world.address(probe.target, family)
    return world[probe.source].begin(
        "try_once", protocol=probe.protocol, address=address, port=probe.port,
        source=(probe.source_address or {}).get(family, ""),
        timeout_ms=probe.patience_ms or PATIENCE_MS.get(probe.expected, ALLOWED_MS))


def begin_all(world, probes):
    """Try every row in its families; check_begun() sees what has become of it."""
    return [(probe, family, begin(world, probe, family))
            for probe in probes for family in probe.families]


def check_begun(tap, begun):
    """One check for each row and family."""
    for probe, family, future in begun:
        tap.equal(f"IPv{family}: {probe.name}", probe.expected,
                  outcome(future.result(netns.ANSWER_TIMEOUT)))


def check_all(tap, world, probes):
    """Try every row in its families, and wait for it."""
    check_begun(tap, begin_all(world, probes))


def check_all_allowed(tap, world, name, probes):
    """Before any policy: every row gets through, or later denials prove nothing."""
    begun = begin_all(world, [dataclasses.replace(probe, expected=ALLOWED) for probe in probes])
    stuck = [f"{probe.source} to {probe.target}, {probe.protocol} {probe.port}, IPv{family}: {got}"
             for probe, family, future in begun
             if (got := outcome(future.result(netns.ANSWER_TIMEOUT))) not in
             (ALLOWED, REFUSED)]
    tap.equal(name, [], stuck)
