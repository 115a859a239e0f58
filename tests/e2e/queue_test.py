#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""One packet of an accepted flow is queued; its marks and others' are kept (NF-37).

Counted are the packets of the NFQUEUE rules in the chain NETPOLD-JUDGE: what
the kernel gave to user space, whatever became of it there. netpold's jumps come
before the rules of others that it finds (NF-71). The topology is drawn in
world.py.
"""

import daemon
import manifests
import netfilter
import scenario
import tap
import world

MANY = 100
FOREIGN_PACKET_MARK = 0x4000  # kube-proxy's: masquerade this
FOREIGN_FLOW_MARK = 0x80      # the AWS plugin's, in the connection mark
MARKED_PORT = 9001
JUMPS = {"OUTPUT": "NETPOLD-OUT", "POSTROUTING": "NETPOLD", "INPUT": "NETPOLD-IN"}


def judged_flows(world_, family):
    """(sentence, how to make the flow): each is accepted and answered."""
    client = world_["client"]
    web = world_.address("web", family)

    def connection(protocol, port, count):
        def make():
            client.call("open", name="flow", protocol=protocol, address=web, port=port)
            answered = client.call("ask", name="flow", count=count)
            client.call("close", name="flow")
            return answered == count
        return make

    def once(protocol, port=0, count=1):
        return lambda: client.call("try_once", protocol=protocol, address=web, port=port,
                                   timeout_ms=5000, count=count)["ok"]

    return [
        ("a TCP connection", connection("tcp", 8080, 1)),
        (f"a TCP connection with {MANY} messages each way", connection("tcp", 8080, MANY)),
        ("a UDP question and its answer", once("udp", 9000)),
        (f"{MANY} datagrams each way between the same ports", connection("udp", 9000, MANY)),
        ("an SCTP association's INIT and INIT ACK", once("sctp", 7000)),
        ("ten echoes of one ping", once("icmp", count=10)),
    ]


def check_count(tap_, world_, sentence, expected, family, make):
    before = world_.netfilter.queued(family)
    passed = make()
    queued = world_.netfilter.queued(family) - before
    tap_.equal(f"IPv{family}: {sentence}", (True, expected), (passed, queued))


def check_counts(tap_, world_):
    for family in "46":
        for what, make in judged_flows(world_, family):
            check_count(tap_, world_, f"{what}: one packet is queued", 1, family, make)
        check_count(tap_, world_, "pods without a policy: nothing is queued", 0, family,
                    lambda address=world_.address("free", family):
                    world_["guest"].call("try_once", protocol="tcp", address=address, port=8080,
                                         timeout_ms=5000)["ok"])


def put_foreign_rules(world_):
    """A packet mark and a connection mark as others set them, and who looks.

    The last rule of mangle POSTROUTING counts packets whose mark is exactly
    the foreign one: netpold must have put back what it borrowed.
    """
    rules = world_.netfilter
    for family in "46":
        match = ("-p", "udp", "--dport", str(MARKED_PORT))
        rules.change(family, "mangle", "-N", "FOREIGN-SEEN")
        rules.change(family, "mangle", "-A", "FOREIGN-SEEN", "-m", "mark", "--mark",
                     hex(FOREIGN_PACKET_MARK), "-j", "RETURN")
        rules.change(family, "mangle", "-A", "POSTROUTING", *match, "-j", "FOREIGN-SEEN")
        rules.change(family, "mangle", "-A", "INPUT", *match, "-j", "ACCEPT")
        rules.change(family, "mangle", "-A", "PREROUTING", *match, "-j", "MARK", "--or-mark",
                     hex(FOREIGN_PACKET_MARK))
        rules.change(family, "mangle", "-A", "PREROUTING", *match, "-j", "CONNMARK",
                     "--set-xmark", f"{FOREIGN_FLOW_MARK:#x}/{FOREIGN_FLOW_MARK:#x}")
        rules.change(family, "nat", "-A", "POSTROUTING", "-m", "mark", "--mark",
                     f"{FOREIGN_PACKET_MARK:#x}/{FOREIGN_PACKET_MARK:#x}", "-j", "MASQUERADE")


def check_first(tap_, world_):
    """In the chains where somebody else was first, and in the one that was empty."""
    firsts = {}
    for line in world_.netfilter.rules():
        family, table, what, chain, *rest = line.split()
        if (table, what) == ("mangle", "-A") and chain in JUMPS:
            firsts.setdefault((family, chain), " ".join(rest))
    tap_.equal("the jumps of netpold come first, before the rules that were there",
               {(family, chain): f"-j {own}" for family in "46" for chain, own in JUMPS.items()},
               firsts)


def check_marks(tap_, world_):
    """Through the queue and back: the first packet of a flow is masqueraded."""
    for family in "46":
        result = world_["client"].call("try_once", protocol="udp", port=MARKED_PORT,
                                       address=world_.address("web", family), timeout_ms=5000)
        node = world_.address("node", family)
        tap_.equal(f"IPv{family}: a packet that was queued is still masqueraded by its mark",
                   node, result["seen_as"] or result["error"])
        tap_.true(f"IPv{family}: after netpold the packet mark is the foreign one, exactly",
                  world_.netfilter.rule_packets(family, "FOREIGN-SEEN", "RETURN") > 0,
                  "packets counted", 0)
        marks = world_.netfilter.flow_marks(family, "udp", MARKED_PORT)
        foreign = [mark & ~netfilter.MARK_MASK for mark in marks]
        tap_.equal(f"IPv{family}: the foreign bit of the connection mark is kept",
                   [FOREIGN_FLOW_MARK], foreign)
        tap_.true(f"IPv{family}: netpold's own answer is in the connection mark beside it",
                  all(mark & netfilter.MARK_MASK for mark in marks), "bits under 0x107f",
                  [hex(mark) for mark in marks])


def check_world(tap_, world_):
    tap_.section(world_.name)
    put_foreign_rules(world_)
    everything = scenario.allow_clients()
    both_ends = manifests.policy("client-to-web", "shop", scenario.CLIENT,
                                 egress=[manifests.to([manifests.pods(app="web")])])
    with daemon.Daemon(world_, daemon.ASK_ALWAYS) as netpold:
        netpold.wait_in_force()
        check_first(tap_, world_)
        netpold.apply(everything)
        check_counts(tap_, world_)
        netpold.apply(everything, both_ends)
        tap_.section(f"{world_.name}, both ends isolated")
        check_counts(tap_, world_)
        check_marks(tap_, world_)


def test(tap_):
    for world_ in world.variants(scenario.specs("web", "client", "free", "guest")):
        check_world(tap_, world_)


if __name__ == "__main__":
    tap.main(test)
