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
                                     to-node-a                           to-node-a
                   outside: 192.0.2.10, 192.0.2.70   2001:db8:2::10, 2001:db8:2::70
                   (node: 192.0.2.1, 2001:db8:2::1)

Everything is dual stack, unless a world or a pod is told otherwise. Neighbour
discovery is real; only duplicate address detection is off, which would make
each address wait for a second.
"""

import contextlib
import dataclasses
import time

import manifests
import netfilter
import netns

LAYOUTS = ("routed", "bridge")
BACKENDS = ("nft", "legacy")
EVERY = tuple((layout, backend) for layout in LAYOUTS for backend in BACKENDS)
CROSS = (("routed", "nft"), ("bridge", "legacy"))  # where each of them once is enough
LONE = {"4": "/32", "6": "/128"}
SHARED = {"4": "/24", "6": "/64"}
SETTLE_S, SETTLE_TRY_MS = 10, 200
FAR = {"4": "", "6": " nodad preferred_lft 0"}  # never the kernel's choice
NO_CHECK = {"4": "", "6": " nodad"}  # of duplicates, which there are for IPv6 only


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a node is: the addresses of its pods, and those of its uplink."""
    node_name: str
    pods: dict    # how they begin, by family; a /24 and a /64
    uplink: dict  # the same of the network outside

    def pod(self, number):
        return {family: f"{start}{number}" for family, start in self.pods.items()}

    def out(self, number):
        return {family: f"{start}{number}" for family, start in self.uplink.items()}

    def network(self, family):
        """That of the pods."""
        return self.pods[family] + {"4": "0/24", "6": "/64"}[family]

    @property
    def gateway(self):
        """The node, as its pods see it."""
        return self.pod(1)


SITE = Site("node-a", {"4": "10.66.0.", "6": "fd66::"},
            {"4": "192.0.2.", "6": "2001:db8:2::"})
GATEWAY = SITE.gateway
OUTSIDE = SITE.out(10)
OUTSIDE_FAR = SITE.out(70)


@dataclasses.dataclass
class PodSpec:
    """A pod to be made: what its manifest says, and where it listens."""
    name: str
    namespace: str = "shop"
    labels: dict = dataclasses.field(default_factory=dict)
    ports: tuple = ()    # (name, number, protocol), as in the manifest
    listens: tuple = ()  # ("tcp", 8080), …
    families: str = "46"


class Host(netns.Namespace):
    """A namespace with its addresses by family: a pod, the node, or outside."""

    def __init__(self, name, addresses, spec=None):
        super().__init__(name, is_node=name == "node")
        self.addresses = addresses
        self.spec = spec


class World:
    """Use it in a with statement; all of it is gone afterwards.

    @outside   a Host that another world has made, where nodes share one
    @families  "4" or "6" where the node has nothing else
    """

    def __init__(self, layout, backend, specs, site=SITE, outside=None, families="46"):
        self.layout = layout
        self.backend = backend
        self.specs = specs
        self.site = site
        self.node_name = site.node_name
        self.outside = outside
        self.families = families
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
        started = [self._start("node", self.site.gateway)]
        if not self.outside:
            started.append(self._start("outside", self.site.out(10)))
        started += [self._start(spec.name, _only(spec.families, self.site.pod(number)), spec)
                    for number, spec in enumerate(self.specs, 11)]
        for host in started:
            host.wait_ready()
        self.hosts.setdefault("outside", self.outside)
        self.netfilter = netfilter.Netfilter(self.node, self.backend)
        self._quieten()
        self._wire()
        self._listen()
        self._settle()
        self.folder = manifests.Folder("/run/manifests", self.node.path("/run/manifests"))
        self.folder.put("cluster", *self.cluster())

    def _start(self, name, addresses, spec=None):
        self.hosts[name] = Host(name, _only(self.families, addresses), spec)
        self.stack.callback(self.hosts[name].stop)
        return self.hosts[name]

    def _quieten(self):
        """No waiting for duplicate addresses, no router solicitations."""
        for host in self.hosts.values():
            host.sysctl("net/ipv6/conf/all/accept_dad=0",
                        "net/ipv6/conf/default/accept_dad=0",
                        "net/ipv6/conf/default/router_solicitations=0",
                        "net/ipv6/conf/default/accept_ra=0")
            if "6" not in self.families:
                host.sysctl("net/ipv6/conf/all/disable_ipv6=1",
                            "net/ipv6/conf/default/disable_ipv6=1")
        self.node.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
        if self.layout == "bridge":
            self.call_iptables("4", 1)
            self.call_iptables("6", 1)

    def _settle(self):
        """Until every pod has heard from outside.

        A link is ready some while after it was set up, and only then does its host answer
        those who look for its IPv6 address: the first packets to it wait a second.
        """
        silent = {(spec.name, family): None for spec in self.specs
                  for family in self.hosts[spec.name].addresses}
        deadline = time.monotonic() + SETTLE_S
        while silent and time.monotonic() < deadline:
            begun = [(key, self.hosts[key[0]].begin(
                "try_once", protocol="icmp", address=self.site.out(10)[key[1]], port=0,
                timeout_ms=SETTLE_TRY_MS)) for key in silent]
            for key, future in begun:
                if future.result(netns.ANSWER_TIMEOUT)["ok"]:
                    silent.pop(key)
        if silent:
            raise netns.CommandError(f"{', '.join(map(str, silent))}: nobody answers outside")

    def call_iptables(self, family, value):
        """Whether bridged packets meet iptables, or ip6tables."""
        word = "iptables" if family == "4" else "ip6tables"
        self.node.sysctl(f"net/bridge/bridge-nf-call-{word}={value}")

    def _wire(self):
        self._wire_outside()
        if self.layout == "bridge":
            self.node.ip("link add pods0 type bridge",
                         *(f"address add {address}{SHARED[family]} dev pods0{NO_CHECK[family]}"
                           for family, address in self.node.addresses.items()),
                         "link set pods0 up")
        of_node, of_pods = [], []
        for spec in self.specs:
            wire = self._wire_bridged if self.layout == "bridge" else self._wire_routed
            lines, of_pod = wire(self.hosts[spec.name], f"veth-{spec.name}")
            of_node += lines
            of_pods.append((self.hosts[spec.name], of_pod))
        self.node.ip(*of_node)
        for pod, lines in of_pods:
            pod.ip(*lines)

    def _wire_outside(self):
        outside = self.hosts["outside"]
        near, far, node = (_only(self.families, self.site.out(number)) for number in (10, 70, 1))
        port = f"to-{self.node_name}"
        self.node.ip(f"link add up0 type veth peer name {port} netns {outside.pid}",
                     *(f"address add {node[family]}{SHARED[family]} dev up0{NO_CHECK[family]}"
                       for family in node),
                     "link set up0 up",
                     *(f"route add default via {address}" for address in near.values()))
        outside.ip(*(f"address add {address[family]}{SHARED[family]} dev {port}{how}"
                     for family in node
                     for address, how in ((near, NO_CHECK[family]), (far, FAR[family]))),
                   f"link set {port} up",
                   *(f"route add {self.site.network(family)} via {node[family]}"
                     for family in node))
        if not self.outside:
            outside.ip(*(f"route add default via {address}" for address in node.values()))

    def _wire_routed(self, pod, veth):
        """Commands of `ip` for the node, and for the pod."""
        gateway = self.site.gateway
        of_node = [f"link add {veth} type veth peer name eth0 netns {pod.pid}",
                   *(f"address add {gateway[family]}{LONE[family]} dev {veth}{NO_CHECK[family]}"
                     for family in pod.addresses),
                   f"link set {veth} up",
                   *(f"route add {address}{LONE[family]} dev {veth} src {gateway[family]}"
                     for family, address in pod.addresses.items())]
        of_pod = [*(f"address add {address}{LONE[family]} dev eth0{NO_CHECK[family]}"
                    for family, address in pod.addresses.items()),
                  "link set eth0 up",
                  *(line for family in pod.addresses for line in (
                      f"route add {gateway[family]}{LONE[family]} dev eth0",
                      f"route add default via {gateway[family]}"))]
        return of_node, of_pod

    def _wire_bridged(self, pod, veth):
        """Commands of `ip` for the node, and for the pod."""
        gateway = self.site.gateway
        of_node = [f"link add {veth} type veth peer name eth0 netns {pod.pid}",
                   f"link set {veth} master pods0",
                   f"link set {veth} type bridge_slave hairpin on",
                   f"link set {veth} up"]
        of_pod = [*(f"address add {address}{SHARED[family]} dev eth0{NO_CHECK[family]}"
                    for family, address in pod.addresses.items()),
                  "link set eth0 up",
                  *(f"route add default via {gateway[family]}" for family in pod.addresses)]
        return of_node, of_pod

    def move(self, name, addresses):
        """Give a pod other addresses, of the same families."""
        pod, veth, old = self.hosts[name], f"veth-{name}", self.hosts[name].addresses
        gateway, routed = self.site.gateway, self.layout == "routed"
        length = LONE if routed else SHARED
        pod.ip(*(f"address del {old[family]}{length[family]} dev eth0" for family in old),
               *(f"address add {address}{length[family]} dev eth0{NO_CHECK[family]}"
                 for family, address in addresses.items()),
               *(f"route replace {gateway[family]} dev eth0" for family in old if routed),
               *(f"route replace default via {gateway[family]}" for family in old))
        if routed:
            self.node.ip(*(f"route del {address} dev {veth}" for address in old.values()),
                         *(f"route add {address} dev {veth} src {gateway[family]}"
                           for family, address in addresses.items()))
        pod.addresses = addresses
        for host in self.hosts.values():  # who had learnt where they are
            host.ip(*(f"neighbour flush to {address}" for some in (old, addresses)
                      for address in some.values()))

    def _listen(self):
        waiting = [self.hosts[spec.name].begin("listen", protocol=protocol, port=port)
                   for spec in self.specs for protocol, port in spec.listens]
        waiting += [self.hosts[name].begin("listen", protocol=protocol, port=port)
                    for name in ("node", *(() if self.outside else ("outside",)))
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
                list(host.addresses.values()),
                {"name": spec.name, **spec.labels}, spec.ports))
        return objects


def _only(families, addresses):
    return {family: addresses[family] for family in families if family in addresses}


def variants(specs, chosen=EVERY):
    """A fresh world for each layout and iptables backend."""
    for layout, backend in chosen:
        with World(layout, backend, specs) as world:
            yield world
