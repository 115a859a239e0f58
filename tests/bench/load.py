# SPDX-License-Identifier: GPL-2.0-or-later
"""A thousand pod events a second from a real API server, and netpold in step or not.

    writer ── a pod's labels ──► etcd ──► API server ──► netpold
    caller ── a policy, a pod's address ─────► │            │
           ◄── a receipt, how many pods have an address ────┘

Pods in the namespaces of W(10) change their labels, some of them on the node itself,
to others that policies select by. They are written past the API server (storage.py):
what two CPUs cannot do besides is take so many calls. The policy and the address go
through the API, and their lag is from the call's return on: to what the receipt says,
and to when the daemon's status counts the pod. The two come by streams of their own,
which could differ. The address is also waited for by a watch of that pod alone: when
that one hears late, it is the server that is late. What netpold has not read yet, the
kernel keeps for its connection: much of that means that it is late in reading; none, that
the server is late, or what netpold does with it.
"""

import dataclasses
import itertools
import json
import pathlib
import statistics
import threading
import time
from datetime import datetime

import datapath
import fat_pods
import kube_server
import manifests
import memory
import netns
import observer
import sides
import storage
import sync
import workload
from manifests import pods, port, rule

RATE = 1000       # events a second
N_WRITERS = 4     # connections to etcd
N_PODS = 300
N_LOCAL = 30      # of them
VARIANTS = 10     # of a pod's labels
PERIOD_S = 0.25   # between two looks at the lag
BATCH = 100       # looks, whose 99th percentile is a sample
LATE_S = 60       # after which it will not catch up any more
# Between two looks whether something is so: 10 ms, or a twentieth of what it has taken so
# far. A look reads the whole status, a millisecond of CPU that the others lack; a pod's lag
# is told up to so much too long.
LOOK_S = 0.01
LOOK_SHARE = 0.05


@dataclasses.dataclass
class Load:
    """What it has come to."""
    policy_ms: list
    pod_ms: list
    told_ms: list  # until a bystander heard of the same pod, for each of pod_ms
    unread: list   # bytes that netpold had not read then, at most, while each was waited for
    cpus: float
    rss_mib: float


# ---- events ------------------------------------------------------------------

class Writer(threading.Thread):
    """Changes pods at an even pace until it is told to end."""

    def __init__(self, server, changes, rate):
        super().__init__(daemon=True)
        self.server, self.changes, self.rate = server, itertools.cycle(changes), rate
        self.n_written = 0
        self.late_s = 0.0  # at most
        self.error = None
        self.ended = threading.Event()

    def run(self):
        try:
            with storage.Storage(self.server) as kept:
                self._write(kept)
        except (OSError, netns.CommandError) as error:
            self.error = error

    def _write(self, kept):
        began = time.monotonic()
        while not self.ended.is_set():
            early_s = began + self.n_written / self.rate - time.monotonic()
            self.late_s = max(self.late_s, -early_s)
            if early_s > 0:
                time.sleep(early_s)
            kept.write(next(self.changes))
            self.n_written += 1


class Writers:
    """All of them. Use it in a with statement, which ends them."""

    def __init__(self, server, changes):
        self.writers = [Writer(server, changes[number::N_WRITERS], RATE / N_WRITERS)
                        for number in range(N_WRITERS)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.ended.set()
        for writer in self.writers:
            writer.join()

    def n_written(self):
        """After the end."""
        for writer in self.writers:
            sides.require(writer.error is None, f"events could not be written: {writer.error}")
        return sum(writer.n_written for writer in self.writers)

    def late_ms(self):
        return max(writer.late_s for writer in self.writers) * 1000


def _pod(number, variant):
    """Always another namespace, and the node's own first."""
    i, j = number % datapath.N_NAMESPACES, number // datapath.N_NAMESPACES
    node = "node-a" if number < N_LOCAL else f"node{j}"
    made = manifests.pod(f"busy{number}", f"ns{i}", node, [f"10.99.{i}.{j + 1}"],
                         workload.labels(j + variant), [("http", 8080, "TCP")])
    return fat_pods.fatten(made)


def _changes(fed, kept):
    """What writes each pod once, then each with the next labels, and so on. All of it is
    written once here, in JSON, so that the server can say in which bytes it keeps them:
    with JSON it could not keep pace."""
    changes = []
    for variant in range(VARIANTS):
        made = [_pod(number, variant) for number in range(N_PODS)]
        for item in made:
            kept.write(storage.request(item))
        changes += map(storage.request, made, fed.client.protobuf(made))
    return changes


# ---- lag ---------------------------------------------------------------------

class Asker:
    """netpold's status socket, and what netpold has not read of the server's."""

    def __init__(self, client, pid):
        self.client, self.pid = client, pid

    def n_pods(self):
        """That have an address, in what is in force."""
        return self.client.get("status")["pods"]

    def pod_events(self):
        """That were heard, not long ago."""
        return next(resource["events"] for resource in self.client.get("status")["source"][
            "resources"] if resource["name"] == "pods")

    def in_force_at(self, policy):
        """Since when a generation of a policy is in force: seconds of the wall clock."""
        metadata = policy["metadata"]
        question = {"receipt": {"namespace": metadata["namespace"], "name": metadata["name"],
                                "generation": metadata["generation"], "keep_ms": 1000}}
        deadline = time.monotonic() + LATE_S
        while time.monotonic() < deadline:
            self.client.say(json.dumps(question).encode() + b"\n")
            receipt = self.client.hear()["receipt"]
            if receipt["met"]:
                return datetime.fromisoformat(receipt["in_force_since"]).timestamp()
        raise sides.BenchError(f"a policy is not in force after {LATE_S} s")

    def unread(self):
        """Bytes that the kernel keeps for its fullest connection to the server, by IPv4. In
        /proc/net/tcp numbers are hexadecimal."""
        lines = pathlib.Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        connections = [line.split() for line in lines]
        kept = [int(fields[4].split(":")[1], 16) for fields in connections
                if int(fields[2].split(":")[1], 16) == kube_server.PORT]
        sides.require(kept, "netpold has no connection to the server")
        return max(kept)


def _policy(number):
    return manifests.policy("told", workload.LIVE_NAMESPACE, {"app": "a0"}, ingress=[
        rule([pods()], [port(20000 + number % 2)])])


def _policy_lag_ms(fed, asker, number):
    """It can be in force before the caller has his answer: that is no lag."""
    done = fed.client.apply(_policy(number))
    returned = time.time()
    return max(0.0, asker.in_force_at(done) - returned) * 1000


def _flag():
    """A pod that has an address, or none."""
    return manifests.pod("flag", workload.LIVE_NAMESPACE, "node8", ["10.99.200.1"])


class Bystander(threading.Thread):
    """When the server tells of each version of a pod: a plain watch, and nothing else."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.told, self.heard = client, {}, threading.Condition()

    def run(self):
        for event in self.client.follow("Pod", workload.LIVE_NAMESPACE, "flag"):
            with self.heard:
                self.told[event["object"]["metadata"].get("resourceVersion")] = time.monotonic()
                self.heard.notify()
            if event["type"] == "DELETED":
                return

    def told_at(self, pod):
        version = pod["metadata"]["resourceVersion"]
        with self.heard:
            sides.require(self.heard.wait_for(lambda: version in self.told, LATE_S),
                          f"the server has not told of a pod after {LATE_S} s")
            return self.told[version]


def _pod_lag_ms(fed, asker, bystander, number):
    """Until netpold has it in force, until the server told a bystander, and how many bytes
    lay unread meanwhile."""
    before, unread = asker.n_pods(), []
    addresses = ["10.99.200.1"] if number % 2 else None
    done = fed.client.patch("Pod", workload.LIVE_NAMESPACE, "flag", {"status": {
        "podIP": addresses and addresses[0],
        "podIPs": addresses and [{"ip": address} for address in addresses]}}, "/status")
    began = time.monotonic()
    wanted = before + (1 if addresses else -1)

    def is_in_force():
        unread.append(asker.unread())
        return asker.n_pods() == wanted
    _wait(is_in_force, "a pod's address is not in force")
    lag_ms = (time.monotonic() - began) * 1000
    return lag_ms, max(0.0, bystander.told_at(done) - began) * 1000, max(unread)


def _wait(is_so, otherwise):
    began = time.monotonic()
    while not is_so():
        waited_s = time.monotonic() - began
        sides.require(waited_s < LATE_S, f"{otherwise} after {LATE_S} s more")
        time.sleep(min(max(LOOK_S, waited_s * LOOK_SHARE), LATE_S - waited_s))


# ---- measuring ---------------------------------------------------------------

def _look(bench, fed, asker):
    policy_ms, pod_ms = [], []
    bystander = Bystander(fed.client)
    bystander.start()
    end = time.monotonic() + bench.options.seconds
    for number in itertools.count():
        due = time.monotonic() + PERIOD_S
        policy_ms.append(_policy_lag_ms(fed, asker, number))
        pod_ms.append(_pod_lag_ms(fed, asker, bystander, number))
        if due > end:
            return policy_ms, *map(list, zip(*pod_ms, strict=True))
        time.sleep(max(0.0, due - time.monotonic()))


def measure(bench):
    path, fed = bench.datapath(), bench.feed()
    with storage.Storage(fed.server) as kept:
        kept.write(storage.request(_flag()))
        changes = _changes(fed, kept)
    path.world.node.run("conntrack", "-F")
    with fed.netpold() as netpold, observer.Client(path.world) as client:
        asker = Asker(client, netpold.process.pid)
        _settle(asker)
        done = _measure(bench, fed, netpold, asker, changes)
        netpold.stop()
    fed.client.delete("NetworkPolicy", workload.LIVE_NAMESPACE, "told")
    fed.client.delete("Pod", workload.LIVE_NAMESPACE, "flag")
    return done


def _settle(asker):
    """Until nothing comes any more of what was written before."""
    before = None
    while (now := asker.pod_events()) != before:
        before = now
        time.sleep(1)


def _measure(bench, fed, netpold, asker, changes):
    pid, before = netpold.process.pid, asker.pod_events()
    size_mib, cpu_s, began = memory.mib(pid, "VmRSS"), sync.cpu_s(pid), time.monotonic()
    with Writers(fed.server, changes) as writers:
        looks = _look(bench, fed, asker)
    seconds, n = time.monotonic() - began, writers.n_written()
    _wait(lambda: asker.pod_events() >= before + n + len(looks[0]),
          f"{n} events of pods were not all heard")
    load = Load(*looks, (sync.cpu_s(pid) - cpu_s) / seconds,
                memory.mib(pid, "VmRSS"))
    bench.note(f"{n / seconds:.0f} events a second for {seconds:.0f} s, "
               f"written at most {writers.late_ms():.0f} ms late; {_requests(asker)} "
               f"requests since the start")
    for what, lag_ms in (("policies", load.policy_ms), ("pods", load.pod_ms),
                         ("the server's word of those pods", load.told_ms)):
        bench.note(f"lag of {what}: {len(lag_ms)} looks, median {statistics.median(lag_ms):.1f} "
                   f"ms, 99th percentile {_p99(lag_ms):.1f}, at most {max(lag_ms):.1f}")
    bench.note(f"unread by netpold while pods were waited for: median "
               f"{statistics.median(load.unread) / 1024:.1f} KiB, at most "
               f"{max(load.unread) / 1024:.1f}")
    bench.note(f"{load.cpus:.2f} CPUs; {size_mib:.1f} MiB at the start, {load.rss_mib:.1f} at "
               "the end")
    return load


def _requests(asker):
    return sum(resource["requests"]
               for resource in asker.client.get("status")["source"]["resources"])


def _p99(values):
    return statistics.quantiles(values, n=100)[98] if len(values) >= 100 else max(values)


def _p99s(values):
    """Of each whole batch; of all, where there is none."""
    starts = range(0, max(1, len(values) - BATCH + 1), BATCH)
    return [_p99(values[start:start + BATCH]) for start in starts]


# ---- rows --------------------------------------------------------------------

def events_1000_lag_ms(bench):
    return _p99s(bench.load().policy_ms)


def events_1000_pod_ms(bench):
    return _p99s(bench.load().pod_ms)


def events_1000_cpu(bench):
    return [bench.load().cpus]


def events_1000_rss_mib(bench):
    return [bench.load().rss_mib]
