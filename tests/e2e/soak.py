#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything at once, for as long as one likes, and every outcome is checked.

Two nodes, one routed with iptables-nft, one bridged with iptables-legacy, four
pods each, and a host outside; netpold on both nodes, of which one, drawn, holds packets
of pods that are not known yet (--hold-unknown). While all call each other
(callers.py) and streams go on (lasting.py), one thing after the other is
disturbed (disturbances.py). What has to come of a call or a stream is what the
oracle says of the manifests at that moment (history.py). At the end nothing has
grown, and the daemons have counted nothing that they could not judge.

SOAK_SECONDS is how long, SOAK_MAX_GROWTH_KIB how much a daemon may grow, which with a
sanitizer is more. NETPOLD_SEED chooses what is drawn. What is drawn is the
same for one seed, when it happens is not. The topology is drawn in cluster.py.
"""

import collections
import contextlib
import json
import os
import queue
import random
import re
import signal
import time

import callers
import churn
import cluster
import daemon
import disturbances
import history
import lasting
import netns
import observer
import seats
import stalls
import tap
import vitals
import world

SECONDS = float(os.environ.get("SOAK_SECONDS", 600))
LONG = 300             # seconds
MAX_PAUSE = 1.5        # seconds between two disturbances
MAX_LAG = 0.05         # seconds that one node hears of a change before the other
SAMPLE_EVERY = 1.0     # seconds
TELL_EVERY = 30.0      # seconds
MANY = 20              # mistakes, with which there is no point in going on
TOLD = 5               # mistakes that are told in full
MAX_GROWTH_KIB = int(os.environ.get("SOAK_MAX_GROWTH_KIB", 512))  # of a daemon, in the whole run
MAY_RENEW = 1 / 6       # of the run, until when daemons are started again
MAX_LEFT = 20           # connections of a node, after the last caller has gone
MAX_LONGER = 2          # times as long as asked for, where what is drawn makes it necessary

# The name of a port is another number in every other pod.
PORTS = ((("http", 8080, "TCP"), ("admin", 8081, "TCP"), ("query", 9000, "UDP")),
         (("http", 8081, "TCP"), ("admin", 8080, "TCP")))
LISTENS = (("tcp", 8080), ("tcp", 8081), ("udp", 9000))
# Connections are forgotten soon, so that their number is soon what it stays.
FORGET = ("generic_timeout=5", "icmp_timeout=5", "icmpv6_timeout=5", "udp_timeout=5",
          "udp_timeout_stream=10", *(f"tcp_timeout_{state}=5" for state in (
              "syn_sent", "syn_recv", "fin_wait", "close_wait", "last_ack", "time_wait",
              "close", "unacknowledged", "max_retrans")), "tcp_timeout_established=10")
WORDS = {True: "an answer at once", False: "silence"}
FORGOTTEN = 90  # seconds within which they are
COMPLAINT = re.compile(r"netpold: (error|warning): ")
PROVOKED = re.compile(  # by what we do
    "netpold: warning: (somebody had changed |enforcement is PAUSED until |"
    "packets of an address that no pod has are dropped)")
HOLD_MS = 900
STOPPED = re.compile(r"netpold: stopped: (?P<counters>[a-z=\d ]+);")


class Soak:
    def __init__(self, cluster_, seed):
        self.cluster = cluster_
        self.random = random.Random(seed)
        self.seats = seats.Seats(cluster_)
        self.outside = cluster_["outside"]
        others = [*(address for half in cluster_.worlds
                    for address in half.site.out(10).values()), *self.seats.vacant]
        self.drawn = churn.Churn(seed, {
            seat.name: (seat.half.node_name, list(seat.addresses.values()))
            for seat in self.seats.all}, PORTS, others)
        self.history = history.History()
        self.stalls = stalls.Stalls()
        self.judge = callers.Judge(self.history, self.seats, self.stalls)
        self.lasting = lasting.Lasting(self, random.Random(f"{seed} streams"))
        self.calls = queue.SimpleQueue()  # lists of them, to be judged
        self.callers = [callers.Caller(self, seat, seed) for seat in [*self.seats.all, None]]
        self.done = collections.Counter()  # disturbances
        self.wrong_sets = []
        self.refused = [0 for _ in cluster_.worlds]  # packets, by queues that we filled
        self.stops = []  # (node, exit status, log) of daemons that were to end in order
        self.handed = []  # the same of those that another has taken over from
        self.logs = []   # (node, log) of those that were killed
        # The node where pods have to be known, by its number; on the other one who is not
        # known is nobody.
        self.holding = self.random.randrange(len(cluster_.worlds))
        site = cluster_.worlds[self.holding].site
        self.ranges = [site.network(family) for family in "46"]
        self.over = False
        self.sampled = self.told = 0.0

    # ---- changes ----

    def start(self):
        """Both daemons, and the first state."""
        state = history.State(0, "the start", self.drawn.objects(), self.ranges)
        state.written = state.due = time.monotonic()
        self.cluster.put("cluster", state.objects)
        self.daemons = cluster.Daemons(self.cluster, of_node={
            self.cluster.worlds[self.holding].node_name:
            (f"--hold-unknown={HOLD_MS}", f"--pod-cidr={','.join(self.ranges)}")})
        return state

    def change(self, words, moved=None, hindered=None):
        """What is drawn now becomes what the manifests say; returns when it is in force.
        @hindered  once it is written, takes away what keeps a node from obeying; returns when"""
        self.lasting.before_change(moved)
        state = history.State(self.history.last.number + 1, words, self.drawn.objects(),
                              self.ranges)
        state.written = time.monotonic()
        self.history.states.append(state)
        halves = self.random.sample(self.cluster.worlds, len(self.cluster.worlds))
        for number, half in enumerate(halves):
            if number:
                time.sleep(self.random.uniform(0, MAX_LAG))
            half.folder.put("cluster", *state.objects)
        state.due = hindered() if hindered else state.written
        state.in_force = max(change.at for change in self.daemons.wait_in_force())
        self.lasting.after_change(state)

    @contextlib.contextmanager
    def outage(self, ended=(), number=None):
        """Something goes wrong on a node, by its number: nothing is expected of new flows
        until it is over.
        @ended  protocols of which no stream outlives it"""
        self.lasting.before_outage(ended)
        times = [time.monotonic(), float("inf")]
        self.history.outages.append(times)
        yield self.random.randrange(len(self.cluster.worlds)) if number is None else number
        times[1] = time.monotonic()

    def restart(self, number, how):
        status, log = self.daemons.restart(number, how)
        self.refused[number] = 0  # its queues are others
        name = self.cluster.worlds[number].node_name
        if how == signal.SIGTERM:
            self.stops.append((name, status, log))
        else:
            self.logs.append((name, log))
        self.vitals.warm_up()

    def hand_over(self):
        number = self.random.randrange(len(self.cluster.worlds))
        status, log = self.daemons.hand_over(number)
        self.handed.append((self.cluster.worlds[number].node_name, status, log))
        self.vitals.warm_up()

    def mistakes(self):
        return [*self.judge.wrong, *self.lasting.wrong, *self.wrong_sets]

    # ---- between them ----

    def judge_calls(self):
        while not self.calls.empty():
            for call in self.calls.get():
                self.judge.judge(call)

    def check_sets(self):
        """Pods that are isolated are diverted, and nobody else; and pods are known."""
        for half in self.cluster.worlds:
            own = {address for seat in self.seats.all if seat.half is half
                   for address in self.drawn_addresses(seat)}
            sets = half.netfilter.sets()
            for direction in ("egress", "ingress"):
                expected = sorted(own & self.history.last.oracle.isolated(direction.capitalize()))
                got = sorted(member for family in "46"
                             for member in sets[f"netpold-{direction}-{family}"])
                if expected != got:
                    self.wrong_sets.append((
                        f"{half.node_name}, {direction}, after change "
                        f"{self.history.last.number}", expected, got))
            if half is self.cluster.worlds[self.holding]:
                expected = sorted(own | set(half.site.gateway.values()))
                got = sorted(sets["netpold-known-4"] + sets["netpold-known-6"])
                if expected != got:
                    self.wrong_sets.append((f"{half.node_name}, known", expected, got))

    def drawn_addresses(self, seat):
        return self.drawn.pods[seat.name][1] if seat.name in self.drawn.pods else []

    def look(self, vitals_, comment):
        now = time.monotonic()
        if now >= self.sampled + SAMPLE_EVERY:
            self.sampled = now
            vitals_.sample()
            self.check_sets()
        if now >= self.told + TELL_EVERY:
            self.told = now
            comment(f"{now - self.began:.0f} s: {self.history.last.number} changes, "
                    f"{sum(self.judge.counts.values())} calls, {self.lasting.n_kept} streams "
                    f"kept, {self.lasting.n_cut} cut, {len(self.mistakes())} mistakes")

    # ---- the run ----

    def goes_on(self, seconds):
        """Until the time is up and everything has happened once, or too much is wrong. If what
        is drawn leaves out a kind of outcome until then, it goes on for some more."""
        now = time.monotonic()
        return len(self.mistakes()) < MANY and (
            now < self.began + seconds
            or sum(self.done.values()) < len(disturbances.TABLE)
            or bool(self.unseen()) and now < self.began + MAX_LONGER * seconds)

    def unseen(self):
        """The kinds of outcome that no call and no stream has had yet."""
        calls = {(protocol, family, outcome) for protocol in ("tcp", "udp", "icmp")
                 for family in "46" for outcome in ("answered", "silent")}
        streams = {"a stream that is kept": self.lasting.n_kept,
                   "a stream that is cut": self.lasting.n_cut}
        return [*sorted(calls - set(+self.judge.counts)),
                *(words for words, n_seen in streams.items() if not n_seen)]

    def run(self, seconds, comment):
        first = self.start()
        with self.daemons, self.stalls:
            self.began = time.monotonic()
            first.in_force = self.began
            self.history.states.append(first)
            self.lasting.after_change(first)
            for caller in self.callers:
                caller.start()
            self.vitals = vitals.Vitals(self._sources(), seconds)
            while self.goes_on(seconds):
                # What a process grows by is seen while it stays the same one.
                one = disturbances.draw(self.random, sum(self.done.values()),
                                        time.monotonic() < self.began + seconds * MAY_RENEW)
                one.make(self)
                self.done[one.name] += 1
                self.judge_calls()
                self.look(self.vitals, comment)
                time.sleep(max(0.0, self.random.uniform(-MAX_PAUSE, MAX_PAUSE)))
            self._end()

    def _sources(self):
        found = {}
        for number, half in enumerate(self.cluster.worlds):
            found[f"KiB of the daemon of {half.node_name}"] = \
                lambda number=number: vitals.writable_kib(self.daemons[number].process.pid)
            found[f"connections of {half.node_name}"] = \
                lambda node=half.node: vitals.n_connections(node)
        return found

    def _end(self):
        self.over = True
        for caller in self.callers:
            caller.thread.join(daemon.PATIENCE)
        self.lasting.finish()
        self.judge_calls()
        self.check_sets()
        self.left = [self._wait_forgotten(half.node) for half in self.cluster.worlds]
        self.dropped = [half.netfilter.dropped() - refused
                        for half, refused in zip(self.cluster.worlds, self.refused)]
        self.held = self._held(self.holding)
        self.stops += [(half.node_name, one.stop(signal.SIGTERM), one.log.text())
                       for half, one in zip(self.cluster.worlds, self.daemons.daemons)]

    def _held(self, number):
        """What became of packets that were held on a node: how many it were, by their fate."""
        found = observer.metrics(self.cluster.worlds[number])
        return {fate: found[f"netpold_held_packets_{fate}_total"]
                for fate in ("released", "timed_out", "overflowed")}

    @staticmethod
    def _wait_forgotten(node):
        """How many connections a node has in the end. After a table that was full the kernel
        looks for those whose time is up once a minute; who lists them takes them out."""
        deadline = time.monotonic() + FORGOTTEN
        while (left := vitals.n_connections(node)) > MAX_LEFT and time.monotonic() < deadline:
            node.run("conntrack", "-L")
            time.sleep(0.2)
        return left


# ---- the checks --------------------------------------------------------------

def tell_mistakes(tap_, soak):
    """What it takes to understand them; of each state that matters its manifests."""
    start, states = soak.began, {}
    for call, verdicts, seen in soak.judge.wrong[:TOLD]:
        tap_.comment(f"{call.words()}: expected {' or '.join(WORDS[one] for one in verdicts)}, "
                     f"seen {call.outcome or 'silence'} after "
                     f"{call.ended - call.began:.3f} s; it began at {call.began - start:.3f} s")
        for state in seen:
            tap_.comment(f"  {history.words_of(state, start)}: egress and ingress "
                         f"{state.sides(call.flow)}")
            states[state.number] = state
    for sentence, stream, report in soak.lasting.wrong[:TOLD]:
        tap_.comment(f"{stream.name}: it {sentence}; seen: {report}; all began at {start:.3f} s")
        for state in filter(None, (stream.began, stream.revoked)):
            tap_.comment(f"  {history.words_of(state, start)}")
            states[state.number] = state
    for number, state in sorted(states.items()):
        tap_.comment(f"manifests of change {number}: {json.dumps(state.objects)}")


def check_outcomes(tap_, soak):
    judge, streams = soak.judge, soak.lasting
    tap_.comment(f"{judge.n_exact} calls with one right outcome, {judge.n_either} during a "
                 f"change, so that either was right, {judge.n_troubled} while something went wrong, "
                 f"{judge.n_vacant} of which an end was not at home; "
                 f"the slowest answer took {judge.slowest_ms:.0f} ms")
    tap_.comment(f"{streams.n_kept} streams kept, {streams.n_cut} cut, {streams.n_messages} "
                 f"messages; the latest answer of one that was cut came {streams.latest_ms:.0f} ms "
                 "after the change was written")
    tap_.comment(soak.stalls.words())
    tap_.equal("every call has the outcome that the oracle gives for its moment", [],
               [call.words() for call, *_ in judge.wrong])
    for sentence in ("stays allowed, and loses no message",
                     "is allowed, and can be opened",
                     "is revoked, and gets no answer from then on",
                     "is revoked, and silent within a second",
                     "loses no message until it is revoked"):
        tap_.equal(f"every stream that {sentence}", [],
                   [stream.name for what, stream, _ in streams.wrong if what == sentence])
    tap_.equal("who is isolated is in the sets, and nobody else", [], soak.wrong_sets)
    if soak.mistakes():
        tell_mistakes(tap_, soak)


def check_happened(tap_, soak):
    """A soak in which nothing happens would find nothing."""
    tap_.equal("the callers call to the end", [],
               [f"{caller.name}: {caller.error or 'it hangs'}" for caller in soak.callers
                if caller.error or caller.thread.is_alive()])
    tap_.equal("each disturbance happens", [],
               [one.name for one in disturbances.TABLE if not soak.done[one.name]])
    tap_.equal("calls are answered and not, over each protocol and family, and streams are kept, "
               "and cut", [], soak.unseen())
    tap_.comment(f"held for pods: {soak.held}")
    # What a process has held that was killed is not known: in a short run that may be all.
    tap_.true("in a long run packets are held for pods that are not known",
              SECONDS < LONG or sum(soak.held.values()) > 0, "some", soak.held)


def check_growth(tap_, soak):
    for name in soak.vitals.sources:
        tap_.comment(soak.vitals.words(name))
        grown = vitals.growth(soak.vitals.warm(name))
        if name.startswith("KiB"):
            tap_.true(f"{name} do not grow", grown < MAX_GROWTH_KIB,
                      f"less than {MAX_GROWTH_KIB}", f"{grown:.0f}")
    tap_.true("with who made them, connections go", max(soak.left) <= MAX_LEFT,
              f"at most {MAX_LEFT} on each node", soak.left)


def complaints(log):
    return [line for line in log.splitlines()
            if COMPLAINT.match(line) and not PROVOKED.match(line)]


def check_stopped(tap_, soak):
    tap_.equal("no queue dropped a packet but those that we filled",
               [0 for _ in soak.dropped], soak.dropped)
    ended = soak.stops + soak.handed
    tap_.equal("each daemon ends in order", [0 for _ in ended], [status for _, status, _ in ended])
    for name, _, log in soak.stops:
        found = STOPPED.search(log)
        counters = dict(word.split("=") for word in found["counters"].split()) if found else {}
        tap_.comment(f"{name}: {counters}")
        tap_.equal(f"a daemon of {name} could judge everything", ("0", "0"),
                   (counters.get("unparsable"), counters.get("overruns")))
    tap_.equal("no daemon complains of anything but what we provoke", [],
               [f"{name}: {line}" for name, log in [*((name, log) for name, _, log in ended),
                                                    *soak.logs] for line in complaints(log)])


def test(tap_):
    seed = int(os.environ.get("NETPOLD_SEED", time.time_ns() // 1000000))
    halves = [[world.PodSpec(f"{letter}{number}", listens=LISTENS)
               for number in range(seats.SEATS)] for letter in "ab"]
    with cluster.Cluster.mixed(world.CROSS, *halves) as cluster_:
        tap_.comment(f"NETPOLD_SEED={seed}, {cluster_.name}, {SECONDS:.0f} s")
        for half in cluster_.worlds:
            half.node.sysctl(*(f"net/netfilter/nf_conntrack_{setting}" for setting in FORGET))
            half.netfilter.keep_tracking()
        soak = Soak(cluster_, seed)
        try:
            soak.run(SECONDS, tap_.comment)
        except (daemon.DaemonError, netns.CommandError):
            check_outcomes(tap_, soak)
            raise
    check_outcomes(tap_, soak)
    check_happened(tap_, soak)
    check_growth(tap_, soak)
    check_stopped(tap_, soak)


if __name__ == "__main__":
    tap.main(test)
