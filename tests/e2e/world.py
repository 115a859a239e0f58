# SPDX-License-Identifier: GPL-2.0-or-later
"""One node with pods and a host outside, in two layouts.

        routed: veth pairs and host routes     bridge: veth ports of one bridge
        (as ptp, Calico, kindnet)              (as bridge, flannel)

  +------------------- node -------------------+   +----------- node ------------+
  |  netpold, 10.66.0.1  fd66::1 on every veth |   | netpold, 10.66.0.1 fd66::1  |
  |                                            |   |      +--- pods0 ---+        |
  |   veth-web    veth-db    …           up0   |   |   veth-web    veth-db   up0 |
  +------|-----------|---------------------|---+   +------|-----------|--------|-+
       eth0        eth0                    |            eth0        eth0       |
   web 10.66.0.11  db 10.66.0.12           |        the same addresses, /24    |
       fd66::11       fd66::12             |        and /64 instead of /32     |
       /32, /128                           |        and /128                   |
                                         eth0                                eth0
                   outside: 192.0.2.10, 192.0.2.70   2001:db8:2::10, 2001:db8:2::70
                   (node: 192.0.2.1, 2001:db8:2::1)

Everything is dual stack. Neighbour discovery is real; only duplicate address
detection is off, which would make each address wait for a second.
"""

import contextlib
import dataclasses

import manifests
import netfilter
import netns

LAYOUTS = ("routed", "bridge")
BACKENDS = ("nft", "legacy")
GATEWAY = {"4": "10.66.0.1", "6": "fd66::1"}
OUTSIDE = {"4": "192.0.2.10", "6": "2001:db8:2::10"}
OUTSIDE_FAR = {"4": "192.0.2.70", "6": "2001:db8:2::70"}
NODE_NAME = "node-a"


@dataclasses.dataclass
class PodSpec:
    """A pod to be made: what its manifest says, and where it listens."""
    name: str
    namespace: str = "shop"
    labels: dict = dataclasses.field(default_factory=dict)
    ports: tuple = ()    # (name, number, protocol), as in the manifest
    listens: tuple = ()  # ("tcp", 8080), …


class Host(netns.Namespace):
    """A namespace with its addresses by family: a pod, the node, or outside."""

    def __init__(self, name, addresses, spec=None):
        super().__init__(name, is_node=name == "node")
        self.addresses = addresses
        self.spec = spec


class World:
    """Use it in a with statement; all of it is gone afterwards."""

    def __init__(self, layout, backend, specs):
        self.layout = layout
        self.backend = backend
        self.specs = specs
        self.node_name = NODE_NAME
        self.hosts = {}  # by name: the pods, "node" and "outside"
        self.services = {}  # by name: {family: address}
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    @property
    def name(self):
        return f"{self.layout}, {self.backend}"

    @property
    def node(self):
        return self.hosts["node"]

    def __getitem__(self, name):
        return self.hosts[name]

    def address(self, name, family):
        """Of a host or a service, by family "4" or "6"."""
        if name in self.services:
            return self.services[name][family]
        return self.hosts[name].addresses[family]

    def _make(self):
        self._start("node", dict(GATEWAY))
        self._start("outside", dict(OUTSIDE))
        for number, spec in enumerate(self.specs, 11):
            self._start(spec.name, {"4": f"10.66.0.{number}", "6": f"fd66::{number}"}, spec)
        for host in self.hosts.values():
            host.wait_ready()
        self.netfilter = netfilter.Netfilter(self.node, self.backend)
        self._quieten()
        self._wire()
        self._listen()
        self.folder = manifests.Folder("/run/manifests", self.node.path("/run/manifests"))
        self.folder.put("cluster", *self.cluster())

    def _start(self, name, addresses, spec=None):
        self.hosts[name] = Host(name, addresses, spec)
        self.stack.callback(self.hosts[name].stop)

    def _quieten(self):
        """No waiting for duplicate addresses, no router solicitations."""
        for host in self.hosts.values():
            host.sysctl("net/ipv6/conf/all/accept_dad=0",
                        "net/ipv6/conf/default/accept_dad=0",
                        "net/ipv6/conf/default/router_solicitations=0",
                        "net/ipv6/conf/default/accept_ra=0")
            host.ip("link set lo up")
        self.node.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
        if self.layout == "bridge":
            self.call_iptables("4", 1)
            self.call_iptables("6", 1)

    def call_iptables(self, family, value):
        """Whether bridged packets meet iptables, or ip6tables."""
        word = "iptables" if family == "4" else "ip6tables"
        self.node.sysctl(f"net/bridge/bridge-nf-call-{word}={value}")

    def _wire(self):
        self._wire_outside()
        if self.layout == "bridge":
            self.node.ip("link add pods0 type bridge",
                         f"address add {GATEWAY['4']}/24 dev pods0",
                         f"address add {GATEWAY['6']}/64 dev pods0 nodad",
                         "link set pods0 up")
        for spec in self.specs:
            wire = self._wire_bridged if self.layout == "bridge" else self._wire_routed
            wire(self.hosts[spec.name], f"veth-{spec.name}")

    def _wire_outside(self):
        outside = self.hosts["outside"]
        self.node.ip(f"link add up0 type veth peer name eth0 netns {outside.pid}",
                     "address add 192.0.2.1/24 dev up0",
                     "address add 2001:db8:2::1/64 dev up0 nodad",
                     "link set up0 up",
                     f"route add default via {OUTSIDE['4']}",
                     f"route add default via {OUTSIDE['6']}")
        outside.ip(f"address add {OUTSIDE['4']}/24 dev eth0",
                   f"address add {OUTSIDE_FAR['4']}/24 dev eth0",
                   f"address add {OUTSIDE['6']}/64 dev eth0 nodad",
                   f"address add {OUTSIDE_FAR['6']}/64 dev eth0 nodad preferred_lft 0",
                   "link set eth0 up",
                   "route add default via 192.0.2.1",
                   "route add default via 2001:db8:2::1")

    def _wire_routed(self, pod, veth):
        v4, v6 = pod.addresses["4"], pod.addresses["6"]
        self.node.ip(f"link add {veth} type veth peer name eth0 netns {pod.pid}",
                     f"address add {GATEWAY['4']}/32 dev {veth}",
                     f"address add {GATEWAY['6']}/128 dev {veth} nodad",
                     f"link set {veth} up",
                     f"route add {v4}/32 dev {veth} src {GATEWAY['4']}",
                     f"route add {v6}/128 dev {veth} src {GATEWAY['6']}")
        pod.ip(f"address add {v4}/32 dev eth0",
               f"address add {v6}/128 dev eth0 nodad",
               "link set eth0 up",
               f"route add {GATEWAY['4']}/32 dev eth0",
               f"route add default via {GATEWAY['4']}",
               f"route add {GATEWAY['6']}/128 dev eth0",
               f"route add default via {GATEWAY['6']}")

    def _wire_bridged(self, pod, veth):
        self.node.ip(f"link add {veth} type veth peer name eth0 netns {pod.pid}",
                     f"link set {veth} master pods0",
                     f"link set {veth} up")
        pod.ip(f"address add {pod.addresses['4']}/24 dev eth0",
               f"address add {pod.addresses['6']}/64 dev eth0 nodad",
               "link set eth0 up",
               f"route add default via {GATEWAY['4']}",
               f"route add default via {GATEWAY['6']}")

    def _listen(self):
        waiting = [self.hosts[spec.name].begin("listen", protocol=protocol, port=port)
                   for spec in self.specs for protocol, port in spec.listens]
        waiting += [self.hosts[name].begin("listen", protocol=protocol, port=port)
                    for name in ("node", "outside")
                    for protocol, port in (("tcp", 8080), ("udp", 9000), ("sctp", 7000))]
        for future in waiting:
            future.result(netns.ANSWER_TIMEOUT)

    def add_service(self, name, addresses, protocol, port, pod, target):
        """A ClusterIP, by the rules that kube-proxy writes for it."""
        self.services[name] = addresses
        for family, address in addresses.items():
            to = self.hosts[pod].addresses[family]
            to = f"{to}:{target}" if family == "4" else f"[{to}]:{target}"
            for chain in ("PREROUTING", "OUTPUT"):
                self.netfilter.change(family, "nat", "-A", chain, "-d", address, "-p", protocol,
                                   "--dport", str(port), "-j", "DNAT", "--to-destination", to)

    def cluster(self):
        """The manifests of the world's namespaces and pods."""
        names = sorted({spec.namespace for spec in self.specs})
        objects = [manifests.namespace(name, team=name) for name in names]
        for spec in self.specs:
            host = self.hosts[spec.name]
            objects.append(manifests.pod(
                spec.name, spec.namespace, self.node_name,
                [host.addresses["4"], host.addresses["6"]],
                {"name": spec.name, **spec.labels}, spec.ports))
        return objects


def variants(specs):
    """A fresh world for each layout and iptables backend."""
    for layout in LAYOUTS:
        for backend in BACKENDS:
            with World(layout, backend, specs) as world:
                yield world
