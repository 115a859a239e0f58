# SPDX-License-Identifier: GPL-2.0-or-later
"""Services, by the rules that kube-proxy writes in its iptables mode.

    PREROUTING, OUTPUT ─► KUBE-SERVICES ─┬► KUBE-SVC-x ─┬► KUBE-SEP-x-0   DNAT
                          by ClusterIP   │  by chance   └► KUBE-SEP-x-1   DNAT
                                         └► KUBE-NODEPORTS ─► KUBE-EXT-x
                          what is left, to an address of the node

    POSTROUTING ─► KUBE-POSTROUTING     masquerades what has the mark 0x4000

The mark is set for a pod that is its own backend, for a client that is no pod,
and for node ports, unless externalTrafficPolicy is Local: then the client's
address is kept, and only backends of the node itself are chosen.
"""

import dataclasses

MASQUERADE = "0x4000/0x4000"
CLUSTER = {"4": "10.66.0.0/16", "6": "fd66::/48"}
NAT_CHAINS = ("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ")


@dataclasses.dataclass
class Service:
    """One port of a Service."""
    name: str
    addresses: dict     # the ClusterIP, by family
    port: int
    backends: tuple     # (name of the pod, its port), …
    protocol: str = "tcp"
    node_port: int = 0
    local: bool = False  # externalTrafficPolicy: Local


class _Writer:
    def __init__(self, family, address, is_here):
        self.family, self.address, self.is_here = family, address, is_here
        self.chains = list(NAT_CHAINS)
        self.lines = []

    def chain(self, name):
        self.chains.append(name)
        return name

    def rule(self, chain, text):
        self.lines.append(f"-A {chain} {text}")

    def frame(self):
        for hook in ("PREROUTING", "OUTPUT"):
            self.rule(hook, "-j KUBE-SERVICES")
        self.rule("POSTROUTING", "-j KUBE-POSTROUTING")
        self.rule("KUBE-MARK-MASQ", "-j MARK --or-mark 0x4000")
        self.rule("KUBE-POSTROUTING", f"-m mark ! --mark {MASQUERADE} -j RETURN")
        self.rule("KUBE-POSTROUTING", "-j MARK --xor-mark 0x4000")
        self.rule("KUBE-POSTROUTING", "-j MASQUERADE --random-fully")

    def endpoint(self, chain, service, pod, port):
        """A pod that is sent back to itself has to see another's address."""
        address = self.address(pod, self.family)
        target = f"{address}:{port}" if self.family == "4" else f"[{address}]:{port}"
        self.rule(chain, f"-s {address} -j KUBE-MARK-MASQ")
        self.rule(chain, f"-p {service.protocol} -j DNAT --to-destination {target}")

    def choose(self, chain, endpoints):
        """Each with the same chance: the first by 1/n, of the rest the next …"""
        for number, endpoint in enumerate(endpoints):
            left = len(endpoints) - number
            chance = f"-m statistic --mode random --probability {1 / left:.10f} " \
                if left > 1 else ""
            self.rule(chain, f"{chance}-j {endpoint}")

    def service(self, service):
        word = f"{service.name}-{service.protocol}".upper()
        match = f"-d {service.addresses[self.family]} -p {service.protocol} --dport {service.port}"
        svc = self.chain(f"KUBE-SVC-{word}")
        endpoints = {pod: self.chain(f"KUBE-SEP-{word}-{number}")
                     for number, (pod, _) in enumerate(service.backends)}
        self.rule("KUBE-SERVICES", f"{match} -j {svc}")
        self.rule(svc, f"! -s {CLUSTER[self.family]} {match} -j KUBE-MARK-MASQ")
        self.choose(svc, list(endpoints.values()))
        for pod, port in service.backends:
            self.endpoint(endpoints[pod], service, pod, port)
        if service.node_port:
            self.external(service, word, svc, endpoints)

    def external(self, service, word, svc, endpoints):
        ext = self.chain(f"KUBE-EXT-{word}")
        self.rule("KUBE-NODEPORTS", f"-p {service.protocol} --dport {service.node_port} -j {ext}")
        if not service.local:
            self.rule(ext, "-j KUBE-MARK-MASQ")
            self.rule(ext, f"-j {svc}")
            return
        svl = self.chain(f"KUBE-SVL-{word}")
        self.rule(ext, f"-s {CLUSTER[self.family]} -j {svc}")
        self.rule(ext, "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
        self.rule(ext, f"-m addrtype --src-type LOCAL -j {svc}")
        self.rule(ext, f"-j {svl}")
        self.choose(svl, [chain for pod, chain in endpoints.items() if self.is_here(pod)])

    def text(self):
        self.rule("KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
        return "\n".join(["*nat", *(f":{chain} - [0:0]" for chain in self.chains),
                          *self.lines, "COMMIT", *FILTER, ""])


# What is accepted here must have been judged before (L3).
FILTER = ("*filter", ":KUBE-FORWARD - [0:0]", "-A FORWARD -j KUBE-FORWARD",
          f"-A KUBE-FORWARD -m mark --mark {MASQUERADE} -j ACCEPT",
          "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "COMMIT")


def start(world, services, address=None):
    """Write the rules on a world's node; once in its life.

    @address  of a pod by name and family, where other nodes have pods, too
    """
    for family in "46":
        writer = _Writer(family, address or world.address,
                         lambda pod: pod in world.hosts)
        writer.frame()
        for service in services:
            writer.service(service)
        world.netfilter.restore(family, writer.text())
