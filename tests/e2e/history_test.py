#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a soak expects of a call, by when it was made; and what it calls growth.

Three states, of which the second is written at 10 and in force at 12, the third
at 20 and 22. What each says of a flow is made up here. Something goes wrong from 30 to
40. Where pods have to be known, who is not waits.
"""

import history
import manifests
import tap
import vitals

FLOW = ("10.0.0.1", "10.0.0.2", "TCP", 80)
TIMES = ((0, 0), (10, 12), (20, 22))

BETWEEN = [
    # (sentence, began, ended, states)
    ("before a change is written there is one state", 5, 9, [0]),
    ("while it comes into force there are two", 11, 11.5, [0, 1]),
    ("who began before it was in force may have met the old one", 11, 15, [0, 1]),
    ("who began when it was in force has met the new one", 12, 15, [1]),
    ("who ended before it was written has met the old one", 9, 9.9, [0]),
    ("a call across two changes may have met all three", 9, 21, [0, 1, 2]),
    ("after the last change there is the last state", 30, 40, [2]),
]

A, E, I, N = (True, True), (True, False), (False, True), (False, False)
POSSIBLE = [
    # (sentence, what the ends say in each state, on one node, verdicts)
    ("one state has one verdict, to allow", [A], False, {True}),
    ("one state has one verdict, to deny", [E], False, {False}),
    ("of two that agree there is one verdict", [A, A], False, {True}),
    ("of two that do not there are both", [A, N], True, {True, False}),
    ("one node goes by one state: both deny", [E, I], True, {False}),
    ("two nodes go by one each: both ends may allow", [E, I], False, {True, False}),
    ("where one end never allows, nothing is", [E, N], False, {False}),
]

TROUBLED = [
    # (sentence, began, ended, troubled)
    ("what ends before an outage is not touched by it", 1, 29, False),
    ("what lasts into one is", 1, 31, True),
    ("what lasts from before it until after it is", 1, 50, True),
    ("what begins in it is", 39, 50, True),
    ("what begins after it is not", 41, 50, False),
]

RANGES = ("10.0.0.0/24", "fd00::/64")  # in which only 10.0.0.1 is a pod's
WAITING = [
    # (sentence, ends, what they say where no policy is)
    ("NP-67: who is known does not wait", ("10.0.0.1", "192.0.2.1"), (True, True)),
    ("NP-67: who sends and is nobody in the range waits", ("10.0.0.2", "10.0.0.1"), (False, True)),
    ("NP-67: who receives does, too", ("10.0.0.1", "10.0.0.2"), (True, False)),
    ("NP-67: in either family", ("fd00::2", "fd00::3"), (False, False)),
    ("NP-67: who is nobody elsewhere does not", ("10.0.1.2", "10.0.0.1"), (True, True)),
]

GROWTH = [
    # (sentence, values a second apart, growth)
    ("what stays does not grow", [7, 7, 7, 7], 0),
    ("what rises steadily grows by what it rises", [1, 2, 3, 4], 3),
    ("a peak in the middle is no growth", [0, 5, 5, 0], 0),
]


def states(sides):
    found = history.History()
    for number, (each, (written, in_force)) in enumerate(zip(sides, TIMES)):
        state = history.State(number, "a change", [])
        state.written, state.in_force = written, in_force
        state.answers[FLOW] = each
        found.states.append(state)
    return found


def test(tap_):
    for sentence, began, ended, expected in BETWEEN:
        found = states([A, A, A]).between(began, ended)
        tap_.equal(sentence, expected, [state.number for state in found])
    for sentence, sides, one_node, expected in POSSIBLE:
        tap_.equal(sentence, expected, history.possible(FLOW, states(sides).states, one_node))
    troubled = history.History()
    troubled.outages.append([30, 40])
    for sentence, began, ended, expected in TROUBLED:
        tap_.equal(sentence, expected, troubled.is_troubled(began, ended))
    known = history.State(0, "a change", [manifests.pod("one", "shop", "node-a", ["10.0.0.1"])],
                          RANGES)
    for sentence, ends, expected in WAITING:
        tap_.equal(sentence, expected, known.sides((*ends, "TCP", 80)))
    for sentence, values, expected in GROWTH:
        tap_.equal(sentence, expected, round(vitals.growth(list(enumerate(values))), 6))


if __name__ == "__main__":
    tap.main(test)
