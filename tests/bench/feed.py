# SPDX-License-Identifier: GPL-2.0-or-later
"""netpold on a node that a real API server feeds (kube_server.py), for rows.

The server is outside the node. Its objects are in etcd before it starts, so that
it has read all of them when the first netpold asks.
"""

import contextlib

import daemon
import kube_server
import manifests
import netns
import storage

# The servers share two CPUs with what is measured: they may collect garbage less often,
# for all rows.
SERVERS = {"GOGC": "400"}
PATIENCE_S = 300  # with a large cluster, on a machine that does other things, too


class Feed:
    """An API server and what it has. Use it in a with statement.

    @node     a World, in whose outside it runs
    @objects  what it has besides that node
    """

    def __init__(self, node, objects):
        self.node, self.objects = node, objects
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._enter()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _enter(self):
        self.server = self.stack.enter_context(
            kube_server.KubeServer(self.node["outside"], audited=False, variables=SERVERS))
        self.client = self.server.client
        self.server.stop()
        networks = [self.node.site.network(family) for family in self.node.families]
        with storage.Storage(self.server) as kept:
            kept.put([manifests.node(self.node.node_name, networks)])
            kept.put(self.objects)
        self.server.start(PATIENCE_S)
        self.config, _ = self.server.kubeconfig(
            "bench", self.client.request_token(kube_server.ACCOUNT, seconds=3600))

    @contextlib.contextmanager
    def netpold(self, *options):
        """netpold in force, from a first list: nothing is left of the one before."""
        with daemon.Daemon(self.node, "--state-dir=", *options,
                           source=("--kubeconfig", str(self.config))) as netpold:
            netpold.wait_in_force(patience=PATIENCE_S)
            yield netpold


def hindrance():
    """Why no API server can be started; None where one can."""
    try:
        kube_server.must_exist()
    except netns.CommandError as error:
        return str(error)
    return None
