# SPDX-License-Identifier: GPL-2.0-or-later
"""The shop: pods and policies that the tests share.

    pod      namespace  what its policies say
    web      shop       ingress: from pods of the shop that are app=client, on
                        the port named http, UDP 9000 and 9002, SCTP 7000
    db       shop       ingress: from 192.0.2.0/24 except 192.0.2.64/26, and
                        the like of IPv6; no ports, so every protocol
    sender   shop       egress: to web on TCP 8080; it is app=client
    pinger   shop       egress: to free, any protocol
    vault    shop       ingress: from every pod of namespaces team=guests
    loner    shop       nothing in, nothing out
    talker   shop       egress: to the node's own address on TCP 8080
    client   shop       no policy; it is app=client
    free     shop       no policy
    guest    guests     no policy; it is app=client, in another namespace
"""

from manifests import block, namespaces, pods, policy, port, rule, to
from world import GATEWAY, PodSpec

HTTP = (("http", 8080, "TCP"), ("alt", 8081, "TCP"))
SERVERS = (("tcp", 8080), ("tcp", 8081), ("udp", 9000), ("udp", 9001), ("sctp", 7000),
           ("sctp", 7001))
CLIENT = {"app": "client"}

SERVICE = {"4": "10.96.0.10", "6": "fd96::10"}


def specs(*names):
    """The pods of the shop, or only those named."""
    everyone = [
        PodSpec("web", labels={"app": "web"}, ports=HTTP, listens=SERVERS),
        PodSpec("db", labels={"app": "db"}, listens=SERVERS),
        PodSpec("sender", labels={**CLIENT, "role": "sender"}, listens=SERVERS),
        PodSpec("pinger", labels={"app": "pinger"}),
        PodSpec("vault", labels={"app": "vault"}, listens=SERVERS),
        PodSpec("loner", labels={"app": "loner"}, listens=SERVERS),
        PodSpec("talker", labels={"app": "talker"}),
        PodSpec("client", labels=CLIENT),
        PodSpec("free", labels={"app": "free"}, listens=SERVERS),
        PodSpec("guest", namespace="guests", labels=CLIENT),
    ]
    return [spec for spec in everyone if not names or spec.name in names]


def outside_blocks():
    return [block("192.0.2.0/24", "192.0.2.64/26"),
            block("2001:db8:2::/64", "2001:db8:2::40/122")]


def allow_clients(*ports):
    """The policy of web, with whatever ports."""
    return policy("web-from-clients", "shop", {"app": "web"},
                  ingress=[rule([pods(**CLIENT)], ports)])


WEB_PORTS = (port("http"), port(9000, "UDP"), port(9002, "UDP"), port(7000, "SCTP"))


def policies():
    """All of the table above."""
    return [
        allow_clients(*WEB_PORTS),
        policy("db-from-outside", "shop", {"app": "db"}, ingress=[rule(outside_blocks())]),
        policy("sender-to-web", "shop", {"role": "sender"},
               egress=[to([pods(app="web")], [port(8080)])]),
        policy("pinger-to-free", "shop", {"app": "pinger"}, egress=[to([pods(app="free")])]),
        policy("vault-from-guests", "shop", {"app": "vault"},
               ingress=[rule([namespaces(team="guests")])]),
        policy("nothing", "shop", {"app": "loner"}, ingress=[], egress=[]),
        policy("talker-to-node", "shop", {"app": "talker"},
               egress=[to([block(f"{GATEWAY['4']}/32"), block(f"{GATEWAY['6']}/128")],
                          [port(8080)])]),
    ]
