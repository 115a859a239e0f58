# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes whose netpold is fed by a real API server.

      node-a, routed, nft         outside: the API server         node-b, bridge, legacy
    +------------------+   .1  .10  +----------------+  .10  .1   +------------------+
    |  netpold     up0 |------------| :6443          |------------| up0      netpold |
    +------------------+ 192.0.2/24 +----------------+ 198.51.100 +------------------+

The namespaces and pods are those of cluster.py. Each netpold has a token of its own,
of the service account in manifests/rbac.yaml. node-a asks 192.0.2.10, and node-b
[2001:db8:2::10].
"""

import contextlib
import shutil
import time

import cluster
import daemon
import kube_client
import kube_server
import manifests
import netns
import probe

KINDS = (("routed", "nft"), ("bridge", "legacy"))
STATE = "/var/lib/netpold"
WAIT_S = 20
LOOK_MS = 400  # for one look at whether it has come about
LOOK_EVERY_S = 0.02


class KubeCluster:
    """Use it in a with statement; all of it is gone afterwards.

    @halves    the specs of the pods of each node
    @features  feature gates of the API server
    @kinds     layout and backend of each node
    """

    def __init__(self, *halves, features=None, kinds=KINDS):
        self.halves, self.features, self.kinds = halves, features, kinds
        self.daemons = {}  # by name of the node
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        kube_server.must_exist()
        daemon.must_exist()
        try:
            self.nodes = self.stack.enter_context(
                cluster.Cluster.mixed(self.kinds[:len(self.halves)], *self.halves))
            self.server = self.stack.enter_context(
                kube_server.KubeServer(self.nodes["outside"], self.features))
            self.client = self.server.client
            self._put()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def __getitem__(self, name):
        """A host; whoever probes asks for it so."""
        return self.nodes[name]

    def address(self, name, family):
        return self.nodes.address(name, family)

    @property
    def worlds(self):
        return self.nodes.worlds

    def _put(self):
        for half in self.worlds:
            self.client.create(manifests.node(
                half.node_name, [half.site.network(family) for family in half.families]))
        for item in self.nodes.objects():
            if item["kind"] == "Pod":
                self.client.create_pod(item)
            else:
                self.client.create(item)

    def pod(self, name):
        """The manifest of a pod of ours."""
        return next(item for item in self.nodes.objects()
                    if item["kind"] == "Pod" and item["metadata"]["name"] == name)

    # ---- netpold -------------------------------------------------------------

    def start(self, *options):
        """netpold on every node; returns when each enforces what the server has."""
        for half in self.worlds:
            self.start_one(half, *options)
        for netpold in self.daemons.values():
            netpold.wait_in_force()
        return self

    def start_one(self, half, *options, token=None):
        """netpold on one node; the caller waits for it.

        @token  with which it asks; one of its own, unless said
        """
        family = "64"[half is self.worlds[0]]
        config, token_file = self.server.kubeconfig(
            half.node_name, token or self.client.request_token(kube_server.ACCOUNT), family)
        netpold = daemon.Daemon(half, *options, source=("--kubeconfig", str(config)))
        netpold.token_file = token_file
        self.daemons[half.node_name] = self.stack.enter_context(netpold)
        return netpold

    def start_anew(self, half):
        """Another netpold on a node, which knows nothing of the one before; the caller waits
        for it."""
        self.daemons[half.node_name].stop()
        shutil.rmtree(half.node.path(STATE), ignore_errors=True)
        return self.start_one(half)

    def wait(self, policy, *options, halves=None, patience_s=WAIT_S):
        """`netpold wait` on every node, or on some: what those say where it has failed."""
        name = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
        failed = []
        for half in halves or self.worlds:
            done = half.node.run(str(daemon.PROGRAM), "wait", "--policy", name,
                                 "--timeout", f"{patience_s}s", *options, check=False)
            if done.returncode != 0:
                failed.append(f"{half.node_name}: netpold wait: {done.stdout}{done.stderr}")
        return failed

    def enforce(self, policy):
        """Create a policy, or change it, and wait until it is in force everywhere."""
        done = self.client.apply(policy)
        _must(self.wait(done, "--generation", str(done["metadata"]["generation"])))
        return done

    def withdraw(self, policy):
        """Delete a policy and wait until it is no longer in force anywhere."""
        self.client.delete("NetworkPolicy", policy["metadata"]["namespace"],
                           policy["metadata"]["name"])
        _must(self.wait(policy, "--deleted"))

    # ---- trouble on the way --------------------------------------------------

    @contextlib.contextmanager
    def cut_off(self, half):
        """No connection between a node and the server: what there is gets reset."""
        with self._rules(half, ("OUTPUT", "--dport", "REJECT", "--reject-with", "tcp-reset")):
            self._say_something()  # the node's answer to it resets the connection
            deadline = time.monotonic() + WAIT_S
            while self._connections(half) and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY_S)
            _must(self._connections(half))
            yield

    def partition(self, half):
        """Whatever is sent between a node and the server is lost, and nobody is told."""
        return self._rules(half, ("OUTPUT", "--dport", "DROP"), ("INPUT", "--sport", "DROP"))

    @contextlib.contextmanager
    def _rules(self, half, *rules):
        every = [(family, [chain, "-p", "tcp", port, str(kube_server.PORT), "-j", *target])
                 for chain, port, *target in rules for family in half.families]
        for family, rule in every:
            half.netfilter.change(family, "filter", "-I", *rule)
        try:
            yield
        finally:
            for family, rule in every:
                half.netfilter.change(family, "filter", "-D", *rule)

    def _connections(self, half):
        return half.node.run("ss", "-Htn", "state", "established", "dport", "=",
                             f":{kube_server.PORT}").stdout

    def _say_something(self):
        """An event for each watch, which changes nothing that decides."""
        note = {"metadata": {"annotations": {"test": str(time.monotonic())}}}
        self.client.patch("Namespace", "", "shop", note)
        pod = self.worlds[0].specs[0]
        self.client.patch("Pod", pod.namespace, pod.name, note)
        for half in self.worlds:
            self.client.patch("Node", "", half.node_name, note)
        policies = self.client.call("GET", kube_client.collection("NetworkPolicy", "shop"))
        for item in policies["items"]:
            self.client.patch("NetworkPolicy", "shop", item["metadata"]["name"], note)

    # ---- what is let through -------------------------------------------------

    def wait_soon(self, probes, patience_s=WAIT_S):
        """Of what has no receipt, pods and namespaces: until all rows are as expected, or
        the time is over."""
        deadline = time.monotonic() + patience_s
        waiting = [(row, family) for row in probes for family in row.families]
        while waiting and time.monotonic() < deadline:
            begun = [(row, family, self._begin(row, family)) for row, family in waiting]
            waiting = [(row, family) for row, family, future in begun
                       if probe.outcome(future.result(netns.ANSWER_TIMEOUT)) != row.expected]

    def check_soon(self, tap, probes, patience_s=WAIT_S):
        """The same; then they are checked like any others."""
        self.wait_soon(probes, patience_s)
        probe.check_all(tap, self, probes)

    def _begin(self, row, family):
        return self[row.source].begin(
            "try_once", protocol=row.protocol, address=self.address(row.target, family),
            port=row.port, source="", timeout_ms=LOOK_MS)


def _must(failed):
    if failed:
        raise daemon.DaemonError("".join(failed))
