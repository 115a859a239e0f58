# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes with their pods, and a router between them.

      +---- node-a ----+                                     +---- node-b ----+
      |  netpold       |              outside                |       netpold  |
      |            up0 |  .1     .10 +-------+ .10       .1  | up0            |
      |                |-------------|       |---------------|                |
      | pods 10.66.0.n |  192.0.2/24 +-------+ 198.51.100/24 | pods 10.66.1.n |
      |      fd66::n   |  2001:db8:2::      2001:db8:3::     | fd66:0:0:1::n  |
      +----------------+                                     +----------------+

Each half is a World of its own (see world.py), in either layout; the host
outside is one for both, and forwards. It is a client and a server, too.
"""

import contextlib

import daemon
import manifests
import world

SITES = (world.SITE, world.Site("node-b", {"4": "10.66.1.", "6": "fd66:0:0:1::"},
                                {"4": "198.51.100.", "6": "2001:db8:3::"}))


class Cluster:
    """Use it in a with statement; all of it is gone afterwards.

    Hosts are found by name: the pods of both nodes, "node-a", "node-b" and
    "outside".

    @halves  the specs of the pods of each node
    """

    def __init__(self, layout, backend, *halves):
        self.kinds = [(layout, backend)] * len(halves)
        self.halves = halves
        self.worlds = []
        self.services = {}  # by name: {family: address}
        self.stack = contextlib.ExitStack()

    @classmethod
    def mixed(cls, kinds, *halves):
        """@kinds  the layout and backend of each node"""
        made = cls("", "", *halves)
        made.kinds = kinds
        return made

    def __enter__(self):
        try:
            for (layout, backend), site, specs in zip(self.kinds, SITES, self.halves):
                outside = self.worlds[0]["outside"] if self.worlds else None
                self.worlds.append(self.stack.enter_context(
                    world.World(layout, backend, specs, site, outside)))
        except BaseException:
            self.stack.close()
            raise
        self["outside"].sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
        self.put()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @property
    def name(self):
        kinds = dict.fromkeys(", ".join(kind) for kind in self.kinds)
        return f"two nodes, {' and '.join(kinds)}"

    @property
    def pods(self):
        return [spec.name for specs in self.halves for spec in specs]

    def world_of(self, name):
        """The half that a pod or a node is in."""
        for half in self.worlds:
            if name == half.node_name or (name in half.hosts and half[name].spec):
                return half
        raise KeyError(name)

    def __getitem__(self, name):
        if name == "outside":
            return self.worlds[0]["outside"]
        half = self.world_of(name)
        return half.node if name == half.node_name else half[name]

    def address(self, name, family):
        """Of a host or a service, by family "4" or "6"."""
        return (self.services.get(name) or self[name].addresses)[family]

    def objects(self):
        """The manifests of all namespaces and pods, each once."""
        found = {}
        for half in self.worlds:
            for item in half.cluster():
                found[item["kind"], item["metadata"]["name"]] = item
        return list(found.values())

    def put(self, name="cluster", objects=None):
        """Give both nodes the same manifests; returns when that was done."""
        return [half.folder.put(name, *(self.objects() if objects is None else objects))
                for half in self.worlds][-1]


class Daemons:
    """netpold on every node. Use it in a with statement.

    @options  of all of them
    @of_node  {name of a node: more options}
    """

    def __init__(self, cluster, *options, of_node=None):
        self.cluster, self.options = cluster, options
        self.of_node = of_node or {}
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.daemons = [self._start(half) for half in self.cluster.worlds]
            self.wait_in_force()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def __getitem__(self, number):
        return self.daemons[number]

    def restart(self, number, how):
        """End the one of a node by a signal and start another: the exit status, and the
        log, of the one that has ended."""
        old = self.daemons[number]
        status = old.stop(how)
        self._start_another(number)
        return status, old.log.text()

    def hand_over(self, number):
        """Start another beside the one of a node; returns as restart()."""
        old = self.daemons[number]
        self._start_another(number)
        return old.wait_exit(), old.log.text()

    def _start(self, half):
        return self.stack.enter_context(daemon.Daemon(
            half, *self.options, *self.of_node.get(half.node_name, ())))

    def _start_another(self, number):
        self.daemons[number] = self._start(self.daemons[number].world)
        self.daemons[number].wait_in_force()

    def wait_in_force(self, since=None):
        """On all nodes; returns what each says."""
        return [one.wait_in_force(since) for one in self.daemons]

    def apply(self, *objects, name="policies"):
        return self.wait_in_force(self.cluster.put(name, objects))
