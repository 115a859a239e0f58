# SPDX-License-Identifier: GPL-2.0-or-later
"""A node whose pods are ends of wires, for packets that were captured elsewhere.

      wires:  w-10-1-0-10   w-10-1-1-10   …                    w-out
                   |             |                               |
      node:     port of       port of         routed:           up0
              pods0 (bridge), or routed   ── (forwarding) ──
              192.168.7.1, and whatever else the node is called

Every address that the cluster knows as a pod's has a wire of its own (both
families of a pod share one), the node's address is the node's, and all others
are beyond w-out. Nobody lives at the other ends (wires.py): a packet is put on the
wire of its source, and looked for on that of its destination. All neighbours are
told to the node beforehand, so that nothing is there to be found out.
"""

import contextlib
import re
import time

import netfilter
import netns
import wires

MAC = "02:00:00:00:{}:{:02x}"
BRIDGE, UPLINK, OUTSIDE = (MAC.format("02", number) for number in (1, 2, 3))


def packed(mac):
    return bytes.fromhex(mac.replace(":", ""))


class Folder:
    """Of manifests, on the node."""

    def __init__(self, node, manifest):
        self.path = "/run/manifests"
        node.path(self.path).mkdir()
        (node.path(self.path) / "cluster.yaml").write_text(manifest)


class Wire:
    def __init__(self, number, addresses):
        self.name = "w-out" if number == 0 else f"w-{number}"
        self.port = "up0" if number == 0 else f"veth-{number}"
        self.mac = OUTSIDE if number == 0 else MAC.format("01", number)
        self.port_mac = UPLINK if number == 0 else MAC.format("00", number)
        self.addresses = addresses


class Stage:
    """Use it in a with statement; all of it is gone afterwards.

    @layout      "bridge" or "routed"
    @pods        lists of addresses, one list for each pod
    @node        the node's own address
    @outside     addresses beyond the uplink
    """

    def __init__(self, layout, backend, node_name, manifest, pods, node, outside):
        self.layout, self.backend, self.node_name = layout, backend, node_name
        self.manifest = manifest
        self.pods = [Wire(number, addresses) for number, addresses in enumerate(pods, 1)]
        self.outside = Wire(0, outside)
        self.own = node
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

    def _make(self):
        self.node, self.ends = netns.Namespace("node", is_node=True), netns.Namespace("wires")
        for namespace in (self.node, self.ends):
            self.stack.callback(namespace.stop)
        for namespace in (self.node, self.ends):
            namespace.wait_ready()
        self.netfilter = netfilter.Netfilter(self.node, self.backend)
        self.folder = Folder(self.node, self.manifest)
        self.ends.sysctl("net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1")
        self.node.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1",
                         "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0",
                         "net/ipv6/conf/default/accept_ra=0",
                         # An end that is only captured has no stack to answer to.
                         "net/ipv4/icmp_echo_ignore_all=1")
        self._wire()
        self.ends.call("wire_listen", names=[wire.name for wire in (*self.pods, self.outside)])
        self.node.call("local_listen")

    def _wire(self):
        bridged = self.layout == "bridge"
        lines = [f"link add pods0 address {BRIDGE} type bridge mcast_snooping 0",
                 "link set pods0 up"] if bridged else []
        for wire in (*self.pods, self.outside):
            lines += [f"link add {wire.port} address {wire.port_mac} type veth "
                      f"peer name {wire.name} address {wire.mac} netns {self.ends.pid}",
                      *([f"link set {wire.port} master pods0"] if bridged and wire in self.pods else []),
                      f"link set {wire.port} up"]
        lines.append(f"address add {self.own}/32 dev up0")
        self.node.ip(*lines)
        self.ends.ip(*(f"link set {wire.name} arp off up" for wire in (*self.pods, self.outside)))
        if bridged:
            self.node.sysctl("net/bridge/bridge-nf-call-iptables=1",
                             "net/bridge/bridge-nf-call-ip6tables=1")
        self.node.ip(*(line for wire in (*self.pods, self.outside)
                       for address in wire.addresses
                       for line in self._neighbour(wire, address)))
        if bridged:  # whom it knows not, a bridge looks for on all ports: many copies of one packet
            for wire in self.pods:
                self.node.run("bridge", "fdb", "replace", wire.mac, "dev", wire.port, "master", "static")
        self._settle()

    def _neighbour(self, wire, address):
        device = "pods0" if self.layout == "bridge" and wire in self.pods else wire.port
        source = "" if ":" in address else f" src {self.own}"
        return (f"route add {address} dev {device}{source}",
                f"neighbour replace {address} lladdr {wire.mac} nud permanent dev {device}")

    def _settle(self):
        """A bridge lets nothing through a port that it does not know as forwarding."""
        deadline = time.monotonic() + netns.ANSWER_TIMEOUT
        while time.monotonic() < deadline:
            states = self.node.run("bridge", "link").stdout
            if not re.search(r"state (disabled|listening|learning)", states):
                return
            time.sleep(0.02)
        raise netns.CommandError(f"ports that are not ready:\n{states}")

    def wire_of(self, address):
        """None for the node itself."""
        if address == self.own:
            return None
        for wire in self.pods:
            if address in wire.addresses:
                return wire
        return self.outside

    def send(self, packet, source, destination):
        """Put an IP packet on the wire of its source."""
        sender, receiver = self.wire_of(source), self.wire_of(destination)
        if sender is None:
            self.node.call("send_raw", data=packet.hex(), destination=destination)
            return
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        frame = packed(self._next_hop(sender, receiver)) + packed(sender.mac) + kind + packet
        self.ends.call("wire_send", name=sender.name, frame=frame.hex())

    def _next_hop(self, sender, receiver):
        if self.layout == "routed" or sender is self.outside:
            return sender.port_mac
        return receiver.mac if receiver in self.pods else BRIDGE

    def arrives(self, packet, destination, patience_ms):
        receiver = self.wire_of(destination)
        if receiver is None:
            return self.node.call("wire_wait", name=wires.LOCAL, packet=packet.hex(),
                                  patience_ms=patience_ms)
        return self.ends.call("wire_wait", name=receiver.name, packet=packet.hex(),
                              patience_ms=patience_ms)
