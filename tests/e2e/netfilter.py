# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in the kernel of a node: rules, sets, queued packets, marks."""

import ipaddress
import re

FAMILIES = ("4", "6")
TABLES = ("mangle", "nat", "filter")
QUEUE_CHAIN = "NETPOLD-JUDGE"
STAGED_CHAIN = "NETPOLD-STAGED"
LIMITS = {"4": "ipt_hashlimit/netpold-4", "6": "ip6t_hashlimit/netpold-6"}
MARK_MASK = 0x0000107F
ANSWERS = ("netpold-allowed-", "netpold-denied-")  # names of sets begin so


class Netfilter:
    """@backend "nft" or "legacy": never both in one namespace."""

    def __init__(self, node, backend):
        self.node = node
        self.backend = backend

    def command(self, family, suffix=""):
        name = "iptables" if family == "4" else "ip6tables"
        return f"{name}-{self.backend}{suffix}"

    def change(self, family, table, *rule):
        self.node.run(self.command(family), "-w", "10", "-t", table, *rule)

    def restore(self, family, text):
        """Rules and chains to be added, as iptables-save writes them."""
        self.node.run(self.command(family, "-restore"), "-w", "10", "--noflush", stdin=text)

    def keep_tracking(self):
        """As kube-proxy does: without any rule that asks for them the kernel forgets
        connections."""
        for family in FAMILIES:
            self.change(family, "filter", "-A", "FORWARD", "-m", "conntrack", "--ctstate",
                        "ESTABLISHED,RELATED", "-j", "ACCEPT")

    def rules(self):
        """Every rule, user chain and policy in its order, without counters.

        A table without any of those is left out: one that was looked at, or
        that was emptied, is the same as one that nobody ever used.
        """
        lines = []
        for family in FAMILIES:
            save = self.node.run(self.command(family, "-save")).stdout
            table = ""
            for line in save.splitlines():
                if line.startswith("*"):
                    table = line[1:]
                elif line.startswith(":") and not line.split()[1] == "ACCEPT":
                    lines.append(f"{family} {table} {line.split('[')[0].strip()}")
                elif line.startswith("-A"):
                    lines.append(f"{family} {table} {line}")
        return lines

    def foreign_rules(self):
        return [line for line in self.rules() if "NETPOLD" not in line.upper()]

    def own_rules(self):
        return [line for line in self.rules() if "NETPOLD" in line.upper()]

    def legacy_tables(self):
        """Tables of the legacy flavour that were ever loaded in the node.

        With the nft flavour there must be none: to look at one is to load it,
        with base chains that stay and a warning at every use of iptables-nft.
        """
        return {family: sorted(self.node.run("cat", f"/proc/net/{file}").stdout.split())
                for family, file in (("4", "ip_tables_names"), ("6", "ip6_tables_names"))}

    def _counters(self, family, chain, word, table, column):
        listing = self.node.run(self.command(family), "-w", "10", "-t", table,
                                "-L", chain, "-v", "-x", "-n").stdout
        return sum(int(line.split()[column]) for line in listing.splitlines()[2:] if word in line)

    def rule_packets(self, family, chain, word, table="mangle"):
        """Packets counted by the rules of a chain that hold this word."""
        return self._counters(family, chain, word, table, 0)

    def queued(self, family):
        """Packets given to user space so far."""
        return self.rule_packets(family, QUEUE_CHAIN, "NFQUEUE")

    def copied(self):
        """Copies of packets that were sent to user space so far, of both families."""
        return sum(self.rule_packets(family, QUEUE_CHAIN, "NFLOG") for family in "46")

    def queued_for_staged(self, family):
        """The same of packets that only staged policies have asked for."""
        return self.rule_packets(family, STAGED_CHAIN, "NFQUEUE")

    def queued_bytes(self, family):
        return self._counters(family, QUEUE_CHAIN, "NFQUEUE", "mangle", 1)

    def _queues(self, column):
        """A column of what the kernel says about each queue."""
        text = self.node.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout
        return [int(line.split()[column]) for line in text.splitlines()]

    def queue_owners(self):
        """The netlink addresses of the sockets that have the queues."""
        return self._queues(1)

    def log_owners(self):
        """The netlink addresses of the sockets that have log groups."""
        text = self.node.run("cat", "/proc/net/netfilter/nfnetlink_log").stdout
        return [int(line.split()[1]) for line in text.splitlines()]

    def limited_sources(self, family):
        """The addresses for which the kernel keeps a limit now."""
        text = self.node.run("cat", f"/proc/net/{LIMITS[family]}", check=False).stdout
        return {str(ipaddress.ip_address(found))
                for found in re.findall(r"^\d+ (\S+):0->", text, re.M)}

    def waiting(self):
        """Packets that wait for a verdict now, in all queues."""
        return sum(self._queues(2))

    def waiting_least(self):
        """The same, in the queue that has fewest."""
        return min(self._queues(2))

    def untold(self):
        """Packets that were dropped because their messages found no room in a socket."""
        return sum(self._queues(6))

    def entries(self):
        """How many places in queues were taken so far, by packets or pieces of them."""
        return sum(self._queues(7))

    def refused(self):
        """Packets that found a queue full."""
        return sum(self._queues(5))

    def dropped(self):
        """Packets that found a queue full, or were untold."""
        return self.refused() + self.untold()

    def sets(self, answers=False):
        """
        {name: sorted members}

        @answers  also those of sets of answers, which come and go with what is asked
        """
        result = {}
        for part in re.split(r"^Name: ", self.node.run("ipset", "list").stdout, flags=re.M)[1:]:
            name, rest = part.split("\n", 1)
            members = rest.split("Members:\n", 1)[1]
            result[name] = sorted(line.split()[0] for line in members.splitlines() if line)
            if not answers and name.startswith(ANSWERS):
                result[name] = []
        return result

    def marks(self):
        """The marks of all connections."""
        result = []
        for family in ("ipv4", "ipv6"):
            table = self.node.run("conntrack", "-L", "-f", family).stdout
            result += [int(mark) for mark in re.findall(r"mark=(\d+)", table)]
        return result

    def flow_marks(self, family, protocol, port):
        """The marks of connections of one protocol to one port, as opened."""
        table = self.node.run("conntrack", "-L", "-f", f"ipv{family}", "-p", protocol,
                              "--orig-port-dst", str(port)).stdout
        return [int(mark) for mark in re.findall(r"mark=(\d+)", table)]
